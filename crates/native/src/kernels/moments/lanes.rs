//! The moments of every element of a row, over the rows; groups join theirs.

use super::{CHUNK, Joined, positive, scale_of};
use crate::plan::Moments;
use pulp::{Arch, Simd, WithSimd};

/// What a part knows of every lane: an element of a row is a lane.
pub(super) struct Lanes<'a> {
    pub(super) mean: &'a mut [f64],
    pub(super) squares: &'a mut [f64],
}

/// Elements of one array of lanes in scratch.
fn lane_array(m: &Moments) -> usize {
    m.lanes().next_multiple_of(16)
}

/// Scratch elements of a part.
pub(in crate::kernels) fn scratch(m: &Moments) -> usize {
    // Its own sums and the joined ones, both in f64; then three arrays in f32.
    if m.by_lanes() { lane_array(m).saturating_mul(11) } else { 0 }
}

/// The part's sums (0) or the joined ones (1).
///
/// # Safety
/// `scratch` holds [`scratch`] elements, starts on a cache line, and nobody
/// else writes to them meanwhile.
pub(super) unsafe fn lanes<'a>(m: &Moments, scratch: *mut f32, which: usize) -> Lanes<'a> {
    let (len, at) = (m.lanes(), scratch.wrapping_add(which * 4 * lane_array(m)));
    // SAFETY: the caller's contract.
    unsafe {
        Lanes {
            mean: std::slice::from_raw_parts_mut(at.cast(), len),
            squares: std::slice::from_raw_parts_mut(at.add(2 * lane_array(m)).cast(), len),
        }
    }
}

/// Three f32 for each lane.
///
/// # Safety
/// As [`lanes`].
pub(super) unsafe fn triples<'a>(m: &Moments, scratch: *mut f32) -> [&'a mut [f32]; 3] {
    let at = scratch.wrapping_add(8 * lane_array(m));
    // SAFETY: the caller's contract.
    unsafe {
        [
            std::slice::from_raw_parts_mut(at, m.lanes()),
            std::slice::from_raw_parts_mut(at.add(lane_array(m)), m.lanes()),
            std::slice::from_raw_parts_mut(at.add(2 * lane_array(m)), m.lanes()),
        ]
    }
}

/// The sums of every lane over the rows of `a`, left in the part's scratch.
///
/// # Safety
/// As [`lanes`].
pub(in crate::kernels) unsafe fn partial(arch: Arch, m: &Moments, a: &[f32], scratch: *mut f32) {
    // SAFETY: passed on.
    let (lanes, chunk) = unsafe { (lanes(m, scratch, 0), triples(m, scratch)) };
    arch.dispatch(SumLanes { a, lanes, chunk });
}

struct SumLanes<'a> {
    a: &'a [f32],
    lanes: Lanes<'a>,
    /// The mean of each lane of a chunk, the sum of distances from it (which
    /// rounding leaves) and of squared distances.
    chunk: [&'a mut [f32]; 3],
}

impl WithSimd for SumLanes<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, s: S) {
        let SumLanes { a, lanes: Lanes { mean, squares }, chunk: [means, rests, sums] } = self;
        let len = mean.len();
        let rows = (CHUNK / len).clamp(8, 64);
        mean.fill(0.0);
        squares.fill(0.0);
        let mut seen = 0.0;
        for chunk in a.chunks(rows * len) {
            let count = (chunk.len() / len) as f64;
            let mut at = 0;
            at = lanes_of_chunk::<S, 4>(
                s,
                chunk,
                [&mut means[..], &mut rests[..], &mut sums[..]],
                at,
            );
            at = lanes_of_chunk::<S, 1>(
                s,
                chunk,
                [&mut means[..], &mut rests[..], &mut sums[..]],
                at,
            );
            lanes_of_chunk::<pulp::Scalar, 1>(
                pulp::Scalar,
                chunk,
                [&mut means[..], &mut rests[..], &mut sums[..]],
                at,
            );
            let (share, weight) = (count / (seen + count), seen * count / (seen + count));
            let lanes = mean.iter_mut().zip(squares.iter_mut());
            let found = means.iter().zip(rests.iter()).zip(sums.iter());
            for ((mean, squares), ((&m, &r), &q)) in lanes.zip(found) {
                let (r, q) = (f64::from(r), f64::from(q));
                let rest = r / count;
                let delta = f64::from(m) + rest - *mean;
                *mean += delta * share;
                *squares += positive(q - r * rest) + delta * delta * weight;
            }
            seen += count;
        }
    }
}

/// Means and sums of distances and of squared ones of lanes `at..`, as many as fill `N`
/// vectors at a time; the lane after the last done.
#[inline(always)]
fn lanes_of_chunk<S: Simd, const N: usize>(
    s: S,
    chunk: &[f32],
    [means, rests, sums]: [&mut [f32]; 3],
    mut at: usize,
) -> usize {
    let (len, width) = (means.len(), N * S::F32_LANES);
    let rows = (chunk.len() / len) as f32;
    while at + width <= len {
        let mut sum = [s.splat_f32s(0.0); N];
        for row in chunk.chunks_exact(len) {
            let row = S::as_simd_f32s(&row[at..at + width]).0;
            for k in 0..N {
                sum[k] = s.add_f32s(sum[k], row[k]);
            }
        }
        let (mut rest, mut square) = ([s.splat_f32s(0.0); N], [s.splat_f32s(0.0); N]);
        let rows = s.splat_f32s(rows);
        let mean = sum.map(|x| s.div_f32s(x, rows));
        for row in chunk.chunks_exact(len) {
            let row = S::as_simd_f32s(&row[at..at + width]).0;
            for k in 0..N {
                let d = s.sub_f32s(row[k], mean[k]);
                rest[k] = s.add_f32s(rest[k], d);
                square[k] = s.mul_add_e_f32s(d, d, square[k]);
            }
        }
        S::as_mut_simd_f32s(&mut rests[at..at + width]).0.copy_from_slice(&rest);
        S::as_mut_simd_f32s(&mut means[at..at + width]).0.copy_from_slice(&mean);
        S::as_mut_simd_f32s(&mut sums[at..at + width]).0.copy_from_slice(&square);
        at += width;
    }
    at
}

/// The moments of each group, from lanes that each saw `rows` rows.
pub(super) fn groups(m: &Moments, lanes: &Lanes, rows: f64, mut f: impl FnMut(usize, Joined)) {
    let each = lanes.mean.chunks_exact(m.inner).zip(lanes.squares.chunks_exact(m.inner));
    for (g, (means, squares)) in each.enumerate() {
        let mut all = Joined::default();
        means.iter().zip(squares).for_each(|(&mean, &squares)| all.join(rows, mean, squares));
        f(g, all);
    }
}

/// Joins the parts' sums into this part's scratch.
///
/// # Safety
/// `scratch(part)` is the scratch [`partial`] used for each part's share of
/// the rows, and `own` one of them.
unsafe fn join<'a>(
    m: &Moments,
    scratch: &impl Fn(usize) -> *mut f32,
    rows: impl Iterator<Item = usize>,
    own: *mut f32,
) -> Lanes<'a> {
    // SAFETY: the caller's contract.
    unsafe {
        let all = lanes(m, own, 1);
        all.mean.fill(0.0);
        all.squares.fill(0.0);
        let mut seen = 0.0;
        for (part, rows) in rows.enumerate() {
            let (rows, one) = (rows as f64, lanes(m, scratch(part), 0));
            for k in 0..m.lanes() {
                let mut both = Joined { count: seen, mean: all.mean[k], squares: all.squares[k] };
                both.join(rows, one.mean[k], one.squares[k]);
                (all.mean[k], all.squares[k]) = (both.mean, both.squares);
            }
            seen += rows;
        }
        all
    }
}

/// The variance of every group, from the sums of parts that saw `rows` each.
///
/// # Safety
/// As [`join`].
pub(in crate::kernels) unsafe fn split_variance(
    m: &Moments,
    out: &mut [f32],
    scratch: impl Fn(usize) -> *mut f32,
    rows: impl Iterator<Item = usize>,
    own: *mut f32,
) {
    // SAFETY: passed on.
    let all = unsafe { join(m, &scratch, rows, own) };
    let count = m.count() as f64;
    groups(m, &all, m.rows as f64, |g, j| out[g] = (j.squares / count) as f32);
}

/// Prepares [`scale_rows`] from the sums of parts that saw `rows` each.
///
/// # Safety
/// As [`join`].
pub(in crate::kernels) unsafe fn split_scale(
    m: &Moments,
    eps: f32,
    scratch: impl Fn(usize) -> *mut f32,
    rows: impl Iterator<Item = usize>,
    own: *mut f32,
) {
    // SAFETY: passed on.
    unsafe {
        let all = join(m, &scratch, rows, own);
        set_scale(m, eps, &all, triples(m, own));
    }
}

pub(super) fn set_scale(m: &Moments, eps: f32, lanes: &Lanes, [mean, scale, _]: [&mut [f32]; 3]) {
    groups(m, lanes, m.rows as f64, |g, j| {
        let own = g * m.inner..(g + 1) * m.inner;
        mean[own.clone()].fill(j.mean as f32);
        scale[own].fill(scale_of(j, eps));
    });
}

/// Normalises rows by what [`split_scale`] left in `scratch`.
///
/// # Safety
/// As [`lanes`].
pub(in crate::kernels) unsafe fn scale_rows(
    arch: Arch,
    m: &Moments,
    a: &[f32],
    out: &mut [f32],
    scratch: *mut f32,
) {
    // SAFETY: passed on.
    let [mean, scale, _] = unsafe { triples(m, scratch) };
    arch.dispatch(ScaleRows { a, out, mean, scale });
}

struct ScaleRows<'a> {
    a: &'a [f32],
    out: &'a mut [f32],
    mean: &'a [f32],
    scale: &'a [f32],
}

impl WithSimd for ScaleRows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, s: S) {
        let len = self.mean.len();
        let (mean, mean_rest) = S::as_simd_f32s(self.mean);
        let (scale, scale_rest) = S::as_simd_f32s(self.scale);
        for (a, out) in self.a.chunks_exact(len).zip(self.out.chunks_exact_mut(len)) {
            let (a, a_rest) = S::as_simd_f32s(a);
            let (out, out_rest) = S::as_mut_simd_f32s(out);
            for k in 0..out.len() {
                out[k] = s.mul_f32s(s.sub_f32s(a[k], mean[k]), scale[k]);
            }
            for k in 0..out_rest.len() {
                out_rest[k] = (a_rest[k] - mean_rest[k]) * scale_rest[k];
            }
        }
    }
}
