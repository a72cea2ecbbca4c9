//! CIFAR-10: small files made here, and the real ones where they are at hand.
#![allow(clippy::print_stderr)] // to say that they are not

mod support;

use std::path::Path;

use cotangent_data::{Augment, CifarError, Encoding, load_cifar10_dir};
use sha2::{Digest, Sha256};
use support::{cifar10, gzip, write_cifar10};

#[test]
fn records_become_images_with_channels_last() {
    let dir = tempfile::tempdir().unwrap();
    write_cifar10(dir.path(), 3);
    let data = load_cifar10_dir(dir.path()).unwrap();
    assert_eq!((data.name(), data.default_augment()), ("cifar10", Augment::FlipCrop));
    assert_eq!((data.example_shape(), data.target_shape()), (&[32, 32, 3][..], &[10][..]));
    assert_eq!(data.train().labels(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2, 3, 4]);
    assert_eq!(data.test().labels(), [5, 6, 7]);
    let image = data.train().image(14).unwrap();
    for p in 0..1024 {
        let expected = [14, (p % 256) as u8, (p / 256) as u8];
        assert_eq!(image[3 * p..3 * p + 3], expected, "pixel {p}");
    }
    let Encoding::Images { mean, classes, .. } = data.encoding() else { panic!() };
    assert!((mean[0] - 7.0 / 255.0).abs() < 1e-6 && (mean[1] - 0.5).abs() < 1e-6, "{mean:?}");
    assert_eq!((classes.len(), &*classes[9]), (10, "truck"));
}

#[test]
fn damaged_files_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    write_cifar10(d, 2);
    let with = |name: &str, bytes: &[u8]| {
        let path = d.join(name);
        let before = std::fs::read(&path).unwrap();
        std::fs::write(&path, bytes).unwrap();
        let error = load_cifar10_dir(d).unwrap_err();
        std::fs::write(&path, before).unwrap();
        assert!(error.to_string().contains(name), "{error}");
        error
    };
    let whole = cifar10(0, 2);
    let error = with("data_batch_3.bin", &whole[..whole.len() - 1]);
    assert!(matches!(error, CifarError::Truncated { found: 6145, .. }), "{error}");
    assert!(matches!(with("test_batch.bin.gz", &gzip(&whole[..9])), CifarError::Truncated { .. }));
    assert!(matches!(with("data_batch_1.bin", &[]), CifarError::Truncated { found: 0, .. }));
    let packed = gzip(&whole);
    let error = with("data_batch_2.bin.gz", &packed[..packed.len() - 4]);
    assert!(matches!(error, CifarError::Gzip { .. }), "{error}");
    let mut wrong = whole.clone();
    wrong[3073] = 10;
    let error = with("data_batch_1.bin", &wrong);
    assert!(matches!(error, CifarError::Label { index: 1, label: 10, .. }), "{error}");
    assert!(load_cifar10_dir(d).is_ok());
    std::fs::remove_file(d.join("data_batch_4.bin.gz")).unwrap();
    let error = load_cifar10_dir(d).unwrap_err();
    assert!(matches!(error, CifarError::Missing { file: "data_batch_4.bin", .. }), "{error}");
}

#[test]
fn reads_the_real_one() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/cifar10");
    if !dir.is_dir() {
        eprintln!("not run: there is no {}", dir.display());
        return;
    }
    let data = load_cifar10_dir(&dir).unwrap();
    for (split, len) in [(data.train(), 50_000), (data.test(), 10_000)] {
        let mut histogram = [0; 10];
        split.labels().iter().for_each(|&l| histogram[usize::from(l)] += 1);
        assert_eq!((split.len(), histogram), (len, [len / 10; 10]));
    }
    assert_eq!(data.train().labels()[..8], [6, 9, 9, 4, 1, 1, 2, 7]);
    assert_eq!(data.test().labels()[..8], [3, 8, 8, 0, 6, 6, 1, 6]);

    // Put back into records, the test images are the file, of which the digest is known.
    let mut record = Vec::with_capacity(10_000 * 3073);
    for i in 0..data.test().len() {
        record.push(data.test().label(i).unwrap() as u8);
        let image = data.test().image(i).unwrap();
        for c in 0..3 {
            record.extend(image.iter().skip(c).step_by(3));
        }
    }
    let digest: String = Sha256::digest(&record).iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(digest, "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b");

    // The customary constants, to the digits they are given with.
    let Encoding::Images { mean, std, .. } = data.encoding() else { panic!() };
    for (found, expected) in [(mean, [0.4914, 0.4822, 0.4465]), (std, [0.2470, 0.2435, 0.2616])] {
        for (f, e) in found.iter().zip(expected) {
            assert!((f - e).abs() < 6e-5, "{mean:?} {std:?}");
        }
    }
}
