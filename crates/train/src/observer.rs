//! What a run tells whoever watches it.

use crate::{Config, Row, Summary};
use std::path::Path;
use std::time::Duration;

/// Someone who is told what happens; the command renders it.
pub trait Observer {
    /// Called on the training thread, once per event; keep it short.
    fn event(&mut self, event: &Event<'_>);
}

/// An observer that looks away.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {
    fn event(&mut self, _: &Event<'_>) {}
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Event<'a> {
    /// Everything is ready; the first step comes next.
    RunStarted {
        /// The configuration, resolved.
        config: &'a Config,
        /// The run directory.
        dir: &'a Path,
        /// Trained numbers.
        params: usize,
        /// Examples of the training split.
        train_examples: usize,
        /// Examples of the test split.
        test_examples: usize,
        /// Bytes of buffers the step's executor holds; `None` if it cannot say.
        peak_bytes: Option<usize>,
        /// Where the run stands: its beginning, or where it was interrupted.
        position: Position,
    },
    /// A step is done.
    StepDone(StepDone),
    /// The test split is being scored.
    EvalStarted {
        /// Epoch, from 1.
        epoch: u64,
    },
    /// An epoch is done and scored.
    EpochDone {
        /// Its line of `metrics.csv`.
        row: &'a Row,
        /// Whether its validation accuracy is the run's best so far.
        best: bool,
    },
    /// A checkpoint is on disk.
    CheckpointSaved {
        /// Where.
        path: &'a Path,
    },
    /// Something to know that is not an error.
    Notice(&'a str),
    /// The stop flag was seen; the checkpoint is saved.
    Interrupted(Position),
    /// All epochs are done.
    Finished(&'a Summary),
}

/// A point of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The epoch under way, from 1; one past the last once all are done.
    pub epoch: u64,
    /// Epochs of the run.
    pub epochs: u64,
    /// Steps done in that epoch.
    pub step: u64,
    /// Steps of an epoch.
    pub steps: u64,
}

/// A step and the running figures of its epoch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepDone {
    /// Where the run stands after the step.
    pub position: Position,
    /// Loss of this step.
    pub loss: f32,
    /// Mean loss of the epoch so far.
    pub mean_loss: f64,
    /// Fraction of the epoch's answers so far that were right.
    pub accuracy: f64,
    /// Learning rate of this step.
    pub lr: f32,
    /// Images per second of this process's training steps in this epoch.
    pub images_per_second: f64,
    /// Estimated time to the end of the run.
    pub eta: Duration,
}
