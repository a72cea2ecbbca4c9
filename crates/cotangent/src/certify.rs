//! Having Coq check a step: what `prove` and `train --prove` share.

use crate::as_emitted::first_difference;
use crate::output::note;
use crate::unmet::unmet_rows;
use cotangent::prove::{AtVerdict, Coq, Directory, Library, Limits, ProveError, Subject, Verdict};
use cotangent::train::{Event, Observer};
use miette::{Result, miette};
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use tempfile::TempDir;

/// A certificate that Coq accepted, and what is needed to check it once more.
pub struct Certified {
    /// The step.
    pub subject: Subject,
    /// The specification and the options as the theorem states them.
    pub stated: String,
    /// What Coq said.
    pub verdict: Verdict,
    made: Beside,
    directory: Directory,
    coq: Coq,
    library: Library,
}

/// As the command reports it.
pub fn report(e: ProveError) -> miette::Report {
    miette!("{e}")
}

/// Writes the certificate of `subject` into a temporary directory beside
/// the place where it will be, and has Coq check it: what is refused, leaves nothing.
/// Once `stop` is set it ends, and leaves nothing either.
///
/// # Errors
/// The step is not covered, Coq is missing, or it refuses.
pub fn certify(
    subject: Subject,
    quiet: bool,
    stop: &'static AtomicBool,
    place: impl FnOnce(&Subject) -> Result<PathBuf>,
) -> Result<Certified> {
    // What the proofs do not cover needs no Coq to be refused.
    let stated = subject.stated().map_err(report)?;
    let coq = Coq::find().map_err(report)?.stopped_by(stop);
    let library = Library::ready(&coq, |name, k, n| {
        if !quiet {
            note(&format!("compiling the proofs, once: {} of {n}, {name}.v", k + 1));
        }
    })
    .map_err(report)?;
    let made = Beside::new(&place(&subject)?)?;
    let directory =
        Directory::write(&subject, &made.dir.path().join(CERTIFICATE)).map_err(report)?;
    let verdict = directory.check(&coq, &library, Limits::of(&subject)).map_err(|e| match &e {
        ProveError::NotCertified { reason, .. } => match first_difference(&subject) {
            Some(text) => miette!("not certified: {text}\nin Coq's words:\n{reason}"),
            None => report(e),
        },
        _ => report(e),
    })?;
    Ok(Certified { subject, stated, verdict, made, directory, coq, library })
}

/// A temporary directory beside the place where a certificate will be. While its
/// process lives it holds the lock, so that a later one knows what is abandoned.
struct Beside {
    dir: TempDir,
    _lock: Option<File>,
}

/// How such a directory's name begins.
const PREFIX: &str = ".certificate-";

/// The file in it that is locked.
const LOCK: &str = "lock";

impl Beside {
    fn new(place: &Path) -> Result<Self> {
        let parent = match place.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let make = || -> std::io::Result<TempDir> {
            fs::create_dir_all(parent)?;
            remove_abandoned(parent);
            tempfile::Builder::new().prefix(PREFIX).tempdir_in(parent)
        };
        let dir = make().map_err(|e| {
            miette!(
                help = "choose another directory",
                "cannot make a directory in {}: {e}",
                parent.display()
            )
        })?;
        let lock = locked(dir.path()).ok();
        Ok(Beside { dir, _lock: lock })
    }
}

/// The lock of the directory. It gets its name once it is held: what has the name
/// and is not held was left by a killed process.
fn locked(dir: &Path) -> std::io::Result<File> {
    let unnamed = dir.join("unlocked");
    let file = File::create(&unnamed)?;
    file.try_lock()?;
    fs::rename(&unnamed, dir.join(LOCK))?;
    Ok(file)
}

/// Removes what killed processes left in `parent`.
fn remove_abandoned(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        if !entry.file_name().to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        let lock = File::open(entry.path().join(LOCK));
        if lock.is_ok_and(|file| file.try_lock().is_ok()) {
            // In nobody's way if it stays.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

impl Certified {
    /// The certificate's directory.
    pub fn path(&self) -> &Path {
        &self.directory.path
    }

    /// Moves the certificate to where it will be: the first of `places` that does not
    /// exist or is an empty directory.
    ///
    /// # Errors
    /// The last of them exists, or one cannot be written.
    pub fn keep(&mut self, places: impl Iterator<Item = PathBuf>) -> Result<()> {
        let mut places = places.peekable();
        while let Some(place) = places.next() {
            match fs::rename(&self.directory.path, &place) {
                Ok(()) => {
                    self.directory.path = place;
                    break;
                }
                Err(e) if is_taken(&e) && places.peek().is_some() => {}
                Err(e) => {
                    return Err(miette!(
                        help = "name another directory with --out",
                        "cannot write {}: {e}",
                        place.display()
                    ));
                }
            }
        }
        Ok(())
    }

    /// Has Coq certify that no kink is met with these parameters, examples and masks,
    /// which are `origin`.
    ///
    /// # Errors
    /// One is met, or a condition cannot be decided; or Coq refuses.
    pub fn at(
        &self,
        params: &[&[f32]],
        x: &[f32],
        masks: &[Vec<f32>],
        origin: &str,
    ) -> Result<AtVerdict> {
        // With masks what is 0 is another matter.
        let open = match masks {
            [] => unmet_rows(&self.subject.network, params, self.subject.batch, x),
            _ => vec![Vec::new(); params.len()],
        };
        let check = |open: Vec<Vec<bool>>| {
            let point = self.subject.point(params, open, x, masks)?;
            let (limits, step) = (Limits::of(&self.subject), &self.verdict);
            self.directory.check_at(&self.coq, &self.library, limits, step, &point, origin)
        };
        match check(open.clone()) {
            // Something that binary32 makes 0 and that is not.
            Err(ProveError::AtKinks { inexact: true, .. }) if open.iter().flatten().any(|&o| o) => {
                check(vec![Vec::new(); params.len()])
            }
            verdict => verdict,
        }
        .map_err(|error| match error {
            ProveError::AtKinks { .. } if !masks.is_empty() => miette!(
                help = "an entry that a mask drops is 0: let dropout follow the activation, or give \
                        other masks with --mask-seed N; what is 0 for all that comes in of a unit \
                        is its bias, at first 0: train longer, or give other examples",
                "{error}"
            ),
            error => report(error),
        })
    }

    /// Has `coqchk` go over the certificate too; the verdict keeps its time.
    ///
    /// # Errors
    /// It refuses, or takes too long.
    pub fn recheck(&mut self) -> Result<()> {
        let seconds = self.directory.recheck(&self.coq, &self.library, Limits::of(&self.subject));
        self.verdict.recheck_seconds = Some(seconds.map_err(report)?);
        Ok(())
    }
}

fn is_taken(e: &std::io::Error) -> bool {
    matches!(
        e.kind(),
        ErrorKind::DirectoryNotEmpty | ErrorKind::AlreadyExists | ErrorKind::NotADirectory
    )
}

/// The name of the certificate in a run directory.
const CERTIFICATE: &str = "certificate";

/// The certificate of a run that has no directory yet: beside the place where
/// that will be, until the run starts.
pub struct Waiting {
    made: Beside,
}

impl Waiting {
    /// Certifies the step `text` of the run that will be in `run_dir`.
    ///
    /// # Errors
    /// As [`certify`], or no directory can be made beside `run_dir`.
    pub fn new(
        text: String,
        run_dir: &Path,
        quiet: bool,
        stop: &'static AtomicBool,
    ) -> Result<Self> {
        if !quiet {
            note("certifying the step");
        }
        let certified = certify(Subject::read(text).map_err(report)?, quiet, stop, |_| {
            Ok(run_dir.to_path_buf())
        })?;
        if !quiet {
            let verdict = &certified.verdict;
            let conditions = match verdict.kinks.len() {
                0 => "no kinks".into(),
                1 => "off 1 kink".into(),
                n => format!("off {n} kinks"),
            };
            note(&format!(
                "certified: {} instructions, {conditions}, {:.1} s",
                certified.subject.instructions, verdict.seconds
            ));
        }
        Ok(Waiting { made: certified.made })
    }

    /// Moves the certificate into the run's directory, whose step has to be the
    /// one certified.
    fn move_into(&self, run_dir: &Path) -> Result<()> {
        let (from, to) = (self.made.dir.path().join(CERTIFICATE), run_dir.join(CERTIFICATE));
        let read = |path: PathBuf| fs::read(&path).map_err(|e| miette!("{}: {e}", path.display()));
        if read(from.join("step.mlir"))? != read(run_dir.join("step.mlir"))? {
            return Err(miette!(
                "{}: it is not the step that was certified",
                run_dir.join("step.mlir").display()
            ));
        }
        fs::rename(&from, &to).map_err(|e| miette!("cannot write {}: {e}", to.display()))
    }
}

/// An observer that gives the run its certificate as it starts; where that
/// fails, the run stops before its first step.
pub struct WithCertificate<'a> {
    /// The certificate, until the run has it.
    pub waiting: Option<Waiting>,
    /// Stops the run.
    pub stop: &'a AtomicBool,
    /// Who is told everything else.
    pub inner: &'a mut dyn Observer,
    /// Why the run was stopped.
    pub problem: Option<miette::Report>,
}

impl Observer for WithCertificate<'_> {
    fn event(&mut self, event: &Event<'_>) {
        self.inner.event(event);
        if let (Event::RunStarted { dir, .. }, Some(waiting)) = (event, self.waiting.take())
            && let Err(problem) = waiting.move_into(dir)
        {
            self.problem = Some(problem);
            self.stop.store(true, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_process_left_is_removed_and_nothing_else() {
        let parent = TempDir::new().unwrap();
        let place = parent.path().join("c");
        let alive = Beside::new(&place).unwrap();
        // Just made, and not locked yet.
        let young = parent.path().join(".certificate-young");
        fs::create_dir(&young).unwrap();
        let mut killed = Beside::new(&place).unwrap();
        killed.dir.disable_cleanup(true);
        let left = killed.dir.path().to_path_buf();
        drop(killed);
        assert!(left.join(LOCK).exists());
        let next = Beside::new(&place).unwrap();
        assert!(!left.exists());
        assert!(alive.dir.path().exists() && next.dir.path().exists() && young.exists());
    }
}
