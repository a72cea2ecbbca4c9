//! Elementary functions of a vector, each within a few units in the last place
//! of the exact value; `tests/elementary.rs` measures them. Infinities and NaN
//! give what the mathematical limit or NaN-in, NaN-out demands.

use super::lanes::{abs, masked, neg, select, signed};
use pulp::Simd;
use std::f32::consts::{FRAC_2_SQRT_PI, LOG2_E};

/// Adding it rounds to an integer, which is then in the low bits.
const ROUND: f32 = 12_582_912.0; // 1.5 · 2²³

/// `Σ c[k] · x^(N-1-k)`
#[inline(always)]
fn polynomial<S: Simd, const N: usize>(s: S, x: S::f32s, c: [f32; N]) -> S::f32s {
    let mut sum = s.splat_f32s(c[0]);
    for &c in &c[1..] {
        sum = s.mul_add_e_f32s(sum, x, s.splat_f32s(c));
    }
    sum
}

#[inline(always)]
fn is_nan<S: Simd>(s: S, x: S::f32s) -> S::m32s {
    s.not_m32s(s.equal_f32s(x, x))
}

/// `2ⁿ` for integers -126 ≤ n ≤ 127.
#[inline(always)]
fn power<S: Simd>(s: S, n: S::f32s) -> S::f32s {
    let bits = s.transmute_u32s_f32s(s.add_f32s(n, s.splat_f32s(ROUND + 127.0)));
    s.transmute_f32s_u32s(s.wrapping_dyn_shl_u32s(bits, s.splat_u32s(23)))
}

#[inline(always)]
pub(crate) fn exp<S: Simd>(s: S, x: S::f32s) -> S::f32s {
    // Beyond these the result is 0 or infinite anyway; NaN passes.
    let (low, high) = (s.splat_f32s(-104.0), s.splat_f32s(89.0));
    let x = clamp(s, x, low, high);
    let round = s.splat_f32s(ROUND);
    let n = s.sub_f32s(s.mul_add_e_f32s(x, s.splat_f32s(LOG2_E), round), round);
    // log 2 in two parts, the first short enough that its multiples are exact.
    let r = s.mul_add_e_f32s(n, s.splat_f32s(-0.693_359_4), x);
    let r = s.mul_add_e_f32s(n, s.splat_f32s(2.121_944_4e-4), r);
    let p = polynomial(
        s,
        r,
        [1.987_569_1e-4, 1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5],
    );
    let e = s.mul_add_e_f32s(s.mul_f32s(r, r), p, s.add_f32s(r, s.splat_f32s(1.0)));
    // In two factors, since 2ⁿ itself may be out of range.
    let half = s.sub_f32s(s.mul_add_e_f32s(n, s.splat_f32s(0.5), round), round);
    let e = s.mul_f32s(s.mul_f32s(e, power(s, half)), power(s, s.sub_f32s(n, half)));
    select(s, is_nan(s, x), x, e)
}

/// `eˣ - 1` for x ≤ 0.
#[inline(always)]
fn exp_m1<S: Simd>(s: S, x: S::f32s) -> S::f32s {
    let p = polynomial(
        s,
        x,
        [
            1.0 / 362_880.0,
            1.0 / 40320.0,
            1.0 / 5040.0,
            1.0 / 720.0,
            1.0 / 120.0,
            1.0 / 24.0,
            1.0 / 6.0,
            0.5,
        ],
    );
    let near = s.mul_add_e_f32s(s.mul_f32s(x, x), p, x);
    let far = s.sub_f32s(exp(s, x), s.splat_f32s(1.0));
    select(s, s.greater_than_f32s(x, s.splat_f32s(-0.5)), near, far)
}

#[inline(always)]
pub(crate) fn tanh<S: Simd>(s: S, x: S::f32s) -> S::f32s {
    let one = s.splat_f32s(1.0);
    let a = abs(s, x);
    let square = s.mul_f32s(x, x);
    let p = polynomial(
        s,
        square,
        [-5.704_988_7e-3, 2.063_909e-2, -5.373_971e-2, 1.333_144_2e-1, -3.333_328e-1],
    );
    let near = s.mul_add_e_f32s(s.mul_f32s(p, square), x, x);
    let e = exp(s, s.add_f32s(a, a));
    let far = s.sub_f32s(one, s.div_f32s(s.splat_f32s(2.0), s.add_f32s(e, one)));
    select(s, s.less_than_f32s(a, s.splat_f32s(0.625)), near, signed(s, far, x))
}

#[inline(always)]
pub(crate) fn logistic<S: Simd>(s: S, x: S::f32s) -> S::f32s {
    let one = s.splat_f32s(1.0);
    // The exponential that does not overflow.
    let e = exp(s, neg(s, abs(s, x)));
    let numerator = select(s, s.less_than_f32s(x, s.splat_f32s(0.0)), e, one);
    s.div_f32s(numerator, s.add_f32s(one, e))
}

#[inline(always)]
pub(crate) fn softplus<S: Simd>(s: S, x: S::f32s) -> S::f32s {
    let e = exp(s, neg(s, abs(s, x)));
    // log(1 + e) = 2·artanh(e / (2 + e)), a series in at most 1/3.
    let t = s.div_f32s(e, s.add_f32s(e, s.splat_f32s(2.0)));
    let p = polynomial(
        s,
        s.mul_f32s(t, t),
        [
            1.0 / 17.0,
            1.0 / 15.0,
            1.0 / 13.0,
            1.0 / 11.0,
            1.0 / 9.0,
            1.0 / 7.0,
            1.0 / 5.0,
            1.0 / 3.0,
        ],
    );
    let (twice, square) = (s.add_f32s(t, t), s.mul_f32s(t, t));
    let log = s.mul_add_e_f32s(twice, s.mul_f32s(square, p), twice);
    s.add_f32s(relu(s, x), log)
}

/// Polynomials of N. Juffa's, fitted for less than one unit each.
#[inline(always)]
pub(crate) fn erf<S: Simd>(s: S, x: S::f32s) -> S::f32s {
    // Beyond 4 the result is 1.
    let four = s.splat_f32s(4.0);
    let a = abs(s, x);
    let t = select(s, s.greater_than_f32s(a, four), four, a);
    let square = s.mul_f32s(t, t);
    let p = polynomial(
        s,
        square,
        [
            -5.967_617e-4,
            4.991_194_2e-3,
            -2.676_813_5e-2,
            1.128_199_25e-1,
            -3.761_253_4e-1,
            1.283_791_7e-1,
        ],
    );
    let near = s.mul_add_e_f32s(p, t, t);
    let p = polynomial(
        s,
        t,
        [
            -1.728_534_7e-5,
            3.831_971_3e-4,
            -3.883_964_4e-3,
            2.425_462_2e-2,
            -1.067_778_8e-1,
            -6.348_467e-1,
            -1.287_175_1e-1,
        ],
    );
    let p = s.mul_add_e_f32s(p, t, neg(s, t));
    let far = s.sub_f32s(s.splat_f32s(1.0), exp(s, p));
    let is_far = s.greater_than_f32s(t, s.splat_f32s(0.927_734_4));
    signed(s, select(s, is_far, far, near), x)
}

#[inline(always)]
pub(crate) fn erf_grad<S: Simd>(s: S, x: S::f32s) -> S::f32s {
    // Beyond 15 the result is 0.
    let bound = s.splat_f32s(15.0);
    let a = abs(s, x);
    let a = select(s, s.greater_than_f32s(a, bound), bound, a);
    // What rounding the square leaves out, from halves that square exactly.
    let square = s.mul_f32s(a, a);
    let head = masked(s, a, 0xFFFF_F000);
    let (sum, tail) = (s.add_f32s(a, head), s.sub_f32s(a, head));
    let rest = s.mul_add_e_f32s(sum, tail, s.sub_f32s(s.mul_f32s(head, head), square));
    let e = s.mul_f32s(s.splat_f32s(FRAC_2_SQRT_PI), exp(s, neg(s, square)));
    s.mul_add_e_f32s(neg(s, e), rest, e)
}

#[inline(always)]
pub(crate) fn elu<S: Simd>(s: S, x: S::f32s, alpha: S::f32s) -> S::f32s {
    let below = s.mul_f32s(alpha, exp_m1(s, x));
    select(s, s.less_than_or_equal_f32s(x, s.splat_f32s(0.0)), below, x)
}

#[inline(always)]
pub(crate) fn relu<S: Simd>(s: S, x: S::f32s) -> S::f32s {
    // Written so that a NaN passes.
    let zero = s.splat_f32s(0.0);
    select(s, s.less_than_or_equal_f32s(x, zero), zero, x)
}

#[inline(always)]
pub(crate) fn clamp<S: Simd>(s: S, x: S::f32s, low: S::f32s, high: S::f32s) -> S::f32s {
    let x = select(s, s.less_than_f32s(x, low), low, x);
    select(s, s.greater_than_f32s(x, high), high, x)
}

/// A NaN on either side passes.
#[inline(always)]
pub(crate) fn maximum<S: Simd>(s: S, x: S::f32s, y: S::f32s) -> S::f32s {
    let first = s.or_m32s(s.greater_than_or_equal_f32s(x, y), is_nan(s, x));
    select(s, first, x, y)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pulp::{Arch, WithSimd};

    #[derive(Clone, Copy, Debug)]
    enum Function {
        Exp,
        Tanh,
        Logistic,
        Softplus,
        Erf,
        ErfGrad,
        Elu,
    }

    impl Function {
        fn exact(self, x: f64) -> f64 {
            match self {
                Function::Exp => x.exp(),
                Function::Tanh => x.tanh(),
                Function::Logistic => 1.0 / (1.0 + (-x).exp()),
                Function::Softplus => x.max(0.0) + (-x.abs()).exp().ln_1p(),
                Function::Erf => cotangent_interp::Scalar::erf(x),
                Function::ErfGrad => std::f64::consts::FRAC_2_SQRT_PI * (-x * x).exp(),
                Function::Elu => x.max(0.0) + 1.5 * x.min(0.0).exp_m1(),
            }
        }
    }

    struct Map<'a>(Function, &'a mut [f32]);

    impl WithSimd for Map<'_> {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: Simd>(self, s: S) {
            for x in S::as_mut_simd_f32s(self.1).0 {
                *x = match self.0 {
                    Function::Exp => exp(s, *x),
                    Function::Tanh => tanh(s, *x),
                    Function::Logistic => logistic(s, *x),
                    Function::Softplus => softplus(s, *x),
                    Function::Erf => erf(s, *x),
                    Function::ErfGrad => erf_grad(s, *x),
                    Function::Elu => elu(s, *x, s.splat_f32s(1.5)),
                };
            }
        }
    }

    /// The largest distance to the exact value, in units of the last place of
    /// that, over numbers of every magnitude.
    fn worst(arch: Arch, f: Function) -> (f64, f32) {
        let everywhere = (0..1 << 20).map(|k: u32| f32::from_bits(k.wrapping_mul(0xFFF_F0FB)));
        let near = (-(1 << 19)..1 << 19).map(|k| k as f32 / 4600.0);
        let x: Vec<f32> = everywhere.chain(near).filter(|x| x.is_finite()).collect();
        let x = &x[..x.len() / 16 * 16];
        let mut y = x.to_vec();
        arch.dispatch(Map(f, &mut y));
        x.iter().zip(&y).fold((0.0, 0.0), |worst, (&x, &y)| {
            let exact = f.exact(f64::from(x));
            let rounded = (exact as f32).abs();
            let unit = f64::from(rounded) - f64::from(rounded.next_down());
            let units = if y == exact as f32 {
                0.0
            } else {
                (f64::from(y) - exact).abs() / unit.max(f64::from(f32::from_bits(1)))
            };
            // A NaN is further than anything.
            if units <= worst.0 { worst } else { (units, x) }
        })
    }

    #[test]
    fn within_a_few_units() {
        let mut archs = vec![Arch::Scalar, Arch::new()];
        #[cfg(target_arch = "x86_64")]
        archs.extend(pulp::x86::V3::try_new().map(Arch::V3));
        for arch in archs {
            for (f, bound) in [
                (Function::Exp, 1.5),
                (Function::Tanh, 2.5),
                (Function::Logistic, 3.0),
                (Function::Softplus, 3.0),
                (Function::Erf, 2.0),
                (Function::ErfGrad, 3.0),
                (Function::Elu, 3.0),
            ] {
                let (units, at) = worst(arch, f);
                assert!(units <= bound, "{f:?} on {arch:?} is {units} units off at {at:e}");
            }
        }
    }
}
