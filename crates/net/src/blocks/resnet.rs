//! The blocks of ResNet (He, Zhang, Ren, Sun: *Deep Residual Learning for
//! Image Recognition*, 2016).

use super::{Norm, channels, conv, residual};
use crate::Layer;
use crate::field::attributes;
use crate::layers::{Conv2d, Padding, Pair, Relu, positive};
use crate::number::Number;

attributes! {
    /// Two 3x3 convolutions, each normalised, around which the input is added;
    /// a normalised 1x1 convolution on the shortcut where the shape changes.
    BasicBlock {
        /// Output features.
        features: usize,
        ;
        /// Stride of the first convolution.
        stride: usize = 1,
        /// ε of the normalisations.
        eps: Number = Number::ratio(1, 100_000),
        /// m of the normalisations.
        momentum: Number = Number::ratio(1, 10),
    }
}
attributes! {
    /// Convolutions 1x1, 3x3 and 1x1, each normalised, around which the input
    /// is added; a normalised 1x1 convolution on the shortcut where the shape
    /// changes. The stride is the 3x3 convolution's (torchvision's variant).
    Bottleneck {
        /// Features of the first two convolutions.
        features: usize,
        ;
        /// Stride of the 3x3 convolution.
        stride: usize = 1,
        /// The output has this many times `features`.
        expansion: usize = 4,
        /// Feature groups of the 3x3 convolution (Xie et al.: *ResNeXt*, 2017).
        groups: usize = 1,
        /// ε of the normalisations.
        eps: Number = Number::ratio(1, 100_000),
        /// m of the normalisations.
        momentum: Number = Number::ratio(1, 10),
    }
}

fn shortcut(
    input: &[usize],
    features: usize,
    stride: usize,
    norm: &Norm,
) -> Result<Vec<Layer>, String> {
    Ok(match stride != 1 || channels(input)? != features {
        true => vec![conv("downsample.0", features, 1, stride), norm.layer("downsample.1")],
        false => vec![],
    })
}

super::block!(BasicBlock, |block, input| {
    let norm = Norm { eps: block.eps.clone(), momentum: block.momentum.clone() };
    let features = positive("features", block.features)?;
    let stride = positive("stride", block.stride)?;
    let body = vec![
        conv("conv1", features, 3, stride),
        norm.layer("bn1"),
        Layer::named("act1", Relu::new()),
        conv("conv2", features, 3, 1),
        norm.layer("bn2"),
    ];
    let shortcut = shortcut(input, features, stride, &norm)?;
    Ok(vec![residual(body, shortcut), Layer::named("act2", Relu::new())])
});

super::block!(Bottleneck, |block, input| {
    let norm = Norm { eps: block.eps.clone(), momentum: block.momentum.clone() };
    let width = positive("features", block.features)?;
    let stride = positive("stride", block.stride)?;
    let features = width.saturating_mul(positive("expansion", block.expansion)?);
    let middle = Conv2d {
        stride: Pair::both(stride),
        padding: Padding::All(1),
        groups: block.groups,
        bias: false,
        ..Conv2d::new(width, Pair::both(3))
    };
    let body = vec![
        conv("conv1", width, 1, 1),
        norm.layer("bn1"),
        Layer::named("act1", Relu::new()),
        Layer::named("conv2", middle),
        norm.layer("bn2"),
        Layer::named("act2", Relu::new()),
        conv("conv3", features, 1, 1),
        norm.layer("bn3"),
    ];
    let shortcut = shortcut(input, features, stride, &norm)?;
    Ok(vec![residual(body, shortcut), Layer::named("act3", Relu::new())])
});
