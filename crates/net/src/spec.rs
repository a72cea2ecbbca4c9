//! The specification as data.

use crate::Losses;
use crate::layers::*;
use std::collections::BTreeMap;

/// A network as its author declares it.
#[derive(Debug, Clone, PartialEq)]
pub struct NetSpec {
    /// Name, as it appears in files and messages.
    pub name: String,
    /// Shape of one example: `[height, width, channels]`, `[tokens, features]`
    /// or `[features]`.
    pub input: Vec<usize>,
    /// The loss, or the losses of parts of the output.
    pub loss: Losses,
    /// The layers, in order.
    pub layers: Vec<Layer>,
    /// Sub-networks that [`Use`] layers share, by name.
    pub shared: BTreeMap<String, Vec<Layer>>,
}

/// A layer and the name its parameters carry.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// Given name; by default the kind and its ordinal (`dense_2`).
    pub name: Option<String>,
    /// What it is.
    pub kind: LayerKind,
}

impl Layer {
    /// A layer named by its place.
    pub fn new(kind: impl Into<LayerKind>) -> Self {
        Layer { name: None, kind: kind.into() }
    }

    /// A layer with a name.
    pub fn named(name: impl Into<String>, kind: impl Into<LayerKind>) -> Self {
        Layer { name: Some(name.into()), kind: kind.into() }
    }
}

/// The layer vocabulary: one line per layer.
macro_rules! vocabulary {
    ($($(#[$doc:meta])* $name:literal $kind:ident)*) => {
        /// The layer vocabulary. A new layer is a line here and its file in
        /// `layers/` or `blocks/`.
        #[derive(Debug, Clone, PartialEq)]
        pub enum LayerKind {
            $($(#[$doc])* $kind($kind),)*
        }

        $(
            impl From<$kind> for LayerKind {
                fn from(layer: $kind) -> Self {
                    LayerKind::$kind(layer)
                }
            }
        )*

        impl LayerKind {
            /// Every kind's name and the keys it takes, for error messages and help.
            pub const VOCABULARY: &'static [(&'static str, &'static [&'static str])] =
                &[$(($name, $kind::KEYS),)*];

            /// The kind's name in TOML.
            pub fn name(&self) -> &'static str {
                match self {
                    $(LayerKind::$kind(_) => $name,)*
                }
            }

            /// The layer's rule.
            pub(crate) fn rule(&self) -> &dyn Rule {
                match self {
                    $(LayerKind::$kind(l) => l,)*
                }
            }

            /// Reads the attributes of a layer called `kind`; `None` if there
            /// is no such kind.
            pub(crate) fn read(kind: &str, table: &toml::Table) -> Option<Result<Self, String>> {
                match kind {
                    $($name => Some($kind::read(table).map(LayerKind::$kind)),)*
                    _ => None,
                }
            }

            /// Every attribute, defaults included.
            pub(crate) fn write(&self) -> toml::Table {
                match self {
                    $(LayerKind::$kind(l) => l.write(),)*
                }
            }
        }
    };
}

vocabulary! {
    /// Fully connected.
    "dense" Dense
    /// Two-dimensional convolution.
    "conv2d" Conv2d
    /// Convolution of each channel by itself.
    "depthwise_conv2d" DepthwiseConv2d
    /// Transpose of a convolution.
    "conv_transpose2d" ConvTranspose2d
    /// Normalisation over the batch and space.
    "batch_norm" BatchNorm
    /// Normalisation over features.
    "layer_norm" LayerNorm
    /// Scaling by the root mean square of the features.
    "rms_norm" RmsNorm
    /// Normalisation over space and groups of channels.
    "group_norm" GroupNorm
    /// `max(x, 0)`.
    "relu" Relu
    /// `min(max(x, 0), 6)`.
    "relu6" Relu6
    /// `x` where positive, else a multiple of it.
    "leaky_relu" LeakyRelu
    /// `x` where positive, else `α(eˣ - 1)`.
    "elu" Elu
    /// `x·Φ(x)`.
    "gelu" Gelu
    /// `x·σ(x)`.
    "silu" Silu
    /// `σ(x)`.
    "sigmoid" Sigmoid
    /// Hyperbolic tangent.
    "tanh" Tanh
    /// `log(1 + eˣ)`.
    "softplus" Softplus
    /// `x·hard_sigmoid(x)`.
    "hard_swish" HardSwish
    /// `min(max(x + 3, 0), 6) / 6`.
    "hard_sigmoid" HardSigmoid
    /// Maximum over windows.
    "max_pool" MaxPool
    /// Mean over windows.
    "avg_pool" AvgPool
    /// Mean over all positions.
    "global_avg_pool" GlobalAvgPool
    /// Enlarging an image.
    "upsample" Upsample
    /// An example as one vector.
    "flatten" Flatten
    /// An example under another shape.
    "reshape" Reshape
    /// Branches side by side, joined along the features.
    "concat" Concat
    /// Branches side by side, added or multiplied.
    "parallel" Parallel
    /// Layers around which the input is added.
    "residual" Residual
    /// Layers several times over.
    "repeat" Repeat
    /// A shared sub-network.
    "use" Use
    /// Channels scaled by a gate computed from their means.
    "squeeze_excite" SqueezeExcite
    /// Elements zeroed at random in training.
    "dropout" Dropout
    /// Examples zeroed at random in training.
    "drop_path" DropPath
    /// A learned factor per feature.
    "layer_scale" LayerScale
    /// An image as tokens.
    "patch_embed" PatchEmbed
    /// A learned token in front.
    "class_token" ClassToken
    /// A learned offset per token.
    "position_embedding" PositionEmbedding
    /// One token.
    "select_token" SelectToken
    /// A learned vector per symbol.
    "embedding" Embedding
    /// Scaled dot-product attention.
    "multi_head_attention" MultiHeadAttention
    /// Attention and a perceptron, each normalised and added.
    "transformer_block" TransformerBlock
    /// ResNet's block of two convolutions.
    "basic_block" BasicBlock
    /// ResNet's block of three convolutions.
    "bottleneck" Bottleneck
    /// MobileNetV2's block.
    "inverted_residual" InvertedResidual
    /// EfficientNet's block.
    "mb_conv" MbConv
    /// EfficientNetV2's block.
    "fused_mb_conv" FusedMbConv
    /// MobileNetV4's block.
    "universal_inverted_bottleneck" UniversalInvertedBottleneck
    /// ConvNeXt's block.
    "convnext_block" ConvnextBlock
}
