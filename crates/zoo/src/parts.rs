//! What several families are made of.

use cotangent_net::layers::{Activation, BatchNorm, Conv2d, MaxPool, Padding, Pair};
use cotangent_net::{Layer, Number};

/// A convolution as PyTorch's networks have it: padded by half the kernel on
/// every side, without bias.
pub(crate) fn conv(features: usize, kernel: usize, stride: usize) -> Conv2d {
    Conv2d { bias: false, ..biased(features, kernel, stride) }
}

/// The same with a bias.
pub(crate) fn biased(features: usize, kernel: usize, stride: usize) -> Conv2d {
    Conv2d {
        stride: Pair::both(stride),
        padding: Padding::All(kernel / 2),
        ..Conv2d::new(features, Pair::both(kernel))
    }
}

/// A convolution without bias, batch normalisation and an activation, under
/// the names given to the first two.
pub(crate) fn conv_norm(
    names: [impl Into<String>; 2],
    features: usize,
    kernel: usize,
    stride: usize,
    activation: Activation,
) -> [Layer; 3] {
    let [convolution, norm] = names;
    [
        Layer::named(convolution, conv(features, kernel, stride)),
        Layer::named(norm, BatchNorm::new()),
        activation.layer(),
    ]
}

/// Max-pooling.
pub(crate) fn max_pool(window: usize, stride: usize, padding: Padding) -> MaxPool {
    MaxPool { stride: Pair::both(stride), padding, ..MaxPool::new(Pair::both(window)) }
}

/// The rate of stochastic depth of block `k` of `count`, from 0 for the first
/// towards `percent` (Huang et al.: *Deep Networks with Stochastic Depth*,
/// 2016, section 3), to four decimals.
pub(crate) fn drop_rate(percent: usize, k: usize, count: usize) -> Number {
    Number::ratio((100 * percent * k / count.max(1)) as i64, 10_000)
}
