//! The specification as data.

use crate::layers::{AvgPool, Conv2d, Dense, Flatten, MaxPool, Relu, Rule};
use serde::{Deserialize, Serialize};

/// A network as its author declares it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NetSpec {
    /// Name, as it appears in files and messages.
    pub name: String,
    /// Shape of one example: `[height, width, channels]`, or `[features]`.
    pub input: Vec<usize>,
    /// The loss.
    pub loss: Loss,
    /// The layers, in order.
    pub layers: Vec<Layer>,
}

/// What training minimises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// Softmax cross-entropy against one-hot or soft targets, averaged over
    /// the batch.
    #[default]
    SoftmaxCrossEntropy,
}

impl Loss {
    /// The losses' names in TOML.
    pub const NAMES: [&'static str; 1] = ["softmax_cross_entropy"];
}

/// A layer and the name its parameters carry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Layer {
    /// Given name; by default the kind and its ordinal (`dense2`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it is.
    #[serde(flatten)]
    pub kind: LayerKind,
}

/// The layer vocabulary. A new layer is a variant here, its file in
/// `layers/`, and a method of the builder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum LayerKind {
    /// Fully connected.
    Dense(Dense),
    /// Two-dimensional convolution.
    Conv2d(Conv2d),
    /// Maximum over windows.
    MaxPool(MaxPool),
    /// Mean over windows.
    AvgPool(AvgPool),
    /// `max(x, 0)`.
    Relu(Relu),
    /// An example as one vector.
    Flatten(Flatten),
}

impl LayerKind {
    /// Every kind's name and the keys it takes, for error messages and help.
    pub const VOCABULARY: [(&'static str, &'static [&'static str]); 6] = [
        ("dense", Dense::KEYS),
        ("conv2d", Conv2d::KEYS),
        ("max_pool", MaxPool::KEYS),
        ("avg_pool", AvgPool::KEYS),
        ("relu", Relu::KEYS),
        ("flatten", Flatten::KEYS),
    ];

    /// The kind's name in TOML.
    pub fn name(&self) -> &'static str {
        let index = match self {
            LayerKind::Dense(_) => 0,
            LayerKind::Conv2d(_) => 1,
            LayerKind::MaxPool(_) => 2,
            LayerKind::AvgPool(_) => 3,
            LayerKind::Relu(_) => 4,
            LayerKind::Flatten(_) => 5,
        };
        Self::VOCABULARY[index].0
    }

    /// The layer's rule.
    pub(crate) fn rule(&self) -> &dyn Rule {
        match self {
            LayerKind::Dense(l) => l,
            LayerKind::Conv2d(l) => l,
            LayerKind::MaxPool(l) => l,
            LayerKind::AvgPool(l) => l,
            LayerKind::Relu(l) => l,
            LayerKind::Flatten(l) => l,
        }
    }
}
