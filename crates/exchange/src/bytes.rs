//! A tensor as a safetensors file holds it.

use crate::ExchangeError;
use safetensors::{Dtype, View};
use std::borrow::Cow;

pub(crate) struct Bytes {
    pub dtype: Dtype,
    pub shape: Vec<usize>,
    pub bytes: Vec<u8>,
}

impl Bytes {
    /// f32 numbers of this shape, or of their number an error that names
    /// `tensor`; `order` puts them in the order to write.
    pub fn reals(
        tensor: &str,
        shape: &[usize],
        values: &[f32],
        order: impl FnOnce(&[f32]) -> Vec<f32>,
    ) -> Result<Self, ExchangeError> {
        let expected: usize = shape.iter().product();
        if values.len() != expected {
            let (tensor, found, shape) = (tensor.into(), values.len(), shape.into());
            return Err(ExchangeError::Length { tensor, found, expected, shape });
        }
        let bytes = order(values).iter().flat_map(|x| x.to_le_bytes()).collect();
        Ok(Bytes { dtype: Dtype::F32, shape: shape.into(), bytes })
    }
}

impl View for Bytes {
    fn dtype(&self) -> Dtype {
        self.dtype
    }
    fn shape(&self) -> &[usize] {
        &self.shape
    }
    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.bytes)
    }
    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}
