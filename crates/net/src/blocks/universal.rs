//! The block of MobileNetV4 (Qin et al., 2024).

use super::{Norm, channels, conv, depthwise, drop_path, residual};
use crate::field::attributes;
use crate::layers::{Activation, positive};
use crate::number::Number;

attributes! {
    /// An inverted residual with two depthwise convolutions, each there or
    /// not: before the expansion and after it. The stride is the later one's.
    UniversalInvertedBottleneck {
        /// Output features.
        features: usize,
        ;
        /// The hidden features are this many times the input's, rounded to a
        /// multiple of 8.
        expansion: Number = Number::from(4),
        /// Kernel size of the depthwise convolution before the expansion; 0
        /// for none.
        start_kernel: usize = 0,
        /// Kernel size of the depthwise convolution after the expansion; 0
        /// for none.
        middle_kernel: usize = 3,
        /// Stride.
        stride: usize = 1,
        /// Activation.
        activation: Activation = Activation::Relu,
        /// Rate of stochastic depth.
        drop_path: Number = Number::from(0),
        /// ε of the normalisations.
        eps: Number = Number::ratio(1, 100_000),
        /// m of the normalisations.
        momentum: Number = Number::ratio(1, 10),
    }
}

/// To the nearest multiple of 8 that is not below nine tenths (the rounding
/// of the MobileNet family).
fn multiple_of_8(x: f64) -> usize {
    let nearest = (((x + 4.0) / 8.0).floor() as usize).saturating_mul(8).max(8);
    if (nearest as f64) < 0.9 * x { nearest + 8 } else { nearest }
}

super::block!(UniversalInvertedBottleneck, |block, input| {
    let channels = channels(input)?;
    let norm = Norm { eps: block.eps.clone(), momentum: block.momentum.clone() };
    let features = positive("features", block.features)?;
    let stride = positive("stride", block.stride)?;
    let expansion = block.expansion.to_f64();
    if !(0.0..=1000.0).contains(&expansion) || expansion == 0.0 {
        return Err("`expansion` must be above 0 and at most 1000; 4 is usual".into());
    }
    let (start, middle) = (block.start_kernel, block.middle_kernel);
    if stride > 1 && start == 0 && middle == 0 {
        return Err("a stride needs a depthwise convolution; give `middle_kernel`".into());
    }
    let mut body = Vec::new();
    if start > 0 {
        let stride = if middle > 0 { 1 } else { stride };
        body.extend([depthwise("dw_start.conv", start, stride), norm.layer("dw_start.bn")]);
    }
    body.extend([
        conv("pw_exp.conv", multiple_of_8(channels as f64 * expansion), 1, 1),
        norm.layer("pw_exp.bn"),
        block.activation.layer(),
    ]);
    if middle > 0 {
        body.extend([
            depthwise("dw_mid.conv", middle, stride),
            norm.layer("dw_mid.bn"),
            block.activation.layer(),
        ]);
    }
    body.extend([conv("pw_proj.conv", features, 1, 1), norm.layer("pw_proj.bn")]);
    Ok(match stride == 1 && channels == features {
        true => {
            body.extend(drop_path("drop_path", &block.drop_path));
            vec![residual(body, Vec::new())]
        }
        false => body,
    })
});
