//! Loss and accuracy of a split.

use crate::TrainError;
use crate::engine::Step;
use crate::feed::Batch;
use cotangent_data::{Dataset, Split};
use cotangent_graph::Role;
use serde::Serialize;

/// Loss and accuracy over a split.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Scores {
    /// Mean loss.
    pub loss: f64,
    /// Fraction classified right.
    pub accuracy: f64,
    /// Number of examples.
    pub n: usize,
}

/// Runs the eval step over `split`; the parameters are already in `eval`.
/// Returns the scores and the number classified right.
pub(crate) fn score(
    eval: &mut Step,
    batch: &mut Batch,
    dataset: &Dataset,
    split: &Split,
) -> Result<(Scores, u64), TrainError> {
    let rows = batch.labels.len();
    let (mut loss, mut correct) = (0.0f64, 0u64);
    let mut indices = Vec::with_capacity(rows);
    for start in (0..split.len()).step_by(rows) {
        indices.clear();
        // A split holds at most u32::MAX examples.
        indices.extend(start as u32..(start + rows).min(split.len()) as u32);
        batch.fill(dataset, split, &indices)?;
        eval.input_mut(Role::Data).copy_from_slice(&batch.x);
        eval.input_mut(Role::Target).copy_from_slice(&batch.target);
        eval.run()?;
        // The step's loss is a mean over all its rows; padding rows add nothing
        // to the sum.
        loss += f64::from(eval.loss()) * rows as f64;
        let labels = &batch.labels[..indices.len()];
        correct += count_correct(eval.output(Role::Logits), dataset.classes(), labels);
    }
    let n = split.len();
    Ok((Scores { loss: loss / n as f64, accuracy: correct as f64 / n as f64, n }, correct))
}

/// How many of the first `labels.len()` rows of `logits`, `[_, classes]`, have
/// their first largest value at the label.
pub(crate) fn count_correct(logits: &[f32], classes: usize, labels: &[u8]) -> u64 {
    let right = |(row, label): &(&[f32], &u8)| argmax(row) == usize::from(**label);
    logits.chunks_exact(classes).zip(labels).filter(right).count() as u64
}

/// Index of the first largest value.
pub(crate) fn argmax(row: &[f32]) -> usize {
    let mut best = 0;
    for (k, x) in row.iter().enumerate() {
        if *x > row[best] {
            best = k;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accuracy_counts_real_rows_and_first_maxima() {
        let logits = [0.0, 2.0, 1.0, 3.0, 3.0, 0.0, 9.0, 0.0, 0.0];
        assert_eq!(count_correct(&logits, 3, &[1, 0, 0]), 3);
        assert_eq!(count_correct(&logits, 3, &[1, 1]), 1);
        assert_eq!(count_correct(&logits, 3, &[0, 2, 1]), 0);
    }
}
