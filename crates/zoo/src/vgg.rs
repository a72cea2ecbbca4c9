//! VGG (Simonyan, Zisserman: *Very Deep Convolutional Networks for
//! Large-Scale Image Recognition*, 2015), configuration D. Names as in
//! torchvision's `vgg16` and `vgg16_bn`.

use crate::Config;
use crate::parts::biased;
use cotangent_net::{NetSpec, Number};

pub(crate) fn vgg16(name: &str, c: &Config, normalised: bool) -> NetSpec {
    let mut net = NetSpec::new(name, c.image(224, 3));
    let mut next = 0;
    for (features, convolutions) in [(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)] {
        for _ in 0..c.blocks(convolutions) {
            net = net.layer(biased(c.features(features), 3, 1)).named(format!("features.{next}"));
            next += 1;
            if normalised {
                net = net.batch_norm().named(format!("features.{next}"));
                next += 1;
            }
            net = net.relu();
            next += 1;
        }
        net = net.max_pool(2);
        next += 1;
    }
    let half = || Number::ratio(1, 2);
    net.flatten()
        .dense(c.features(4096))
        .named("classifier.0")
        .relu()
        .dropout(half())
        .dense(c.features(4096))
        .named("classifier.3")
        .relu()
        .dropout(half())
        .dense(c.classes(1000))
        .named("classifier.6")
}
