//! Coq: finding it, and running it within a time bound.

use crate::ProveError;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use wait_timeout::ChildExt;

/// The version of Coq the proofs are written for.
pub const VERSION: &str = "8.16";

/// The command that installs Coq and the library on this machine, as far as
/// can be told.
pub fn install_command() -> &'static str {
    if Path::new("/usr/bin/apt-get").exists() {
        "apt-get install coq libcoq-mathcomp-analysis"
    } else {
        "opam install coq.8.16.1 coq-mathcomp-analysis.0.6.0"
    }
}

/// What the checker runs with, where nobody says otherwise: without the virtual machine it
/// fills gigabytes that live until the end. OCaml promotes late and keeps little room for
/// more, and the C library asks for huge pages.
const ROOM: [(&str, &str); 2] =
    [("OCAMLRUNPARAM", "s=4M,o=40"), ("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1")];

/// Long chains are deep terms, for which Coq has but the usual stack of 8 MiB: a GiB, or
/// as much as this machine grants. Where `setpriv` is there, the kernel ends Coq with the
/// thread that began it, which waits for it, should something kill this process.
const SURROUNDED: &str = "ulimit -S -s 1048576 2>/dev/null || \
    ulimit -S -s \"$(ulimit -H -s)\" 2>/dev/null; \
    setpriv --pdeathsig KILL true 2>/dev/null && exec setpriv --pdeathsig KILL \"$0\" \"$@\"; \
    exec \"$0\" \"$@\"";

fn surrounded(program: &Path) -> Command {
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(SURROUNDED).arg(program);
    command
}

/// The compiler and the checker.
#[derive(Debug, Clone)]
pub struct Coq {
    coqc: PathBuf,
    coqchk: PathBuf,
    version: String,
    stop: &'static AtomicBool,
}

impl Coq {
    /// Coq from `$COQBIN`, else from the path.
    ///
    /// # Errors
    /// None is there, it is another version, or MathComp-Analysis is not
    /// installed beside it.
    pub fn find() -> Result<Self, ProveError> {
        let place = std::env::var_os("COQBIN").filter(|place| !place.is_empty()).map(PathBuf::from);
        let bin = place.clone().unwrap_or_default();
        let (coqc, coqchk) = (bin.join("coqc"), bin.join("coqchk"));
        let ask = |argument: &str| {
            let output = Command::new(&coqc).arg(argument).stdin(Stdio::null()).output().ok()?;
            let text = String::from_utf8_lossy(&output.stdout).trim().to_string();
            output.status.success().then_some(text)
        };
        // `8.16.1 4.13.1`: of Coq, of the OCaml that compiled it.
        let version = ask("--print-version")
            .and_then(|text| Some(text.split_whitespace().next()?.to_string()))
            .ok_or(match place {
                Some(place) => ProveError::CoqBin { place },
                None => ProveError::NoCoq,
            })?;
        if version != VERSION && !version.starts_with(&format!("{VERSION}.")) {
            return Err(ProveError::CoqVersion { found: version });
        }
        let library = ask("-where")
            .map(|root| Path::new(&root).join("user-contrib/mathcomp/analysis/derive.vo"));
        match library {
            Some(path) if path.exists() => Ok(Coq { coqc, coqchk, version, stop: &NEVER }),
            _ => Err(ProveError::NoAnalysis),
        }
    }

    /// Ends what runs once `stop` is set.
    pub fn stopped_by(self, stop: &'static AtomicBool) -> Self {
        Coq { stop, ..self }
    }

    /// Its version, such as 8.16.1.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Compiles `file` of `dir`, with the theories in `library`.
    pub(crate) fn compile(
        &self,
        dir: &Path,
        library: &Path,
        file: &str,
        limit: Duration,
    ) -> Result<Output, ProveError> {
        let mut command = surrounded(&self.coqc);
        command.args(["-q", "-noglob"]).args(["-w", "-notation-overridden,-ambiguous-paths"]);
        command.arg("-Q").arg(library).arg("Cotangent").arg(file).current_dir(dir);
        self.run(command, file, limit)
    }

    /// Has the independent checker go over the compiled `modules` of `dir`.
    pub(crate) fn recheck(
        &self,
        dir: &Path,
        library: &Path,
        modules: &[String],
        limit: Duration,
    ) -> Result<Output, ProveError> {
        let mut command = surrounded(&self.coqchk);
        command.envs(ROOM.into_iter().filter(|(name, _)| std::env::var_os(name).is_none()));
        command.arg("-silent").arg("-Q").arg(library).arg("Cotangent");
        command.args(["-Q", ".", ""]).current_dir(dir);
        // All of ours, none of the libraries'.
        modules.iter().for_each(|module| {
            command.arg("-norec").arg(module);
        });
        self.run(command, "coqchk", limit)
    }

    fn run(&self, mut command: Command, what: &str, limit: Duration) -> Result<Output, ProveError> {
        let failed = |error: std::io::Error| ProveError::Run { what: what.to_string(), error };
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        // Read while it runs: a full pipe would stop it.
        let stderr = drain(child.stderr.take());
        let ended = self.wait(&mut child, limit).map_err(failed)?;
        // Ctrl-C in a terminal reaches Coq too, which may end first.
        let stopped = self.stop.load(Ordering::Relaxed);
        let (Some(status), false) = (ended, stopped) else {
            let _ = child.kill();
            let _ = child.wait();
            return Err(match stopped {
                true => ProveError::Interrupted,
                false => ProveError::TimedOut { what: what.to_string(), limit },
            });
        };
        let stderr = stderr.join().unwrap_or_default();
        let stderr = String::from_utf8_lossy(&stderr).into_owned();
        Ok(Output { stderr, success: status.success() })
    }

    /// `None` if it has not ended within `limit`, or has to be stopped.
    fn wait(&self, child: &mut Child, limit: Duration) -> std::io::Result<Option<ExitStatus>> {
        let start = Instant::now();
        loop {
            let left = limit.saturating_sub(start.elapsed());
            let status = child.wait_timeout(left.min(BETWEEN_LOOKS))?;
            if status.is_some() || left.is_zero() || self.stop.load(Ordering::Relaxed) {
                return Ok(status);
            }
        }
    }
}

/// The flag of a Coq that nobody stops.
static NEVER: AtomicBool = AtomicBool::new(false);

/// How long an interrupt may go unnoticed.
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// How a run of Coq ended. What it prints on its output goes unread: what is
/// wanted is redirected to files.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    pub stderr: String,
    pub success: bool,
}

fn drain(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // What cannot be read is not there; the status decides.
            let _ = pipe.read_to_end(&mut bytes);
        }
        bytes
    })
}
