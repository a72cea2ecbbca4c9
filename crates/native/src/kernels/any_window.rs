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
    for window in 0..output.iter().product() {
        let mut best: Option<usize> = None;
        for tap in 0..w.size.iter().product() {
            let (mut window, mut tap, mut scale, mut cell) = (window, tap, 1, Some(0));
            for d in (0..input.len()).rev() {
                let at = (window % output[d]) * w.strides[d] + tap % w.size[d];
                let at = at.checked_sub(w.padding[d].0).filter(|&i| i < input[d]);
                cell = cell.zip(at).map(|(c, i)| c + i * scale);
                scale *= input[d];
                window /= output[d];
                tap /= w.size[d];
            }
            let Some(c) = cell else { continue };
            let beats = best.is_none_or(|b| a[c] > a[b] || (a[c].is_nan() && !a[b].is_nan()));
            if beats {
                best = Some(c);
            }
        }
        if let Some(c) = best {
            f(window, c);
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
