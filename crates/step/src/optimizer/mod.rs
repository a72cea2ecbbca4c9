//! The optimisers, as graph instructions. Formulas: `SEMANTICS.md`,
//! "Optimisers", which are PyTorch's (`torch.optim.SGD`, `Adam`, `AdamW`,
//! `RMSprop`) and, for LAMB, those of You et al., *Large Batch Optimization
//! for Deep Learning*, 2020, algorithm 2.

mod adam;
mod average;
mod constants;
mod descent;
mod lamb;
mod rmsprop;
mod text;

pub(crate) use average::Average;
pub(crate) use constants::{Range, check_range};
pub(crate) use text::Call;

use crate::{DecayExclusion, StateTensor};
use cotangent_graph::{Builder, GraphError, Rational, ValueId};
use cotangent_net::Network;

/// An update rule with its constants. The learning rate is not among them: it
/// is an input of the step. `g ← g + λθ` is left out where λ is 0.
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
    /// `g ← g + λθ; v ← μv + g; θ ← θ - η(g + μv)`
    Nesterov {
        /// μ
        momentum: Rational,
        /// λ
        weight_decay: Rational,
    },
    /// `g ← g + λθ; m ← β₁m + (1-β₁)g; v ← β₂v + (1-β₂)g²;`
    /// `θ ← θ - η·(m/(1-β₁ᵗ))/(√(v/(1-β₂ᵗ)) + ε)`
    Adam {
        /// β₁
        beta1: Rational,
        /// β₂
        beta2: Rational,
        /// ε
        eps: Rational,
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
    /// `g ← g + λθ; v ← αv + (1-α)g²; q = g/(√v + ε); θ ← θ - ηq`, or with
    /// μ > 0 `u ← μu + q; θ ← θ - ηu`
    RmsProp {
        /// α
        alpha: Rational,
        /// ε
        eps: Rational,
        /// μ
        momentum: Rational,
        /// λ
        weight_decay: Rational,
    },
    /// `m ← β₁m + (1-β₁)g; v ← β₂v + (1-β₂)g²;`
    /// `r = (m/(1-β₁ᵗ))/(√(v/(1-β₂ᵗ)) + ε) + λθ; θ ← θ - η·φ·r`, with
    /// `φ = ‖θ‖/‖r‖` per parameter tensor if both are positive, else 1
    Lamb {
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

/// What an update rule works on.
pub(crate) struct Inputs<'a> {
    /// η, a scalar.
    pub lr: ValueId,
    pub params: &'a [ValueId],
    /// One for each parameter.
    pub grads: &'a [ValueId],
    /// In the order of [`Optimizer::state`].
    pub state: &'a [ValueId],
    pub exclusion: DecayExclusion,
}

/// New values of the parameters and of the state.
pub(crate) struct Updated {
    pub params: Vec<ValueId>,
    pub state: Vec<ValueId>,
}

impl Inputs<'_> {
    /// The decay λ that parameter `p` gets; `None` where that is none.
    fn decay<'d>(&self, b: &Builder, p: ValueId, decay: &'d Rational) -> Option<&'d Rational> {
        let excluded = self.exclusion.excludes(b.shape(p));
        (!excluded && *decay != Rational::integer(0)).then_some(decay)
    }

    /// `g + λp`
    fn coupled_decay(
        &self,
        b: &mut Builder,
        p: ValueId,
        g: ValueId,
        decay: &Rational,
    ) -> Result<ValueId, GraphError> {
        let Some(decay) = self.decay(b, p, decay) else { return Ok(g) };
        let decay = b.constant_like(decay.clone(), p)?;
        let pull = b.mul(decay, p)?;
        b.add(g, pull)
    }

    /// `p - ηλp`
    fn decoupled_decay(
        &self,
        b: &mut Builder,
        p: ValueId,
        decay: &Rational,
    ) -> Result<ValueId, GraphError> {
        let Some(decay) = self.decay(b, p, decay) else { return Ok(p) };
        let decay = b.constant(decay.clone(), &[])?;
        let rate = b.mul(self.lr, decay)?;
        let rate = b.splat(rate, p)?;
        let pull = b.mul(rate, p)?;
        b.sub(p, pull)
    }

    /// `p - η · direction`
    fn descend(
        &self,
        b: &mut Builder,
        p: ValueId,
        direction: ValueId,
    ) -> Result<ValueId, GraphError> {
        let rate = b.splat(self.lr, p)?;
        let change = b.mul(rate, direction)?;
        b.sub(p, change)
    }
}

impl Optimizer {
    /// The optimisers' names.
    pub const NAMES: [&'static str; 7] =
        ["sgd", "momentum", "nesterov", "adam", "adamw", "rmsprop", "lamb"];

    /// The optimiser's name.
    pub fn name(&self) -> &'static str {
        match self {
            Optimizer::Sgd { .. } => "sgd",
            Optimizer::Momentum { .. } => "momentum",
            Optimizer::Nesterov { .. } => "nesterov",
            Optimizer::Adam { .. } => "adam",
            Optimizer::AdamW { .. } => "adamw",
            Optimizer::RmsProp { .. } => "rmsprop",
            Optimizer::Lamb { .. } => "lamb",
        }
    }

    /// The state the optimiser keeps for `net`, in the step's order:
    /// `momentum.P`, `m.P`, `v.P` for parameter P, all of them 0 at first;
    /// `beta1_power`, `beta2_power`, which are 1.
    pub fn state(&self, net: &Network) -> Vec<StateTensor> {
        let per_param = |prefix: &'static str| {
            net.params()
                .iter()
                .map(move |p| StateTensor::zeros(format!("{prefix}.{}", p.name), &p.shape))
        };
        match self {
            Optimizer::Sgd { .. } => vec![],
            Optimizer::Momentum { .. } | Optimizer::Nesterov { .. } => {
                per_param("momentum").collect()
            }
            Optimizer::RmsProp { momentum, .. } if *momentum == Rational::integer(0) => {
                per_param("v").collect()
            }
            Optimizer::RmsProp { .. } => per_param("v").chain(per_param("momentum")).collect(),
            Optimizer::Adam { .. } | Optimizer::AdamW { .. } | Optimizer::Lamb { .. } => {
                let powers = ["beta1_power", "beta2_power"].map(StateTensor::power);
                per_param("m").chain(per_param("v")).chain(powers).collect()
            }
        }
    }

    /// Appends the update.
    pub(crate) fn update(&self, b: &mut Builder, on: &Inputs) -> Result<Updated, GraphError> {
        match self {
            Optimizer::Sgd { weight_decay } => descent::sgd(b, on, weight_decay),
            Optimizer::Momentum { momentum, weight_decay } => {
                descent::momentum(b, on, momentum, weight_decay)
            }
            Optimizer::Nesterov { momentum, weight_decay } => {
                descent::nesterov(b, on, momentum, weight_decay)
            }
            Optimizer::Adam { beta1, beta2, eps, weight_decay } => {
                adam::adam(b, on, [beta1, beta2], eps, weight_decay)
            }
            Optimizer::AdamW { beta1, beta2, eps, weight_decay } => {
                adam::adamw(b, on, [beta1, beta2], eps, weight_decay)
            }
            Optimizer::RmsProp { alpha, eps, momentum, weight_decay } => {
                rmsprop::rmsprop(b, on, alpha, eps, momentum, weight_decay)
            }
            Optimizer::Lamb { beta1, beta2, eps, weight_decay } => {
                lamb::lamb(b, on, [beta1, beta2], eps, weight_decay)
            }
        }
    }
}
