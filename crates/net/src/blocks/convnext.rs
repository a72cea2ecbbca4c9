//! The block of ConvNeXt (Liu et al.: *A ConvNet for the 2020s*, 2022).

use super::{around, channels, drop_path, pointwise, residual};
use crate::Layer;
use crate::field::attributes;
use crate::layers::{
    Activation, DepthwiseConv2d, InitScheme, LayerNorm, LayerScale, Pair, positive,
};
use crate::number::Number;

attributes! {
    /// A depthwise convolution, layer normalisation over the channels, two 1x1
    /// convolutions around a GELU and a scale per channel, around which the
    /// input is added.
    ConvnextBlock {
        ;
        /// Kernel size of the depthwise convolution, odd.
        kernel: usize = 7,
        /// The hidden features are this many times the input's.
        expansion: usize = 4,
        /// What the scales start from; 0 for no scales.
        layer_scale: Number = Number::ratio(1, 1_000_000),
        /// Rate of stochastic depth.
        drop_path: Number = Number::from(0),
        /// ε of the normalisation.
        eps: Number = Number::ratio(1, 1_000_000),
    }
}

super::block!(ConvnextBlock, |block, input| {
    let channels = channels(input)?;
    let kernel = positive("kernel", block.kernel)?;
    let depthwise = DepthwiseConv2d {
        padding: around(kernel),
        init: InitScheme::TruncatedNormal,
        ..DepthwiseConv2d::new(Pair::both(kernel))
    };
    let hidden = channels.saturating_mul(positive("expansion", block.expansion)?);
    let mut body = vec![
        Layer::named("conv_dw", depthwise),
        Layer::named("norm", LayerNorm { eps: block.eps.clone(), ..LayerNorm::new() }),
        pointwise("mlp.fc1", hidden),
        Activation::Gelu.layer(),
        pointwise("mlp.fc2", channels),
    ];
    if !block.layer_scale.is_zero() {
        let scale = LayerScale { init: block.layer_scale.clone() };
        body.push(Layer::named("", scale));
    }
    body.extend(drop_path("drop_path", &block.drop_path));
    Ok(vec![residual(body, Vec::new())])
});
