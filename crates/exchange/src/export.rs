//! From a network's values to a file of another library.

use crate::bytes::Bytes;
use crate::mapping::{Tensor, mapping};
use crate::{ExchangeError, Library, Notes};
use cotangent_net::Network;
use safetensors::{Dtype, serialize};
use std::collections::HashMap;

/// The bytes of a safetensors file that `library`'s model of `net` loads with
/// `strict=True`, from the parameters and running statistics in the network's
/// order. Given the [`Notes`] of an imported file, it is that file again.
///
/// # Errors
/// The values are not those of `net`, or `net` has no counterpart there.
pub fn export(
    net: &Network,
    library: Library,
    params: &[&[f32]],
    stats: &[&[f32]],
    notes: &Notes,
) -> Result<Vec<u8>, ExchangeError> {
    let mapping = mapping(net, library)?;
    let mut file = Vec::new();
    let mut values = params.iter().chain(stats).copied();
    for t in &mapping.tensors {
        let ours = values.next().unwrap_or_default();
        let mut bytes = Bytes::reals(&t.ours, &t.shape, ours, |v| t.order.theirs(v))?;
        bytes.shape = shape(t, notes);
        file.push((&t.theirs, bytes));
    }
    for name in &mapping.counters {
        let count = notes.counters.get(name).copied().unwrap_or(0);
        let bytes = count.to_le_bytes().to_vec();
        file.push((name, Bytes { dtype: Dtype::I64, shape: vec![], bytes }));
    }
    let mut metadata: HashMap<String, String> = notes.metadata.clone().into_iter().collect();
    // What PyTorch's loaders look for.
    metadata.entry("format".into()).or_insert_with(|| "pt".into());
    serialize(file, Some(metadata))
        .map_err(|e| ExchangeError::NotSafetensors { reason: e.to_string() })
}

/// The shape to write: the imported file's, where it is one that fits.
fn shape(t: &Tensor, notes: &Notes) -> Vec<usize> {
    let noted = notes.shapes.get(&t.theirs).filter(|s| t.shapes.contains(s));
    noted.or(t.shapes.first()).cloned().unwrap_or_default()
}
