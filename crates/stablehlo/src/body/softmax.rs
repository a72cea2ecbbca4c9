//! Softmax and softmax cross-entropy, shifted by the row's maximum so that no
//! exponential overflows and every row's sum is at least 1.

use super::Body;
use crate::LowerError;
use crate::ast::{Binary, Operand, Reducer, Unary};
use cotangent_graph::{Precision, Rational};

/// `e / Σ e` with `e = exp(a - max a)`, over the last dimension.
pub(super) fn softmax(body: &mut Body) -> Operand {
    let a = body.argument(0);
    let (_, e, sum) = shifted_exponentials(body, &a);
    let sum = over_last(body, &sum, &a);
    body.binary(Binary::Divide, &e, &sum)
}

/// `-(Σ t · ((z - max z) - log Σ exp(z - max z))) / B`. The division is by the
/// exact batch size.
pub(super) fn cross_entropy(body: &mut Body, precision: Precision) -> Result<Operand, LowerError> {
    let (z, t) = (body.argument(0), body.argument(1));
    let leading: usize = z.ty.shape.iter().rev().skip(1).product();
    let limit = match precision {
        Precision::F32 => 1 << 24,
        Precision::F64 => 1 << 53,
    };
    if leading > limit {
        return Err(LowerError::TooLarge {
            op: "softmax_cross_entropy",
            what: "the batch (it has to be exact as a float)",
            found: leading,
            limit,
        });
    }
    let (shifted, _, sum) = shifted_exponentials(body, &z);
    let log_sum = body.unary(Unary::Log, &sum);
    let log_sum = over_last(body, &log_sum, &z);
    let log_softmax = body.binary(Binary::Subtract, &shifted, &log_sum);
    let product = body.binary(Binary::Multiply, &t, &log_softmax);
    let all: Vec<usize> = (0..z.ty.shape.len()).collect();
    let total = body.reduce(Reducer::Add, &product, &all);
    let batch = body.constant(Rational::integer(leading as i64), total.ty.clone());
    let mean = body.binary(Binary::Divide, &total, &batch);
    Ok(body.unary(Unary::Negate, &mean))
}

/// `a - max a`, its exponential, and that one's sum over the last dimension.
fn shifted_exponentials(body: &mut Body, a: &Operand) -> (Operand, Operand, Operand) {
    let last = a.ty.shape.len() - 1;
    let max = body.reduce(Reducer::Maximum, a, &[last]);
    let max = over_last(body, &max, a);
    let shifted = body.binary(Binary::Subtract, a, &max);
    let e = body.unary(Unary::Exponential, &shifted);
    let sum = body.reduce(Reducer::Add, &e, &[last]);
    (shifted, e, sum)
}

/// One value per row, repeated along the last dimension of `like`.
fn over_last(body: &mut Body, row: &Operand, like: &Operand) -> Operand {
    let dims: Vec<usize> = (0..row.ty.shape.len()).collect();
    body.broadcast(row, &like.ty.shape, &dims)
}
