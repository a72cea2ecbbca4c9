//! The cases of the JAX oracle: emitted text, its inputs, and what our own
//! engines make of them. `oracle/README.md` says what a case folder holds.

mod nets;
mod ops;
mod write;

use std::error::Error;
use std::path::Path;
use std::process::Command;

/// A chore fails with whatever went wrong.
pub type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Writes the cases whose names begin with `only` to `dir` and, unless
/// `write_only`, runs the oracle on them.
pub fn run(dir: &Path, whole_zoo: bool, random: u64, only: &str, write_only: bool) -> Result<()> {
    let mut count = 0;
    let mut write = |case: write::Case| -> Result<()> {
        count += 1;
        case.write(dir).map_err(|e| format!("case {}: {e}", case.name).into())
    };
    ops::cases()?.into_iter().filter(|c| c.name.starts_with(only)).try_for_each(&mut write)?;
    nets::cases(whole_zoo, random, only, &mut write)?;
    println!("{count} cases in {}", dir.display());
    if write_only {
        return Ok(());
    }
    let status = Command::new(python()?).args(["-m", "oracle"]).arg(dir).status()?;
    if status.success() { Ok(()) } else { Err("the oracle found differences".into()) }
}

/// Writes the f32 train steps of the networks of the zoo that `wanted` names,
/// small, to `dir`.
pub fn write_train_steps(dir: &Path, wanted: impl Fn(&str) -> bool) -> Result<()> {
    nets::train_steps(wanted, &mut |case| {
        case.write(dir).map_err(|e| format!("case {}: {e}", case.name).into())
    })
}

/// The Python that has JAX.
pub fn python() -> Result<&'static Path> {
    let python = Path::new(".venv-oracle/bin/python");
    if python.exists() {
        return Ok(python);
    }
    Err("JAX is not installed; run: bash scripts/setup-python.sh oracle".into())
}
