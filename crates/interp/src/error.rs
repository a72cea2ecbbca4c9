//! What can be wrong with a run.

use cotangent_graph::GraphError;
use thiserror::Error;

/// Why a graph could not be run on these values.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InterpError {
    /// The graph itself is ill-formed.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// Too few or too many values were given.
    #[error("{place}: found {found} values, expected {expected}")]
    Count {
        /// What they were given for.
        place: String,
        /// Values given.
        found: usize,
        /// Values wanted.
        expected: usize,
    },
    /// A value is not of the type wanted there.
    #[error("{place}: found {found}, expected {expected}")]
    Type {
        /// The input or operand.
        place: String,
        /// Type of the value given.
        found: String,
        /// Type wanted.
        expected: String,
    },
    /// A constant does not fit the element type.
    #[error("constant {value} overflows {precision}; run at f64 or choose a smaller constant")]
    Overflow {
        /// The exact constant.
        value: String,
        /// The element type.
        precision: &'static str,
    },
}
