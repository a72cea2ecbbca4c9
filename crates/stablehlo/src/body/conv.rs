//! The two transposes of a convolution, as convolutions.
//!
//! With stride `s`, dilation `d`, low padding `l`, the forward pass reads
//! `image[o·s + k·d - l]`; solving `i = o·s + k·d - l` for the image gives the
//! input gradient (the cotangent dilated by `s`, the kernel flipped), and for
//! the kernel the kernel gradient (the cotangent dilated by `s` slides over
//! the image with stride `d`), as in JAX's `_conv_general_dilated_transpose_*`.

use super::Body;
use crate::ast::{Convolution, Dim, Operand, Operation};
use cotangent_graph::ConvDims;

/// `[outer, 0, 1, .., inner]`
pub(crate) fn channels_last(outer: Dim, spatial: usize, inner: Dim) -> Vec<Dim> {
    let mut dims = vec![outer];
    dims.extend((0..spatial).map(Dim::Spatial));
    dims.push(inner);
    dims
}

/// `[0, 1, .., second_last, last]`
pub(crate) fn spatial_first(spatial: usize, second_last: Dim, last: Dim) -> Vec<Dim> {
    let mut dims: Vec<Dim> = (0..spatial).map(Dim::Spatial).collect();
    dims.extend([second_last, last]);
    dims
}

/// Cells from the first to the last of `n` cells spaced `step` apart.
fn span(n: usize, step: usize) -> i64 {
    (n as i64 - 1) * step as i64 + 1
}

/// Arguments: cotangent `[b, out.., co]`, kernel `[k.., ci / g, co]`.
pub(super) fn input_grad(body: &mut Body, dims: &ConvDims, input: &[usize]) -> Operand {
    let (cotangent, kernel) = (body.argument(0), body.argument(1));
    let s = input.len();
    let (ci, co, groups) = (kernel.ty.shape[s], kernel.ty.shape[s + 1], dims.groups);
    let flipped = body.reverse(&kernel, (0..s).collect());
    // The kernel's features exchange their roles; within each group if there
    // is more than one.
    let (flipped, rhs) = if groups == 1 {
        (flipped, spatial_first(s, Dim::Output, Dim::Input))
    } else {
        let k = &kernel.ty.shape[..s];
        let split = body.reshape(&flipped, &[k, &[ci, groups, co / groups]].concat());
        let order = (0..s).chain([s + 2, s + 1, s]).collect();
        let exchanged = body.transpose(&split, order);
        let joined = body.reshape(&exchanged, &[k, &[co / groups, groups * ci]].concat());
        (joined, spatial_first(s, Dim::Input, Dim::Output))
    };
    let padding = (0..s).map(|d| {
        let (out, k) = (cotangent.ty.shape[d + 1], kernel.ty.shape[d]);
        let kernel_span = span(k, dims.dilation[d]);
        let low = kernel_span - 1 - dims.padding[d].0 as i64;
        (low, input[d] as i64 + kernel_span - 1 - span(out, dims.strides[d]) - low)
    });
    let convolution = Convolution {
        lhs: channels_last(Dim::Batch, s, Dim::Feature),
        rhs,
        result: channels_last(Dim::Batch, s, Dim::Feature),
        strides: vec![1; s],
        padding: padding.collect(),
        lhs_dilation: dims.strides.clone(),
        rhs_dilation: dims.dilation.clone(),
        batch_groups: 1,
        feature_groups: groups,
    };
    let shape = [&cotangent.ty.shape[..1], input, &[ci * groups]].concat();
    let ty = cotangent.ty.with_shape(shape);
    body.push(Operation::Convolution(Box::new(convolution)), &[&cotangent, &flipped], ty)
}

/// Arguments: image `[b, in.., ci]`, cotangent `[b, out.., co]`.
pub(super) fn kernel_grad(body: &mut Body, dims: &ConvDims, kernel: &[usize]) -> Operand {
    let (image, cotangent) = (body.argument(0), body.argument(1));
    let s = kernel.len();
    let padding = (0..s).map(|d| {
        let (n, out) = (image.ty.shape[d + 1], cotangent.ty.shape[d + 1]);
        let low = dims.padding[d].0 as i64;
        // Exactly the cells that some kernel cell reads: negative where the
        // stride leaves a remainder of the image unread.
        let read = span(kernel[d], dims.dilation[d]) + span(out, dims.strides[d]) - 1;
        (low, read - n as i64 - low)
    });
    let convolution = Convolution {
        lhs: channels_last(Dim::Feature, s, Dim::Batch),
        rhs: channels_last(Dim::Input, s, Dim::Output),
        result: spatial_first(s, Dim::Batch, Dim::Feature),
        strides: dims.dilation.clone(),
        padding: padding.collect(),
        lhs_dilation: vec![1; s],
        rhs_dilation: dims.strides.clone(),
        batch_groups: dims.groups,
        feature_groups: 1,
    };
    let features = [image.ty.shape[s + 1] / dims.groups, cotangent.ty.shape[s + 1]];
    let ty = image.ty.with_shape([kernel, &features].concat());
    body.push(Operation::Convolution(Box::new(convolution)), &[&image, &cotangent], ty)
}
