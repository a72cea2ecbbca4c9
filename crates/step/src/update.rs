//! From the gradients to the new parameters and state: accumulation, clipping,
//! the optimiser, the moving average, in this order.

use crate::StepOptions;
use crate::norm::norm;
use crate::optimizer::{Average, Inputs, Updated};
use cotangent_graph::{Builder, Comparison, GraphError, Rational, ValueId};

/// What an update reads.
pub(crate) struct Read<'a> {
    pub params: &'a [ValueId],
    /// One for each parameter.
    pub grads: &'a [ValueId],
    /// In the order of [`StepOptions::state`].
    pub state: &'a [ValueId],
    /// η, a scalar.
    pub lr: ValueId,
    /// Of a step that accumulates.
    pub apply: Option<ValueId>,
}

impl StepOptions {
    /// Appends the update; the new state is in the order of
    /// [`StepOptions::state`].
    pub(crate) fn update(&self, b: &mut Builder, on: &Read) -> Result<Updated, GraphError> {
        // Behind the optimiser's state each feature has a tensor per parameter.
        let n = on.params.len();
        let features = usize::from(on.apply.is_some()) + usize::from(self.ema.is_some());
        let (own, mut rest) = on.state.split_at(on.state.len() - features * n);
        let mut grads = on.grads.to_vec();
        let mut sums = Vec::new();
        if on.apply.is_some() {
            let (before, after) = rest.split_at(n);
            rest = after;
            for (g, &sum) in grads.iter_mut().zip(before) {
                let sum = b.add(sum, *g)?;
                sums.push(sum);
                let count = b.constant_like(self.accumulate as i64, sum)?;
                *g = b.div(sum, count)?;
            }
        }
        if let Some(largest) = &self.clip {
            clip(b, &mut grads, largest)?;
        }
        let inputs = Inputs {
            lr: on.lr,
            params: on.params,
            grads: &grads,
            state: own,
            exclusion: self.no_decay,
        };
        let Updated { mut params, mut state } = self.optimizer.update(b, &inputs)?;
        let mut averages = Vec::new();
        if let Some(decay) = &self.ema {
            let average = Average::new(b, decay)?;
            for (&e, &p) in rest.iter().zip(&params) {
                averages.push(average.of(b, e, p)?);
            }
        }
        if let Some(apply) = on.apply {
            keep_unless(b, apply, &mut params, on.params)?;
            keep_unless(b, apply, &mut state, own)?;
            keep_unless(b, apply, &mut averages, rest)?;
            for sum in &mut sums {
                let zero = b.constant_like(0, *sum)?;
                *sum = chosen(b, apply, zero, *sum)?;
            }
        }
        state.extend(sums);
        state.extend(averages);
        Ok(Updated { params, state })
    }
}

/// `g ← g · min(1, c/(‖g‖ + 1e-6))`, the norm over all of them; PyTorch's
/// `clip_grad_norm_`.
fn clip(b: &mut Builder, grads: &mut [ValueId], largest: &Rational) -> Result<(), GraphError> {
    let norm = norm(b, grads)?;
    let eps = b.constant(Rational::new(1, 1_000_000).unwrap_or_else(|| 0.into()), &[])?;
    let denominator = b.add(norm, eps)?;
    let largest = b.constant(largest.clone(), &[])?;
    let ratio = b.div(largest, denominator)?;
    let one = b.constant(1, &[])?;
    let below = b.compare(Comparison::Gt, one, ratio)?;
    let factor = b.select(below, ratio, one)?;
    for g in grads {
        let factor = b.splat(factor, *g)?;
        *g = b.mul(*g, factor)?;
    }
    Ok(())
}

/// Leaves each of `new` only where `apply` is 1; elsewhere it is `old` again.
fn keep_unless(
    b: &mut Builder,
    apply: ValueId,
    new: &mut [ValueId],
    old: &[ValueId],
) -> Result<(), GraphError> {
    for (new, &old) in new.iter_mut().zip(old) {
        *new = chosen(b, apply, *new, old)?;
    }
    Ok(())
}

/// `on` if `apply` is 1, `off` if it is 0.
fn chosen(
    b: &mut Builder,
    apply: ValueId,
    on: ValueId,
    off: ValueId,
) -> Result<ValueId, GraphError> {
    let apply = b.splat(apply, on)?;
    let zero = b.constant_like(0, apply)?;
    let applies = b.compare(Comparison::Gt, apply, zero)?;
    b.select(applies, on, off)
}
