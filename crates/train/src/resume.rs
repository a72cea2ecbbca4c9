//! Going on with a run, only if it is the very same run.

use crate::checkpoint;
use crate::derived;
use crate::metrics::{csv, parse_csv};
use crate::setup::{Setup, sha256};
use crate::start;
use crate::trainer::{Trainer, begin};
use crate::{Config, Event, Observer, Outcome, RunDir, TrainError};
use cotangent_data::Dataset;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::atomic::AtomicBool;

/// Continues the run in `run_dir` where its last checkpoint stands, or its best
/// one if it has no last, or from its first step if it stopped before it had
/// one. The end is the same, bit for bit, as that of a run that never stopped.
///
/// Of a finished run the files that follow from its checkpoint are brought up
/// to date.
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
    resume_from(run_dir, None, dataset, stop, observer)
}

/// As [`resume`], with the data having moved to `data`, which `config.toml`
/// says from then on. That it is the same data is seen by its sha256.
///
/// # Errors
/// As [`resume`].
pub fn resume_from(
    run_dir: &Path,
    data: Option<&str>,
    dataset: &Dataset,
    stop: &AtomicBool,
    observer: &mut dyn Observer,
) -> Result<Outcome, TrainError> {
    let dir = RunDir::open(run_dir);
    let _lock = dir.lock()?;
    let mut config = Config::load(run_dir)?;
    if let Some(data) = data {
        config.data = data.into();
    }
    let from = if dir.last().exists() { dir.last() } else { dir.best() };
    if !from.exists() {
        return restart(&dir, &config, data.is_some(), dataset, stop, observer);
    }
    let setup = Setup::new(&config, dataset, &config.dataset)?;
    let (weights, found) = checkpoint::load(&from)?;
    let net = &setup.net;
    let state = setup.options.state(net);
    let names = net.params().iter().map(|p| &*p.name);
    let names = names.chain(net.stats().iter().map(|s| &*s.name));
    let names = names.chain(state.iter().map(|s| &*s.name));
    weights.no_others(net, names)?;
    for s in &state {
        weights.tensor(net, &s.name, &s.shape)?;
    }
    check_identity(&dir, &setup, &config, &found.identity, dataset)?;
    let progress = found.progress;
    let (epochs, steps) = (setup.config.epochs as u64, setup.steps);
    if progress.step > steps || progress.epoch > epochs {
        let (epoch, step) = (progress.epoch, progress.step);
        let reason = format!("it is at epoch {epoch} of {epochs}, step {step} of {steps}");
        return Err(TrainError::Checkpoint { path: from, reason });
    }
    if from != dir.last() {
        observer.event(&Event::Notice(&format!(
            "{} is missing; going on from {}, after epoch {}",
            dir.last().display(),
            from.display(),
            progress.epoch
        )));
        let bytes =
            std::fs::read(&from).map_err(|source| TrainError::Read { path: from, source })?;
        dir.write("last.safetensors", &bytes)?;
    }
    if data.is_some() {
        dir.restore("config.toml", setup.identity.config.as_bytes())?;
    }
    if progress.epoch == epochs {
        return derived::finish(&setup, &dir, &progress, observer).map(Outcome::AlreadyFinished);
    }
    let mut trainer = Trainer::new(&setup, dataset, &dir, progress)?;
    trainer.step.set_resident(|name, shape| weights.tensor(net, name, shape))?;
    setup.restore(&dir)?;
    derived::restore_best(&dir, &trainer.progress, observer)?;
    dir.write("metrics.csv", csv(&trainer.progress.rows).as_bytes())?;
    trainer.run(stop, observer)
}

/// A run without a checkpoint has only its configuration, of which its first
/// step is a function: it begins again.
fn restart(
    dir: &RunDir,
    config: &Config,
    moved: bool,
    dataset: &Dataset,
    stop: &AtomicBool,
    observer: &mut dyn Observer,
) -> Result<Outcome, TrainError> {
    // An epoch is in metrics.csv only after its checkpoint; a line without
    // a test loss is of an epoch that was not finished.
    let metrics = std::fs::read_to_string(dir.metrics()).unwrap_or_default();
    let tested = parse_csv(&metrics).is_ok_and(|rows| rows.iter().any(|r| r.val_loss.is_finite()));
    // Written after it too.
    let later = [(dir.metrics(), tested), (dir.summary(), dir.summary().exists())];
    if let Some((shown_by, _)) = later.into_iter().find(|(_, found)| *found) {
        return Err(TrainError::CheckpointMissing { path: dir.last(), shown_by });
    }
    // Without a checkpoint there is no sha256 to tell.
    if !moved && config.dataset != dataset.name() {
        let (expected, found) = (&config.dataset, dataset.name());
        let reason = format!(
            "the run began with the data set `{expected}`, found `{found}`; give the same data \
             with --data"
        );
        return Err(TrainError::Invalid { what: "data", reason });
    }
    let setup = Setup::new(config, dataset, dataset.name())?;
    let notice = "this run stopped before its first checkpoint; it begins again at its first step";
    observer.event(&Event::Notice(notice));
    begin(&setup, start::initial(&setup)?, dataset, dir, stop, observer)
}

/// Whether a checkpoint is of the very step, data and configuration that the
/// run directory would continue with; `written` is its `config.toml`.
fn check_identity(
    dir: &RunDir,
    setup: &Setup,
    written: &Config,
    found: &checkpoint::Identity,
    dataset: &Dataset,
) -> Result<(), TrainError> {
    let path = dir.step();
    let of_config = ("what config.toml asks for".to_string(), setup.identity.step_sha256.clone());
    let of_file = match std::fs::read(&path) {
        Ok(bytes) => Some((path.display().to_string(), sha256(&bytes))),
        // It is made again from the configuration.
        Err(e) if e.kind() == ErrorKind::NotFound => None,
        Err(source) => return Err(TrainError::Read { path, source }),
    };
    for (what, sha256) in of_file.into_iter().chain([of_config]) {
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
    // Where the data lies may change: its sha256 is what counts.
    let place = (setup.config.data.clone(), setup.config.dataset.clone());
    let then = toml::from_str::<Config>(&found.config).map(|c| Config {
        data: place.0,
        dataset: place.1,
        ..c
    });
    let then = &then.map_or(Ok(found.config.clone()), |c| c.to_toml())?;
    // What the data set and the network fill in is compared too, as it is written.
    let (model, encoding) = (written.model.clone(), written.encoding.clone());
    let now = &Config { model, encoding, ..setup.config.clone() }.to_toml()?;
    if now != then {
        let differs = |(a, b): &(&str, &str)| a != b;
        let (found, expected) =
            now.lines().zip(then.lines()).find(differs).unwrap_or(("more or fewer lines", ""));
        let (found, expected) = (found.into(), expected.into());
        return Err(TrainError::ConfigChanged { path: dir.config(), found, expected });
    }
    Ok(())
}
