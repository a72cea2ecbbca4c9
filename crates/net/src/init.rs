//! Initial parameters.

use crate::Network;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal, Uniform};

/// How a parameter starts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Init {
    /// Normal with variance `2 / fan_in` (He, Zhang, Ren, Sun: *Delving Deep
    /// into Rectifiers*, 2015, section 2.2).
    HeNormal {
        /// Inputs that each output sums.
        fan_in: usize,
    },
    /// Uniform with variance `2 / (fan_in + fan_out)` (Glorot, Bengio:
    /// *Understanding the difficulty of training deep feedforward neural
    /// networks*, 2010, equation 16).
    GlorotUniform {
        /// Inputs that each output sums.
        fan_in: usize,
        /// Outputs that each input reaches.
        fan_out: usize,
    },
    /// Normal of this standard deviation, drawn again beyond two of them.
    TruncatedNormal {
        /// Standard deviation before truncation.
        std: f64,
    },
    /// One value.
    Constant(f32),
}

impl Init {
    /// Zero.
    pub const ZEROS: Init = Init::Constant(0.0);
    /// One.
    pub const ONES: Init = Init::Constant(1.0);
}

/// The network's initial parameters in order, each row-major. Parameter `k`
/// draws from stream `k` of the generator seeded with `seed`, so changing one
/// layer leaves the others' values alone.
pub fn initialize(network: &Network, seed: u64) -> Vec<Vec<f32>> {
    let one = |(k, param): (usize, &crate::Param)| {
        let n: usize = param.shape.iter().product();
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(k as u64);
        let normal = |rng: &mut ChaCha8Rng| -> f32 { StandardNormal.sample(rng) };
        match param.init {
            Init::Constant(value) => vec![value; n],
            Init::HeNormal { fan_in } => {
                let std = (2.0 / fan_in as f64).sqrt() as f32;
                (0..n).map(|_| std * normal(&mut rng)).collect()
            }
            Init::GlorotUniform { fan_in, fan_out } => {
                let bound = (6.0 / (fan_in as f64 + fan_out as f64)).sqrt() as f32;
                match Uniform::new_inclusive(-bound, bound) {
                    Ok(uniform) => (0..n).map(|_| uniform.sample(&mut rng)).collect(),
                    // The bound is finite and positive.
                    Err(_) => vec![0.0; n],
                }
            }
            Init::TruncatedNormal { std } => {
                let within = |rng: &mut ChaCha8Rng| loop {
                    let z = normal(rng);
                    if z.abs() <= 2.0 {
                        return z;
                    }
                };
                (0..n).map(|_| std as f32 * within(&mut rng)).collect()
            }
        }
    };
    network.params().iter().enumerate().map(one).collect()
}
