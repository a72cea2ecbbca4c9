//! Weights from elsewhere, by the command.

use crate::common::{fails, ok, with_data};
use std::path::Path;

const NET: &str = r#"
name = "small"
input = [28, 28, 1]
layers = [
  { kind = "conv2d", features = 4, kernel = 3, stride = 4, name = "conv" },
  { kind = "batch_norm", name = "bn" },
  { kind = "flatten" },
  { kind = "dense", features = 10, name = "fc" },
]
"#;

fn bytes(dir: &Path, name: &str) -> Vec<u8> {
    std::fs::read(dir.join(name)).unwrap()
}

/// Whether both exports are still the same, and the specification is what it was.
fn theirs_unchanged(dir: &Path) -> bool {
    bytes(dir, "theirs.safetensors") == bytes(dir, "b.safetensors")
        && bytes(dir, "small.toml") == NET.as_bytes()
}

/// Scores at full precision.
fn scores(dir: &Path, weights: &str) -> serde_json::Value {
    let args = ["eval", "small.toml", "--weights", weights, "--data", "data", "--json"];
    serde_json::from_str(&ok(dir, &args)).unwrap()
}

#[test]
fn trained_weights_go_out_and_come_back() {
    let dir = with_data();
    let dir = dir.path();
    std::fs::write(dir.join("small.toml"), NET).unwrap();
    let train = ["train", "small.toml", "--data", "data", "--quiet", "--epochs", "1"];
    ok(dir, &[&train[..], &["--batch", "64", "--threads", "1", "--run-dir", "run"]].concat());
    let best = "run/best.safetensors";
    ok(dir, &["export", "--to", "timm", best, "small.toml", "-o", "theirs.safetensors"]);
    let import = ["import", "--from", "timm", "theirs.safetensors", "small.toml"];
    ok(dir, &[&import[..], &["-o", "ours.safetensors"]].concat());
    ok(dir, &["export", "--to", "timm", "ours.safetensors", "small.toml", "-o", "b.safetensors"]);
    assert!(bytes(dir, "theirs.safetensors") == bytes(dir, "b.safetensors"));
    assert_eq!(scores(dir, best), scores(dir, "ours.safetensors"));
    // What was read is not overwritten.
    let before = bytes(dir, best);
    let (out, onto) = (["small.toml", "-o"], "is the input; it is not overwritten");
    let export = ["export", "--to", "timm", best];
    assert!(
        fails(dir, &[&export[..], &out, &["run/../run/best.safetensors"]].concat()).contains(onto)
    );
    let import = ["import", "--from", "timm", "theirs.safetensors"];
    assert!(fails(dir, &[&import[..], &out, &["theirs.safetensors"]].concat()).contains(onto));
    let onto_spec = ["small.toml", "-o", "small.toml"];
    assert!(fails(dir, &[&["emit"], &onto_spec[..]].concat()).contains(onto));
    assert!(fails(dir, &[&export[..], &onto_spec].concat()).contains(onto));
    assert!(fails(dir, &[&import[..], &onto_spec].concat()).contains(onto));
    assert!(bytes(dir, best) == before && theirs_unchanged(dir));
    // The fully connected layer's inputs are in another order there: had they
    // been taken as they are, the scores would be others.
    let theirs = bytes(dir, "theirs.safetensors");
    assert!(theirs.windows(21).any(|w| w == b"\"bn.num_batches_track"));

    // Fine-tuning, on another number of classes too.
    let tune = ["train", "small.toml", "--data", "data", "--quiet", "--epochs", "1", "--weights"];
    ok(dir, &[&tune[..], &["ours.safetensors", "--run-dir", "tuned"]].concat());
    let said = fails(dir, &[&tune[..], &["ours.safetensors", "--classes", "12"]].concat());
    assert!(said.contains("--reset-head"), "{said}");
    let more = ["ours.safetensors", "--classes", "12", "--reset-head", "--run-dir", "twelve"];
    ok(dir, &[&tune[..], &more].concat());
}

#[test]
fn what_cannot_be_read_or_written_is_said() {
    let dir = with_data();
    let dir = dir.path();
    std::fs::write(dir.join("small.toml"), NET).unwrap();
    let import = |file: &str, from: &str| {
        fails(dir, &["import", "--from", from, file, "small.toml", "-o", "o.safetensors"])
    };
    assert!(import("none.safetensors", "timm").contains("cannot read none.safetensors"));
    std::fs::write(dir.join("w.pth"), b"PK\x03\x04").unwrap();
    assert!(import("w.pth", "timm").contains("safetensors.torch.save_file"));
    assert!(import("w.pth", "keras").contains("expected timm or torchvision"));
    assert!(!dir.join("o.safetensors").exists());
}

#[test]
fn the_gradient_is_emitted_in_either_mode() {
    let dir = with_data();
    let dir = dir.path();
    std::fs::write(dir.join("small.toml"), NET).unwrap();
    let emit = ["emit", "small.toml", "--batch", "2", "--what"];
    let training = ok(dir, &[&emit[..], &["grad", "--mode", "training"]].concat());
    let evaluation = ok(dir, &[&emit[..], &["grad", "--mode", "evaluation"]].concat());
    assert_eq!(training, ok(dir, &[&emit[..], &["grad"]].concat()));
    assert!(!training.contains("running_mean") && evaluation.contains("bn.running_mean"));
    let said = fails(dir, &[&emit[..], &["train", "--mode", "evaluation"]].concat());
    assert!(said.contains("--what grad"), "{said}");
}
