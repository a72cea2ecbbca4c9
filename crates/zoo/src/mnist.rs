//! Networks for MNIST's digits.

use crate::Config;
use cotangent_net::NetSpec;
use cotangent_net::layers::{BatchNorm, Conv2d, Dense, Pair};

fn digits(name: &str, c: &Config) -> NetSpec {
    NetSpec::new(name, c.image(28, 1))
}

pub(crate) fn linear(name: &str, c: &Config) -> NetSpec {
    digits(name, c).flatten().dense(c.classes(10))
}

pub(crate) fn mlp(name: &str, c: &Config) -> NetSpec {
    let hidden = c.features(512);
    digits(name, c).flatten().dense(hidden).relu().dense(hidden).relu().dense(c.classes(10))
}

pub(crate) fn cnn(name: &str, c: &Config) -> NetSpec {
    let features = c.features(32);
    digits(name, c)
        .conv2d(features, 3)
        .relu()
        .conv2d(features, 3)
        .relu()
        .max_pool(2)
        .flatten()
        .dense(c.features(512))
        .relu()
        .dense(c.classes(10))
}

pub(crate) fn cnn_bn(name: &str, c: &Config) -> NetSpec {
    let conv = Conv2d { bias: false, ..Conv2d::new(c.features(32), Pair::both(3)) };
    digits(name, c)
        .layer(conv.clone())
        .layer(BatchNorm::new())
        .relu()
        .layer(conv)
        .layer(BatchNorm::new())
        .relu()
        .max_pool(2)
        .flatten()
        .layer(Dense { bias: false, ..Dense::new(c.features(512)) })
        .layer(BatchNorm::new())
        .relu()
        .dense(c.classes(10))
}
