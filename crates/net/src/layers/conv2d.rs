//! The two-dimensional convolution.

use super::sizes::{image, slide};
use super::{InitScheme, Padding, Pair, Plan, Rule};
use crate::elaborate::Scope;
use crate::field::attributes;
use crate::{Init, LayerKind};
use cotangent_graph::{ConvDims, GraphError, Op, ValueId};

attributes! {
    /// Cross-correlation of `[height, width, channels]` with a kernel
    /// `[height, width, channels / groups, features]`, plus a bias `[features]`.
    Conv2d {
        /// Output features.
        features: usize,
        /// Kernel size.
        kernel: Pair,
        ;
        /// Stride.
        stride: Pair = Pair::both(1),
        /// Padding.
        padding: Padding = Padding::SAME,
        /// Kernel dilation.
        dilation: Pair = Pair::both(1),
        /// Feature groups.
        groups: usize = 1,
        /// Whether there is a bias.
        bias: bool = true,
        /// How the kernel starts.
        init: InitScheme = InitScheme::HeNormal,
    }
}

impl Conv2d {
    /// What a convolution with explicit padding comes to.
    pub(super) fn resolved(&self, input: &[usize]) -> Result<(Conv2d, Plan), String> {
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
        let cells = kh.saturating_mul(kw);
        let fan_in = cells.saturating_mul(per_group);
        let fan_out = cells.saturating_mul(self.features / self.groups);
        let weight = vec![kh, kw, per_group, self.features];
        let plan = Plan::new([oh, ow, self.features])
            .param("weight", weight, self.init.init(fan_in, fan_out))
            .param_if(self.bias, "bias", self.features, Init::ZEROS)
            .macs(&[oh, ow, self.features, fan_in]);
        Ok((Conv2d { padding: Padding::Sides(padding), ..self.clone() }, plan))
    }
}

impl Rule for Conv2d {
    fn plan(&self, input: &[usize], _: &[Vec<usize>]) -> Result<Plan, String> {
        let (resolved, plan) = self.resolved(input)?;
        Ok(Plan { kind: Some(LayerKind::Conv2d(resolved)), ..plan })
    }

    fn emit(&self, s: &mut Scope, x: ValueId, _: &[ValueId]) -> Result<ValueId, GraphError> {
        let shape = s.b.shape(x);
        let padding =
            self.padding.reached([shape[1], shape[2]], self.kernel, self.stride, self.dilation);
        let dims = ConvDims {
            strides: self.stride.0.to_vec(),
            padding: padding.to_vec(),
            dilation: self.dilation.0.to_vec(),
            groups: self.groups,
        };
        let weight = s.param(0)?;
        let y = s.b.push(Op::Conv(dims), &[x, weight])?;
        match s.optional_param(1)? {
            Some(bias) => s.add_bias(y, bias),
            None => Ok(y),
        }
    }

    fn trick(&self) -> &'static str {
        "sparse Toeplitz"
    }
}
