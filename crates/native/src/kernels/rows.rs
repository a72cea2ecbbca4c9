//! Row-wise ops, sums over one block of dimensions.

use super::elementary;
use super::lanes::select;
use crate::plan::SPLAT;
use cotangent_graph::Contraction;
use pulp::{Arch, Simd, WithSimd};

/// Softmax over each row of `classes`.
pub(super) fn softmax(arch: Arch, a: &[f32], out: &mut [f32], classes: usize) {
    arch.dispatch(Softmax { a, out, classes });
}

struct Softmax<'a> {
    a: &'a [f32],
    out: &'a mut [f32],
    classes: usize,
}

impl WithSimd for Softmax<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, s: S) {
        let rows = self.a.chunks_exact(self.classes);
        for (row, out) in rows.zip(self.out.chunks_exact_mut(self.classes)) {
            let top = s.splat_f32s(largest(s, row));
            let mut sums = s.splat_f32s(0.0);
            for (x, o) in row.chunks(S::F32_LANES).zip(out.chunks_mut(S::F32_LANES)) {
                let e = elementary::exp(s, s.sub_f32s(load(s, x, f32::NEG_INFINITY), top));
                store(s, o, e);
                sums = s.add_f32s(sums, e);
            }
            let sum = s.splat_f32s(s.reduce_sum_f32s(sums));
            for o in out.chunks_mut(S::F32_LANES) {
                let e = load(s, o, 0.0);
                store(s, o, s.div_f32s(e, sum));
            }
        }
    }
}

/// The largest element; NaNs do not count.
#[inline(always)]
fn largest<S: Simd>(s: S, row: &[f32]) -> f32 {
    let mut top = s.splat_f32s(f32::NEG_INFINITY);
    for x in row.chunks(S::F32_LANES) {
        let x = load(s, x, f32::NEG_INFINITY);
        top = select(s, s.greater_than_f32s(x, top), x, top);
    }
    s.reduce_max_f32s(top)
}

/// A vector, or as much of one as there is and `rest` beyond.
#[inline(always)]
fn load<S: Simd>(_: S, x: &[f32], rest: f32) -> S::f32s {
    match S::as_simd_f32s(x).0.first() {
        Some(&v) => v,
        None => {
            let mut all = [rest; SPLAT];
            all[..x.len()].copy_from_slice(x);
            S::as_simd_f32s(&all).0[0]
        }
    }
}

/// As much of a vector as there is room for.
#[inline(always)]
fn store<S: Simd>(_: S, to: &mut [f32], v: S::f32s) {
    match S::as_mut_simd_f32s(to).0.first_mut() {
        Some(o) => *o = v,
        None => {
            let mut all = [0.0; SPLAT];
            S::as_mut_simd_f32s(&mut all).0[0] = v;
            to.copy_from_slice(&all[..to.len()]);
        }
    }
}

/// Softmax cross-entropy: a sum over all rows, divided by their number.
pub(super) fn cross_entropy(arch: Arch, logits: &[f32], targets: &[f32], classes: usize) -> f32 {
    arch.dispatch(CrossEntropy { logits, targets, classes })
}

struct CrossEntropy<'a> {
    logits: &'a [f32],
    targets: &'a [f32],
    classes: usize,
}

impl WithSimd for CrossEntropy<'_> {
    type Output = f32;

    #[inline(always)]
    fn with_simd<S: Simd>(self, s: S) -> f32 {
        let CrossEntropy { logits, targets, classes } = self;
        let mut loss = 0.0;
        for (z, t) in logits.chunks_exact(classes).zip(targets.chunks_exact(classes)) {
            let highest = largest(s, z);
            let top = s.splat_f32s(highest);
            let mut sums = s.splat_f32s(0.0);
            for x in z.chunks(S::F32_LANES) {
                let x = load(s, x, f32::NEG_INFINITY);
                sums = s.add_f32s(sums, elementary::exp(s, s.sub_f32s(x, top)));
            }
            let log_sum = s.splat_f32s(s.reduce_sum_f32s(sums).ln());
            let mut row = s.splat_f32s(0.0);
            for (x, t) in z.chunks(S::F32_LANES).zip(t.chunks(S::F32_LANES)) {
                // Beyond the row, 0 times something finite.
                let x = s.sub_f32s(load(s, x, highest), top);
                row = s.mul_add_e_f32s(load(s, t, 0.0), s.sub_f32s(log_sum, x), row);
            }
            loss += f64::from(s.reduce_sum_f32s(row));
        }
        (loss / (logits.len() / classes) as f64) as f32
    }
}

/// `out[o, i] = Σ_s a[o, s, i]`, with `a` starting at the first `o` wanted.
pub(super) fn sum_middle(arch: Arch, a: &[f32], out: &mut [f32], summed: usize, inner: usize) {
    arch.dispatch(SumMiddle { a, out, summed, inner });
}

struct SumMiddle<'a> {
    a: &'a [f32],
    out: &'a mut [f32],
    summed: usize,
    inner: usize,
}

impl WithSimd for SumMiddle<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, s: S) {
        let SumMiddle { a, out, summed, inner } = self;
        if inner == 1 {
            let rows = a.chunks_exact(summed).zip(out);
            rows.for_each(|(a, out)| *out = sum(s, a));
            return;
        }
        for (a, out) in a.chunks_exact(summed * inner).zip(out.chunks_exact_mut(inner)) {
            out.fill(0.0);
            let (out, out_rest) = S::as_mut_simd_f32s(out);
            for row in a.chunks_exact(inner) {
                let (row, rest) = S::as_simd_f32s(row);
                for (o, &x) in out.iter_mut().zip(row) {
                    *o = s.add_f32s(*o, x);
                }
                out_rest.iter_mut().zip(rest).for_each(|(o, x)| *o += x);
            }
        }
    }
}

/// A sum in four vectors of chains, which is fast and also more accurate than
/// one chain.
#[inline(always)]
fn sum<S: Simd>(s: S, a: &[f32]) -> f32 {
    let (vectors, rest) = S::as_simd_f32s(a);
    let (blocks, singles) = pulp::as_arrays::<4, _>(vectors);
    let mut chains = [s.splat_f32s(0.0); 4];
    for b in blocks {
        for k in 0..4 {
            chains[k] = s.add_f32s(chains[k], b[k]);
        }
    }
    singles.iter().for_each(|&x| chains[0] = s.add_f32s(chains[0], x));
    let [a, b, c, d] = chains;
    let all = s.add_f32s(s.add_f32s(a, b), s.add_f32s(c, d));
    s.reduce_sum_f32s(all) + rest.iter().sum::<f32>()
}

/// Any contraction, one point at a time.
pub(super) fn contract(
    c: &Contraction,
    operands: &[&[f32]],
    shapes: &[Vec<usize>],
    out: &mut [f32],
    out_shape: &[usize],
) {
    out.fill(0.0);
    let total: usize = c.space.iter().product();
    let coordinate = |point: usize, dim: usize| {
        let after: usize = c.space[dim + 1..].iter().product();
        (point / after % c.space[dim]) as i64
    };
    let locate = |point: usize, map: &[cotangent_graph::IndexExpr], shape: &[usize]| {
        let mut position = 0usize;
        for (e, &n) in map.iter().zip(shape) {
            let i = e.terms.iter().fold(e.offset, |i, &(d, k)| i + k * coordinate(point, d));
            if i < 0 || i >= n as i64 {
                return None;
            }
            position = position * n + i as usize;
        }
        Some(position)
    };
    for point in 0..total {
        let Some(to) = locate(point, &c.result, out_shape) else { continue };
        let mut product = 1.0;
        let mut inside = true;
        for ((a, map), shape) in operands.iter().zip(&c.operands).zip(shapes) {
            match locate(point, map, shape) {
                Some(from) => product *= a[from],
                None => inside = false,
            }
        }
        if inside {
            out[to] += product;
        }
    }
}
