//! Small files of every format for the tests to break.
#![allow(dead_code)] // each test file uses its part

use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

/// An IDX file of unsigned bytes.
pub fn idx(dims: &[u32], data: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 8, dims.len() as u8];
    for d in dims {
        file.extend(d.to_be_bytes());
    }
    file.extend(data);
    file
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gz = GzEncoder::new(Vec::new(), Compression::default());
    gz.write_all(bytes).unwrap();
    gz.finish().unwrap()
}

/// `count` images of 2 x 3 with pixels 0, 1, 2, …
pub fn images(count: u32) -> Vec<u8> {
    idx(&[count, 2, 3], &(0..count * 6).map(|p| p as u8).collect::<Vec<_>>())
}

/// Labels 0, 1, 2, …
pub fn labels(count: u32) -> Vec<u8> {
    idx(&[count], &(0..count).map(|l| (l % 10) as u8).collect::<Vec<_>>())
}

/// Writes a whole data set: 7 training and 3 test images, partly gzip.
pub fn write_set(dir: &Path) {
    std::fs::create_dir_all(dir).unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(dir.join(name), bytes).unwrap();
    write("train-images-idx3-ubyte.gz", &gzip(&images(7)));
    write("train-labels-idx1-ubyte", &labels(7));
    write("t10k-images-idx3-ubyte", &images(3));
    write("t10k-labels-idx1-ubyte.gz", &gzip(&labels(3)));
}

/// `count` records of CIFAR-10: image `i` has label `(first + i) % 10`, and its pixel `p` is red
/// `first + i`, green `p % 256`, blue `p / 256`.
pub fn cifar10(first: usize, count: usize) -> Vec<u8> {
    let mut file = Vec::new();
    for i in first..first + count {
        file.push((i % 10) as u8);
        file.extend([i as u8; 1024]);
        file.extend((0..1024).map(|p| (p % 256) as u8));
        file.extend((0..1024).map(|p| (p / 256) as u8));
    }
    file
}

/// Writes a whole CIFAR-10 of `count` images per file, partly gzip; the images are numbered through.
pub fn write_cifar10(dir: &Path, count: usize) {
    std::fs::create_dir_all(dir).unwrap();
    for (k, name) in cotangent_data::CIFAR10_FILES.iter().enumerate() {
        let bytes = cifar10(k * count, count);
        match k % 2 {
            0 => std::fs::write(dir.join(name), bytes).unwrap(),
            _ => std::fs::write(dir.join(format!("{name}.gz")), gzip(&bytes)).unwrap(),
        }
    }
    std::fs::write(dir.join("batches.meta.txt"), "airplane\n").unwrap();
}

/// Writes folders of images: class `k` has the shade `80 * (k + 1)`; sizes differ, and the files are
/// PNG and JPEG, grey and colour.
pub fn write_folders(dir: &Path, classes: &[(&str, usize)]) {
    for (k, (class, count)) in classes.iter().enumerate() {
        let folder = dir.join(class);
        std::fs::create_dir_all(&folder).unwrap();
        let shade = (80 * (k + 1)) as u8;
        for i in 0..*count {
            let size = (5 + i as u32, 9 + 2 * i as u32);
            let grey = image::GrayImage::from_pixel(size.0, size.1, image::Luma([shade]));
            let colour = image::RgbImage::from_pixel(size.0, size.1, image::Rgb([shade; 3]));
            match i % 3 {
                0 => grey.save(folder.join(format!("{i}.png"))).unwrap(),
                1 => colour.save(folder.join(format!("{i}.JPG"))).unwrap(),
                _ => colour.save(folder.join(format!("{i}.png"))).unwrap(),
            }
        }
    }
}
