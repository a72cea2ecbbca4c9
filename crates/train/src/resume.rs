//! Going on with a run, only if it is the very same run.

use crate::checkpoint;
use crate::metrics::csv;
use crate::setup::{Setup, sha256};
use crate::trainer::{Trainer, summary};
use crate::{Config, Event, Observer, Outcome, RunDir, TrainError};
use cotangent_data::Dataset;
use std::path::Path;
use std::sync::atomic::AtomicBool;

/// Continues the run in `run_dir` where its last checkpoint stands. The end is
/// the same, bit for bit, as that of a run that never stopped.
///
/// # Errors
/// As [`train`](crate::train); and the directory holds no run, its checkpoint is damaged or
/// of another network, optimiser or step, or the configuration or the data
/// have changed.
pub fn resume(
    run_dir: &Path,
    dataset: &Dataset,
    stop: &AtomicBool,
    observer: &mut dyn Observer,
) -> Result<Outcome, TrainError> {
    let dir = RunDir::open(run_dir);
    let setup = Setup::new(&Config::load(run_dir)?, dataset)?;
    let (weights, found) = checkpoint::load(&dir.last())?;
    let net = &setup.net;
    let state = setup.optimizer.state(net);
    let names = net.params().map(|p| &*p.name).chain(state.iter().map(|s| &*s.name));
    weights.no_others(net, names)?;
    for s in &state {
        weights.tensor(net, &s.name, &s.shape)?;
    }
    check_identity(&dir, &setup, &found.identity, dataset)?;
    let progress = found.progress;
    let (epochs, steps) = (setup.config.epochs as u64, setup.steps);
    if progress.step > steps || progress.epoch > epochs {
        let (epoch, step) = (progress.epoch, progress.step);
        let reason = format!("it is at epoch {epoch} of {epochs}, step {step} of {steps}");
        return Err(TrainError::Checkpoint { path: dir.last(), reason });
    }
    if progress.epoch == epochs {
        let summary = summary(&setup, &dir, &progress);
        observer.event(&Event::Notice("this run is finished; there is nothing to do"));
        return Ok(Outcome::AlreadyFinished(summary));
    }
    let mut trainer = Trainer::new(&setup, dataset, &dir, progress)?;
    trainer.step.set_resident(|name, shape| weights.tensor(net, name, shape))?;
    dir.write("metrics.csv", csv(&trainer.progress.rows).as_bytes())?;
    trainer.run(stop, observer)
}

/// Whether a checkpoint is of the very step, data and configuration that the
/// run directory would continue with.
fn check_identity(
    dir: &RunDir,
    setup: &Setup,
    found: &checkpoint::Identity,
    dataset: &Dataset,
) -> Result<(), TrainError> {
    let path = dir.step();
    let bytes =
        std::fs::read(&path).map_err(|source| TrainError::Read { path: path.clone(), source })?;
    let of_config = ("what config.toml asks for".to_string(), setup.identity.step_sha256.clone());
    for (what, sha256) in [(path.display().to_string(), sha256(&bytes)), of_config] {
        if sha256 != found.step_sha256 {
            let expected = found.step_sha256.clone();
            return Err(TrainError::StepChanged { what, found: sha256, expected });
        }
    }
    if setup.identity.data_sha256 != found.data_sha256 {
        let before = toml::from_str::<Config>(&found.config).map(|c| c.dataset);
        return Err(TrainError::OtherData {
            expected: before.unwrap_or_else(|_| "unknown".into()),
            expected_sha256: found.data_sha256.clone(),
            found: dataset.name().into(),
            found_sha256: setup.identity.data_sha256.clone(),
        });
    }
    let (now, then) = (&setup.identity.config, &found.config);
    if now != then {
        let differs = |(a, b): &(&str, &str)| a != b;
        let (found, expected) =
            now.lines().zip(then.lines()).find(differs).unwrap_or(("more or fewer lines", ""));
        let (found, expected) = (found.into(), expected.into());
        return Err(TrainError::ConfigChanged { path: dir.config(), found, expected });
    }
    Ok(())
}
