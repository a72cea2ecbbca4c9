//! A small run that learns, and an observer that records it.
#![allow(dead_code)] // each test file uses its part

use cotangent_data::{Dataset, SyntheticConfig, synthetic};
use cotangent_net::{NetSpec, Network};
use cotangent_train::{Config, Event, Observer, Outcome, RunDir, TrainError, train};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// 330 training digits: 10 steps of 32, the rest left out; 50 test digits:
/// two batches, the second short.
pub fn digits() -> Dataset {
    synthetic(&SyntheticConfig { train: 330, test: 50, seed: 3 })
}

/// A small network with a layer of every kind.
pub fn small_net() -> Network {
    let spec = NetSpec::new("small", [28, 28, 1]).conv2d(4, 3).relu().max_pool(4).flatten();
    spec.dense(16).relu().dense(10).network().unwrap()
}

pub fn config(optimizer: &str) -> Config {
    let mut config = Config::new(&small_net(), &optimizer.parse().unwrap(), "synthetic");
    (config.batch, config.epochs, config.threads, config.seed) = (32, 3, 2, 5);
    config
}

/// Keeps the names of the events and the losses, and sets the stop flag after
/// `stop_after` steps.
pub struct Recorder<'a> {
    pub events: Vec<String>,
    pub losses: Vec<f32>,
    pub stop_after: usize,
    pub stop: &'a AtomicBool,
}

impl<'a> Recorder<'a> {
    pub fn new(stop: &'a AtomicBool) -> Self {
        Self::stopping_after(usize::MAX, stop)
    }

    pub fn stopping_after(stop_after: usize, stop: &'a AtomicBool) -> Self {
        Recorder { events: vec![], losses: vec![], stop_after, stop }
    }
}

impl Observer for Recorder<'_> {
    fn event(&mut self, event: &Event<'_>) {
        if let Event::StepDone(step) = event {
            self.losses.push(step.loss);
            if self.losses.len() == self.stop_after {
                self.stop.store(true, Ordering::Relaxed);
            }
        }
        let text = format!("{event:?}");
        let name = text.split([' ', '(', '{']).next().unwrap_or_default();
        self.events.push(name.to_string());
    }
}

/// Begins a run and stops it after `steps` steps, or sooner if it fails.
pub fn train_stopped(config: &Config, dir: &Path, steps: usize) -> Result<Outcome, TrainError> {
    let stop = AtomicBool::new(false);
    let mut recorder = Recorder::stopping_after(steps, &stop);
    train(config, &digits(), dir, &stop, &mut recorder)
}

/// Trains with nobody watching.
pub fn train_quietly(config: &Config, dir: &Path) -> Result<Outcome, TrainError> {
    train(config, &digits(), dir, &AtomicBool::new(false), &mut cotangent_train::Silent)
}

/// The tensors of a safetensors file, by name, as bytes.
pub fn tensors(path: &Path) -> Vec<(String, Vec<usize>, Vec<u8>)> {
    let bytes = std::fs::read(path).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let mut tensors: Vec<_> = file
        .tensors()
        .into_iter()
        .map(|(name, v)| (name, v.shape().to_vec(), v.data().to_vec()))
        .collect();
    tensors.sort();
    tensors
}

/// `metrics.csv` without its last column, which is a measured speed.
pub fn metrics(dir: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(RunDir::open(dir).metrics()).unwrap();
    text.lines().map(|l| l.rsplit_once(',').unwrap().0.to_string()).collect()
}
