//! The optimisers, as graph instructions. Formulas: `SEMANTICS.md`,
//! "Optimisers", which are PyTorch's (`torch.optim.SGD`, `AdamW`).

use cotangent_graph::{Builder, GraphError, Op, Rational, ValueId};
use cotangent_net::Network;
use std::fmt;
use std::str::FromStr;

/// An update rule with its constants. The learning rate is not among them: it
/// is an input of the step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Optimizer {
    /// `g ← g + λθ; θ ← θ - ηg`
    Sgd {
        /// λ
        weight_decay: Rational,
    },
    /// `g ← g + λθ; v ← μv + g; θ ← θ - ηv`
    Momentum {
        /// μ
        momentum: Rational,
        /// λ
        weight_decay: Rational,
    },
    /// `θ ← θ - ηλθ; m ← β₁m + (1-β₁)g; v ← β₂v + (1-β₂)g²;`
    /// `θ ← θ - η·(m/(1-β₁ᵗ))/(√(v/(1-β₂ᵗ)) + ε)`
    AdamW {
        /// β₁
        beta1: Rational,
        /// β₂
        beta2: Rational,
        /// ε
        eps: Rational,
        /// λ
        weight_decay: Rational,
    },
}

/// A tensor of optimiser state and the value it starts from.
#[derive(Debug, Clone, PartialEq)]
pub struct StateTensor {
    /// Name: `momentum.P`, `m.P`, `v.P` for parameter P; `beta1_power`, `beta2_power`.
    pub name: String,
    /// Shape.
    pub shape: Vec<usize>,
    /// Initial value of every element.
    pub initial: f32,
}

/// New values of the parameters and of the state.
type Updated = (Vec<ValueId>, Vec<ValueId>);

impl Optimizer {
    /// The optimisers' names.
    pub const NAMES: [&'static str; 3] = ["sgd", "momentum", "adamw"];

    /// The optimiser's name.
    pub fn name(&self) -> &'static str {
        match self {
            Optimizer::Sgd { .. } => "sgd",
            Optimizer::Momentum { .. } => "momentum",
            Optimizer::AdamW { .. } => "adamw",
        }
    }

    /// The constants by name, in the order they print.
    pub fn constants(&self) -> Vec<(&'static str, &Rational)> {
        match self {
            Optimizer::Sgd { weight_decay } => vec![("weight_decay", weight_decay)],
            Optimizer::Momentum { momentum, weight_decay } => {
                vec![("momentum", momentum), ("weight_decay", weight_decay)]
            }
            Optimizer::AdamW { beta1, beta2, eps, weight_decay } => vec![
                ("beta1", beta1),
                ("beta2", beta2),
                ("eps", eps),
                ("weight_decay", weight_decay),
            ],
        }
    }

    fn constant_mut(&mut self, name: &str) -> Option<&mut Rational> {
        match (self, name) {
            (Optimizer::Sgd { weight_decay }, "weight_decay")
            | (Optimizer::Momentum { weight_decay, .. }, "weight_decay")
            | (Optimizer::AdamW { weight_decay, .. }, "weight_decay") => Some(weight_decay),
            (Optimizer::Momentum { momentum, .. }, "momentum") => Some(momentum),
            (Optimizer::AdamW { beta1, .. }, "beta1") => Some(beta1),
            (Optimizer::AdamW { beta2, .. }, "beta2") => Some(beta2),
            (Optimizer::AdamW { eps, .. }, "eps") => Some(eps),
            _ => None,
        }
    }

    /// Sets a constant by name, checking its range, of the exact value and of
    /// the f32 it is executed as: decay ≥ 0, ε > 0, and 0 ≤ μ, β₁, β₂ < 1. A
    /// decay or ε above 0 must not round to 0, nor a β to 1.
    pub fn set(&mut self, name: &str, value: Rational) -> Result<(), String> {
        let (zero, one) = (Rational::integer(0), Rational::integer(1));
        let rounded = value.to_f32();
        let (fits, executed, range) = match name {
            "weight_decay" => {
                let executed = rounded.is_finite() && (rounded > 0.0 || value == zero);
                (value >= zero, executed, "at least 0")
            }
            "eps" => (value > zero, rounded.is_finite() && rounded > 0.0, "above 0"),
            _ => (value >= zero && value < one, rounded < 1.0, "at least 0 and below 1"),
        };
        let kind = self.name();
        let slot = self
            .constant_mut(name)
            .ok_or_else(|| format!("optimizer {kind} has no constant `{name}`"))?;
        if !fits {
            return Err(format!("{name} = {} must be {range}", brief(&value)));
        }
        if !executed {
            return Err(format!(
                "{name} = {} is executed in f32, which rounds it to {rounded:e}; it must be {range} \
                 there too, and finite",
                brief(&value)
            ));
        }
        *slot = value;
        Ok(())
    }

    /// The state the optimiser keeps for `net`, in the step's order.
    pub fn state(&self, net: &Network) -> Vec<StateTensor> {
        let per_param = |prefix: &'static str| {
            net.params().iter().map(move |p| StateTensor {
                name: format!("{prefix}.{}", p.name),
                shape: p.shape.clone(),
                initial: 0.0,
            })
        };
        let power = |name: &str| StateTensor { name: name.into(), shape: vec![], initial: 1.0 };
        match self {
            Optimizer::Sgd { .. } => vec![],
            Optimizer::Momentum { .. } => per_param("momentum").collect(),
            Optimizer::AdamW { .. } => per_param("m")
                .chain(per_param("v"))
                .chain([power("beta1_power"), power("beta2_power")])
                .collect(),
        }
    }

    /// Appends the update; returns the new parameters and the new state, in
    /// the order of [`Optimizer::state`].
    pub(crate) fn update(
        &self,
        b: &mut Builder,
        lr: ValueId,
        params: &[ValueId],
        grads: &[ValueId],
        state: &[ValueId],
    ) -> Result<Updated, GraphError> {
        let mut new_params = Vec::with_capacity(params.len());
        let mut new_state = Vec::with_capacity(state.len());
        match self {
            Optimizer::Sgd { weight_decay } => {
                for (&p, &g) in params.iter().zip(grads) {
                    let g = coupled_decay(b, p, g, weight_decay)?;
                    new_params.push(descend(b, p, lr, g)?);
                }
            }
            Optimizer::Momentum { momentum, weight_decay } => {
                for ((&p, &g), &v) in params.iter().zip(grads).zip(state) {
                    let g = coupled_decay(b, p, g, weight_decay)?;
                    let mu = b.constant_like(momentum.clone(), v)?;
                    let kept = b.mul(mu, v)?;
                    let v = b.add(kept, g)?;
                    new_state.push(v);
                    new_params.push(descend(b, p, lr, v)?);
                }
            }
            Optimizer::AdamW { beta1, beta2, eps, weight_decay } => {
                let n = params.len();
                let (m, v) = (
                    Moment::new(b, beta1, state[2 * n])?,
                    Moment::new(b, beta2, state[2 * n + 1])?,
                );
                let mut second = Vec::with_capacity(n);
                for k in 0..n {
                    let (p, g) = (params[k], grads[k]);
                    let m_new = m.average(b, state[k], g)?;
                    let squared = b.mul(g, g)?;
                    let v_new = v.average(b, state[n + k], squared)?;
                    let m_hat = m.corrected(b, m_new)?;
                    let v_hat = v.corrected(b, v_new)?;
                    let root = b.push(Op::Sqrt, &[v_hat])?;
                    let eps = b.constant_like(eps.clone(), root)?;
                    let denominator = b.add(root, eps)?;
                    let p = decoupled_decay(b, p, lr, weight_decay)?;
                    let rate = b.splat(lr, p)?;
                    let scaled = b.mul(rate, m_hat)?;
                    let change = b.div(scaled, denominator)?;
                    new_params.push(b.sub(p, change)?);
                    new_state.push(m_new);
                    second.push(v_new);
                }
                new_state.extend(second);
                new_state.extend([m.power, v.power]);
            }
        }
        Ok((new_params, new_state))
    }
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
        _ => format!("{}...", &text[..20]),
    }
}

/// `p - lr · direction`
fn descend(
    b: &mut Builder,
    p: ValueId,
    lr: ValueId,
    direction: ValueId,
) -> Result<ValueId, GraphError> {
    let rate = b.splat(lr, p)?;
    let change = b.mul(rate, direction)?;
    b.sub(p, change)
}

/// `g + λp`; `g` itself where λ is zero.
fn coupled_decay(
    b: &mut Builder,
    p: ValueId,
    g: ValueId,
    decay: &Rational,
) -> Result<ValueId, GraphError> {
    if *decay == Rational::integer(0) {
        return Ok(g);
    }
    let decay = b.constant_like(decay.clone(), p)?;
    let pull = b.mul(decay, p)?;
    b.add(g, pull)
}

/// `p - ηλp`; `p` itself where λ is zero.
fn decoupled_decay(
    b: &mut Builder,
    p: ValueId,
    lr: ValueId,
    decay: &Rational,
) -> Result<ValueId, GraphError> {
    if *decay == Rational::integer(0) {
        return Ok(p);
    }
    let decay = b.constant(decay.clone(), &[])?;
    let rate = b.mul(lr, decay)?;
    let rate = b.splat(rate, p)?;
    let pull = b.mul(rate, p)?;
    b.sub(p, pull)
}

/// One of Adam's moving averages with its bias correction.
struct Moment {
    beta: Rational,
    /// `1 - β`, a scalar.
    complement: ValueId,
    /// `βᵗ`, a scalar: the state carries `βᵗ⁻¹`.
    power: ValueId,
    /// `1 - βᵗ`, a scalar.
    correction: ValueId,
}

impl Moment {
    fn new(b: &mut Builder, beta: &Rational, previous_power: ValueId) -> Result<Self, GraphError> {
        let one = b.constant(1, &[])?;
        let scalar = b.constant(beta.clone(), &[])?;
        let complement = b.sub(one, scalar)?;
        let power = b.mul(previous_power, scalar)?;
        let correction = b.sub(one, power)?;
        Ok(Moment { beta: beta.clone(), complement, power, correction })
    }

    /// `β·old + (1-β)·new`
    fn average(&self, b: &mut Builder, old: ValueId, new: ValueId) -> Result<ValueId, GraphError> {
        let beta = b.constant_like(self.beta.clone(), old)?;
        let kept = b.mul(beta, old)?;
        let complement = b.splat(self.complement, new)?;
        let added = b.mul(complement, new)?;
        b.add(kept, added)
    }

    /// `average / (1 - βᵗ)`
    fn corrected(&self, b: &mut Builder, average: ValueId) -> Result<ValueId, GraphError> {
        let correction = b.splat(self.correction, average)?;
        b.div(average, correction)
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
        let (name, constants) = match text.split_once('(') {
            None => (text, ""),
            Some((name, rest)) => {
                let inner = rest
                    .strip_suffix(')')
                    .ok_or_else(|| format!("`{text}` lacks its closing `)`"))?;
                (name, inner)
            }
        };
        let ratio = |n: i64, d: i64| Rational::new(n, d).unwrap_or_else(|| Rational::integer(0));
        let zero = Rational::integer(0);
        let mut optimizer = match name {
            "sgd" => Optimizer::Sgd { weight_decay: zero },
            "momentum" => Optimizer::Momentum { momentum: ratio(9, 10), weight_decay: zero },
            "adamw" => Optimizer::AdamW {
                beta1: ratio(9, 10),
                beta2: ratio(999, 1000),
                eps: ratio(1, 100_000_000),
                weight_decay: ratio(1, 100),
            },
            _ => {
                return Err(format!(
                    "unknown optimizer `{name}`; the optimizers are {}",
                    Self::NAMES.join(", ")
                ));
            }
        };
        let mut seen = Vec::new();
        for pair in constants.split(',').filter(|p| !p.trim().is_empty()) {
            let (key, value) = pair
                .split_once('=')
                .ok_or_else(|| format!("`{pair}` is not of the form constant=value"))?;
            let key = key.trim();
            if seen.contains(&key) {
                return Err(format!("`{text}` gives {key} twice"));
            }
            seen.push(key);
            optimizer.set(key, value.trim().parse()?)?;
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
            ("adamw(eps=1e-60)", "eps = 1e-60 is executed in f32, which rounds it to 0e0"),
            ("sgd(weight_decay=1e-60)", "weight_decay = 1e-60"),
            ("sgd(weight_decay=1e300)", "weight_decay = 1e300"),
            ("sgd(weight_decay=1e400)", "weight_decay = 1.000e400"),
            ("sgd(weight_decay=-1e400)", "weight_decay = -1.000e400 must be at least 0"),
            ("sgd(weight_decay=1e-400)", "weight_decay = 1/100"),
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
}
