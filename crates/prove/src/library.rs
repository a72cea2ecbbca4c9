//! The proofs, carried by the program and compiled once.

use crate::verdict::{allowed_axioms, is_answer};
use crate::{Coq, ProveError};
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// One file of the proofs.
#[derive(Debug, Clone, Copy)]
pub struct Theory {
    /// Its name, without the extension.
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
    /// The theories it names, which are compiled before it.
    pub requires: &'static [&'static str],
}

/// The theories that a certificate needs, each after those it builds on.
pub const THEORIES: &[Theory] = include!(concat!(env!("OUT_DIR"), "/theories.rs"));

/// No theory takes nearly as long.
const LIMIT: Duration = Duration::from_secs(600);

/// A theory takes up to a gigabyte to compile; no more than these wait for each other.
const MOST_AT_ONCE: usize = 8;

/// What is asked of Coq about the theories.
const AXIOMS: &str = "\
From Cotangent Require Main MainAt.
Definition behind := (Cotangent.Main.check_sound, Cotangent.MainAt.at_sound).
Redirect \"axioms\" Print Assumptions behind.
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
        // Empty is as if it were not set.
        if let Some(dir) = std::env::var_os("COTANGENT_PROOFS").filter(|dir| !dir.is_empty()) {
            return Self::built(PathBuf::from(dir));
        }
        Self::cached(coq, THEORIES, &cache()?, progress)
    }

    /// What the theorems behind every certificate rest on, at a point or not; all of it
    /// allowed. Coq, which goes through every proof to say so, is asked once.
    ///
    /// # Errors
    /// They rest on another axiom, or Coq refuses.
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
            return Err(ProveError::Theory { what: "MainAt.v".into(), message: output.stderr });
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
        let dir = dir.canonicalize().map_err(|error| ProveError::Proofs { path: dir, error })?;
        for Theory { name, text, .. } in THEORIES {
            let source = dir.join(format!("{name}.v"));
            match fs::read_to_string(&source) {
                Ok(found) if found == *text => {}
                Ok(_) => return Err(ProveError::OtherTheories { path: source }),
                Err(error) => return Err(ProveError::Proofs { path: source, error }),
            }
            let object = dir.join(format!("{name}.vo"));
            if !object.exists() {
                return Err(ProveError::NotCompiled { path: object });
            }
        }
        Ok(Library { dir })
    }

    /// A directory whose name is the digest of its content is whole or absent.
    /// One process compiles, on all cores, others wait for it; what a killed one
    /// had compiled is not compiled again.
    fn cached(
        coq: &Coq,
        theories: &[Theory],
        cache: &Path,
        progress: impl FnMut(&str, usize, usize),
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
        compile(coq, theories, work, progress)?;
        for Theory { name, .. } in theories {
            let compiled = compiled(work, name);
            fs::remove_file(&compiled).map_err(io(&compiled))?;
        }
        fs::rename(work, &dir).map_err(io(&dir))?;
        Ok(Library { dir })
    }
}

/// The file that says that a theory of `work` is compiled: Coq may be killed while it
/// writes its own.
fn compiled(work: &Path, name: &str) -> PathBuf {
    work.join(format!("{name}.compiled"))
}

/// Compiles what is not yet, as many at a time as there are cores. `progress` hears of
/// each before it begins, in the order of `theories` where that can be.
fn compile(
    coq: &Coq,
    theories: &[Theory],
    work: &Path,
    mut progress: impl FnMut(&str, usize, usize),
) -> Result<(), ProveError> {
    let cores = thread::available_parallelism().map_or(1, usize::from).min(MOST_AT_ONCE);
    let one = |theory: &Theory| {
        let what = format!("{}.v", theory.name);
        let output = coq.compile(work, Path::new("."), &what, LIMIT)?;
        if !output.success {
            return Err(ProveError::Theory { what, message: output.stderr });
        }
        let path = compiled(work, theory.name);
        File::create(&path).map(drop).map_err(|error| ProveError::Cache { path, error })
    };
    let mut done: HashSet<&str> =
        theories.iter().map(|t| t.name).filter(|name| compiled(work, name).exists()).collect();
    let mut waiting: Vec<&Theory> = theories.iter().filter(|t| !done.contains(t.name)).collect();
    let (mut begun, mut running, mut failure) = (done.len(), 0, None);
    thread::scope(|scope| {
        let (sender, ended) = mpsc::channel();
        loop {
            while running < cores && failure.is_none() {
                let ready = |t: &&Theory| t.requires.iter().all(|name| done.contains(name));
                let Some(k) = waiting.iter().position(ready) else { break };
                let theory = waiting.remove(k);
                progress(theory.name, begun, theories.len());
                (begun, running) = (begun + 1, running + 1);
                let sender = sender.clone();
                scope.spawn(move || drop(sender.send((theory.name, one(theory)))));
            }
            if running == 0 {
                return;
            }
            // Every thread sends once, and this end of the channel stays.
            let Ok((name, result)) = ended.recv() else { return };
            running -= 1;
            match result {
                Ok(()) => drop(done.insert(name)),
                Err(error) => drop(failure.get_or_insert(error)),
            }
        }
    });
    failure.map_or(Ok(()), Err)
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

fn write(theories: &[Theory], dir: &Path) -> Result<(), ProveError> {
    for Theory { name, text, .. } in theories {
        let path = dir.join(format!("{name}.v"));
        fs::write(&path, text).map_err(|error| ProveError::Io { path, error })?;
    }
    Ok(())
}

/// SHA-256 of names and texts, in hexadecimal.
fn digest(theories: &[Theory]) -> String {
    let mut hash = Sha256::new();
    for Theory { name, text, .. } in theories {
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

    const TWO: &[Theory] = &[
        Theory { name: "First", text: "Definition one := 1.\n", requires: &[] },
        Theory {
            name: "Second",
            text: "From Cotangent Require Import First.\nDefinition two := one + one.\n",
            requires: &["First"],
        },
    ];

    #[test]
    fn what_certificates_require_is_there() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut named = HashSet::new();
        for dir in [here.join("src"), here.join("../rocq/src")] {
            for file in fs::read_dir(dir).unwrap() {
                let text = fs::read_to_string(file.unwrap().path()).unwrap();
                for sentence in text.split("From Cotangent Require").skip(1) {
                    let words = sentence.split(['.', '"']).next().unwrap().split_whitespace();
                    named.extend(words.filter(|w| *w != "Import").map(str::to_string));
                }
            }
        }
        named.retain(|name| name != "First");
        assert!(named.contains("MainAt") && named.contains("Explain"), "{named:?}");
        let there = |name: &String| THEORIES.iter().any(|theory| theory.name == name);
        assert!(named.iter().all(there), "{named:?}");
        // Less than all: the closed forms are no part of a certificate.
        assert!(THEORIES.iter().all(|theory| !theory.name.starts_with("LayersGraph")));
    }

    #[test]
    fn each_after_what_it_requires() {
        for (k, theory) in THEORIES.iter().enumerate() {
            for name in theory.requires {
                assert!(THEORIES[..k].iter().any(|t| t.name == *name), "{} {name}", theory.name);
            }
        }
    }

    #[test]
    fn compiled_once_and_whole_or_absent() {
        let coq = Coq::find().unwrap();
        let cache = tempfile::tempdir().unwrap();
        let mut heard = Vec::new();
        let mut ready = |theories: &[Theory]| {
            Library::cached(&coq, theories, cache.path(), |name, _, _| heard.push(name.to_string()))
        };
        let first = ready(TWO).unwrap();
        assert!(first.dir().join("Second.vo").exists());
        assert_eq!(ready(TWO).unwrap().dir(), first.dir());
        let broken = [TWO[0], Theory { text: "Definition two : nat := true.\n", ..TWO[1] }];
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
        let Theory { name, text, .. } = THEORIES[0];
        fs::write(dir.path().join(format!("{name}.v")), format!("{text} ")).unwrap();
        let other = Library::built(dir.path().to_path_buf()).unwrap_err().to_string();
        assert!(other.contains("COTANGENT_PROOFS"), "{other}");
        let empty = tempfile::tempdir().unwrap();
        for nowhere in [dir.path().join("nowhere"), empty.path().to_path_buf()] {
            let message = Library::built(nowhere.clone()).unwrap_err().to_string();
            let named = format!("COTANGENT_PROOFS={}", nowhere.display());
            assert!(message.contains(&named) && message.contains("unset it"), "{message}");
        }
    }
}
