//! What can stop a run.

use cotangent_data::BatchError;
use cotangent_emit::EmitError;
use cotangent_interp::InterpError;
use cotangent_native::NativeError;
use cotangent_net::SpecError;
use cotangent_stablehlo::{LowerError, ParseError};
use std::io::{Error, ErrorKind};
use std::path::PathBuf;
use thiserror::Error;

/// Why a run, an evaluation or a prediction cannot be done.
#[derive(Debug, Error)]
#[allow(missing_docs)] // the messages name every field
pub enum TrainError {
    /// A setting is out of range.
    #[error("{what}: {reason}")]
    Invalid { what: &'static str, reason: String },
    /// The data set does not fit the network.
    #[error("the data set `{dataset}` does not fit the network `{model}`: {reason}")]
    Data { dataset: String, model: String, reason: String },
    /// The data set is not the one the run began with.
    #[error(
        "the run began with the data set `{expected}` (sha256 {expected_sha256}), found `{found}` \
         (sha256 {found_sha256}); give the same data with --data"
    )]
    OtherData { expected: String, expected_sha256: String, found: String, found_sha256: String },
    /// The specification is not a network.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// No step can be made of the network.
    #[error(transparent)]
    Emit(#[from] EmitError),
    /// The step has no text.
    #[error(transparent)]
    Lower(#[from] LowerError),
    /// The text is not a step.
    #[error("{name}: {source}")]
    Parse { name: String, source: Box<ParseError> },
    /// The native executor refused or failed.
    #[error(transparent)]
    Native(#[from] NativeError),
    /// The interpreter refused or failed.
    #[error(transparent)]
    Interp(#[from] InterpError),
    /// A batch could not be filled.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// The thread that fills batches is gone.
    #[error("the thread that fills batches stopped")]
    Feed,

    /// A fresh run in a directory that holds one.
    #[error(
        "{} already holds a run; continue it with --resume {}, or choose another --run-dir",
        dir.display(), dir.display()
    )]
    RunExists { dir: PathBuf },
    /// A fresh run in a directory that holds something else.
    #[error(
        "{} is not empty: it holds {found}, and a run would write its own files beside it; choose \
         another --run-dir, or empty this one",
        dir.display()
    )]
    NotEmpty { dir: PathBuf, found: String },
    /// Another process is at work in the run directory.
    #[error(
        "{} is in use by {}; wait until it has ended, or choose another --run-dir",
        dir.display(), owner(process)
    )]
    InUse { dir: PathBuf, process: Option<u32> },
    /// The file system cannot lock.
    #[error(
        "cannot lock {}: {source}; choose a --run-dir on a file system that supports locks",
        dir.display()
    )]
    Lock { dir: PathBuf, source: Error },
    /// The run directory is a file.
    #[error("{} is a file, expected a directory; choose another --run-dir", path.display())]
    NotADirectory { path: PathBuf },
    /// A file or directory cannot be written.
    #[error("cannot write {}: {source}; {}", path.display(), write_fix(source))]
    Write { path: PathBuf, source: Error },
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: Error },
    /// There is no run to resume.
    #[error(
        "{} is missing: this is not a run directory; give the --run-dir of a run that has begun",
        path.display()
    )]
    ConfigMissing { path: PathBuf },
    /// `config.toml` is damaged or of another version.
    #[error("{}: {reason}", path.display())]
    Config { path: PathBuf, reason: String },
    /// `config.toml` was edited.
    #[error(
        "{} differs from the configuration of the checkpoint: found `{found}`, expected \
         `{expected}`; restore that line, or begin a new run",
        path.display()
    )]
    ConfigChanged { path: PathBuf, found: String, expected: String },

    /// A run that had a checkpoint has none.
    #[error(
        "{} is missing, and {} shows that the run did not stop before its first checkpoint; \
         restore the file, or begin a new run in another --run-dir",
        path.display(), shown_by.display()
    )]
    CheckpointMissing { path: PathBuf, shown_by: PathBuf },
    /// A weights file or checkpoint is damaged.
    #[error("{} is not a usable checkpoint: {reason}", path.display())]
    Checkpoint { path: PathBuf, reason: String },
    /// A weights file of another network.
    #[error(transparent)]
    Tensor(Box<Misfit>),
    /// A weights file of a network with the same parameters that computes
    /// something else.
    #[error(
        "{} is of another network than `{model}`, though its tensors have the same shapes: its \
         specification has {found} where `{model}` has {expected}; give the network it was \
         trained as, which `config.toml` of its run holds",
        path.display()
    )]
    OtherSpec { path: PathBuf, model: String, found: String, expected: String },
    /// Weights to start from, of another number of classes.
    #[error(
        "{}: tensor `{tensor}`: found {found:?}, expected {expected:?}: the weights are of another \
         number of classes than network `{model}`; give --reset-head to draw that layer anew, or \
         --classes {}",
        path.display(), found.last().copied().unwrap_or(0)
    )]
    OtherClasses {
        path: PathBuf,
        model: String,
        tensor: String,
        found: Vec<usize>,
        expected: Vec<usize>,
    },
    /// A network's result on data is not a number.
    #[error(
        "{}: with these weights {what} is not a finite number in network `{model}`: they are too \
         large; give weights from before training diverged",
        path.display()
    )]
    Overflow { path: PathBuf, model: String, what: &'static str },
    /// The step is not the one the checkpoint was made by.
    #[error(
        "the step has changed: {what} has sha256 {found}, but the checkpoint was made by the step \
         with sha256 {expected}; continue with the version and files that began the run, or \
         begin a new one"
    )]
    StepChanged { what: String, found: String, expected: String },

    /// The loss, or what is trained, is no longer a number.
    #[error(
        "{} step {step} of epoch {epoch} (learning rate {lr:e}); try a \
         lower --lr such as {:e}, another --optimizer, or look for damaged data.{}",
        broken(*loss, tensor), lr / 10.0, kept(checkpoint)
    )]
    Diverged {
        loss: f32,
        /// What broke, where it was not the loss.
        tensor: Option<String>,
        epoch: u64,
        step: u64,
        lr: f32,
        /// The last good checkpoint, left untouched.
        checkpoint: Option<PathBuf>,
    },
}

/// The first tensor of a weights file that is not what the network has.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "{}{} does not fit the network `{model}`: tensor `{tensor}`: found {found}, expected {expected}",
    path.display(), of_model(found_model)
)]
pub struct Misfit {
    /// The file.
    pub path: PathBuf,
    /// The network the file says it is of.
    pub found_model: Option<String>,
    /// The network it was to be used with.
    pub model: String,
    /// The tensor's name.
    pub tensor: String,
    /// Its shape in the file, or `none`.
    pub found: String,
    /// Its shape in the network, or `no such tensor`.
    pub expected: String,
}

fn write_fix(source: &Error) -> &'static str {
    match source.kind() {
        ErrorKind::StorageFull | ErrorKind::FileTooLarge | ErrorKind::QuotaExceeded => {
            "free some space, or choose another --run-dir; nothing half-written was left behind"
        }
        _ => "choose a --run-dir that can be written",
    }
}

fn owner(process: &Option<u32>) -> String {
    process.map_or("another process".into(), |id| format!("process {id}"))
}

fn of_model(model: &Option<String>) -> String {
    model.as_ref().map_or(String::new(), |m| format!(" (of the network `{m}`)"))
}

fn broken(loss: f32, tensor: &Option<String>) -> String {
    match tensor {
        Some(name) => format!("`{name}` is no longer finite after"),
        None => format!("the loss is {loss} at"),
    }
}

fn kept(checkpoint: &Option<PathBuf>) -> String {
    match checkpoint {
        Some(path) => format!(" The last good checkpoint is {}.", path.display()),
        None => " There is no checkpoint yet.".into(),
    }
}
