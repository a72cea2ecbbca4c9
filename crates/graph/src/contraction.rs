//! The one meaning of the linear and bilinear ops.

use crate::{ConvDims, DotDims, Op, TensorType, Window};

/// One coordinate of an index map: the affine form
/// `offset + Σ coefficient · r[dimension]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexExpr {
    /// Pairs (iteration dimension, coefficient).
    pub terms: Vec<(usize, i64)>,
    /// The constant term.
    pub offset: i64,
}

impl IndexExpr {
    fn dim(d: usize) -> Self {
        IndexExpr { terms: vec![(d, 1)], offset: 0 }
    }
}

/// `out[result(r)] += Π_k operand_k[operands[k](r)]` for every `r` in the box
/// `space`; a point at which any index is out of range contributes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contraction {
    /// Sizes of the iteration box.
    pub space: Vec<usize>,
    /// Index map of each operand.
    pub operands: Vec<Vec<IndexExpr>>,
    /// Index map of the result.
    pub result: Vec<IndexExpr>,
}

impl Contraction {
    /// The contraction of the vector-Jacobian product in operand `k`: the
    /// roles of the result and that operand exchanged. Its operand `k` is the
    /// cotangent; the others stay.
    pub fn transposed(mut self, k: usize) -> Self {
        std::mem::swap(&mut self.operands[k], &mut self.result);
        self
    }
}

impl Op {
    /// The op as a contraction of operands of these types (which must fit the
    /// op); `None` for ops that are not (multi)linear re-indexings.
    pub fn contraction(&self, operands: &[&TensorType]) -> Option<Contraction> {
        match self {
            Op::DotGeneral(dims) => Some(dot_general(dims, &operands[0].shape, &operands[1].shape)),
            Op::Conv(dims) => Some(conv(dims, &operands[0].shape, &operands[1].shape)),
            Op::ConvInputGrad { dims, input } => {
                let kernel = &operands[1].shape;
                let mut image = vec![operands[0].shape[0]];
                image.extend(input);
                image.push(kernel[input.len()] * dims.groups);
                Some(conv(dims, &image, kernel).transposed(0))
            }
            Op::ConvKernelGrad { dims, kernel } => {
                let (image, dy) = (&operands[0].shape, &operands[1].shape);
                let mut weight = kernel.clone();
                weight.extend([image[image.len() - 1] / dims.groups, dy[dy.len() - 1]]);
                Some(conv(dims, image, &weight).transposed(1))
            }
            Op::BroadcastInDim { shape, dims } => Some(Contraction {
                space: shape.clone(),
                operands: vec![dims.iter().map(|&d| IndexExpr::dim(d)).collect()],
                result: (0..shape.len()).map(IndexExpr::dim).collect(),
            }),
            Op::ReduceSum { dims } => {
                let rank = operands[0].rank();
                Some(Contraction {
                    space: operands[0].shape.clone(),
                    operands: vec![(0..rank).map(IndexExpr::dim).collect()],
                    result: (0..rank).filter(|d| !dims.contains(d)).map(IndexExpr::dim).collect(),
                })
            }
            Op::Transpose { permutation } => Some(Contraction {
                space: operands[0].shape.clone(),
                operands: vec![(0..operands[0].rank()).map(IndexExpr::dim).collect()],
                result: permutation.iter().map(|&d| IndexExpr::dim(d)).collect(),
            }),
            Op::Slice { starts, strides, .. } => {
                let space = self.infer(operands).ok()?.shape;
                Some(spaced(space, starts, strides))
            }
            // The transpose of the slice that reads the elements back.
            Op::Pad { low, interior, .. } => {
                let strides: Vec<usize> = interior.iter().map(|n| n + 1).collect();
                Some(spaced(operands[0].shape.clone(), low, &strides).transposed(0))
            }
            Op::WindowSum(w) => Some(window_sum(w, &operands[0].shape)),
            Op::WindowSumGrad { window, input } => Some(window_sum(window, input).transposed(0)),
            _ => None,
        }
    }
}

/// Result index `r` reads the operand at `start + stride · r`.
fn spaced(space: Vec<usize>, starts: &[usize], strides: &[usize]) -> Contraction {
    let operand = starts.iter().zip(strides).enumerate();
    let operand = operand
        .map(|(d, (&start, &stride))| IndexExpr {
            terms: vec![(d, stride as i64)],
            offset: start as i64,
        })
        .collect();
    let result = (0..space.len()).map(IndexExpr::dim).collect();
    Contraction { space, operands: vec![operand], result }
}

fn dot_general(dims: &DotDims, lhs: &[usize], rhs: &[usize]) -> Contraction {
    let lhs_free = DotDims::free(lhs.len(), &dims.lhs_batch, &dims.lhs_contracting);
    let rhs_free = DotDims::free(rhs.len(), &dims.rhs_batch, &dims.rhs_contracting);
    let mut space = Vec::new();
    let mut left = vec![IndexExpr::dim(0); lhs.len()];
    let mut right = vec![IndexExpr::dim(0); rhs.len()];
    // The result's dimensions come first, in order; the contracted ones last.
    let both = dims.lhs_batch.iter().zip(&dims.rhs_batch).map(|(&l, &r)| (Some(l), Some(r)));
    let summed = dims.lhs_contracting.iter().zip(&dims.rhs_contracting);
    let order = both
        .chain(lhs_free.iter().map(|&l| (Some(l), None)))
        .chain(rhs_free.iter().map(|&r| (None, Some(r))))
        .chain(summed.map(|(&l, &r)| (Some(l), Some(r))));
    for (l, r) in order {
        let d = space.len();
        space.push(l.map_or_else(|| r.map_or(1, |r| rhs[r]), |l| lhs[l]));
        if let Some(l) = l {
            left[l] = IndexExpr::dim(d);
        }
        if let Some(r) = r {
            right[r] = IndexExpr::dim(d);
        }
    }
    let result_rank = space.len() - dims.lhs_contracting.len();
    Contraction {
        space,
        operands: vec![left, right],
        result: (0..result_rank).map(IndexExpr::dim).collect(),
    }
}

/// Iteration dimensions: batch, output spatial, kernel spatial, group, input
/// feature in the group, output feature in the group.
fn conv(dims: &ConvDims, image: &[usize], kernel: &[usize]) -> Contraction {
    let s = dims.strides.len();
    let (per_group_in, outputs) = (kernel[s], kernel[s + 1]);
    let per_group_out = outputs / dims.groups;
    let mut space = vec![image[0]];
    for d in 0..s {
        let span = (kernel[d] - 1) * dims.dilation[d] + 1;
        let (low, high) = dims.padding[d];
        space.push((image[d + 1] + low + high - span) / dims.strides[d] + 1);
    }
    space.extend(&kernel[..s]);
    space.extend([dims.groups, per_group_in, per_group_out]);
    let (group, ci, co) = (2 * s + 1, 2 * s + 2, 2 * s + 3);
    let feature = |count: usize, within: usize| IndexExpr {
        terms: vec![(group, count as i64), (within, 1)],
        offset: 0,
    };
    let mut x = vec![IndexExpr::dim(0)];
    let mut w = Vec::new();
    let mut y = vec![IndexExpr::dim(0)];
    for d in 0..s {
        x.push(IndexExpr {
            terms: vec![(1 + d, dims.strides[d] as i64), (1 + s + d, dims.dilation[d] as i64)],
            offset: -(dims.padding[d].0 as i64),
        });
        w.push(IndexExpr::dim(1 + s + d));
        y.push(IndexExpr::dim(1 + d));
    }
    x.push(feature(per_group_in, ci));
    w.extend([IndexExpr::dim(ci), feature(per_group_out, co)]);
    y.push(feature(per_group_out, co));
    Contraction { space, operands: vec![x, w], result: y }
}

/// Iteration dimensions: the result's, then the window's.
fn window_sum(w: &Window, input: &[usize]) -> Contraction {
    let rank = input.len();
    let mut space: Vec<usize> = (0..rank)
        .map(|d| (input[d] + w.padding[d].0 + w.padding[d].1 - w.size[d]) / w.strides[d] + 1)
        .collect();
    space.extend(&w.size);
    let operand = (0..rank)
        .map(|d| IndexExpr {
            terms: vec![(d, w.strides[d] as i64), (rank + d, 1)],
            offset: -(w.padding[d].0 as i64),
        })
        .collect();
    Contraction { space, operands: vec![operand], result: (0..rank).map(IndexExpr::dim).collect() }
}
