//! What a train step is made with beside the network.

use crate::Optimizer;
use crate::optimizer::{Call, Range, check_range};
use crate::state::{Initial, StateTensor};
use cotangent_graph::{Rational, Role};
use cotangent_net::Network;
use std::fmt;
use std::str::FromStr;

/// The optimiser and the features of a train step.
///
/// As text they are the optimiser's, then the features that are on:
/// `adamw(beta1=0.9,beta2=0.999,eps=1e-8,weight_decay=0.01) clip(norm=1)
/// ema(decay=0.999) accumulate(steps=4) no_decay(bias-and-norm)`.
///
/// ```
/// use cotangent_step::StepOptions;
///
/// let options: StepOptions = "sgd accumulate(steps=4) clip(norm=0.5)".parse()?;
/// assert_eq!(options.accumulate, 4);
/// assert_eq!(options.to_string(), "sgd(weight_decay=0) clip(norm=0.5) accumulate(steps=4)");
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepOptions {
    /// The update rule.
    pub optimizer: Optimizer,
    /// Largest norm c of the gradient of all parameters together:
    /// `g ← g · min(1, c/(‖g‖ + 1e-6))`, before anything else sees g.
    pub clip: Option<Rational>,
    /// d of the moving average of the parameters, `e ← d·e + (1-d)·θ'`, which
    /// starts as the parameters.
    pub ema: Option<Rational>,
    /// Micro-batches K whose mean gradient an update takes; 1 updates at every
    /// one. From 2 on, the step has an input `apply`: 0 adds the gradient to
    /// the state and keeps everything else, 1 updates and clears the sum.
    pub accumulate: usize,
    /// The parameters that weight decay leaves alone.
    pub no_decay: DecayExclusion,
}

/// The parameters that weight decay leaves alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DecayExclusion {
    /// None of them.
    #[default]
    Nothing,
    /// Those of rank 0 and 1: biases, scales and shifts of normalisations.
    BiasAndNorm,
}

impl DecayExclusion {
    /// The text of [`DecayExclusion::BiasAndNorm`].
    const BIAS_AND_NORM: &'static str = "bias-and-norm";

    /// Whether a parameter of this shape is left alone.
    pub fn excludes(self, shape: &[usize]) -> bool {
        match self {
            DecayExclusion::Nothing => false,
            DecayExclusion::BiasAndNorm => shape.len() <= 1,
        }
    }
}

impl FromStr for DecayExclusion {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            Self::BIAS_AND_NORM => Ok(DecayExclusion::BiasAndNorm),
            _ => Err(format!("found `{text}`, expected {}", Self::BIAS_AND_NORM)),
        }
    }
}

impl From<Optimizer> for StepOptions {
    /// The optimiser without any feature.
    fn from(optimizer: Optimizer) -> Self {
        let no_decay = DecayExclusion::Nothing;
        StepOptions { optimizer, clip: None, ema: None, accumulate: 1, no_decay }
    }
}

impl StepOptions {
    /// The features' names in the text.
    pub const FEATURES: [&'static str; 4] = ["clip", "ema", "accumulate", "no_decay"];

    /// The most micro-batches of an update: means divide by f32 integers,
    /// which are exact up to here.
    pub const MAX_ACCUMULATE: usize = 1 << 24;

    /// The features that are on, as they print.
    pub fn features(&self) -> Vec<String> {
        let clip = self.clip.as_ref().map(|c| format!("clip(norm={c})"));
        let ema = self.ema.as_ref().map(|d| format!("ema(decay={d})"));
        let accumulate =
            (self.accumulate != 1).then(|| format!("accumulate(steps={})", self.accumulate));
        let no_decay = match self.no_decay {
            DecayExclusion::Nothing => None,
            DecayExclusion::BiasAndNorm => {
                Some(format!("no_decay({})", DecayExclusion::BIAS_AND_NORM))
            }
        };
        [clip, ema, accumulate, no_decay].into_iter().flatten().collect()
    }

    /// Checks every range: the optimiser's constants, c > 0, 0 ≤ d < 1, and
    /// 1 ≤ K ≤ 2²⁴.
    ///
    /// # Errors
    /// What is out of range.
    pub fn check(&self) -> Result<(), String> {
        self.optimizer.check()?;
        if let Some(norm) = &self.clip {
            check_range("norm", Range::Positive, norm).map_err(|e| format!("clip: {e}"))?;
        }
        if let Some(decay) = &self.ema {
            check_range("decay", Range::Fraction, decay).map_err(|e| format!("ema: {e}"))?;
        }
        let (steps, most) = (self.accumulate, Self::MAX_ACCUMULATE);
        if !(1..=most).contains(&steps) {
            return Err(format!("accumulate: steps = {steps} must be 1 to {most}"));
        }
        Ok(())
    }

    /// What a train step of `net` carries beside the parameters, in the step's
    /// order: the optimiser's state, `accumulated.P` for each parameter P, and
    /// `ema.P` for each.
    pub fn state(&self, net: &Network) -> Vec<StateTensor> {
        let mut state = self.optimizer.state(net);
        if self.accumulate > 1 {
            let sum = |p: &cotangent_net::Param| {
                StateTensor::zeros(format!("accumulated.{}", p.name), &p.shape)
            };
            state.extend(net.params().iter().map(sum));
        }
        if self.ema.is_some() {
            state.extend(net.params().iter().enumerate().map(|(k, p)| StateTensor {
                name: Self::ema_name(&p.name),
                shape: p.shape.clone(),
                role: Role::Ema,
                initial: Initial::Param(k),
            }));
        }
        state
    }

    /// The name of a parameter's moving average.
    pub fn ema_name(param: &str) -> String {
        format!("ema.{param}")
    }

    /// Reads one feature into its place.
    fn set_feature(&mut self, text: &str) -> Result<(), String> {
        let call = Call::parse(text)?;
        let one_of = |key: &str| match call.pairs()?[..] {
            [(k, value)] if k == key => Ok(value),
            _ => Err(format!("found `{text}`, expected {}({key}=…)", call.name)),
        };
        match call.name {
            "clip" => self.clip = Some(one_of("norm")?.parse()?),
            "ema" => self.ema = Some(one_of("decay")?.parse()?),
            "accumulate" => {
                let steps = one_of("steps")?;
                self.accumulate = steps.parse().map_err(|_| {
                    format!("accumulate: found steps = {steps}, expected a whole number")
                })?;
            }
            "no_decay" => {
                let kind = call.arguments.join(",");
                self.no_decay = kind.parse().map_err(|e| format!("no_decay: {e}"))?;
            }
            name => {
                return Err(format!(
                    "unknown feature `{name}`; after the optimizer may follow {}",
                    Self::FEATURES.join(", ")
                ));
            }
        }
        Ok(())
    }
}

impl fmt::Display for StepOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.optimizer)?;
        self.features().iter().try_for_each(|feature| write!(f, " {feature}"))
    }
}

impl FromStr for StepOptions {
    type Err = String;

    /// An optimiser as [`Optimizer`] reads it, then features in any order, each
    /// once: `adamw(beta1=0.95) clip(norm=1) accumulate(steps=4)`.
    fn from_str(text: &str) -> Result<Self, String> {
        let words = words(text);
        let Some((optimizer, features)) = words.split_first() else {
            return Err(format!(
                "no optimizer named; the optimizers are {}",
                Optimizer::NAMES.join(", ")
            ));
        };
        let mut options = StepOptions::from(optimizer.parse::<Optimizer>()?);
        let mut seen = Vec::new();
        for feature in features {
            let name = Call::parse(feature)?.name;
            if seen.contains(&name) {
                return Err(format!("`{text}` has {name} twice"));
            }
            seen.push(name);
            options.set_feature(feature)?;
        }
        options.check()?;
        Ok(options)
    }
}

/// The words of `text`; within parentheses a space separates nothing.
fn words(text: &str) -> Vec<&str> {
    let mut open = false;
    let separates = |c: char| {
        open = c == '(' || (open && c != ')');
        c.is_whitespace() && !open
    };
    text.split(separates).filter(|word| !word.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_reads_back() {
        let all = "clip(norm=1) ema(decay=0.999) accumulate(steps=4) no_decay(bias-and-norm)";
        for optimizer in Optimizer::NAMES {
            let alone: StepOptions = optimizer.parse().unwrap();
            let plain: Optimizer = optimizer.parse().unwrap();
            assert_eq!(alone.to_string(), plain.to_string());
            let text = format!("{plain} {all}");
            let options: StepOptions = text.parse().unwrap();
            assert_eq!(options.to_string(), text);
            for subset in 0..16u32 {
                let kept = options.features().into_iter().enumerate();
                let kept = kept.filter(|(k, _)| subset >> k & 1 == 1).map(|(_, f)| f);
                let text = [vec![plain.to_string()], kept.collect()].concat().join(" ");
                assert_eq!(text.parse::<StepOptions>().unwrap().to_string(), text);
            }
        }
        let loose: StepOptions =
            " sgd( weight_decay = 0.5 )\n no_decay( bias-and-norm )  clip( norm = 1/3 ) "
                .parse()
                .unwrap();
        let tight = "sgd(weight_decay=0.5) clip(norm=1/3) no_decay(bias-and-norm)";
        assert_eq!(loose.to_string(), tight);
        assert_eq!("sgd accumulate(steps=1)".parse::<StepOptions>(), "sgd".parse());
    }

    #[test]
    fn bad_text_says_what_is_wrong() {
        for (text, why) in [
            ("", "no optimizer named; the optimizers are sgd, momentum, nesterov, adam,"),
            ("clip(norm=1)", "unknown optimizer `clip`"),
            ("sgd clamp(norm=1)", "unknown feature `clamp`; after the optimizer may follow clip,"),
            ("sgd clip(norm=1) clip(norm=2)", "has clip twice"),
            ("sgd clip(norm=1,norm=2)", "gives norm twice"),
            ("sgd clip", "found `clip`, expected clip(norm=…)"),
            ("sgd clip(1)", "`1` is not of the form constant=value"),
            ("sgd clip(max=1)", "found `clip(max=1)`, expected clip(norm=…)"),
            ("sgd clip(norm=0)", "clip: norm = 0 must be above 0"),
            ("sgd clip(norm=1e-60)", "clip: norm = 1e-60 is executed in f32"),
            ("sgd clip(norm=x)", "`x` is not a decimal number"),
            ("sgd clip(norm=1", "lacks its closing `)`"),
            ("sgd clip(norm=1)ema(decay=0.9)", "is not a decimal number"),
            ("sgd ema(decay=1)", "ema: decay = 1 must be at least 0 and below 1"),
            ("sgd ema(decay=0.9999999999)", "ema: decay = 9999999999e-10 is executed in f32"),
            ("sgd accumulate(steps=0)", "accumulate: steps = 0 must be 1 to 16777216"),
            ("sgd accumulate(steps=16777217)", "accumulate: steps = 16777217 must be 1 to"),
            ("sgd accumulate(steps=-1)", "found steps = -1, expected a whole number"),
            ("sgd no_decay", "no_decay: found ``, expected bias-and-norm"),
            ("sgd no_decay(norm)", "no_decay: found `norm`, expected bias-and-norm"),
            ("adam(beta1=1) clip(norm=1)", "beta1 = 1 must be at least 0 and below 1"),
        ] {
            let error = text.parse::<StepOptions>().unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
