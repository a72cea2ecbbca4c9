//! Central differences of the loss against the gradients.

use crate::decisions::{Decision, decision};
use crate::{CheckError, Report, TensorReport};
use cotangent_graph::{Graph, Role, ValueId};
use cotangent_interp::{Value, rerun, run, run_all};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

/// How [`finite_differences`] samples and judges; the defaults are those of
/// `SEMANTICS.md`.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Coordinates sampled per tensor (all of them in smaller tensors).
    pub coordinates: usize,
    /// Random unit directions per tensor.
    pub directions: usize,
    /// Seed of the samples.
    pub seed: u64,
    /// Bound on the relative errors.
    pub tolerance: f64,
    /// The share of the largest gradient that counts as scale for every
    /// tensor, so that one whose gradient is exactly zero has a scale. An
    /// f64 difference cannot see less than about 1e-11 of the loss.
    pub floor: f64,
    /// The largest share of samples that may be skipped.
    pub max_skipped: f64,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            coordinates: 64,
            directions: 4,
            seed: 0,
            tolerance: 1e-6,
            floor: 1e-3,
            max_skipped: 0.05,
        }
    }
}

/// Steps tried, largest first. Inputs are taken to be of order one.
const STEPS: [f64; 5] = [1e-2, 1e-3, 1e-4, 1e-5, 1e-6];

/// Compares the gradients of `graph` at `inputs` with finite differences.
///
/// `graph` returns one scalar of role [`Role::Loss`] and, for each parameter
/// to check, an output of role [`Role::Grad`] with the name of that input.
///
/// A derivative along a sampled coordinate or unit direction is estimated by
/// Richardson extrapolation of two central differences,
/// `(4·D(h/2) - D(h)) / 3`, at the largest step `h` for which every decision
/// of the loss (rectifier, comparison, cell of a maximum) is the same at the
/// four points as at `inputs` and for which the two differences agree to 1e-5.
/// Where no step brings them so near each other, the smallest that leaves all
/// decisions alone is taken; a sample for which none does is skipped.
///
/// With `f` the estimates and `g` the gradient at a tensor's counted samples,
/// its error is `‖f - g‖ / (‖g‖ + floor·max ‖g‖)`, the maximum over all
/// tensors; coordinates and directions are judged apart.
pub fn finite_differences(
    graph: &Graph,
    inputs: &[Value<f64>],
    options: &Options,
) -> Result<Report, CheckError> {
    finite_differences_watched(graph, inputs, options, &mut |_, _, _| {})
}

/// As [`finite_differences`]; before each gradient is compared, `watch` hears
/// its name, its number from 0, and how many there are.
///
/// # Errors
/// As [`finite_differences`].
pub fn finite_differences_watched(
    graph: &Graph,
    inputs: &[Value<f64>],
    options: &Options,
    watch: &mut dyn FnMut(&str, usize, usize),
) -> Result<Report, CheckError> {
    let outputs = run(graph, inputs)?;
    let probe = Probe::new(graph, inputs)?;
    let mut rng = ChaCha8Rng::seed_from_u64(options.seed);
    let mut tensors = Vec::new();
    let gradients = graph.outputs.iter().zip(&outputs).filter(|(o, _)| o.role == Role::Grad);
    let count = gradients.clone().count();
    for (k, (output, gradient)) in gradients.enumerate() {
        watch(&output.name, k, count);
        let input = graph
            .input(&output.name)
            .filter(|&k| graph.inputs[k].ty == *graph.ty(output.value))
            .ok_or_else(|| {
                CheckError::Outputs(format!(
                    "gradient `{}` has type {}, but no input has that name and type",
                    output.name,
                    graph.ty(output.value)
                ))
            })?;
        let gradient = gradient.real()?.data();
        let coordinates = coordinates(gradient.len(), options.coordinates, &mut rng)
            .into_iter()
            .map(Direction::Coordinate)
            .collect();
        let directions = (0..options.directions)
            .map(|_| Direction::Dense(unit_vector(gradient.len(), &mut rng)))
            .collect();
        tensors.push(Measured {
            input,
            norm: norm(gradient.iter()),
            coordinates: probe.compare(input, gradient, coordinates)?,
            directions: probe.compare(input, gradient, directions)?,
        });
    }
    if tensors.is_empty() {
        return Err(CheckError::Outputs("there is no output of role grad".into()));
    }

    let scale = |pick: fn(&Measured) -> &Samples| {
        options.floor * tensors.iter().map(|t| pick(t).gradient_norm()).fold(0.0, f64::max)
    };
    let (floor, direction_floor) = (scale(|t| &t.coordinates), scale(|t| &t.directions));
    let tensors: Vec<TensorReport> = tensors
        .iter()
        .map(|t| {
            let error = t.coordinates.error(floor);
            let direction_error = t.directions.error(direction_floor);
            let skipped = t.coordinates.skipped + t.directions.skipped;
            let counted = t.coordinates.pairs.len() + t.directions.pairs.len();
            TensorReport {
                name: graph.inputs[t.input].name.clone(),
                shape: graph.inputs[t.input].ty.shape.clone(),
                samples: counted + skipped,
                skipped,
                gradient_norm: t.norm,
                error,
                direction_error,
                passed: error < options.tolerance
                    && direction_error < options.tolerance
                    && !t.coordinates.pairs.is_empty(),
            }
        })
        .collect();
    let samples = tensors.iter().map(|t| t.samples).sum();
    let skipped = tensors.iter().map(|t| t.skipped).sum();
    let passed =
        tensors.iter().all(|t| t.passed) && skipped as f64 <= options.max_skipped * samples as f64;
    let tolerance = options.tolerance;
    Ok(Report { loss: probe.loss(&probe.base)?, tensors, samples, skipped, tolerance, passed })
}

/// What to move along.
enum Direction {
    Coordinate(usize),
    Dense(Vec<f64>),
}

impl Direction {
    fn dot(&self, gradient: &[f64]) -> f64 {
        match self {
            Direction::Coordinate(k) => gradient[*k],
            Direction::Dense(d) => d.iter().zip(gradient).map(|(d, g)| d * g).sum(),
        }
    }
}

/// Up to `count` distinct positions below `n`, in order.
fn coordinates(n: usize, count: usize, rng: &mut ChaCha8Rng) -> Vec<usize> {
    let mut chosen = std::collections::BTreeSet::new();
    if n <= count {
        chosen.extend(0..n);
    }
    while chosen.len() < count.min(n) {
        chosen.insert(rng.random_range(0..n));
    }
    chosen.into_iter().collect()
}

fn unit_vector(n: usize, rng: &mut ChaCha8Rng) -> Vec<f64> {
    let mut d: Vec<f64> = (0..n).map(|_| rng.random_range(-1.0..1.0)).collect();
    let length = norm(d.iter());
    d.iter_mut().for_each(|x| *x /= length);
    d
}

fn norm<'a>(x: impl Iterator<Item = &'a f64>) -> f64 {
    x.map(|x| x * x).sum::<f64>().sqrt()
}

struct Measured {
    input: usize,
    norm: f64,
    coordinates: Samples,
    directions: Samples,
}

/// Pairs (finite difference, gradient).
struct Samples {
    pairs: Vec<(f64, f64)>,
    skipped: usize,
}

impl Samples {
    fn gradient_norm(&self) -> f64 {
        norm(self.pairs.iter().map(|(_, g)| g))
    }

    fn error(&self, floor: f64) -> f64 {
        let distance = norm(self.pairs.iter().map(|(f, g)| f - g).collect::<Vec<_>>().iter());
        // Nothing depends on anything: no gradient, and no difference either.
        if distance == 0.0 { 0.0 } else { distance / (self.gradient_norm() + floor) }
    }
}

/// The loss alone, and what it is at the inputs.
struct Probe {
    graph: Graph,
    base: Vec<Value<f64>>,
    decisions: Vec<Option<Decision>>,
}

impl Probe {
    fn new(graph: &Graph, inputs: &[Value<f64>]) -> Result<Probe, CheckError> {
        let mut graph = graph.clone();
        graph.outputs.retain(|o| o.role == Role::Loss);
        match graph.outputs.as_slice() {
            [loss] if graph.ty(loss.value).shape.is_empty() => {}
            [loss] => {
                let ty = graph.ty(loss.value);
                return Err(CheckError::Outputs(format!("the loss is {ty}, expected a scalar")));
            }
            losses => {
                let found = losses.len();
                return Err(CheckError::Outputs(format!("{found} losses, expected one")));
            }
        }
        let graph = graph.without_dead_code();
        let base = run_all(&graph, inputs)?;
        let decisions = (0..graph.values())
            .map(|k| decision(&graph, &base, ValueId(k as u32)))
            .collect::<Result<_, _>>()?;
        Ok(Probe { graph, base, decisions })
    }

    fn loss(&self, values: &[Value<f64>]) -> Result<f64, CheckError> {
        Ok(values[self.graph.outputs[0].value.index()].real()?.data()[0])
    }

    /// Estimates the derivative along each direction of `input`.
    fn compare(
        &self,
        input: usize,
        gradient: &[f64],
        directions: Vec<Direction>,
    ) -> Result<Samples, CheckError> {
        let estimates: Vec<Option<f64>> = directions
            .par_iter()
            .map_init(|| self.base.clone(), |values, d| self.derivative(values, input, d))
            .collect::<Result<_, _>>()?;
        let mut samples = Samples { pairs: Vec::new(), skipped: 0 };
        for (direction, estimate) in directions.iter().zip(estimates) {
            match estimate {
                Some(f) => samples.pairs.push((f, direction.dot(gradient))),
                None => samples.skipped += 1,
            }
        }
        Ok(samples)
    }

    /// The derivative of the loss; `None` if every step changes a decision.
    fn derivative(
        &self,
        values: &mut [Value<f64>],
        input: usize,
        direction: &Direction,
    ) -> Result<Option<f64>, CheckError> {
        let mut estimate = None;
        for h in STEPS {
            let Some(wide) = self.central(values, input, direction, h)? else { continue };
            let Some(narrow) = self.central(values, input, direction, h / 2.0)? else { continue };
            estimate = Some((4.0 * narrow - wide) / 3.0);
            // What rounding alone puts between the two.
            let noise = 64.0 * f64::EPSILON * self.loss(&self.base)?.abs() / h;
            if (wide - narrow).abs() <= 1e-5 * narrow.abs() + noise {
                break;
            }
        }
        Ok(estimate)
    }

    fn central(
        &self,
        values: &mut [Value<f64>],
        input: usize,
        direction: &Direction,
        h: f64,
    ) -> Result<Option<f64>, CheckError> {
        let Some(up) = self.loss_at(values, input, direction, h)? else { return Ok(None) };
        let Some(down) = self.loss_at(values, input, direction, -h)? else { return Ok(None) };
        Ok(Some((up - down) / (2.0 * h)))
    }

    /// The loss `t` along `direction`; `None` if a decision differs there.
    fn loss_at(
        &self,
        values: &mut [Value<f64>],
        input: usize,
        direction: &Direction,
        t: f64,
    ) -> Result<Option<f64>, CheckError> {
        let base = self.base[input].real()?.data();
        let moved = values[input].real_mut()?.data_mut();
        moved.copy_from_slice(base);
        match direction {
            Direction::Coordinate(k) => moved[*k] += t,
            Direction::Dense(d) => moved.iter_mut().zip(d).for_each(|(x, d)| *x += t * d),
        }
        for value in rerun(&self.graph, values, &[ValueId(input as u32)])? {
            if decision(&self.graph, values, value)? != self.decisions[value.index()] {
                return Ok(None);
            }
        }
        Ok(Some(self.loss(values)?))
    }
}
