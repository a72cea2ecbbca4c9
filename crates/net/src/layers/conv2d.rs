//! The two-dimensional convolution.

use super::dense::{is_true, yes};
use super::sizes::{image, slide};
use super::{Padding, Pair, Plan, Rule, add_bias};
use crate::{Init, LayerKind};
use cotangent_graph::{Builder, ConvDims, GraphError, Op, ValueId};
use serde::{Deserialize, Serialize};

/// Cross-correlation of `[height, width, channels]` with a kernel
/// `[height, width, channels / groups, features]`, plus a bias `[features]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Conv2d {
    /// Output features.
    pub features: usize,
    /// Kernel size.
    pub kernel: Pair,
    /// Stride.
    #[serde(default = "one", skip_serializing_if = "Pair::is_one")]
    pub stride: Pair,
    /// Padding; `"same"` unless given.
    #[serde(default = "Padding::same", skip_serializing_if = "Padding::is_same")]
    pub padding: Padding,
    /// Kernel dilation.
    #[serde(default = "one", skip_serializing_if = "Pair::is_one")]
    pub dilation: Pair,
    /// Feature groups.
    #[serde(default = "one_group", skip_serializing_if = "is_one")]
    pub groups: usize,
    /// Whether there is a bias.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub bias: bool,
}

fn one() -> Pair {
    Pair::both(1)
}

fn one_group() -> usize {
    1
}

fn is_one(n: &usize) -> bool {
    *n == 1
}

impl Conv2d {
    pub(crate) const KEYS: &'static [&'static str] =
        &["features", "kernel", "stride", "padding", "dilation", "groups", "bias"];

    /// A square kernel, stride 1, `same` padding, one group, a bias.
    pub fn new(features: usize, kernel: usize) -> Self {
        Conv2d {
            features,
            kernel: Pair::both(kernel),
            stride: one(),
            padding: Padding::SAME,
            dilation: one(),
            groups: 1,
            bias: true,
        }
    }
}

impl Rule for Conv2d {
    fn plan(&self, input: &[usize]) -> Result<Plan, String> {
        let [height, width, channels] = image(input)?;
        let positive = [self.kernel, self.stride, self.dilation].iter().all(Pair::is_positive);
        if !positive || self.groups == 0 || self.features == 0 {
            return Err("features, kernel, stride, dilation and groups must be at least 1".into());
        }
        if !channels.is_multiple_of(self.groups) || !self.features.is_multiple_of(self.groups) {
            return Err(format!(
                "{channels} input channels and {} features must both divide into {} groups; \
                 use a common divisor",
                self.features, self.groups
            ));
        }
        let size = [height, width];
        let padding = self.padding.resolve(size, self.kernel, self.stride, self.dilation);
        let [oh, ow] = slide(size, self.kernel, self.stride, self.dilation, padding)?;
        let [kh, kw] = self.kernel.0;
        let per_group = channels / self.groups;
        let fan_in = kh.saturating_mul(kw).saturating_mul(per_group);
        let weight = vec![kh, kw, per_group, self.features];
        let mut params = vec![("weight", weight, Init::HeNormal { fan_in })];
        if self.bias {
            params.push(("bias", vec![self.features], Init::Zeros));
        }
        let outputs = [oh, ow, self.features].iter().fold(1u64, |n, &d| n.saturating_mul(d as u64));
        Ok(Plan {
            kind: LayerKind::Conv2d(Conv2d { padding: Padding::Sides(padding), ..self.clone() }),
            output: vec![oh, ow, self.features],
            params,
            macs: outputs.saturating_mul(fan_in as u64),
        })
    }

    fn emit(&self, b: &mut Builder, params: &[ValueId], x: ValueId) -> Result<ValueId, GraphError> {
        let shape = b.shape(x);
        let padding =
            self.padding.resolve([shape[1], shape[2]], self.kernel, self.stride, self.dilation);
        let dims = ConvDims {
            strides: self.stride.0.to_vec(),
            padding: padding.to_vec(),
            dilation: self.dilation.0.to_vec(),
            groups: self.groups,
        };
        let y = b.push(Op::Conv(dims), &[x, params[0]])?;
        match params.get(1) {
            Some(&bias) => add_bias(b, y, bias),
            None => Ok(y),
        }
    }

    fn trick(&self) -> &'static str {
        "sparse Toeplitz"
    }
}
