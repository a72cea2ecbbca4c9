//! Pointwise functions by formulas that neither overflow nor cancel.

use super::Body;
use crate::ast::{Binary, Direction, Element, Operand, Operation, Unary};
use cotangent_graph::Rational;

/// `2/√π · exp(-a²)`. The factor is `rsqrt(atan2(1, 1))`, since `atan 1 = π/4`:
/// exact over the reals, which no constant would be.
pub(super) fn erf_grad(body: &mut Body) -> Operand {
    let a = body.argument(0);
    let one = body.constant(Rational::integer(1), a.ty.with_shape([]));
    let quarter = body.binary(Binary::Atan2, &one, &one);
    let factor = body.unary(Unary::Rsqrt, &quarter);
    let factor = body.broadcast(&factor, &a.ty.shape, &[]);
    let square = body.binary(Binary::Multiply, &a, &a);
    let negative = body.unary(Unary::Negate, &square);
    let bell = body.unary(Unary::Exponential, &negative);
    body.binary(Binary::Multiply, &factor, &bell)
}

/// `max(a, 0) + log(1 + exp(-|a|))`
pub(super) fn softplus(body: &mut Body) -> Operand {
    let a = body.argument(0);
    let zero = body.constant(Rational::integer(0), a.ty.clone());
    let positive = body.binary(Binary::Maximum, &a, &zero);
    let magnitude = body.unary(Unary::Abs, &a);
    let negative = body.unary(Unary::Negate, &magnitude);
    let e = body.unary(Unary::Exponential, &negative);
    let rest = body.unary(Unary::LogPlusOne, &e);
    body.binary(Binary::Add, &positive, &rest)
}

/// `a` where `a > 0`, else `α·(exp(min(a, 0)) - 1)`
pub(super) fn elu(body: &mut Body, alpha: Rational) -> Operand {
    let a = body.argument(0);
    let zero = body.constant(Rational::integer(0), a.ty.clone());
    let mut pred = a.ty.clone();
    pred.element = Element::I1;
    let on = body.push(Operation::Compare(Direction::Gt), &[&a, &zero], pred);
    let negative = body.binary(Binary::Minimum, &a, &zero);
    let e = body.unary(Unary::ExponentialMinusOne, &negative);
    let alpha = body.constant(alpha, a.ty.clone());
    let below = body.binary(Binary::Multiply, &alpha, &e);
    body.push(Operation::Select, &[&on, &a, &below], a.ty.clone())
}

/// `min(max(a, low), high)`
pub(super) fn clamp(body: &mut Body, low: Rational, high: Rational) -> Operand {
    let a = body.argument(0);
    let low = body.constant(low, a.ty.clone());
    let raised = body.binary(Binary::Maximum, &a, &low);
    let high = body.constant(high, a.ty.clone());
    body.binary(Binary::Minimum, &raised, &high)
}
