//! The fully connected layer.

use super::{Plan, Rule, positive};
use crate::Init;
use crate::elaborate::Scope;
use crate::field::attributes;
use cotangent_graph::{GraphError, ValueId};
use serde::{Deserialize, Serialize};

/// How the weights of a layer start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InitScheme {
    /// [`Init::HeNormal`]
    HeNormal,
    /// [`Init::GlorotUniform`]
    GlorotUniform,
    /// [`Init::TruncatedNormal`] of standard deviation 0.02 (Dosovitskiy et
    /// al., 2021; Liu et al., 2022).
    TruncatedNormal,
}

impl InitScheme {
    pub(crate) fn init(self, fan_in: usize, fan_out: usize) -> Init {
        match self {
            InitScheme::HeNormal => Init::HeNormal { fan_in },
            InitScheme::GlorotUniform => Init::GlorotUniform { fan_in, fan_out },
            InitScheme::TruncatedNormal => Init::TruncatedNormal { std: 0.02 },
        }
    }
}

attributes! {
    /// `x · W + b` over the last dimension; `W` is `[inputs, features]`, `b`
    /// is `[features]`.
    Dense {
        /// Output features.
        features: usize,
        ;
        /// Whether there is a bias.
        bias: bool = true,
        /// How the weight starts.
        init: InitScheme = InitScheme::HeNormal,
    }
}

impl Rule for Dense {
    fn plan(&self, input: &[usize], _: &[Vec<usize>]) -> Result<Plan, String> {
        let (tokens, inputs) = match *input {
            [inputs] => (None, inputs),
            [tokens, inputs] => (Some(tokens), inputs),
            _ => {
                return Err(format!(
                    "input is {input:?}, expected a vector [features] or tokens [tokens, features]; \
                     put a `flatten` before it (gives [{}])",
                    input.iter().product::<usize>()
                ));
            }
        };
        let features = positive("features", self.features)?;
        let output: Vec<usize> = tokens.into_iter().chain([features]).collect();
        Ok(Plan::new(output)
            .param("weight", [inputs, features], self.init.init(inputs, features))
            .param_if(self.bias, "bias", features, Init::ZEROS)
            .macs(&[tokens.unwrap_or(1), inputs, features]))
    }

    fn emit(&self, s: &mut Scope, x: ValueId, _: &[ValueId]) -> Result<ValueId, GraphError> {
        let weight = s.param(0)?;
        let y = s.b.matmul(x, weight)?;
        match s.optional_param(1)? {
            Some(bias) => s.add_bias(y, bias),
            None => Ok(y),
        }
    }

    fn trick(&self) -> &'static str {
        "outer product"
    }
}
