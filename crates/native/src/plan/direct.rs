//! Convolutions without im2col: which ones, and where their rows lie.

use super::geometry::Conv;
use crate::kernels::Run;

/// A convolution read directly from a zero-padded copy of each image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Direct {
    pub images: usize,
    /// Spatial sizes of an image, and of the padded copy.
    pub input: [usize; 3],
    pub padded: [usize; 3],
    /// Where the image starts in the copy.
    pub low: [usize; 3],
    /// Features of an image.
    pub features: usize,
    /// Output positions, and the stride between them in the copy.
    pub output: [usize; 3],
    pub stride: [usize; 3],
    pub groups: usize,
    /// Input and output features of a group.
    pub per_in: usize,
    pub per_out: usize,
    /// The copy's elements under one output feature of the first group at the
    /// first position, in the order of the kernel's rows.
    pub runs: Vec<Run>,
    /// The copy's elements under the first kernel cell, one run for each line
    /// of output positions; `stride[2] · features` apart within.
    pub lines: Vec<Run>,
    /// Kernel cells.
    pub taps: usize,
}

impl Direct {
    /// The convolution itself; `None` if the padded copy would be far larger
    /// than images are.
    pub(crate) fn forward(c: &Conv) -> Option<Direct> {
        let s = &c.slide;
        let padded = [0, 1, 2]
            .map(|d| (s.output[d] - 1) * s.stride[d] + (s.size[d] - 1) * s.dilation[d] + 1);
        small(padded, s.inner)?;
        Some(Direct {
            images: s.outer,
            input: s.input,
            padded,
            low: s.low,
            features: s.inner,
            output: s.output,
            stride: s.stride,
            groups: c.groups,
            per_in: c.per_in,
            per_out: c.per_out,
            runs: runs(padded, s.size, s.dilation, s.inner, c.per_in),
            lines: lines(s.output, s.stride, padded, s.inner),
            taps: s.taps(),
        })
    }

    /// Its transpose in the image, as a convolution of the cotangent by the
    /// kernel reversed; `None` unless the stride is 1 and the padding no more
    /// than the kernel reaches.
    pub(crate) fn input_grad(c: &Conv) -> Option<Direct> {
        let s = &c.slide;
        let reach = [0, 1, 2].map(|d| (s.size[d] - 1) * s.dilation[d]);
        if s.stride != [1; 3] || (0..3).any(|d| s.low[d] > reach[d]) {
            return None;
        }
        let padded = [0, 1, 2].map(|d| s.input[d] + reach[d]);
        let features = c.outputs();
        small(padded, features)?;
        Some(Direct {
            images: s.outer,
            input: s.output,
            padded,
            low: [0, 1, 2].map(|d| reach[d] - s.low[d]),
            features,
            output: s.input,
            stride: [1; 3],
            groups: c.groups,
            per_in: c.per_out,
            per_out: c.per_in,
            runs: runs(padded, s.size, s.dilation, features, c.per_out),
            lines: Vec::new(),
            taps: s.taps(),
        })
    }

    /// Products per output element.
    pub(crate) fn depth(&self) -> usize {
        self.taps * self.per_in
    }

    /// True if the copy would be the image.
    pub(crate) fn in_place(&self) -> bool {
        self.low == [0; 3] && self.padded == self.input
    }

    /// Elements of the copy.
    pub(crate) fn copy(&self) -> usize {
        self.padded.iter().product::<usize>() * self.features
    }
}

fn small(padded: [usize; 3], features: usize) -> Option<()> {
    let len = padded.iter().try_fold(features, |n, &d| n.checked_mul(d))?;
    (len <= 1 << 28).then_some(())
}

fn lines(output: [usize; 3], stride: [usize; 3], padded: [usize; 3], features: usize) -> Vec<Run> {
    let line = |k: usize| {
        let (a, b) = (k / output[1] * stride[0], k % output[1] * stride[1]);
        Run { offset: (a * padded[1] + b) * padded[2] * features, len: output[2] }
    };
    (0..output[0] * output[1]).map(line).collect()
}

/// Runs of contiguous elements in the order (tap, feature), joined where they
/// touch.
fn runs(
    padded: [usize; 3],
    size: [usize; 3],
    dilation: [usize; 3],
    features: usize,
    per_in: usize,
) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for d in 0..size[0] {
        for h in 0..size[1] {
            for w in 0..size[2] {
                let row = d * dilation[0] * padded[1] + h * dilation[1];
                let offset = (row * padded[2] + w * dilation[2]) * features;
                match runs.last_mut() {
                    Some(r) if r.offset + r.len == offset => r.len += per_in,
                    _ => runs.push(Run { offset, len: per_in }),
                }
            }
        }
    }
    runs
}
