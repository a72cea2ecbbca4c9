//! The transpose of a convolution.

use super::sizes::image;
use super::{InitScheme, Padding, Pair, Plan, Rule};
use crate::elaborate::Scope;
use crate::field::attributes;
use crate::{Init, LayerKind};
use cotangent_graph::{ConvDims, GraphError, Op, ValueId};

attributes! {
    /// The input gradient of a convolution as a layer (PyTorch's
    /// `ConvTranspose2d`): kernel `[height, width, features / groups,
    /// channels]`, output size `(n - 1)·stride + dilation·(kernel - 1) + 1 +
    /// output_padding - padding`.
    ConvTranspose2d {
        /// Output features.
        features: usize,
        /// Kernel size.
        kernel: Pair,
        ;
        /// Stride of the convolution transposed.
        stride: Pair = Pair::both(1),
        /// Padding of the convolution transposed: taken off the output.
        padding: Padding = Padding::VALID,
        /// Rows and columns added at the bottom and right, below the stride.
        output_padding: Pair = Pair::both(0),
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

impl ConvTranspose2d {
    /// Padding and output size in one direction.
    fn side(&self, d: usize, n: usize) -> Result<((usize, usize), usize), String> {
        const LIMIT: usize = 1 << 24;
        let (k, s, dilation) = (self.kernel.0[d], self.stride.0[d], self.dilation.0[d]);
        let extra = self.output_padding.0[d];
        if [k, s, dilation, n].iter().any(|&m| m > LIMIT) {
            return Err(format!("sizes must be at most {LIMIT}"));
        }
        if extra >= s {
            return Err(format!("output_padding {extra} must be below the stride, which is {s}"));
        }
        let span = (k - 1) * dilation + 1;
        let padding = match self.padding {
            // The transpose of the convolution that pads so: the output has
            // `stride` cells for each input cell.
            Padding::SAME => {
                let total = span.checked_sub(s).ok_or_else(|| {
                    format!(
                        "\"same\" padding needs a kernel that spans at least the stride; it spans \
                         {span}, the stride is {s}: use a larger kernel or padding in numbers"
                    )
                })?;
                (total / 2, total - total / 2)
            }
            Padding::VALID => (0, 0),
            Padding::All(p) => (p, p),
            Padding::Sides(sides) => sides[d],
        };
        let whole = (n - 1) * s + span + extra;
        let size = padding.0.checked_add(padding.1).and_then(|p| whole.checked_sub(p));
        match size {
            Some(size) if size > 0 => Ok((padding, size)),
            _ => Err(format!(
                "padding {padding:?} takes off all {whole} cells of the output; pad by less"
            )),
        }
    }

    /// The convolution transposed, and the output's height and width.
    fn transposed(&self, [h, w]: [usize; 2]) -> Result<(ConvDims, [usize; 2]), String> {
        let ((vertical, oh), (horizontal, ow)) = (self.side(0, h)?, self.side(1, w)?);
        let dims = ConvDims {
            strides: self.stride.0.to_vec(),
            padding: vec![vertical, horizontal],
            dilation: self.dilation.0.to_vec(),
            groups: self.groups,
        };
        Ok((dims, [oh, ow]))
    }
}

impl Rule for ConvTranspose2d {
    fn plan(&self, input: &[usize], _: &[Vec<usize>]) -> Result<Plan, String> {
        let [h, w, channels] = image(input)?;
        let sizes = [self.kernel, self.stride, self.dilation];
        if !sizes.iter().all(Pair::is_positive) || self.groups == 0 || self.features == 0 {
            return Err("features, kernel, stride, dilation and groups must be at least 1".into());
        }
        if !channels.is_multiple_of(self.groups) || !self.features.is_multiple_of(self.groups) {
            return Err(format!(
                "{channels} input channels and {} features must both divide into {} groups; \
                 use a common divisor",
                self.features, self.groups
            ));
        }
        let (dims, [oh, ow]) = self.transposed([h, w])?;
        let [kh, kw] = self.kernel.0;
        let (per_group, cells) = (self.features / self.groups, kh.saturating_mul(kw));
        // Each output sums one kernel cell in `stride` of them per direction.
        let [sh, sw] = self.stride.0;
        let fan_in = (kh.div_ceil(sh)).saturating_mul(kw.div_ceil(sw)) * (channels / self.groups);
        let init = self.init.init(fan_in, cells.saturating_mul(per_group));
        let padding = Padding::Sides([dims.padding[0], dims.padding[1]]);
        let plan = Plan::new([oh, ow, self.features])
            .param("weight", [kh, kw, per_group, channels], init)
            .param_if(self.bias, "bias", self.features, Init::ZEROS)
            .macs(&[h, w, channels, cells, per_group]);
        let kind = LayerKind::ConvTranspose2d(ConvTranspose2d { padding, ..self.clone() });
        Ok(Plan { kind: Some(kind), ..plan })
    }

    fn emit(&self, s: &mut Scope, x: ValueId, _: &[ValueId]) -> Result<ValueId, GraphError> {
        let shape = s.b.shape(x).to_vec();
        let (dims, size) = self.transposed([shape[1], shape[2]]).map_err(|e| s.fault(e))?;
        let weight = s.param(0)?;
        let y = s.b.push(Op::ConvInputGrad { dims, input: size.to_vec() }, &[x, weight])?;
        match s.optional_param(1)? {
            Some(bias) => s.add_bias(y, bias),
            None => Ok(y),
        }
    }

    fn trick(&self) -> &'static str {
        "sparse Toeplitz"
    }
}
