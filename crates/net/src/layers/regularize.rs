//! Random masks and learned scales.

use super::{Plan, Rule, features};
use crate::Init;
use crate::elaborate::Scope;
use crate::field::attributes;
use crate::number::Number;
use cotangent_graph::{GraphError, ValueId};

attributes! {
    /// In training each element is zeroed with probability `rate`, the others
    /// grow by `1/(1 - rate)` (Srivastava et al., 2014). The host draws the
    /// mask.
    Dropout {
        /// Probability of zero, below 1.
        rate: Number,
        ;
    }
}
attributes! {
    /// In training each example is zeroed with probability `rate`, the others
    /// grow by `1/(1 - rate)` (Huang et al.: *Stochastic Depth*, 2016). The
    /// host draws the mask.
    DropPath {
        /// Probability of zero, below 1.
        rate: Number,
        ;
    }
}
attributes! {
    /// A learned factor per feature (Touvron et al., 2021).
    LayerScale {
        ;
        /// What the factors start from.
        init: Number = Number::ratio(1, 100_000),
    }
}

fn plan_mask(input: &[usize], rate: &Number, shape: &[usize]) -> Result<Plan, String> {
    if !(0.0..1.0).contains(&rate.to_f64()) {
        return Err("`rate` must be at least 0 and below 1; 0.1 is usual".into());
    }
    let mut plan = Plan::new(input);
    plan.mask = (!rate.is_zero()).then(|| (shape.to_vec(), rate.to_f64()));
    Ok(plan)
}

/// `x` times the mask over its leading dimensions; `x` where there is none.
fn apply_mask(s: &mut Scope, x: ValueId) -> Result<ValueId, GraphError> {
    let Some(mask) = s.mask()? else { return s.b.copy(x) };
    let shape = s.b.shape(x).to_vec();
    let dims: Vec<usize> = (0..s.b.shape(mask).len()).collect();
    let mask = s.b.broadcast(mask, &shape, &dims)?;
    s.b.mul(x, mask)
}

impl Rule for Dropout {
    fn plan(&self, input: &[usize], _: &[Vec<usize>]) -> Result<Plan, String> {
        plan_mask(input, &self.rate, input)
    }

    fn emit(&self, s: &mut Scope, x: ValueId, _: &[ValueId]) -> Result<ValueId, GraphError> {
        apply_mask(s, x)
    }

    fn trick(&self) -> &'static str {
        "diagonal"
    }
}

impl Rule for DropPath {
    fn plan(&self, input: &[usize], _: &[Vec<usize>]) -> Result<Plan, String> {
        plan_mask(input, &self.rate, &[])
    }

    fn emit(&self, s: &mut Scope, x: ValueId, _: &[ValueId]) -> Result<ValueId, GraphError> {
        apply_mask(s, x)
    }

    fn trick(&self) -> &'static str {
        "diagonal"
    }
}

impl Rule for LayerScale {
    fn plan(&self, input: &[usize], _: &[Vec<usize>]) -> Result<Plan, String> {
        let init = Init::Constant(self.init.to_f64() as f32);
        Ok(Plan::new(input).param("gamma", [features(input)], init))
    }

    fn emit(&self, s: &mut Scope, x: ValueId, _: &[ValueId]) -> Result<ValueId, GraphError> {
        let gamma = s.param(0)?;
        s.scale_by(x, gamma)
    }

    fn trick(&self) -> &'static str {
        "product rule, diagonal"
    }
}
