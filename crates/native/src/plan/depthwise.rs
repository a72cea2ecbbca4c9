//! Convolutions of each channel alone: which cell and tap make each result.

use super::geometry::{Conv, Sliding};

/// `out[n, p, c] = Σ from[n, source, c] · kernel[tap, c]` over the pairs of
/// tap and source that reach position `p`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Depthwise {
    pub images: usize,
    pub channels: usize,
    /// Spatial sizes of what is read, of the result, and of the kernel.
    pub from: [usize; 3],
    pub to: [usize; 3],
    pub size: [usize; 3],
    /// Per spatial dimension; a pair of a position is one of each.
    pub reach: [Reach; 3],
    /// True if it is the transpose of a convolution in its image.
    pub transpose: bool,
}

/// The pairs (tap, source) of each position along one dimension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reach {
    starts: Vec<usize>,
    pairs: Vec<(usize, usize)>,
}

/// Pairs along one dimension worth listing.
const MOST: usize = 1 << 20;

impl Depthwise {
    /// `None` if the convolution is not depthwise, or too large to list.
    pub(crate) fn forward(c: &Conv) -> Option<Depthwise> {
        Depthwise::new(c, c.slide.input, c.slide.output, false)
    }

    /// The transpose in the image.
    pub(crate) fn input_grad(c: &Conv) -> Option<Depthwise> {
        Depthwise::new(c, c.slide.output, c.slide.input, true)
    }

    fn new(c: &Conv, from: [usize; 3], to: [usize; 3], transpose: bool) -> Option<Depthwise> {
        if !c.is_depthwise() {
            return None;
        }
        let s = &c.slide;
        let reach = |d: usize| Reach::new(s, d, to[d], transpose);
        let reach = [reach(0)?, reach(1)?, reach(2)?];
        let (images, channels) = (s.outer, c.groups);
        Some(Depthwise { images, channels, from, to, size: s.size, reach, transpose })
    }

    /// Cells of the kernel.
    pub(crate) fn taps(&self) -> usize {
        self.size.iter().product()
    }
}

impl Reach {
    fn new(s: &Sliding, d: usize, positions: usize, transpose: bool) -> Option<Reach> {
        if s.output[d].checked_mul(s.size[d])? > MOST {
            return None;
        }
        // (result, tap, source), and in the order of the first two.
        let mut all = Vec::new();
        for position in 0..s.output[d] {
            for tap in 0..s.size[d] {
                let cell = (position * s.stride[d] + tap * s.dilation[d]).checked_sub(s.low[d]);
                if let Some(cell) = cell.filter(|&cell| cell < s.input[d]) {
                    all.push(match transpose {
                        true => (cell, tap, position),
                        false => (position, tap, cell),
                    });
                }
            }
        }
        all.sort_unstable();
        let starts = (0..=positions).map(|p| all.partition_point(|a| a.0 < p)).collect();
        Some(Reach { starts, pairs: all.into_iter().map(|a| (a.1, a.2)).collect() })
    }

    /// The pairs of position `p`.
    pub(crate) fn of(&self, p: usize) -> &[(usize, usize)] {
        &self.pairs[self.starts[p]..self.starts[p + 1]]
    }
}
