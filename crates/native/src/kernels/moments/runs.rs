//! The moments of groups whose elements lie in long runs.

use super::{CHUNK, Joined, positive, scale_of};
use crate::plan::Moments;
use pulp::{Simd, WithSimd};

/// One slab, group by group.
pub(super) struct ByRuns<'a, F> {
    pub m: &'a Moments,
    pub a: &'a [f32],
    pub then: F,
}

/// What to do with a group's moments.
pub(super) trait Then {
    fn group<S: Simd>(&mut self, s: S, group: usize, joined: Joined);
}

impl<F: Then> WithSimd for ByRuns<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, s: S) {
        let Moments { groups, inner, .. } = *self.m;
        for g in 0..groups {
            let mut joined = Joined::default();
            for row in self.a.chunks_exact(groups * inner) {
                for chunk in row[g * inner..(g + 1) * inner].chunks(CHUNK) {
                    let (mean, squares) = of_run(s, chunk);
                    joined.join(chunk.len() as f64, mean, squares);
                }
            }
            self.then.group(s, g, joined);
        }
    }
}

/// The mean and the sum of squared distances from it.
#[inline(always)]
fn of_run<S: Simd>(s: S, a: &[f32]) -> (f64, f64) {
    let zero = s.splat_f32s(0.0);
    let (vectors, rest) = S::as_simd_f32s(a);
    let (blocks, singles) = pulp::as_arrays::<4, _>(vectors);
    let mut sums = [zero; 4];
    for b in blocks {
        for k in 0..4 {
            sums[k] = s.add_f32s(sums[k], b[k]);
        }
    }
    singles.iter().for_each(|&x| sums[0] = s.add_f32s(sums[0], x));
    let count = a.len() as f64;
    let mean = (total(s, sums) + rest.iter().sum::<f32>()) / a.len() as f32;
    // Distances from the mean as rounded, and what they add up to for that.
    let center = s.splat_f32s(mean);
    let (mut sums, mut squares) = ([zero; 4], [zero; 4]);
    for b in blocks {
        for k in 0..4 {
            let d = s.sub_f32s(b[k], center);
            sums[k] = s.add_f32s(sums[k], d);
            squares[k] = s.mul_add_e_f32s(d, d, squares[k]);
        }
    }
    for &x in singles {
        let d = s.sub_f32s(x, center);
        sums[0] = s.add_f32s(sums[0], d);
        squares[0] = s.mul_add_e_f32s(d, d, squares[0]);
    }
    let (mut sum, mut square) = (total(s, sums), total(s, squares));
    for d in rest.iter().map(|x| x - mean) {
        sum += d;
        square += d * d;
    }
    let (sum, square) = (f64::from(sum), f64::from(square));
    (f64::from(mean) + sum / count, positive(square - sum * (sum / count)))
}

#[inline(always)]
fn total<S: Simd>(s: S, [a, b, c, d]: [S::f32s; 4]) -> f32 {
    s.reduce_sum_f32s(s.add_f32s(s.add_f32s(a, b), s.add_f32s(c, d)))
}

pub(super) struct RunVariance<'a> {
    pub out: &'a mut [f32],
}

impl Then for RunVariance<'_> {
    #[inline(always)]
    fn group<S: Simd>(&mut self, _: S, group: usize, j: Joined) {
        self.out[group] = (j.squares / j.count) as f32;
    }
}

pub(super) struct RunNormalize<'a> {
    pub m: &'a Moments,
    pub eps: f32,
    pub a: &'a [f32],
    pub out: &'a mut [f32],
}

impl Then for RunNormalize<'_> {
    #[inline(always)]
    fn group<S: Simd>(&mut self, s: S, group: usize, j: Joined) {
        let (mean, scale) = (j.mean as f32, scale_of(j, self.eps));
        let (means, scales) = (s.splat_f32s(mean), s.splat_f32s(scale));
        let (row, own) = (self.m.lanes(), group * self.m.inner..(group + 1) * self.m.inner);
        for (a, out) in self.a.chunks_exact(row).zip(self.out.chunks_exact_mut(row)) {
            let (a, a_rest) = S::as_simd_f32s(&a[own.clone()]);
            let (out, out_rest) = S::as_mut_simd_f32s(&mut out[own.clone()]);
            for (o, &x) in out.iter_mut().zip(a) {
                *o = s.mul_f32s(s.sub_f32s(x, means), scales);
            }
            for (o, x) in out_rest.iter_mut().zip(a_rest) {
                *o = (x - mean) * scale;
            }
        }
    }
}
