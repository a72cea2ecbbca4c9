//! Embeds the theories that certificates need, in the order `proofs/_CoqProject` lists
//! them, each with those it requires.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::{env, fs};

/// What a certificate's files require; the rest follows. A test compares it with them.
const ROOTS: &[&str] = &["Main", "MainAt", "Explain", "Literals", "Pieces"];

fn main() {
    // Asked when this runs: a directory of builds may serve several checkouts.
    let manifest = env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR");
    let proofs = PathBuf::from(manifest).join("../../proofs");
    let project = proofs.join("_CoqProject");
    println!("cargo::rerun-if-changed={}", project.display());
    let text = fs::read_to_string(&project).expect("proofs/_CoqProject lists the theories");
    let theories: Vec<(String, PathBuf)> = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("theories/")?.strip_suffix(".v"))
        .map(|name| (name.to_string(), proofs.join(format!("theories/{name}.v"))))
        .collect();
    let names: HashSet<&str> = theories.iter().map(|(name, _)| name.as_str()).collect();
    let requires: HashMap<&str, Vec<String>> = theories
        .iter()
        .map(|(name, path)| {
            println!("cargo::rerun-if-changed={}", path.display());
            let text = fs::read_to_string(path).expect("what _CoqProject lists is there");
            let found = required(&text).filter(|r| names.contains(r)).map(String::from).collect();
            (name.as_str(), found)
        })
        .collect();
    let mut needed = HashSet::new();
    let mut ahead = ROOTS.to_vec();
    while let Some(name) = ahead.pop() {
        if needed.insert(name) {
            ahead.extend(requires[name].iter().map(String::as_str));
        }
    }
    let embedded: Vec<String> = theories
        .iter()
        .filter(|(name, _)| needed.contains(name.as_str()))
        .map(|(name, path)| {
            let (path, requires) = (path.display().to_string(), &requires[name.as_str()]);
            format!(
                "Theory {{ name: {name:?}, text: include_str!({path:?}), requires: &{requires:?} }}"
            )
        })
        .collect();
    let to = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR")).join("theories.rs");
    fs::write(to, format!("&[{}]\n", embedded.join(",\n"))).expect("OUT_DIR can be written");
}

/// The words of all sentences `From Cotangent Require ..`.
fn required(text: &str) -> impl Iterator<Item = &str> {
    let sentences = text.split("From Cotangent Require").skip(1);
    sentences.flat_map(|rest| rest.split('.').next().unwrap_or_default().split_whitespace())
}
