//! Blocks of the literature: layers made of simpler layers, whose parts are
//! named as in the published weights of timm and torchvision.

mod convnext;
mod mobile;
mod resnet;
mod squeeze;
mod transformer;
mod universal;

pub use convnext::ConvnextBlock;
pub use mobile::{FusedMbConv, InvertedResidual, MbConv};
pub use resnet::{BasicBlock, Bottleneck};
pub use squeeze::SqueezeExcite;
pub use transformer::{PatchEmbed, TransformerBlock};
pub use universal::UniversalInvertedBottleneck;

use crate::layers::{
    BatchNorm, Conv2d, DepthwiseConv2d, DropPath, InitScheme, Padding, Pair, Residual,
};
use crate::number::Number;
use crate::{Layer, LayerKind};

/// A layer that is what its own layers make of its input.
macro_rules! block {
    ($kind:ident, |$layer:ident, $input:ident| $layers:expr) => {
        impl $crate::layers::Rule for $kind {
            fn branches(&self, $input: &[usize]) -> Result<Vec<$crate::layers::Branch>, String> {
                let $layer = self;
                let layers: Result<Vec<$crate::Layer>, String> = $layers;
                Ok(vec![$crate::layers::Branch::new("", layers?)])
            }

            fn is_block(&self) -> bool {
                true
            }

            fn plan(
                &self,
                input: &[usize],
                branches: &[Vec<usize>],
            ) -> Result<$crate::layers::Plan, String> {
                Ok($crate::layers::Plan::new(branches.first().map_or(input, Vec::as_slice)))
            }

            fn emit(
                &self,
                _: &mut $crate::elaborate::Scope,
                x: cotangent_graph::ValueId,
                values: &[cotangent_graph::ValueId],
            ) -> Result<cotangent_graph::ValueId, cotangent_graph::GraphError> {
                Ok(values.first().copied().unwrap_or(x))
            }

            fn trick(&self) -> &'static str {
                "chain rule"
            }
        }
    };
}
use block;

/// Constants of a block's batch normalisations.
#[derive(Debug, Clone)]
struct Norm {
    eps: Number,
    momentum: Number,
}

impl Norm {
    fn layer(&self, name: &str) -> Layer {
        let norm = BatchNorm {
            eps: self.eps.clone(),
            momentum: self.momentum.clone(),
            ..BatchNorm::new()
        };
        Layer::named(name, norm)
    }
}

/// Padding that keeps the size at stride 1, the same on both sides.
fn around(kernel: usize) -> Padding {
    Padding::All(kernel / 2)
}

/// A convolution without bias, padded on both sides alike.
fn conv(name: &str, features: usize, kernel: usize, stride: usize) -> Layer {
    Layer::named(
        name,
        Conv2d {
            stride: Pair::both(stride),
            padding: around(kernel),
            bias: false,
            ..Conv2d::new(features, Pair::both(kernel))
        },
    )
}

/// A depthwise convolution without bias, padded on both sides alike.
fn depthwise(name: &str, kernel: usize, stride: usize) -> Layer {
    Layer::named(
        name,
        DepthwiseConv2d {
            stride: Pair::both(stride),
            padding: around(kernel),
            bias: false,
            ..DepthwiseConv2d::new(Pair::both(kernel))
        },
    )
}

/// The layers, with the input added if `around`; the names inside are as if
/// nothing was around them.
fn residual(layers: Vec<Layer>, shortcut: Vec<Layer>) -> Layer {
    Layer::named("", Residual { shortcut, ..Residual::new(layers) })
}

/// Stochastic depth, where the rate is above 0.
fn drop_path(name: &str, rate: &Number) -> Option<Layer> {
    (!rate.is_zero()).then(|| Layer::named(name, DropPath::new(rate.clone())))
}

/// A 1x1 convolution with bias whose weight starts truncated normal.
fn pointwise(name: &str, features: usize) -> Layer {
    Layer::named(
        name,
        LayerKind::from(Conv2d {
            init: InitScheme::TruncatedNormal,
            ..Conv2d::new(features, Pair::both(1))
        }),
    )
}

/// The channels of an image.
fn channels(input: &[usize]) -> Result<usize, String> {
    crate::layers::image(input).map(|[.., channels]| channels)
}
