//! The native executor as an engine.

use super::Engine;
use crate::TrainError;
use cotangent_graph::Graph;
use cotangent_native::{Executor, Options};

pub(super) struct Native(Executor);

impl Native {
    pub fn new(graph: &Graph, threads: usize) -> Result<Self, TrainError> {
        Ok(Native(Executor::new(graph, &Options { threads })?))
    }
}

impl Engine for Native {
    fn input(&self, k: usize) -> &[f32] {
        self.0.input(k)
    }

    fn input_mut(&mut self, k: usize) -> &mut [f32] {
        self.0.input_mut(k)
    }

    fn output(&self, k: usize) -> &[f32] {
        self.0.output(k)
    }

    fn run(&mut self) -> Result<(), TrainError> {
        Ok(self.0.run()?)
    }

    fn peak_bytes(&self) -> Option<usize> {
        Some(self.0.peak_bytes())
    }
}
