//! Selections and signs of vectors.
//!
//! `pulp` has them as default methods that are not always inlined. Such a
//! method is compiled without the vector instructions it would use, and LLVM
//! then cannot inline it where they are allowed: every vector becomes two
//! calls. These are made of methods that are always inlined.

use pulp::Simd;

#[inline(always)]
fn bits<S: Simd>(s: S, x: S::f32s) -> S::u32s {
    s.transmute_u32s_f32s(x)
}

/// `x` where the mask holds, else `y`.
#[inline(always)]
pub(super) fn select<S: Simd>(s: S, mask: S::m32s, x: S::f32s, y: S::f32s) -> S::f32s {
    s.transmute_f32s_u32s(s.select_u32s(mask, bits(s, x), bits(s, y)))
}

/// The bits of `x` that `mask` has too.
#[inline(always)]
pub(super) fn masked<S: Simd>(s: S, x: S::f32s, mask: u32) -> S::f32s {
    s.transmute_f32s_u32s(s.and_u32s(bits(s, x), s.splat_u32s(mask)))
}

#[inline(always)]
pub(super) fn abs<S: Simd>(s: S, x: S::f32s) -> S::f32s {
    masked(s, x, 0x7FFF_FFFF)
}

#[inline(always)]
pub(super) fn neg<S: Simd>(s: S, x: S::f32s) -> S::f32s {
    s.transmute_f32s_u32s(s.xor_u32s(bits(s, x), s.splat_u32s(0x8000_0000)))
}

/// `x` with the sign of `of`, for `x` that has none.
#[inline(always)]
pub(super) fn signed<S: Simd>(s: S, x: S::f32s, of: S::f32s) -> S::f32s {
    let sign = s.and_u32s(bits(s, of), s.splat_u32s(0x8000_0000));
    s.transmute_f32s_u32s(s.or_u32s(bits(s, x), sign))
}
