//! Moving averages and accumulation, as a run uses them.

mod support;

use cotangent_train::{RunDir, Weights, evaluate, train};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use support::{config, digits, small_net, tensors, train_quietly, train_stopped};

/// The bytes of the tensors whose name `keep` takes, under what it makes of it.
fn named(path: &Path, keep: impl Fn(&str) -> Option<String>) -> BTreeMap<String, Vec<u8>> {
    let tensors = tensors(path).into_iter();
    tensors.filter_map(|(name, _, bytes)| Some((keep(&name)?, bytes))).collect()
}

fn params(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let names: Vec<String> = small_net().params().iter().map(|p| p.name.clone()).collect();
    named(path, |name| names.iter().find(|n| *n == name).cloned())
}

fn averages(path: &Path) -> BTreeMap<String, Vec<u8>> {
    named(path, |name| name.strip_prefix("ema.").map(String::from))
}

#[test]
fn a_run_is_scored_and_used_by_its_average() {
    let folder = tempfile::tempdir().unwrap();
    let (plain_dir, ema_dir) = (folder.path().join("plain"), folder.path().join("ema"));
    let (plain, ema) = (config("momentum"), config("momentum ema(decay=0.9)"));
    train_quietly(&plain, &plain_dir).unwrap();
    train_quietly(&ema, &ema_dir).unwrap();
    let last = |dir: &Path| RunDir::open(dir).last();
    // The average changes nothing of the training, and is another one.
    assert_eq!(params(&last(&plain_dir)), params(&last(&ema_dir)));
    assert_eq!(averages(&last(&ema_dir)).len(), params(&last(&ema_dir)).len());
    assert_ne!(averages(&last(&ema_dir)), params(&last(&ema_dir)));

    let row = |dir: &Path| {
        let text = std::fs::read_to_string(RunDir::open(dir).metrics()).unwrap();
        text.lines().last().unwrap().split(',').map(String::from).collect::<Vec<_>>()
    };
    let scored = |dir: &Path| {
        let weights = Weights::load(&last(dir)).unwrap();
        let net = small_net();
        evaluate(&net, &weights, &digits(), 32, plain.execution()).unwrap().loss
    };
    for dir in [&plain_dir, &ema_dir] {
        let logged: f64 = row(dir)[5].parse().unwrap();
        assert!((scored(dir) - logged).abs() < 1e-6 * logged, "{} {logged}", scored(dir));
    }
    let (a, b) = (scored(&plain_dir), scored(&ema_dir));
    assert!((a - b).abs() > 1e-3 * a, "{a} {b}");
    assert_eq!(row(&plain_dir)[3], row(&ema_dir)[3]);
}

#[test]
fn the_average_starts_as_the_parameters() {
    let folder = tempfile::tempdir().unwrap();
    let config = config("sgd ema(decay=0.5) accumulate(steps=4)");
    let dir = folder.path().join("run");
    train_stopped(&config, &dir, 3).unwrap();
    let last = RunDir::open(&dir).last();
    assert_eq!(averages(&last), params(&last));
}

#[test]
fn parameters_move_once_per_group() {
    let folder = tempfile::tempdir().unwrap();
    let config = config("momentum accumulate(steps=4)");
    let after = |steps: usize| {
        let dir = folder.path().join(steps.to_string());
        train_stopped(&config, &dir, steps).unwrap();
        let last = RunDir::open(&dir).last();
        let sums = named(&last, |n| n.starts_with("accumulated.").then(|| n.into()));
        let idle = sums.values().flatten().all(|b| *b == 0);
        (params(&last), idle)
    };
    let (start, idle) = after(1);
    assert!(!idle);
    assert_eq!(after(3), (start.clone(), false));
    let (moved, idle) = after(4);
    assert!(idle && moved != start);
    assert_eq!(after(7), (moved.clone(), false));
    // Epochs have 10 steps: the third group ends in the second.
    let (third, _) = after(8);
    assert_eq!(after(11), (third.clone(), false));
    assert_ne!(after(12).0, third);
}

#[test]
fn a_run_without_any_update_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("run");
    let config = config("sgd accumulate(steps=31)");
    let stop = AtomicBool::new(false);
    let error = train(&config, &digits(), &dir, &stop, &mut cotangent_train::Silent).unwrap_err();
    let error = error.to_string();
    assert!(error.contains("accumulate: found 31, expected at most 30"), "{error}");
    assert!(!dir.exists());
}
