//! Maximum over windows.

use crate::{InterpError, Scalar, Tensor};
use cotangent_graph::{Op, TensorType, Window};

/// For each window of `a`, in row-major order of the result, the position in
/// `a` of its first maximal cell: the running maximum moves on only when a
/// later cell is strictly greater. A NaN counts as greater than any number, so
/// the first NaN of a window is its maximum.
///
/// An error if the window does not fit `a`.
pub fn first_maximal_cells<T: Scalar>(
    window: &Window,
    a: &Tensor<T>,
) -> Result<Vec<usize>, InterpError> {
    let result = Op::MaxPool(window.clone()).infer(&[&TensorType::real(a.shape())])?;
    Ok(cells(window, a, &result.shape))
}

/// [`first_maximal_cells`] for a window that is known to fit.
fn cells<T: Scalar>(window: &Window, a: &Tensor<T>, result_shape: &[usize]) -> Vec<usize> {
    let mut cells = Vec::with_capacity(result_shape.iter().product());
    for_each_index(result_shape, |at| {
        // Per dimension, the cells of this window that lie inside `a`.
        let ranges: Vec<(usize, usize)> = (0..at.len())
            .map(|d| {
                let start = at[d] * window.strides[d];
                let low = window.padding[d].0;
                let end = (start + window.size[d]).saturating_sub(low).min(a.shape()[d]);
                (start.saturating_sub(low), end)
            })
            .collect();
        let sizes: Vec<usize> = ranges.iter().map(|(s, e)| e.saturating_sub(*s)).collect();
        let mut best: Option<usize> = None;
        for_each_index(&sizes, |offset| {
            let cell = (0..at.len()).fold(0, |p, d| p * a.shape()[d] + ranges[d].0 + offset[d]);
            let value = a.data()[cell];
            let beats = best.is_none_or(|b| {
                let best = a.data()[b];
                value > best || (value.is_nan() && !best.is_nan())
            });
            if beats {
                best = Some(cell);
            }
        });
        cells.extend(best);
    });
    cells
}

pub(crate) fn max_pool<T: Scalar>(
    window: &Window,
    a: &Tensor<T>,
    result_shape: &[usize],
) -> Tensor<T> {
    let cells = cells(window, a, result_shape);
    Tensor::of_len(result_shape, cells.into_iter().map(|c| a.data()[c]).collect())
}

pub(crate) fn max_pool_grad<T: Scalar>(
    window: &Window,
    a: &Tensor<T>,
    cotangent: &Tensor<T>,
) -> Tensor<T> {
    let mut out = vec![T::zero(); a.data().len()];
    let cells = cells(window, a, cotangent.shape());
    for (cell, &dy) in cells.into_iter().zip(cotangent.data()) {
        out[cell] += dy;
    }
    Tensor::of_len(a.shape(), out)
}

/// Calls `f` with every index of a box, in row-major order.
fn for_each_index(shape: &[usize], mut f: impl FnMut(&[usize])) {
    if shape.contains(&0) {
        return;
    }
    let mut at = vec![0; shape.len()];
    loop {
        f(&at);
        let Some(d) = (0..shape.len()).rfind(|&d| at[d] + 1 < shape[d]) else { return };
        at[d] += 1;
        at[d + 1..].fill(0);
    }
}
