//! The proofs, carried by the program and compiled once.

use crate::{Coq, ProveError};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Name and text of every theory, each after those it builds on.
pub const THEORIES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/theories.rs"));

/// No theory takes nearly as long.
const LIMIT: Duration = Duration::from_secs(600);

/// Compiled theories.
#[derive(Debug, Clone)]
pub struct Library {
    dir: PathBuf,
}

impl Library {
    /// The compiled theories: those in `$COTANGENT_PROOFS`, else those in the
    /// user's cache, which are compiled there if they are not yet. `progress`
    /// hears of each theory before it is compiled.
    ///
    /// # Errors
    /// `$COTANGENT_PROOFS` has other theories than this program, or they are
    /// not compiled; the cache cannot be written; Coq refuses a theory.
    pub fn ready(coq: &Coq, progress: impl FnMut(&str, usize, usize)) -> Result<Self, ProveError> {
        if let Some(dir) = std::env::var_os("COTANGENT_PROOFS") {
            return Self::built(PathBuf::from(dir));
        }
        Self::cached(coq, &cache()?, progress)
    }

    /// Where the theories are.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    fn built(dir: PathBuf) -> Result<Self, ProveError> {
        let dir = dir.canonicalize().map_err(|error| ProveError::Io { path: dir, error })?;
        for (name, text) in THEORIES {
            let source = dir.join(format!("{name}.v"));
            let found = fs::read_to_string(&source)
                .map_err(|error| ProveError::Io { path: source.clone(), error })?;
            if found != *text {
                return Err(ProveError::OtherTheories { path: source });
            }
            let object = dir.join(format!("{name}.vo"));
            if !object.exists() {
                return Err(ProveError::NotCompiled { path: object });
            }
        }
        Ok(Library { dir })
    }

    /// A directory whose name is the digest of its content is whole or absent.
    fn cached(
        coq: &Coq,
        cache: &Path,
        mut progress: impl FnMut(&str, usize, usize),
    ) -> Result<Self, ProveError> {
        let dir = cache.join(format!("proofs-{}-coq-{}", &digest()[..16], coq.version()));
        if dir.is_dir() {
            return Ok(Library { dir });
        }
        let io = |path: &Path| {
            let path = path.to_path_buf();
            move |error| ProveError::Io { path, error }
        };
        fs::create_dir_all(cache).map_err(io(cache))?;
        let temporary =
            tempfile::Builder::new().prefix(".proofs-").tempdir_in(cache).map_err(io(cache))?;
        let work = temporary.path();
        write_theories(work)?;
        for (k, (name, _)) in THEORIES.iter().enumerate() {
            progress(name, k, THEORIES.len());
            let output = coq.compile(work, Path::new("."), &format!("{name}.v"), LIMIT)?;
            if !output.success {
                let what = format!("{name}.v");
                return Err(ProveError::Theory { what, message: output.stderr });
            }
        }
        match fs::rename(work, &dir) {
            // Somebody else was faster, with the same content.
            Err(_) if dir.is_dir() => {}
            result => result.map_err(io(&dir))?,
        }
        Ok(Library { dir })
    }
}

/// Writes the theories' texts into `dir`.
pub(crate) fn write_theories(dir: &Path) -> Result<(), ProveError> {
    for (name, text) in THEORIES {
        let path = dir.join(format!("{name}.v"));
        fs::write(&path, text).map_err(|error| ProveError::Io { path, error })?;
    }
    Ok(())
}

/// SHA-256 of all theories, in hexadecimal.
fn digest() -> String {
    let mut hash = Sha256::new();
    for (name, text) in THEORIES {
        hash.update(format!("{name} {}\n", text.len()));
        hash.update(text);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The user's cache, after the XDG base directory specification.
fn cache() -> Result<PathBuf, ProveError> {
    let absolute =
        |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
    absolute("XDG_CACHE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".cache")))
        .map(|dir| dir.join("cotangent"))
        .ok_or(ProveError::NoCache)
}
