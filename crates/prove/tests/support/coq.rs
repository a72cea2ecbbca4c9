//! Coq on generated files, beside the compiled theories.

use cotangent_prove::Coq;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;
use std::{env, fs, thread};
use tempfile::TempDir;
use wait_timeout::ChildExt;

/// No file made here takes nearly as long.
const LIMIT: Duration = Duration::from_secs(600);

/// Runs of `coqc` under way, among all tests of a file; two at most.
static RUNNING: (Mutex<usize>, Condvar) = (Mutex::new(0), Condvar::new());

struct Turn;

impl Turn {
    fn wait() -> Self {
        let (running, changed) = &RUNNING;
        let running = running.lock().unwrap_or_else(PoisonError::into_inner);
        let running = changed.wait_while(running, |running| *running >= 2);
        *running.unwrap_or_else(PoisonError::into_inner) += 1;
        Turn
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let (running, changed) = &RUNNING;
        *running.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        changed.notify_one();
    }
}

/// `coqc` with the compiled theories, and a directory to work in.
pub struct Theories {
    coqc: PathBuf,
    compiled: PathBuf,
    work: TempDir,
}

/// What `coqc` printed, and whether it accepted the file.
pub struct Answer {
    pub accepted: bool,
    pub stdout: String,
    pub stderr: String,
}

impl Theories {
    /// The compiled `theories`: of `$COTANGENT_PROOFS`, else of this checkout.
    /// Without them, or without Coq, there is nothing to test with; the test
    /// fails and says what to do.
    pub fn find(theories: &[&str]) -> Self {
        // The error says how to install Coq.
        Coq::find().unwrap_or_else(|error| panic!("{error}"));
        let coqc = env::var_os("COQBIN").map(PathBuf::from).unwrap_or_default().join("coqc");
        let given = env::var_os("COTANGENT_PROOFS").map(PathBuf::from);
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proofs/theories");
        let dir = given.clone().unwrap_or(here);
        let compiled =
            dir.canonicalize().unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
        for name in theories {
            let source = compiled.join(format!("{name}.v"));
            let object = compiled.join(format!("{name}.vo"));
            let made = |path: &Path| fs::metadata(path).and_then(|m| m.modified()).ok();
            // A copy made elsewhere has dates of its own.
            let current =
                made(&object).is_some() && (given.is_some() || made(&object) >= made(&source));
            assert!(
                current,
                "{} is missing or old; compile the proofs: make -C proofs",
                object.display()
            );
        }
        Theories { coqc, compiled, work: tempfile::tempdir().unwrap() }
    }

    /// `coqc` on a file of this text.
    pub fn compile(&self, name: &str, text: &str) -> Answer {
        let file = format!("{name}.v");
        fs::write(self.work.path().join(&file), text).unwrap();
        let _turn = Turn::wait();
        // To files: a pipe that nobody reads fills up.
        let (out, err) = (format!("{name}.stdout"), format!("{name}.stderr"));
        let create = |name: &str| fs::File::create(self.work.path().join(name)).unwrap();
        let mut child = Command::new(&self.coqc)
            .args(["-q", "-w", "-notation-overridden,-ambiguous-paths", "-Q"])
            .arg(&self.compiled)
            .arg("Cotangent")
            .arg(&file)
            .current_dir(self.work.path())
            .stdin(Stdio::null())
            .stdout(create(&out))
            .stderr(create(&err))
            .spawn()
            .unwrap();
        let Some(status) = child.wait_timeout(LIMIT).unwrap() else {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("Coq did not finish {file} within {} s", LIMIT.as_secs());
        };
        Answer { accepted: status.success(), stdout: self.read(&out), stderr: self.read(&err) }
    }

    /// A file that a run of `coqc` left.
    pub fn read(&self, name: &str) -> String {
        let bytes = fs::read(self.work.path().join(name)).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// Applies `work` to every item, two at a time, and keeps their order.
pub fn two_at_a_time<T: Sync, U: Send>(
    items: &[T],
    work: impl Fn(usize, &T) -> U + Sync,
) -> Vec<U> {
    let half = |parity: usize| -> Vec<(usize, U)> {
        let mine = items.iter().enumerate().filter(|(k, _)| k % 2 == parity);
        mine.map(|(k, item)| (k, work(k, item))).collect()
    };
    let mut done = thread::scope(|scope| {
        let other = scope.spawn(|| half(1));
        let mut done = half(0);
        done.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        done
    });
    done.sort_by_key(|(k, _)| *k);
    done.into_iter().map(|(_, result)| result).collect()
}

/// `[:: a; b]`
pub fn list<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    format!("[:: {}]", items.join("; "))
}
