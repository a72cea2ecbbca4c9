//! Matrix products, by the `gemm` crate, each on one thread.

use crate::plan::Matmul;
use gemm::Parallelism;

/// A strided matrix: first element, stride of rows, stride of columns.
#[derive(Clone, Copy)]
pub(super) struct Matrix {
    pub at: *const f32,
    pub rows: usize,
    pub columns: usize,
}

/// `out = lhs · rhs`, or `out += lhs · rhs`; `out` has unit column stride.
///
/// # Safety
/// All of `out` (`m × n`, row stride `stride`), `lhs` (`m × k`) and `rhs`
/// (`k × n`) must be valid, and `out` disjoint from both.
#[allow(clippy::too_many_arguments)]
pub(super) unsafe fn gemm(
    (m, n, k): (usize, usize, usize),
    out: *mut f32,
    stride: usize,
    lhs: Matrix,
    rhs: Matrix,
    accumulate: bool,
) {
    // SAFETY: passed on.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out,
            1,
            stride as isize,
            accumulate,
            lhs.at,
            lhs.columns as isize,
            lhs.rows as isize,
            rhs.at,
            rhs.columns as isize,
            rhs.rows as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

/// Rows `start..end` of all batches' rows, numbered through.
///
/// # Safety
/// `lhs`, `rhs` and `out` must hold what `p` describes; nobody else may touch
/// those rows of `out`.
pub(super) unsafe fn rows(
    p: &Matmul,
    lhs: *const f32,
    rhs: *const f32,
    out: *mut f32,
    start: usize,
    end: usize,
) {
    let mut row = start;
    while row < end {
        let (batch, first) = (row / p.m, row % p.m);
        let count = (p.m - first).min(end - row);
        let (l, r) = p.offsets(batch);
        // SAFETY: the offsets are those of this batch and row.
        unsafe {
            let lhs = Matrix { at: lhs.add(l + first * p.lhs.0), rows: p.lhs.0, columns: p.lhs.1 };
            let rhs = Matrix { at: rhs.add(r), rows: p.rhs.0, columns: p.rhs.1 };
            gemm((count, p.n, p.k), out.wrapping_add(row * p.n), p.n, lhs, rhs, false);
        }
        row += count;
    }
}
