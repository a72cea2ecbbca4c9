//! What a program reads and returns, for those who do not parse the text.

use crate::ast::{Element, Type};
use crate::{Program, What};
use cotangent_graph::{Precision, Role, TensorType};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The arguments and results of `@main`, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The model's name.
    pub model: String,
    /// What `@main` computes.
    pub what: What,
    /// Batch size.
    pub batch: usize,
    /// Arguments.
    pub inputs: Vec<Entry>,
    /// Results.
    pub outputs: Vec<Entry>,
}

/// An argument or a result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Name, unique among the arguments or among the results.
    pub name: String,
    /// Dimension sizes.
    pub shape: Vec<usize>,
    /// Element type.
    pub dtype: Dtype,
    /// Role.
    #[serde(serialize_with = "role_name", deserialize_with = "role_of_name")]
    pub role: Role,
}

/// Element types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dtype {
    /// IEEE 754 binary32.
    F32,
    /// IEEE 754 binary64.
    F64,
    /// Truth values.
    I1,
}

/// The manifest of a program, which should be one parsed from its text.
pub fn manifest(program: &Program) -> Manifest {
    let entry = |name: &str, role, ty: &TensorType| entry(name, role, ty, program.precision);
    let graph = &program.graph;
    Manifest {
        model: program.meta.model.clone(),
        what: program.meta.what,
        batch: program.meta.batch,
        inputs: graph.inputs.iter().map(|i| entry(&i.name, i.role, &i.ty)).collect(),
        outputs: graph.outputs.iter().map(|o| entry(&o.name, o.role, graph.ty(o.value))).collect(),
    }
}

fn entry(name: &str, role: Role, ty: &TensorType, precision: Precision) -> Entry {
    let ty = Type::new(ty, precision);
    let dtype = match ty.element {
        Element::F32 => Dtype::F32,
        Element::F64 => Dtype::F64,
        Element::I1 => Dtype::I1,
    };
    Entry { name: name.into(), shape: ty.shape, dtype, role }
}

fn role_name<S: Serializer>(role: &Role, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(role.name())
}

fn role_of_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Role, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
}
