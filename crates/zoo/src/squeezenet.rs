//! SqueezeNet (Iandola et al., 2016). Names as in torchvision's
//! `squeezenet1_0` and `squeezenet1_1`.

use crate::Config;
use crate::parts::{biased, max_pool};
use cotangent_net::layers::{Activation, Concat, Conv2d, Padding, Pair};
use cotangent_net::{Layer, NetSpec, Number};

/// Features and kernel of the first convolution, and the layers after it: the
/// squeezed features of a fire module, or 0 for max-pooling.
fn squeezenet(name: &str, c: &Config, stem: (usize, usize), layers: &[usize]) -> NetSpec {
    // The cell at the bottom and right makes PyTorch's `ceil_mode`.
    let pool = || max_pool(3, 2, Padding::Sides([(0, 1), (0, 1)]));
    let relu = || Activation::Relu.layer();
    let stem = Conv2d {
        stride: Pair::both(2),
        padding: Padding::VALID,
        ..Conv2d::new(c.features(stem.0), Pair::both(stem.1))
    };
    let mut net = NetSpec::new(name, c.image(224, 3)).layer(stem).named("features.0").relu();
    for (place, &squeezed) in (2..).zip(layers) {
        if squeezed == 0 {
            net = net.layer(pool());
            continue;
        }
        let at = format!("features.{place}");
        let expanded = c.features(4 * squeezed);
        let branch = |name: &str, kernel: usize| {
            vec![Layer::named(name, biased(expanded, kernel, 1)), relu()]
        };
        let expand = Concat::new(vec![branch("expand1x1", 1), branch("expand3x3", 3)]);
        net = net.layers([
            Layer::named(format!("{at}.squeeze"), biased(c.features(squeezed), 1, 1)),
            relu(),
            Layer::named(at, expand),
        ]);
    }
    net.dropout(Number::ratio(1, 2))
        .layer(biased(c.classes(1000), 1, 1))
        .named("classifier.1")
        .relu()
        .global_avg_pool()
}

pub(crate) fn v1_0(name: &str, c: &Config) -> NetSpec {
    squeezenet(name, c, (96, 7), &[0, 16, 16, 32, 0, 32, 48, 48, 64, 0, 64])
}

pub(crate) fn v1_1(name: &str, c: &Config) -> NetSpec {
    squeezenet(name, c, (64, 3), &[0, 16, 16, 0, 32, 32, 0, 48, 48, 64, 64])
}
