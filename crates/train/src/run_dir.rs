//! A run directory, and writing files that are whole or absent.

use crate::TrainError;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// The directory of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunDir(PathBuf);

impl RunDir {
    /// A directory for a new run, made if need be.
    ///
    /// # Errors
    /// The path is a file, cannot be made, or holds a run already.
    pub fn create(path: &Path) -> Result<Self, TrainError> {
        let dir = RunDir(path.into());
        match fs::create_dir_all(path) {
            Ok(()) => {}
            Err(_) if path.is_file() => {
                return Err(TrainError::NotADirectory { path: path.into() });
            }
            Err(source) => return Err(TrainError::Write { path: path.into(), source }),
        }
        match [dir.config(), dir.last(), dir.metrics()].iter().any(|p| p.exists()) {
            true => Err(TrainError::RunExists { dir: path.into() }),
            false => Ok(dir),
        }
    }

    /// The directory of a run that has begun; nothing is checked yet.
    pub fn open(path: &Path) -> Self {
        RunDir(path.into())
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// `config.toml`
    pub fn config(&self) -> PathBuf {
        self.0.join("config.toml")
    }

    /// `metrics.csv`
    pub fn metrics(&self) -> PathBuf {
        self.0.join("metrics.csv")
    }

    /// `last.safetensors`: where [`resume`](crate::resume) continues.
    pub fn last(&self) -> PathBuf {
        self.0.join("last.safetensors")
    }

    /// `best.safetensors`: the epoch with the best validation accuracy.
    pub fn best(&self) -> PathBuf {
        self.0.join("best.safetensors")
    }

    /// `step.mlir`
    pub fn step(&self) -> PathBuf {
        self.0.join("step.mlir")
    }

    /// `summary.json`
    pub fn summary(&self) -> PathBuf {
        self.0.join("summary.json")
    }

    /// Writes the file `name`.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> Result<PathBuf, TrainError> {
        let path = self.0.join(name);
        write_whole(&path, bytes)
            .map_err(|source| TrainError::Write { path: path.clone(), source })?;
        Ok(path)
    }
}

/// Writes beside `path`, forces it to disk and renames it into place: after a
/// crash or on a full disk `path` is what it was, or all of `bytes`.
fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let temporary = temporary(path)?;
    let written = (|| {
        let mut file = File::create(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    })();
    if written.is_err() {
        // The first error is the one to report.
        let _ = fs::remove_file(&temporary);
    }
    written
}

fn temporary(path: &Path) -> std::io::Result<PathBuf> {
    let name = path.file_name().ok_or(ErrorKind::InvalidInput)?;
    Ok(path.with_file_name(format!(".{}.tmp", name.to_string_lossy())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_old_file_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let run = RunDir::create(dir.path()).unwrap();
        run.write("a", b"old").unwrap();
        // A directory in the temporary file's place refuses the write anywhere.
        fs::create_dir(dir.path().join(".a.tmp")).unwrap();
        let error = run.write("a", b"new").unwrap_err();
        assert!(matches!(&error, TrainError::Write { path, .. } if path.ends_with("a")), "{error}");
        assert_eq!(fs::read(dir.path().join("a")).unwrap(), b"old");
        fs::remove_dir(dir.path().join(".a.tmp")).unwrap();
        run.write("a", b"new").unwrap();
        assert_eq!(fs::read(dir.path().join("a")).unwrap(), b"new");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn unusable_directories_are_errors_that_name_the_path() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, b"").unwrap();
        assert!(
            matches!(RunDir::create(&file), Err(TrainError::NotADirectory { path }) if path == file)
        );
        let below = file.join("run");
        let error = RunDir::create(&below).unwrap_err();
        assert!(matches!(&error, TrainError::Write { path, .. } if *path == below), "{error}");
        fs::write(dir.path().join("config.toml"), b"").unwrap();
        assert!(matches!(RunDir::create(dir.path()), Err(TrainError::RunExists { .. })));
    }
}
