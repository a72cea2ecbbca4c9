//! The inner loop of the direct products: a tile of the result held in
//! registers.
//!
//! The `gemm` crate wants both operands as strided matrices. A convolution's
//! im2col matrix is not one, but each of its rows is a few contiguous runs of
//! the (padded) image, so a tile that reads its left operand by runs needs no
//! im2col at all. The same tile serves dense layers at batch sizes where
//! packing the weights would cost as much as multiplying by them.

use pulp::{Arch, Simd, WithSimd};

/// Steps whose left elements lie `a_step` apart, the first at `offset`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    pub offset: usize,
    pub len: usize,
}

/// `out[i, j] = Σ_t a[i·a_row + place(t)] · b[t·b_step + j]`, where `place`
/// walks the runs; or `+=`.
#[derive(Clone, Copy)]
pub(super) struct Tile<'a> {
    pub a: *const f32,
    pub a_row: usize,
    pub a_step: usize,
    pub b: *const f32,
    pub b_step: usize,
    pub runs: &'a [Run],
    pub out: *mut f32,
    pub out_row: usize,
    pub accumulate: bool,
}

/// Vector registers in a row of a tile.
pub(super) const VECTORS: usize = 2;

/// Lanes of a vector and rows of a tile on this machine; `None` where there
/// are no vectors worth it.
pub(crate) fn shape(arch: Arch) -> Option<(usize, usize)> {
    struct Shape;
    impl WithSimd for Shape {
        type Output = Option<(usize, usize)>;
        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> Self::Output {
            let rows = if S::REGISTER_COUNT >= 32 { 14 } else { 6 };
            (S::F32_LANES >= 4).then_some((S::F32_LANES, rows))
        }
    }
    arch.dispatch(Shape)
}

/// Computes a tile of `rows` (1 to 14) by `vectors` (1 or 2) vectors.
///
/// # Safety
/// Every element the formula names must be valid, and `out` disjoint from the
/// operands and not touched by others.
pub(super) unsafe fn tile(arch: Arch, rows: usize, vectors: usize, t: Tile) {
    arch.dispatch(Op { rows, vectors, t });
}

struct Op<'a> {
    rows: usize,
    vectors: usize,
    t: Tile<'a>,
}

impl WithSimd for Op<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, s: S) {
        macro_rules! by_rows {
            ($v:literal: $($m:literal)+) => {
                match self.rows {
                    // SAFETY: `tile`'s contract.
                    $($m => unsafe { fixed::<S, $m, $v>(s, self.t) },)+
                    _ => {}
                }
            };
        }
        match self.vectors {
            1 => by_rows!(1: 1 2 3 4 5 6 7 8 9 10 11 12 13 14),
            _ => by_rows!(2: 1 2 3 4 5 6 7 8 9 10 11 12 13 14),
        }
    }
}

#[inline(always)]
unsafe fn fixed<S: Simd, const M: usize, const V: usize>(s: S, t: Tile) {
    let mut sums = [[s.splat_f32s(0.0); V]; M];
    let mut b = t.b;
    // SAFETY: `tile`'s contract.
    unsafe {
        for run in t.runs {
            let mut a = t.a.add(run.offset);
            for _ in 0..run.len {
                let mut vectors = [s.splat_f32s(0.0); V];
                for (v, vector) in vectors.iter_mut().enumerate() {
                    *vector = b.add(v * S::F32_LANES).cast::<S::f32s>().read_unaligned();
                }
                for (m, sums) in sums.iter_mut().enumerate() {
                    let x = s.splat_f32s(*a.add(m * t.a_row));
                    for (sum, vector) in sums.iter_mut().zip(vectors) {
                        *sum = s.mul_add_e_f32s(x, vector, *sum);
                    }
                }
                a = a.wrapping_add(t.a_step);
                b = b.wrapping_add(t.b_step);
            }
        }
        for (m, sums) in sums.iter().enumerate() {
            for (v, &sum) in sums.iter().enumerate() {
                let out = t.out.add(m * t.out_row + v * S::F32_LANES).cast::<S::f32s>();
                let sum = match t.accumulate {
                    true => s.add_f32s(out.read_unaligned(), sum),
                    false => sum,
                };
                out.write_unaligned(sum);
            }
        }
    }
}
