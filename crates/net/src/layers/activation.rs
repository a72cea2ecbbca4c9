//! Pointwise activations.

use super::{Plan, Rule};
use crate::LayerKind;
use cotangent_graph::{Builder, GraphError, Op, ValueId};
use serde::{Deserialize, Serialize};

/// `max(x, 0)`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Relu {}

impl Relu {
    pub(crate) const KEYS: &'static [&'static str] = &[];
}

impl Rule for Relu {
    fn plan(&self, input: &[usize]) -> Result<Plan, String> {
        Ok(Plan {
            kind: LayerKind::Relu(self.clone()),
            output: input.to_vec(),
            params: Vec::new(),
            macs: 0,
        })
    }

    fn emit(&self, b: &mut Builder, _: &[ValueId], x: ValueId) -> Result<ValueId, GraphError> {
        b.push(Op::Relu, &[x])
    }

    fn trick(&self) -> &'static str {
        "diagonal"
    }
}
