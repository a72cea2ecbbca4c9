//! What training minimises.

use crate::Number;
use serde::{Deserialize, Serialize};

/// A loss, averaged as said. Targets have the shape of what it is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// Softmax cross-entropy over the last dimension against one-hot or soft
    /// targets; the mean over examples and all other positions (pixels,
    /// tokens).
    #[default]
    SoftmaxCrossEntropy,
    /// The mean over all elements of `(output - target)²`.
    MeanSquaredError,
    /// The mean over all elements of `-t·log σ(z) - (1-t)·log(1 - σ(z))`.
    BinaryCrossEntropyWithLogits,
}

impl Loss {
    /// The losses' names in TOML.
    pub const NAMES: [&'static str; 3] =
        ["softmax_cross_entropy", "mean_squared_error", "binary_cross_entropy_with_logits"];

    /// The loss's name in TOML.
    pub fn name(self) -> &'static str {
        match self {
            Loss::SoftmaxCrossEntropy => Self::NAMES[0],
            Loss::MeanSquaredError => Self::NAMES[1],
            Loss::BinaryCrossEntropyWithLogits => Self::NAMES[2],
        }
    }
}

/// The loss of some of the output's features, such as those of one head.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LossPart {
    /// Which loss.
    pub kind: Loss,
    /// Of how many features of the last dimension.
    pub features: usize,
    /// Its factor in the sum, above 0.
    pub weight: Number,
}

impl LossPart {
    pub(crate) const KEYS: [&'static str; 3] = ["kind", "features", "weight"];

    /// With weight 1.
    pub fn new(kind: Loss, features: usize) -> Self {
        LossPart { kind, features, weight: Number::from(1) }
    }

    /// With another weight.
    pub fn weight(self, weight: Number) -> Self {
        LossPart { weight, ..self }
    }
}

/// What a network minimises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Losses {
    /// The loss of the whole output.
    Whole(Loss),
    /// The weighted sum of the losses of parts of the output, side by side along
    /// its last dimension and against the same features of the target.
    Parts(Vec<LossPart>),
}

impl Default for Losses {
    fn default() -> Self {
        Losses::Whole(Loss::default())
    }
}

impl From<Loss> for Losses {
    fn from(loss: Loss) -> Self {
        Losses::Whole(loss)
    }
}

impl Losses {
    /// The loss of the whole output, or of its first part: what the network's
    /// answer is read from.
    pub fn first(&self) -> Loss {
        match self {
            Losses::Whole(loss) => *loss,
            Losses::Parts(parts) => parts.first().map_or(Loss::default(), |p| p.kind),
        }
    }

    /// The parts; none where the loss is of the whole output.
    pub fn parts(&self) -> &[LossPart] {
        match self {
            Losses::Whole(_) => &[],
            Losses::Parts(parts) => parts,
        }
    }

    /// Whether every loss is `loss`.
    pub fn all(&self, loss: Loss) -> bool {
        match self {
            Losses::Whole(own) => *own == loss,
            Losses::Parts(parts) => parts.iter().all(|p| p.kind == loss),
        }
    }

    /// Whether the parts are those of an output with so many features.
    pub(crate) fn check(&self, output: &[usize]) -> Result<(), String> {
        let Losses::Parts(parts) = self else { return Ok(()) };
        let features = output.last().copied().unwrap_or(0);
        if parts.is_empty() {
            return Err("`losses` is empty; give at least one, or `loss` in its place".into());
        }
        for (k, part) in parts.iter().enumerate() {
            let place = format!("loss {} ({})", k + 1, part.kind.name());
            if part.features == 0 {
                return Err(format!(
                    "{place}: found `features` 0, expected 1 or more; leave the loss out, or give it \
                     its features of the {features} that the output has"
                ));
            }
            // Steps run in f32; a subnormal weight would train next to nothing.
            let weight = part.weight.to_f64();
            if !(weight > 0.0 && (weight as f32).is_normal()) {
                let (from, to) = (f32::MIN_POSITIVE, f32::MAX);
                let plain = weight.to_string();
                let weight = if plain.len() <= 12 { plain } else { format!("{weight:e}") };
                return Err(format!(
                    "{place}: found `weight` {weight}, expected a number above 0, from {from:.1e} to \
                     {to:.1e}; leave it out for 1"
                ));
            }
        }
        let sum = parts.iter().fold(0usize, |n, p| n.saturating_add(p.features));
        if sum != features {
            let list: Vec<String> = parts.iter().map(|p| p.features.to_string()).collect();
            return Err(format!(
                "its losses are of {} features, but its output {output:?} has {features}, expected \
                 the same; change `features` in `losses`, or those of the layers at the end",
                match list.as_slice() {
                    [_] => sum.to_string(),
                    _ => format!("{} = {sum}", list.join(" + ")),
                }
            ));
        }
        Ok(())
    }
}
