//! One process at a time in a run directory.

use crate::TrainError;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The lock's name in a run directory; the file holds its owner's process id.
pub(crate) const NAME: &str = ".cotangent.lock";

/// Held for as long as a run writes its directory. The system releases it
/// however the process ends; a file left behind then locks nothing.
#[derive(Debug)]
pub(crate) struct Lock {
    path: PathBuf,
    _file: File,
}

impl Lock {
    /// Takes the lock of the run directory `dir`, which exists.
    ///
    /// # Errors
    /// Another run holds it, or the file cannot be made or locked.
    pub fn take(dir: &Path) -> Result<Self, TrainError> {
        let path = dir.join(NAME);
        let failed = |source| TrainError::Lock { dir: dir.into(), source };
        loop {
            let mut file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(&path)
                .map_err(|source| TrainError::Write { path: path.clone(), source })?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::Error(source)) => return Err(failed(source)),
                Err(TryLockError::WouldBlock) => {
                    let mut owner = String::new();
                    // Without the number the message is still true.
                    let _ = file.read_to_string(&mut owner);
                    let process = owner.trim().parse().ok();
                    return Err(TrainError::InUse { dir: dir.into(), process });
                }
            }
            // Its last owner may have removed the file between opening and
            // locking it; then this is the lock of nothing.
            let (held, named) = (file.metadata(), fs::metadata(&path));
            if !matches!((held, named), (Ok(h), Ok(n)) if (h.dev(), h.ino()) == (n.dev(), n.ino()))
            {
                continue;
            }
            let id = std::process::id().to_string();
            // A full disk must not keep a finished run from being read.
            let _ = file.set_len(0).and_then(|()| file.write_all(id.as_bytes()));
            return Ok(Lock { path, _file: file });
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Still locked here, so nobody else's file is removed.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_owner_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let lock = Lock::take(dir.path()).unwrap();
        let error = Lock::take(dir.path()).unwrap_err();
        let id = std::process::id();
        assert!(matches!(error, TrainError::InUse { process: Some(p), .. } if p == id), "{error}");
        assert!(error.to_string().contains(&format!("in use by process {id}")), "{error}");
        drop(lock);
        assert!(!dir.path().join(NAME).exists());
        // What a killed process leaves behind locks nothing.
        fs::write(dir.path().join(NAME), "12345678").unwrap();
        drop(Lock::take(dir.path()).unwrap());
    }

    #[test]
    fn many_takers_never_hold_it_together() {
        use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
        let dir = tempfile::tempdir().unwrap();
        let (inside, taken) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    while taken.load(SeqCst) < 200 {
                        let Ok(_lock) = Lock::take(dir.path()) else { continue };
                        assert_eq!(inside.fetch_add(1, SeqCst), 0);
                        taken.fetch_add(1, SeqCst);
                        inside.fetch_sub(1, SeqCst);
                    }
                });
            }
        });
    }
}
