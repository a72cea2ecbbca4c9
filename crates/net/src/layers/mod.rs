//! The layers, one file per idea. Each says what it comes to on a given input
//! shape, and emits itself as graph ops.

mod activation;
mod attention;
mod combine;
mod conv2d;
mod dense;
mod depthwise;
mod norm;
mod pool;
mod regularize;
mod shape;
mod sizes;
mod token;
mod transpose;
mod upsample;

pub use crate::blocks::*;
pub use activation::*;
pub use attention::MultiHeadAttention;
pub use combine::{Concat, Merge, Parallel, Repeat, Residual, Use};
pub use conv2d::Conv2d;
pub use dense::{Dense, InitScheme};
pub use depthwise::DepthwiseConv2d;
pub use norm::{BatchNorm, GroupNorm, LayerNorm, RmsNorm};
pub use pool::{AvgPool, GlobalAvgPool, MaxPool};
pub use regularize::{DropPath, Dropout, LayerScale};
pub use shape::{Flatten, Reshape};
pub(crate) use sizes::image;
pub use sizes::{NamedPadding, Padding, Pair};
pub use token::{ClassToken, Embedding, PositionEmbedding, SelectToken};
pub use transpose::ConvTranspose2d;
pub use upsample::{Interpolation, Upsample};

use crate::elaborate::Scope;
use crate::toml_format::Nested;
use crate::{Init, Layer, LayerKind};
use cotangent_graph::{GraphError, ValueId};

/// What a layer comes to on a given input shape.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The layer with its padding explicit, if that changes it.
    pub kind: Option<LayerKind>,
    /// Shape of one example going out.
    pub output: Vec<usize>,
    /// Name, shape and initialisation of each parameter.
    pub params: Vec<(&'static str, Vec<usize>, Init)>,
    /// Name, shape and initial value of each running statistic.
    pub stats: Vec<(&'static str, Vec<usize>, f32)>,
    /// Shape for one example and rate of the random mask.
    pub mask: Option<(Vec<usize>, f64)>,
    /// Multiply-adds for one example.
    pub macs: u64,
}

impl Plan {
    /// A layer without parameters.
    pub fn new(output: impl Into<Vec<usize>>) -> Self {
        Plan {
            kind: None,
            output: output.into(),
            params: Vec::new(),
            stats: Vec::new(),
            mask: None,
            macs: 0,
        }
    }

    /// With another parameter.
    pub fn param(mut self, name: &'static str, shape: impl Into<Vec<usize>>, init: Init) -> Self {
        self.params.push((name, shape.into(), init));
        self
    }

    /// With another parameter, where `present`.
    pub fn param_if(self, present: bool, name: &'static str, size: usize, init: Init) -> Self {
        if present { self.param(name, [size], init) } else { self }
    }

    /// With these multiply-adds: the product of the factors.
    pub fn macs(mut self, factors: &[usize]) -> Self {
        self.macs = factors.iter().fold(1u64, |n, &f| n.saturating_mul(f as u64));
        self
    }
}

/// Layers inside a layer: a sequence that starts from the layer's input.
pub(crate) struct Branch {
    /// What the default names of its layers begin with.
    pub label: String,
    /// The layers.
    pub layers: Vec<Layer>,
}

impl Branch {
    pub fn new(label: impl Into<String>, layers: Vec<Layer>) -> Self {
        Branch { label: label.into(), layers }
    }
}

/// What every layer can do.
pub(crate) trait Rule {
    /// The layers inside it, on an input of this shape.
    fn branches(&self, _input: &[usize]) -> Result<Vec<Branch>, String> {
        Ok(Vec::new())
    }

    /// The shared sub-network that is its one branch.
    fn uses(&self) -> Option<&str> {
        None
    }

    /// The attribute `key`, where it holds layers.
    fn nested(&self, _key: &str) -> Option<Nested<'_>> {
        None
    }

    /// True if its branches are made by itself, of simpler layers.
    fn is_block(&self) -> bool {
        false
    }

    /// Checks the shape of one incoming example, and those that its branches
    /// give; the error says what was found, what was expected, and the fix.
    fn plan(&self, input: &[usize], branches: &[Vec<usize>]) -> Result<Plan, String>;

    /// Emits the layer on a batch, `[batch, ..input]`, given what its branches
    /// gave.
    fn emit(&self, s: &mut Scope, x: ValueId, branches: &[ValueId]) -> Result<ValueId, GraphError>;

    /// Which rules and tricks of back-propagation its gradient uses, beside
    /// those of the layers inside it: names of [`crate::RULES`], in that order.
    fn trick(&self) -> &'static str;
}

/// `n` if positive, else an error that names it.
pub(crate) fn positive(what: &str, n: usize) -> Result<usize, String> {
    if n > 0 { Ok(n) } else { Err(format!("{what} must be at least 1")) }
}

/// The last dimension: the features.
pub(crate) fn features(input: &[usize]) -> usize {
    input.last().copied().unwrap_or(1)
}

/// `[tokens, features]`, or an error that says how to get there.
pub(crate) fn tokens(input: &[usize]) -> Result<[usize; 2], String> {
    <[usize; 2]>::try_from(input).map_err(|_| {
        format!(
            "input is {input:?}, expected tokens [tokens, features]; \
             `patch_embed` makes them of an image, `reshape` of anything else"
        )
    })
}
