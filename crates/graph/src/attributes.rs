//! Attributes of the ops that slide, contract or pool.

/// Dimension numbers of [`crate::Op::DotGeneral`]. The result's dimensions are
/// the batch dimensions, then lhs's free ones, then rhs's free ones
/// (StableHLO, `dot_general`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct DotDims {
    /// Dimensions of lhs that pair with `rhs_batch` and stay in the result.
    pub lhs_batch: Vec<usize>,
    /// Dimensions of rhs that pair with `lhs_batch`.
    pub rhs_batch: Vec<usize>,
    /// Dimensions of lhs summed against `rhs_contracting`.
    pub lhs_contracting: Vec<usize>,
    /// Dimensions of rhs summed against `lhs_contracting`.
    pub rhs_contracting: Vec<usize>,
}

impl DotDims {
    /// The matrix product: last dimension of lhs against the first of rhs.
    pub fn matmul(lhs_rank: usize) -> Self {
        DotDims {
            lhs_contracting: vec![lhs_rank.saturating_sub(1)],
            rhs_contracting: vec![0],
            ..Self::default()
        }
    }

    /// Dimensions of a tensor of `rank` that are neither batch nor contracting.
    pub fn free(rank: usize, batch: &[usize], contracting: &[usize]) -> Vec<usize> {
        (0..rank).filter(|d| !batch.contains(d) && !contracting.contains(d)).collect()
    }
}

/// How a convolution slides. All lists have one entry per spatial dimension.
/// Images are `[batch, spatial.., features]`, kernels
/// `[spatial.., in features / groups, out features]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ConvDims {
    /// Window strides, each ≥ 1.
    pub strides: Vec<usize>,
    /// Zero padding (low, high), each ≥ 0.
    pub padding: Vec<(usize, usize)>,
    /// Kernel dilation (StableHLO `rhs_dilation`), each ≥ 1.
    pub dilation: Vec<usize>,
    /// StableHLO `feature_group_count`, ≥ 1.
    pub groups: usize,
}

/// A sliding window over every dimension of a tensor (StableHLO,
/// `reduce_window`); dimensions that do not slide have size and stride 1.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Window {
    /// Window size per dimension, each ≥ 1.
    pub size: Vec<usize>,
    /// Stride per dimension, each ≥ 1.
    pub strides: Vec<usize>,
    /// Padding (low, high) per dimension.
    pub padding: Vec<(usize, usize)>,
}

/// Output size of a window of `size` cells spaced `dilation` apart, sliding
/// over `input` cells with `padding`; `None` if it does not fit once.
pub(crate) fn slide(
    input: usize,
    size: usize,
    stride: usize,
    (low, high): (usize, usize),
    dilation: usize,
) -> Option<usize> {
    let span = size.checked_sub(1)?.checked_mul(dilation)?.checked_add(1)?;
    let room = input.checked_add(low)?.checked_add(high)?.checked_sub(span)?;
    Some(room.checked_div(stride)? + 1)
}
