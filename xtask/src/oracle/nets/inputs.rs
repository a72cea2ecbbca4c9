//! Inputs of a case, by role.

use super::{Result, Run};
use cotangent_check::{Fill, fill};
use cotangent_graph::{Graph, Input, Role, TensorType};
use cotangent_interp::{Tensor, Value};
use cotangent_net::Network;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// One tensor for each input of `graph`; the same `name` gives the same ones.
/// On kinks, parameters and data are few multiples of one number, so that
/// pre-activations often sit on kinks and windows often tie.
pub fn inputs(graph: &Graph, net: &Network, name: &str, run: Run) -> Result<Vec<Value<f64>>> {
    let mut rng = ChaCha8Rng::seed_from_u64(name.bytes().map(u64::from).sum());
    let rates = net.masks().iter().map(|m| (m.name.as_str(), m.rate));
    let rates: std::collections::HashMap<&str, f64> = rates.collect();
    let mut one = |Input { name, role, ty }: &Input| -> Result<Value<f64>> {
        match (role, run) {
            (Role::Param, Run::Grad { kinks: Some(_) }) => integers(ty, &mut rng),
            (Role::Data, Run::Grad { kinks: Some(scale) }) => multiples(ty, scale, &mut rng),
            // Scales of normalisations: away from zero, as in use.
            (Role::Param, _) if ty.rank() == 1 && !name.ends_with("bias") => {
                Ok(fill(ty, Fill::Positive, &mut rng)?)
            }
            (Role::Param, _) => Ok(fill(ty, Fill::FanIn, &mut rng)?),
            (Role::Target, _) => Ok(fill(ty, Fill::Targets, &mut rng)?),
            (Role::Mask, _) => mask(ty, rates.get(name.as_str()).copied(), &mut rng),
            (Role::Stat, _) if name.ends_with("running_var") => {
                Ok(fill(ty, Fill::Positive, &mut rng)?)
            }
            // β₁² and the like: between 0 and 1.
            (Role::State, _) if name.ends_with("_power") => Ok(scalar(0.81)?),
            (Role::State, _) if name.starts_with("v.") => Ok(fill(ty, Fill::Positive, &mut rng)?),
            (Role::Hyper, _) => Ok(scalar(0.05)?),
            _ => Ok(fill(ty, Fill::Spread, &mut rng)?),
        }
    };
    graph.inputs.iter().map(&mut one).collect()
}

fn scalar(x: f64) -> Result<Value<f64>> {
    // Exactly an f32, so that both precisions mean the same number.
    Ok(Tensor::new([], vec![f64::from(x as f32)])?.into())
}

/// -1, 0 or 1, mostly 0.
pub fn integers(ty: &TensorType, rng: &mut ChaCha8Rng) -> Result<Value<f64>> {
    multiples(ty, 1.0, rng)
}

fn multiples(ty: &TensorType, scale: f64, rng: &mut ChaCha8Rng) -> Result<Value<f64>> {
    let one = |_| scale * f64::from([-1i8, 0, 0, 1][rng.random_range(0..4)]);
    Ok(Tensor::new(ty.shape.clone(), (0..ty.len()).map(one).collect())?.into())
}

/// 0 or `1 / (1 - rate)`, both of them as often: few elements shall have both.
fn mask(ty: &TensorType, rate: Option<f64>, rng: &mut ChaCha8Rng) -> Result<Value<f64>> {
    let rate = rate.ok_or("a mask that no layer has")?;
    let kept = f64::from((1.0 / (1.0 - rate)) as f32);
    let data = (0..ty.len()).map(|_| if rng.random_bool(0.5) { kept } else { 0.0 }).collect();
    Ok(Tensor::new(ty.shape.clone(), data)?.into())
}
