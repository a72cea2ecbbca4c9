//! Images in folders.

mod support;

use std::fs;
use std::path::Path;

use cotangent_data::{Dataset, Encoding, FolderError, load_image_folders};
use support::write_folders;

fn load(dir: &Path, image: [usize; 3]) -> Result<Dataset, FolderError> {
    load_image_folders(dir, image, None)
}

fn names(classes: &[&str]) -> Vec<String> {
    classes.iter().map(|c| c.to_string()).collect()
}

#[test]
fn files_of_any_size_become_images_of_one() {
    let dir = tempfile::tempdir().unwrap();
    write_folders(dir.path(), &[("a cat", 24), ("dog", 3), ("eel", 1)]);
    fs::write(dir.path().join("dog/notes.txt"), "not an image").unwrap();
    fs::write(dir.path().join("README.md"), "not a class").unwrap();
    fs::create_dir(dir.path().join(".hidden")).unwrap();
    for image in [[4, 6, 3], [7, 7, 1]] {
        let data = load(dir.path(), image).unwrap();
        assert_eq!((data.example_shape(), data.target_shape()), (&image[..], &[3][..]));
        // One in ten of each class is held out; of a single image none.
        let count = |labels: &[u16], k| labels.iter().filter(|&&l| l == k).count();
        let counts = |labels| [0, 1, 2].map(|k| count(labels, k));
        assert_eq!(counts(data.train().labels()), [22, 2, 1]);
        assert_eq!(counts(data.test().labels()), [2, 1, 0]);
        for split in [data.train(), data.test()] {
            for i in 0..split.len() {
                let shade = 80 * (split.label(i).unwrap() + 1);
                // JPEG is not exact.
                let near = |p: &u8| u16::from(*p).abs_diff(shade) <= 2;
                assert!(split.image(i).unwrap().iter().all(near), "{image:?} {i}");
            }
        }
        let Encoding::Images { classes, mean, .. } = data.encoding() else { panic!() };
        assert_eq!((classes, mean.len()), (&names(&["a cat", "dog", "eel"]), image[2]));
        assert_eq!(load(dir.path(), image).unwrap(), data);
    }
}

/// Which images are held out is settled by their names, so that a run elsewhere holds out the same.
#[test]
fn held_out_images_are_pinned() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("k");
    fs::create_dir_all(&folder).unwrap();
    for i in 0..20u8 {
        image::GrayImage::from_pixel(1, 1, image::Luma([i]))
            .save(folder.join(format!("{i}.png")))
            .unwrap();
    }
    let data = load(dir.path(), [1, 1, 1]).unwrap();
    assert_eq!(data.test().images(), HELD_OUT);
    let all: std::collections::BTreeSet<&u8> =
        data.train().images().iter().chain(data.test().images()).collect();
    assert_eq!(all.len(), 20);
}

const HELD_OUT: [u8; 2] = [17, 3];

#[test]
fn folders_for_training_and_validation() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    write_folders(&d.join("train"), &[("cat", 5), ("dog", 4)]);
    write_folders(&d.join("val"), &[("cat", 1), ("dog", 2)]);
    let data = load(d, [4, 4, 3]).unwrap();
    assert_eq!(data.train().labels(), [0, 0, 0, 0, 0, 1, 1, 1, 1]);
    assert_eq!(data.test().labels(), [0, 1, 1]);
    // A class that is not trained on.
    write_folders(&d.join("val"), &[("eel", 1)]);
    let error = load(d, [4, 4, 3]).unwrap_err();
    assert!(matches!(&error, FolderError::NoSuchClass { class, .. } if class == "eel"), "{error}");
    assert!(error.to_string().contains("`cat`, `dog`"), "{error}");
    // Classes that are given, as those of weights: their order, and no others.
    let given = names(&["eel", "dog", "cow", "cat"]);
    let data = load_image_folders(d, [4, 4, 3], Some(&given)).unwrap();
    assert_eq!((data.classes(), data.test().labels()), (4, &[3, 1, 1, 0][..]));
    let error = load_image_folders(d, [4, 4, 3], Some(&names(&["cat", "eel"]))).unwrap_err();
    assert!(error.to_string().contains("no class `dog`; the classes are `cat`, `eel`"), "{error}");
}

#[test]
fn folders_that_are_no_data_set() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    assert!(matches!(load(d, [4, 4, 3]), Err(FolderError::NoClasses { .. })));
    assert!(matches!(load(&d.join("none"), [4, 4, 3]), Err(FolderError::Io { .. })));
    write_folders(d, &[("cat", 1)]);
    assert!(matches!(load(d, [4, 4, 3]), Err(FolderError::NoValidation { .. })));
    write_folders(d, &[("cat", 4)]);
    assert!(load(d, [4, 4, 3]).is_ok());
    fs::create_dir(d.join("dog")).unwrap();
    let error = load(d, [4, 4, 3]).unwrap_err();
    assert!(matches!(&error, FolderError::EmptyClass { dir } if dir.ends_with("dog")), "{error}");
    // Cut in half, a file is named.
    let whole = fs::read(d.join("cat/0.png")).unwrap();
    fs::write(d.join("dog/half.png"), &whole[..whole.len() / 2]).unwrap();
    let error = load(d, [4, 4, 3]).unwrap_err().to_string();
    assert!(error.contains("half.png") && error.contains("PNG or JPEG"), "{error}");
    fs::remove_dir_all(d.join("dog")).unwrap();
    let error = load(d, [4, 4, 2]).unwrap_err().to_string();
    assert!(error.contains("2 channels"), "{error}");
}
