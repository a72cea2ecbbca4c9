//! The IDX reader: what it reads, and how it refuses each kind of bad file.

mod support;

use std::path::PathBuf;

use cotangent_data::{DirError, IdxError, load_idx_dir, read_images, read_labels};
use support::{gzip, idx, images, labels, write_set};
use tempfile::TempDir;

/// A file with these bytes; the folder lives as long as the result.
fn file(bytes: &[u8]) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("some-file");
    std::fs::write(&path, bytes).unwrap();
    (dir, path)
}

fn images_error(bytes: &[u8]) -> IdxError {
    let (_dir, path) = file(bytes);
    let error = read_images(&path).unwrap_err();
    assert!(error.to_string().contains("some-file"), "{error} does not name the file");
    error
}

fn labels_error(bytes: &[u8]) -> IdxError {
    let (_dir, path) = file(bytes);
    let error = read_labels(&path, 10).unwrap_err();
    assert!(error.to_string().contains("some-file"), "{error} does not name the file");
    error
}

#[test]
fn reads_plain_and_gzip_alike() {
    let (_a, plain) = file(&images(4));
    let (_b, packed) = file(&gzip(&images(4)));
    let read = read_images(&plain).unwrap();
    assert_eq!((read.count, read.rows, read.cols), (4, 2, 3));
    assert_eq!(read.pixels, (0..24).collect::<Vec<u8>>());
    assert_eq!(read_images(&packed).unwrap(), read);

    let (_c, path) = file(&gzip(&labels(4)));
    assert_eq!(read_labels(&path, 10).unwrap(), [0, 1, 2, 3]);
}

#[test]
fn truncated_files() {
    let whole = images(4);
    for bytes in [whole[..39].to_vec(), gzip(&whole[..39])] {
        let error = images_error(&bytes);
        assert!(matches!(error, IdxError::Truncated { expected: 24, found: 23, .. }), "{error}");
        assert!(error.to_string().contains("fetch the file again"), "{error}");
    }
    assert!(matches!(
        images_error(&whole[..10]),
        IdxError::TruncatedHeader { found: 10, expected: 16, .. }
    ));
    assert!(matches!(images_error(b""), IdxError::TruncatedHeader { found: 0, .. }));
    assert!(matches!(
        labels_error(&labels(4)[..6]),
        IdxError::TruncatedHeader { found: 6, expected: 8, .. }
    ));
}

#[test]
fn trailing_bytes() {
    let mut long = labels(4);
    long.push(0);
    for bytes in [gzip(&long), long] {
        assert!(matches!(labels_error(&bytes), IdxError::Trailing { expected: 4, .. }));
    }
    let mut after_gzip = gzip(&labels(4));
    after_gzip.extend(b"more");
    assert!(matches!(labels_error(&after_gzip), IdxError::Gzip { .. }));
}

#[test]
fn damaged_gzip() {
    let good = gzip(&images(4));
    let cut = &good[..good.len() - 9];
    assert!(matches!(images_error(cut), IdxError::Gzip { .. }));
    // The last eight bytes are checksum and length.
    let mut checksum = good.clone();
    let at = checksum.len() - 6;
    checksum[at] ^= 1;
    assert!(matches!(images_error(&checksum), IdxError::Gzip { .. }));
    let mut body = good;
    body[12] ^= 0xff;
    assert!(matches!(images_error(&body), IdxError::Gzip { .. }));
}

/// A cut is refused wherever it falls, and a flipped bit unless it carries no data.
#[test]
fn damage_never_changes_what_is_read() {
    let good = gzip(&images(4));
    let (_dir, path) = file(&good);
    let original = read_images(&path).unwrap();
    for length in 0..good.len() {
        std::fs::write(&path, &good[..length]).unwrap();
        assert!(read_images(&path).is_err(), "cut to {length} bytes");
    }
    let mut tolerated = 0;
    for bit in 0..8 * good.len() {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        std::fs::write(&path, &bad).unwrap();
        if let Ok(read) = read_images(&path) {
            assert_eq!(read, original, "bit {bit}");
            tolerated += 1;
        }
    }
    // Time stamp, flags and system of the gzip header; the bits that fill up the last byte.
    assert!(tolerated <= 8 * 7 + 7, "{tolerated} flipped bits went unnoticed");
}

#[test]
fn swapped_files() {
    let error = images_error(&labels(4));
    assert!(matches!(error, IdxError::LabelsGivenAsImages { .. }));
    assert!(error.to_string().contains("swapped"));
    assert!(matches!(labels_error(&gzip(&images(4))), IdxError::ImagesGivenAsLabels { .. }));
}

#[test]
fn other_formats() {
    let error = images_error(b"\x89PNG\r\n\x1a\n");
    assert!(matches!(error, IdxError::Magic { found: [0x89, b'P', b'N', b'G'], .. }));
    let mut floats = images(1);
    floats[2] = 0x0d;
    let error = images_error(&floats);
    assert!(matches!(error, IdxError::Dtype { found: 0x0d, .. }));
    assert!(error.to_string().contains("32-bit float"), "{error}");
    let error = images_error(&idx(&[1, 1, 1, 1], &[0]));
    assert!(matches!(error, IdxError::Dimensions { found: 4, expected: 3, .. }));
    let (dir, _) = file(b"");
    assert!(matches!(read_images(&dir.path().join("absent")), Err(IdxError::Io { .. })));
}

/// Headers that promise far more than the file holds are refused before memory is taken for it.
#[test]
fn bogus_sizes() {
    let huge = idx(&[u32::MAX, 1 << 16, 1 << 8], &[1, 2, 3]);
    for bytes in [gzip(&huge), huge] {
        let error = images_error(&bytes);
        assert!(matches!(error, IdxError::Truncated { found: 3, .. }), "{error}");
    }
    assert!(matches!(images_error(&idx(&[u32::MAX; 3], &[])), IdxError::Size { .. }));
    assert!(matches!(images_error(&idx(&[3, 0, 5], &[])), IdxError::Size { .. }));
}

#[test]
fn labels_out_of_range() {
    let error = labels_error(&idx(&[3], &[9, 10, 0]));
    assert!(
        matches!(error, IdxError::LabelOutOfRange { index: 1, label: 10, classes: 10, .. }),
        "{error}"
    );
}

#[test]
fn a_directory_of_four_files() {
    let dir = tempfile::tempdir().unwrap();
    let nested = dir.path().join("mnist");
    write_set(&nested);
    for dir in [dir.path(), &nested] {
        let data = load_idx_dir(dir).unwrap();
        assert_eq!(
            (data.name(), data.example_shape(), data.classes()),
            ("mnist", &[2, 3, 1][..], 10)
        );
        assert_eq!((data.train().len(), data.test().len()), (7, 3));
        assert_eq!(data.train().image(1), Some(&[6, 7, 8, 9, 10, 11][..]));
        assert_eq!(data.test().label(2), Some(2));
    }
}

#[test]
fn classes_are_as_many_as_the_labels_say() {
    let dir = tempfile::tempdir().unwrap();
    write_set(dir.path());
    std::fs::write(dir.path().join("train-labels-idx1-ubyte"), idx(&[7], &[0, 1, 46, 3, 4, 5, 6]))
        .unwrap();
    let data = load_idx_dir(dir.path()).unwrap();
    assert_eq!(data.classes(), 47);
    assert_eq!(data.clone().with_classes(62).unwrap().classes(), 62);
    let error = data.with_classes(46).unwrap_err().to_string();
    assert!(error.contains("training example 2 is 46, expected 0 to 45"), "{error}");
}

#[test]
fn directories_that_do_not_fit() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path();
    let missing = |expected: &str| {
        let error = load_idx_dir(path).unwrap_err();
        assert!(matches!(&error, DirError::Missing { file, .. } if file == expected), "{error}");
        assert!(error.to_string().contains(&*path.to_string_lossy()), "{error}");
    };
    missing("train-images-idx3-ubyte");
    write_set(path);
    std::fs::remove_file(path.join("t10k-labels-idx1-ubyte.gz")).unwrap();
    missing("t10k-labels-idx1-ubyte");

    std::fs::write(path.join("t10k-labels-idx1-ubyte"), labels(4)).unwrap();
    let error = load_idx_dir(path).unwrap_err();
    assert!(
        matches!(error, DirError::Idx(IdxError::CountMismatch { expected: 3, found: 4, .. })),
        "{error}"
    );

    std::fs::write(path.join("t10k-labels-idx1-ubyte"), labels(3)).unwrap();
    std::fs::write(path.join("t10k-images-idx3-ubyte"), idx(&[3, 1, 1], &[0; 3])).unwrap();
    let error = load_idx_dir(path).unwrap_err();
    assert!(matches!(error, DirError::Idx(IdxError::ShapeMismatch { .. })), "{error}");

    let error = load_idx_dir(&path.join("absent")).unwrap_err();
    assert!(matches!(error, DirError::NotADirectory { .. }), "{error}");
}
