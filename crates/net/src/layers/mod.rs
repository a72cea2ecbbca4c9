//! The layer vocabulary, one file per layer. A layer works out its output and
//! parameters from its input's shape, and emits graph ops; it knows nothing of
//! its gradient.

mod activation;
mod conv2d;
mod dense;
mod flatten;
mod pool;
mod sizes;

pub use activation::Relu;
pub use conv2d::Conv2d;
pub use dense::Dense;
pub use flatten::Flatten;
pub use pool::{AvgPool, MaxPool};
pub use sizes::{Padding, Pair};

use crate::{Init, LayerKind};
use cotangent_graph::{Builder, GraphError, ValueId};

/// What a layer comes to on a given input shape.
pub(crate) struct Plan {
    /// The layer with its padding explicit.
    pub kind: LayerKind,
    /// Shape of one example going out.
    pub output: Vec<usize>,
    /// Name, shape and initialisation of each parameter.
    pub params: Vec<(&'static str, Vec<usize>, Init)>,
    /// Multiply-adds for one example.
    pub macs: u64,
}

/// What every layer can do.
pub(crate) trait Rule {
    /// Checks the shape of one incoming example; the error says what was
    /// found, what was expected, and the fix.
    fn plan(&self, input: &[usize]) -> Result<Plan, String>;

    /// Emits the layer on a batch, `[batch, ..input]`.
    fn emit(&self, b: &mut Builder, params: &[ValueId], x: ValueId) -> Result<ValueId, GraphError>;

    /// Which rules and tricks of back-propagation its gradient uses.
    fn trick(&self) -> &'static str;
}

/// `x` plus a vector over its last dimension.
fn add_bias(b: &mut Builder, x: ValueId, bias: ValueId) -> Result<ValueId, GraphError> {
    let shape = b.shape(x).to_vec();
    let bias = b.broadcast(bias, &shape, &[shape.len() - 1])?;
    b.add(x, bias)
}
