//! ResNet (He, Zhang, Ren, Sun: *Deep Residual Learning for Image
//! Recognition*, 2016). Names as in timm and torchvision.

use crate::Config;
use crate::parts::{conv_norm, max_pool};
use cotangent_net::layers::{Activation, BasicBlock, Bottleneck, Padding};
use cotangent_net::{Layer, LayerKind, NetSpec};

/// ResNet-18 and -34.
pub(crate) fn basic(name: &str, c: &Config, blocks: [usize; 4]) -> NetSpec {
    resnet(name, c, blocks, |features, stride| {
        BasicBlock { stride, ..BasicBlock::new(features) }.into()
    })
}

/// ResNet-50 and -101.
pub(crate) fn bottleneck(name: &str, c: &Config, blocks: [usize; 4]) -> NetSpec {
    resnet(name, c, blocks, |features, stride| {
        Bottleneck { stride, ..Bottleneck::new(features) }.into()
    })
}

fn resnet(
    name: &str,
    c: &Config,
    blocks: [usize; 4],
    block: fn(usize, usize) -> LayerKind,
) -> NetSpec {
    let stem = conv_norm(["conv1", "bn1"], c.features(64), 7, 2, Activation::Relu);
    let mut net =
        NetSpec::new(name, c.image(224, 3)).layers(stem).layer(max_pool(3, 2, Padding::All(1)));
    for (stage, count) in blocks.into_iter().enumerate() {
        let features = c.features(64 << stage);
        net = net.layers((0..c.blocks(count)).map(|k| {
            let stride = if k == 0 && stage > 0 { 2 } else { 1 };
            Layer::named(format!("layer{}.{k}", stage + 1), block(features, stride))
        }));
    }
    net.global_avg_pool().dense(c.classes(1000)).named("fc")
}
