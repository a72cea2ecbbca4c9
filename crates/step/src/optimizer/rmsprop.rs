//! RMSProp (`torch.optim.RMSprop`, not centred).

use super::average::{Average, root_plus};
use super::descent::pushed;
use super::{Inputs, Updated};
use cotangent_graph::{Builder, GraphError, Rational};

pub(super) fn rmsprop(
    b: &mut Builder,
    on: &Inputs,
    alpha: &Rational,
    eps: &Rational,
    momentum: &Rational,
    weight_decay: &Rational,
) -> Result<Updated, GraphError> {
    let n = on.params.len();
    let average = Average::new(b, alpha)?;
    let (mut params, mut squares, mut velocities) = (vec![], vec![], vec![]);
    for (k, (&p, &g)) in on.params.iter().zip(on.grads).enumerate() {
        let g = on.coupled_decay(b, p, g, weight_decay)?;
        let squared = b.mul(g, g)?;
        let v = average.of(b, on.state[k], squared)?;
        squares.push(v);
        let denominator = root_plus(b, v, eps)?;
        let mut direction = b.div(g, denominator)?;
        // Without momentum there is no state for it.
        if let Some(&velocity) = on.state.get(n + k) {
            direction = pushed(b, momentum, velocity, direction)?;
            velocities.push(direction);
        }
        params.push(on.descend(b, p, direction)?);
    }
    squares.extend(velocities);
    Ok(Updated { params, state: squares })
}
