//! Pooling.

use super::dense::{is_true, yes};
use super::sizes::{image, slide};
use super::{Padding, Pair, Plan, Rule};
use crate::LayerKind;
use cotangent_graph::{Builder, GraphError, Op, ValueId, Window};
use serde::{Deserialize, Serialize};

/// Maximum over the cells of each window that lie inside the image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MaxPool {
    /// Window size.
    pub window: Pair,
    /// Stride; the window size unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stride: Option<Pair>,
    /// Padding; `"valid"` unless given.
    #[serde(default = "Padding::valid", skip_serializing_if = "Padding::is_valid")]
    pub padding: Padding,
}

/// Mean over each window (PyTorch's `AvgPool2d`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AvgPool {
    /// Window size.
    pub window: Pair,
    /// Stride; the window size unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stride: Option<Pair>,
    /// Padding; `"valid"` unless given.
    #[serde(default = "Padding::valid", skip_serializing_if = "Padding::is_valid")]
    pub padding: Padding,
    /// Whether padding counts in the divisor, as zeros.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub count_include_pad: bool,
}

impl MaxPool {
    pub(crate) const KEYS: &'static [&'static str] = &["window", "stride", "padding"];

    /// A square window, stride equal to it, no padding.
    pub fn new(window: usize) -> Self {
        MaxPool { window: Pair::both(window), stride: None, padding: Padding::VALID }
    }
}

impl AvgPool {
    pub(crate) const KEYS: &'static [&'static str] =
        &["window", "stride", "padding", "count_include_pad"];

    /// A square window, stride equal to it, no padding.
    pub fn new(window: usize) -> Self {
        AvgPool {
            window: Pair::both(window),
            stride: None,
            padding: Padding::VALID,
            count_include_pad: true,
        }
    }
}

/// What both pools share: a window over height and width.
struct Pool {
    window: Pair,
    stride: Pair,
    padding: [(usize, usize); 2],
    output: Vec<usize>,
}

impl Pool {
    fn new(
        input: &[usize],
        window: Pair,
        stride: Option<Pair>,
        padding: Padding,
    ) -> Result<Self, String> {
        let [height, width, channels] = image(input)?;
        let stride = stride.unwrap_or(window);
        if !window.is_positive() || !stride.is_positive() {
            return Err("window and stride must be at least 1".into());
        }
        let (size, one) = ([height, width], Pair::both(1));
        let padding = padding.resolve(size, window, stride, one);
        let [oh, ow] = slide(size, window, stride, one, padding)?;
        for d in 0..2 {
            let (low, _) = padding[d];
            let last = ([oh, ow][d] - 1) * stride.0[d];
            if low >= window.0[d] || last >= size[d] + low {
                return Err(format!(
                    "with padding {:?} a window of {} over {} cells lies wholly in the padding; \
                     pad by less than the window",
                    padding[d], window.0[d], size[d]
                ));
            }
        }
        Ok(Pool { window, stride, padding, output: vec![oh, ow, channels] })
    }

    fn on_batch(
        b: &Builder,
        x: ValueId,
        window: Pair,
        stride: Option<Pair>,
        padding: Padding,
    ) -> Window {
        let shape = b.shape(x);
        let stride = stride.unwrap_or(window);
        let [h, w] = padding.resolve([shape[1], shape[2]], window, stride, Pair::both(1));
        let around = |[h, w]: [usize; 2]| vec![1, h, w, 1];
        Window {
            size: around(window.0),
            strides: around(stride.0),
            padding: vec![(0, 0), h, w, (0, 0)],
        }
    }
}

impl Rule for MaxPool {
    fn plan(&self, input: &[usize]) -> Result<Plan, String> {
        let Pool { window, stride, padding, output } =
            Pool::new(input, self.window, self.stride, self.padding)?;
        let padding = Padding::Sides(padding);
        let kind = LayerKind::MaxPool(MaxPool { window, stride: Some(stride), padding });
        Ok(Plan { kind, output, params: Vec::new(), macs: 0 })
    }

    fn emit(&self, b: &mut Builder, _: &[ValueId], x: ValueId) -> Result<ValueId, GraphError> {
        let window = Pool::on_batch(b, x, self.window, self.stride, self.padding);
        b.push(Op::MaxPool(window), &[x])
    }

    fn trick(&self) -> &'static str {
        "binary selection"
    }
}

impl Rule for AvgPool {
    fn plan(&self, input: &[usize]) -> Result<Plan, String> {
        let Pool { window, stride, padding, output } =
            Pool::new(input, self.window, self.stride, self.padding)?;
        let kind = LayerKind::AvgPool(AvgPool {
            window,
            stride: Some(stride),
            padding: Padding::Sides(padding),
            count_include_pad: self.count_include_pad,
        });
        let cells = output.iter().product::<usize>() as u64;
        let macs = cells.saturating_mul(window.0.iter().map(|&n| n as u64).product());
        Ok(Plan { kind, output, params: Vec::new(), macs })
    }

    fn emit(&self, b: &mut Builder, _: &[ValueId], x: ValueId) -> Result<ValueId, GraphError> {
        let window = Pool::on_batch(b, x, self.window, self.stride, self.padding);
        let cells = self.window.0.iter().product::<usize>() as i64;
        let sum = b.push(Op::WindowSum(window.clone()), &[x])?;
        let count = if self.count_include_pad {
            b.constant_like(cells, sum)?
        } else {
            let ones = b.constant_like(1, x)?;
            b.push(Op::WindowSum(window), &[ones])?
        };
        b.div(sum, count)
    }

    fn trick(&self) -> &'static str {
        "sparse Toeplitz"
    }
}
