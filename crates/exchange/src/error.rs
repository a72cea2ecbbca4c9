//! What can be wrong with weights from elsewhere.

use crate::Library;
use thiserror::Error;

/// Why weights cannot be imported or exported.
#[derive(Debug, Clone, PartialEq, Error)]
#[allow(missing_docs)] // the messages name every field
pub enum ExchangeError {
    /// The bytes are not safetensors.
    #[error(
        "it is not a safetensors file: {reason}; write one in Python with \
         safetensors.torch.save_file(model.state_dict(), \"weights.safetensors\")"
    )]
    NotSafetensors { reason: String },
    /// A tensor of another element type.
    #[error(
        "tensor `{tensor}` is {found}, expected {expected}; convert it in Python before saving, \
         such as with model.float()"
    )]
    Dtype { tensor: String, found: String, expected: &'static str },
    /// A number that is not finite.
    #[error(
        "tensor `{tensor}` holds {value} at element {at}, expected finite numbers; give weights \
         from before they broke"
    )]
    NotFinite { tensor: String, value: f32, at: usize },
    /// A running variance below zero, of which there is no square root.
    #[error(
        "tensor `{tensor}` holds {value} at element {at}, expected variances, 0 or more; give \
         weights whose running statistics are whole"
    )]
    NegativeVariance { tensor: String, value: f32, at: usize },
    /// A tensor is missing, one too many, or of another shape.
    #[error(transparent)]
    Misfit(Box<Misfit>),
    /// The values to export are not those of the network.
    #[error("`{tensor}` has {found} elements, expected {expected}: shape {shape:?}")]
    Length { tensor: String, found: usize, expected: usize, shape: Vec<usize> },
    /// The network orders elements in a way that the other side has no
    /// counterpart for.
    #[error(
        "net `{model}`, layer `{layer}` turns {input:?} into {output:?}: PyTorch keeps the \
         channels of an image first, so features would not be the same ones there; flatten \
         before a `dense`, or join vectors by `concat`"
    )]
    Unmapped { model: String, layer: String, input: Vec<usize>, output: Vec<usize> },
    /// Two tensors would have one name.
    #[error(
        "net `{model}` would have two tensors `{tensor}` in a file of {library}; rename a layer"
    )]
    Ambiguous { model: String, library: Library, tensor: String },
}

/// The first tensor of a file that is not what the network has.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("tensor `{tensor}`{}: found {found}, expected {expected}; {fix}", also(ours))]
pub struct Misfit {
    /// Its name in the file.
    pub tensor: String,
    /// Its name and shape in the network, if it is there.
    pub ours: Option<(String, Vec<usize>)>,
    /// Its shape in the file, or `none`.
    pub found: String,
    /// The shape it has to have, or `no such tensor`.
    pub expected: String,
    /// What to change.
    pub fix: String,
}

fn also(ours: &Option<(String, Vec<usize>)>) -> String {
    ours.as_ref().map_or(String::new(), |(name, shape)| format!(" (here `{name}`, {shape:?})"))
}
