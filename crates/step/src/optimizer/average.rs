//! Moving averages, and Adam's two moments with their bias correction.

use super::Inputs;
use cotangent_graph::{Builder, GraphError, Op, Rational, ValueId};

/// A moving average `β·old + (1-β)·new`.
pub(crate) struct Average {
    beta: Rational,
    /// 1, β and `1 - β`, scalars.
    one: ValueId,
    scalar: ValueId,
    complement: ValueId,
}

impl Average {
    pub fn new(b: &mut Builder, beta: &Rational) -> Result<Self, GraphError> {
        let one = b.constant(1, &[])?;
        let scalar = b.constant(beta.clone(), &[])?;
        let complement = b.sub(one, scalar)?;
        Ok(Average { beta: beta.clone(), one, scalar, complement })
    }

    /// `β·old + (1-β)·new`
    pub fn of(&self, b: &mut Builder, old: ValueId, new: ValueId) -> Result<ValueId, GraphError> {
        let beta = b.constant_like(self.beta.clone(), old)?;
        let kept = b.mul(beta, old)?;
        let complement = b.splat(self.complement, new)?;
        let added = b.mul(complement, new)?;
        b.add(kept, added)
    }
}

/// A moving average that started from 0 and is corrected for it.
struct Moment {
    average: Average,
    /// `βᵗ`, a scalar: the state carries `βᵗ⁻¹`.
    power: ValueId,
    /// `1 - βᵗ`, a scalar.
    correction: ValueId,
}

impl Moment {
    fn new(b: &mut Builder, beta: &Rational, previous_power: ValueId) -> Result<Self, GraphError> {
        let average = Average::new(b, beta)?;
        let power = b.mul(previous_power, average.scalar)?;
        let correction = b.sub(average.one, power)?;
        Ok(Moment { average, power, correction })
    }

    /// `average / (1 - βᵗ)`
    fn corrected(&self, b: &mut Builder, average: ValueId) -> Result<ValueId, GraphError> {
        let correction = b.splat(self.correction, average)?;
        b.div(average, correction)
    }
}

/// The first and second moments of the gradients, as Adam keeps them; the
/// state is `m` of every parameter, `v` of every parameter, β₁ᵗ, β₂ᵗ.
pub(super) struct Moments<'a> {
    first: Moment,
    second: Moment,
    eps: &'a Rational,
    /// New values, for [`Moments::into_state`].
    m: Vec<ValueId>,
    v: Vec<ValueId>,
}

/// One parameter's quotient `numerator / denominator`,
/// `m̂ / (√v̂ + ε)`.
pub(super) struct Quotient {
    pub numerator: ValueId,
    pub denominator: ValueId,
}

impl<'a> Moments<'a> {
    pub fn new(
        b: &mut Builder,
        on: &Inputs,
        betas: [&Rational; 2],
        eps: &'a Rational,
    ) -> Result<Self, GraphError> {
        let n = on.params.len();
        let first = Moment::new(b, betas[0], on.state[2 * n])?;
        let second = Moment::new(b, betas[1], on.state[2 * n + 1])?;
        Ok(Moments { first, second, eps, m: Vec::with_capacity(n), v: Vec::with_capacity(n) })
    }

    /// Takes in the gradient `g` of the next parameter.
    pub fn take(
        &mut self,
        b: &mut Builder,
        on: &Inputs,
        g: ValueId,
    ) -> Result<Quotient, GraphError> {
        let (k, n) = (self.m.len(), on.params.len());
        let m = self.first.average.of(b, on.state[k], g)?;
        let squared = b.mul(g, g)?;
        let v = self.second.average.of(b, on.state[n + k], squared)?;
        let numerator = self.first.corrected(b, m)?;
        let v_hat = self.second.corrected(b, v)?;
        let denominator = root_plus(b, v_hat, self.eps)?;
        self.m.push(m);
        self.v.push(v);
        Ok(Quotient { numerator, denominator })
    }

    /// The new state, once every parameter's gradient is in.
    pub fn into_state(self) -> Vec<ValueId> {
        let mut state = self.m;
        state.extend(self.v);
        state.extend([self.first.power, self.second.power]);
        state
    }
}

/// `√v + ε`
pub(super) fn root_plus(
    b: &mut Builder,
    v: ValueId,
    eps: &Rational,
) -> Result<ValueId, GraphError> {
    let root = b.push(Op::Sqrt, &[v])?;
    let eps = b.constant_like(eps.clone(), root)?;
    b.add(root, eps)
}
