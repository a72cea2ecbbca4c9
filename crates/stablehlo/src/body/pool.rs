//! Gradients of pooling, without `select_and_scatter`.

use super::{Body, compare, select};
use crate::LowerError;
use crate::ast::{Binary, Direction, Literal, Operand, Pad, ReduceWindow, Reducer, Slice};
use cotangent_graph::{Rational, Window};

/// Most cells of a max-pool window: the gradient's body has a few instructions
/// for each of them.
pub(crate) const MOST_CELLS: usize = 1 << 14;

/// Argument: cotangent. Each cell of the input sums the cotangents of the
/// windows that hold it: the cotangent spread by the strides, summed over a
/// window of the same size.
pub(super) fn window_sum_grad(body: &mut Body, window: &Window, input: &[usize]) -> Operand {
    let cotangent = body.argument(0);
    let rank = input.len();
    let low: Vec<i64> =
        (0..rank).map(|d| window.size[d] as i64 - 1 - window.padding[d].0 as i64).collect();
    let padded: Vec<usize> = (0..rank).map(|d| input[d] + window.size[d] - 1).collect();
    let high = (0..rank)
        .map(|d| padded[d] as i64 - low[d] - spread(cotangent.ty.shape[d], window.strides[d]))
        .collect();
    let pad = Pad { low, high, interior: interior(window) };
    let spread = body.pad(&cotangent, Reducer::Add.init(), pad, &padded);
    let slide = ReduceWindow {
        size: window.size.clone(),
        strides: vec![1; rank],
        padding: vec![(0, 0); rank],
    };
    body.reduce_window(Reducer::Add, &spread, slide, cotangent.ty.with_shape(input))
}

/// Arguments: the pooled tensor, cotangent. For each cell of the window, in
/// row-major order, the slice of that cell over all windows updates a running
/// maximum and the index of the cell that holds it, by strict comparison: the
/// first maximal cell wins. Then each cell takes the cotangents of the windows
/// that chose it.
pub(super) fn max_pool_grad(body: &mut Body, window: &Window) -> Result<Operand, LowerError> {
    let (a, cotangent) = (body.argument(0), body.argument(1));
    let rank = a.ty.shape.len();
    let cells = window.size.iter().try_fold(1usize, |n, &k| n.checked_mul(k)).unwrap_or(usize::MAX);
    if cells > MOST_CELLS {
        return Err(LowerError::TooLarge {
            op: "max_pool_grad",
            what: "the number of cells in a window",
            found: cells,
            limit: MOST_CELLS,
        });
    }
    let (low, high): (Vec<usize>, Vec<usize>) = window.padding.iter().copied().unzip();
    let padded: Vec<usize> = (0..rank).map(|d| a.ty.shape[d] + low[d] + high[d]).collect();
    let spread: Vec<usize> =
        (0..rank).map(|d| spread(cotangent.ty.shape[d], window.strides[d]) as usize).collect();
    let signed = |v: &[usize]| v.iter().map(|&n| n as i64).collect::<Vec<_>>();
    let pad = Pad { low: signed(&low), high: signed(&high), interior: vec![0; rank] };
    let image = body.pad(&a, Literal::NegInfinity, pad, &padded);

    let offsets: Vec<Vec<usize>> = (0..cells).map(|cell| offset(cell, &window.size)).collect();
    let mut numbers = Vec::new();
    let mut running: Option<(Operand, Operand)> = None;
    for (cell, starts) in offsets.iter().enumerate() {
        let slice = Slice {
            starts: starts.clone(),
            limits: (0..rank).map(|d| starts[d] + spread[d]).collect(),
            strides: window.strides.clone(),
        };
        let candidate = body.slice(&image, slice);
        let number = body.constant(Rational::integer(cell as i64), candidate.ty.clone());
        numbers.push(number.clone());
        running = Some(match running {
            None => (candidate, number),
            Some((maximum, index)) => {
                let mask = compare(body, Direction::Gt, &candidate, &maximum);
                (select(body, &mask, &candidate, &maximum), select(body, &mask, &number, &index))
            }
        });
    }

    let zero = body.constant(Rational::integer(0), cotangent.ty.clone());
    let mut total: Option<Operand> = None;
    if let Some((_, index)) = running {
        for (number, starts) in numbers.iter().zip(&offsets) {
            let mask = compare(body, Direction::Eq, &index, number);
            let chosen = select(body, &mask, &cotangent, &zero);
            let pad = Pad {
                low: signed(starts),
                high: (0..rank).map(|d| (padded[d] - starts[d] - spread[d]) as i64).collect(),
                interior: interior(window),
            };
            let placed = body.pad(&chosen, Reducer::Add.init(), pad, &padded);
            total = Some(match total {
                None => placed,
                Some(sum) => body.binary(Binary::Add, &sum, &placed),
            });
        }
    }
    // A window has at least one cell, so there is a total; the zero stands for
    // the empty sum.
    let total = total.unwrap_or(zero);
    let slice = Slice {
        limits: (0..rank).map(|d| low[d] + a.ty.shape[d]).collect(),
        starts: low,
        strides: vec![1; rank],
    };
    Ok(body.slice(&total, slice))
}

/// Cells from the first to the last of `n` cells spaced `stride` apart.
fn spread(n: usize, stride: usize) -> i64 {
    (n as i64 - 1) * stride as i64 + 1
}

fn interior(window: &Window) -> Vec<usize> {
    window.strides.iter().map(|&s| s - 1).collect()
}

/// Coordinates of cell number `cell` of a box, in row-major order.
fn offset(mut cell: usize, size: &[usize]) -> Vec<usize> {
    let mut at = vec![0; size.len()];
    for d in (0..size.len()).rev() {
        at[d] = cell % size[d];
        cell /= size[d];
    }
    at
}
