//! Squeeze-and-excitation (Hu, Shen, Sun, 2018).

use super::channels;
use crate::Layer;
use crate::field::attributes;
use crate::layers::{Activation, Conv2d, GlobalAvgPool, Merge, Pair, Parallel, positive};

attributes! {
    /// Channels scaled by a gate: their means through two 1x1 convolutions.
    SqueezeExcite {
        /// Features between the two convolutions.
        reduced: usize,
        ;
        /// Activation between the two convolutions.
        activation: Activation = Activation::Relu,
        /// Activation that makes the gate.
        gate: Activation = Activation::Sigmoid,
    }
}

super::block!(SqueezeExcite, |block, input| {
    let channels = channels(input)?;
    let one = Pair::both(1);
    let gate = vec![
        Layer::new(GlobalAvgPool { keep: true }),
        Layer::named("conv_reduce", Conv2d::new(positive("reduced", block.reduced)?, one)),
        block.activation.layer(),
        Layer::named("conv_expand", Conv2d::new(channels, one)),
        block.gate.layer(),
    ];
    let product = Parallel { merge: Merge::Product, ..Parallel::new(vec![Vec::new(), gate]) };
    Ok(vec![Layer::named("", product)])
});
