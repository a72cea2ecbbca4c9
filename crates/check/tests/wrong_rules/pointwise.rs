//! Functions of single elements.

use super::{Mutation, negated, with};
use cotangent_graph::{Builder, Comparison, Op};
use cotangent_vjp::{Application, Cotangents, VjpError, rule};

/// The rectifier's rule with `direction` in its mask and the branches in
/// `order`.
fn relu_mask(
    b: &mut Builder,
    a: &Application,
    direction: Comparison,
    swapped: bool,
) -> Result<Cotangents, VjpError> {
    let zero = b.constant_like(0, a.operands[0])?;
    let on = b.compare(direction, a.operands[0], zero)?;
    let (then, otherwise) = if swapped { (zero, a.cotangent) } else { (a.cotangent, zero) };
    Ok(vec![Some(b.select(on, then, otherwise)?)])
}

/// Wrong rules of functions of single elements.
pub(super) fn wrong() -> Vec<Mutation> {
    vec![
        wrong!("add", "left sign", Op::Add => |b, a| negated(b, a, 0)),
        wrong!("add", "right dropped", Op::Add => |_b, a| Ok(vec![Some(a.cotangent), None])),
        wrong!("subtract", "sign not flipped", Op::Sub => |b, a| negated(b, a, 1)),
        wrong!("multiply", "operands kept", Op::Mul => |b, a| {
            let one = b.mul(a.cotangent, a.operands[0])?;
            let other = b.mul(a.cotangent, a.operands[1])?;
            Ok(vec![Some(one), Some(other)])
        }),
        wrong!("multiply", "one path forgotten", Op::Mul => |b, a| {
            let mut all = rule(b, a)?;
            all[1] = None;
            Ok(all)
        }),
        wrong!("divide", "sign of the denominator", Op::Div => |b, a| negated(b, a, 1)),
        wrong!("divide", "denominator not squared", Op::Div => |b, a| {
            with(b, a, 1, |b, _| {
                let scaled = b.mul(a.cotangent, a.result)?;
                Ok(b.push(Op::Neg, &[scaled])?)
            })
        }),
        wrong!("negate", "sign dropped", Op::Neg => |b, a| negated(b, a, 0)),
        wrong!("exponential", "argument for result", Op::Exp => |b, a| {
            Ok(vec![Some(b.mul(a.cotangent, a.operands[0])?)])
        }),
        wrong!("log", "times for divided by", Op::Log => |b, a| {
            Ok(vec![Some(b.mul(a.cotangent, a.operands[0])?)])
        }),
        wrong!("sqrt", "half dropped", Op::Sqrt => |b, a| {
            Ok(vec![Some(b.div(a.cotangent, a.result)?)])
        }),
        wrong!("relu", "mask negated", Op::Relu => |b, a| {
            relu_mask(b, a, Comparison::Gt, true)
        }),
        wrong!("relu", "mask >=", Op::Relu => |b, a| relu_mask(b, a, Comparison::Ge, false)),
        wrong!("relu", "no mask", Op::Relu => |_b, a| Ok(vec![Some(a.cotangent)])),
        wrong!("select", "branches exchanged", Op::Select => |b, a| {
            let right = rule(b, a)?;
            Ok(vec![None, right[2], right[1]])
        }),
        wrong!("select", "both branches", Op::Select => |_b, a| {
            Ok(vec![None, Some(a.cotangent), Some(a.cotangent)])
        }),
        wrong!("rsqrt", "half dropped", Op::Rsqrt => |b, a| {
            let scaled = b.mul(a.cotangent, a.result)?;
            let quotient = b.div(scaled, a.operands[0])?;
            Ok(vec![Some(b.push(Op::Neg, &[quotient])?)])
        }),
        wrong!("rsqrt", "sign", Op::Rsqrt => |b, a| negated(b, a, 0)),
        wrong!("tanh", "not squared", Op::Tanh => |b, a| {
            let one = b.constant_like(1, a.result)?;
            let slope = b.sub(one, a.result)?;
            Ok(vec![Some(b.mul(a.cotangent, slope)?)])
        }),
        wrong!("logistic", "one factor", Op::Logistic => |b, a| {
            Ok(vec![Some(b.mul(a.cotangent, a.result)?)])
        }),
        wrong!("erf", "2/√π dropped", Op::Erf => |b, a| {
            let square = b.mul(a.operands[0], a.operands[0])?;
            let minus = b.push(Op::Neg, &[square])?;
            let e = b.push(Op::Exp, &[minus])?;
            Ok(vec![Some(b.mul(a.cotangent, e)?)])
        }),
        wrong!("erf_grad", "2 dropped", Op::ErfGrad => |b, a| {
            let slope = b.mul(a.operands[0], a.result)?;
            let slope = b.push(Op::Neg, &[slope])?;
            Ok(vec![Some(b.mul(a.cotangent, slope)?)])
        }),
        wrong!("erf_grad", "sign", Op::ErfGrad => |b, a| negated(b, a, 0)),
        wrong!("softplus", "of -a", Op::Softplus => |b, a| {
            let minus = b.push(Op::Neg, &[a.operands[0]])?;
            let slope = b.push(Op::Logistic, &[minus])?;
            Ok(vec![Some(b.mul(a.cotangent, slope)?)])
        }),
        wrong!("elu", "α dropped", Op::Elu { .. } => |b, a| {
            let zero = b.constant_like(0, a.operands[0])?;
            let on = b.compare(Comparison::Gt, a.operands[0], zero)?;
            let e = b.push(Op::Exp, &[a.operands[0]])?;
            let below = b.mul(a.cotangent, e)?;
            Ok(vec![Some(b.select(on, a.cotangent, below)?)])
        }),
        wrong!("elu", "result for slope", Op::Elu { .. } => |b, a| {
            let zero = b.constant_like(0, a.operands[0])?;
            let on = b.compare(Comparison::Gt, a.operands[0], zero)?;
            let below = b.mul(a.cotangent, a.result)?;
            Ok(vec![Some(b.select(on, a.cotangent, below)?)])
        }),
        wrong!("elu", "mask >=", Op::Elu { .. } => |b, a| {
            let zero = b.constant_like(0, a.operands[0])?;
            let on = b.compare(Comparison::Ge, a.operands[0], zero)?;
            with(b, a, 0, |b, right| Ok(b.select(on, a.cotangent, right)?))
        }),
        wrong!("clamp", "mask >= below", Op::Clamp { low, .. } => |b, a| {
            let low = b.constant_like(low.clone(), a.operands[0])?;
            let at = b.compare(Comparison::Eq, a.operands[0], low)?;
            with(b, a, 0, |b, right| Ok(b.select(at, a.cotangent, right)?))
        }),
        wrong!("clamp", "mask >= above", Op::Clamp { high, .. } => |b, a| {
            let high = b.constant_like(high.clone(), a.operands[0])?;
            let at = b.compare(Comparison::Eq, a.operands[0], high)?;
            with(b, a, 0, |b, right| Ok(b.select(at, a.cotangent, right)?))
        }),
        wrong!("clamp", "upper bound forgotten", Op::Clamp { low, .. } => |b, a| {
            let zero = b.constant_like(0, a.operands[0])?;
            let low = b.constant_like(low.clone(), a.operands[0])?;
            let above = b.compare(Comparison::Gt, a.operands[0], low)?;
            Ok(vec![Some(b.select(above, a.cotangent, zero)?)])
        }),
        wrong!("clamp", "lower bound forgotten", Op::Clamp { high, .. } => |b, a| {
            let zero = b.constant_like(0, a.operands[0])?;
            let high = b.constant_like(high.clone(), a.operands[0])?;
            let below = b.compare(Comparison::Gt, high, a.operands[0])?;
            Ok(vec![Some(b.select(below, a.cotangent, zero)?)])
        }),
        wrong!("abs", "1 at 0", Op::Abs => |b, a| {
            let zero = b.constant_like(0, a.operands[0])?;
            let on = b.compare(Comparison::Ge, a.operands[0], zero)?;
            with(b, a, 0, |b, right| Ok(b.select(on, a.cotangent, right)?))
        }),
        wrong!("abs", "sign dropped", Op::Abs => |_b, a| Ok(vec![Some(a.cotangent)])),
        wrong!("maximum", "ties to the left", Op::Maximum => |b, a| {
            let zero = b.constant_like(0, a.cotangent)?;
            let left = b.compare(Comparison::Ge, a.operands[0], a.operands[1])?;
            let one = b.select(left, a.cotangent, zero)?;
            let other = b.select(left, zero, a.cotangent)?;
            Ok(vec![Some(one), Some(other)])
        }),
        wrong!("maximum", "ties to both", Op::Maximum => |b, a| {
            let zero = b.constant_like(0, a.cotangent)?;
            let left = b.compare(Comparison::Ge, a.operands[0], a.operands[1])?;
            let right = b.compare(Comparison::Ge, a.operands[1], a.operands[0])?;
            let one = b.select(left, a.cotangent, zero)?;
            let other = b.select(right, a.cotangent, zero)?;
            Ok(vec![Some(one), Some(other)])
        }),
        wrong!("maximum", "the lesser", Op::Maximum => |b, a| {
            let right = rule(b, a)?;
            Ok(vec![right[1], right[0]])
        }),
    ]
}
