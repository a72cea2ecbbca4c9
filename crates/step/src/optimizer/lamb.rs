//! LAMB: Adam's quotient and the decay, scaled to the size of the parameter.

use super::average::Moments;
use super::{Inputs, Updated};
use crate::norm::norm;
use cotangent_graph::{Builder, Comparison, GraphError, Rational, ValueId};

pub(super) fn lamb(
    b: &mut Builder,
    on: &Inputs,
    betas: [&Rational; 2],
    eps: &Rational,
    weight_decay: &Rational,
) -> Result<Updated, GraphError> {
    let mut moments = Moments::new(b, on, betas, eps)?;
    let mut params = Vec::with_capacity(on.params.len());
    for (&p, &g) in on.params.iter().zip(on.grads) {
        let quotient = moments.take(b, on, g)?;
        let r = b.div(quotient.numerator, quotient.denominator)?;
        let r = on.coupled_decay(b, p, r, weight_decay)?;
        let trust = trust_ratio(b, p, r)?;
        let rate = b.mul(on.lr, trust)?;
        let rate = b.splat(rate, p)?;
        let change = b.mul(rate, r)?;
        params.push(b.sub(p, change)?);
    }
    Ok(Updated { params, state: moments.into_state() })
}

/// `φ = ‖p‖/‖r‖` if both are positive, else 1; a scalar.
fn trust_ratio(b: &mut Builder, p: ValueId, r: ValueId) -> Result<ValueId, GraphError> {
    let (p, r) = (norm(b, &[p])?, norm(b, &[r])?);
    let zero = b.constant(0, &[])?;
    let one = b.constant(1, &[])?;
    let ratio = b.div(p, r)?;
    let positive = b.compare(Comparison::Gt, r, zero)?;
    let ratio = b.select(positive, ratio, one)?;
    let positive = b.compare(Comparison::Gt, p, zero)?;
    b.select(positive, ratio, one)
}
