//! Executing a program: the seam between the trainer and the back ends.

mod interp;
mod native;

use crate::{Backend, Execution, TrainError};
use cotangent_graph::{Graph, Precision, Role};
use cotangent_stablehlo::Program;

/// A graph made ready to run many times.
pub(crate) trait Engine {
    /// The buffer of input `k`. What is resident holds, after a run, its new
    /// value.
    fn input(&self, k: usize) -> &[f32];
    /// The same, to write.
    fn input_mut(&mut self, k: usize) -> &mut [f32];
    /// The value of output `k` after a run; of resident ones the input has it.
    fn output(&self, k: usize) -> &[f32];
    /// Computes the outputs and hands what is resident on to the next run.
    fn run(&mut self) -> Result<(), TrainError>;
    /// Bytes of the buffers held; `None` if unknown.
    fn peak_bytes(&self) -> Option<usize>;
}

/// A program being executed, its inputs and outputs found by role.
pub(crate) struct Step {
    engine: Box<dyn Engine>,
    graph: Graph,
    inputs: [Option<usize>; Role::ALL.len()],
    outputs: [Option<usize>; Role::ALL.len()],
}

impl Step {
    /// Parses `text` and makes it ready. `name` is what errors call it;
    /// `inputs` and `outputs` are the roles the caller will use.
    pub fn compile(
        name: &str,
        text: &str,
        execution: Execution,
        inputs: &[Role],
        outputs: &[Role],
    ) -> Result<Self, TrainError> {
        let program = Program::from_text(text)
            .map_err(|source| TrainError::Parse { name: name.into(), source: Box::new(source) })?;
        let invalid = |reason| TrainError::Invalid { what: "program", reason };
        if program.precision != Precision::F32 {
            return Err(invalid(format!("{name} is in f64; only f32 is executed")));
        }
        let graph = program.graph;
        let find_input = |role| graph.inputs.iter().position(|i| i.role == role);
        let find_output = |role| graph.outputs.iter().position(|o| o.role == role);
        let missing = inputs.iter().find(|r| find_input(**r).is_none());
        if let Some(role) = missing.or(outputs.iter().find(|r| find_output(**r).is_none())) {
            return Err(invalid(format!("{name} has no argument or result with the role {role}")));
        }
        let engine: Box<dyn Engine> = match execution.backend {
            Backend::Native => Box::new(native::Native::new(&graph, execution.threads)?),
            Backend::Interp => Box::new(interp::Interp::new(&graph)?),
        };
        let (inputs, outputs) = (Role::ALL.map(find_input), Role::ALL.map(find_output));
        Ok(Step { engine, graph, inputs, outputs })
    }

    /// The first input with this role; empty if there is none.
    pub fn input_mut(&mut self, role: Role) -> &mut [f32] {
        match self.inputs[role as usize] {
            Some(k) => self.engine.input_mut(k),
            None => &mut [],
        }
    }

    /// The position of the input called `name`.
    pub fn find_input(&self, name: &str) -> Option<usize> {
        self.graph.input(name)
    }

    /// The input at this position.
    pub fn input_at(&mut self, k: usize) -> &mut [f32] {
        self.engine.input_mut(k)
    }

    /// The hyper-parameter `name`; empty if the step has none of that name.
    pub fn hyper_mut(&mut self, name: &str) -> &mut [f32] {
        let is = |i: &cotangent_graph::Input| i.role == Role::Hyper && i.name == name;
        match self.graph.inputs.iter().position(is) {
            Some(k) => self.engine.input_mut(k),
            None => &mut [],
        }
    }

    /// The first output with this role; empty if there is none.
    pub fn output(&self, role: Role) -> &[f32] {
        match self.outputs[role as usize] {
            Some(k) => self.engine.output(k),
            None => &[],
        }
    }

    pub fn run(&mut self) -> Result<(), TrainError> {
        self.engine.run()
    }

    /// The loss of the last run.
    pub fn loss(&self) -> f32 {
        self.output(Role::Loss).first().copied().unwrap_or(f32::NAN)
    }

    /// Name, shape and value of everything resident: parameters, then
    /// optimiser state.
    pub fn resident(&self) -> impl Iterator<Item = (&str, &[usize], &[f32])> {
        let inputs = self.graph.inputs.iter().enumerate().filter(|(_, i)| i.role.is_resident());
        inputs.map(|(k, i)| (i.name.as_str(), i.ty.shape.as_slice(), self.engine.input(k)))
    }

    /// Sets everything resident to what `value` gives for its name and shape.
    pub fn set_resident<'a>(
        &mut self,
        mut value: impl FnMut(&str, &[usize]) -> Result<&'a [f32], TrainError>,
    ) -> Result<(), TrainError> {
        for (k, i) in self.graph.inputs.iter().enumerate().filter(|(_, i)| i.role.is_resident()) {
            let value = value(&i.name, &i.ty.shape)?;
            let buffer = self.engine.input_mut(k);
            if value.len() != buffer.len() {
                let (name, found, expected) = (&i.name, value.len(), buffer.len());
                let reason = format!("`{name}`: found {found} numbers, expected {expected}");
                return Err(TrainError::Invalid { what: "value of a tensor", reason });
            }
            buffer.copy_from_slice(value);
        }
        Ok(())
    }

    pub fn peak_bytes(&self) -> Option<usize> {
        self.engine.peak_bytes()
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn roles_index_their_table() {
        for (k, role) in super::Role::ALL.into_iter().enumerate() {
            assert_eq!(role as usize, k);
        }
    }
}
