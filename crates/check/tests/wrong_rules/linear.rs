//! Linear and bilinear ops, and re-indexings.

use super::{Mutation, as_if, negated, or_right, slightly_off, with};
use cotangent_graph::{Builder, ConvDims, DotDims, Op, Window};
use cotangent_vjp::{Application, Cotangents, VjpError, rule};

/// The padding of each dimension exchanged end for end.
fn shifted(dims: &ConvDims) -> ConvDims {
    let padding = dims.padding.iter().map(|&(low, high)| (high, low)).collect();
    ConvDims { padding, ..dims.clone() }
}

/// The convolution without its dilation, padded so much less that its result
/// has the same shape.
fn undilated(dims: &ConvDims, kernel: &[usize]) -> ConvDims {
    let mut near = dims.clone();
    for (d, &cells) in kernel[..dims.strides.len()].iter().enumerate() {
        let span = (cells - 1) * (dims.dilation[d] - 1);
        near.padding[d].1 = near.padding[d].1.saturating_sub(span);
        near.dilation[d] = 1;
    }
    near
}

/// Wrong rules of linear and bilinear ops.
pub(super) fn wrong() -> Vec<Mutation> {
    vec![
        wrong!("dot_general", "left sign", Op::DotGeneral(_) => |b, a| negated(b, a, 0)),
        wrong!("dot_general", "right off by 1e-5", Op::DotGeneral(_) => |b, a| {
            slightly_off(b, a, 1)
        }),
        wrong!("dot_general", "batch dimensions paired the other way", Op::DotGeneral(dims) => |b, a| {
            let mut rhs_batch = dims.rhs_batch.clone();
            rhs_batch.reverse();
            let dims = DotDims { rhs_batch, ..dims.clone() };
            or_right(b, a, 0, |b| {
                let wrong = as_if(b, a, Op::DotGeneral(dims))?;
                wrong[0].ok_or(VjpError::NotDifferentiable { op: "dot_general", operand: 0 })
            })
        }),
        wrong!("convolution", "padding reversed in the image", Op::Conv(dims) => |b, a| {
            let input = b.shape(a.operands[0])[1..=dims.strides.len()].to_vec();
            or_right(b, a, 0, |b| {
                let op = Op::ConvInputGrad { dims: shifted(dims), input };
                Ok(b.push(op, &[a.cotangent, a.operands[1]])?)
            })
        }),
        wrong!("convolution", "padding reversed in the kernel", Op::Conv(dims) => |b, a| {
            let kernel = b.shape(a.operands[1])[..dims.strides.len()].to_vec();
            or_right(b, a, 1, |b| {
                let op = Op::ConvKernelGrad { dims: shifted(dims), kernel };
                Ok(b.push(op, &[a.operands[0], a.cotangent])?)
            })
        }),
        wrong!("convolution", "dilation forgotten", Op::Conv(dims) => |b, a| {
            let near = undilated(dims, b.shape(a.operands[1]));
            let input = b.shape(a.operands[0])[1..=dims.strides.len()].to_vec();
            or_right(b, a, 0, |b| {
                let op = Op::ConvInputGrad { dims: near, input };
                Ok(b.push(op, &[a.cotangent, a.operands[1]])?)
            })
        }),
        wrong!("convolution", "image sign", Op::Conv(_) => |b, a| negated(b, a, 0)),
        wrong!("convolution", "kernel off by 1e-5", Op::Conv(_) => |b, a| slightly_off(b, a, 1)),
        wrong!("conv_input_grad", "padding reversed", Op::ConvInputGrad { dims, .. } => |b, a| {
            or_right(b, a, 0, |b| {
                Ok(b.push(Op::Conv(shifted(dims)), &[a.cotangent, a.operands[1]])?)
            })
        }),
        wrong!("conv_input_grad", "kernel sign", Op::ConvInputGrad { .. } => |b, a| {
            negated(b, a, 1)
        }),
        wrong!("conv_kernel_grad", "padding reversed", Op::ConvKernelGrad { dims, .. } => |b, a| {
            or_right(b, a, 1, |b| {
                Ok(b.push(Op::Conv(shifted(dims)), &[a.operands[0], a.cotangent])?)
            })
        }),
        wrong!("conv_kernel_grad", "image sign", Op::ConvKernelGrad { .. } => |b, a| {
            negated(b, a, 0)
        }),
        wrong!("broadcast_in_dim", "mean for sum", Op::BroadcastInDim { .. } => |b, a| {
            let copies = b.ty(a.result).len() / b.ty(a.operands[0]).len();
            with(b, a, 0, |b, right| {
                let copies = b.constant_like(copies as i64, right)?;
                Ok(b.div(right, copies)?)
            })
        }),
        wrong!("reduce_sum", "mean for sum", Op::ReduceSum { .. } => |b, a| {
            let terms = b.ty(a.operands[0]).len() / b.ty(a.result).len();
            with(b, a, 0, |b, right| {
                let terms = b.constant_like(terms as i64, right)?;
                Ok(b.div(right, terms)?)
            })
        }),
        wrong!("transpose", "permutation not inverted", Op::Transpose { permutation } => |b, a| {
            or_right(b, a, 0, |b| {
                let again = b.transpose(a.cotangent, permutation)?;
                let shape = b.shape(a.operands[0]).to_vec();
                Ok(b.reshape(again, &shape)?)
            })
        }),
        wrong!("window_sum", "padding reversed", Op::WindowSum(w) => |b, a| {
            let padding = w.padding.iter().map(|&(low, high)| (high, low)).collect();
            as_if(b, a, Op::WindowSum(Window { padding, ..w.clone() }))
        }),
        wrong!("window_sum", "mean for sum", Op::WindowSum(w) => |b, a| {
            let cells: usize = w.size.iter().product();
            with(b, a, 0, |b, right| {
                let cells = b.constant_like(cells as i64, right)?;
                Ok(b.div(right, cells)?)
            })
        }),
        wrong!("window_sum_grad", "padding reversed", Op::WindowSumGrad { window: w, input } => |b, a| {
            let padding = w.padding.iter().map(|&(low, high)| (high, low)).collect();
            let window = Window { padding, ..w.clone() };
            as_if(b, a, Op::WindowSumGrad { window, input: input.clone() })
        }),
        wrong!("reshape", "elements transposed", Op::Reshape { .. } => |b, a| {
            let reversed: Vec<usize> = (0..b.ty(a.cotangent).rank()).rev().collect();
            let turned = b.transpose(a.cotangent, &reversed)?;
            let shape = b.shape(a.operands[0]).to_vec();
            Ok(vec![Some(b.reshape(turned, &shape)?)])
        }),
        wrong!("slice", "placed at the start", Op::Slice { strides, .. } => |b, a| {
            let (whole, part) = (b.shape(a.operands[0]).to_vec(), b.shape(a.cotangent).to_vec());
            let spread = |d: usize| (part[d] - 1) * strides[d] + 1;
            let pad = Op::Pad {
                low: vec![0; whole.len()],
                high: (0..whole.len()).map(|d| whole[d] - spread(d)).collect(),
                interior: strides.iter().map(|&s| s - 1).collect(),
            };
            Ok(vec![Some(b.push(pad, &[a.cotangent])?)])
        }),
        wrong!("slice", "strides forgotten", Op::Slice { starts, .. } => |b, a| {
            let (whole, part) = (b.shape(a.operands[0]).to_vec(), b.shape(a.cotangent).to_vec());
            let pad = Op::Pad {
                low: starts.clone(),
                high: (0..whole.len()).map(|d| whole[d] - starts[d] - part[d]).collect(),
                interior: vec![0; whole.len()],
            };
            Ok(vec![Some(b.push(pad, &[a.cotangent])?)])
        }),
        wrong!("pad", "the ends exchanged", Op::Pad { low, high, interior } => |b, a| {
            let padded = b.shape(a.cotangent).to_vec();
            let slice = Op::Slice {
                starts: high.clone(),
                limits: (0..padded.len()).map(|d| padded[d] - low[d]).collect(),
                strides: interior.iter().map(|n| n + 1).collect(),
            };
            Ok(vec![Some(b.push(slice, &[a.cotangent])?)])
        }),
        wrong!("pad", "zeros between counted in", Op::Pad { low, interior, .. } => |b, a| {
            let part = b.shape(a.operands[0]).to_vec();
            let slice = Op::Slice {
                starts: low.clone(),
                limits: (0..part.len()).map(|d| low[d] + part[d]).collect(),
                strides: vec![1; interior.len()],
            };
            Ok(vec![Some(b.push(slice, &[a.cotangent])?)])
        }),
        wrong!("concatenate", "the parts in the other order", Op::Concatenate { dim, .. } => |b, a| {
            let mut limit = b.shape(a.cotangent)[*dim];
            let mut parts = Vec::new();
            for &operand in &a.operands {
                let start = limit - b.shape(operand)[*dim];
                parts.push(Some(b.slice_in_dim(a.cotangent, *dim, start, limit)?));
                limit = start;
            }
            Ok(parts)
        }),
        wrong!("concatenate", "the second part lost", Op::Concatenate { .. } => |b, a| {
            let mut all = rule(b, a)?;
            if let Some(second) = all.get_mut(1) {
                *second = None;
            }
            Ok(all)
        }),
    ]
}
