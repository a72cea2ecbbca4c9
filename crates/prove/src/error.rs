//! Why there is no certificate.

use crate::toolchain::install_command;
use cotangent_rocq::LiteralError;
use cotangent_stablehlo::ParseError;
use std::path::PathBuf;
use std::time::Duration;
use thiserror::Error;

/// Why there is no certificate.
#[derive(Debug, Error)]
pub enum ProveError {
    /// No `coqc`.
    #[error("Coq is not installed; install it: {}", install_command())]
    NoCoq,
    /// No `coqc` in `$COQBIN`.
    #[error("COQBIN={}: no coqc that runs is there; unset it, or name the directory of coqc", place.display())]
    CoqBin {
        /// Its value.
        place: PathBuf,
    },
    /// A `coqc` of another version.
    #[error(
        "the proofs are written for Coq 8.16, found {found}; install it: {}",
        install_command()
    )]
    CoqVersion {
        /// Its version.
        found: String,
    },
    /// No MathComp-Analysis.
    #[error("Coq's library MathComp-Analysis is not installed; install it: {}", install_command())]
    NoAnalysis,
    /// Coq could not be run.
    #[error("cannot run Coq on {what}: {error}")]
    Run {
        /// The file.
        what: String,
        /// Why.
        error: std::io::Error,
    },
    /// Coq took too long.
    #[error("Coq did not finish {what} within {} s", limit.as_secs())]
    TimedOut {
        /// The file.
        what: String,
        /// The bound.
        limit: Duration,
    },
    /// It was asked to stop.
    #[error("interrupted; no certificate was written")]
    Interrupted,
    /// A file or directory.
    #[error("{}: {error}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// `$COTANGENT_PROOFS` is nowhere.
    #[error(
        "COTANGENT_PROOFS={}: {error}; unset it, or name proofs of this version, compiled with \
         `make -C proofs`",
        path.display()
    )]
    Proofs {
        /// Its value, or what is not there.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// `$COTANGENT_PROOFS` is not of this version.
    #[error(
        "{} is not the theory this program carries; unset COTANGENT_PROOFS, or name the proofs of this version",
        path.display()
    )]
    OtherTheories {
        /// The theory.
        path: PathBuf,
    },
    /// `$COTANGENT_PROOFS` is not compiled.
    #[error("{} is missing; compile the proofs: make -C proofs", path.display())]
    NotCompiled {
        /// The object file.
        path: PathBuf,
    },
    /// No place for compiled theories.
    #[error("no cache directory for the compiled proofs; set HOME or XDG_CACHE_HOME")]
    NoCache,
    /// The place for compiled theories cannot be used.
    #[error(
        "{}: {error}; it is in the cache of compiled proofs, which is $XDG_CACHE_HOME/cotangent, or \
         $HOME/.cache/cotangent: set XDG_CACHE_HOME to a directory that can be written, or \
         COTANGENT_PROOFS to proofs compiled with `make -C proofs`",
        path.display()
    )]
    Cache {
        /// What of it.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A theory does not compile.
    #[error("Coq refuses the theory {what}, which is a fault of this version: {message}")]
    Theory {
        /// The theory.
        what: String,
        /// Coq's message.
        message: String,
    },
    /// The file is not StableHLO that can be read.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// The file has an op the proofs do not cover.
    #[error(transparent)]
    Literal(#[from] LiteralError),
    /// A layer that the proofs do not cover.
    #[error("layer `{layer}`: the proofs do not cover {kind}")]
    Layer {
        /// The layer's name.
        layer: String,
        /// Its kind.
        kind: &'static str,
    },
    /// A constant that cannot be stored.
    #[error("{name} = {value} overflows the file's element type")]
    Constant {
        /// Its name.
        name: &'static str,
        /// Its value.
        value: String,
    },
    /// The file does not say something about itself.
    #[error(
        "the file does not say `{name}`; emit it with `cotangent emit`, or give the specification"
    )]
    Attribute {
        /// The attribute.
        name: &'static str,
    },
    /// The specification in the file.
    #[error("the specification in the file: {error}")]
    Spec {
        /// What is wrong.
        error: String,
    },
    /// The options in the file.
    #[error("the options in the file: {error}")]
    Options {
        /// What is wrong.
        error: String,
    },
    /// A kind of step that has no theorem.
    #[error("there is no theorem about `{what}`; the proofs cover train, grad and forward")]
    What {
        /// The kind.
        what: &'static str,
    },
    /// Gradients with frozen statistics and without masks, of a network that has such.
    #[error(
        "the file says \"evaluation\" in cotangent.options: its gradients are those with {frozen}; the \
         proofs are of gradients as in training"
    )]
    Evaluation {
        /// What is not as in training.
        frozen: &'static str,
    },
    /// Something is in the way.
    #[error("{} is not empty; name a directory that does not exist yet", path.display())]
    NotEmpty {
        /// The directory.
        path: PathBuf,
    },
    /// Coq refuses a generated file other than the certificate.
    #[error("Coq refuses {file}: {message}")]
    Refused {
        /// The file.
        file: String,
        /// Coq's message.
        message: String,
    },
    /// Coq fails before it can tell.
    #[error("Coq could not check it, which says nothing about the file: {}{}", message.trim(), mend(message))]
    Unchecked {
        /// Coq's message.
        message: String,
    },
    /// The certificate does not hold.
    #[error("not certified: {reason}")]
    NotCertified {
        /// The first difference.
        reason: String,
        /// Coq's message.
        message: String,
    },
    /// No theorem at a point is about this step.
    #[error("no certificate at a point: {reason}")]
    Point {
        /// Why.
        reason: String,
    },
    /// At the point, conditions of the theorem do not hold.
    #[error(
        "not certified at this point; of the theorem's conditions these do not hold there, or cannot be \
         decided:\n{problems}"
    )]
    AtKinks {
        /// The first of them, a line each.
        problems: String,
        /// Something that comes into one has no value that can be computed.
        inexact: bool,
    },
    /// The literal is not the file.
    #[error(
        "line {line} of the file is not as Coq prints the step: `{found}`, expected `{expected}`; \
         `cotangent emit` writes it so"
    )]
    Bytes {
        /// The first that differs, from 1.
        line: usize,
        /// What is there.
        found: String,
        /// What Coq prints.
        expected: String,
    },
    /// The file and its specification are of two networks.
    #[error(
        "the file says in cotangent.model that it is `{model}`, and its specification is of `{spec}`"
    )]
    Model {
        /// What it says.
        model: String,
        /// The specification's name.
        spec: String,
    },
    /// An axiom that is not allowed.
    #[error("the theorem rests on the axiom {axiom}, which is not one of the three allowed")]
    Axiom {
        /// The axiom.
        axiom: String,
    },
    /// Coq printed something unforeseen.
    #[error("cannot read what Coq printed into {file}")]
    Output {
        /// The file.
        file: &'static str,
    },
}

/// What helps where Coq fails with this message.
fn mend(message: &str) -> &'static str {
    if message.contains("Stack overflow") {
        "; give it more stack: ulimit -s unlimited"
    } else if message.contains(".vo") {
        "; the compiled proofs are damaged: unset COTANGENT_PROOFS, or compile them anew with \
         `make -C proofs`"
    } else if message.trim().is_empty() {
        "it was killed; it may need more memory than there is"
    } else {
        ""
    }
}
