//! The order in which an epoch visits the examples.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::Split;

/// Shuffled batches, a pure function of `(seed, epoch, step)`.
///
/// Each epoch's order is a Fisher-Yates shuffle by ChaCha8 keyed with the seed and the epoch alone, so
/// training resumed at any epoch and step sees the batches it would have seen without a stop.
#[derive(Debug, Clone)]
pub struct Sampler {
    order: Vec<u32>,
    batch: usize,
    seed: u64,
}

impl Sampler {
    /// Batches of `batch` examples of `split`, in order until [`start_epoch`](Self::start_epoch).
    pub fn new(split: &Split, batch: usize, seed: u64) -> Self {
        // A split holds at most u32::MAX examples.
        Self { order: (0..split.len() as u32).collect(), batch, seed }
    }

    /// Reshuffles for `epoch`, in place and whatever the order was before.
    pub fn start_epoch(&mut self, epoch: u64) {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&self.seed.to_le_bytes());
        key[8..16].copy_from_slice(&epoch.to_le_bytes());
        key[16..].copy_from_slice(b"epoch-shuffle-01"); // keeps other users of the seed apart
        for (i, slot) in self.order.iter_mut().enumerate() {
            *slot = i as u32;
        }
        self.order.shuffle(&mut ChaCha8Rng::from_seed(key));
    }

    /// Number of batches of the full size; the remainder is left out.
    pub fn full_steps(&self) -> usize {
        self.order.len().checked_div(self.batch).unwrap_or(0)
    }

    /// Number of batches that cover every example; the last may be short.
    pub fn steps(&self) -> usize {
        if self.batch == 0 { 0 } else { self.order.len().div_ceil(self.batch) }
    }

    /// Indices of the examples of batch `step`; empty past the last step.
    pub fn batch(&self, step: usize) -> &[u32] {
        let len = self.order.len();
        let start = step.saturating_mul(self.batch).min(len);
        &self.order[start..start.saturating_add(self.batch).min(len)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampler(len: usize, batch: usize, seed: u64) -> Sampler {
        Sampler::new(&Split::new(vec![0; len], vec![0; len], 1).unwrap(), batch, seed)
    }

    fn epoch(seed: u64, epoch: u64) -> Vec<u32> {
        let mut s = sampler(103, 10, seed);
        s.start_epoch(epoch);
        (0..s.steps()).flat_map(|i| s.batch(i).to_vec()).collect()
    }

    #[test]
    fn an_epoch_visits_every_example_once() {
        let mut order = epoch(1, 0);
        assert_ne!(order, (0..103).collect::<Vec<_>>());
        order.sort_unstable();
        assert_eq!(order, (0..103).collect::<Vec<_>>());
    }

    #[test]
    fn order_depends_on_seed_and_epoch_only() {
        let mut s = sampler(103, 10, 1);
        for e in [5, 2, 9, 5] {
            s.start_epoch(e);
        }
        assert_eq!(s.order, epoch(1, 5));
        assert_ne!(epoch(1, 5), epoch(1, 6));
        assert_ne!(epoch(1, 5), epoch(2, 5));
        assert_ne!(epoch(1, 2), epoch(2, 1));
    }

    /// Checkpoints outlive builds: an update of the random number crates must not move the order.
    #[test]
    fn order_is_pinned() {
        let mut s = sampler(8, 8, 42);
        s.start_epoch(3);
        assert_eq!(s.order, [3, 4, 2, 5, 0, 7, 1, 6]);
    }

    #[test]
    fn steps_and_short_batches() {
        let s = sampler(103, 10, 0);
        assert_eq!((s.full_steps(), s.steps()), (10, 11));
        assert_eq!(s.batch(10).len(), 3);
        assert!(s.batch(11).is_empty() && s.batch(usize::MAX).is_empty());
        let s = sampler(3, 0, 0);
        assert_eq!((s.full_steps(), s.steps(), s.batch(0).len()), (0, 0, 0));
    }
}
