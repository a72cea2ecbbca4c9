//! Mean and biased variance over some dimensions. Sums are divided by the
//! exact number of elements.

use super::Body;
use crate::ast::{Binary, Operand, Reducer, Unary};
use cotangent_graph::Rational;

/// The mean of the squares of `a - mean a`.
pub(super) fn variance(body: &mut Body, dims: &[usize]) -> Operand {
    centred(body, dims).1
}

/// `(a - mean a) · rsqrt(variance a + ε)`
pub(super) fn normalize(body: &mut Body, dims: &[usize], eps: &Rational) -> Operand {
    let (centred, variance) = centred(body, dims);
    let eps = body.constant(eps.clone(), variance.ty.clone());
    let shifted = body.binary(Binary::Add, &variance, &eps);
    let scale = body.unary(Unary::Rsqrt, &shifted);
    let scale = over(body, &scale, dims, &centred);
    body.binary(Binary::Multiply, &centred, &scale)
}

/// `a - mean a`, and the mean of its squares.
fn centred(body: &mut Body, dims: &[usize]) -> (Operand, Operand) {
    let a = body.argument(0);
    let count: usize = dims.iter().map(|&d| a.ty.shape[d]).product();
    let sum = body.reduce(Reducer::Add, &a, dims);
    let count = body.constant(Rational::integer(count as i64), sum.ty.clone());
    let mean = body.binary(Binary::Divide, &sum, &count);
    let mean = over(body, &mean, dims, &a);
    let centred = body.binary(Binary::Subtract, &a, &mean);
    let square = body.binary(Binary::Multiply, &centred, &centred);
    let sum = body.reduce(Reducer::Add, &square, dims);
    let variance = body.binary(Binary::Divide, &sum, &count);
    (centred, variance)
}

/// `a`, one value per group, repeated along `dims` to the shape of `like`.
fn over(body: &mut Body, a: &Operand, dims: &[usize], like: &Operand) -> Operand {
    let kept: Vec<usize> = (0..like.ty.shape.len()).filter(|d| !dims.contains(d)).collect();
    body.broadcast(a, &like.ty.shape, &kept)
}
