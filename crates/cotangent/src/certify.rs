//! Having Coq check a step: what `prove` and `train --prove` share.

use crate::output::note;
use crate::unmet::unmet_rows;
use cotangent::prove::{AtVerdict, Coq, Directory, Library, Limits, ProveError, Subject, Verdict};
use cotangent::train::{Event, Observer};
use miette::{Result, miette};
use std::fs;
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
    directory: Directory,
    coq: Coq,
    library: Library,
}

fn report(e: ProveError) -> miette::Report {
    miette!("{e}")
}

/// Writes the certificate of the step `text` into the directory that `place`
/// names, and has Coq check it.
///
/// # Errors
/// The step is not covered, Coq is missing, or it refuses.
pub fn certify(
    text: String,
    quiet: bool,
    place: impl FnOnce(&Subject) -> Result<PathBuf>,
) -> Result<Certified> {
    let subject = Subject::read(text).map_err(report)?;
    // What the proofs do not cover needs no Coq to be refused.
    let stated = subject.stated().map_err(report)?;
    let coq = Coq::find().map_err(report)?;
    let library = Library::ready(&coq, |name, k, n| {
        if !quiet {
            note(&format!("compiling the proofs, once: {} of {n}, {name}.v", k + 1));
        }
    })
    .map_err(report)?;
    let directory = Directory::write(&subject, &place(&subject)?).map_err(report)?;
    let verdict = directory.check(&coq, &library, Limits::default()).map_err(report)?;
    Ok(Certified { subject, stated, verdict, directory, coq, library })
}

impl Certified {
    /// The certificate's directory.
    pub fn path(&self) -> &Path {
        &self.directory.path
    }

    /// Has Coq certify that no kink is met with these parameters and examples.
    ///
    /// # Errors
    /// One is met, or a condition cannot be decided; or Coq refuses.
    pub fn at(&self, params: &[&[f32]], x: &[f32]) -> Result<AtVerdict> {
        let open = unmet_rows(&self.subject.network, params, self.subject.batch, x);
        let check = |open: Vec<Vec<bool>>| {
            let point = self.subject.point(params, open, x)?;
            self.directory.check_at(&self.coq, &self.library, Limits::default(), &point)
        };
        // A value that binary32 makes 0 and that is not.
        let too_open = |e: &ProveError| matches!(e, ProveError::AtKinks { problems } if problems.contains("no exact value"));
        match check(open.clone()) {
            Err(e) if too_open(&e) && open.iter().flatten().any(|&open| open) => {
                check(vec![Vec::new(); params.len()])
            }
            verdict => verdict,
        }
        .map_err(report)
    }

    /// Has `coqchk` go over the certificate too; the verdict keeps its time.
    ///
    /// # Errors
    /// It refuses, or takes too long.
    pub fn recheck(&mut self) -> Result<()> {
        let seconds = self.directory.recheck(&self.coq, &self.library, Limits::default());
        self.verdict.recheck_seconds = Some(seconds.map_err(report)?);
        Ok(())
    }
}

/// The name of the certificate in a run directory.
const CERTIFICATE: &str = "certificate";

/// The certificate of a run that has no directory yet: beside the place where
/// that will be, until the run starts.
pub struct Waiting {
    beside: TempDir,
}

impl Waiting {
    /// Certifies the step `text` of the run that will be in `run_dir`.
    ///
    /// # Errors
    /// As [`certify`], or no directory can be made beside `run_dir`.
    pub fn new(text: String, run_dir: &Path, quiet: bool) -> Result<Self> {
        let parent = match run_dir.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let failed = |e: std::io::Error| {
            miette!(
                help = "choose a --run-dir",
                "cannot make a directory in {}: {e}",
                parent.display()
            )
        };
        fs::create_dir_all(parent).map_err(failed)?;
        let beside =
            tempfile::Builder::new().prefix(".certificate-").tempdir_in(parent).map_err(failed)?;
        if !quiet {
            note("certifying the step");
        }
        let certified = certify(text, quiet, |_| Ok(beside.path().join(CERTIFICATE)))?;
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
        Ok(Waiting { beside })
    }

    /// Moves the certificate into the run's directory, whose step has to be the
    /// one certified.
    fn move_into(&self, run_dir: &Path) -> Result<()> {
        let (from, to) = (self.beside.path().join(CERTIFICATE), run_dir.join(CERTIFICATE));
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
