//! `train`, `eval`, `predict`, `bench`: what a user does with a network.

use crate::common::{command, fails, ok, run, with_data};
use serde_json::Value;
use std::path::Path;
use std::time::{Duration, Instant};

/// A short run in `runs/a`.
pub const SHORT: [&str; 11] = [
    "train",
    "mnist-mlp",
    "--data",
    "data",
    "--epochs",
    "2",
    "--batch",
    "64",
    "--run-dir",
    "runs/a",
    "--quiet",
];

#[test]
fn a_run_and_what_it_leaves() {
    let dir = with_data();
    let d = dir.path();
    let args = [&SHORT[..10], &["--json"]].concat();
    let line: Value = serde_json::from_str(&ok(d, &args)).unwrap();
    for key in [
        "model",
        "epochs",
        "steps",
        "best_val_accuracy",
        "val_accuracy",
        "val_loss",
        "seconds",
        "run_dir",
    ] {
        assert!(line.get(key).is_some(), "{key}");
    }
    assert_eq!(line["steps"], 20);
    let run_dir = d.join("runs/a");
    for file in [
        "config.toml",
        "step.mlir",
        "step.json",
        "metrics.csv",
        "plot.svg",
        "plot.png",
        "last.safetensors",
        "best.safetensors",
        "summary.json",
    ] {
        assert!(run_dir.join(file).metadata().is_ok_and(|m| m.len() > 0), "{file}");
    }
    let metrics = std::fs::read_to_string(run_dir.join("metrics.csv")).unwrap();
    let header = "epoch,step,lr,train_loss,train_accuracy,val_loss,val_accuracy,images_per_second";
    assert_eq!(metrics.lines().next(), Some(header));
    assert_eq!(metrics.lines().count(), 3);

    let weights = ["--weights", "runs/a/last.safetensors", "--data", "data", "--json"];
    let at = ["--batch", "64"]; // as in training, so that the sums round alike
    let eval: Value =
        serde_json::from_str(&ok(d, &[&["eval", "mnist-mlp"][..], &weights, &at].concat()))
            .unwrap();
    assert_eq!(eval["n"], 100);
    assert_eq!(eval["accuracy"], line["val_accuracy"]);
    assert_eq!(eval["loss"], line["val_loss"]);
    assert!(eval["accuracy"].as_f64().unwrap() > 0.3, "{eval}");

    let predictions = ok(d, &[&["predict", "mnist-mlp", "--count", "100"][..], &weights].concat());
    let predictions: Vec<Value> =
        predictions.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let right = predictions.iter().filter(|p| p["class"] == p["label"]).count();
    assert_eq!(right as f64 / 100.0, eval["accuracy"].as_f64().unwrap());

    // The same by way of an image file.
    let digits = cotangent::data::load_idx_dir(&d.join("data")).unwrap();
    let first = digits.test().image(0).unwrap();
    image::GrayImage::from_raw(28, 28, first.to_vec()).unwrap().save(d.join("digit.png")).unwrap();
    let one = ok(d, &[&["predict", "mnist-mlp", "digit.png"][..], &weights].concat());
    let one: Value = serde_json::from_str(&one).unwrap();
    assert_eq!(one["class"], predictions[0]["class"]);

    let again = fails(d, &SHORT);
    assert!(again.contains("runs/a") && again.contains("--resume"), "{again}");
    let done: Value =
        serde_json::from_str(&ok(d, &["train", "--resume", "runs/a", "--json"])).unwrap();
    assert_eq!(done["val_accuracy"], line["val_accuracy"]);
}

#[test]
fn an_interrupted_run_resumes_bit_for_bit() {
    let dir = with_data();
    let d = dir.path();
    let args = |run_dir| {
        [
            "train",
            "mnist-mlp",
            "--data",
            "data",
            "--epochs",
            "60",
            "--batch",
            "32",
            "--threads",
            "1",
            "--run-dir",
            run_dir,
        ]
    };
    ok(d, &args("straight"));
    let mut child =
        command(d, &args("stopped")).stdout(std::process::Stdio::null()).spawn().unwrap();
    let started = Instant::now();
    while !d.join("stopped/last.safetensors").exists() {
        assert!(started.elapsed() < Duration::from_secs(60), "no checkpoint");
        std::thread::sleep(Duration::from_millis(1));
    }
    let killed = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    ok(d, &["train", "--resume", "stopped"]);
    let tensors = |run: &str| {
        let bytes = std::fs::read(d.join(run).join("last.safetensors")).unwrap();
        // After the header, whose length the first eight bytes give.
        let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        bytes[8 + header..].to_vec()
    };
    assert!(tensors("straight") == tensors("stopped"), "parameters differ");
}

#[test]
fn weights_of_another_net_are_refused() {
    let dir = with_data();
    let d = dir.path();
    ok(d, &SHORT);
    let error = fails(
        d,
        &["eval", "mnist-linear", "--weights", "runs/a/last.safetensors", "--data", "data"],
    );
    assert!(error.contains("mnist-mlp") && error.contains("dense_1.weight"), "{error}");
    assert!(error.contains("[784, 512]") && error.contains("[784, 10]"), "{error}");
    std::fs::write(
        d.join("short"),
        &std::fs::read(d.join("runs/a/last.safetensors")).unwrap()[..1000],
    )
    .unwrap();
    let error = fails(d, &["predict", "mnist-mlp", "--weights", "short", "--data", "data"]);
    assert!(error.contains("short"), "{error}");
}

#[test]
fn damaged_data_is_named() {
    let dir = with_data();
    let d = dir.path();
    let images = d.join("data/train-images-idx3-ubyte");
    let whole = std::fs::read(&images).unwrap();
    std::fs::write(&images, &whole[..whole.len() - 1]).unwrap();
    let error = fails(d, &SHORT);
    assert!(error.contains("train-images-idx3-ubyte"), "{error}");
    std::fs::copy(d.join("data/train-labels-idx1-ubyte"), &images).unwrap();
    let error = fails(d, &SHORT);
    assert!(error.contains("train-images-idx3-ubyte") && error.contains("a label file"), "{error}");
    let error = fails(d, &["train", "mnist-mlp", "--data", "nowhere"]);
    assert!(error.contains("nowhere"), "{error}");
    assert!(!d.join("runs").exists());
}

#[test]
fn diverging_stops_and_says_where() {
    let dir = with_data();
    let args =
        [&SHORT[..], &["--optimizer", "sgd", "--lr", "1e30", "--schedule", "constant"]].concat();
    let error = fails(dir.path(), &args);
    assert!(error.contains("step") && error.contains("epoch") && error.contains("lr"), "{error}");
}

#[test]
fn settings_that_cannot_be() {
    let dir = with_data();
    let d = dir.path();
    for (flag, value, part) in [
        ("--epochs", "0", "epochs"),
        ("--batch", "0", "batch"),
        ("--batch", "100000", "batch"),
        ("--lr", "-1", "lr: found -1"),
        ("--lr", "NaN", "lr: found NaN"),
        ("--threads", "0", "threads"),
        ("--classes", "7", "classes"),
        ("--image", "12", "28"),
        ("--backend", "gpu", "native and interp"),
        ("--seed", "18446744073709551615", "seed"),
        ("--seed", "-1", "found `-1`, expected a whole number from 0"),
        ("--batch", "-1", "found `-1`, expected a whole number"),
        ("--epochs", "x", "found `x`, expected a whole number"),
        ("--epochs", "18446744073709551615", "expected 1 to 1000000000"),
        ("--lr", "1e-60", "lr: found 1e-60"),
    ] {
        let args = ["train", "mnist-mlp", "--data", "data", "--run-dir", "r", flag, value];
        let error = fails(d, &args);
        assert!(error.contains(part), "{flag} {value}: {error}");
        assert!(!d.join("r/config.toml").exists(), "{flag} {value}");
    }
    std::fs::write(d.join("file"), "").unwrap();
    let error = fails(d, &["train", "mnist-mlp", "--data", "data", "--run-dir", "file"]);
    assert!(error.contains("file"), "{error}");
    let error = fails(d, &["train", "--resume", "nowhere"]);
    assert!(error.contains("nowhere"), "{error}");
    assert!(fails(d, &["train"]).contains("MODEL"));
}

#[test]
fn a_net_of_ones_own_trains_from_its_file() {
    let dir = with_data();
    let d = dir.path();
    let spec = r#"
        name = "mine"
        input = [28, 28, 1]
        layers = [
          { kind = "conv2d", features = 4, kernel = 5, stride = 2 },
          { kind = "relu" },
          { kind = "avg_pool", window = 3, stride = 2, padding = 1, count_include_pad = false },
          { kind = "conv2d", features = 8, kernel = 3, groups = 4, padding = "valid" },
          { kind = "max_pool", window = [2, 1] },
          { kind = "flatten" },
          { kind = "dense", features = 10, name = "head" },
        ]
    "#;
    std::fs::write(d.join("mine.toml"), spec).unwrap();
    ok(d, &["train", "mine.toml", "--data", "data", "--epochs", "1", "--optimizer", "momentum"]);
    assert!(d.join("runs/mine-1/best.safetensors").exists());
    let output = run(
        d,
        &["eval", "mine.toml", "--weights", "runs/mine-1/best.safetensors", "--data", "data"],
    );
    assert!(output.status.success());
}

#[test]
fn bench_compares_what_its_peers_do_too() {
    let dir = tempfile::tempdir().unwrap();
    let part = "{ kind = \"mean_squared_error\", features = 3 }";
    for (input, loss, has) in [
        ("[4]", "loss = \"mean_squared_error\"", "which has the loss mean_squared_error"),
        ("[4]", &format!("losses = [{part}, {part}]"), "which has 2 losses of parts"),
        ("[5, 4]", "", "which has an output [5, 6], a class at each position"),
    ] {
        let layers = "layers = [{ kind = \"dense\", features = 6 }]";
        let net = format!("name = \"n\"\ninput = {input}\n{loss}\n{layers}\n");
        std::fs::write(dir.path().join("n.toml"), net).unwrap();
        let error = fails(dir.path(), &["bench", "n.toml", "--peers"]);
        let error = error.replace("│", "").split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(error.contains(has) && error.contains("leave out --peers"), "{error}");
    }
}

#[test]
fn bench_times_the_step() {
    let args = ["bench", "mnist-linear", "--batch", "8", "--steps", "2", "--blocks", "5", "--json"];
    let row: Value = serde_json::from_str(&ok(Path::new("."), &args)).unwrap();
    for key in [
        "model",
        "batch",
        "backend",
        "ms_median",
        "ms_min",
        "images_per_second",
        "peak_bytes",
        "gflops",
    ] {
        assert!(row.get(key).is_some(), "{key}");
    }
    assert!(row["ms_min"].as_f64().unwrap() > 0.0);
    let error = fails(Path::new("."), &["bench", "nope"]);
    assert!(error.contains("there is no model `nope`"), "{error}");
}
