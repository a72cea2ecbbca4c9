//! EfficientNet (Tan, Le, 2019) and EfficientNetV2 (Tan, Le, 2021). Names and
//! constants as in timm's `efficientnet_b0` and `efficientnetv2_s`.

use crate::Config;
use crate::parts::{conv_norm, drop_rate};
use cotangent_net::layers::{Activation, FusedMbConv, MbConv};
use cotangent_net::{LayerKind, NetSpec, Number};

/// Whether the expansion and the depthwise convolution are one; then blocks,
/// kernel, stride, expansion, features.
type Stage = (bool, usize, usize, usize, usize, usize);

pub(crate) fn b0(name: &str, c: &Config) -> NetSpec {
    const STAGES: [Stage; 7] = [
        (false, 1, 3, 1, 1, 16),
        (false, 2, 3, 2, 6, 24),
        (false, 2, 5, 2, 6, 40),
        (false, 3, 3, 2, 6, 80),
        (false, 3, 5, 1, 6, 112),
        (false, 4, 5, 2, 6, 192),
        (false, 1, 3, 1, 6, 320),
    ];
    efficientnet(name, c, 224, 32, &STAGES)
}

pub(crate) fn v2_s(name: &str, c: &Config) -> NetSpec {
    const STAGES: [Stage; 6] = [
        (true, 2, 3, 1, 1, 24),
        (true, 4, 3, 2, 4, 48),
        (true, 4, 3, 2, 4, 64),
        (false, 6, 3, 2, 4, 128),
        (false, 9, 3, 1, 6, 160),
        (false, 15, 3, 2, 6, 256),
    ];
    efficientnet(name, c, 288, 24, &STAGES)
}

fn efficientnet(name: &str, c: &Config, image: usize, stem: usize, stages: &[Stage]) -> NetSpec {
    let silu = Activation::Silu;
    let mut net = NetSpec::new(name, c.image(image, 3)).layers(conv_norm(
        ["conv_stem", "bn1"],
        c.features(stem),
        3,
        2,
        silu,
    ));
    let total = stages.iter().map(|&(_, blocks, ..)| c.blocks(blocks)).sum();
    let mut next = 0;
    for (stage, &(fused, blocks, kernel, stride, expansion, features)) in stages.iter().enumerate()
    {
        for k in 0..c.blocks(blocks) {
            let features = c.features(features);
            let stride = if k == 0 { stride } else { 1 };
            let drop_path = drop_rate(20, next, total);
            let block: LayerKind = if fused {
                FusedMbConv { kernel, stride, expansion, drop_path, ..FusedMbConv::new(features) }
                    .into()
            } else {
                MbConv { kernel, stride, expansion, drop_path, ..MbConv::new(features) }.into()
            };
            net = net.layer(block).named(format!("blocks.{stage}.{k}"));
            next += 1;
        }
    }
    net.layers(conv_norm(["conv_head", "bn2"], c.features(1280), 1, 1, silu))
        .global_avg_pool()
        .dropout(Number::ratio(1, 5))
        .dense(c.classes(1000))
        .named("classifier")
}
