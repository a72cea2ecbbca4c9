//! Optimisers as text.

use super::Optimizer;
use cotangent_graph::Rational;
use std::fmt;
use std::str::FromStr;

/// `name` or `name(key=value,…)`, taken apart.
pub(crate) struct Call<'a> {
    pub name: &'a str,
    /// What is between the parentheses, at the commas; trimmed, none empty.
    pub arguments: Vec<&'a str>,
}

impl<'a> Call<'a> {
    pub fn parse(text: &'a str) -> Result<Self, String> {
        let (name, inner) = match text.split_once('(') {
            None => (text, ""),
            Some((name, rest)) => {
                let inner = rest
                    .strip_suffix(')')
                    .ok_or_else(|| format!("`{text}` lacks its closing `)`"))?;
                (name, inner)
            }
        };
        let arguments = inner.split(',').map(str::trim).filter(|a| !a.is_empty()).collect();
        Ok(Call { name, arguments })
    }

    /// The arguments as keys and values; a key is given once.
    pub fn pairs(&self) -> Result<Vec<(&'a str, &'a str)>, String> {
        let mut pairs: Vec<(&str, &str)> = Vec::new();
        for argument in &self.arguments {
            let (key, value) = argument
                .split_once('=')
                .ok_or_else(|| format!("`{argument}` is not of the form constant=value"))?;
            let (key, value) = (key.trim(), value.trim());
            if pairs.iter().any(|(k, _)| *k == key) {
                let (name, all) = (self.name, self.arguments.join(","));
                return Err(format!("`{name}({all})` gives {key} twice"));
            }
            pairs.push((key, value));
        }
        Ok(pairs)
    }
}

impl Optimizer {
    /// The optimiser with default constants: PyTorch's, with momentum 0.9
    /// where it is in the name; for LAMB those of its paper.
    fn default_of(name: &str) -> Option<Self> {
        let ratio = |n: i64, d: i64| Rational::new(n, d).unwrap_or_else(|| Rational::integer(0));
        let zero = || Rational::integer(0);
        let (beta1, beta2) = (ratio(9, 10), ratio(999, 1000));
        let (eps, decay) = (ratio(1, 100_000_000), ratio(1, 100));
        Some(match name {
            "sgd" => Optimizer::Sgd { weight_decay: zero() },
            "momentum" => Optimizer::Momentum { momentum: ratio(9, 10), weight_decay: zero() },
            "nesterov" => Optimizer::Nesterov { momentum: ratio(9, 10), weight_decay: zero() },
            "adam" => Optimizer::Adam { beta1, beta2, eps, weight_decay: zero() },
            "adamw" => Optimizer::AdamW { beta1, beta2, eps, weight_decay: decay },
            "rmsprop" => Optimizer::RmsProp {
                alpha: ratio(99, 100),
                eps,
                momentum: zero(),
                weight_decay: zero(),
            },
            "lamb" => {
                Optimizer::Lamb { beta1, beta2, eps: ratio(1, 1_000_000), weight_decay: decay }
            }
            _ => return None,
        })
    }
}

impl fmt::Display for Optimizer {
    /// `adamw(beta1=0.9,beta2=0.999,eps=1e-8,weight_decay=0.01)`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let constants: Vec<String> =
            self.constants().iter().map(|(name, value)| format!("{name}={value}")).collect();
        write!(f, "{}({})", self.name(), constants.join(","))
    }
}

impl FromStr for Optimizer {
    type Err = String;

    /// A name, or a name with constants: `adamw`, `momentum(momentum=0.95)`.
    /// What is not given is PyTorch's default, with momentum 0.9.
    fn from_str(text: &str) -> Result<Self, String> {
        let call = Call::parse(text)?;
        let mut optimizer = Self::default_of(call.name).ok_or_else(|| {
            format!(
                "unknown optimizer `{}`; the optimizers are {}",
                call.name,
                Self::NAMES.join(", ")
            )
        })?;
        for (key, value) in call.pairs()? {
            optimizer.set(key, value.parse()?)?;
        }
        Ok(optimizer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        let error = text.parse::<Optimizer>().unwrap_err();
        assert!(error.len() < 160, "{error}");
        error
    }

    #[test]
    fn ranges_hold_for_the_f32_that_is_executed() {
        for (text, part) in [
            (
                "adamw(beta1=0.99999999999)",
                "beta1 = 99999999999e-11 is executed in f32, which rounds it to 1e0",
            ),
            ("adamw(beta2=0.99999999)", "rounds it to 1e0"),
            ("momentum(momentum=0.999999999)", "rounds it to 1e0"),
            ("rmsprop(alpha=0.999999999)", "rounds it to 1e0"),
            ("adamw(eps=1e-60)", "eps = 1e-60 is executed in f32, which rounds it to 0e0"),
            ("sgd(weight_decay=1e-60)", "weight_decay = 1e-60"),
            ("sgd(weight_decay=1e300)", "weight_decay = 1e300"),
            ("sgd(weight_decay=1e400)", "weight_decay = 1.000e400"),
            ("sgd(weight_decay=-1e400)", "weight_decay = -1.000e400 must be at least 0"),
            ("sgd(weight_decay=1e-400)", "weight_decay = 1e-400"),
            ("sgd(weight_decay=1e-400)", "rounds it to 0e0; give 0 or at least 1e-45"),
            ("adamw(eps=1e-60)", "rounds it to 0e0; give at least 1e-45"),
        ] {
            let error = refusal(text);
            assert!(error.contains(part), "{text}: {error}");
        }
        for text in [
            "adamw(beta1=0.9999999)",
            "adamw(eps=1e-44)",
            "sgd(weight_decay=3e38)",
            "momentum(momentum=0)",
        ] {
            assert!(text.parse::<Optimizer>().is_ok(), "{text}");
        }
    }

    #[test]
    fn a_constant_is_given_once() {
        assert!(refusal("adamw(beta1=0.9, beta1=0.8)").contains("gives beta1 twice"));
    }

    #[test]
    fn every_name_has_defaults() {
        for name in Optimizer::NAMES {
            assert_eq!(name.parse::<Optimizer>().unwrap().name(), name);
        }
    }
}
