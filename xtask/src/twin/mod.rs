//! Random modules, one StableHLO op each, with small integers as inputs: Coq
//! runs the twin of the meaning (`proofs/theories/Twin.v`) on them, XLA the
//! text, and `oracle/twin.py` compares, exactly.

mod draw;

use crate::oracle::Result;
use cotangent_rocq::{PREAMBLE, literal};
use cotangent_stablehlo::ast::{Module, Type};
use cotangent_stablehlo::print;
use draw::{FORMS, draw};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value as Json, json};
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

/// A module of one function, and integers for its arguments.
struct Case {
    name: String,
    module: Module,
    inputs: Vec<Vec<i64>>,
}

/// Writes `count` cases of each form to `dir`, has Coq compute them and, unless
/// `write_only`, XLA.
pub fn run(dir: &Path, count: usize, write_only: bool) -> Result<()> {
    fs::create_dir_all(dir)?;
    let mut cases = Vec::new();
    for (f, &form) in FORMS.iter().enumerate() {
        for k in 0..count {
            let mut rng = ChaCha8Rng::seed_from_u64((f * 100_003 + k) as u64);
            let (module, inputs) = draw(form, &mut rng);
            let name = format!("{}_{k}", format!("{form:?}").to_lowercase());
            cases.push(Case { name, module, inputs });
        }
    }
    let mut v =
        format!("{PREAMBLE}From Cotangent Require Import Twin.\nSet Printing Depth 1000000.\n");
    for (k, case) in cases.iter().enumerate() {
        fs::write(dir.join(format!("{}.mlir", case.name)), print(&case.module))?;
        fs::write(dir.join(format!("{}.json", case.name)), case.about().to_string())?;
        let definition = literal("the_module", &case.module)?;
        let inputs = case.inputs.iter().map(|i| list(i)).collect::<Vec<_>>();
        writeln!(
            v,
            "Module Case{k}.\n{definition}Redirect \"{}\" Eval vm_compute in q_run the_module {}%Z.\nEnd Case{k}.",
            case.name,
            list(&inputs)
        )?;
    }
    fs::write(dir.join("Cases.v"), v)?;
    let theories = fs::canonicalize("proofs/theories")?;
    let coqc = Command::new("coqc")
        .args(["-q", "-w", "-notation-overridden,-ambiguous-paths", "-Q"])
        .arg(theories)
        .args(["Cotangent", "Cases.v"])
        .current_dir(dir)
        .status()
        .map_err(|e| format!("cannot run coqc: {e}"))?;
    if !coqc.success() {
        return Err("Coq refuses Cases.v; are the proofs compiled? make -C proofs".into());
    }
    println!("{} cases in {}", cases.len(), dir.display());
    if write_only {
        return Ok(());
    }
    let python = crate::oracle::python()?;
    let status = Command::new(python).args(["-m", "oracle.twin"]).arg(dir).status()?;
    if status.success() { Ok(()) } else { Err("XLA and the twin differ".into()) }
}

impl Case {
    /// Types and cells, for Python.
    fn about(&self) -> Json {
        let ty = |t: &Type| json!({"shape": t.shape, "dtype": t.element.name()});
        let main = &self.module.functions[0];
        json!({
            "inputs": main.arguments.iter().zip(&self.inputs)
                .map(|(a, cells)| json!({"type": ty(&a.ty), "cells": cells})).collect::<Vec<_>>(),
            "outputs": main.results.iter().map(|r| ty(&r.ty)).collect::<Vec<_>>(),
        })
    }
}

/// A Rocq list.
fn list<T: ToString>(items: &[T]) -> String {
    match items {
        [] => "[::]".into(),
        items => {
            let items: Vec<_> = items.iter().map(T::to_string).collect();
            format!("[:: {}]", items.join("; "))
        }
    }
}
