//! The same elements under another shape.

use super::{Plan, Rule};
use crate::elaborate::Scope;
use crate::field::attributes;
use cotangent_graph::{GraphError, ValueId};

attributes! {
    /// Each example as one vector, row-major (height, width, channels).
    Flatten { ; }
}
attributes! {
    /// Each example's elements in row-major order under another shape.
    Reshape {
        /// The shape of one example.
        shape: Vec<usize>,
        ;
    }
}

/// `x` with each example under `shape`; a layer's output is a value of its own, also
/// where the shape stays.
fn reshape(s: &mut Scope, x: ValueId, shape: &[usize]) -> Result<ValueId, GraphError> {
    let batch = s.b.shape(x).first().copied().unwrap_or(1);
    let shape = [&[batch], shape].concat();
    if s.b.shape(x) == shape { s.b.copy(x) } else { s.b.reshape(x, &shape) }
}

impl Rule for Flatten {
    fn plan(&self, input: &[usize], _: &[Vec<usize>]) -> Result<Plan, String> {
        Ok(Plan::new([input.iter().product()]))
    }

    fn emit(&self, s: &mut Scope, x: ValueId, _: &[ValueId]) -> Result<ValueId, GraphError> {
        let size = s.b.shape(x).iter().skip(1).product();
        reshape(s, x, &[size])
    }

    fn trick(&self) -> &'static str {
        "binary selection"
    }
}

impl Rule for Reshape {
    fn plan(&self, input: &[usize], _: &[Vec<usize>]) -> Result<Plan, String> {
        let elements: usize = input.iter().product();
        let wanted = self.shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
        if wanted != Some(elements) {
            return Err(format!(
                "input {input:?} has {elements} elements, which `shape = {:?}` has not; \
                 give sizes whose product is {elements}",
                self.shape
            ));
        }
        Ok(Plan::new(self.shape.clone()))
    }

    fn emit(&self, s: &mut Scope, x: ValueId, _: &[ValueId]) -> Result<ValueId, GraphError> {
        reshape(s, x, &self.shape)
    }

    fn trick(&self) -> &'static str {
        "binary selection"
    }
}
