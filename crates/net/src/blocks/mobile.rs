//! Inverted residuals: MobileNetV2 (Sandler et al., 2018), EfficientNet (Tan,
//! Le, 2019) and EfficientNetV2 (Tan, Le, 2021).

use super::{Norm, channels, conv, depthwise, drop_path, residual};
use crate::Layer;
use crate::field::attributes;
use crate::layers::{Activation, SqueezeExcite, positive};
use crate::number::Number;

attributes! {
    /// A 1x1 convolution that expands, a depthwise convolution and a 1x1
    /// convolution that projects, each normalised; the input is added where
    /// the shape stays. Without expansion the first convolution is left out.
    InvertedResidual {
        /// Output features.
        features: usize,
        ;
        /// The hidden features are this many times the input's.
        expansion: usize = 6,
        /// Hidden features; 0 for what `expansion` says.
        hidden: usize = 0,
        /// Kernel size of the depthwise convolution.
        kernel: usize = 3,
        /// Stride of the depthwise convolution.
        stride: usize = 1,
        /// Activation after the first two convolutions.
        activation: Activation = Activation::Relu6,
        /// Reduced features of a squeeze-and-excitation after the depthwise
        /// convolution; 0 for none.
        squeeze: usize = 0,
        /// Activation inside the squeeze-and-excitation.
        squeeze_activation: Activation = Activation::Relu,
        /// Gate of the squeeze-and-excitation.
        gate: Activation = Activation::Sigmoid,
        /// Rate of stochastic depth.
        drop_path: Number = Number::from(0),
        /// ε of the normalisations.
        eps: Number = Number::ratio(1, 100_000),
        /// m of the normalisations.
        momentum: Number = Number::ratio(1, 10),
    }
}
attributes! {
    /// An inverted residual with SiLU and a squeeze-and-excitation.
    MbConv {
        /// Output features.
        features: usize,
        ;
        /// The hidden features are this many times the input's.
        expansion: usize = 6,
        /// Kernel size of the depthwise convolution.
        kernel: usize = 3,
        /// Stride of the depthwise convolution.
        stride: usize = 1,
        /// Reduced features of the squeeze-and-excitation, per input feature;
        /// 0 for none.
        squeeze_ratio: Number = Number::ratio(1, 4),
        /// Rate of stochastic depth.
        drop_path: Number = Number::from(0),
        /// ε of the normalisations.
        eps: Number = Number::ratio(1, 100_000),
        /// m of the normalisations.
        momentum: Number = Number::ratio(1, 10),
    }
}
attributes! {
    /// An inverted residual whose expansion and depthwise convolution are one
    /// ordinary convolution, with SiLU. Without expansion it is that
    /// convolution alone.
    FusedMbConv {
        /// Output features.
        features: usize,
        ;
        /// The hidden features are this many times the input's.
        expansion: usize = 4,
        /// Kernel size.
        kernel: usize = 3,
        /// Stride.
        stride: usize = 1,
        /// Rate of stochastic depth.
        drop_path: Number = Number::from(0),
        /// ε of the normalisations.
        eps: Number = Number::ratio(1, 100_000),
        /// m of the normalisations.
        momentum: Number = Number::ratio(1, 10),
    }
}

/// The input added where the shape stays.
fn around(mut body: Vec<Layer>, drop: &Number, stays: bool) -> Vec<Layer> {
    if !stays {
        return body;
    }
    body.extend(drop_path("drop_path", drop));
    vec![residual(body, Vec::new())]
}

super::block!(InvertedResidual, |block, input| inverted(block, input));

fn inverted(block: &InvertedResidual, input: &[usize]) -> Result<Vec<Layer>, String> {
    let channels = channels(input)?;
    let norm = Norm { eps: block.eps.clone(), momentum: block.momentum.clone() };
    let features = positive("features", block.features)?;
    let (kernel, stride) = (positive("kernel", block.kernel)?, positive("stride", block.stride)?);
    let usual = InvertedResidual::new(features).expansion;
    if block.hidden != 0 && block.expansion != usual {
        return Err("`expansion` and `hidden` both say the hidden features; leave one out".into());
    }
    let hidden = match block.hidden {
        0 => channels.saturating_mul(positive("expansion", block.expansion)?),
        hidden => hidden,
    };
    let expands =
        block.hidden != 0 && block.hidden != channels || block.hidden == 0 && block.expansion != 1;
    let mut body = Vec::new();
    if expands {
        body.extend([conv("conv_pw", hidden, 1, 1), norm.layer("bn1"), block.activation.layer()]);
    }
    let bn = |k: usize| format!("bn{}", k + usize::from(expands));
    body.extend([
        depthwise("conv_dw", kernel, stride),
        norm.layer(&bn(1)),
        block.activation.layer(),
    ]);
    if block.squeeze > 0 {
        let squeeze = SqueezeExcite {
            activation: block.squeeze_activation,
            gate: block.gate,
            ..SqueezeExcite::new(block.squeeze)
        };
        body.push(Layer::named("se", squeeze));
    }
    let project = if expands { "conv_pwl" } else { "conv_pw" };
    body.extend([conv(project, features, 1, 1), norm.layer(&bn(2))]);
    Ok(around(body, &block.drop_path, stride == 1 && channels == features))
}

super::block!(MbConv, |block, input| {
    let ratio = block.squeeze_ratio.to_f64();
    if !(0.0..=1.0).contains(&ratio) {
        return Err("`squeeze_ratio` must be between 0 and 1; 0.25 is usual".into());
    }
    let squeeze = match block.squeeze_ratio.is_zero() {
        true => 0,
        // At least one; timm and torchvision round down.
        false => ((channels(input)? as f64 * ratio) as usize).max(1),
    };
    inverted(
        &InvertedResidual {
            expansion: block.expansion,
            kernel: block.kernel,
            stride: block.stride,
            activation: Activation::Silu,
            squeeze,
            squeeze_activation: Activation::Silu,
            drop_path: block.drop_path.clone(),
            eps: block.eps.clone(),
            momentum: block.momentum.clone(),
            ..InvertedResidual::new(block.features)
        },
        input,
    )
});

super::block!(FusedMbConv, |block, input| {
    let channels = channels(input)?;
    let norm = Norm { eps: block.eps.clone(), momentum: block.momentum.clone() };
    let features = positive("features", block.features)?;
    let (kernel, stride) = (positive("kernel", block.kernel)?, positive("stride", block.stride)?);
    let body = match positive("expansion", block.expansion)? {
        1 => vec![
            conv("conv", features, kernel, stride),
            norm.layer("bn1"),
            Activation::Silu.layer(),
        ],
        expansion => vec![
            conv("conv_exp", channels.saturating_mul(expansion), kernel, stride),
            norm.layer("bn1"),
            Activation::Silu.layer(),
            conv("conv_pwl", features, 1, 1),
            norm.layer("bn2"),
        ],
    };
    Ok(around(body, &block.drop_path, stride == 1 && channels == features))
});
