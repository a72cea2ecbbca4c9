//! Normalisation layers.

use super::sizes::image;
use super::{Plan, Rule, features};
use crate::Init;
use crate::elaborate::{Mode, Scope};
use crate::field::attributes;
use crate::number::Number;
use cotangent_graph::{GraphError, Op, ValueId};

attributes! {
    /// `γ·(x - μ)/√(σ² + ε) + β` per feature, μ and σ² over the batch and all
    /// positions in training, running averages in evaluation (Ioffe, Szegedy,
    /// 2015).
    BatchNorm {
        ;
        /// ε
        eps: Number = Number::ratio(1, 100_000),
        /// m in `running ← (1-m)·running + m·batch`.
        momentum: Number = Number::ratio(1, 10),
        /// Whether there are γ and β.
        affine: bool = true,
    }
}
attributes! {
    /// `γ·(x - μ)/√(σ² + ε) + β`, μ and σ² over the features at each position
    /// (Ba, Kiros, Hinton, 2016).
    LayerNorm {
        ;
        /// ε
        eps: Number = Number::ratio(1, 100_000),
        /// Whether there is γ.
        affine: bool = true,
        /// Whether there is β, where there is γ.
        bias: bool = true,
    }
}
attributes! {
    /// `γ·x/√(mean x² + ε)`, the mean over the features at each position
    /// (Zhang, Sennrich, 2019).
    RmsNorm {
        ;
        /// ε
        eps: Number = Number::ratio(1, 100_000),
        /// Whether there is γ.
        affine: bool = true,
    }
}
attributes! {
    /// `γ·(x - μ)/√(σ² + ε) + β` per feature, μ and σ² over all positions and
    /// the features of a group (Wu, He, 2018).
    GroupNorm {
        /// Number of groups.
        groups: usize,
        ;
        /// ε
        eps: Number = Number::ratio(1, 100_000),
        /// Whether there are γ and β.
        affine: bool = true,
    }
}

fn check_eps(eps: &Number) -> Result<(), String> {
    match eps.to_f64() as f32 > 0.0 {
        true => Ok(()),
        false => Err("`eps` must be above 0, as an f32 too; 1e-5 is usual".into()),
    }
}

/// γ and β of `size` features.
fn affine(plan: Plan, scale: bool, shift: bool, size: usize) -> Plan {
    plan.param_if(scale, "weight", size, Init::ONES).param_if(shift, "bias", size, Init::ZEROS)
}

/// `γ·x + β`, as far as there are such.
fn emit_affine(s: &mut Scope, mut x: ValueId) -> Result<ValueId, GraphError> {
    if let Some(scale) = s.optional_param(0)? {
        x = s.scale_by(x, scale)?;
    }
    match s.optional_param(1)? {
        Some(shift) => s.add_bias(x, shift),
        None => Ok(x),
    }
}

impl BatchNorm {
    /// `(1-m)·running + m·batch`
    fn running(
        &self,
        s: &mut Scope,
        running: ValueId,
        batch: ValueId,
    ) -> Result<ValueId, GraphError> {
        let one = s.b.constant(1, &[])?;
        let momentum = s.b.constant(self.momentum.exact().clone(), &[])?;
        let rest = s.b.sub(one, momentum)?;
        let rest = s.b.splat(rest, running)?;
        let kept = s.b.mul(rest, running)?;
        let momentum = s.b.splat(momentum, batch)?;
        let added = s.b.mul(momentum, batch)?;
        s.b.add(kept, added)
    }

    /// Updates the running mean and variance by those of the batch `x`.
    fn update(&self, s: &mut Scope, x: ValueId, dims: &[usize]) -> Result<(), GraphError> {
        let (Some(mean), Some(variance)) = (s.stat(0), s.stat(1)) else { return Ok(()) };
        let count: usize = dims.iter().map(|&d| s.b.shape(x)[d]).product();
        let batch_mean = s.b.mean(x, dims)?;
        let mean = self.running(s, mean, batch_mean)?;
        s.set_stat(0, mean);
        // The unbiased variance: N/(N-1) times the biased one.
        let biased = s.b.push(Op::Variance { dims: dims.to_vec() }, &[x])?;
        let scaled = s.mul_constant(biased, count as i64)?;
        let less = s.b.constant_like(count as i64 - 1, scaled)?;
        let unbiased = s.b.div(scaled, less)?;
        let variance = self.running(s, variance, unbiased)?;
        s.set_stat(1, variance);
        Ok(())
    }
}

impl Rule for BatchNorm {
    fn plan(&self, input: &[usize], _: &[Vec<usize>]) -> Result<Plan, String> {
        check_eps(&self.eps)?;
        if !(0.0..=1.0).contains(&self.momentum.to_f64()) {
            return Err("`momentum` must be between 0 and 1; 0.1 is usual".into());
        }
        let size = features(input);
        let mut plan = affine(Plan::new(input), self.affine, self.affine, size);
        plan.stats = vec![("running_mean", vec![size], 0.0), ("running_var", vec![size], 1.0)];
        Ok(plan)
    }

    fn emit(&self, s: &mut Scope, x: ValueId, _: &[ValueId]) -> Result<ValueId, GraphError> {
        let shape = s.b.shape(x).to_vec();
        let dims: Vec<usize> = (0..shape.len() - 1).collect();
        let eps = self.eps.exact().clone();
        let normal = match s.mode {
            Mode::Training => {
                let count: usize = dims.iter().map(|&d| shape[d]).product();
                if count == 1 {
                    return Err(s.fault(
                        "one value per feature has no variance; use a larger --batch, or a larger image"
                            .into(),
                    ));
                }
                self.update(s, x, &dims)?;
                s.b.push(Op::Normalize { dims, eps }, &[x])?
            }
            Mode::Evaluation => {
                let (mean, variance) = (s.required_stat(0)?, s.required_stat(1)?);
                let mean = s.trailing(mean, x)?;
                let centred = s.b.sub(x, mean)?;
                let shifted = s.add_constant(variance, eps)?;
                let scale = s.b.push(Op::Rsqrt, &[shifted])?;
                s.scale_by(centred, scale)?
            }
        };
        emit_affine(s, normal)
    }

    fn trick(&self) -> &'static str {
        "rank-1 correction"
    }
}

impl Rule for LayerNorm {
    fn plan(&self, input: &[usize], _: &[Vec<usize>]) -> Result<Plan, String> {
        check_eps(&self.eps)?;
        Ok(affine(Plan::new(input), self.affine, self.affine && self.bias, features(input)))
    }

    fn emit(&self, s: &mut Scope, x: ValueId, _: &[ValueId]) -> Result<ValueId, GraphError> {
        let dims = vec![s.b.shape(x).len() - 1];
        let normal = s.b.push(Op::Normalize { dims, eps: self.eps.exact().clone() }, &[x])?;
        emit_affine(s, normal)
    }

    fn trick(&self) -> &'static str {
        "rank-1 correction"
    }
}

impl Rule for RmsNorm {
    fn plan(&self, input: &[usize], _: &[Vec<usize>]) -> Result<Plan, String> {
        check_eps(&self.eps)?;
        Ok(affine(Plan::new(input), self.affine, false, features(input)))
    }

    fn emit(&self, s: &mut Scope, x: ValueId, _: &[ValueId]) -> Result<ValueId, GraphError> {
        let shape = s.b.shape(x).to_vec();
        let last = shape.len() - 1;
        let square = s.b.mul(x, x)?;
        let mean = s.b.mean(square, &[last])?;
        let shifted = s.add_constant(mean, self.eps.exact().clone())?;
        let scale = s.b.push(Op::Rsqrt, &[shifted])?;
        let kept: Vec<usize> = (0..last).collect();
        let scale = s.b.broadcast(scale, &shape, &kept)?;
        let normal = s.b.mul(x, scale)?;
        emit_affine(s, normal)
    }

    fn trick(&self) -> &'static str {
        "product rule, rank-1 correction"
    }
}

impl Rule for GroupNorm {
    fn plan(&self, input: &[usize], _: &[Vec<usize>]) -> Result<Plan, String> {
        check_eps(&self.eps)?;
        let [.., channels] = image(input)?;
        if self.groups == 0 || !channels.is_multiple_of(self.groups) {
            return Err(format!(
                "{channels} channels do not divide into {} groups; use a divisor of {channels}",
                self.groups
            ));
        }
        Ok(affine(Plan::new(input), self.affine, self.affine, channels))
    }

    fn emit(&self, s: &mut Scope, x: ValueId, _: &[ValueId]) -> Result<ValueId, GraphError> {
        let shape = s.b.shape(x).to_vec();
        let (positions, channels) = shape.split_at(shape.len() - 1);
        let split = [positions, &[self.groups, channels[0] / self.groups]].concat();
        let grouped = s.b.reshape(x, &split)?;
        // All positions of an example, and the features of the group.
        let dims = (1..positions.len()).chain([split.len() - 1]).collect();
        let normal = s.b.push(Op::Normalize { dims, eps: self.eps.exact().clone() }, &[grouped])?;
        let joined = s.b.reshape(normal, &shape)?;
        emit_affine(s, joined)
    }

    fn trick(&self) -> &'static str {
        "rank-1 correction"
    }
}
