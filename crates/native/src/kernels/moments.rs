//! Variance and normalisation.

use crate::plan::Moments;

/// The mean and the variance of one group.
fn of(a: &[f32], m: &Moments, group: usize) -> (f64, f64) {
    let runs = || {
        let row = m.groups * m.inner;
        a.chunks_exact(row).flat_map(|r| &r[group * m.inner..(group + 1) * m.inner])
    };
    let count = m.count() as f64;
    let mean = runs().map(|&x| f64::from(x)).sum::<f64>() / count;
    let square = runs().map(|&x| (f64::from(x) - mean) * (f64::from(x) - mean)).sum::<f64>();
    (mean, square / count)
}

pub(super) fn variance(a: &[f32], out: &mut [f32], m: &Moments) {
    for (a, out) in a.chunks_exact(m.slab()).zip(out.chunks_exact_mut(m.groups)) {
        out.iter_mut().enumerate().for_each(|(g, o)| *o = of(a, m, g).1 as f32);
    }
}

pub(super) fn normalize(a: &[f32], out: &mut [f32], m: &Moments, eps: f32) {
    for (a, out) in a.chunks_exact(m.slab()).zip(out.chunks_exact_mut(m.slab())) {
        for g in 0..m.groups {
            let (mean, variance) = of(a, m, g);
            let scale = (1.0 / (variance + f64::from(eps)).sqrt()) as f32;
            let row = m.groups * m.inner;
            for (a, out) in a.chunks_exact(row).zip(out.chunks_exact_mut(row)) {
                let run = g * m.inner..(g + 1) * m.inner;
                for (x, o) in a[run.clone()].iter().zip(&mut out[run]) {
                    *o = (x - mean as f32) * scale;
                }
            }
        }
    }
}
