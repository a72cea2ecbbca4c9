//! The fully connected layer.

use super::{Plan, Rule, add_bias};
use crate::{Init, LayerKind};
use cotangent_graph::{Builder, GraphError, ValueId};
use serde::{Deserialize, Serialize};

/// `x · W + b`; `W` is `[inputs, features]`, `b` is `[features]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Dense {
    /// Output features.
    pub features: usize,
    /// Whether there is a bias.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub bias: bool,
}

pub(super) fn yes() -> bool {
    true
}

pub(super) fn is_true(b: &bool) -> bool {
    *b
}

impl Dense {
    pub(crate) const KEYS: &'static [&'static str] = &["features", "bias"];

    /// With a bias.
    pub fn new(features: usize) -> Self {
        Dense { features, bias: true }
    }
}

impl Rule for Dense {
    fn plan(&self, input: &[usize]) -> Result<Plan, String> {
        let &[inputs] = input else {
            return Err(format!(
                "input is {input:?}, expected a vector [features]; put a `flatten` before it (gives [{}])",
                input.iter().product::<usize>()
            ));
        };
        let mut params =
            vec![("weight", vec![inputs, self.features], Init::HeNormal { fan_in: inputs })];
        if self.bias {
            params.push(("bias", vec![self.features], Init::Zeros));
        }
        Ok(Plan {
            kind: LayerKind::Dense(self.clone()),
            output: vec![self.features],
            params,
            macs: inputs as u64 * self.features as u64,
        })
    }

    fn emit(&self, b: &mut Builder, params: &[ValueId], x: ValueId) -> Result<ValueId, GraphError> {
        let y = b.matmul(x, params[0])?;
        match params.get(1) {
            Some(&bias) => add_bias(b, y, bias),
            None => Ok(y),
        }
    }

    fn trick(&self) -> &'static str {
        "outer product"
    }
}
