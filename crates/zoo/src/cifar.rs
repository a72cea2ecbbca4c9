//! Networks for CIFAR-10's images.

use crate::Config;
use crate::parts::{conv, conv_norm};
use cotangent_net::layers::{Activation, BasicBlock};
use cotangent_net::{Layer, NetSpec};

/// Three times two convolutions and a pooling, then two dense layers.
pub(crate) fn cnn(name: &str, c: &Config) -> NetSpec {
    let mut net = NetSpec::new(name, c.image(32, 3));
    for features in [32, 64, 128].map(|n| c.features(n)) {
        net = net.conv2d(features, 3).relu().conv2d(features, 3).relu().max_pool(2);
    }
    net.flatten().dense(c.features(256)).relu().dense(c.classes(10))
}

/// The same convolutions, normalised, then the mean over all positions.
pub(crate) fn cnn_bn(name: &str, c: &Config) -> NetSpec {
    let mut net = NetSpec::new(name, c.image(32, 3));
    for features in [32, 64, 128].map(|n| c.features(n)) {
        for _ in 0..2 {
            net = net.layer(conv(features, 3, 1)).batch_norm().relu();
        }
        net = net.max_pool(2);
    }
    net.global_avg_pool().dense(c.classes(10))
}

/// He, Zhang, Ren, Sun: *Deep Residual Learning for Image Recognition*, 2016,
/// section 4.2, with 1x1 convolutions on the shortcuts (option B).
pub(crate) fn resnet20(name: &str, c: &Config) -> NetSpec {
    let mut net = NetSpec::new(name, c.image(32, 3)).layers(conv_norm(
        ["conv1", "bn1"],
        c.features(16),
        3,
        1,
        Activation::Relu,
    ));
    for (stage, features) in [16, 32, 64].into_iter().enumerate() {
        net = net.layers((0..c.blocks(3)).map(|k| {
            let stride = if k == 0 && stage > 0 { 2 } else { 1 };
            let block = BasicBlock { stride, ..BasicBlock::new(c.features(features)) };
            Layer::named(format!("layer{}.{k}", stage + 1), block)
        }));
    }
    net.global_avg_pool().dense(c.classes(10)).named("fc")
}
