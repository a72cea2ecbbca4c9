//! Real MNIST, where it is at hand.
#![allow(clippy::print_stderr)] // to say that it is not

use std::path::Path;

use cotangent_data::{Encoding, load_idx_dir};

#[test]
fn reads_mnist_as_distributed() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/mnist");
    if !dir.is_dir() {
        eprintln!("not run: there is no {}", dir.display());
        return;
    }
    let data = load_idx_dir(&dir).unwrap();
    assert_eq!((data.train().len(), data.test().len()), (60_000, 10_000));
    assert_eq!((data.example_shape(), data.classes()), (&[28, 28, 1][..], 10));
    assert_eq!(data.train().labels()[..8], [5, 0, 4, 1, 9, 2, 1, 3]);
    assert_eq!(data.test().labels()[..4], [7, 2, 1, 0]);

    // The normalisation constants are those of this very set.
    let n = data.train().images().len() as f64;
    let sum: u64 = data.train().images().iter().map(|&p| u64::from(p)).sum();
    let squares: u64 = data.train().images().iter().map(|&p| u64::from(p) * u64::from(p)).sum();
    let mean = sum as f64 / n / 255.0;
    let std = (squares as f64 / n / 255.0 / 255.0 - mean * mean).sqrt();
    let (m, s) = Encoding::MNIST_MEAN_STD;
    assert!(
        (mean - f64::from(m)).abs() < 5e-5 && (std - f64::from(s)).abs() < 5e-5,
        "{mean} {std}"
    );
}
