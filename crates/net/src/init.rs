//! Initial parameters.

use crate::Network;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// How a parameter starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Init {
    /// Normal with variance `2 / fan_in` (He, Zhang, Ren, Sun: *Delving Deep
    /// into Rectifiers*, 2015, section 2.2).
    HeNormal {
        /// Inputs that each output sums.
        fan_in: usize,
    },
    /// Zero.
    Zeros,
}

/// The network's initial parameters in order, each row-major. Parameter `k`
/// draws from stream `k` of the generator seeded with `seed`, so changing one
/// layer leaves the others' values alone.
pub fn initialize(network: &Network, seed: u64) -> Vec<Vec<f32>> {
    let one = |(k, param): (usize, &crate::Param)| {
        let n = param.shape.iter().product();
        match param.init {
            Init::Zeros => vec![0.0; n],
            Init::HeNormal { fan_in } => {
                let mut rng = ChaCha8Rng::seed_from_u64(seed);
                rng.set_stream(k as u64);
                let std = (2.0 / fan_in as f64).sqrt() as f32;
                let mut draw = || -> f32 { StandardNormal.sample(&mut rng) };
                (0..n).map(|_| std * draw()).collect()
            }
        }
    };
    network.params().enumerate().map(one).collect()
}
