//! Depthwise convolutions: vectors run along channels, sums stay in registers.

use crate::plan::{Conv, Depthwise};
use pulp::{Arch, Simd, WithSimd};

/// Vectors of channels summed at once.
const VECTORS: usize = 4;

/// Images `start..end` of the result.
///
/// # Safety
/// Buffers hold what `d` describes; nobody else may touch these images of
/// `out`.
pub(super) unsafe fn gather(
    arch: Arch,
    d: &Depthwise,
    [from, kernel]: [*const f32; 2],
    out: *mut f32,
    (start, end): (usize, usize),
) {
    let cells = |of: [usize; 3]| of.iter().product::<usize>() * d.channels;
    for n in start..end {
        // SAFETY: image `n` of each buffer.
        unsafe {
            let from = from.add(n * cells(d.from));
            arch.dispatch(Gather { d, from, kernel, out: out.wrapping_add(n * cells(d.to)) });
        }
    }
}

struct Gather<'a> {
    d: &'a Depthwise,
    from: *const f32,
    kernel: *const f32,
    out: *mut f32,
}

/// Along each dimension, the pairs of tap and source of one position.
type Pairs<'a> = [&'a [(usize, usize)]; 3];

impl WithSimd for Gather<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, s: S) {
        let d = self.d;
        let mut out = self.out;
        for z in 0..d.to[0] {
            for y in 0..d.to[1] {
                for x in 0..d.to[2] {
                    let pairs = [d.reach[0].of(z), d.reach[1].of(y), d.reach[2].of(x)];
                    // SAFETY: `gather`'s contract; `out` is this position.
                    unsafe {
                        let c = self.channels::<S, VECTORS>(s, pairs, out, 0);
                        let c = self.channels::<S, 1>(s, pairs, out, c);
                        self.channels::<pulp::Scalar, 1>(pulp::Scalar, pairs, out, c);
                    }
                    out = out.wrapping_add(d.channels);
                }
            }
        }
    }
}

impl Gather<'_> {
    /// One position, from channel `c` on, as many as fill `N` vectors at a
    /// time; the channel after the last done.
    #[inline(always)]
    unsafe fn channels<S: Simd, const N: usize>(
        &self,
        s: S,
        [planes, lines, columns]: Pairs,
        out: *mut f32,
        mut c: usize,
    ) -> usize {
        let d = self.d;
        while c + N * S::F32_LANES <= d.channels {
            let mut sums = [s.splat_f32s(0.0); N];
            for &(tz, z) in planes {
                for &(ty, y) in lines {
                    let line = (z * d.from[1] + y) * d.from[2];
                    let row = (tz * d.size[1] + ty) * d.size[2];
                    for &(tx, x) in columns {
                        // SAFETY: sources lie in the image, taps in the kernel.
                        unsafe {
                            let a = self.from.add((line + x) * d.channels + c);
                            let k = self.kernel.add((row + tx) * d.channels + c);
                            multiply_add::<S, N>(s, &mut sums, a, k);
                        }
                    }
                }
            }
            // SAFETY: channels of this position.
            unsafe { out.add(c).cast::<[S::f32s; N]>().write_unaligned(sums) };
            c += N * S::F32_LANES;
        }
        c
    }
}

/// Adds the transpose in the kernel, over images `start..end`, to `out`.
///
/// # Safety
/// As [`gather`], but nobody else may touch `out`.
pub(super) unsafe fn kernel_grad(
    arch: Arch,
    c: &Conv,
    [images, cotangent]: [*const f32; 2],
    out: *mut f32,
    (start, end): (usize, usize),
) {
    let s = &c.slide;
    for n in start..end {
        // SAFETY: image `n` of each buffer.
        unsafe {
            let image = images.add(n * s.cells() * s.inner);
            let cotangent = cotangent.add(n * s.pixels() * s.inner);
            arch.dispatch(KernelGrad { c, image, cotangent, out });
        }
    }
}

struct KernelGrad<'a> {
    c: &'a Conv,
    image: *const f32,
    cotangent: *const f32,
    out: *mut f32,
}

impl WithSimd for KernelGrad<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, s: S) {
        let [planes, lines, _] = self.c.slide.output;
        for z in 0..planes {
            for y in 0..lines {
                // SAFETY: `kernel_grad`'s contract.
                unsafe {
                    let f = self.channels::<S, VECTORS>(s, z, y, 0);
                    let f = self.channels::<S, 1>(s, z, y, f);
                    self.channels::<pulp::Scalar, 1>(pulp::Scalar, z, y, f);
                }
            }
        }
    }
}

impl KernelGrad<'_> {
    /// What one line of the cotangent adds, from channel `f` on, as many as
    /// fill `N` vectors at a time; the channel after the last done.
    #[inline(always)]
    unsafe fn channels<S: Simd, const N: usize>(
        &self,
        s: S,
        z: usize,
        y: usize,
        mut f: usize,
    ) -> usize {
        let slide = &self.c.slide;
        let (channels, step) = (slide.inner, slide.stride[2]);
        let inside = |d: usize, position: usize, tap: usize| {
            let cell = position * slide.stride[d] + tap * slide.dilation[d];
            cell.checked_sub(slide.low[d]).filter(|&i| i < slide.input[d])
        };
        while f + N * S::F32_LANES <= channels {
            for tz in 0..slide.size[0] {
                let Some(cz) = inside(0, z, tz) else { continue };
                for ty in 0..slide.size[1] {
                    let Some(cy) = inside(1, y, ty) else { continue };
                    let line = (cz * slide.input[1] + cy) * slide.input[2];
                    for tx in 0..slide.size[2] {
                        // Positions x with 0 ≤ x·step + reach - low < input.
                        let reach = tx * slide.dilation[2];
                        let first = slide.low[2].saturating_sub(reach).div_ceil(step);
                        let room = (slide.input[2] + slide.low[2]).saturating_sub(reach);
                        let last = room.div_ceil(step).min(slide.output[2]);
                        if first >= last {
                            continue;
                        }
                        let cell = line + first * step + reach - slide.low[2];
                        let tap = (tz * slide.size[1] + ty) * slide.size[2] + tx;
                        let pixel = (z * slide.output[1] + y) * slide.output[2] + first;
                        // SAFETY: cells, taps and pixels are in range.
                        unsafe {
                            let to = self.out.add(tap * channels + f).cast::<[S::f32s; N]>();
                            let mut sums = to.read_unaligned();
                            for k in 0..last - first {
                                let a = self.image.add((cell + k * step) * channels + f);
                                let dy = self.cotangent.add((pixel + k) * channels + f);
                                multiply_add::<S, N>(s, &mut sums, a, dy);
                            }
                            to.write_unaligned(sums);
                        }
                    }
                }
            }
            f += N * S::F32_LANES;
        }
        f
    }
}

/// `sums += a · b`
#[inline(always)]
unsafe fn multiply_add<S: Simd, const N: usize>(
    s: S,
    sums: &mut [S::f32s; N],
    a: *const f32,
    b: *const f32,
) {
    // SAFETY: the caller's contract.
    let (a, b) = unsafe {
        (a.cast::<[S::f32s; N]>().read_unaligned(), b.cast::<[S::f32s; N]>().read_unaligned())
    };
    for k in 0..N {
        sums[k] = s.mul_add_e_f32s(a[k], b[k], sums[k]);
    }
}
