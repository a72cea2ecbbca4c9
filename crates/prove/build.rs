//! Embeds the proofs, in the order `proofs/_CoqProject` lists them.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    let proofs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proofs");
    let project = proofs.join("_CoqProject");
    println!("cargo::rerun-if-changed={}", project.display());
    let text = fs::read_to_string(&project).expect("proofs/_CoqProject lists the theories");
    let mut out = String::from("&[\n");
    for file in text.lines().map(str::trim).filter(|l| l.ends_with(".v")) {
        let path = proofs.join(file);
        println!("cargo::rerun-if-changed={}", path.display());
        let name = path.file_stem().and_then(|s| s.to_str()).expect("theories have plain names");
        writeln!(out, "    ({name:?}, include_str!({:?})),", path.display().to_string())
            .expect("a string takes any text");
    }
    out.push_str("]\n");
    let to = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR")).join("theories.rs");
    fs::write(to, out).expect("OUT_DIR can be written");
}
