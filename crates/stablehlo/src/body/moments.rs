//! Variance and normalisation, in two passes: the mean first, then the squares
//! of what is left.

use super::Body;
use crate::ast::{Binary, Operand, Reducer, Unary};
use cotangent_graph::Rational;

/// The mean over `dims` of the squared deviations from the mean.
pub(super) fn variance(body: &mut Body, dims: &[usize]) -> Operand {
    deviations(body, dims).1
}

/// The deviations from the mean times `1/√(variance + ε)`.
pub(super) fn normalize(body: &mut Body, dims: &[usize], eps: Rational) -> Operand {
    let (centred, variance) = deviations(body, dims);
    let eps = body.constant(eps, variance.ty.clone());
    let shifted = body.binary(Binary::Add, &variance, &eps);
    let scale = body.unary(Unary::Rsqrt, &shifted);
    let scale = body.broadcast(&scale, &centred.ty.shape, &kept(dims, centred.ty.shape.len()));
    body.binary(Binary::Multiply, &centred, &scale)
}

/// The argument less its mean over `dims`, and its variance there. The shape
/// rule holds the number of elements averaged to what f32 stores exactly.
fn deviations(body: &mut Body, dims: &[usize]) -> (Operand, Operand) {
    let a = body.argument(0);
    let shape = a.ty.shape.clone();
    let count: usize = dims.iter().map(|&d| shape[d]).product();
    let sum = body.reduce(Reducer::Add, &a, dims);
    let count = body.constant(Rational::integer(count as i64), sum.ty.clone());
    let mean = body.binary(Binary::Divide, &sum, &count);
    let mean = body.broadcast(&mean, &shape, &kept(dims, shape.len()));
    let centred = body.binary(Binary::Subtract, &a, &mean);
    let square = body.binary(Binary::Multiply, &centred, &centred);
    let sum = body.reduce(Reducer::Add, &square, dims);
    let variance = body.binary(Binary::Divide, &sum, &count);
    (centred, variance)
}

fn kept(dims: &[usize], rank: usize) -> Vec<usize> {
    (0..rank).filter(|d| !dims.contains(d)).collect()
}
