//! Inputs to check at.

use crate::CheckError;
use cotangent_graph::{Graph, Role, TensorType};
use cotangent_interp::{Tensor, Value};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// How an input's elements are drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fill {
    /// Uniform in -1..1.
    Spread,
    /// Uniform in 0.5..2, for operands that must stay away from zero.
    Positive,
    /// Uniform in 0.1..0.9: powers of decay rates.
    Unit,
    /// Uniform in `-a..a` with `a = √(3 / n)`, `n` the product of all
    /// dimensions but the last: variance 1/n, so a layer keeps the scale of
    /// its input. Vectors (biases) uniform in -0.1..0.1.
    FanIn,
    /// Non-negative rows with a zero among them and a sum between 0.5 and 1.5:
    /// soft targets for which `Σt = 1` may not be assumed.
    Targets,
}

/// A tensor of `ty` drawn as `fill` says.
pub fn fill(ty: &TensorType, fill: Fill, rng: &mut impl RngExt) -> Result<Value<f64>, CheckError> {
    let n = ty.len();
    let data: Vec<f64> = match fill {
        Fill::Spread => (0..n).map(|_| rng.random_range(-1.0..1.0)).collect(),
        Fill::Positive => (0..n).map(|_| rng.random_range(0.5..2.0)).collect(),
        Fill::Unit => (0..n).map(|_| rng.random_range(0.1..0.9)).collect(),
        Fill::FanIn => {
            let fan_in: usize = ty.shape.iter().rev().skip(1).product();
            let a = if ty.rank() < 2 { 0.1 } else { (3.0 / fan_in as f64).sqrt() };
            (0..n).map(|_| rng.random_range(-a..a)).collect()
        }
        Fill::Targets => {
            let classes = ty.shape.last().map_or(1, |&c| c.max(1));
            let rows = (0..n / classes).flat_map(|_| targets(classes, rng));
            rows.collect()
        }
    };
    Ok(Tensor::new(ty.shape.clone(), data)?.into())
}

fn targets(classes: usize, rng: &mut impl RngExt) -> Vec<f64> {
    let mut row: Vec<f64> = (0..classes).map(|_| rng.random_range(0.0..1.0)).collect();
    if classes > 1 {
        row[rng.random_range(0..classes)] = 0.0;
    }
    let mass = rng.random_range(0.5..1.5) / row.iter().sum::<f64>();
    row.iter_mut().for_each(|t| *t *= mass);
    row
}

/// Inputs for any graph, by role: parameters by [`Fill::FanIn`], targets by
/// [`Fill::Targets`], scalar optimiser state by [`Fill::Unit`], other state and
/// hyper-parameters by [`Fill::Positive`], the rest by [`Fill::Spread`]. The
/// same seed gives the same inputs.
pub fn sample_inputs(graph: &Graph, seed: u64) -> Result<Vec<Value<f64>>, CheckError> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let suited = |role: Role, ty: &TensorType| match role {
        Role::Param => Fill::FanIn,
        Role::Target => Fill::Targets,
        Role::State if ty.rank() == 0 => Fill::Unit,
        Role::Hyper | Role::State | Role::Stat | Role::Ema => Fill::Positive,
        _ => Fill::Spread,
    };
    graph.inputs.iter().map(|i| fill(&i.ty, suited(i.role, &i.ty), &mut rng)).collect()
}
