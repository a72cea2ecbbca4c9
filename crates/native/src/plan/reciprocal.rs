//! Division by one number, as multiplication by its reciprocal.
//!
//! Adam divides every moment by a scalar known only at run time (`1 - βᵗ`).
//! A vector division costs about ten multiplications, and the update is a
//! quarter of a dense layer's step, so the quotient is taken once. The value
//! moves by at most one unit in the last place, as long as the scalar is a
//! normal number. Constant divisors stay: means divide by N.

use cotangent_graph::{Builder, Graph, GraphError, Op, ValueId};
use std::collections::HashMap;

/// `graph`, with `a / broadcast(s)` computed as `a · broadcast(1 / s)`.
pub(crate) fn divide_once(graph: &Graph) -> Result<Graph, GraphError> {
    let mut b = Builder::new();
    let mut renamed = Vec::with_capacity(graph.values());
    for i in &graph.inputs {
        renamed.push(b.input(i.name.clone(), i.role, i.ty.clone())?);
    }
    let mut reciprocals = HashMap::new();
    for instruction in &graph.instructions {
        let operands: Vec<ValueId> =
            instruction.operands.iter().map(|v| renamed[v.index()]).collect();
        let divisor = match instruction.op {
            Op::Div => scalar(b.graph(), operands[1]),
            _ => None,
        };
        renamed.push(match divisor {
            Some(s) => {
                let reciprocal = match reciprocals.get(&s) {
                    Some(&r) => r,
                    None => {
                        let one = b.constant(1, &[])?;
                        let r = b.div(one, s)?;
                        reciprocals.insert(s, r);
                        r
                    }
                };
                let reciprocal = b.splat(reciprocal, operands[0])?;
                b.mul(operands[0], reciprocal)?
            }
            None => b.push(instruction.op.clone(), &operands)?,
        });
    }
    for o in &graph.outputs {
        b.output(o.name.clone(), o.role, renamed[o.value.index()]);
    }
    b.finish()
}

/// The scalar that `value` repeats, unless it is a constant.
fn scalar(graph: &Graph, value: ValueId) -> Option<ValueId> {
    let broadcast = graph.definition(value)?;
    let Op::BroadcastInDim { shape, dims } = &broadcast.op else { return None };
    let scalar = *broadcast.operands.first()?;
    let constant = graph.definition(scalar).is_some_and(|i| matches!(i.op, Op::Constant { .. }));
    (dims.is_empty() && !shape.is_empty() && !constant).then_some(scalar)
}

#[cfg(test)]
mod tests {
    use super::*;
    use cotangent_graph::{Role, TensorType};

    fn divisions(divisor: impl Fn(&mut Builder, ValueId) -> ValueId) -> usize {
        let mut b = Builder::new();
        let x = b.input("x", Role::Data, TensorType::real([4])).unwrap();
        let s = b.input("s", Role::Hyper, TensorType::real([])).unwrap();
        let s = divisor(&mut b, s);
        let s = b.splat(s, x).unwrap();
        for name in ["once", "twice"] {
            let y = b.div(x, s).unwrap();
            b.output(name, Role::Logits, y);
        }
        let graph = divide_once(&b.finish().unwrap()).unwrap().without_dead_code();
        let wide = |i: &&cotangent_graph::Instruction| i.op == Op::Div && !i.ty.shape.is_empty();
        let narrow = graph.instructions.iter().filter(|i| i.op == Op::Div).count();
        assert!(narrow <= 2);
        graph.instructions.iter().filter(wide).count()
    }

    #[test]
    fn run_time_divisors_are_inverted_once_and_constants_divide() {
        assert_eq!(divisions(|_, s| s), 0);
        assert_eq!(divisions(|b, _| b.constant(3, &[]).unwrap()), 2);
    }
}
