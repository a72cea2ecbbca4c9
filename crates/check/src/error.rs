//! What keeps a check from being made.

use cotangent_graph::GraphError;
use cotangent_interp::InterpError;
use cotangent_vjp::VjpError;
use thiserror::Error;

/// Why a check could not be made; a check that was made and failed is a
/// [`crate::Report`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CheckError {
    /// The graph does not run on these inputs.
    #[error(transparent)]
    Interp(#[from] InterpError),
    /// The graph is ill-formed.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// The graph could not be differentiated.
    #[error(transparent)]
    Vjp(#[from] VjpError),
    /// The graph is not one whose gradients can be checked.
    #[error("not a gradient graph: {0}")]
    Outputs(String),
}
