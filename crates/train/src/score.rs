//! Loss and accuracy of a split.

use crate::TrainError;
use crate::engine::Step;
use crate::feed::Batch;
use cotangent_data::{Dataset, Split, Variation};
use cotangent_graph::Role;
use serde::Serialize;

/// Loss and accuracy over a split.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Scores {
    /// Mean loss.
    pub loss: f64,
    /// Fraction classified right: of the examples, or of all characters or pixels where every one has
    /// a target; a pixel of no class is left out.
    pub accuracy: f64,
    /// Number of examples.
    pub n: usize,
}

/// Runs the eval step over `split`; the parameters are already in `eval`.
/// Returns the scores and the number classified right. `rows` is the batch size of both.
pub(crate) fn score(
    eval: &mut Step,
    batch: &mut Batch,
    rows: usize,
    dataset: &Dataset,
    split: &Split,
) -> Result<(Scores, u64), TrainError> {
    let (mut loss, mut answers) = (0.0f64, Answers::default());
    let as_they_are = Variation::default();
    let mut indices = Vec::with_capacity(rows);
    for start in (0..split.len()).step_by(rows) {
        indices.clear();
        // A split holds at most u32::MAX examples.
        indices.extend(start as u32..(start + rows).min(split.len()) as u32);
        batch.fill(dataset, split, &indices, &as_they_are)?;
        eval.input_mut(Role::Data).copy_from_slice(&batch.x);
        eval.input_mut(Role::Target).copy_from_slice(&batch.target);
        eval.run()?;
        // The step's loss is a mean over all its rows.
        loss += f64::from(eval.loss()) * rows as f64;
        answers += Answers::count(eval.output(Role::Logits), &batch.target, dataset.classes());
    }
    let n = split.len();
    let padding = n.next_multiple_of(rows) - n;
    if padding > 0 {
        loss -= padding_loss(eval, batch, dataset, split)? * padding as f64;
    }
    Ok((Scores { loss: loss / n as f64, accuracy: answers.accuracy(), n }, answers.right))
}

/// The loss of a row that fills up a short batch: nothing under cross-entropy,
/// whose target is zero there, and that of whatever the network answers to
/// zeros under the other losses.
fn padding_loss(
    eval: &mut Step,
    batch: &mut Batch,
    dataset: &Dataset,
    split: &Split,
) -> Result<f64, TrainError> {
    batch.fill(dataset, split, &[], &Variation::default())?;
    eval.input_mut(Role::Data).copy_from_slice(&batch.x);
    eval.input_mut(Role::Target).copy_from_slice(&batch.target);
    eval.run()?;
    Ok(eval.loss().into())
}

/// Answers per example: rows of a target, whose last dimension is the classes.
pub(crate) fn positions(dataset: &Dataset) -> usize {
    dataset.target_len() / dataset.classes().max(1)
}

/// How many answers there are, and how many of them are right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Answers {
    pub right: u64,
    pub of: u64,
}

impl Answers {
    /// Of the rows of `target`, `[.., classes]`: right is one whose first largest value is where it is
    /// in that row of `logits`. A row of zeros has no answer: it fills up a short batch, or is that of
    /// a pixel of no class.
    pub fn count(logits: &[f32], target: &[f32], classes: usize) -> Self {
        let mut answers = Self::default();
        for (logits, target) in logits.chunks_exact(classes).zip(target.chunks_exact(classes)) {
            let answer = argmax(target);
            if target[answer] > 0.0 {
                answers.of += 1;
                answers.right += u64::from(argmax(logits) == answer);
            }
        }
        answers
    }

    /// The fraction that is right; 0 where there are none.
    pub fn accuracy(self) -> f64 {
        self.right as f64 / self.of.max(1) as f64
    }
}

impl std::ops::AddAssign for Answers {
    fn add_assign(&mut self, other: Self) {
        self.right += other.right;
        self.of += other.of;
    }
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
        let count = |labels: &[usize]| {
            let mut target = [0.0; 9];
            labels.iter().enumerate().for_each(|(row, label)| target[3 * row + label] = 1.0);
            Answers::count(&logits, &target, 3)
        };
        assert_eq!(count(&[1, 0, 0]), Answers { right: 3, of: 3 });
        assert_eq!(count(&[1, 1]), Answers { right: 1, of: 2 });
        assert_eq!(count(&[0, 2, 1]), Answers { right: 0, of: 3 });
        assert_eq!((count(&[1, 1]).accuracy(), count(&[]).accuracy()), (0.5, 0.0));
        // Soft targets count by their largest.
        let soft = Answers::count(&logits[..3], &[0.1, 0.8, 0.1], 3);
        assert_eq!(soft, Answers { right: 1, of: 1 });
    }
}
