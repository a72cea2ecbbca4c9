//! DenseNet (Huang, Liu, van der Maaten, Weinberger: *Densely Connected
//! Convolutional Networks*, 2017). Names as in torchvision's `densenet121`.

use crate::Config;
use crate::parts::{conv, conv_norm, max_pool};
use cotangent_net::layers::{Activation, BatchNorm, Padding};
use cotangent_net::{Layer, NetSpec};

pub(crate) fn densenet121(name: &str, c: &Config) -> NetSpec {
    let growth = c.features(32);
    let mut channels = c.features(64);
    let relu = || Activation::Relu.layer();
    let norm = |name: &str| Layer::named(name, BatchNorm::new());
    let mut net = NetSpec::new(name, c.image(224, 3))
        .layers(conv_norm(["features.conv0", "features.norm0"], channels, 7, 2, Activation::Relu))
        .layer(max_pool(3, 2, Padding::All(1)));
    for (block, layers) in (1..).zip([6, 12, 24, 16]) {
        if block > 1 {
            channels /= 2;
            let at = |part: &str| format!("features.transition{}.{part}", block - 1);
            net = net.layers([
                norm(&at("norm")),
                relu(),
                Layer::named(at("conv"), conv(channels, 1, 1)),
            ]);
            net = net.avg_pool(2);
        }
        for k in 1..=c.blocks(layers) {
            let new = vec![
                norm("norm1"),
                relu(),
                Layer::named("conv1", conv(4 * growth, 1, 1)),
                norm("norm2"),
                relu(),
                Layer::named("conv2", conv(growth, 3, 1)),
            ];
            net = net
                .concat(vec![Vec::new(), new])
                .named(format!("features.denseblock{block}.denselayer{k}"));
            channels += growth;
        }
    }
    net.layers([norm("features.norm5"), relu()])
        .global_avg_pool()
        .dense(c.classes(1000))
        .named("classifier")
}
