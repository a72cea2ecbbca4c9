//! Runs that start from weights.

mod support;

use cotangent_data::{Dataset, SyntheticConfig, synthetic};
use cotangent_net::{NetSpec, Network};
use cotangent_train::{Config, RunDir, Silent, Start, TrainError, resume, train};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use support::{config, digits, small_net, tensors, train_quietly, train_stopped};

type Tensors = Vec<(String, Vec<usize>, Vec<u8>)>;

/// A run of one epoch, and its last checkpoint.
fn first_run(dir: &Path) -> PathBuf {
    let path = dir.join("first");
    train_quietly(&Config { epochs: 1, ..config("sgd") }, &path).unwrap();
    RunDir::open(&path).last()
}

fn starting(from: &Path, reset_head: bool) -> Config {
    Config { start: Some(Start::new(from, reset_head).unwrap()), ..config("sgd") }
}

/// `small_net` with this many classes.
fn with_classes(classes: usize) -> Network {
    NetSpec::with_classes(small_net().spec().clone(), classes).network().unwrap()
}

/// The digits, with labels up to `classes`.
fn of_classes(classes: usize) -> Dataset {
    let digits = synthetic(&SyntheticConfig { train: 330, test: 50, seed: 3 });
    digits.with_classes(classes).unwrap()
}

fn named<'a>(tensors: &'a Tensors, name: &str) -> &'a [u8] {
    &tensors.iter().find(|t| t.0 == name).unwrap().2
}

#[test]
fn the_first_step_starts_from_the_weights() {
    let dir = tempfile::tempdir().unwrap();
    let from = first_run(dir.path());
    let (stepped, fresh) = (dir.path().join("stepped"), dir.path().join("fresh"));
    // At so small a rate a step leaves the weights where they were.
    let still = |config: Config| Config { lr: 1e-30, epochs: 1, ..config };
    train_stopped(&still(starting(&from, false)), &stepped, 1).unwrap();
    train_stopped(&still(config("sgd")), &fresh, 1).unwrap();
    let expected = tensors(&from);
    assert_eq!(tensors(&RunDir::open(&stepped).last()), expected);
    assert_ne!(tensors(&RunDir::open(&fresh).last()), expected);
    // config.toml says what it was.
    let config = Config::load(&stepped).unwrap();
    assert_eq!(config.start, Some(Start::new(&from, false).unwrap()));
}

#[test]
fn a_run_that_stopped_before_its_checkpoint_begins_again_from_the_weights() {
    let dir = tempfile::tempdir().unwrap();
    let from = first_run(dir.path());
    let (whole, again) = (dir.path().join("whole"), dir.path().join("again"));
    let config = starting(&from, false);
    train_quietly(&config, &whole).unwrap();
    train_quietly(&config, &again).unwrap();
    for name in ["last.safetensors", "best.safetensors", "metrics.csv", "summary.json"] {
        std::fs::remove_file(again.join(name)).unwrap();
    }
    let stop = AtomicBool::new(false);
    resume(&again, &digits(), &stop, &mut Silent).unwrap();
    assert_eq!(tensors(&RunDir::open(&again).last()), tensors(&RunDir::open(&whole).last()));
    // Not from other weights.
    for name in ["last.safetensors", "best.safetensors", "metrics.csv", "summary.json"] {
        std::fs::remove_file(again.join(name)).unwrap();
    }
    std::fs::copy(RunDir::open(&whole).last(), &from).unwrap();
    let error = resume(&again, &digits(), &stop, &mut Silent).unwrap_err().to_string();
    assert!(error.contains("but the run began with"), "{error}");
}

#[test]
fn another_number_of_classes_needs_a_new_head() {
    let dir = tempfile::tempdir().unwrap();
    let from = first_run(dir.path());
    let stop = AtomicBool::new(false);
    let run = |reset_head, name: &str| {
        let net = with_classes(12);
        let start = Some(Start::new(&from, reset_head).unwrap());
        let config = Config { lr: 1e-30, epochs: 1, batch: 330, start, ..config("sgd") };
        let config = Config { spec: net.spec().to_toml(), ..config };
        train(&config, &of_classes(12), &dir.path().join(name), &stop, &mut Silent)
    };
    let error = run(false, "kept").unwrap_err();
    assert!(matches!(error, TrainError::OtherClasses { .. }), "{error}");
    let error = error.to_string();
    assert!(error.contains("`dense_2.weight`: found [16, 10], expected [16, 12]"), "{error}");
    assert!(error.contains("--reset-head") && error.contains("--classes 10"), "{error}");
    assert!(!dir.path().join("kept").exists());
    run(true, "reset").unwrap();
    let (before, after) =
        (tensors(&from), tensors(&RunDir::open(&dir.path().join("reset")).last()));
    for name in ["conv2d_1.weight", "conv2d_1.bias", "dense_1.weight", "dense_1.bias"] {
        assert_eq!(named(&before, name), named(&after, name), "{name}");
    }
    assert_eq!(named(&after, "dense_2.weight").len(), 4 * 16 * 12);
}

#[test]
fn a_head_of_the_same_size_is_drawn_anew_when_asked() {
    let dir = tempfile::tempdir().unwrap();
    let from = first_run(dir.path());
    let path = dir.path().join("reset");
    let config = Config { lr: 1e-30, epochs: 1, ..starting(&from, true) };
    train_stopped(&config, &path, 1).unwrap();
    let (before, after) = (tensors(&from), tensors(&RunDir::open(&path).last()));
    assert_eq!(named(&before, "dense_1.weight"), named(&after, "dense_1.weight"));
    assert_ne!(named(&before, "dense_2.weight"), named(&after, "dense_2.weight"));
}

#[test]
fn weights_of_another_net_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let from = first_run(dir.path());
    let spec = NetSpec::new("other", [28, 28, 1]).conv2d(4, 3).gelu().max_pool(4).flatten();
    let net = spec.dense(16).relu().dense(10).network().unwrap();
    let start = Some(Start::new(&from, false).unwrap());
    let config = Config { spec: net.spec().to_toml(), start, ..config("sgd") };
    let error = train_quietly(&config, &dir.path().join("other")).unwrap_err();
    assert!(matches!(error, TrainError::OtherSpec { .. }), "{error}");
}
