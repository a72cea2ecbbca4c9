//! U-Net (Ronneberger, Fischer, Brox, 2015) with padded, normalised
//! convolutions: one class per pixel.

use crate::Config;
use crate::parts::{biased, conv_norm, max_pool};
use cotangent_net::layers::{Activation, Concat, ConvTranspose2d, Padding, Pair};
use cotangent_net::{Layer, NetSpec};

pub(crate) fn unet(name: &str, c: &Config) -> NetSpec {
    NetSpec::new(name, c.image(256, 3))
        .layers(level(c, 1))
        .layer(biased(c.classes(2), 1, 1))
        .named("out")
}

/// Features at each level.
const FEATURES: [usize; 5] = [64, 128, 256, 512, 1024];

/// Two convolutions; below the last level, beside them the level half as high
/// and wide, enlarged again; two more convolutions.
fn level(c: &Config, n: usize) -> Vec<Layer> {
    let features = c.features(FEATURES[n - 1]);
    let twice = |side: &'static str| {
        (1..=2).flat_map(move |k| {
            let names = [format!("{side}.conv{k}"), format!("{side}.bn{k}")];
            conv_norm(names, features, 3, 1, Activation::Relu)
        })
    };
    let mut layers: Vec<Layer> = twice("down").collect();
    if n < FEATURES.len() {
        let mut below = vec![Layer::new(max_pool(2, 2, Padding::VALID))];
        below.extend(level(c, n + 1));
        let enlarge = ConvTranspose2d {
            stride: Pair::both(2),
            ..ConvTranspose2d::new(features, Pair::both(2))
        };
        below.push(Layer::named("enlarge", enlarge));
        layers.push(Layer::named(format!("level{}", n + 1), Concat::new(vec![Vec::new(), below])));
        layers.extend(twice("up"));
    }
    layers
}
