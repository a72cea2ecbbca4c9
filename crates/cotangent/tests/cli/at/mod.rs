//! `prove --at`: layers that a certificate at a point covers, each before a kink, and
//! points that are refused.

mod branches;
mod images;
mod masks;
mod tokens;
mod values;

use crate::common::{ok, with_data};
use crate::prove::json;
use serde_json::Value;
use std::path::Path;

/// What is said of a network after an epoch, at so many examples.
fn certified(text: &str, count: &str) -> Value {
    certified_in(with_data().path(), text, count, "0")
}

/// The same in a directory with data, of a run `r` by this seed.
fn certified_in(dir: &Path, text: &str, count: &str, seed: &str) -> Value {
    std::fs::write(dir.join("net.toml"), text).unwrap();
    let train = ["train", "net.toml", "--data", "data", "--epochs", "1", "--run-dir", "r"];
    ok(dir, &[&train[..], &["--seed", seed, "--quiet"]].concat());
    let at = ["prove", "net.toml", "--at", "r/last.safetensors", "--batch-from", "data"];
    let report = json(dir, &[&at[..], &["--json", "--count", count]].concat());
    assert!(report["at"]["theorem"].as_str().unwrap().contains("certified_at"), "{report}");
    assert!(report["at"]["axioms"].as_array().unwrap().len() <= 3, "{report}");
    report
}
