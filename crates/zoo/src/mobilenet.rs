//! The MobileNets: V1 (Howard et al., 2017), V2 (Sandler et al., 2018), V3
//! (Howard et al., 2019), V4 (Qin et al., 2024). Names and constants as in
//! timm's `mobilenetv1_100`, `mobilenetv2_100`, `mobilenetv3_large_100` and
//! `mobilenetv4_conv_small`.

use crate::Config;
use crate::config::multiple_of_8;
use crate::parts::{biased, conv, conv_norm};
use cotangent_net::layers::{
    Activation, BatchNorm, DepthwiseConv2d, GlobalAvgPool, InvertedResidual, Padding, Pair,
    UniversalInvertedBottleneck,
};
use cotangent_net::{Layer, NetSpec, Number};

fn stem(name: &str, c: &Config, activation: Activation) -> NetSpec {
    NetSpec::new(name, c.image(224, 3)).layers(conv_norm(
        ["conv_stem", "bn1"],
        c.features(32),
        3,
        2,
        activation,
    ))
}

fn head(net: NetSpec, c: &Config) -> NetSpec {
    net.dropout(Number::ratio(1, 5)).dense(c.classes(1000)).named("classifier")
}

pub(crate) fn v1(name: &str, c: &Config) -> NetSpec {
    let mut net = stem(name, c, Activation::Relu6);
    let stages = [(1, 1, 64), (2, 2, 128), (2, 2, 256), (6, 2, 512), (2, 2, 1024)];
    for (stage, (blocks, stride, features)) in stages.into_iter().enumerate() {
        for k in 0..c.blocks(blocks) {
            let at = |part: &str| format!("blocks.{stage}.{k}.{part}");
            let depthwise = DepthwiseConv2d {
                stride: Pair::both(if k == 0 { stride } else { 1 }),
                padding: Padding::All(1),
                bias: false,
                ..DepthwiseConv2d::new(Pair::both(3))
            };
            net = net.layers([
                Layer::named(at("conv_dw"), depthwise),
                Layer::named(at("bn1"), BatchNorm::new()),
                Activation::Relu6.layer(),
            ]);
            let names = [at("conv_pw"), at("bn2")];
            net = net.layers(conv_norm(names, c.features(features), 1, 1, Activation::Relu6));
        }
    }
    head(net.global_avg_pool(), c)
}

pub(crate) fn v2(name: &str, c: &Config) -> NetSpec {
    let mut net = stem(name, c, Activation::Relu6);
    // Blocks, stride, expansion, features.
    let stages = [
        (1, 1, 1, 16),
        (2, 2, 6, 24),
        (3, 2, 6, 32),
        (4, 2, 6, 64),
        (3, 1, 6, 96),
        (3, 2, 6, 160),
        (1, 1, 6, 320),
    ];
    for (stage, (blocks, stride, expansion, features)) in stages.into_iter().enumerate() {
        net = net.layers((0..c.blocks(blocks)).map(|k| {
            let block = InvertedResidual {
                stride: if k == 0 { stride } else { 1 },
                expansion,
                ..InvertedResidual::new(c.features(features))
            };
            Layer::named(format!("blocks.{stage}.{k}"), block)
        }));
    }
    let last = conv_norm(["conv_head", "bn2"], c.features(1280), 1, 1, Activation::Relu6);
    head(net.layers(last).global_avg_pool(), c)
}

/// A block of V3: kernel, stride, expansion, features, whether it squeezes.
type V3 = (usize, usize, f64, usize, bool);

pub(crate) fn v3_large(name: &str, c: &Config) -> NetSpec {
    use Activation::{HardSwish, Relu};
    const STAGES: [(Activation, &[V3]); 6] = [
        (Relu, &[(3, 1, 1.0, 16, false)]),
        (Relu, &[(3, 2, 4.0, 24, false), (3, 1, 3.0, 24, false)]),
        (Relu, &[(5, 2, 3.0, 40, true), (5, 1, 3.0, 40, true), (5, 1, 3.0, 40, true)]),
        (
            HardSwish,
            &[
                (3, 2, 6.0, 80, false),
                (3, 1, 2.5, 80, false),
                (3, 1, 2.3, 80, false),
                (3, 1, 2.3, 80, false),
            ],
        ),
        (HardSwish, &[(3, 1, 6.0, 112, true), (3, 1, 6.0, 112, true)]),
        (HardSwish, &[(5, 2, 6.0, 160, true), (5, 1, 6.0, 160, true), (5, 1, 6.0, 160, true)]),
    ];
    let stem_features = c.features(16);
    let stem = conv_norm(["conv_stem", "bn1"], stem_features, 3, 2, HardSwish);
    let mut net = NetSpec::new(name, c.image(224, 3)).layers(stem);
    let mut channels = stem_features;
    for (stage, (activation, blocks)) in STAGES.into_iter().enumerate() {
        let kept = c.blocks(blocks.len());
        for (k, &(kernel, stride, expansion, features, squeezes)) in
            blocks.iter().take(kept).enumerate()
        {
            let hidden = match expansion {
                1.0 => channels,
                expansion => multiple_of_8(channels as f64 * expansion),
            };
            let block = InvertedResidual {
                hidden,
                kernel,
                stride,
                activation,
                squeeze: if squeezes { multiple_of_8(hidden as f64 / 4.0) } else { 0 },
                gate: Activation::HardSigmoid,
                ..InvertedResidual::new(c.features(features))
            };
            net = net.layer(block).named(format!("blocks.{stage}.{k}"));
            channels = c.features(features);
        }
    }
    let last = conv_norm(["blocks.6.0.conv", "blocks.6.0.bn1"], c.features(960), 1, 1, HardSwish);
    let net = net
        .layers(last)
        .layer(GlobalAvgPool { keep: true })
        .layer(biased(c.features(1280), 1, 1))
        .named("conv_head")
        .layers([HardSwish.layer()])
        .flatten();
    head(net, c)
}

/// A block of V4: the kernels before and after the expansion, stride,
/// expansion.
type V4 = (usize, usize, usize, i64);

pub(crate) fn v4_conv_small(name: &str, c: &Config) -> NetSpec {
    const STAGES: [(usize, &[V4]); 2] = [
        (96, &[(5, 5, 2, 3), (0, 3, 1, 2), (0, 3, 1, 2), (0, 3, 1, 2), (0, 3, 1, 2), (3, 0, 1, 4)]),
        (
            128,
            &[(3, 3, 2, 6), (5, 5, 1, 4), (0, 5, 1, 4), (0, 5, 1, 3), (0, 3, 1, 4), (0, 3, 1, 4)],
        ),
    ];
    let mut net = stem(name, c, Activation::Relu);
    for (place, features, kernel, stride) in
        [("0.0", 32, 3, 2), ("0.1", 32, 1, 1), ("1.0", 96, 3, 2), ("1.1", 64, 1, 1)]
    {
        let names = [format!("blocks.{place}.conv"), format!("blocks.{place}.bn1")];
        let features = c.features(features);
        net = net.layers(conv_norm(names, features, kernel, stride, Activation::Relu));
    }
    for (stage, (features, blocks)) in STAGES.into_iter().enumerate() {
        let kept = blocks.iter().take(c.blocks(blocks.len()));
        net = net.layers(kept.enumerate().map(|(k, &(start, middle, stride, expansion))| {
            let block = UniversalInvertedBottleneck {
                expansion: Number::from(expansion),
                start_kernel: start,
                middle_kernel: middle,
                stride,
                ..UniversalInvertedBottleneck::new(c.features(features))
            };
            Layer::named(format!("blocks.{}.{k}", stage + 2), block)
        }));
    }
    let names = ["blocks.4.0.conv", "blocks.4.0.bn1"];
    let net = net
        .layers(conv_norm(names, c.features(960), 1, 1, Activation::Relu))
        .layer(GlobalAvgPool { keep: true })
        .layer(conv(c.features(1280), 1, 1))
        .named("conv_head")
        .batch_norm()
        .named("norm_head")
        .relu()
        .flatten();
    head(net, c)
}
