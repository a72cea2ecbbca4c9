//! ConvNeXt (Liu et al.: *A ConvNet for the 2020s*, 2022). Names and constants
//! as in timm's `convnext_tiny`, `_small` and `_base`.

use crate::Config;
use crate::parts::drop_rate;
use cotangent_net::layers::{Conv2d, ConvnextBlock, Dense, InitScheme, LayerNorm, Padding, Pair};
use cotangent_net::{Layer, NetSpec, Number};

/// `features` after the stem; stochastic depth up to `drop` percent.
pub(crate) fn convnext(
    name: &str,
    c: &Config,
    features: usize,
    blocks: [usize; 4],
    drop: usize,
) -> NetSpec {
    let norm = || LayerNorm { eps: Number::ratio(1, 1_000_000), ..LayerNorm::new() };
    // A convolution whose stride is its kernel.
    let patches = |features: usize, size: usize| Conv2d {
        stride: Pair::both(size),
        padding: Padding::VALID,
        init: InitScheme::TruncatedNormal,
        ..Conv2d::new(features, Pair::both(size))
    };
    let mut net = NetSpec::new(name, c.image(224, 3))
        .layer(patches(c.features(features), 4))
        .named("stem.0")
        .layer(norm())
        .named("stem.1");
    let blocks = blocks.map(|n| c.blocks(n));
    let last = blocks.iter().sum::<usize>() - 1;
    let mut next = 0;
    for (stage, blocks) in blocks.into_iter().enumerate() {
        if stage > 0 {
            net = net
                .layer(norm())
                .named(format!("stages.{stage}.downsample.0"))
                .layer(patches(c.features(features << stage), 2))
                .named(format!("stages.{stage}.downsample.1"));
        }
        net = net.layers((0..blocks).map(|k| {
            let drop_path = drop_rate(drop, next + k, last);
            let block = ConvnextBlock { drop_path, ..ConvnextBlock::new() };
            Layer::named(format!("stages.{stage}.blocks.{k}"), block)
        }));
        next += blocks;
    }
    let head = Dense { init: InitScheme::TruncatedNormal, ..Dense::new(c.classes(1000)) };
    net.global_avg_pool().layer(norm()).named("head.norm").layer(head).named("head.fc")
}
