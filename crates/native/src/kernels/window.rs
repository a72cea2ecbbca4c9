//! Sums and maxima over windows, and their transposes, one outer index at a
//! time.

use super::lanes::select;
use crate::plan::Sliding;
use pulp::{Arch, Simd, WithSimd};

/// What to do with the cells of each window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// `out[window] = Σ a[cell]`
    Sum,
    /// `out[cell] += a[window]`
    Spread,
    /// `out[window] = max a[cell]`
    Max,
    /// `out[first maximal cell of a] += b[window]`
    Route,
}

/// Runs `action` for outer indices `start..end`.
///
/// # Safety
/// `a`, `b` (for [`Action::Route`]) and `out` must hold what `s` describes;
/// nobody else may touch these parts of `out`.
pub(super) unsafe fn run(
    arch: Arch,
    s: &Sliding,
    action: Action,
    [a, b]: [*const f32; 2],
    out: *mut f32,
    (start, end): (usize, usize),
) {
    let (cells, windows) = (s.cells() * s.inner, s.pixels() * s.inner);
    for n in start..end {
        // SAFETY: index `n` of each buffer.
        unsafe {
            let (a, b, out, len) = match action {
                Action::Sum | Action::Max => {
                    (a.add(n * cells), b, out.wrapping_add(n * windows), windows)
                }
                Action::Spread => (a.add(n * windows), b, out.wrapping_add(n * cells), cells),
                Action::Route => {
                    (a.add(n * cells), b.add(n * windows), out.wrapping_add(n * cells), cells)
                }
            };
            if matches!(action, Action::Spread | Action::Route) {
                std::slice::from_raw_parts_mut(out, len).fill(0.0);
            }
            arch.dispatch(Outer { s, action, a, b, out });
        }
    }
}

struct Outer<'a> {
    s: &'a Sliding,
    action: Action,
    a: *const f32,
    b: *const f32,
    out: *mut f32,
}

impl WithSimd for Outer<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let [od, oh, ow] = self.s.output;
        let mut window = 0;
        for d in 0..od {
            let d = clip(self.s, 0, d);
            for h in 0..oh {
                let h = clip(self.s, 1, h);
                for w in 0..ow {
                    let w = clip(self.s, 2, w);
                    // SAFETY: `run`'s contract; the ranges are clipped.
                    unsafe { self.window(simd, window, [d, h, w]) };
                    window += 1;
                }
            }
        }
    }
}

/// The cells of the window at `position` that lie inside, along dimension `d`.
#[inline(always)]
fn clip(s: &Sliding, d: usize, position: usize) -> (usize, usize) {
    let start = position * s.stride[d];
    let end = (start + s.size[d]).saturating_sub(s.low[d]).min(s.input[d]);
    (start.saturating_sub(s.low[d]).min(end), end)
}

impl Outer<'_> {
    #[inline(always)]
    unsafe fn window<S: Simd>(&self, simd: S, window: usize, cells: [(usize, usize); 3]) {
        let inner = self.s.inner;
        let mut f = 0;
        // SAFETY: features `f..f + lanes` of this window.
        unsafe {
            while f + S::F32_LANES <= inner {
                self.features(simd, window, cells, f);
                f += S::F32_LANES;
            }
            while f < inner {
                self.features(pulp::Scalar, window, cells, f);
                f += 1;
            }
        }
    }

    #[inline(always)]
    unsafe fn features<S: Simd>(
        &self,
        s: S,
        window: usize,
        [d, h, w]: [(usize, usize); 3],
        f: usize,
    ) {
        let inner = self.s.inner;
        // A macro, since a closure would be compiled without the vector
        // instructions it uses.
        macro_rules! each {
            ($c:ident, $visit:expr) => {
                for d in d.0..d.1 {
                    for h in h.0..h.1 {
                        let line = (d * self.s.input[1] + h) * self.s.input[2];
                        for w in w.0..w.1 {
                            let $c = (line + w) * inner + f;
                            $visit;
                        }
                    }
                }
            };
        }
        let at = window * inner + f;
        // SAFETY: `run`'s contract.
        unsafe {
            match self.action {
                Action::Sum => {
                    let mut sum = s.splat_f32s(0.0);
                    each!(c, sum = s.add_f32s(sum, load::<S>(self.a.add(c))));
                    self.out.add(at).cast::<S::f32s>().write_unaligned(sum);
                }
                Action::Spread => {
                    let x = load::<S>(self.a.add(at));
                    each!(c, {
                        let out = self.out.add(c).cast::<S::f32s>();
                        out.write_unaligned(s.add_f32s(out.read_unaligned(), x));
                    });
                }
                Action::Max => {
                    let mut best = s.splat_f32s(f32::NEG_INFINITY);
                    let mut first = true;
                    each!(c, {
                        let x = load::<S>(self.a.add(c));
                        best = if first { x } else { select(s, beats(s, x, best), x, best) };
                        first = false;
                    });
                    self.out.add(at).cast::<S::f32s>().write_unaligned(best);
                }
                Action::Route => {
                    // The position of the first maximum, counted in f32 lanes;
                    // windows have far fewer than 2^24 cells.
                    let (mut best, mut place) = (s.splat_f32s(0.0), s.splat_f32s(0.0));
                    let mut k = 0.0;
                    each!(c, {
                        let x = load::<S>(self.a.add(c));
                        if k == 0.0 {
                            best = x;
                        } else {
                            let beats = beats(s, x, best);
                            best = select(s, beats, x, best);
                            place = select(s, beats, s.splat_f32s(k), place);
                        }
                        k += 1.0;
                    });
                    let dy = load::<S>(self.b.add(at));
                    let mut k = 0.0;
                    each!(c, {
                        let out = self.out.add(c).cast::<S::f32s>();
                        let here = s.equal_f32s(place, s.splat_f32s(k));
                        let sum = s.add_f32s(out.read_unaligned(), dy);
                        out.write_unaligned(select(s, here, sum, out.read_unaligned()));
                        k += 1.0;
                    });
                }
            }
        }
    }
}

/// # Safety
/// A vector must be there.
#[inline(always)]
unsafe fn load<S: Simd>(at: *const f32) -> S::f32s {
    // SAFETY: the caller's contract.
    unsafe { at.cast::<S::f32s>().read_unaligned() }
}

/// Strictly greater; a NaN counts as greater than any number.
#[inline(always)]
fn beats<S: Simd>(s: S, x: S::f32s, best: S::f32s) -> S::m32s {
    let first_nan = s.and_m32s(s.not_m32s(s.equal_f32s(x, x)), s.equal_f32s(best, best));
    s.or_m32s(s.greater_than_f32s(x, best), first_nan)
}
