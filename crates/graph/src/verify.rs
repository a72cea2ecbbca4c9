//! The verifier: what every pass may rely on.

use crate::{Graph, GraphError, ValueId};
use std::collections::HashSet;

impl Graph {
    /// Checks that operands are defined before use, that every stored type is
    /// the one its op yields, and that names are unique.
    pub fn verify(&self) -> Result<(), GraphError> {
        unique("inputs", self.inputs.iter().map(|i| i.name.as_str()))?;
        unique("outputs", self.outputs.iter().map(|o| o.name.as_str()))?;
        for input in &self.inputs {
            if !input.ty.checked_len().is_some_and(|n| n > 0 && n <= isize::MAX as usize / 8) {
                return Err(GraphError::Type {
                    op: "input",
                    reason: format!("`{}` has type {}, empty or too large", input.name, input.ty),
                });
            }
        }
        for (index, instruction) in self.instructions.iter().enumerate() {
            let op = instruction.op.name();
            let defined = self.inputs.len() + index;
            for &v in &instruction.operands {
                check_defined(v, defined, || format!("instruction {index} ({op})"))?;
            }
            let expected = instruction.op.infer(&self.operand_types(instruction))?;
            if instruction.ty != expected {
                return Err(GraphError::Stored {
                    index,
                    op,
                    found: instruction.ty.to_string(),
                    expected: expected.to_string(),
                });
            }
        }
        for output in &self.outputs {
            check_defined(output.value, self.values(), || format!("output `{}`", output.name))?;
        }
        Ok(())
    }
}

fn check_defined(
    value: ValueId,
    defined: usize,
    place: impl FnOnce() -> String,
) -> Result<(), GraphError> {
    if value.index() < defined {
        return Ok(());
    }
    Err(GraphError::Undefined { place: place(), value: value.0, defined: defined as u32 })
}

fn unique<'a>(what: &'static str, names: impl Iterator<Item = &'a str>) -> Result<(), GraphError> {
    let mut seen = HashSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(GraphError::Name { what, name: name.into() });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Builder, Op, Role, TensorType};

    fn small() -> Graph {
        let mut b = Builder::new();
        let x = b.input("x", Role::Data, TensorType::real([2, 3])).unwrap();
        let y = b.push(Op::Relu, &[x]).unwrap();
        b.output("y", Role::Logits, y);
        b.finish().unwrap()
    }

    #[test]
    fn accepts_a_sound_graph() {
        assert_eq!(small().verify(), Ok(()));
    }

    #[test]
    fn refuses_use_before_definition() {
        let mut g = small();
        g.instructions[0].operands[0] = ValueId(1);
        assert!(matches!(g.verify(), Err(GraphError::Undefined { value: 1, defined: 1, .. })));
        let mut g = small();
        g.outputs[0].value = ValueId(7);
        assert!(matches!(g.verify(), Err(GraphError::Undefined { value: 7, defined: 2, .. })));
    }

    #[test]
    fn refuses_a_wrong_stored_type() {
        let mut g = small();
        g.instructions[0].ty = TensorType::real([3, 2]);
        assert!(matches!(g.verify(), Err(GraphError::Stored { index: 0, .. })));
    }

    #[test]
    fn refuses_one_name_twice() {
        let mut g = small();
        g.outputs.push(g.outputs[0].clone());
        assert!(matches!(g.verify(), Err(GraphError::Name { what: "outputs", .. })));
    }
}
