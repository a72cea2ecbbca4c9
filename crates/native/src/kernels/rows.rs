//! Row-wise ops, sums over one block of dimensions.

use cotangent_graph::Contraction;

/// A row less its maximum, exponentiated into `out`; the sum of that.
fn shifted_exp(row: &[f32], mut out: impl FnMut(usize, f32, f32)) -> f32 {
    let top = row.iter().fold(f32::NEG_INFINITY, |m, &x| if x > m { x } else { m });
    let mut sum = 0.0;
    for (k, &x) in row.iter().enumerate() {
        let e = (x - top).exp();
        out(k, x - top, e);
        sum += e;
    }
    sum
}

/// Softmax over each row of `classes`.
pub(super) fn softmax(a: &[f32], out: &mut [f32], classes: usize) {
    for (row, out) in a.chunks_exact(classes).zip(out.chunks_exact_mut(classes)) {
        let sum = shifted_exp(row, |k, _, e| out[k] = e);
        out.iter_mut().for_each(|x| *x /= sum);
    }
}

/// Softmax cross-entropy: a sum over all rows, divided by their number.
pub(super) fn cross_entropy(logits: &[f32], targets: &[f32], classes: usize) -> f32 {
    let mut loss = 0.0;
    for (z, t) in logits.chunks_exact(classes).zip(targets.chunks_exact(classes)) {
        let top = z.iter().fold(f32::NEG_INFINITY, |m, &x| if x > m { x } else { m });
        let log_sum = shifted_exp(z, |_, _, _| {}).ln();
        for (&x, &t) in z.iter().zip(t) {
            loss += t * (log_sum - (x - top));
        }
    }
    loss / (logits.len() / classes) as f32
}

/// `out[o, i] = Σ_s a[o, s, i]`, with `a` starting at the first `o` wanted.
pub(super) fn sum_middle(a: &[f32], out: &mut [f32], summed: usize, inner: usize) {
    for (a, out) in a.chunks_exact(summed * inner).zip(out.chunks_exact_mut(inner)) {
        if inner == 1 {
            out[0] = sum(a);
            continue;
        }
        out.fill(0.0);
        for row in a.chunks_exact(inner) {
            out.iter_mut().zip(row).for_each(|(o, x)| *o += x);
        }
    }
}

/// A sum in 16 interleaved chains, which is fast and also more accurate than
/// one chain.
fn sum(a: &[f32]) -> f32 {
    let mut chains = [0.0f32; 16];
    let chunks = a.chunks_exact(16);
    let rest = chunks.remainder().iter().fold(0.0, |s, x| s + x);
    for c in chunks {
        chains.iter_mut().zip(c).for_each(|(s, x)| *s += x);
    }
    chains.iter().fold(rest, |s, x| s + x)
}

/// Any contraction, one point at a time.
pub(super) fn contract(
    c: &Contraction,
    operands: &[&[f32]],
    shapes: &[Vec<usize>],
    out: &mut [f32],
    out_shape: &[usize],
) {
    out.fill(0.0);
    let total: usize = c.space.iter().product();
    let coordinate = |point: usize, dim: usize| {
        let after: usize = c.space[dim + 1..].iter().product();
        (point / after % c.space[dim]) as i64
    };
    let locate = |point: usize, map: &[cotangent_graph::IndexExpr], shape: &[usize]| {
        let mut position = 0usize;
        for (e, &n) in map.iter().zip(shape) {
            let i = e.terms.iter().fold(e.offset, |i, &(d, k)| i + k * coordinate(point, d));
            if i < 0 || i >= n as i64 {
                return None;
            }
            position = position * n + i as usize;
        }
        Some(position)
    };
    for point in 0..total {
        let Some(to) = locate(point, &c.result, out_shape) else { continue };
        let mut product = 1.0;
        let mut inside = true;
        for ((a, map), shape) in operands.iter().zip(&c.operands).zip(shapes) {
            match locate(point, map, shape) {
                Some(from) => product *= a[from],
                None => inside = false,
            }
        }
        if inside {
            out[to] += product;
        }
    }
}
