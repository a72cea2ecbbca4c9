//! Means and variances over some dimensions.

use crate::{Scalar, Tensor};

/// For every element of a tensor of `shape`, the number of the group it
/// belongs to: elements that differ in `dims` alone share one. Also the number
/// of groups.
fn groups(shape: &[usize], dims: &[usize]) -> (Vec<usize>, usize) {
    let mut of = vec![0];
    let mut count = 1;
    for (d, &n) in shape.iter().enumerate() {
        let kept = !dims.contains(&d);
        let next = |g: &usize, k: usize| if kept { g * n + k } else { *g };
        of = of.iter().flat_map(|g| (0..n).map(move |k| next(g, k))).collect();
        if kept {
            count *= n;
        }
    }
    (of, count)
}

/// Every element less its group's mean, the group of each, and each group's
/// biased variance.
fn centred<T: Scalar>(dims: &[usize], a: &Tensor<T>) -> (Vec<T>, Vec<usize>, Vec<T>) {
    let (of, count) = groups(a.shape(), dims);
    let size = T::from_count(a.data().len() / count.max(1));
    let mut mean = vec![T::zero(); count];
    of.iter().zip(a.data()).for_each(|(&g, &x)| mean[g] += x);
    let centred: Vec<T> = of.iter().zip(a.data()).map(|(&g, &x)| x - mean[g] / size).collect();
    let mut square = vec![T::zero(); count];
    of.iter().zip(&centred).for_each(|(&g, &x)| square[g] += x * x);
    let variance = square.into_iter().map(|s| s / size).collect();
    (centred, of, variance)
}

pub(crate) fn variance<T: Scalar>(dims: &[usize], a: &Tensor<T>) -> Tensor<T> {
    let kept = (0..a.shape().len()).filter(|d| !dims.contains(d));
    let shape: Vec<usize> = kept.map(|d| a.shape()[d]).collect();
    Tensor::of_len(&shape, centred(dims, a).2)
}

pub(crate) fn normalize<T: Scalar>(dims: &[usize], eps: T, a: &Tensor<T>) -> Tensor<T> {
    let (centred, of, variance) = centred(dims, a);
    let scale: Vec<T> = variance.into_iter().map(|v| (v + eps).sqrt().recip()).collect();
    let out = centred.into_iter().zip(of).map(|(x, g)| x * scale[g]).collect();
    Tensor::of_len(a.shape(), out)
}
