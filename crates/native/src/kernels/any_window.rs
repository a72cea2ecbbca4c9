//! Maxima over windows that slide along any number of dimensions: one cell at
//! a time, for the shapes that [`super::window`] does not cover.

use cotangent_graph::Window;

/// For each window of `a`, in order, calls `f(window, first maximal cell)`.
fn for_each_maximum(
    w: &Window,
    a: &[f32],
    input: &[usize],
    output: &[usize],
    mut f: impl FnMut(usize, usize),
) {
    // The cells of a window along a dimension that lie inside.
    let inside = |d: usize, position: usize| {
        let start = position * w.strides[d];
        let end = (start + w.size[d]).saturating_sub(w.padding[d].0).min(input[d]);
        (start.saturating_sub(w.padding[d].0), end)
    };
    for window in 0..output.iter().product() {
        let mut positions = window;
        let mut cells = 1;
        for d in (0..input.len()).rev() {
            let (start, end) = inside(d, positions % output[d]);
            cells *= end - start;
            positions /= output[d];
        }
        let mut best: Option<usize> = None;
        for cell in 0..cells {
            let (mut positions, mut cell, mut scale, mut at) = (window, cell, 1, 0);
            for d in (0..input.len()).rev() {
                let (start, end) = inside(d, positions % output[d]);
                at += (start + cell % (end - start)) * scale;
                cell /= end - start;
                scale *= input[d];
                positions /= output[d];
            }
            if best.is_none_or(|b| a[at] > a[b] || (a[at].is_nan() && !a[b].is_nan())) {
                best = Some(at);
            }
        }
        if let Some(cell) = best {
            f(window, cell);
        }
    }
}

pub(super) fn max(w: &Window, a: &[f32], out: &mut [f32], input: &[usize], output: &[usize]) {
    for_each_maximum(w, a, input, output, |window, cell| out[window] = a[cell]);
}

pub(super) fn route(
    w: &Window,
    a: &[f32],
    dy: &[f32],
    out: &mut [f32],
    input: &[usize],
    output: &[usize],
) {
    out.fill(0.0);
    for_each_maximum(w, a, input, output, |window, cell| out[cell] += dy[window]);
}
