//! Standard output that does not mind a closed pipe, and files that are
//! written whole or not at all.

use cotangent::train::StagedFile;
use miette::{Report, Result, miette};
use std::io::{ErrorKind, Write};
use std::path::Path;

/// Prints `text`. A reader that went away (`| head`) is not an error.
pub fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() != ErrorKind::BrokenPipe => {
            Err(miette!("cannot write to standard output: {e}"))
        }
        _ => Ok(()),
    }
}

/// Prints a line to standard error; what cannot be shown there is lost.
pub fn note(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Prints `value` as one line of JSON.
pub fn print_json(value: &impl serde::Serialize) -> Result<()> {
    let text = serde_json::to_string(value).map_err(|e| miette!("cannot write JSON: {e}"))?;
    print(&(text + "\n"))
}

/// An error where what is written to `output` would replace `input`, which is
/// what was read.
pub fn not_onto(output: &Path, input: &Path) -> Result<()> {
    let file = |path: &Path| path.canonicalize().ok().filter(|p| p.is_file());
    match (file(output), file(input)) {
        (Some(a), Some(b)) if a == b => Err(miette!(
            help = "give another path with -o",
            "{} is the input; it is not overwritten",
            output.display()
        )),
        _ => Ok(()),
    }
}

/// Makes `text` ready to be written to `path`; nothing is seen there yet.
pub fn stage(path: &Path, text: &str) -> Result<StagedFile> {
    stage_bytes(path, text.as_bytes())
}

/// As [`stage`], of any content.
pub fn stage_bytes(path: &Path, bytes: &[u8]) -> Result<StagedFile> {
    StagedFile::new(path, bytes).map_err(|e| cannot_write(path, &e))
}

/// Puts a staged file into its place.
pub fn commit(file: StagedFile, path: &Path) -> Result<()> {
    file.commit().map_err(|e| cannot_write(path, &e))
}

fn cannot_write(path: &Path, e: &std::io::Error) -> Report {
    miette!(
        help = "choose a path in a directory that exists, can be written and has room",
        "cannot write {}: {e}",
        path.display()
    )
}

/// `n` with commas between the thousands.
pub fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(c);
    }
    text
}
