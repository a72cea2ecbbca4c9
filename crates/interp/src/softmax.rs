//! Softmax and softmax cross-entropy, by the formulas that stay finite: the
//! row's maximum is subtracted before anything is exponentiated.

use crate::{Scalar, Tensor};

/// Length of a row; 1 for tensors without elements, which have no rows.
fn classes<T>(a: &Tensor<T>) -> usize {
    a.shape().last().map_or(1, |&c| c.max(1))
}

/// A row less its maximum, and the sum of the exponentials of that.
fn shifted<T: Scalar>(row: &[T]) -> (Vec<T>, T) {
    let top = row.iter().fold(T::neg_infinity(), |m, &x| if x > m { x } else { m });
    let shifted: Vec<T> = row.iter().map(|&x| x - top).collect();
    let sum = shifted.iter().fold(T::zero(), |s, &x| s + x.exp());
    (shifted, sum)
}

pub(crate) fn softmax<T: Scalar>(a: &Tensor<T>) -> Tensor<T> {
    let classes = classes(a);
    let mut out = Vec::with_capacity(a.data().len());
    for row in a.data().chunks(classes) {
        let (shifted, sum) = shifted(row);
        out.extend(shifted.into_iter().map(|x| x.exp() / sum));
    }
    Tensor::of_len(a.shape(), out)
}

/// `-(1/B) Σ_b Σ_c t · log softmax(z)`, with
/// `-log softmax(z)_c = log Σ_k exp(z_k - max z) - (z_c - max z)`.
pub(crate) fn softmax_cross_entropy<T: Scalar>(
    logits: &Tensor<T>,
    targets: &Tensor<T>,
) -> Tensor<T> {
    let classes = classes(logits);
    let rows = logits.data().chunks(classes).zip(targets.data().chunks(classes));
    let losses: Vec<T> = rows
        .map(|(z, t)| {
            let (shifted, sum) = shifted(z);
            let log_sum = sum.ln();
            shifted.into_iter().zip(t).fold(T::zero(), |s, (x, &t)| s + t * (log_sum - x))
        })
        .collect();
    Tensor::scalar(pairwise(&losses) / T::from_count(losses.len()))
}

/// A sum in halves, whose rounding grows with the logarithm of how many there
/// are (Higham, *The Accuracy of Floating Point Summation*, 1993): the pixels
/// of a batch are many.
fn pairwise<T: Scalar>(terms: &[T]) -> T {
    match terms {
        [] => T::zero(),
        [x] => *x,
        _ => {
            let (left, right) = terms.split_at(terms.len() / 2);
            pairwise(left) + pairwise(right)
        }
    }
}
