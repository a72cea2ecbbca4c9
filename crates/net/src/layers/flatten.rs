//! Flattening.

use super::{Plan, Rule};
use crate::LayerKind;
use cotangent_graph::{Builder, GraphError, ValueId};
use serde::{Deserialize, Serialize};

/// Each example as one vector, row-major (height, width, channels).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Flatten {}

impl Flatten {
    pub(crate) const KEYS: &'static [&'static str] = &[];
}

impl Rule for Flatten {
    fn plan(&self, input: &[usize]) -> Result<Plan, String> {
        Ok(Plan {
            kind: LayerKind::Flatten(self.clone()),
            output: vec![input.iter().product()],
            params: Vec::new(),
            macs: 0,
        })
    }

    fn emit(&self, b: &mut Builder, _: &[ValueId], x: ValueId) -> Result<ValueId, GraphError> {
        let shape = b.shape(x);
        let flat = [shape[0], shape[1..].iter().product()];
        b.reshape(x, &flat)
    }

    fn trick(&self) -> &'static str {
        "re-indexing"
    }
}
