//! What can be wrong with a graph.

use thiserror::Error;

/// A graph that does not mean anything.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum GraphError {
    /// An op was given the wrong number of operands.
    #[error("{op}: found {found} operands, expected {expected}")]
    Arity {
        /// Op name.
        op: &'static str,
        /// Operands given.
        found: usize,
        /// Operands wanted.
        expected: usize,
    },
    /// An op's operands or attributes do not fit each other.
    #[error("{op}: {reason}")]
    Type {
        /// Op name.
        op: &'static str,
        /// What was found and what was expected.
        reason: String,
    },
    /// An operand or output names a value that is not defined before it.
    #[error("{place} uses value {value}, but only values below {defined} are defined there")]
    Undefined {
        /// The instruction or output.
        place: String,
        /// The value named.
        value: u32,
        /// The first undefined value there.
        defined: u32,
    },
    /// The type stored on an instruction is not the one its op yields.
    #[error("instruction {index} ({op}): stored type {found}, but the op yields {expected}")]
    Stored {
        /// Index among the instructions.
        index: usize,
        /// Op name.
        op: &'static str,
        /// Stored type.
        found: String,
        /// Inferred type.
        expected: String,
    },
    /// Two inputs or two outputs share a name and a role.
    #[error("two {what} are named `{name}`; names must differ")]
    Name {
        /// `inputs` or `outputs`.
        what: &'static str,
        /// The name.
        name: String,
    },
}
