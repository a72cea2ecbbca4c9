//! Images with a class per pixel, in folders.

mod support;

use std::fs;
use std::path::Path;

use cotangent_data::{
    DataSource, Dataset, Encoding, MaskError, NO_CLASS, Options, Silent, Wanted, encode_mask, load,
    load_masks, resize_mask,
};
use image::{GrayImage, Luma, RgbImage};

/// An image of one shade and a mask of class `shade % 2`, but for the first pixel, which has the other.
fn write_pair(part: &Path, name: &str, shade: u8, [height, width]: [u32; 2]) {
    for folder in ["images", "masks"] {
        fs::create_dir_all(part.join(folder)).unwrap();
    }
    let image = GrayImage::from_pixel(width, height, Luma([shade]));
    image.save(part.join("images").join(format!("{name}.png"))).unwrap();
    let mut mask = GrayImage::from_pixel(width, height, Luma([shade % 2]));
    mask.put_pixel(0, 0, Luma([1 - shade % 2]));
    mask.save(part.join("masks").join(format!("{name}.png"))).unwrap();
}

fn write_pairs(part: &Path, shades: std::ops::Range<u8>) {
    shades.for_each(|shade| write_pair(part, &format!("{shade}"), shade, [4, 6]));
}

fn load_pairs(dir: &Path) -> Result<Dataset, MaskError> {
    load_masks(dir, [4, 6, 1], 2)
}

fn error(dir: &Path) -> String {
    load_pairs(dir).unwrap_err().to_string()
}

/// A PNG as it is, the bits of each row packed.
fn write_png(
    path: &Path,
    size: [u32; 2],
    colour: png::ColorType,
    depth: png::BitDepth,
    data: &[u8],
) {
    let file = fs::File::create(path).unwrap();
    let mut encoder = png::Encoder::new(file, size[1], size[0]);
    encoder.set_color(colour);
    encoder.set_depth(depth);
    if colour == png::ColorType::Indexed {
        encoder.set_palette(vec![7; 48]);
    }
    encoder.write_header().unwrap().write_image_data(data).unwrap();
}

#[test]
fn each_pixel_has_its_class() {
    let dir = tempfile::tempdir().unwrap();
    write_pairs(dir.path(), 0..20);
    fs::write(dir.path().join("README.md"), "beside the folders, anything may lie").unwrap();
    let data = load_pairs(dir.path()).unwrap();
    assert_eq!((data.example_shape(), data.target_shape()), (&[4, 6, 1][..], &[4, 6, 2][..]));
    assert_eq!((data.train().len(), data.test().len(), data.classes()), (18, 2, 2));
    assert!(data.train().labels().is_empty() && data.train().label(0).is_none());
    for split in [data.train(), data.test()] {
        for i in 0..split.len() {
            let (image, mask) = (split.image(i).unwrap(), split.mask(i).unwrap());
            let class = image[0] % 2;
            assert_eq!(mask[0], 1 - class);
            assert!(mask.len() == 24 && mask[1..].iter().all(|&c| c == class), "{mask:?}");
        }
    }
    assert!(data.train().mask(18).is_none());
    assert!(matches!(data.encoding(), Encoding::Images { mean, .. } if mean.len() == 1));
    assert_eq!(load_pairs(dir.path()).unwrap(), data);
    // Which are held out is settled by their names.
    let held: Vec<u8> = (0..2).map(|i| data.test().image(i).unwrap()[0]).collect();
    assert_eq!(held, HELD_OUT);
}

const HELD_OUT: [u8; 2] = [10, 4];

#[test]
fn folders_for_training_and_validation() {
    let dir = tempfile::tempdir().unwrap();
    write_pairs(&dir.path().join("train"), 0..4);
    write_pairs(&dir.path().join("val"), 10..13);
    let data = load_pairs(dir.path()).unwrap();
    assert_eq!((data.train().len(), data.test().len()), (4, 3));
    fs::remove_dir_all(dir.path().join("val/masks")).unwrap();
    let error = error(dir.path());
    assert!(error.contains("val/masks: no such folder") && error.contains("PNG"), "{error}");
}

#[test]
fn masks_take_the_nearest_class_of_the_networks_size() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    // Twice the size in each direction, of classes that a mean would mix up.
    write_pair(d, "a", 9, [4, 4]);
    write_pair(d, "b", 9, [4, 4]);
    for name in ["a", "b"] {
        let classes = [0, 0, 2, 2, 0, 0, 2, 2, 2, 2, 0, 0, 2, 2, 255, 255];
        let mask = GrayImage::from_raw(4, 4, classes.to_vec()).unwrap();
        mask.save(d.join(format!("masks/{name}.png"))).unwrap();
    }
    let data = load_masks(d, [2, 2, 3], 3).unwrap();
    assert_eq!(data.train().mask(0).unwrap(), [0, 2, 2, NO_CLASS]);
    // The centre of every pixel, larger and smaller.
    assert_eq!(resize_mask(&[1, 2], [1, 2], [2, 4]), [1, 1, 2, 2, 1, 1, 2, 2]);
    assert_eq!(resize_mask(&[1, 2, 3], [1, 3], [1, 2]), [1, 3]);
    assert_eq!(resize_mask(&[1, 2, 3, 4, 5], [5, 1], [1, 1]), [3]);
}

#[test]
fn values_are_read_as_they_are_stored() {
    use png::{BitDepth, ColorType};
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    for (colour, depth, data, classes, expected) in [
        (
            ColorType::Grayscale,
            BitDepth::One,
            &[0b0110_0000, 0b1010_0000][..],
            2,
            [0, 1, 1, 1, 0, 1],
        ),
        (ColorType::Grayscale, BitDepth::Two, &[0b0001_1000, 0b1100_0100], 4, [0, 1, 2, 3, 0, 1]),
        (ColorType::Indexed, BitDepth::Four, &[0x01, 0x20, 0x34, 0x50], 6, [0, 1, 2, 3, 4, 5]),
        (ColorType::Indexed, BitDepth::Eight, &[0, 1, 2, 3, 4, 15], 16, [0, 1, 2, 3, 4, 15]),
        (
            ColorType::Grayscale,
            BitDepth::Sixteen,
            &[0, 1, 0, 0, 0, 255, 0, 9, 0, 0, 0, 0],
            10,
            [1, 0, 255, 9, 0, 0],
        ),
    ] {
        for name in ["a", "b"] {
            write_pair(d, name, 9, [2, 3]);
            write_png(&d.join(format!("masks/{name}.png")), [2, 3], colour, depth, data);
        }
        let data = load_masks(d, [2, 3, 1], classes).unwrap();
        assert_eq!(data.train().mask(0).unwrap(), expected, "{colour:?} {depth:?}");
    }
    // What is written is read.
    let classes = [0, 1, 20, 254, 255, 7];
    for name in ["a", "b"] {
        fs::write(d.join(format!("masks/{name}.png")), encode_mask(&classes, [2, 3]).unwrap())
            .unwrap();
    }
    assert_eq!(load_masks(d, [2, 3, 1], 255).unwrap().train().mask(0).unwrap(), classes);
    let picture = image::open(d.join("masks/a.png")).unwrap().into_rgb8();
    assert_eq!((picture.get_pixel(1, 0).0, picture.get_pixel(2, 0).0), ([128, 0, 0], [0, 64, 128]));
    assert!(encode_mask(&classes, [2, 2]).is_err() && encode_mask(&[], [0, 0]).is_err());
}

#[test]
fn wrong_masks_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    let good = || {
        let _ = fs::remove_dir_all(d.join("images"));
        let _ = fs::remove_dir_all(d.join("masks"));
        write_pairs(d, 0..4);
        assert!(load_pairs(d).is_ok());
    };
    let mask = d.join("masks/2.png");

    good();
    let mut wrong = GrayImage::new(6, 4);
    wrong.put_pixel(5, 3, Luma([2]));
    wrong.save(&mask).unwrap();
    let text = error(d);
    for part in
        ["masks/2.png", "row 3, column 5", "class 2, expected 0 to 1, or 255", "--classes 3"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    // 16 bits are not cut to 8.
    image::ImageBuffer::from_pixel(6, 4, Luma([256u16])).save(&mask).unwrap();
    assert!(error(d).contains("class 256, expected 0 to 1") && error(d).contains("at most 255"));

    GrayImage::new(4, 6).save(&mask).unwrap();
    let text = error(d);
    assert!(text.contains("2.png: the mask has 6 x 4 pixels, but its image 4 x 6"), "{text}");

    RgbImage::new(6, 4).save(&mask).unwrap();
    let text = error(d);
    assert!(text.contains("2.png: it has 3 channels, expected 1, grey or a palette"), "{text}");

    let whole = fs::read(d.join("masks/1.png")).unwrap();
    for bytes in [&whole[..whole.len() / 2], b"junk", b""] {
        fs::write(&mask, bytes).unwrap();
        let text = error(d);
        assert!(text.contains("masks/2.png: ") && text.contains("give a PNG"), "{text}");
    }

    fs::remove_file(&mask).unwrap();
    let text = error(d);
    assert!(text.contains("images/2.png: the image has no mask"), "{text}");
    assert!(text.contains("expected") && text.contains("masks/2.png"), "{text}");

    good();
    fs::remove_file(d.join("images/2.png")).unwrap();
    assert!(error(d).contains("masks/2.png: the mask is of no image"), "{}", error(d));

    good();
    fs::write(d.join("masks/2.txt"), "").unwrap();
    assert!(error(d).contains("2.txt: found something else than PNG files"), "{}", error(d));
    fs::remove_file(d.join("masks/2.txt")).unwrap();
    fs::create_dir(d.join("images/more")).unwrap();
    assert!(error(d).contains("more: found something else than PNG and JPEG"), "{}", error(d));

    good();
    RgbImage::new(6, 4).save(d.join("images/2.jpg")).unwrap();
    let text = error(d);
    assert!(text.contains("2.jpg and ") && text.contains("2.png have one name"), "{text}");

    // A foreground written as 255 is of no class.
    good();
    for i in 0..4 {
        let mut mask = GrayImage::new(6, 4);
        mask.put_pixel(1, 1, Luma([255]));
        mask.save(d.join(format!("masks/{i}.png"))).unwrap();
    }
    let text = error(d);
    assert!(text.contains("of class 0, so there is nothing to learn"), "{text}");
    assert!(text.contains("write class 1 as 1"), "{text}");
    for i in 0..4 {
        GrayImage::from_pixel(6, 4, Luma([255])).save(d.join(format!("masks/{i}.png"))).unwrap();
    }
    let text = error(d);
    assert!(text.contains("no pixel of the training split is of a class"), "{text}");

    good();
    for i in 1..4 {
        fs::remove_file(d.join(format!("images/{i}.png"))).unwrap();
        fs::remove_file(d.join(format!("masks/{i}.png"))).unwrap();
    }
    assert!(error(d).contains("a single image") && error(d).contains("val/masks"), "{}", error(d));
    fs::remove_file(d.join("images/0.png")).unwrap();
    assert!(error(d).contains("images: no PNG or JPEG files"), "{}", error(d));
}

#[test]
fn the_networks_output_decides_what_a_folder_is() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    write_pairs(d, 0..10);
    let load_from = |source: DataSource, target: &[usize]| {
        let options = Options { data_dir: d.into(), offline: true, ..Options::from_env() };
        let wanted = Wanted { input: &[4, 6, 1], target, encoding: None };
        load(&source, &wanted, &options, &mut Silent)
    };
    let here = || DataSource::Dir(d.into());
    assert_eq!(load_from(here(), &[4, 6, 2]).unwrap().dataset.target_shape(), [4, 6, 2]);
    assert_eq!(load_from(DataSource::Auto, &[4, 6, 2]).unwrap().notice, None);
    // Images and masks are no two classes.
    let text = load_from(here(), &[2]).unwrap_err().to_string();
    assert!(text.contains("holds images with masks") && text.contains(": images"), "{text}");
    // Folders of classes are no masks.
    support::write_folders(&d.join("photos"), &[("cat", 3), ("dog", 2)]);
    let text = load_from(DataSource::Dir(d.join("photos")), &[4, 6, 2]).unwrap_err().to_string();
    assert!(text.contains("holds images in folders"), "{text}");
    assert!(text.contains("images with masks"), "{text}");
    fs::create_dir(d.join("none")).unwrap();
    let text = load_from(DataSource::Dir(d.join("none")), &[4, 6, 2]).unwrap_err().to_string();
    assert!(text.contains("no images with masks here") && text.contains("a PNG mask"), "{text}");
    // Scenes are no smaller than 8 x 8.
    let wanted = Wanted { input: &[8, 8, 3], target: &[8, 8, 4], encoding: None };
    let options = Options { data_dir: d.join("none"), offline: true, ..Options::from_env() };
    let options = Options {
        synthetic: cotangent_data::SyntheticConfig { train: 9, test: 3, seed: 0 },
        ..options
    };
    let loaded = load(&DataSource::Auto, &wanted, &options, &mut Silent).unwrap();
    let notice = loaded.notice.unwrap();
    assert!(notice.contains("no images with masks in") && notice.contains("scenes"), "{notice}");
    assert_eq!(
        (loaded.dataset.name(), loaded.dataset.target_shape()),
        ("synthetic", &[8, 8, 4][..])
    );
}
