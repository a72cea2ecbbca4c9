//! Batches, filled ahead of the step that takes them.

use crate::TrainError;
use cotangent_data::{BatchError, Dataset, Sampler, Split};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::Scope;

/// The arrays of one batch.
pub(crate) struct Batch {
    /// `[batch, ..image]`, normalised.
    pub x: Vec<f32>,
    /// `[batch, classes]`, one-hot; zero for padding rows.
    pub target: Vec<f32>,
    /// `[batch]`; only the first ones of a short batch mean anything.
    pub labels: Vec<u8>,
}

impl Batch {
    pub fn new(dataset: &Dataset, rows: usize) -> Self {
        Batch {
            x: vec![0.0; rows * dataset.pixels()],
            target: vec![0.0; rows * dataset.classes()],
            labels: vec![0; rows],
        }
    }

    pub fn fill(
        &mut self,
        dataset: &Dataset,
        split: &Split,
        indices: &[u32],
    ) -> Result<(), BatchError> {
        dataset.fill_batch(split, indices, &mut self.x, &mut self.target)?;
        for (label, &i) in self.labels.iter_mut().zip(indices) {
            *label = split.labels()[i as usize];
        }
        Ok(())
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
        dataset: &'scope Dataset,
        rows: usize,
        seed: u64,
        epochs: std::ops::Range<u64>,
        first_step: usize,
    ) -> Self {
        let (to_consumer, full) = sync_channel(2);
        let (empty, to_producer) = sync_channel(2);
        for _ in 0..2 {
            // The channel has room for both.
            let _ = empty.send(Batch::new(dataset, rows));
        }
        scope.spawn(move || {
            let split = dataset.train();
            let mut sampler = Sampler::new(split, rows, seed);
            let first_epoch = epochs.start;
            for epoch in epochs {
                sampler.start_epoch(epoch);
                let first = if epoch == first_epoch { first_step } else { 0 };
                for step in first..sampler.full_steps() {
                    // A closed channel means that training has stopped.
                    let Ok(mut batch): Result<Batch, _> = to_producer.recv() else { return };
                    let filled = batch.fill(dataset, split, sampler.batch(step)).map(|()| batch);
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
