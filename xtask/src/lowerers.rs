//! The zoo's train steps through lowerers that are not ours.

use crate::oracle::{Result, python};
use cotangent_emit::program;
use cotangent_graph::Precision;
use cotangent_stablehlo::What;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Batch size of the steps of published size.
const BATCH: usize = 32;

/// Writes the train step of every model at its published size, and runs
/// `oracle/lowerers.py` on them and on the small steps below `cases`.
pub fn run(cases: &Path) -> Result<()> {
    let folder = Path::new("target/lowerers");
    fs::create_dir_all(folder)?;
    let options = "adamw".parse()?;
    let mut command = Command::new(python()?);
    command.args(["-m", "oracle.lowerers"]).arg(cases).arg("--parse");
    for model in cotangent_zoo::MODELS {
        let net = model.spec().network()?;
        let step = program(&net, What::Train, BATCH, &options, Precision::F32)?;
        let path = folder.join(format!("{}.mlir", model.name));
        fs::write(&path, step.to_text()?)?;
        command.arg(path);
    }
    if command.status()?.success() { Ok(()) } else { Err("a lowerer disagrees".into()) }
}
