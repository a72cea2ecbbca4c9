//! Batches, filled ahead of the step that takes them.

use crate::TrainError;
use cotangent_data::{Augment, BatchError, Dataset, Sampler, Split, Variation};
use cotangent_net::Network;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::Scope;

/// The arrays of one batch.
pub(crate) struct Batch {
    /// `[batch, ..example]`.
    pub x: Vec<f32>,
    /// `[batch, ..target]`, one-hot; zero for padding rows. Each of the network's losses has the
    /// same one, side by side.
    pub target: Vec<f32>,
    /// How many losses.
    losses: usize,
}

impl Batch {
    pub fn new(net: &Network, dataset: &Dataset, rows: usize) -> Self {
        let losses = net.losses().parts().len().max(1);
        Batch {
            x: vec![0.0; rows * dataset.example_len()],
            target: vec![0.0; rows * dataset.target_len() * losses],
            losses,
        }
    }

    /// Fills it with examples of `split`, varied as `variation` says.
    pub fn fill(
        &mut self,
        dataset: &Dataset,
        split: &Split,
        indices: &[u32],
        variation: &Variation,
    ) -> Result<(), BatchError> {
        let once = self.target.len() / self.losses;
        let target = &mut self.target[..once];
        dataset.fill_varied(split, indices, variation, &mut self.x, target)?;
        repeat_rows(&mut self.target, dataset.classes(), self.losses);
        Ok(())
    }
}

/// Repeats each row of `len` numbers of those that `target` begins with `times` over, in place.
fn repeat_rows(target: &mut [f32], len: usize, times: usize) {
    if times == 1 {
        return;
    }
    // From behind, so that no row is overwritten before it is read.
    for row in (0..target.len() / (len * times)).rev() {
        for copy in (0..times).rev() {
            target.copy_within(row * len..(row + 1) * len, (row * times + copy) * len);
        }
    }
}

/// A thread that fills batches in the order of training while the step runs.
/// Two batches go round, so nothing is allocated per step; dropping the feed
/// ends the thread.
pub(crate) struct Feed {
    full: Receiver<Result<Batch, BatchError>>,
    empty: SyncSender<Batch>,
}

impl Feed {
    /// Batches of the training split from step `step` of epoch `epoch` on.
    pub fn start<'scope>(
        scope: &'scope Scope<'scope, '_>,
        (net, dataset): (&Network, &'scope Dataset),
        rows: usize,
        seed: u64,
        augment: Augment,
        epochs: std::ops::Range<u64>,
        first_step: usize,
    ) -> Self {
        let (to_consumer, full) = sync_channel(2);
        let (empty, to_producer) = sync_channel(2);
        for _ in 0..2 {
            // The channel has room for both.
            let _ = empty.send(Batch::new(net, dataset, rows));
        }
        scope.spawn(move || {
            let split = dataset.train();
            let mut sampler = Sampler::new(split, rows, seed);
            let first_epoch = epochs.start;
            for epoch in epochs {
                sampler.start_epoch(epoch);
                let variation = Variation { augment, seed, epoch };
                let first = if epoch == first_epoch { first_step } else { 0 };
                for step in first..sampler.full_steps() {
                    // A closed channel means that training has stopped.
                    let Ok(mut batch): Result<Batch, _> = to_producer.recv() else { return };
                    let indices = sampler.batch(step);
                    let filled = batch.fill(dataset, split, indices, &variation).map(|()| batch);
                    if to_consumer.send(filled).is_err() {
                        return;
                    }
                }
            }
        });
        Feed { full, empty }
    }

    /// The next batch; give it back with [`Feed::recycle`].
    pub fn next(&self) -> Result<Batch, TrainError> {
        Ok(self.full.recv().map_err(|_| TrainError::Feed)??)
    }

    pub fn recycle(&self, batch: Batch) {
        // Nobody waits for it after the last step.
        let _ = self.empty.send(batch);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_loss_has_the_same_target() {
        let mut target = [1.0, 2.0, 3.0, 4.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0];
        repeat_rows(&mut target, 2, 3);
        assert_eq!(target, [1.0, 2.0, 1.0, 2.0, 1.0, 2.0, 3.0, 4.0, 3.0, 4.0, 3.0, 4.0]);
        let mut once = [1.0, 2.0];
        repeat_rows(&mut once, 2, 1);
        assert_eq!(once, [1.0, 2.0]);
    }
}
