//! From a graph with outputs to a graph with a loss and its gradients.

use crate::CheckError;
use cotangent_graph::{Builder, Graph, Role, ValueId};
use cotangent_vjp::{Rule, vjp_with};

/// The graph of `L = Σ_k Σ y_k·c_k` over the real outputs `y_k` of `forward`,
/// and of the gradient of `L` in every input of role [`Role::Param`], under
/// `rule`. Each weight `c_k` is a new data input named `c.` and the output's
/// name; each gradient has the name of its parameter. Random weights make
/// every entry of the Jacobian count.
pub fn differentiated(forward: &Graph, rule: Rule) -> Result<Graph, CheckError> {
    forward.verify()?;
    let mut b = Builder::new();
    let mut values = Vec::new();
    for input in &forward.inputs {
        values.push(b.input(&input.name, input.role, input.ty.clone())?);
    }
    let mut weighted = Vec::new();
    for output in forward.outputs.iter().filter(|o| forward.ty(o.value).is_real()) {
        let name = format!("c.{}", output.name);
        let ty = forward.ty(output.value).clone();
        weighted.push((output.value, b.input(name, Role::Data, ty)?));
    }
    for instruction in &forward.instructions {
        let operands: Vec<ValueId> =
            instruction.operands.iter().map(|v| values[v.index()]).collect();
        values.push(b.push(instruction.op.clone(), &operands)?);
    }
    let mut loss = None;
    for (output, weight) in weighted {
        let product = b.mul(values[output.index()], weight)?;
        let all: Vec<usize> = (0..b.ty(product).rank()).collect();
        let term = b.reduce_sum(product, &all)?;
        loss = Some(match loss {
            None => term,
            Some(sum) => b.add(sum, term)?,
        });
    }
    let loss = loss.ok_or_else(|| CheckError::Outputs("there is no real output".into()))?;
    let params: Vec<ValueId> = (0..forward.inputs.len())
        .filter(|&k| forward.inputs[k].role == Role::Param)
        .map(|k| ValueId(k as u32))
        .collect();
    let one = b.constant(1, &[])?;
    let gradients = vjp_with(rule, &mut b, loss, one, &params)?;
    b.output("loss", Role::Loss, loss);
    for (param, gradient) in params.iter().zip(gradients) {
        b.output(&forward.inputs[param.index()].name, Role::Grad, gradient);
    }
    Ok(b.finish()?)
}
