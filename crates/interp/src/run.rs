//! Whole graphs on values.

use crate::{InterpError, Scalar, Value, evaluate};
use cotangent_graph::{Graph, ValueId};

/// The graph's outputs, in order, on `inputs`, in order.
pub fn run<T: Scalar>(graph: &Graph, inputs: &[Value<T>]) -> Result<Vec<Value<T>>, InterpError> {
    let values = run_all(graph, inputs)?;
    Ok(graph.outputs.iter().map(|o| values[o.value.index()].clone()).collect())
}

/// Every value of the graph, indexed by [`ValueId`]: the inputs, then one per
/// instruction.
pub fn run_all<T: Scalar>(
    graph: &Graph,
    inputs: &[Value<T>],
) -> Result<Vec<Value<T>>, InterpError> {
    graph.verify()?;
    if inputs.len() != graph.inputs.len() {
        return Err(InterpError::Count {
            place: "inputs".into(),
            found: inputs.len(),
            expected: graph.inputs.len(),
        });
    }
    for (k, value) in inputs.iter().enumerate() {
        expect_type(graph, ValueId(k as u32), value)?;
    }
    let mut values = inputs.to_vec();
    values.reserve(graph.instructions.len());
    for instruction in &graph.instructions {
        let operands: Vec<_> = instruction.operands.iter().map(|v| &values[v.index()]).collect();
        values.push(evaluate(&instruction.op, &operands)?);
    }
    Ok(values)
}

/// Brings `values`, as [`run_all`] returns them, up to date after the caller
/// has overwritten those named in `changed`; recomputes only what depends on
/// them and returns what it recomputed, in order.
pub fn rerun<T: Scalar>(
    graph: &Graph,
    values: &mut [Value<T>],
    changed: &[ValueId],
) -> Result<Vec<ValueId>, InterpError> {
    graph.verify()?;
    if values.len() != graph.values() {
        return Err(InterpError::Count {
            place: "values of the graph".into(),
            found: values.len(),
            expected: graph.values(),
        });
    }
    for (k, value) in values.iter().enumerate() {
        expect_type(graph, ValueId(k as u32), value)?;
    }
    let mut stale = vec![false; values.len()];
    for v in changed.iter().filter(|v| v.index() < values.len()) {
        stale[v.index()] = true;
    }
    let mut recomputed = Vec::new();
    for (k, instruction) in graph.instructions.iter().enumerate() {
        let result = graph.result(k);
        if stale[result.index()] || !instruction.operands.iter().any(|v| stale[v.index()]) {
            continue;
        }
        let operands: Vec<_> = instruction.operands.iter().map(|v| &values[v.index()]).collect();
        values[result.index()] = evaluate(&instruction.op, &operands)?;
        stale[result.index()] = true;
        recomputed.push(result);
    }
    Ok(recomputed)
}

fn expect_type<T>(graph: &Graph, id: ValueId, value: &Value<T>) -> Result<(), InterpError> {
    let expected = graph.ty(id);
    if value.has_type(expected) {
        return Ok(());
    }
    let place = match graph.inputs.get(id.index()) {
        Some(input) => format!("input `{}`", input.name),
        None => format!("value {}", id.0),
    };
    Err(InterpError::Type { place, found: value.ty().to_string(), expected: expected.to_string() })
}
