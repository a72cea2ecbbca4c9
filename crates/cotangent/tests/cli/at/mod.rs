//! `prove --at`: layers that a certificate at a point covers, each before a kink, and
//! points that are refused.

mod branches;
mod forged;
mod images;
mod masks;
mod tokens;
mod values;

use crate::common::{fails, ok, with_data};
use crate::prove::{json, weights};
use serde_json::Value;
use std::path::Path;
use tempfile::TempDir;

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

/// Name, shape and elements.
type Tensor<'a> = (&'a str, &'a [usize], Vec<f32>);

/// A network beside data, at weights that a test writes down.
struct Own {
    dir: TempDir,
    more: Vec<&'static str>,
}

impl Own {
    fn new(net: &str) -> Self {
        let dir = with_data();
        std::fs::write(dir.path().join("net.toml"), net).unwrap();
        Own { dir, more: Vec::new() }
    }

    /// With other arguments too.
    fn with(mut self, more: &[&'static str]) -> Self {
        self.more.extend(more);
        self
    }

    fn certified(&self, tensors: &[Tensor]) {
        ok(self.dir.path(), &self.arguments(tensors));
    }

    /// Why it is not.
    fn refused(&self, tensors: &[Tensor]) -> String {
        fails(self.dir.path(), &self.arguments(tensors))
    }

    fn arguments(&self, tensors: &[Tensor]) -> Vec<&str> {
        weights(&self.dir.path().join("w.safetensors"), tensors);
        let at = ["prove", "net.toml", "--at", "w.safetensors", "--batch-from", "data", "--quiet"];
        at.into_iter().chain(self.more.iter().copied()).collect()
    }
}
