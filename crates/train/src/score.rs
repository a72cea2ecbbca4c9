//! Loss and accuracy of a split.

use crate::TrainError;
use crate::engine::Step;
use crate::feed::Batch;
use cotangent_data::{Dataset, Split, Variation};
use cotangent_graph::Role;
use cotangent_net::{Loss, Network};
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

/// An eval step, its parameters in place, and what it is fed with.
pub(crate) struct Scoring<'a> {
    pub eval: &'a mut Step,
    pub batch: &'a mut Batch,
    /// The batch size of both.
    pub rows: usize,
    pub net: &'a Network,
    pub dataset: &'a Dataset,
}

impl Scoring<'_> {
    /// The scores of `split`.
    pub fn score(&mut self, split: &Split) -> Result<Scores, TrainError> {
        let (mut loss, mut answers) = (0.0f64, Answers::default());
        let (n, rows) = (split.len(), self.rows);
        let leaves_out_zeros = self.net.losses().all(Loss::SoftmaxCrossEntropy);
        let target_len =
            self.dataset.target_len() / self.dataset.classes().max(1) * self.net.features();
        for first in (0..n).step_by(rows) {
            let count = rows.min(n - first);
            // A row of zeros has no answer, and adds nothing to this loss.
            loss += if count == rows || leaves_out_zeros {
                self.run(split, (first..first + count).map(|i| i as u32))?
            } else {
                self.sum_of_few(split, first, count)?
            };
            // Copies of the first rows may stand behind them.
            let target = &self.batch.target[..count * target_len];
            answers += Answers::count(self.eval.output(Role::Logits), target, self.net);
        }
        Ok(Scores { loss: loss / n as f64, accuracy: answers.accuracy(), n })
    }

    /// The sum of the losses of `count` examples that are fewer than a batch:
    /// they fill one several times over, the first of them once more, whose
    /// own sum is had in the same way and taken off. No row depends on
    /// another, and no loss is negative, so of the sum of all at most half is
    /// taken off.
    fn sum_of_few(&mut self, split: &Split, first: usize, count: usize) -> Result<f64, TrainError> {
        let (times, more) = (self.rows / count, self.rows % count);
        let taken_off = if more > 0 { self.sum_of_few(split, first, more)? } else { 0.0 };
        let sum = self.run(split, (0..self.rows).map(|k| (first + k % count) as u32))?;
        Ok((sum - taken_off) / times as f64)
    }

    /// The sum over the rows of a batch of these examples.
    fn run(
        &mut self,
        split: &Split,
        examples: impl Iterator<Item = u32>,
    ) -> Result<f64, TrainError> {
        // A split holds at most u32::MAX examples.
        let indices: Vec<u32> = examples.collect();
        self.batch.fill(self.dataset, split, &indices, &Variation::default())?;
        self.eval.input_mut(Role::Data).copy_from_slice(&self.batch.x);
        self.eval.input_mut(Role::Target).copy_from_slice(&self.batch.target);
        self.eval.run()?;
        // The step's loss is a mean over all its rows.
        Ok(f64::from(self.eval.loss()) * self.rows as f64)
    }
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
    /// Of the rows of `target`, what `net` should give.
    pub fn count(logits: &[f32], target: &[f32], net: &Network) -> Self {
        Self::of_rows(logits, target, net.features(), net.classes())
    }

    /// Of the rows of `target`, `[.., features]`, the first `classes`: right is one whose first largest
    /// value is where it is in that row of `logits`. A row of zeros has no answer: it fills up a short
    /// batch, or is that of a pixel of no class.
    fn of_rows(logits: &[f32], target: &[f32], features: usize, classes: usize) -> Self {
        let mut answers = Self::default();
        for (logits, target) in logits.chunks_exact(features).zip(target.chunks_exact(features)) {
            let answer = argmax(&target[..classes]);
            if target[answer] > 0.0 {
                answers.of += 1;
                answers.right += u64::from(argmax(&logits[..classes]) == answer);
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
            Answers::of_rows(&logits, &target, 3, 3)
        };
        assert_eq!(count(&[1, 0, 0]), Answers { right: 3, of: 3 });
        assert_eq!(count(&[1, 1]), Answers { right: 1, of: 2 });
        assert_eq!(count(&[0, 2, 1]), Answers { right: 0, of: 3 });
        assert_eq!((count(&[1, 1]).accuracy(), count(&[]).accuracy()), (0.5, 0.0));
        // Soft targets count by their largest.
        let soft = Answers::of_rows(&logits[..3], &[0.1, 0.8, 0.1], 3, 3);
        assert_eq!(soft, Answers { right: 1, of: 1 });
        // Behind the classes are other features, of other losses.
        let (logits, target) = ([1.0, 0.0, 9.0, 2.0, 3.0, 9.0], [1.0, 0.0, 5.0, 1.0, 0.0, 5.0]);
        let first = Answers::of_rows(&logits, &target, 3, 2);
        assert_eq!(first, Answers { right: 1, of: 2 });
    }
}
