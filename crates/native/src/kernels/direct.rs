//! Convolutions straight from a padded copy of the image, tile by tile.

use super::tile::{Tile, VECTORS, shape, tile};
use crate::plan::{Conv, Direct};
use pulp::Arch;

/// Scratch elements: the copy, then the packed kernel.
pub(super) fn scratch(d: &Direct) -> usize {
    copy_len(d) + d.groups * d.per_out.next_multiple_of(PANEL) * d.depth()
}

/// At least the columns of any tile.
const PANEL: usize = 32;

/// Scratch elements of the copy alone.
pub(super) fn copy_len(d: &Direct) -> usize {
    if d.in_place() { 0 } else { d.copy().next_multiple_of(16) }
}

/// Packs the kernel, `[taps, per_in, groups · per_out]`, into panels of a
/// tile's columns, each `[taps · per_in, columns]`.
///
/// # Safety
/// `kernel` holds the kernel, `scratch` [`scratch`] elements of the part's own.
pub(super) unsafe fn pack(arch: Arch, d: &Direct, kernel: *const f32, scratch: *mut f32) {
    let outputs = d.groups * d.per_out;
    // SAFETY: columns of one row of the kernel, and their place in the panels.
    unsafe {
        each_panel(arch, d, scratch, |panel, column, columns| {
            for k in 0..d.depth() {
                let from = kernel.add(k * outputs + column);
                std::ptr::copy_nonoverlapping(from, panel.add(k * columns), columns);
            }
        });
    }
}

/// Packs the kernel of the convolution whose transpose `d` is: taps reversed,
/// input and output features exchanged.
///
/// # Safety
/// As [`pack`].
pub(super) unsafe fn pack_reversed(arch: Arch, d: &Direct, kernel: *const f32, scratch: *mut f32) {
    // The original's outputs of a group are `d.per_in`.
    let outputs = d.groups * d.per_in;
    // SAFETY: as `pack`.
    unsafe {
        each_panel(arch, d, scratch, |panel, column, columns| {
            let (group, first) = (column / d.per_out, column % d.per_out);
            for tap in 0..d.taps {
                for i in 0..d.per_in {
                    let to = panel.add((tap * d.per_in + i) * columns);
                    let row = (d.taps - 1 - tap) * d.per_out + first;
                    let from = kernel.add(row * outputs + group * d.per_in + i);
                    for j in 0..columns {
                        *to.add(j) = *from.add(j * outputs);
                    }
                }
            }
        });
    }
}

/// Calls `f(panel, first column, columns)` for each panel of each group.
unsafe fn each_panel(
    arch: Arch,
    d: &Direct,
    scratch: *mut f32,
    mut f: impl FnMut(*mut f32, usize, usize),
) {
    let Some((lanes, _)) = shape(arch) else { return };
    let mut panel = scratch.wrapping_add(copy_len(d));
    for g in 0..d.groups {
        let mut column = 0;
        while column < d.per_out {
            let columns = (d.per_out - column).min(VECTORS * lanes);
            f(panel, g * d.per_out + column, columns);
            panel = panel.wrapping_add(columns * d.depth());
            column += columns;
        }
    }
}

/// The image the tiles read: a padded copy in `scratch`, or the image itself.
unsafe fn padded(d: &Direct, image: *const f32, scratch: *mut f32) -> *const f32 {
    if d.in_place() {
        return image;
    }
    // SAFETY: rows inside both, clipped to the copy.
    unsafe {
        std::slice::from_raw_parts_mut(scratch, d.copy()).fill(0.0);
        let kept = [0, 1, 2].map(|k| d.input[k].min(d.padded[k].saturating_sub(d.low[k])));
        for a in 0..kept[0] {
            for b in 0..kept[1] {
                let from = (a * d.input[1] + b) * d.input[2];
                let to = ((a + d.low[0]) * d.padded[1] + b + d.low[1]) * d.padded[2] + d.low[2];
                std::ptr::copy_nonoverlapping(
                    image.add(from * d.features),
                    scratch.add(to * d.features),
                    kept[2] * d.features,
                );
            }
        }
    }
    scratch
}

/// The convolution of images `start..end` by the kernel packed in `scratch`.
///
/// # Safety
/// Buffers hold what `d` describes; nobody else may touch these images of
/// `out`; [`pack`] or [`pack_reversed`] has run on this scratch.
pub(super) unsafe fn convolve(
    arch: Arch,
    d: &Direct,
    images: *const f32,
    out: *mut f32,
    (start, end): (usize, usize),
    scratch: *mut f32,
) {
    let Some((lanes, most)) = shape(arch) else { return };
    let outputs = d.groups * d.per_out;
    let pixels: usize = d.output.iter().product();
    let step = d.stride[2] * d.features;
    for n in start..end {
        // SAFETY: image `n`; tiles lie inside the copy and the result by the
        // construction of `Direct`.
        unsafe {
            let image = images.add(n * d.input.iter().product::<usize>() * d.features);
            let image = padded(d, image, scratch);
            let out = out.wrapping_add(n * pixels * outputs);
            each_panel(arch, d, scratch, |panel, column, columns| {
                let image = image.add(column / d.per_out * d.per_in);
                for line in 0..d.output[0] * d.output[1] {
                    let (a, b) = (line / d.output[1], line % d.output[1]);
                    let row = a * d.stride[0] * d.padded[1] + b * d.stride[1];
                    let from = image.add(row * d.padded[2] * d.features);
                    let to = out.add(line * d.output[2] * outputs + column);
                    blocks(d.output[2], most, |first, rows| {
                        let t = Tile {
                            a: from.add(first * step),
                            a_row: step,
                            a_step: 1,
                            b: panel,
                            b_step: columns,
                            runs: &d.runs,
                            out: to.add(first * outputs),
                            out_row: outputs,
                            accumulate: false,
                        };
                        tile(arch, rows, columns / lanes, t);
                    });
                }
            });
        }
    }
}

/// Splits `len` into nearly equal blocks of at most `most`.
#[inline(always)]
pub(super) fn blocks(len: usize, most: usize, mut f: impl FnMut(usize, usize)) {
    let count = len.div_ceil(most);
    for k in 0..count {
        let (from, to) = (len * k / count, len * (k + 1) / count);
        f(from, to - from);
    }
}

/// Adds the transpose of the convolution in its kernel, over images
/// `start..end`, to `out`.
///
/// # Safety
/// As [`convolve`], but for the packing; nobody else may touch `out`.
pub(super) unsafe fn kernel_grad(
    arch: Arch,
    d: &Direct,
    [images, cotangent]: [*const f32; 2],
    out: *mut f32,
    (start, end): (usize, usize),
    scratch: *mut f32,
) {
    let Some((lanes, most)) = shape(arch) else { return };
    let outputs = d.groups * d.per_out;
    let pixels: usize = d.output.iter().product();
    for n in start..end {
        // SAFETY: as `convolve`.
        unsafe {
            let image = images.add(n * d.input.iter().product::<usize>() * d.features);
            let image = padded(d, image, scratch);
            let dy = cotangent.add(n * pixels * outputs);
            each_panel(arch, d, scratch, |_, column, columns| {
                let image = image.add(column / d.per_out * d.per_in);
                let mut depth = 0;
                for run in &d.runs {
                    blocks(run.len, most, |first, rows| {
                        let t = Tile {
                            a: image.add(run.offset + first),
                            a_row: 1,
                            a_step: d.stride[2] * d.features,
                            b: dy.add(column),
                            b_step: outputs,
                            runs: &d.lines,
                            out: out.add((depth + first) * outputs + column),
                            out_row: outputs,
                            accumulate: true,
                        };
                        tile(arch, rows, columns / lanes, t);
                    });
                    depth += run.len;
                }
            });
        }
    }
}

/// True if tiles cover the output features exactly.
pub(crate) fn covers(arch: Arch, c: &Conv, outputs: usize) -> bool {
    !c.is_depthwise() && shape(arch).is_some_and(|(lanes, _)| outputs.is_multiple_of(lanes))
}
