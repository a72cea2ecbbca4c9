//! Standard output that does not mind a closed pipe, and files that are
//! written whole or not at all.

use miette::{Result, miette};
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

/// Writes `text` to `path` through a temporary file beside it.
pub fn write_file(path: &Path, text: &str) -> Result<()> {
    let parent = match path.parent() {
        Some(p) if !p.as_os_str().is_empty() => p,
        _ => Path::new("."),
    };
    let fail = |e: std::io::Error| {
        miette!(
            help = "choose a path in a directory that exists, can be written and has room",
            "cannot write {}: {e}",
            path.display()
        )
    };
    let mut file = tempfile::Builder::new()
        .prefix(".cotangent-")
        .permissions(permissions())
        .tempfile_in(parent)
        .map_err(fail)?;
    file.write_all(text.as_bytes()).map_err(fail)?;
    file.as_file().sync_all().map_err(fail)?;
    file.persist(path).map_err(|e| fail(e.error))?;
    Ok(())
}

/// What a plain file gets, less the umask; temporary files are private unless
/// told otherwise.
fn permissions() -> std::fs::Permissions {
    use std::os::unix::fs::PermissionsExt;
    std::fs::Permissions::from_mode(0o666)
}
