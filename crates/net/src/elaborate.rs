//! From a network to graph ops.

use crate::{LayerPlan, Loss, LossPart, Losses, Network};
use cotangent_graph::{Builder, GraphError, Op, Rational, ValueId};
use std::collections::HashMap;

/// Which of its two meanings a network has: batch normalisation and the random
/// masks differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Statistics of the batch; masks apply.
    Training,
    /// Running statistics; no masks.
    Evaluation,
}

/// The inputs a network reads beside its data, in the network's order.
#[derive(Debug, Clone, Copy, Default)]
pub struct Values<'a> {
    /// [`Network::params`].
    pub params: &'a [ValueId],
    /// [`Network::stats`]; may be empty in training, where they are only
    /// updated.
    pub stats: &'a [ValueId],
    /// [`Network::masks`]; not read in evaluation.
    pub masks: &'a [ValueId],
}

/// What a network's layers come to.
#[derive(Debug, Clone)]
pub struct Forward {
    /// The output, `[batch, ..output]`.
    pub logits: ValueId,
    /// The running statistics after this batch, in order; as they were where
    /// nothing updates them.
    pub stats: Vec<ValueId>,
}

impl Network {
    /// Emits the layers on the data `x`.
    ///
    /// # Errors
    /// Values missing, or a batch too small for a layer, which it names.
    pub fn forward(
        &self,
        b: &mut Builder,
        values: Values,
        x: ValueId,
        mode: Mode,
    ) -> Result<Forward, GraphError> {
        let mut named = HashMap::new();
        let params = self.params().iter().map(|p| p.name.as_str());
        let stats = self.stats().iter().map(|s| s.name.as_str());
        let masks = self.masks().iter().map(|m| m.name.as_str());
        named.extend(params.zip(values.params.iter().copied()));
        named.extend(stats.zip(values.stats.iter().copied()));
        named.extend(masks.zip(values.masks.iter().copied()));
        let mut elaboration = Elaboration { b, named, mode };
        let logits = elaboration.sequence(self.layers(), x)?;
        let after = self.stats().iter().filter_map(|s| elaboration.named.get(s.name.as_str()));
        let stats = after.copied().collect();
        Ok(Forward { logits, stats })
    }

    /// Emits the loss of `logits` against `target`, a scalar.
    pub fn loss(
        &self,
        b: &mut Builder,
        logits: ValueId,
        target: ValueId,
    ) -> Result<ValueId, GraphError> {
        let parts = match self.losses() {
            Losses::Whole(loss) => return one_loss(*loss, b, logits, target),
            Losses::Parts(parts) => parts,
        };
        let (mut sum, mut first) = (None, 0);
        for part in parts {
            let own = part_loss(part, b, first, logits, target)?;
            sum = Some(match sum {
                None => own,
                Some(sum) => b.add(sum, own)?,
            });
            first += part.features;
        }
        let missing = || GraphError::Type { op: "loss", reason: "`losses` is empty".into() };
        sum.ok_or_else(missing)
    }
}

/// The loss of the features from `first` on, times its weight.
fn part_loss(
    part: &LossPart,
    b: &mut Builder,
    first: usize,
    logits: ValueId,
    target: ValueId,
) -> Result<ValueId, GraphError> {
    let mut own = |x: ValueId| {
        let mut limits = b.shape(x).to_vec();
        let (mut starts, strides) = (vec![0; limits.len()], vec![1; limits.len()]);
        if let (Some(s), Some(l)) = (starts.last_mut(), limits.last_mut()) {
            (*s, *l) = (first, first + part.features);
        }
        // A slice even of everything, as the proofs have it.
        b.push(Op::Slice { starts, limits, strides }, &[x])
    };
    let (logits, target) = (own(logits)?, own(target)?);
    let loss = one_loss(part.kind, b, logits, target)?;
    let weight = b.constant_like(part.weight.exact().clone(), loss)?;
    b.mul(loss, weight)
}

/// The loss of all features.
fn one_loss(
    loss: Loss,
    b: &mut Builder,
    logits: ValueId,
    target: ValueId,
) -> Result<ValueId, GraphError> {
    let all: Vec<usize> = (0..b.shape(logits).len()).collect();
    match loss {
        Loss::SoftmaxCrossEntropy => b.push(Op::SoftmaxCrossEntropy, &[logits, target]),
        Loss::MeanSquaredError => {
            let difference = b.sub(logits, target)?;
            let square = b.mul(difference, difference)?;
            b.mean(square, &all)
        }
        // -t·log σ(z) - (1-t)·log(1-σ(z)) = softplus(z) - t·z
        Loss::BinaryCrossEntropyWithLogits => {
            let softplus = b.push(Op::Softplus, &[logits])?;
            let product = b.mul(target, logits)?;
            let loss = b.sub(softplus, product)?;
            b.mean(loss, &all)
        }
    }
}

struct Elaboration<'a, 'b> {
    b: &'b mut Builder,
    named: HashMap<&'a str, ValueId>,
    mode: Mode,
}

impl<'a> Elaboration<'a, '_> {
    fn sequence(&mut self, layers: &'a [LayerPlan], mut x: ValueId) -> Result<ValueId, GraphError> {
        for layer in layers {
            let mut branches = Vec::with_capacity(layer.branches.len());
            for branch in &layer.branches {
                branches.push(self.sequence(branch, x)?);
            }
            let mut scope =
                Scope { b: self.b, named: &mut self.named, plan: layer, mode: self.mode };
            x = layer.kind.rule().emit(&mut scope, x, &branches)?;
        }
        Ok(x)
    }
}

/// What a layer emits into: the graph, and the values that are its own.
pub(crate) struct Scope<'a, 'b> {
    pub b: &'b mut Builder,
    named: &'b mut HashMap<&'a str, ValueId>,
    plan: &'a LayerPlan,
    pub mode: Mode,
}

impl Scope<'_, '_> {
    fn missing(&self, what: &str) -> GraphError {
        GraphError::Type {
            op: self.plan.kind.name(),
            reason: format!("layer `{}`: {what} was not given", self.plan.name),
        }
    }

    /// What is wrong with the layer at this batch size.
    pub fn fault(&self, reason: String) -> GraphError {
        GraphError::Type {
            op: self.plan.kind.name(),
            reason: format!("layer `{}`: {reason}", self.plan.name),
        }
    }

    /// The layer's parameter number `k`.
    pub fn param(&self, k: usize) -> Result<ValueId, GraphError> {
        let name = self.plan.params.get(k).map(|p| p.name.as_str());
        let value = name.and_then(|n| self.named.get(n)).copied();
        value.ok_or_else(|| self.missing(name.unwrap_or("a parameter")))
    }

    /// The layer's parameter number `k`, if it has so many.
    pub fn optional_param(&self, k: usize) -> Result<Option<ValueId>, GraphError> {
        (k < self.plan.params.len()).then(|| self.param(k)).transpose()
    }

    /// The layer's running statistic number `k`, if statistics are at hand.
    pub fn stat(&self, k: usize) -> Option<ValueId> {
        self.plan.stats.get(k).and_then(|s| self.named.get(s.name.as_str())).copied()
    }

    /// The layer's running statistic number `k`, which has to be at hand.
    pub fn required_stat(&self, k: usize) -> Result<ValueId, GraphError> {
        self.stat(k).ok_or_else(|| self.missing("a running statistic"))
    }

    /// Replaces a running statistic.
    pub fn set_stat(&mut self, k: usize, value: ValueId) {
        let plan = self.plan;
        if let Some(s) = plan.stats.get(k) {
            self.named.insert(s.name.as_str(), value);
        }
    }

    /// The layer's random mask, `[batch, ..shape]`; `None` where it has none.
    pub fn mask(&self) -> Result<Option<ValueId>, GraphError> {
        match (&self.plan.mask, self.mode) {
            (Some(mask), Mode::Training) => {
                let value = self.named.get(mask.name.as_str()).copied();
                value.map(Some).ok_or_else(|| self.missing("its mask"))
            }
            _ => Ok(None),
        }
    }

    /// `v`, one value per element of `like`'s last dimensions, repeated.
    pub fn trailing(&mut self, v: ValueId, like: ValueId) -> Result<ValueId, GraphError> {
        let (shape, own) = (self.b.shape(like).to_vec(), self.b.shape(v).len());
        let dims: Vec<usize> = (shape.len() - own..shape.len()).collect();
        self.b.broadcast(v, &shape, &dims)
    }

    /// `x` plus a vector over its last dimensions.
    pub fn add_bias(&mut self, x: ValueId, bias: ValueId) -> Result<ValueId, GraphError> {
        let bias = self.trailing(bias, x)?;
        self.b.add(x, bias)
    }

    /// `x` times a vector over its last dimensions.
    pub fn scale_by(&mut self, x: ValueId, factor: ValueId) -> Result<ValueId, GraphError> {
        let factor = self.trailing(factor, x)?;
        self.b.mul(x, factor)
    }

    /// `x` plus a constant.
    pub fn add_constant(
        &mut self,
        x: ValueId,
        c: impl Into<Rational>,
    ) -> Result<ValueId, GraphError> {
        let c = self.b.constant_like(c, x)?;
        self.b.add(x, c)
    }

    /// `x` times a constant.
    pub fn mul_constant(
        &mut self,
        x: ValueId,
        c: impl Into<Rational>,
    ) -> Result<ValueId, GraphError> {
        let c = self.b.constant_like(c, x)?;
        self.b.mul(x, c)
    }
}
