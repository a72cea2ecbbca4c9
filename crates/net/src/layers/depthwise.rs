//! Convolution of each channel by itself.

use super::sizes::image;
use super::{Conv2d, InitScheme, Padding, Pair, Plan, Rule, positive};
use crate::LayerKind;
use crate::elaborate::Scope;
use crate::field::attributes;
use cotangent_graph::{GraphError, ValueId};

attributes! {
    /// A convolution in as many groups as there are channels: kernel
    /// `[height, width, 1, channels · multiplier]`.
    DepthwiseConv2d {
        /// Kernel size.
        kernel: Pair,
        ;
        /// Output features of each channel.
        multiplier: usize = 1,
        /// Stride.
        stride: Pair = Pair::both(1),
        /// Padding.
        padding: Padding = Padding::SAME,
        /// Kernel dilation.
        dilation: Pair = Pair::both(1),
        /// Whether there is a bias.
        bias: bool = true,
        /// How the kernel starts.
        init: InitScheme = InitScheme::HeNormal,
    }
}

impl DepthwiseConv2d {
    /// The same as a grouped convolution of `channels`.
    pub fn grouped(&self, channels: usize) -> Conv2d {
        Conv2d {
            features: channels.saturating_mul(self.multiplier),
            kernel: self.kernel,
            stride: self.stride,
            padding: self.padding,
            dilation: self.dilation,
            groups: channels,
            bias: self.bias,
            init: self.init,
        }
    }
}

impl Rule for DepthwiseConv2d {
    fn plan(&self, input: &[usize], _: &[Vec<usize>]) -> Result<Plan, String> {
        let [.., channels] = image(input)?;
        positive("multiplier", self.multiplier)?;
        let (Conv2d { padding, .. }, plan) = self.grouped(channels).resolved(input)?;
        let kind = LayerKind::DepthwiseConv2d(DepthwiseConv2d { padding, ..self.clone() });
        Ok(Plan { kind: Some(kind), ..plan })
    }

    fn emit(&self, s: &mut Scope, x: ValueId, none: &[ValueId]) -> Result<ValueId, GraphError> {
        let channels = super::features(s.b.shape(x));
        self.grouped(channels).emit(s, x, none)
    }

    fn trick(&self) -> &'static str {
        "sparse Toeplitz"
    }
}
