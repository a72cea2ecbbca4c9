//! From a file of another library to a network's values.

use crate::bytes::Bytes;
use crate::mapping::{Mapping, Tensor, mapping};
use crate::{ExchangeError, Library, Misfit};
use cotangent_net::Network;
use safetensors::{Dtype, SafeTensors, serialize};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What a file held.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    /// The network's parameters, in order, each row-major.
    pub params: Vec<Vec<f32>>,
    /// Its running statistics, in order.
    pub stats: Vec<Vec<f32>>,
    /// What else there was.
    pub notes: Notes,
}

/// What a network has no place for, kept so that [`export`](crate::export)
/// gives it back.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notes {
    /// The counts of batches, by name in the file; one that is not here is 0.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub counters: BTreeMap<String, i64>,
    /// Shapes by name in the file, where it is not the one that the library
    /// writes but another that says the same.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub shapes: BTreeMap<String, Vec<usize>>,
    /// The file's metadata.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
}

impl Notes {
    /// As one line of JSON, to be kept beside the weights.
    pub fn to_json(&self) -> String {
        // Maps of strings, numbers and lists always have a JSON form.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads what [`Notes::to_json`] wrote.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn from_json(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|e| e.to_string())
    }
}

impl Imported {
    /// The metadata key of the [`Notes`] in [`Imported::to_safetensors`].
    pub const NOTES: &'static str = "notes";

    /// The bytes of a weights file of `net`: parameters and running statistics
    /// by name, with its specification and the [`Notes`].
    ///
    /// # Errors
    /// The values are not those of `net`.
    pub fn to_safetensors(&self, net: &Network) -> Result<Vec<u8>, ExchangeError> {
        let params = net.params().iter().map(|p| (&p.name, &p.shape)).zip(&self.params);
        let stats = net.stats().iter().map(|s| (&s.name, &s.shape)).zip(&self.stats);
        let tensors = params
            .chain(stats)
            .map(|((name, shape), v)| Ok((name, Bytes::reals(name, shape, v, <[f32]>::to_vec)?)));
        let tensors: Vec<(&String, Bytes)> = tensors.collect::<Result<_, ExchangeError>>()?;
        let metadata = [
            ("model", net.spec().name.clone()),
            ("spec", net.spec().to_toml()),
            (Self::NOTES, self.notes.to_json()),
        ];
        let metadata = metadata.map(|(k, v)| (k.to_string(), v)).into();
        serialize(tensors, Some(metadata))
            .map_err(|e| ExchangeError::NotSafetensors { reason: e.to_string() })
    }
}

/// Reads `file`, a safetensors file of `library`'s weights of `net`.
///
/// # Errors
/// It is not safetensors; a tensor is missing, one too many, of another shape
/// or element type, or not finite; or `net` has no counterpart there.
pub fn import(net: &Network, library: Library, file: &[u8]) -> Result<Imported, ExchangeError> {
    let not_safetensors =
        |e: safetensors::SafeTensorError| ExchangeError::NotSafetensors { reason: e.to_string() };
    let (_, header) = SafeTensors::read_metadata(file).map_err(not_safetensors)?;
    let tensors = SafeTensors::deserialize(file).map_err(not_safetensors)?;
    let metadata = header.metadata().iter().flatten();
    let mut notes = Notes {
        metadata: metadata.map(|(k, v)| (k.clone(), v.clone())).collect(),
        ..Notes::default()
    };
    let mapping = mapping(net, library)?;
    check_names(net, library, &mapping, &tensors)?;
    for name in &mapping.counters {
        if let Ok(view) = tensors.tensor(name) {
            notes.counters.insert(name.clone(), counter(name, &view)?);
        }
    }
    let mut values = Vec::with_capacity(mapping.tensors.len());
    for t in &mapping.tensors {
        let view = tensors.tensor(&t.theirs).map_err(not_safetensors)?;
        if view.dtype() != Dtype::F32 {
            let (tensor, found) = (t.theirs.clone(), view.dtype().to_string());
            return Err(ExchangeError::Dtype { tensor, found, expected: "F32" });
        }
        let found = view.shape();
        if !t.shapes.iter().any(|s| s == found) {
            return Err(shape_misfit(net, t, found));
        }
        if t.shapes.first().is_none_or(|s| s != found) {
            notes.shapes.insert(t.theirs.clone(), found.to_vec());
        }
        let chunks = view.data().as_chunks().0.iter();
        let theirs: Vec<f32> = chunks.map(|b| f32::from_le_bytes(*b)).collect();
        if let Some(at) = theirs.iter().position(|x| !x.is_finite()) {
            let (tensor, value) = (t.theirs.clone(), theirs[at]);
            return Err(ExchangeError::NotFinite { tensor, value, at });
        }
        let variances = t.ours.ends_with(".running_var");
        if let Some(at) = theirs.iter().position(|&x| variances && x < 0.0) {
            let (tensor, value) = (t.theirs.clone(), theirs[at]);
            return Err(ExchangeError::NegativeVariance { tensor, value, at });
        }
        values.push(t.order.ours(&theirs));
    }
    let stats = values.split_off(net.params().len());
    Ok(Imported { params: values, stats, notes })
}

/// Refuses a file that lacks a tensor, or has one that nothing asks for. A
/// missing tensor is the better explanation where there is one.
fn check_names(
    net: &Network,
    library: Library,
    mapping: &Mapping,
    tensors: &SafeTensors,
) -> Result<(), ExchangeError> {
    let names: BTreeSet<&str> = tensors.names().into_iter().collect();
    let model = &net.spec().name;
    if let Some(t) = mapping.tensors.iter().find(|t| !names.contains(t.theirs.as_str())) {
        return Err(ExchangeError::Misfit(Box::new(Misfit {
            tensor: t.theirs.clone(),
            ours: Some((t.ours.clone(), t.shape.clone())),
            found: "none".into(),
            expected: t.shapes.first().map_or(String::new(), |s| format!("{s:?}")),
            fix: format!(
                "give {library}'s weights of `{model}`, or say --from {} if they are its",
                library.other()
            ),
        })));
    }
    let mut known: BTreeSet<&str> = mapping.tensors.iter().map(|t| t.theirs.as_str()).collect();
    known.extend(mapping.counters.iter().map(String::as_str));
    match names.difference(&known).next() {
        None => Ok(()),
        Some(&name) => Err(ExchangeError::Misfit(Box::new(Misfit {
            tensor: name.into(),
            ours: None,
            found: tensors.tensor(name).map_or(String::new(), |v| format!("{:?}", v.shape())),
            expected: "no such tensor".into(),
            fix: format!(
                "give {library}'s weights of `{model}`, or leave that tensor out of the file"
            ),
        }))),
    }
}

fn shape_misfit(net: &Network, t: &Tensor, found: &[usize]) -> ExchangeError {
    let expected = t.shapes.first().cloned().unwrap_or_default();
    let classes = found.first().copied().unwrap_or(0);
    let fix = match (t.head, found.get(1..) == expected.get(1..)) {
        (true, true) => format!(
            "the file is of {classes} classes: import with --classes {classes}; `train --weights F \
             --reset-head` then trains it on another number of classes"
        ),
        _ => format!("give the weights of `{}` as it is here", net.spec().name),
    };
    let listed: Vec<String> = t.shapes.iter().map(|s| format!("{s:?}")).collect();
    ExchangeError::Misfit(Box::new(Misfit {
        tensor: t.theirs.clone(),
        ours: Some((t.ours.clone(), t.shape.clone())),
        found: format!("{found:?}"),
        expected: listed.join(" or "),
        fix,
    }))
}

fn counter(name: &str, view: &safetensors::tensor::TensorView) -> Result<i64, ExchangeError> {
    match (view.dtype(), <[u8; 8]>::try_from(view.data())) {
        (Dtype::I64, Ok(bytes)) => Ok(i64::from_le_bytes(bytes)),
        (dtype, _) => {
            let (tensor, found) = (name.to_string(), format!("{dtype} {:?}", view.shape()));
            Err(ExchangeError::Dtype { tensor, found, expected: "one I64" })
        }
    }
}
