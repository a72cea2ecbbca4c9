//! A run directory: its files, and who may write them.

use crate::TrainError;
use crate::lock::{self, Lock};
use crate::whole_file::{TEMPORARY, write_whole};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

/// The directory of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunDir(PathBuf);

impl RunDir {
    /// A directory for a new run, made if need be, and locked.
    ///
    /// # Errors
    /// The path is a file or not UTF-8, cannot be made, holds anything at all,
    /// or is in use.
    pub(crate) fn create(path: &Path) -> Result<(Self, Lock), TrainError> {
        let dir = RunDir(path.into());
        dir.check_name()?;
        match fs::create_dir_all(path) {
            Ok(()) => {}
            Err(_) if path.is_file() => {
                return Err(TrainError::NotADirectory { path: path.into() });
            }
            Err(source) => return Err(TrainError::Write { path: path.into(), source }),
        }
        // Before the lock, so that nothing is put into a directory that is not
        // ours; and after it, since another run may have begun meanwhile.
        dir.check_empty()?;
        let lock = Lock::take(path)?;
        dir.check_empty()?;
        dir.remove_temporaries();
        Ok((dir, lock))
    }

    /// Whether a new run could begin in `path`, before anything is made there.
    ///
    /// # Errors
    /// The path is a file or not UTF-8, or holds anything at all.
    pub fn check_new(path: &Path) -> Result<(), TrainError> {
        let dir = RunDir(path.into());
        dir.check_name()?;
        match fs::metadata(path) {
            Ok(m) if m.is_dir() => dir.check_empty(),
            Ok(_) => Err(TrainError::NotADirectory { path: path.into() }),
            Err(_) => Ok(()),
        }
    }

    /// Locks the directory of a run that has begun.
    pub(crate) fn lock(&self) -> Result<Lock, TrainError> {
        self.check_name()?;
        if !self.config().exists() {
            return Err(TrainError::ConfigMissing { path: self.config() });
        }
        let lock = Lock::take(&self.0)?;
        self.remove_temporaries();
        Ok(lock)
    }

    /// The path goes into `summary.json`, which is text; better to say so
    /// before training than after it.
    fn check_name(&self) -> Result<(), TrainError> {
        let reason = || {
            let path = self.0.display();
            format!("{path} is not valid UTF-8 and cannot be written to summary.json; rename it")
        };
        match self.0.to_str() {
            Some(_) => Ok(()),
            None => Err(TrainError::Invalid { what: "run directory", reason: reason() }),
        }
    }

    /// Refuses a directory with anything in it but what a killed process of
    /// ours leaves before its run has begun.
    fn check_empty(&self) -> Result<(), TrainError> {
        let failed = |source| TrainError::Read { path: self.0.clone(), source };
        if self.config().exists() {
            return Err(TrainError::RunExists { dir: self.0.clone() });
        }
        for entry in fs::read_dir(&self.0).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            if name != lock::NAME && !is_temporary(&name) {
                let found = name.to_string_lossy().into_owned();
                return Err(TrainError::NotEmpty { dir: self.0.clone(), found });
            }
        }
        Ok(())
    }

    /// Removes what killed processes were about to write; the lock is held.
    fn remove_temporaries(&self) {
        for entry in fs::read_dir(&self.0).into_iter().flatten().flatten() {
            if is_temporary(&entry.file_name()) {
                // In nobody's way if it stays.
                let _ = fs::remove_file(entry.path());
            }
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

    /// `best.safetensors`: the epoch with the best validation accuracy, of
    /// equal ones that with the lowest loss.
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

    /// Writes the file `name` unless it is there with these bytes already;
    /// whether it had to be written.
    pub(crate) fn restore(&self, name: &str, bytes: &[u8]) -> Result<bool, TrainError> {
        let same = fs::read(self.0.join(name)).is_ok_and(|found| found == bytes);
        if !same {
            self.write(name, bytes)?;
        }
        Ok(!same)
    }
}

/// The files a run writes.
const NAMES: [&str; 13] = [
    "config.toml",
    "step.mlir",
    "step.json",
    "eval.mlir",
    "eval.json",
    "forward.mlir",
    "forward.json",
    "metrics.csv",
    "plot.svg",
    "plot.png",
    "last.safetensors",
    "best.safetensors",
    "summary.json",
];

/// Whether `name` is that of a temporary of one of a run's files.
fn is_temporary(name: &OsStr) -> bool {
    let inner = name.to_str().and_then(|n| n.strip_prefix('.')?.strip_suffix(TEMPORARY));
    inner.is_some_and(|i| NAMES.iter().any(|n| i.starts_with(n)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_old_file_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let run = RunDir::open(dir.path());
        run.write("a", b"old").unwrap();
        // A directory in the file's place refuses the write anywhere.
        fs::create_dir(dir.path().join("b")).unwrap();
        let error = run.write("b", b"new").unwrap_err();
        assert!(matches!(&error, TrainError::Write { path, .. } if path.ends_with("b")), "{error}");
        let error = run.write("c/d", b"new").unwrap_err();
        assert!(matches!(&error, TrainError::Write { path, .. } if path.ends_with("d")), "{error}");
        assert_eq!(fs::read(dir.path().join("a")).unwrap(), b"old");
        fs::remove_dir(dir.path().join("b")).unwrap();
        run.write("a", b"new").unwrap();
        assert_eq!(fs::read(dir.path().join("a")).unwrap(), b"new");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn only_an_empty_directory_becomes_a_run() {
        let dir = tempfile::tempdir().unwrap();
        for name in NAMES.into_iter().chain(["notes.txt", ".hidden.tmp"]) {
            let path = dir.path().join(name);
            fs::write(&path, "precious").unwrap();
            let error = RunDir::create(dir.path()).unwrap_err();
            assert!(error.to_string().contains("--run-dir"), "{error}");
            assert!(name == "config.toml" || error.to_string().contains(name), "{error}");
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "{name}");
            fs::remove_file(path).unwrap();
        }
        // What a killed process of ours leaves is no obstacle.
        fs::write(dir.path().join(".config.toml.a1b2.tmp"), "half").unwrap();
        fs::write(dir.path().join(lock::NAME), "1").unwrap();
        let (_, lock) = RunDir::create(dir.path()).unwrap();
        assert!(matches!(RunDir::create(dir.path()), Err(TrainError::InUse { .. })));
        drop(lock);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_name_that_is_no_text_is_refused_at_once() {
        use std::os::unix::ffi::OsStrExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(OsStr::from_bytes(b"r\xff"));
        let error = RunDir::create(&path).unwrap_err().to_string();
        assert!(error.contains("UTF-8") && !path.exists(), "{error}");
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
