//! Small IDX files for the tests to break.
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
