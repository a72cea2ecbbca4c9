//! The discrete choices a graph makes on its way to the loss. Between two
//! points at which all of them agree the loss is (generically) smooth.

use crate::CheckError;
use cotangent_graph::{Graph, Op, ValueId};
use cotangent_interp::{Value, first_maximal_cells};

/// What one instruction decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Element by element: a rectifier on or off, a bound in force or not, a comparison true or false.
    Mask(Vec<bool>),
    /// The cell each window chose.
    Cells(Vec<usize>),
}

/// The decision behind `value`, if its op makes one.
pub(crate) fn decision(
    graph: &Graph,
    values: &[Value<f64>],
    value: ValueId,
) -> Result<Option<Decision>, CheckError> {
    let Some(instruction) = graph.definition(value) else { return Ok(None) };
    let operand = |k: usize| values[instruction.operands[k].index()].real();
    Ok(match &instruction.op {
        Op::Relu | Op::Abs | Op::Elu { .. } => {
            Some(Decision::Mask(operand(0)?.data().iter().map(|&a| a > 0.0).collect()))
        }
        Op::Clamp { low, high } => {
            let (low, high) = (low.to_f64(), high.to_f64());
            let a = operand(0)?.data();
            let above = a.iter().map(|&a| a > low);
            Some(Decision::Mask(above.chain(a.iter().map(|&a| a < high)).collect()))
        }
        Op::Maximum => {
            let pairs = operand(0)?.data().iter().zip(operand(1)?.data());
            Some(Decision::Mask(pairs.map(|(a, b)| a > b).collect()))
        }
        Op::Compare(_) => Some(Decision::Mask(values[value.index()].pred()?.data().to_vec())),
        Op::MaxPool(window) | Op::MaxPoolGrad(window) => {
            Some(Decision::Cells(first_maximal_cells(window, operand(0)?)?))
        }
        _ => None,
    })
}
