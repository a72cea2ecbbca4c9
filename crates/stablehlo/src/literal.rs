//! Numbers in the text: which are written as decimals, and what they store.

use crate::ast::{Element, Literal, Written};
use cotangent_graph::Rational;

/// Digits after the point of the longest decimal written.
const FRACTION_BITS: u32 = 8;

/// The largest magnitude written as a decimal (the attention mask's).
const LARGEST: i64 = 1_000_000_000;

impl Literal {
    /// How the text writes it in an `element`: a value that is `n / 2^k` with
    /// `k ≤ 8` and at most a thousand million in size as a decimal, everything
    /// else as a bit pattern, which is exact by construction.
    pub fn written(&self, element: Element) -> Written {
        match (self, element) {
            (Literal::NegInfinity, Element::F64) => Written::Pattern(f64::NEG_INFINITY.to_bits()),
            (Literal::NegInfinity, _) => Written::Pattern(u64::from(f32::NEG_INFINITY.to_bits())),
            (Literal::Finite(value), element) => match (short_dyadic(value), element) {
                (Some((numerator, bits)), _) => Written::Decimal { numerator, bits },
                (None, Element::F64) => Written::Pattern(value.to_f64().to_bits()),
                (None, _) => Written::Pattern(u64::from(value.to_f32().to_bits())),
            },
        }
    }
}

/// `(n, k)` of a value `n / 2^k` that is written as a decimal.
fn short_dyadic(value: &Rational) -> Option<(i64, u32)> {
    let ratio = value.as_ratio();
    let numerator = i64::try_from(ratio.numer()).ok()?;
    let denominator = u64::try_from(ratio.denom()).ok()?;
    let bits = denominator.trailing_zeros();
    let short = denominator.is_power_of_two()
        && bits <= FRACTION_BITS
        && numerator.unsigned_abs() <= (LARGEST as u64) << bits;
    short.then_some((numerator, bits))
}

/// The decimal of `numerator / 2^bits` in lowest terms.
pub(crate) fn decimal(numerator: i64, bits: u32) -> String {
    let size = numerator.unsigned_abs();
    let (whole, rest) = (size >> bits, size & ((1 << bits) - 1));
    let sign = if numerator < 0 { "-" } else { "" };
    // rest / 2^bits is rest · 5^bits / 10^bits: exactly `bits` digits, the last one not 0.
    let digits = bits.max(1) as usize;
    format!("{sign}{whole}.{:0digits$}", rest * 5u64.pow(bits))
}

/// What `text` stores in an `element`: a decimal is rounded to nearest, ties to
/// even; hexadecimal is the bit pattern. `None` for anything else: NaN and
/// +infinity, and -0, which no rational is.
pub(crate) fn parse(text: &str, element: Element) -> Option<Literal> {
    let value = match (text.strip_prefix("0x"), element) {
        (Some(hex), Element::F32) if is_hex(hex, 8) => {
            f64::from(f32::from_bits(u32::from_str_radix(hex, 16).ok()?))
        }
        (Some(hex), Element::F64) if is_hex(hex, 16) => {
            f64::from_bits(u64::from_str_radix(hex, 16).ok()?)
        }
        (None, Element::F32) if is_decimal(text) => finite(f64::from(text.parse::<f32>().ok()?))?,
        (None, Element::F64) if is_decimal(text) => finite(text.parse::<f64>().ok()?)?,
        _ => return None,
    };
    if value == f64::NEG_INFINITY {
        return Some(Literal::NegInfinity);
    }
    if value == 0.0 && value.is_sign_negative() {
        return None;
    }
    Rational::from_f64(value).map(Literal::Finite)
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// MLIR's float literal: digits, a point, digits, an exponent or none.
fn is_decimal(text: &str) -> bool {
    let text = text.strip_prefix('-').unwrap_or(text);
    let whole = text.bytes().take_while(u8::is_ascii_digit).count();
    whole > 0 && text.as_bytes().get(whole) == Some(&b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_decimals_are_canonical() {
        for (text, ratio) in [
            ("0.0", "0"),
            ("128.0", "128"),
            ("0.5", "1/2"),
            ("-1.25", "-5/4"),
            ("0.00390625", "1/256"),
            ("-1000000000.0", "-1000000000"),
        ] {
            let value: Rational = ratio.parse().unwrap();
            let (numerator, bits) = short_dyadic(&value).unwrap();
            assert_eq!(decimal(numerator, bits), text);
            for element in [Element::F32, Element::F64] {
                assert_eq!(parse(text, element), Some(Literal::Finite(value.clone())));
            }
        }
        for ratio in ["1/3", "1/512", "1000000001", "1e30"] {
            assert_eq!(short_dyadic(&ratio.parse().unwrap()), None, "{ratio}");
        }
    }

    #[test]
    fn decimals_round_and_patterns_are_exact() {
        let stored = Rational::from_f64(f64::from(0.9f32)).map(Literal::Finite);
        assert_eq!(parse("0.899999976", Element::F32), stored);
        assert_eq!(parse("0x3F666666", Element::F32), stored);
        assert_eq!(parse("9.000000e-01", Element::F32), stored);
        assert_eq!(parse("0xFF800000", Element::F32), Some(Literal::NegInfinity));
        assert_eq!(parse("0xFFF0000000000000", Element::F64), Some(Literal::NegInfinity));
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "",
            "1",
            "nan",
            "inf",
            "1e5",
            "-",
            ".5",
            "0x",
            "0xFF8000",
            "0x7F800000",
            "1.0x",
            "-0.0",
        ] {
            assert_eq!(parse(text, Element::F32), None, "{text}");
        }
        for text in ["0x7FC00000", "0x80000000", "0x+F800000", "1.0e99", "0x3FF0000000000000"] {
            assert_eq!(parse(text, Element::F32), None, "{text}");
        }
        assert_eq!(parse("1.0", Element::I1), None);
    }
}
