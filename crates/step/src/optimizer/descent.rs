//! SGD and its two momenta (`torch.optim.SGD`, dampening 0).

use super::{Inputs, Updated};
use cotangent_graph::{Builder, GraphError, Rational, ValueId};

pub(super) fn sgd(
    b: &mut Builder,
    on: &Inputs,
    weight_decay: &Rational,
) -> Result<Updated, GraphError> {
    let mut params = Vec::with_capacity(on.params.len());
    for (&p, &g) in on.params.iter().zip(on.grads) {
        let g = on.coupled_decay(b, p, g, weight_decay)?;
        params.push(on.descend(b, p, g)?);
    }
    Ok(Updated { params, state: vec![] })
}

pub(super) fn momentum(
    b: &mut Builder,
    on: &Inputs,
    momentum: &Rational,
    weight_decay: &Rational,
) -> Result<Updated, GraphError> {
    let (mut params, mut state) = (vec![], vec![]);
    for ((&p, &g), &v) in on.params.iter().zip(on.grads).zip(on.state) {
        let g = on.coupled_decay(b, p, g, weight_decay)?;
        let v = pushed(b, momentum, v, g)?;
        state.push(v);
        params.push(on.descend(b, p, v)?);
    }
    Ok(Updated { params, state })
}

pub(super) fn nesterov(
    b: &mut Builder,
    on: &Inputs,
    momentum: &Rational,
    weight_decay: &Rational,
) -> Result<Updated, GraphError> {
    let (mut params, mut state) = (vec![], vec![]);
    for ((&p, &g), &v) in on.params.iter().zip(on.grads).zip(on.state) {
        let g = on.coupled_decay(b, p, g, weight_decay)?;
        let v = pushed(b, momentum, v, g)?;
        state.push(v);
        let ahead = pushed(b, momentum, v, g)?;
        params.push(on.descend(b, p, ahead)?);
    }
    Ok(Updated { params, state })
}

/// `μv + push`
pub(super) fn pushed(
    b: &mut Builder,
    mu: &Rational,
    v: ValueId,
    push: ValueId,
) -> Result<ValueId, GraphError> {
    let mu = b.constant_like(mu.clone(), v)?;
    let kept = b.mul(mu, v)?;
    b.add(kept, push)
}
