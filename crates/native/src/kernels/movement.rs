//! Copies: strided, among zeros, one after the other.

use crate::plan::{Padding, Strided};

/// Rows `start..` of the result, as many as `out` holds; `a` starts at the
/// first element read.
pub(super) fn strided(a: &[f32], out: &mut [f32], s: &Strided, start: usize) {
    let (columns, last) = (s.columns(), s.shape.len() - 1);
    let step = s.strides[last];
    for (k, out) in out.chunks_exact_mut(columns).enumerate() {
        let mut rest = start + k;
        let mut base = 0;
        for (&n, &stride) in s.shape[..last].iter().zip(&s.strides).rev() {
            base += rest % n * stride;
            rest /= n;
        }
        match step {
            0 => out.fill(a[base]),
            1 => out.copy_from_slice(&a[base..base + columns]),
            _ => out.iter_mut().enumerate().for_each(|(i, o)| *o = a[base + i * step]),
        }
    }
}

/// Rows `start..` of the result, as many as `out` holds.
pub(super) fn pad(a: &[f32], out: &mut [f32], p: &Padding, start: usize) {
    let last = p.result.len() - 1;
    let (columns, low, step) = (p.operand[last], p.low[last], p.step[last]);
    for (k, out) in out.chunks_exact_mut(p.columns()).enumerate() {
        let mut rest = start + k;
        let (mut from, mut scale) = (Some(0), columns);
        for d in (0..last).rev() {
            let at = (rest % p.result[d]).checked_sub(p.low[d]);
            let cell = at.filter(|i| i % p.step[d] == 0).map(|i| i / p.step[d]);
            let cell = cell.filter(|&i| i < p.operand[d]);
            from = from.zip(cell).map(|(f, i)| f + i * scale);
            scale *= p.operand[d];
            rest /= p.result[d];
        }
        let Some(from) = from else {
            out.fill(0.0);
            continue;
        };
        let row = &a[from..from + columns];
        if step == 1 {
            out[..low].fill(0.0);
            out[low..low + columns].copy_from_slice(row);
            out[low + columns..].fill(0.0);
        } else {
            out.fill(0.0);
            out[low..].iter_mut().step_by(step).zip(row).for_each(|(o, x)| *o = *x);
        }
    }
}

/// Rows of `run` elements, each to the same place in a row of `out`.
pub(super) fn interleave(a: &[f32], out: &mut [f32], run: usize, len: usize, place: usize) {
    for (from, to) in a.chunks_exact(run).zip(out.chunks_exact_mut(len)) {
        to[place..place + run].copy_from_slice(from);
    }
}
