//! The optimisers' constants, by name, and their ranges.

use super::Optimizer;
use cotangent_graph::Rational;

/// The constants of an optimiser by name, borrowed as it is.
macro_rules! by_name {
    ($optimizer:expr) => {
        match $optimizer {
            Optimizer::Sgd { weight_decay } => vec![("weight_decay", weight_decay)],
            Optimizer::Momentum { momentum, weight_decay }
            | Optimizer::Nesterov { momentum, weight_decay } => {
                vec![("momentum", momentum), ("weight_decay", weight_decay)]
            }
            Optimizer::RmsProp { alpha, eps, momentum, weight_decay } => vec![
                ("alpha", alpha),
                ("eps", eps),
                ("momentum", momentum),
                ("weight_decay", weight_decay),
            ],
            Optimizer::Adam { beta1, beta2, eps, weight_decay }
            | Optimizer::AdamW { beta1, beta2, eps, weight_decay }
            | Optimizer::Lamb { beta1, beta2, eps, weight_decay } => vec![
                ("beta1", beta1),
                ("beta2", beta2),
                ("eps", eps),
                ("weight_decay", weight_decay),
            ],
        }
    };
}

impl Optimizer {
    /// The constants by name, in the order they print.
    pub fn constants(&self) -> Vec<(&'static str, &Rational)> {
        by_name!(self)
    }

    fn constants_mut(&mut self) -> Vec<(&'static str, &mut Rational)> {
        by_name!(self)
    }

    /// Sets a constant by name, checking its range, of the exact value and of
    /// the f32 it is executed as: decay ≥ 0, ε > 0, and 0 ≤ μ, α, β₁, β₂ < 1. A
    /// decay or ε above 0 must not round to 0, nor a β to 1.
    ///
    /// # Errors
    /// The optimiser has no such constant, or the value is out of range.
    pub fn set(&mut self, name: &str, value: Rational) -> Result<(), String> {
        let kind = self.name();
        let slot = self.constants_mut().into_iter().find(|(n, _)| *n == name);
        let (_, slot) = slot.ok_or_else(|| format!("optimizer {kind} has no constant `{name}`"))?;
        check_range(name, range(name), &value)?;
        *slot = value;
        Ok(())
    }

    /// Checks the range of every constant.
    pub(crate) fn check(&self) -> Result<(), String> {
        self.constants().into_iter().try_for_each(|(name, x)| check_range(name, range(name), x))
    }
}

/// Where a constant must lie.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Range {
    /// At least 0.
    NotNegative,
    /// Above 0.
    Positive,
    /// At least 0 and below 1.
    Fraction,
}

fn range(name: &str) -> Range {
    match name {
        "weight_decay" => Range::NotNegative,
        "eps" => Range::Positive,
        _ => Range::Fraction,
    }
}

/// Whether `value` is in `range`, exactly and as the f32 it is executed as.
pub(crate) fn check_range(name: &str, range: Range, value: &Rational) -> Result<(), String> {
    let (zero, one) = (Rational::integer(0), Rational::integer(1));
    let rounded = value.to_f32();
    let (fits, executed, range) = match range {
        Range::NotNegative => {
            let executed = rounded.is_finite() && (rounded > 0.0 || *value == zero);
            (*value >= zero, executed, "at least 0")
        }
        Range::Positive => (*value > zero, rounded.is_finite() && rounded > 0.0, "above 0"),
        Range::Fraction => {
            (*value >= zero && *value < one, rounded < 1.0, "at least 0 and below 1")
        }
    };
    let fits_zero = range == "at least 0";
    if !fits {
        return Err(format!("{name} = {} must be {range}", brief(value)));
    }
    if rounded == 0.0 && !executed {
        let (or, least) = (if fits_zero { "0 or " } else { "" }, f32::from_bits(1));
        return Err(format!(
            "{name} = {} is executed in f32, which rounds it to {rounded:e}; give {or}at least {least:e}",
            brief(value)
        ));
    }
    if !executed {
        return Err(format!(
            "{name} = {} is executed in f32, which rounds it to {rounded:e}; it must be {range} \
             there too, and finite",
            brief(value)
        ));
    }
    Ok(())
}

/// `value` as people write it: hundreds of digits say less than an exponent.
fn brief(value: &Rational) -> String {
    let text = value.to_string();
    if text.len() <= 24 {
        return text;
    }
    let (sign, digits) = text.strip_prefix('-').map_or(("", &*text), |digits| ("-", digits));
    match value.to_f64() {
        x if x.is_finite() && x != 0.0 => format!("{x:e}"),
        // Beyond f64: digits alone, or a ratio of them.
        _ if digits.bytes().all(|b| b.is_ascii_digit()) => {
            format!("{sign}{}.{}e{}", &digits[..1], &digits[1..4], digits.len() - 1)
        }
        // 1 over a power of ten, as whoever wrote 1e-400 knows it.
        _ => match digits.strip_prefix("1/1").filter(|rest| rest.bytes().all(|b| b == b'0')) {
            Some(zeros) => format!("{sign}1e-{}", zeros.len()),
            None => format!("{}...", &text[..20]),
        },
    }
}
