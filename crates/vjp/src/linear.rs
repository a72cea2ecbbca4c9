//! The contractions: the vector-Jacobian product is the same contraction with
//! the roles of two index maps exchanged. Each rule below names the op that is
//! that exchange; `tests/exchange.rs` checks it against
//! [`cotangent_graph::Contraction::transposed`] itself.

use crate::rules::want;
use crate::{Application, Cotangents, VjpError};
use cotangent_graph::{Builder, DotDims, Op, ValueId};

pub(crate) fn rule(b: &mut Builder, application: &Application) -> Result<Cotangents, VjpError> {
    let Application { op, operands, cotangent: ct, wanted, .. } = application;
    let ct = *ct;
    let shape = |b: &Builder, k: usize| b.shape(operands[k]).to_vec();
    let spatial = |s: Vec<usize>| s[1..s.len() - 1].to_vec();
    match op {
        // Outer product: the weight gradient is input ⊗ cotangent.
        Op::DotGeneral(dims) => Ok(vec![
            want(wanted[0], || dot_lhs(b, dims, operands, ct))?,
            want(wanted[1], || dot_rhs(b, dims, operands, ct))?,
        ]),

        // Sparse Toeplitz: the three convolutions are each other's products.
        Op::Conv(dims) => {
            let input = spatial(shape(b, 0));
            let kernel = shape(b, 1)[..input.len()].to_vec();
            let (dx, dw) = (
                Op::ConvInputGrad { dims: dims.clone(), input },
                Op::ConvKernelGrad { dims: dims.clone(), kernel },
            );
            Ok(vec![
                want(wanted[0], || Ok(b.push(dx, &[ct, operands[1]])?))?,
                want(wanted[1], || Ok(b.push(dw, &[operands[0], ct])?))?,
            ])
        }
        Op::ConvInputGrad { dims, input } => {
            let kernel = shape(b, 1)[..input.len()].to_vec();
            let (dy, dw) =
                (Op::Conv(dims.clone()), Op::ConvKernelGrad { dims: dims.clone(), kernel });
            Ok(vec![
                want(wanted[0], || Ok(b.push(dy, &[ct, operands[1]])?))?,
                want(wanted[1], || Ok(b.push(dw, &[ct, operands[0]])?))?,
            ])
        }
        Op::ConvKernelGrad { dims, .. } => {
            let input = spatial(shape(b, 0));
            let (dx, dy) =
                (Op::ConvInputGrad { dims: dims.clone(), input }, Op::Conv(dims.clone()));
            Ok(vec![
                want(wanted[0], || Ok(b.push(dx, &[operands[1], ct])?))?,
                want(wanted[1], || Ok(b.push(dy, &[operands[0], ct])?))?,
            ])
        }

        // Transposition of linear re-indexings.
        Op::BroadcastInDim { shape, dims } => {
            let summed: Vec<usize> = (0..shape.len()).filter(|d| !dims.contains(d)).collect();
            Ok(Application::one(b.reduce_sum(ct, &summed)?))
        }
        Op::ReduceSum { dims } => {
            let whole = shape(b, 0);
            let kept: Vec<usize> = (0..whole.len()).filter(|d| !dims.contains(d)).collect();
            Ok(Application::one(b.broadcast(ct, &whole, &kept)?))
        }
        Op::Transpose { permutation } => {
            Ok(Application::one(b.transpose(ct, &inverse(permutation))?))
        }
        Op::Slice { starts, strides, .. } => {
            let (whole, part) = (shape(b, 0), b.shape(ct).to_vec());
            let spread = |d: usize| (part[d] - 1) * strides[d] + 1;
            let pad = Op::Pad {
                low: starts.clone(),
                high: (0..whole.len()).map(|d| whole[d] - starts[d] - spread(d)).collect(),
                interior: strides.iter().map(|&s| s - 1).collect(),
            };
            Ok(Application::one(b.push(pad, &[ct])?))
        }
        Op::Pad { low, high, interior } => {
            let padded = b.shape(ct).to_vec();
            let slice = Op::Slice {
                starts: low.clone(),
                limits: (0..padded.len()).map(|d| padded[d] - high[d]).collect(),
                strides: interior.iter().map(|n| n + 1).collect(),
            };
            Ok(Application::one(b.push(slice, &[ct])?))
        }
        Op::Concatenate { dim, count } => {
            let mut start = 0;
            let mut parts = Vec::with_capacity(*count);
            for (k, &wanted) in wanted.iter().enumerate() {
                let limit = start + shape(b, k)[*dim];
                parts.push(want(wanted, || Ok(b.slice_in_dim(ct, *dim, start, limit)?))?);
                start = limit;
            }
            Ok(parts)
        }
        Op::WindowSum(window) => {
            let op = Op::WindowSumGrad { window: window.clone(), input: shape(b, 0) };
            Ok(Application::one(b.push(op, &[ct])?))
        }
        Op::WindowSumGrad { window, .. } => {
            Ok(Application::one(b.push(Op::WindowSum(window.clone()), &[ct])?))
        }
        other => Err(VjpError::NotDifferentiable { op: other.name(), operand: 0 }),
    }
}

/// `permutation` undone.
fn inverse(permutation: &[usize]) -> Vec<usize> {
    let mut inverse = vec![0; permutation.len()];
    for (to, &from) in permutation.iter().enumerate() {
        inverse[from] = to;
    }
    inverse
}

/// The cotangent of lhs: `ct` against rhs over rhs's free dimensions.
fn dot_lhs(
    b: &mut Builder,
    dims: &DotDims,
    operands: &[ValueId],
    ct: ValueId,
) -> Result<ValueId, VjpError> {
    let (lhs_rank, rhs_rank) = (b.ty(operands[0]).rank(), b.ty(operands[1]).rank());
    let lhs_free = DotDims::free(lhs_rank, &dims.lhs_batch, &dims.lhs_contracting);
    let rhs_free = DotDims::free(rhs_rank, &dims.rhs_batch, &dims.rhs_contracting);
    let (batch, rank) = (dims.lhs_batch.len(), b.ty(ct).rank());
    let product = b.push(
        Op::DotGeneral(DotDims {
            lhs_batch: (0..batch).collect(),
            rhs_batch: dims.rhs_batch.clone(),
            lhs_contracting: (batch + lhs_free.len()..rank).collect(),
            rhs_contracting: rhs_free,
        }),
        &[ct, operands[1]],
    )?;
    // What remains of rhs are its contracted dimensions, in rhs's order.
    let mut order: Vec<usize> = dims.lhs_batch.iter().chain(&lhs_free).copied().collect();
    order.extend(partners(&dims.rhs_contracting, &dims.lhs_contracting));
    Ok(b.transpose(product, &inverse(&order))?)
}

/// The cotangent of rhs: lhs against `ct` over lhs's free dimensions.
fn dot_rhs(
    b: &mut Builder,
    dims: &DotDims,
    operands: &[ValueId],
    ct: ValueId,
) -> Result<ValueId, VjpError> {
    let (lhs_rank, rhs_rank) = (b.ty(operands[0]).rank(), b.ty(operands[1]).rank());
    let lhs_free = DotDims::free(lhs_rank, &dims.lhs_batch, &dims.lhs_contracting);
    let rhs_free = DotDims::free(rhs_rank, &dims.rhs_batch, &dims.rhs_contracting);
    let batch = dims.lhs_batch.len();
    let product = b.push(
        Op::DotGeneral(DotDims {
            lhs_batch: dims.lhs_batch.clone(),
            rhs_batch: (0..batch).collect(),
            rhs_contracting: (batch..batch + lhs_free.len()).collect(),
            lhs_contracting: lhs_free,
        }),
        &[operands[0], ct],
    )?;
    // Result: batch, then lhs's contracted dimensions in lhs's order, then
    // rhs's free ones.
    let mut order = dims.rhs_batch.clone();
    order.extend(partners(&dims.lhs_contracting, &dims.rhs_contracting));
    order.extend(rhs_free);
    Ok(b.transpose(product, &inverse(&order))?)
}

/// `to`, reordered so that its partners in `from` increase.
fn partners(from: &[usize], to: &[usize]) -> Vec<usize> {
    let mut pairs: Vec<(usize, usize)> = from.iter().copied().zip(to.iter().copied()).collect();
    pairs.sort_unstable();
    pairs.into_iter().map(|(_, t)| t).collect()
}
