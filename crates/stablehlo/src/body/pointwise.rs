//! Functions of single elements.

use super::{Body, compare, select};
use crate::ast::{Binary, Direction, Operand, Unary};
use cotangent_graph::Rational;

/// `max(a, 0)`
pub(super) fn relu(body: &mut Body) -> Operand {
    let a = body.argument(0);
    let zero = body.constant(Rational::integer(0), a.ty.clone());
    body.binary(Binary::Maximum, &a, &zero)
}

/// `rsqrt(atan2(1, 1)) · exp(-(a·a))`. Over the reals `atan2(1, 1)` is π/4, so
/// the factor is 2/√π exactly, and no rounded constant stands for it.
pub(super) fn erf_grad(body: &mut Body) -> Operand {
    let a = body.argument(0);
    let one = body.constant(Rational::integer(1), a.ty.clone());
    let quarter = body.binary(Binary::Atan2, &one, &one);
    let slope = body.unary(Unary::Rsqrt, &quarter);
    let square = body.binary(Binary::Multiply, &a, &a);
    let minus = body.unary(Unary::Negate, &square);
    let decay = body.unary(Unary::Exponential, &minus);
    body.binary(Binary::Multiply, &slope, &decay)
}

/// `max(a, 0) + log(1 + exp(-|a|))`: the exponential is at most 1.
pub(super) fn softplus(body: &mut Body) -> Operand {
    let a = body.argument(0);
    let zero = body.constant(Rational::integer(0), a.ty.clone());
    let positive = body.binary(Binary::Maximum, &a, &zero);
    let size = body.unary(Unary::Abs, &a);
    let minus = body.unary(Unary::Negate, &size);
    let e = body.unary(Unary::Exponential, &minus);
    let rest = body.unary(Unary::LogPlusOne, &e);
    body.binary(Binary::Add, &positive, &rest)
}

/// `a` where `a > 0`, else `α·(exp(min(a, 0)) - 1)`: the branch not taken is
/// finite too.
pub(super) fn elu(body: &mut Body, alpha: &Rational) -> Operand {
    let a = body.argument(0);
    let zero = body.constant(Rational::integer(0), a.ty.clone());
    let on = compare(body, Direction::Gt, &a, &zero);
    let negative = body.binary(Binary::Minimum, &a, &zero);
    let e = body.unary(Unary::ExponentialMinusOne, &negative);
    let alpha = body.constant(alpha.clone(), a.ty.clone());
    let below = body.binary(Binary::Multiply, &alpha, &e);
    select(body, &on, &a, &below)
}

/// `min(max(a, low), high)`
pub(super) fn clamp(body: &mut Body, low: &Rational, high: &Rational) -> Operand {
    let a = body.argument(0);
    let low = body.constant(low.clone(), a.ty.clone());
    let raised = body.binary(Binary::Maximum, &a, &low);
    let high = body.constant(high.clone(), a.ty.clone());
    body.binary(Binary::Minimum, &raised, &high)
}
