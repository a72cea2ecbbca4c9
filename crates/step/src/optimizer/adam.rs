//! Adam (Kingma, Ba, 2015), the decay coupled, and AdamW (Loshchilov, Hutter,
//! 2019), the decay apart.

use super::average::{Moments, Quotient};
use super::{Inputs, Updated};
use cotangent_graph::{Builder, GraphError, Rational, ValueId};

pub(super) fn adam(
    b: &mut Builder,
    on: &Inputs,
    betas: [&Rational; 2],
    eps: &Rational,
    weight_decay: &Rational,
) -> Result<Updated, GraphError> {
    let mut moments = Moments::new(b, on, betas, eps)?;
    let mut params = Vec::with_capacity(on.params.len());
    for (&p, &g) in on.params.iter().zip(on.grads) {
        let g = on.coupled_decay(b, p, g, weight_decay)?;
        let quotient = moments.take(b, on, g)?;
        params.push(moved(b, on, p, &quotient)?);
    }
    Ok(Updated { params, state: moments.into_state() })
}

pub(super) fn adamw(
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
        let p = on.decoupled_decay(b, p, weight_decay)?;
        params.push(moved(b, on, p, &quotient)?);
    }
    Ok(Updated { params, state: moments.into_state() })
}

/// `p - η·numerator/denominator`
fn moved(
    b: &mut Builder,
    on: &Inputs,
    p: ValueId,
    quotient: &Quotient,
) -> Result<ValueId, GraphError> {
    let rate = b.splat(on.lr, p)?;
    let scaled = b.mul(rate, quotient.numerator)?;
    let change = b.div(scaled, quotient.denominator)?;
    b.sub(p, change)
}
