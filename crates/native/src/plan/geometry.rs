//! Sliding windows brought to one shape: outer, three spatial dimensions,
//! inner.

use cotangent_graph::{ConvDims, Window};

/// A window sliding over `[outer, input.., inner]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sliding {
    pub outer: usize,
    pub inner: usize,
    pub input: [usize; 3],
    pub output: [usize; 3],
    pub size: [usize; 3],
    pub stride: [usize; 3],
    pub dilation: [usize; 3],
    /// Padding before the first cell.
    pub low: [usize; 3],
}

impl Sliding {
    /// Output positions of one outer index.
    pub(crate) fn pixels(&self) -> usize {
        self.output.iter().product()
    }

    /// Input cells of one outer index.
    pub(crate) fn cells(&self) -> usize {
        self.input.iter().product()
    }

    /// Cells of the window.
    pub(crate) fn taps(&self) -> usize {
        self.size.iter().fold(1, |n, &d| n.saturating_mul(d))
    }

    /// True if the window is one cell that visits each cell in turn.
    pub(crate) fn is_identity(&self) -> bool {
        self.taps() == 1 && self.stride == [1; 3] && self.low == [0; 3] && self.input == self.output
    }

    /// A reduce_window; `None` if more than three consecutive dimensions would
    /// have to slide, or a window has 2²⁴ cells inside.
    pub(crate) fn window(w: &Window, input: &[usize], output: &[usize]) -> Option<Sliding> {
        let slides = |d: usize| w.size[d] > 1 || w.strides[d] > 1 || w.padding[d] != (0, 0);
        let first = (0..input.len()).find(|&d| slides(d)).unwrap_or(0);
        let last = (0..input.len()).rfind(|&d| slides(d)).map_or(first, |d| d + 1);
        let spatial = first..last;
        // Positions of cells in a window are counted in f32.
        let cells = spatial.clone().map(|d| w.size[d].min(input[d]));
        if spatial.len() > 3 || cells.product::<usize>() >= 1 << 24 {
            return None;
        }
        let skip = 3 - spatial.len();
        let mut s = Sliding {
            outer: input[..first].iter().product(),
            inner: input[last..].iter().product(),
            input: [1; 3],
            output: [1; 3],
            size: [1; 3],
            stride: [1; 3],
            dilation: [1; 3],
            low: [0; 3],
        };
        for (k, d) in spatial.enumerate() {
            s.input[skip + k] = input[d];
            s.output[skip + k] = output[d];
            s.size[skip + k] = w.size[d];
            s.stride[skip + k] = w.strides[d];
            s.low[skip + k] = w.padding[d].0;
        }
        Some(s)
    }
}

/// A convolution of `[batch, input.., groups · per_in]` with a kernel
/// `[size.., per_in, groups · per_out]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Conv {
    /// `inner` is the number of input features.
    pub slide: Sliding,
    pub groups: usize,
    /// Input features of a group.
    pub per_in: usize,
    /// Output features of a group.
    pub per_out: usize,
}

impl Conv {
    /// `None` beyond three spatial dimensions.
    pub(crate) fn new(
        dims: &ConvDims,
        image: &[usize],
        kernel: &[usize],
        output: &[usize],
    ) -> Option<Conv> {
        let spatial = dims.strides.len();
        let skip = 3usize.checked_sub(spatial)?;
        let (per_in, outputs) = (kernel[spatial], kernel[spatial + 1]);
        let mut slide = Sliding {
            outer: image[0],
            inner: image[spatial + 1],
            input: [1; 3],
            output: [1; 3],
            size: [1; 3],
            stride: [1; 3],
            dilation: [1; 3],
            low: [0; 3],
        };
        for d in 0..spatial {
            slide.input[skip + d] = image[d + 1];
            slide.output[skip + d] = output[d + 1];
            slide.size[skip + d] = kernel[d];
            slide.stride[skip + d] = dims.strides[d];
            slide.dilation[skip + d] = dims.dilation[d];
            slide.low[skip + d] = dims.padding[d].0;
        }
        Some(Conv { slide, groups: dims.groups, per_in, per_out: outputs / dims.groups })
    }

    /// Columns of the im2col matrix of one group.
    pub(crate) fn depth(&self) -> usize {
        self.slide.taps() * self.per_in
    }

    /// Output features.
    pub(crate) fn outputs(&self) -> usize {
        self.groups * self.per_out
    }

    /// True if each group has one input and one output feature.
    pub(crate) fn is_depthwise(&self) -> bool {
        self.per_in == 1 && self.per_out == 1 && self.groups > 1
    }
}
