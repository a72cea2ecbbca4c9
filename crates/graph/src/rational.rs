//! Exact constants and their one rounding.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{Signed, ToPrimitive, Zero};
use std::fmt;
use std::str::FromStr;

/// The floating-point format a graph is printed or executed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Precision {
    /// IEEE 754 binary32.
    F32,
    /// IEEE 754 binary64.
    F64,
}

/// An exact rational constant. It is rounded to nearest, ties to even, once,
/// when a precision is chosen; see `SEMANTICS.md`, "Numbers".
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Rational(BigRational);

impl Rational {
    /// `numerator / denominator`; `None` if the denominator is zero.
    pub fn new(numerator: i64, denominator: i64) -> Option<Self> {
        (denominator != 0).then(|| Rational(BigRational::new(numerator.into(), denominator.into())))
    }

    /// The integer `n`.
    pub fn integer(n: i64) -> Self {
        Rational(BigRational::from_integer(BigInt::from(n)))
    }

    /// The exact dyadic number that `x` stores; `None` for NaN and infinities.
    pub fn from_f64(x: f64) -> Option<Self> {
        BigRational::from_float(x).map(Rational)
    }

    /// The nearest f64 (ties to even).
    pub fn to_f64(&self) -> f64 {
        let guess = self.0.to_f64().unwrap_or(f64::NAN);
        nearest(
            &self.0,
            [guess.next_down(), guess, guess.next_up()],
            |x| x,
            |x| x.to_bits() & 1 == 0,
        )
    }

    /// The nearest f32 (ties to even), rounded once from the exact value.
    pub fn to_f32(&self) -> f32 {
        let guess = self.0.to_f64().unwrap_or(f64::NAN) as f32;
        nearest(&self.0, [guess.next_down(), guess, guess.next_up()], f64::from, |x| {
            x.to_bits() & 1 == 0
        })
    }

    /// The value stored at `precision`, as an exact rational again; `None` if
    /// it overflows to infinity there.
    pub fn rounded(&self, precision: Precision) -> Option<Self> {
        match precision {
            Precision::F32 => Self::from_f64(f64::from(self.to_f32())),
            Precision::F64 => Self::from_f64(self.to_f64()),
        }
    }

    /// Numerator over denominator in lowest terms, the denominator positive.
    pub fn as_ratio(&self) -> &BigRational {
        &self.0
    }
}

/// Picks the candidate nearest to `exact`, the even one on a tie.
fn nearest<T: Copy>(
    exact: &BigRational,
    candidates: [T; 3],
    widen: impl Fn(T) -> f64,
    is_even: impl Fn(T) -> bool,
) -> T {
    let mut best: Option<(BigRational, T)> = None;
    for c in candidates {
        let Some(value) = BigRational::from_float(widen(c)) else { continue };
        let distance = (value - exact).abs();
        let better = match &best {
            None => true,
            Some((d, _)) => distance < *d || (distance == *d && is_even(c)),
        };
        if better {
            best = Some((distance, c));
        }
    }
    // All three are non-finite only if the middle one already is an infinity.
    match best {
        Some((_, c)) if widen(candidates[1]).is_finite() => c,
        _ => candidates[1],
    }
}

impl FromStr for Rational {
    type Err = String;

    /// Parses a decimal (`-1.5e-8`) or a ratio of integers (`1/3`), exactly.
    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("`{text}` is not a decimal number or a ratio such as 1/3");
        if let Some((n, d)) = text.split_once('/') {
            let n = BigInt::from_str(n.trim()).map_err(|_| bad())?;
            let d = BigInt::from_str(d.trim()).map_err(|_| bad())?;
            return if d.is_zero() { Err(bad()) } else { Ok(Rational(BigRational::new(n, d))) };
        }
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((m, e)) => (m, e.parse::<i32>().map_err(|_| bad())?),
            None => (text, 0),
        };
        if exponent.unsigned_abs() > 400 {
            return Err(format!("the exponent of `{text}` is outside -400..400"));
        }
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        if !fraction.bytes().all(|b| b.is_ascii_digit()) {
            return Err(bad());
        }
        let digits = BigInt::from_str(&format!("{whole}{fraction}")).map_err(|_| bad())?;
        let scale = exponent - i32::try_from(fraction.len()).map_err(|_| bad())?;
        let ten = BigRational::from_integer(BigInt::from(10));
        Ok(Rational(BigRational::from_integer(digits) * ten.pow(scale)))
    }
}

impl From<i64> for Rational {
    fn from(n: i64) -> Self {
        Rational::integer(n)
    }
}

impl fmt::Display for Rational {
    /// The decimal where one of at most 18 places is exact (`0.9`, `1e-8`),
    /// else the ratio (`1/3`). Parsing gives the same number back.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ten = BigRational::from_integer(BigInt::from(10));
        let mut scaled = self.0.clone();
        let places = (0..=18).find(|_| {
            let done = scaled.is_integer();
            if !done {
                scaled *= &ten;
            }
            done
        });
        let digits = scaled.to_integer();
        match places {
            Some(0) => write!(f, "{digits}"),
            Some(k) if k <= 4 => {
                let sign = if digits.is_negative() { "-" } else { "" };
                let digits = format!("{:0>width$}", digits.abs().to_string(), width = k + 1);
                let (whole, fraction) = digits.split_at(digits.len() - k);
                write!(f, "{sign}{whole}.{fraction}")
            }
            Some(k) => write!(f, "{digits}e-{k}"),
            None => write!(f, "{}", self.0),
        }
    }
}

impl fmt::Debug for Rational {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact() {
        assert_eq!("0.9".parse::<Rational>(), Ok(Rational::new(9, 10).unwrap()));
        assert_eq!("-1.25e2".parse::<Rational>(), Ok(Rational::integer(-125)));
        assert_eq!("1/3".parse::<Rational>(), Ok(Rational::new(1, 3).unwrap()));
        for bad in ["", "x", "1/0", "1e999", "1.-5", "."] {
            assert!(bad.parse::<Rational>().is_err(), "{bad}");
        }
    }

    #[test]
    fn text_reads_back() {
        for text in ["0.9", "-0.125", "1e-8", "-15e-7", "1/3", "-7", "0", "0.0001", "12.5"] {
            let x: Rational = text.parse().unwrap();
            assert_eq!(x.to_string(), text);
        }
    }

    #[test]
    fn rounding_is_the_standard_one() {
        for text in ["0.9", "0.999", "1e-8", "0.1", "3.4028235e38", "1e-45", "16777217"] {
            let exact: Rational = text.parse().unwrap();
            assert_eq!(exact.to_f32(), text.parse::<f32>().unwrap(), "{text}");
            assert_eq!(exact.to_f64(), text.parse::<f64>().unwrap(), "{text}");
        }
    }

    #[test]
    fn f32_is_rounded_once() {
        // 1 + 2^-24 + 2^-60 is above the tie, so it rounds up; going through
        // f64 first would lose the last term and round to even, down.
        let two = BigRational::from_integer(BigInt::from(2));
        let x = BigRational::from_integer(1.into()) + two.clone().pow(-24) + two.pow(-60);
        assert_eq!(Rational(x).to_f32(), 1.0f32.next_up());
    }

    #[test]
    fn overflow_has_no_rounded_value() {
        assert_eq!("1e39".parse::<Rational>().unwrap().rounded(Precision::F32), None);
    }
}
