//! Pooling.

use super::sizes::{image, slide};
use super::{Padding, Pair, Plan, Rule, features};
use crate::LayerKind;
use crate::elaborate::Scope;
use crate::field::attributes;
use cotangent_graph::{Builder, GraphError, Op, ValueId, Window};

attributes! {
    /// Maximum over the cells of each window that lie inside the image.
    MaxPool {
        /// Window size.
        window: Pair,
        ;
        /// Stride; `[0, 0]` for the window size.
        stride: Pair = Pair::both(0),
        /// Padding.
        padding: Padding = Padding::VALID,
    }
}
attributes! {
    /// Mean over each window (PyTorch's `AvgPool2d`).
    AvgPool {
        /// Window size.
        window: Pair,
        ;
        /// Stride; `[0, 0]` for the window size.
        stride: Pair = Pair::both(0),
        /// Padding.
        padding: Padding = Padding::VALID,
        /// Whether padding counts in the divisor, as zeros.
        count_include_pad: bool = true,
    }
}
attributes! {
    /// Mean over all positions: `[height, width, channels]` or
    /// `[tokens, features]` to `[features]`.
    GlobalAvgPool {
        ;
        /// Whether the positions stay, as dimensions of size 1.
        keep: bool = false,
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
    fn new(input: &[usize], window: Pair, stride: Pair, padding: Padding) -> Result<Self, String> {
        let [height, width, channels] = image(input)?;
        let stride = or_window(stride, window);
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

    fn on_batch(b: &Builder, x: ValueId, window: Pair, stride: Pair, padding: Padding) -> Window {
        let shape = b.shape(x);
        let stride = or_window(stride, window);
        let [h, w] = padding.reached([shape[1], shape[2]], window, stride, Pair::both(1));
        let around = |[h, w]: [usize; 2]| vec![1, h, w, 1];
        Window {
            size: around(window.0),
            strides: around(stride.0),
            padding: vec![(0, 0), h, w, (0, 0)],
        }
    }
}

/// The stride given, else the window.
fn or_window(stride: Pair, window: Pair) -> Pair {
    if stride == Pair::both(0) { window } else { stride }
}

impl Rule for MaxPool {
    fn plan(&self, input: &[usize], _: &[Vec<usize>]) -> Result<Plan, String> {
        let Pool { window, stride, padding, output } =
            Pool::new(input, self.window, self.stride, self.padding)?;
        let padding = Padding::Sides(padding);
        let kind = LayerKind::MaxPool(MaxPool { window, stride, padding });
        Ok(Plan { kind: Some(kind), ..Plan::new(output) })
    }

    fn emit(&self, s: &mut Scope, x: ValueId, _: &[ValueId]) -> Result<ValueId, GraphError> {
        let window = Pool::on_batch(s.b, x, self.window, self.stride, self.padding);
        s.b.push(Op::MaxPool(window), &[x])
    }

    fn trick(&self) -> &'static str {
        "binary selection"
    }
}

impl Rule for AvgPool {
    fn plan(&self, input: &[usize], _: &[Vec<usize>]) -> Result<Plan, String> {
        let Pool { window, stride, padding, output } =
            Pool::new(input, self.window, self.stride, self.padding)?;
        let [kh, kw] = window.0;
        let kind = LayerKind::AvgPool(AvgPool {
            window,
            stride,
            padding: Padding::Sides(padding),
            count_include_pad: self.count_include_pad,
        });
        let cells: usize = output.iter().product();
        Ok(Plan { kind: Some(kind), ..Plan::new(output).macs(&[cells, kh, kw]) })
    }

    fn emit(&self, s: &mut Scope, x: ValueId, _: &[ValueId]) -> Result<ValueId, GraphError> {
        let window = Pool::on_batch(s.b, x, self.window, self.stride, self.padding);
        let cells = self.window.0.iter().product::<usize>() as i64;
        let sum = s.b.push(Op::WindowSum(window.clone()), &[x])?;
        let count = if self.count_include_pad {
            s.b.constant_like(cells, sum)?
        } else {
            let ones = s.b.constant_like(1, x)?;
            s.b.push(Op::WindowSum(window), &[ones])?
        };
        s.b.div(sum, count)
    }

    fn trick(&self) -> &'static str {
        "sparse Toeplitz"
    }
}

impl Rule for GlobalAvgPool {
    fn plan(&self, input: &[usize], _: &[Vec<usize>]) -> Result<Plan, String> {
        let positions = input.len() - 1;
        if positions == 0 {
            return Err(format!(
                "input is {input:?}, expected [height, width, channels] or [tokens, features]; \
                 place it before `flatten`"
            ));
        }
        let kept = if self.keep { vec![1; positions] } else { Vec::new() };
        let output = [kept.as_slice(), &[features(input)]].concat();
        Ok(Plan::new(output).macs(&[input.iter().product()]))
    }

    fn emit(&self, s: &mut Scope, x: ValueId, _: &[ValueId]) -> Result<ValueId, GraphError> {
        let shape = s.b.shape(x).to_vec();
        let positions: Vec<usize> = (1..shape.len() - 1).collect();
        let mean = s.b.mean(x, &positions)?;
        if !self.keep {
            return Ok(mean);
        }
        let mut kept = vec![1; shape.len()];
        (kept[0], kept[shape.len() - 1]) = (shape[0], shape[shape.len() - 1]);
        s.b.reshape(mean, &kept)
    }

    fn trick(&self) -> &'static str {
        "sparse Toeplitz"
    }
}
