//! Convolutions, one image at a time: im2col and a matrix product.

use super::matmul::{Matrix, gemm};
use crate::plan::{Conv, Sliding};

/// Calls `f(pixel, tap row, first cell, first tap, taps)` for each run of
/// in-range cells along the last spatial dimension. `tap row` numbers the taps
/// of the other two; runs that are wholly out of range are not visited.
#[inline(always)]
fn for_each_run(s: &Sliding, mut f: impl FnMut(usize, usize, usize, usize, usize)) {
    let [od, oh, ow] = s.output;
    let step = s.dilation[2];
    let mut pixel = 0;
    for d in 0..od {
        for h in 0..oh {
            for w in 0..ow {
                // Taps t with 0 ≤ w·stride + t·step - low < input.
                let start = w * s.stride[2];
                let first = s.low[2].saturating_sub(start).div_ceil(step);
                let room = (s.input[2] + s.low[2]).saturating_sub(start);
                let last = room.div_ceil(step).min(s.size[2]);
                for td in 0..s.size[0] {
                    let Some(id) = inside(s, 0, d, td) else { continue };
                    for th in 0..s.size[1] {
                        let Some(ih) = inside(s, 1, h, th) else { continue };
                        if first < last {
                            let iw = start + first * step - s.low[2];
                            let cell = (id * s.input[1] + ih) * s.input[2] + iw;
                            f(pixel, td * s.size[1] + th, cell, first, last - first);
                        }
                    }
                }
                pixel += 1;
            }
        }
    }
}

#[inline(always)]
fn inside(s: &Sliding, d: usize, position: usize, tap: usize) -> Option<usize> {
    (position * s.stride[d] + tap * s.dilation[d]).checked_sub(s.low[d]).filter(|&i| i < s.input[d])
}

/// The im2col matrix of one image and group, `[pixels, taps · per_in]`.
///
/// # Safety
/// `image` holds one image, `col` the matrix.
unsafe fn im2col(c: &Conv, group: usize, image: *const f32, col: *mut f32) {
    let s = &c.slide;
    let (depth, features, per_in) = (c.depth(), s.inner, c.per_in);
    // SAFETY: cells and taps are in range by `for_each_run`.
    unsafe {
        // Out-of-range cells stay zero.
        std::slice::from_raw_parts_mut(col, s.pixels() * depth).fill(0.0);
        for_each_run(s, |pixel, row, cell, tap, taps| {
            let mut to = col.add(pixel * depth + (row * s.size[2] + tap) * per_in);
            let mut from = image.add(cell * features + group * per_in);
            if c.groups == 1 && s.dilation[2] == 1 {
                std::ptr::copy_nonoverlapping(from, to, taps * per_in);
                return;
            }
            for _ in 0..taps {
                std::ptr::copy_nonoverlapping(from, to, per_in);
                to = to.add(per_in);
                from = from.wrapping_add(s.dilation[2] * features);
            }
        });
    }
}

/// Adds the im2col matrix of one group back into the image.
///
/// # Safety
/// As [`im2col`].
unsafe fn col2im(c: &Conv, group: usize, col: *const f32, image: *mut f32) {
    let s = &c.slide;
    let (depth, features, per_in) = (c.depth(), s.inner, c.per_in);
    // SAFETY: as `im2col`.
    unsafe {
        for_each_run(s, |pixel, row, cell, tap, taps| {
            let from = col.add(pixel * depth + (row * s.size[2] + tap) * per_in);
            let to = image.add(cell * features + group * per_in);
            for t in 0..taps {
                let to = to.add(t * s.dilation[2] * features);
                for i in 0..per_in {
                    *to.add(i) += *from.add(t * per_in + i);
                }
            }
        });
    }
}

/// The im2col matrix of one group: the image itself where the window is one
/// cell, else built in `scratch`.
unsafe fn columns(c: &Conv, group: usize, image: *const f32, scratch: *mut f32) -> Matrix {
    if c.slide.is_identity() {
        let at = image.wrapping_add(group * c.per_in);
        return Matrix { at, rows: c.slide.inner, columns: 1 };
    }
    // SAFETY: the caller's contract.
    unsafe { im2col(c, group, image, scratch) };
    Matrix { at: scratch, rows: c.depth(), columns: 1 }
}

/// Scratch elements of each of the three.
pub(super) fn scratch(c: &Conv) -> usize {
    match c.slide.is_identity() {
        true => 0,
        false => c.slide.pixels().saturating_mul(c.depth()),
    }
}

/// The convolution of images `start..end`.
///
/// # Safety
/// Buffers hold what `c` describes; nobody else may touch these images of
/// `out`; `scratch` holds [`scratch`] elements.
pub(super) unsafe fn forward(
    c: &Conv,
    [images, kernel]: [*const f32; 2],
    out: *mut f32,
    (start, end): (usize, usize),
    scratch: *mut f32,
) {
    let (pixels, outputs) = (c.slide.pixels(), c.outputs());
    for n in start..end {
        // SAFETY: image `n` of each buffer; groups are disjoint columns.
        unsafe {
            let image = images.add(n * c.slide.cells() * c.slide.inner);
            let out = out.wrapping_add(n * pixels * outputs);
            for g in 0..c.groups {
                let lhs = columns(c, g, image, scratch);
                let rhs = Matrix { at: kernel.add(g * c.per_out), rows: outputs, columns: 1 };
                let dims = (pixels, c.per_out, c.depth());
                gemm(dims, out.add(g * c.per_out), outputs, lhs, rhs, false);
            }
        }
    }
}

/// The transpose in the image, of images `start..end`.
///
/// # Safety
/// As [`forward`].
pub(super) unsafe fn input_grad(
    c: &Conv,
    [cotangent, kernel]: [*const f32; 2],
    out: *mut f32,
    (start, end): (usize, usize),
    scratch: *mut f32,
) {
    let (pixels, outputs) = (c.slide.pixels(), c.outputs());
    let size = c.slide.cells() * c.slide.inner;
    for n in start..end {
        // SAFETY: as `forward`.
        unsafe {
            let dy = cotangent.add(n * pixels * outputs);
            let image = out.wrapping_add(n * size);
            if !c.slide.is_identity() {
                std::slice::from_raw_parts_mut(image, size).fill(0.0);
            }
            for g in 0..c.groups {
                let lhs = Matrix { at: dy.add(g * c.per_out), rows: outputs, columns: 1 };
                let rhs = Matrix { at: kernel.add(g * c.per_out), rows: 1, columns: outputs };
                let dims = (pixels, c.depth(), c.per_out);
                if c.slide.is_identity() {
                    gemm(dims, image.add(g * c.per_in), c.slide.inner, lhs, rhs, false);
                } else {
                    gemm(dims, scratch, c.depth(), lhs, rhs, false);
                    col2im(c, g, scratch, image);
                }
            }
        }
    }
}

/// Adds the transpose in the kernel, over images `start..end`, to `out`.
///
/// # Safety
/// As [`forward`]; nobody else may touch `out`.
pub(super) unsafe fn kernel_grad(
    c: &Conv,
    [images, cotangent]: [*const f32; 2],
    out: *mut f32,
    (start, end): (usize, usize),
    scratch: *mut f32,
) {
    let (pixels, outputs, depth) = (c.slide.pixels(), c.outputs(), c.depth());
    for n in start..end {
        // SAFETY: as `forward`.
        unsafe {
            let image = images.add(n * c.slide.cells() * c.slide.inner);
            let dy = cotangent.add(n * pixels * outputs);
            for g in 0..c.groups {
                let col = columns(c, g, image, scratch);
                let lhs = Matrix { at: col.at, rows: col.columns, columns: col.rows };
                let rhs = Matrix { at: dy.add(g * c.per_out), rows: outputs, columns: 1 };
                let dims = (depth, c.per_out, pixels);
                gemm(dims, out.add(g * c.per_out), outputs, lhs, rhs, true);
            }
        }
    }
}
