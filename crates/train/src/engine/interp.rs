//! The interpreter as an engine.

use super::Engine;
use crate::TrainError;
use cotangent_graph::Graph;
use cotangent_interp::{Tensor, Value, run};

pub(super) struct Interp {
    graph: Graph,
    inputs: Vec<Value<f32>>,
    outputs: Vec<Value<f32>>,
    /// Output and the input it becomes.
    resident: Vec<(usize, usize)>,
}

impl Interp {
    pub fn new(graph: &Graph) -> Result<Self, TrainError> {
        let zeros = |shape: &[usize]| -> Result<Value<f32>, TrainError> {
            let len = shape.iter().product();
            Ok(Tensor::new(shape, vec![0.0; len])?.into())
        };
        let inputs = graph.inputs.iter().map(|i| zeros(&i.ty.shape)).collect::<Result<_, _>>()?;
        let outputs = graph.outputs.iter().map(|o| zeros(&graph.ty(o.value).shape));
        let outputs = outputs.collect::<Result<_, _>>()?;
        let into = |(o, output): (usize, &cotangent_graph::Output)| {
            let same = |i: &cotangent_graph::Input| i.name == output.name && i.role == output.role;
            graph.inputs.iter().position(same).filter(|_| output.role.is_resident()).map(|i| (o, i))
        };
        let resident = graph.outputs.iter().enumerate().filter_map(into).collect();
        Ok(Interp { graph: graph.clone(), inputs, outputs, resident })
    }
}

impl Engine for Interp {
    fn input(&self, k: usize) -> &[f32] {
        match &self.inputs[k] {
            Value::Real(t) => t.data(),
            Value::Pred(_) => &[],
        }
    }

    fn input_mut(&mut self, k: usize) -> &mut [f32] {
        match &mut self.inputs[k] {
            Value::Real(t) => t.data_mut(),
            Value::Pred(_) => &mut [],
        }
    }

    fn output(&self, k: usize) -> &[f32] {
        match &self.outputs[k] {
            Value::Real(t) => t.data(),
            Value::Pred(_) => &[],
        }
    }

    fn run(&mut self) -> Result<(), TrainError> {
        self.outputs = run(&self.graph, &self.inputs)?;
        for &(output, input) in &self.resident {
            std::mem::swap(&mut self.outputs[output], &mut self.inputs[input]);
        }
        Ok(())
    }

    fn peak_bytes(&self) -> Option<usize> {
        None
    }
}
