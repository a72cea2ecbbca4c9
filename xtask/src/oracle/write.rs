//! Writing a case folder.

use super::Result;
use cotangent_graph::{Graph, Precision, Role};
use cotangent_interp::{Scalar, Tensor, Value};
use cotangent_native::{Executor, Options};
use cotangent_stablehlo::{Program, manifest};
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use serde_json::json;
use std::fs;
use std::path::Path;

/// Hyper-parameters by name.
pub type Hyper = Vec<(&'static str, f64)>;

/// A program with inputs, and what it is to be compared with.
pub struct Case {
    pub name: String,
    pub program: Program,
    /// In the order of the program's inputs.
    pub inputs: Vec<Value<f64>>,
    pub reference: &'static str,
    pub compare: &'static str,
    pub attrs: serde_json::Value,
    /// The hyper-parameters of each consecutive step; one step with those of
    /// the inputs if there are none.
    pub steps: Vec<Hyper>,
}

impl Case {
    /// Writes the case to `root/name`. The engines execute the text parsed
    /// back, as `train` does.
    pub fn write(&self, root: &Path) -> Result<()> {
        let folder = root.join(&self.name);
        fs::create_dir_all(&folder)?;
        let text = self.program.to_text()?;
        let program = Program::from_text(&text)?;
        let dtype = match program.precision {
            Precision::F32 => "f32",
            Precision::F64 => "f64",
        };
        fs::write(folder.join("step.mlir"), &text)?;
        fs::write(folder.join("step.json"), serde_json::to_string_pretty(&manifest(&program))?)?;
        let mut attrs = self.attrs.clone();
        if !self.steps.is_empty() {
            let object = |hyper: &Hyper| {
                let numbers = hyper.iter().map(|(name, x)| (name.to_string(), json!(x)));
                serde_json::Value::Object(numbers.collect())
            };
            attrs["steps"] = self.steps.iter().map(object).collect();
        }
        let about = json!({
            "reference": self.reference,
            "attrs": attrs,
            "dtype": dtype,
            "compare": self.compare,
        });
        fs::write(folder.join("case.json"), about.to_string())?;

        let inputs: Vec<&str> = program.graph.inputs.iter().map(|i| i.name.as_str()).collect();
        let outputs: Vec<&str> = program.graph.outputs.iter().map(|o| o.name.as_str()).collect();
        match program.precision {
            Precision::F64 => {
                save(&folder.join("inputs.safetensors"), &inputs, &self.inputs)?;
                let results = self.interpret(&program.graph, &self.inputs)?;
                save(&folder.join("outputs.interp.safetensors"), &outputs, &results)?;
            }
            Precision::F32 => {
                let narrow: Vec<Value<f32>> =
                    self.inputs.iter().map(narrow).collect::<Result<_>>()?;
                save(&folder.join("inputs.safetensors"), &inputs, &narrow)?;
                let results = self.interpret(&program.graph, &narrow)?;
                save(&folder.join("outputs.interp.safetensors"), &outputs, &results)?;
                let results = self.execute(&program, &narrow)?;
                save(&folder.join("outputs.native.safetensors"), &outputs, &results)?;
            }
        }
        Ok(())
    }

    /// The outputs of the last step by the interpreter. From step to step what
    /// is resident is handed on.
    fn interpret<T: Scalar>(&self, graph: &Graph, inputs: &[Value<T>]) -> Result<Vec<Value<T>>> {
        let mut current = inputs.to_vec();
        let mut results = cotangent_interp::run(graph, &self.fed(graph, inputs, &current, 0)?)?;
        for step in 1..self.steps.len() {
            for (output, value) in graph.outputs.iter().zip(results) {
                if output.role.is_resident() {
                    let into =
                        graph.input(&output.name).ok_or("a resident output without input")?;
                    current[into] = value;
                }
            }
            results = cotangent_interp::run(graph, &self.fed(graph, inputs, &current, step)?)?;
        }
        Ok(results)
    }

    /// The same by the native executor, which hands on by itself.
    fn execute(&self, program: &Program, inputs: &[Value<f32>]) -> Result<Vec<Value<f32>>> {
        let graph = &program.graph;
        let mut executor = Executor::new(graph, &Options { threads: 2 })?;
        for step in 0..self.steps.len().max(1) {
            for (k, value) in self.fed(graph, inputs, inputs, step)?.iter().enumerate() {
                if step == 0 || !graph.inputs[k].role.is_resident() {
                    executor.input_mut(k).copy_from_slice(value.real()?.data());
                }
            }
            executor.run()?;
        }
        let output = |(k, o): (usize, &cotangent_graph::Output)| {
            let shape = graph.ty(o.value).shape.clone();
            Ok(Tensor::new(shape, executor.output(k).to_vec())?.into())
        };
        graph.outputs.iter().enumerate().map(output).collect()
    }

    /// `current` as step `step` takes it: data and targets are those of
    /// `inputs` moved on by `step` places, cyclically and in row-major order,
    /// and the hyper-parameters the step's own.
    fn fed<T: Scalar>(
        &self,
        graph: &Graph,
        inputs: &[Value<T>],
        current: &[Value<T>],
        step: usize,
    ) -> Result<Vec<Value<T>>> {
        let mut fed = current.to_vec();
        for (k, input) in graph.inputs.iter().enumerate() {
            if matches!(input.role, Role::Data | Role::Target) {
                let tensor = inputs[k].real()?;
                let mut data = tensor.data().to_vec();
                let places = step % data.len();
                data.rotate_right(places);
                fed[k] = Tensor::new(tensor.shape().to_vec(), data)?.into();
            }
            let own = self.steps.get(step).and_then(|h| h.iter().find(|(n, _)| *n == input.name));
            if let Some((_, x)) = own {
                let x = T::from(*x).ok_or("a hyper-parameter without a value")?;
                fed[k] = Tensor::new([], vec![x])?.into();
            }
        }
        Ok(fed)
    }
}

fn narrow(value: &Value<f64>) -> Result<Value<f32>> {
    let tensor = value.real()?;
    let data = tensor.data().iter().map(|&x| x as f32).collect();
    Ok(Tensor::new(tensor.shape().to_vec(), data)?.into())
}

/// Element types that a safetensors file stores.
trait Stored: Scalar {
    const DTYPE: Dtype;
    fn bytes(data: &[Self]) -> Vec<u8>;
}

impl Stored for f32 {
    const DTYPE: Dtype = Dtype::F32;
    fn bytes(data: &[f32]) -> Vec<u8> {
        data.iter().flat_map(|x| x.to_le_bytes()).collect()
    }
}

impl Stored for f64 {
    const DTYPE: Dtype = Dtype::F64;
    fn bytes(data: &[f64]) -> Vec<u8> {
        data.iter().flat_map(|x| x.to_le_bytes()).collect()
    }
}

fn save<T: Stored>(path: &Path, names: &[&str], values: &[Value<T>]) -> Result<()> {
    let bytes: Vec<(Vec<usize>, Vec<u8>)> = values
        .iter()
        .map(|v| v.real().map(|t| (t.shape().to_vec(), T::bytes(t.data()))))
        .collect::<std::result::Result<_, _>>()?;
    let views = bytes
        .iter()
        .map(|(shape, data)| TensorView::new(T::DTYPE, shape.clone(), data))
        .collect::<std::result::Result<Vec<_>, _>>()?;
    fs::write(path, safetensors::serialize(names.iter().zip(views), None)?)?;
    Ok(())
}
