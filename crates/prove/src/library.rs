//! The proofs, carried by the program and compiled once.

use crate::verdict::{allowed_axioms, is_answer};
use crate::{Coq, ProveError};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Name and text of every theory, each after those it builds on.
pub const THEORIES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/theories.rs"));

/// No theory takes nearly as long.
const LIMIT: Duration = Duration::from_secs(600);

/// What is asked of Coq about the theories.
const AXIOMS: &str = "\
From Cotangent Require Main.
Redirect \"axioms\" Print Assumptions Cotangent.Main.check_sound.
";

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
        Self::cached(coq, THEORIES, &cache()?, progress)
    }

    /// What the theorem behind every certificate rests on; all of it allowed. Coq,
    /// which goes through every proof to say so, is asked once.
    ///
    /// # Errors
    /// It rests on another axiom, or Coq refuses.
    pub fn axioms(&self, coq: &Coq) -> Result<Vec<String>, ProveError> {
        let answer =
            self.dir.join(format!("axioms-{}-{}.cache", coq.version(), &digest(THEORIES)[..16]));
        if let Some(text) = fs::read_to_string(&answer).ok().filter(|text| is_answer(text)) {
            return allowed_axioms(&text);
        }
        let work = tempfile::tempdir()
            .map_err(|error| ProveError::Io { path: std::env::temp_dir(), error })?;
        let io = |path: &Path| {
            let path = path.to_path_buf();
            move |error| ProveError::Io { path, error }
        };
        let (file, out) = (work.path().join("Axioms.v"), work.path().join("axioms.out"));
        fs::write(&file, AXIOMS).map_err(io(&file))?;
        let output = coq.compile(work.path(), &self.dir, "Axioms.v", LIMIT)?;
        if !output.success {
            return Err(ProveError::Theory { what: "Main.v".into(), message: output.stderr });
        }
        let text = fs::read_to_string(&out).map_err(io(&out))?;
        // Where it cannot be kept, it is asked again.
        let _ = tempfile::NamedTempFile::new_in(&self.dir)
            .and_then(|mut file| file.write_all(text.as_bytes()).map(|()| file))
            .and_then(|file| Ok(file.persist(&answer)?));
        allowed_axioms(&text)
    }

    /// Where the theories are.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    fn built(dir: PathBuf) -> Result<Self, ProveError> {
        let dir = dir.canonicalize().map_err(|error| ProveError::Io { path: dir, error })?;
        for (name, text) in THEORIES {
            let source = dir.join(format!("{name}.v"));
            // What cannot be read is not there.
            if fs::read_to_string(&source).ok().as_deref() != Some(text) {
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
    /// One process compiles at a time, others wait for it; what a killed one
    /// had compiled is not compiled again.
    fn cached(
        coq: &Coq,
        theories: &[(&str, &str)],
        cache: &Path,
        mut progress: impl FnMut(&str, usize, usize),
    ) -> Result<Self, ProveError> {
        let name = format!("proofs-{}-coq-{}", &digest(theories)[..16], coq.version());
        let dir = cache.join(&name);
        if dir.is_dir() {
            return Ok(Library { dir });
        }
        let io = |path: &Path| {
            let path = path.to_path_buf();
            move |error| ProveError::Cache { path, error }
        };
        fs::create_dir_all(cache).map_err(io(cache))?;
        let lock = cache.join(".lock");
        let _lock = File::create(&lock).and_then(|f| f.lock().map(|()| f)).map_err(io(&lock))?;
        if dir.is_dir() {
            return Ok(Library { dir });
        }
        let work = &cache.join(format!(".{name}"));
        remove_abandoned(cache, work);
        fs::create_dir_all(work).map_err(io(work))?;
        write(theories, work).map_err(|e| match e {
            ProveError::Io { path, error } => ProveError::Cache { path, error },
            other => other,
        })?;
        for (k, (name, _)) in theories.iter().enumerate() {
            // Coq may be killed while it writes a file; this one comes after.
            let compiled = work.join(format!("{name}.compiled"));
            if compiled.exists() {
                continue;
            }
            progress(name, k, theories.len());
            let output = coq.compile(work, Path::new("."), &format!("{name}.v"), LIMIT)?;
            if !output.success {
                let what = format!("{name}.v");
                return Err(ProveError::Theory { what, message: output.stderr });
            }
            File::create(&compiled).map_err(io(&compiled))?;
        }
        for (name, _) in theories {
            let compiled = work.join(format!("{name}.compiled"));
            fs::remove_file(&compiled).map_err(io(&compiled))?;
        }
        fs::rename(work, &dir).map_err(io(&dir))?;
        Ok(Library { dir })
    }
}

/// Removes what killed processes left of other versions; the lock is held.
fn remove_abandoned(cache: &Path, work: &Path) {
    for entry in fs::read_dir(cache).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(".proofs-") && entry.path() != work {
            // In nobody's way if it stays.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Writes the proofs' texts into `dir`.
pub(crate) fn write_theories(dir: &Path) -> Result<(), ProveError> {
    write(THEORIES, dir)
}

fn write(theories: &[(&str, &str)], dir: &Path) -> Result<(), ProveError> {
    for (name, text) in theories {
        let path = dir.join(format!("{name}.v"));
        fs::write(&path, text).map_err(|error| ProveError::Io { path, error })?;
    }
    Ok(())
}

/// SHA-256 of names and texts, in hexadecimal.
fn digest(theories: &[(&str, &str)]) -> String {
    let mut hash = Sha256::new();
    for (name, text) in theories {
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

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &[(&str, &str)] = &[
        ("First", "Definition one := 1.\n"),
        ("Second", "From Cotangent Require Import First.\nDefinition two := one + one.\n"),
    ];

    #[test]
    fn compiled_once_and_whole_or_absent() {
        let coq = Coq::find().unwrap();
        let cache = tempfile::tempdir().unwrap();
        let mut heard = Vec::new();
        let mut ready = |theories: &[(&str, &str)]| {
            Library::cached(&coq, theories, cache.path(), |name, _, _| heard.push(name.to_string()))
        };
        let first = ready(TWO).unwrap();
        assert!(first.dir().join("Second.vo").exists());
        assert_eq!(ready(TWO).unwrap().dir(), first.dir());
        let broken = [TWO[0], ("Second", "Definition two : nat := true.\n")];
        let error = ready(&broken).unwrap_err().to_string();
        assert!(error.contains("Second.v"), "{error}");
        assert_eq!(heard, ["First", "Second", "First", "Second"]);
    }

    #[test]
    fn goes_on_where_a_killed_process_stopped() {
        let coq = Coq::find().unwrap();
        let cache = tempfile::tempdir().unwrap();
        let cached = |heard: &mut Vec<String>| {
            Library::cached(&coq, TWO, cache.path(), |name, _, _| heard.push(name.to_string()))
        };
        let whole = cached(&mut Vec::new()).unwrap().dir().to_path_buf();
        let name = whole.file_name().unwrap().to_string_lossy().into_owned();
        let work = cache.path().join(format!(".{name}"));
        fs::rename(&whole, &work).unwrap();
        File::create(work.join("First.compiled")).unwrap();
        // As if killed amid writing.
        fs::write(work.join("Second.vo"), "").unwrap();
        let abandoned = cache.path().join(".proofs-of-another-version");
        fs::create_dir(&abandoned).unwrap();
        let mut heard = Vec::new();
        let again = cached(&mut heard).unwrap();
        assert_eq!(heard, ["Second"]);
        assert!(fs::metadata(again.dir().join("Second.vo")).unwrap().len() > 0);
        assert!(!work.exists() && !abandoned.exists() && !whole.join("First.compiled").exists());
    }

    #[test]
    fn an_unusable_cache_is_called_one() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let coq = Coq::find().unwrap();
        let error = Library::cached(&coq, TWO, &file.path().join("c"), |_, _, _| {}).unwrap_err();
        let said = error.to_string();
        for part in ["cache of compiled proofs", "XDG_CACHE_HOME", "COTANGENT_PROOFS"] {
            assert!(said.contains(part), "{said}");
        }
    }

    #[test]
    fn other_theories_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        write_theories(dir.path()).unwrap();
        let missing = Library::built(dir.path().to_path_buf()).unwrap_err().to_string();
        assert!(missing.contains("make -C proofs"), "{missing}");
        let (name, text) = THEORIES[0];
        fs::write(dir.path().join(format!("{name}.v")), format!("{text} ")).unwrap();
        let other = Library::built(dir.path().to_path_buf()).unwrap_err().to_string();
        assert!(other.contains("COTANGENT_PROOFS"), "{other}");
    }
}
