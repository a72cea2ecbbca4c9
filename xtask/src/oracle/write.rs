//! Writing a case folder.

use super::Result;
use cotangent_graph::Precision;
use cotangent_interp::{Scalar, Tensor, Value};
use cotangent_native::{Executor, Options};
use cotangent_stablehlo::{Program, manifest};
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use serde_json::json;
use std::fs;
use std::path::Path;

/// A program with inputs, and what it is to be compared with.
pub struct Case {
    pub name: String,
    pub program: Program,
    /// In the order of the program's inputs.
    pub inputs: Vec<Value<f64>>,
    pub reference: &'static str,
    pub compare: &'static str,
    pub attrs: serde_json::Value,
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
        let about = json!({
            "reference": self.reference,
            "attrs": self.attrs,
            "dtype": dtype,
            "compare": self.compare,
        });
        fs::write(folder.join("case.json"), about.to_string())?;

        let inputs: Vec<&str> = program.graph.inputs.iter().map(|i| i.name.as_str()).collect();
        let outputs: Vec<&str> = program.graph.outputs.iter().map(|o| o.name.as_str()).collect();
        match program.precision {
            Precision::F64 => {
                save(&folder.join("inputs.safetensors"), &inputs, &self.inputs)?;
                let results = cotangent_interp::run(&program.graph, &self.inputs)?;
                save(&folder.join("outputs.interp.safetensors"), &outputs, &results)?;
            }
            Precision::F32 => {
                let narrow: Vec<Value<f32>> =
                    self.inputs.iter().map(narrow).collect::<Result<_>>()?;
                save(&folder.join("inputs.safetensors"), &inputs, &narrow)?;
                let results = cotangent_interp::run(&program.graph, &narrow)?;
                save(&folder.join("outputs.interp.safetensors"), &outputs, &results)?;
                let results = native(&program, &narrow)?;
                save(&folder.join("outputs.native.safetensors"), &outputs, &results)?;
            }
        }
        Ok(())
    }
}

fn native(program: &Program, inputs: &[Value<f32>]) -> Result<Vec<Value<f32>>> {
    let mut executor = Executor::new(&program.graph, &Options { threads: 2 })?;
    for (k, value) in inputs.iter().enumerate() {
        executor.input_mut(k).copy_from_slice(value.real()?.data());
    }
    executor.run()?;
    let output = |(k, o): (usize, &cotangent_graph::Output)| {
        let shape = program.graph.ty(o.value).shape.clone();
        Ok(Tensor::new(shape, executor.output(k).to_vec())?.into())
    };
    program.graph.outputs.iter().enumerate().map(output).collect()
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
