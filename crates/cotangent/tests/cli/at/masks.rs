//! Masks that kinks depend on are part of the point.

use super::{Own, Tensor, certified_in};
use crate::common::{fails, with_data};
use cotangent::net::NetSpec;
use cotangent::train::MaskDraw;

/// Masks before kinks: after a rectifier, before the greatest are taken, and of a branch.
const MASKED: &str = r#"
name = "masked"
input = [28, 28, 1]
layers = [
  { kind = "conv2d", features = 3, kernel = 7, stride = 7, name = "see" }, { kind = "relu", name = "bend" },
  { kind = "dropout", rate = 0.4 }, { kind = "max_pool", window = 2, name = "most" },
  { kind = "parallel", merge = "sum", name = "sum", branches = [[],
    [{ kind = "conv2d", features = 3, kernel = 1 }, { kind = "sigmoid" }, { kind = "drop_path", rate = 0.5 }]] },
  { kind = "flatten" }, { kind = "dense", features = 4 }, { kind = "relu", name = "turn" },
  { kind = "dropout", rate = 0.5 }, { kind = "dense", features = 10, name = "last" },
]
"#;

#[test]
fn at_trained_weights_and_the_next_masks_no_kink_is_met() {
    let dir = with_data();
    let report = certified_in(dir.path(), MASKED, "2", "5");
    let metrics = std::fs::read_to_string(dir.path().join("r/metrics.csv")).unwrap();
    let mut rows = metrics.lines().map(|row| row.split(',').collect::<Vec<_>>());
    let column = rows.next().unwrap().iter().position(|&name| name == "step").unwrap();
    let done: u64 = rows.next_back().unwrap()[column].parse().unwrap();
    let masks = &report["at"]["masks"];
    assert_eq!((masks["seed"].as_u64(), masks["step"].as_u64()), (Some(5), Some(done + 1)));
    // Not that of the last dropout.
    assert_eq!(masks["names"].as_array().unwrap().len(), 2, "{masks}");
    let certificate = dir.path().join(report["file"].as_str().unwrap());
    let read = |file| std::fs::read_to_string(certificate.with_file_name(file)).unwrap();
    let sha256 = report["at"]["weights_sha256"].as_str().unwrap();
    assert_eq!(sha256.len(), 64);
    let of = format!(
        "the weights of r/last.safetensors (sha256 {sha256})\n\
         and the first 2 test examples of data\nwith "
    );
    let drawn = format!("as training would draw them at step {} by seed 5.\n", done + 1);
    for file in ["README.md", "Point.v"] {
        let text = read(file);
        assert!(text.contains(&of) && text.contains(&drawn), "{file}: {text:.500}");
        for name in masks["names"].as_array().unwrap() {
            assert!(text.contains(name.as_str().unwrap()), "{file}: {text:.500}");
        }
    }
    // As a later version might write it; what it says of itself is then not looked at.
    let last = dir.path().join("r/last.safetensors");
    let mut bytes = std::fs::read(&last).unwrap();
    for (from, to) in [("\"sha256\"", "\"sha25x\""), ("checkpoint-1", "checkpoint-9")] {
        let at = bytes.windows(from.len()).position(|w| w == from.as_bytes()).unwrap();
        bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
    }
    std::fs::write(&last, bytes).unwrap();
    let at = ["prove", "net.toml", "--at", "r/last.safetensors", "--batch-from", "data", "--quiet"];
    let message = fails(dir.path(), &at);
    assert!(message.contains("checkpoint-9`, expected"), "{message}");
    assert!(message.contains("--mask-seed") && !message.contains("does not say"), "{message}");
}

#[test]
fn an_entry_that_a_mask_drops_is_named() {
    let text = r#"
name = "dropped"
input = [28, 28, 1]
layers = [
  { kind = "flatten" }, { kind = "dense", features = 8, name = "see" }, { kind = "tanh" },
  { kind = "dropout", rate = 0.5 }, { kind = "relu", name = "bend" }, { kind = "dense", features = 10, name = "last" },
]
"#;
    let tensors: [Tensor; 4] = [
        ("see.weight", &[784, 8], vec![0.0; 6272]),
        ("see.bias", &[8], vec![1.0; 8]),
        ("last.weight", &[8, 10], vec![0.0; 80]),
        ("last.bias", &[10], vec![0.0; 10]),
    ];
    // No run wrote them.
    let message = Own::new(text).refused(&tensors);
    assert!(message.contains("does not say the seed"), "{message}");
    assert!(message.contains("--mask-seed"), "{message}");
    let message = Own::new(text).with(&["--mask-seed", "3"]).refused(&tensors);
    let net = NetSpec::from_toml(text).unwrap().network().unwrap();
    let mask = &MaskDraw { seed: 3, step: 0 }.masks(&net, 1)[0];
    let dropped = mask.iter().position(|&m| m == 0.0).unwrap();
    // Though tanh is in balls.
    assert!(message.contains(&format!("bend: entry [0, {dropped}] is 0")), "{message}");
    assert!(message.contains("let dropout follow the activation"), "{message}");
}

#[test]
fn a_seed_of_masks_that_no_kink_follows_is_refused() {
    let text = r#"
name = "late"
input = [28, 28, 1]
layers = [
  { kind = "flatten" }, { kind = "dense", features = 2, name = "see" }, { kind = "relu", name = "bend" },
  { kind = "dropout", rate = 0.5 }, { kind = "dense", features = 10, name = "last" },
]
"#;
    let tensors: [Tensor; 4] = [
        ("see.weight", &[784, 2], vec![0.0; 1568]),
        ("see.bias", &[2], vec![1.0; 2]),
        ("last.weight", &[2, 10], vec![0.0; 20]),
        ("last.bias", &[10], vec![0.0; 10]),
    ];
    let message = Own::new(text).with(&["--mask-seed", "3"]).refused(&tensors);
    assert!(message.contains("no kink depends on a mask"), "{message}");
    // Whatever the mask is.
    Own::new(text).certified(&tensors);
}
