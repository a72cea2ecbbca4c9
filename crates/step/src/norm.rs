//! The Euclidean norm of several tensors together.

use cotangent_graph::{Builder, GraphError, Op, ValueId};

/// `√Σ x²` over every element of `tensors`, a scalar; 0 of no tensors.
pub(crate) fn norm(b: &mut Builder, tensors: &[ValueId]) -> Result<ValueId, GraphError> {
    let mut total = None;
    for &x in tensors {
        let squared = b.mul(x, x)?;
        let dims: Vec<usize> = (0..b.ty(x).rank()).collect();
        let sum = b.reduce_sum(squared, &dims)?;
        total = Some(match total {
            None => sum,
            Some(before) => b.add(before, sum)?,
        });
    }
    match total {
        None => b.constant(0, &[]),
        Some(total) => b.push(Op::Sqrt, &[total]),
    }
}
