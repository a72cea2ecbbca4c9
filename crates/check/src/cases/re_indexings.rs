//! Ops that move elements, and sums over dimensions.

use super::{Case, built, data, param, plain};
use crate::CheckError;
use cotangent_graph::Op;

pub(super) fn cases() -> Result<Vec<Case>, CheckError> {
    let broadcast = |shape: &[usize], dims: &[usize]| Op::BroadcastInDim {
        shape: shape.to_vec(),
        dims: dims.to_vec(),
    };
    let sum = |dims: &[usize]| Op::ReduceSum { dims: dims.to_vec() };
    let slice = |starts: &[usize], limits: &[usize], strides: &[usize]| Op::Slice {
        starts: starts.to_vec(),
        limits: limits.to_vec(),
        strides: strides.to_vec(),
    };
    let pad = |low: &[usize], high: &[usize], interior: &[usize]| Op::Pad {
        low: low.to_vec(),
        high: high.to_vec(),
        interior: interior.to_vec(),
    };
    let s: &[usize] = &[2, 3, 4];
    Ok(vec![
        plain("a scalar", broadcast(&[2, 3], &[]), &[param(&[])])?,
        plain("a bias", broadcast(&[2, 3, 4], &[2]), &[param(&[4])])?,
        plain("into the middle", broadcast(&[2, 3, 4], &[0, 2]), &[param(&[2, 4])])?,
        plain("everything", sum(&[0, 1, 2]), &[param(s)])?,
        plain("the middle", sum(&[1]), &[param(s)])?,
        plain("both ends", sum(&[0, 2]), &[param(s)])?,
        plain("swap", Op::Transpose { permutation: vec![1, 0] }, &[param(&[2, 3])])?,
        plain("cycle", Op::Transpose { permutation: vec![2, 0, 1] }, &[param(s)])?,
        plain("flatten", Op::Reshape { shape: vec![2, 12] }, &[param(s)])?,
        plain("the first rows", slice(&[0, 0], &[2, 3], &[1, 1]), &[param(&[4, 3])])?,
        plain("the last rows", slice(&[2, 0], &[4, 3], &[1, 1]), &[param(&[4, 3])])?,
        plain("strided", slice(&[1, 0], &[6, 5], &[2, 3]), &[param(&[7, 5])])?,
        plain("one element", slice(&[1, 2, 3], &[2, 3, 4], &[1, 1, 1]), &[param(s)])?,
        built("overlapping slices", "slice", &[param(&[5])], |b, v| {
            let (low, high) = (b.slice_in_dim(v[0], 0, 0, 4)?, b.slice_in_dim(v[0], 0, 1, 5)?);
            b.mul(low, high)
        })?,
        plain("before and after", pad(&[1, 0], &[0, 2], &[0, 0]), &[param(&[2, 3])])?,
        plain("between", pad(&[0, 0], &[0, 0], &[1, 2]), &[param(&[2, 3])])?,
        plain("everywhere", pad(&[2, 0, 1], &[1, 3, 0], &[0, 1, 2]), &[param(s)])?,
        plain("nothing", pad(&[0], &[0], &[0]), &[param(&[3])])?,
        plain("one", Op::Concatenate { dim: 0, count: 1 }, &[param(&[2, 3])])?,
        plain("rows", Op::Concatenate { dim: 0, count: 2 }, &[param(&[2, 3]), param(&[1, 3])])?,
        plain(
            "channels, three parts",
            Op::Concatenate { dim: 2, count: 3 },
            &[param(&[2, 3, 1]), param(&[2, 3, 4]), param(&[2, 3, 2])],
        )?,
        plain("with data", Op::Concatenate { dim: 1, count: 2 }, &[data(&[2, 3]), param(&[2, 2])])?,
        built("with itself", "concatenate", &[param(&[2, 3])], |b, v| {
            let square = b.mul(v[0], v[0])?;
            b.concatenate(&[v[0], square, v[0]], 0)
        })?,
    ])
}
