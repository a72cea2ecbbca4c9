//! Variance and normalisation.
//!
//! Moments are taken of a few kilobytes at a time, in two passes while they
//! are in L1, and joined in f64 by Chan, Golub and LeVeque's formula
//! (*Updating Formulae and a Pairwise Algorithm*, 1979): one reading of
//! memory, with the accuracy of two.

mod lanes;
mod runs;

pub(super) use lanes::{partial, scale_rows, scratch, split_scale, split_variance};

use crate::plan::Moments;
use lanes::{groups, lanes, set_scale, triples};
use pulp::Arch;
use runs::{ByRuns, RunNormalize, RunVariance};

/// Elements whose moments are taken at once.
const CHUNK: usize = 4096;

/// The moments of some elements: how many, their mean, and their sum of
/// squared distances from it.
#[derive(Clone, Copy, Default)]
struct Joined {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Joined {
    #[inline(always)]
    fn join(&mut self, count: f64, mean: f64, squares: f64) {
        let (total, delta) = (self.count + count, mean - self.mean);
        self.mean += delta * (count / total);
        self.squares += squares + delta * delta * (self.count * count / total);
        self.count = total;
    }
}

fn scale_of(j: Joined, eps: f32) -> f32 {
    (1.0 / (j.squares / j.count + f64::from(eps)).sqrt()) as f32
}

/// Where rounding made a sum of squares negative, 0; a NaN passes.
#[inline(always)]
fn positive(x: f64) -> f64 {
    if x < 0.0 { 0.0 } else { x }
}

/// The variance of every group of every slab of `a`.
///
/// # Safety
/// As [`lanes`].
pub(super) unsafe fn variance(
    arch: Arch,
    m: &Moments,
    a: &[f32],
    out: &mut [f32],
    scratch: *mut f32,
) {
    let count = m.count() as f64;
    for (a, out) in a.chunks_exact(m.slab()).zip(out.chunks_exact_mut(m.groups)) {
        if m.by_lanes() {
            // SAFETY: passed on.
            let lanes = unsafe {
                partial(arch, m, a, scratch);
                lanes(m, scratch, 0)
            };
            groups(m, &lanes, m.rows as f64, |g, j| out[g] = (j.squares / count) as f32);
        } else {
            arch.dispatch(ByRuns { m, a, then: RunVariance { out } });
        }
    }
}

/// Normalises every slab of `a`.
///
/// # Safety
/// As [`lanes`].
pub(super) unsafe fn normalize(
    arch: Arch,
    m: &Moments,
    eps: f32,
    a: &[f32],
    out: &mut [f32],
    scratch: *mut f32,
) {
    for (a, out) in a.chunks_exact(m.slab()).zip(out.chunks_exact_mut(m.slab())) {
        if m.by_lanes() {
            // SAFETY: passed on.
            unsafe {
                partial(arch, m, a, scratch);
                set_scale(m, eps, &lanes(m, scratch, 0), triples(m, scratch));
                scale_rows(arch, m, a, out, scratch);
            }
        } else {
            arch.dispatch(ByRuns { m, a, then: RunNormalize { m, eps, a, out } });
        }
    }
}
