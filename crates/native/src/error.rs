//! What can keep a graph from being executed.

use cotangent_graph::GraphError;
use thiserror::Error;

/// Why an [`crate::Executor`] could not be made or run.
#[derive(Debug, Error)]
pub enum NativeError {
    /// The graph does not verify.
    #[error("the graph is not well formed: {0}")]
    Graph(#[from] GraphError),
    /// Truth values may not cross the boundary of the graph.
    #[error("{what} `{name}` has type {ty}; only reals can enter or leave the executor")]
    Pred {
        /// `input` or `output`.
        what: &'static str,
        /// Its name.
        name: String,
        /// Its type.
        ty: String,
    },
    /// A resident output cannot become the next run's input.
    #[error(
        "output `{name}` ({role}) has type {found}, but the input of that name has {expected}; make them alike or rename one"
    )]
    Resident {
        /// Name of both.
        name: String,
        /// Role of both.
        role: String,
        /// The output's type.
        found: String,
        /// The input's type.
        expected: String,
    },
    /// A constant has no finite f32.
    #[error("instruction {index}: the constant {value} overflows f32")]
    Constant {
        /// Index among the instructions.
        index: usize,
        /// The exact value.
        value: String,
    },
    /// An op whose index space is too large to walk.
    #[error(
        "{op} with result {shape:?}: its products cannot be counted in a usize; use smaller windows or padding"
    )]
    Unsupported {
        /// Op name.
        op: &'static str,
        /// Shape of its result.
        shape: Vec<usize>,
    },
    /// The plan needs more memory than can be addressed or had.
    #[error(
        "the plan needs {bytes} bytes, more than are free; use a smaller batch or smaller images"
    )]
    Memory {
        /// Bytes wanted; `usize::MAX` where the count itself overflows.
        bytes: usize,
    },
    /// The worker threads could not be started.
    #[error("could not start {threads} worker threads: {reason}")]
    Threads {
        /// Threads wanted.
        threads: usize,
        /// What the system said.
        reason: String,
    },
}
