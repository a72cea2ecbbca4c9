//! The loop.

use crate::checkpoint::{self, Progress};
use crate::derived;
use crate::engine::Step;
use crate::feed::{Batch, Feed};
use crate::masks::Masks;
use crate::metrics::{best, csv};
use crate::score::{Answers, Scoring, positions};
use crate::setup::{Setup, to_json};
use crate::start;
use crate::{Config, Event, Observer, Position, Row, RunDir, StepDone, Summary, TrainError};
use cotangent_data::Dataset;
use cotangent_graph::Role;
use cotangent_step::StepOptions;
use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// All epochs are done.
    Finished(Summary),
    /// They were done before; nothing happened.
    AlreadyFinished(Summary),
    /// The stop flag was set; [`resume`](crate::resume) continues from here.
    Interrupted(Position),
}

/// Begins a run in `run_dir` and trains until it is done or `stop` is set:
/// then the step under way is finished and `last.safetensors` saved.
///
/// Of `config`, the names, the optimiser's constants and the schedule's
/// default are worked out and written back to `config.toml`.
///
/// # Errors
/// The configuration or the data do not fit, the directory cannot be written,
/// holds anything or is in use, or the loss ceased to be finite.
pub fn train(
    config: &Config,
    dataset: &Dataset,
    run_dir: &Path,
    stop: &AtomicBool,
    observer: &mut dyn Observer,
) -> Result<Outcome, TrainError> {
    let setup = Setup::new(config, dataset, dataset.name())?;
    let initial = start::initial(&setup)?;
    let (dir, _lock) = RunDir::create(run_dir)?;
    begin(&setup, initial, dataset, &dir, stop, observer)
}

/// Trains from the first step, the parameters and statistics being `initial`.
pub(crate) fn begin(
    setup: &Setup,
    mut initial: HashMap<String, Vec<f32>>,
    dataset: &Dataset,
    dir: &RunDir,
    stop: &AtomicBool,
    observer: &mut dyn Observer,
) -> Result<Outcome, TrainError> {
    let mut trainer = Trainer::new(setup, dataset, dir, Progress::default())?;
    let params: Vec<Vec<f32>> = setup
        .net
        .params()
        .iter()
        .map(|p| initial.get(&p.name).cloned().unwrap_or_default())
        .collect();
    let state = setup.options.state(&setup.net);
    initial.extend(state.into_iter().map(|s| {
        let values = s.initial_values(&params);
        (s.name, values)
    }));
    trainer.step.set_resident(|name, _| Ok(initial.get(name).map_or(&[], |v| &v[..])))?;
    drop(initial);
    setup.write(dir)?;
    trainer.run(stop, observer)
}

/// A run under way.
pub(crate) struct Trainer<'a> {
    setup: &'a Setup,
    dataset: &'a Dataset,
    dir: &'a RunDir,
    pub(crate) progress: Progress,
    pub(crate) step: Step,
    masks: Masks,
    eval: Step,
    eval_batch: Batch,
    clock: Clock,
}

/// Times of this process.
struct Clock {
    session: Instant,
    /// Wall time of earlier sessions, seconds.
    before: f64,
    /// Time in the loop over steps, and the steps.
    training: Duration,
    trained: u64,
    /// Time of the last evaluation.
    evaluation: Duration,
}

impl<'a> Trainer<'a> {
    pub(crate) fn new(
        setup: &'a Setup,
        dataset: &'a Dataset,
        dir: &'a RunDir,
        progress: Progress,
    ) -> Result<Self, TrainError> {
        let execution = setup.config.execution();
        let io = [Role::Data, Role::Target];
        let out = [Role::Loss, Role::Logits];
        let step_io = [Role::Data, Role::Target, Role::Hyper];
        let step = Step::compile("step.mlir", &setup.step, execution, &step_io, &out)?;
        let masks = Masks::new(&setup.net, &step, setup.config.seed);
        Ok(Trainer {
            step,
            masks,
            eval: Step::compile("eval.mlir", &setup.eval, execution, &io, &out)?,
            eval_batch: Batch::new(&setup.net, dataset, setup.config.batch),
            clock: Clock {
                session: Instant::now(),
                before: progress.seconds,
                training: Duration::ZERO,
                trained: 0,
                evaluation: Duration::ZERO,
            },
            setup,
            dataset,
            dir,
            progress,
        })
    }

    pub(crate) fn run(
        mut self,
        stop: &AtomicBool,
        observer: &mut dyn Observer,
    ) -> Result<Outcome, TrainError> {
        let config = &self.setup.config;
        observer.event(&Event::RunStarted {
            config,
            dir: self.dir.path(),
            params: self.setup.net.param_count(),
            train_examples: self.dataset.train().len(),
            test_examples: self.dataset.test().len(),
            peak_bytes: self.step.peak_bytes(),
            position: self.position(),
        });
        let epochs = self.progress.epoch..config.epochs as u64;
        let first = self.progress.step as usize;
        let finished = std::thread::scope(|scope| {
            let (rows, augment) = (config.batch, config.augment.unwrap_or_default());
            let feed = Feed::start(
                scope,
                (&self.setup.net, self.dataset),
                rows,
                config.seed,
                augment,
                epochs.clone(),
                first,
            );
            for _ in epochs {
                match self.train_epoch(&feed, stop, observer)? {
                    Some(images_per_second) => self.end_epoch(images_per_second, observer)?,
                    None => return Ok(false),
                }
            }
            Ok::<_, TrainError>(true)
        })?;
        if !finished {
            let position = self.position();
            self.save("last.safetensors", observer)?;
            observer.event(&Event::Interrupted(position));
            return Ok(Outcome::Interrupted(position));
        }
        let summary = derived::summary(self.setup, self.dir, &self.progress);
        self.dir.write("summary.json", to_json(&summary)?.as_bytes())?;
        observer.event(&Event::Finished(&summary));
        Ok(Outcome::Finished(summary))
    }

    /// The rest of the epoch under way; its images per second, or `None` if
    /// the stop flag was seen.
    fn train_epoch(
        &mut self,
        feed: &Feed,
        stop: &AtomicBool,
        observer: &mut dyn Observer,
    ) -> Result<Option<f64>, TrainError> {
        let (rows, steps) = (self.setup.config.batch, self.setup.steps);
        let (start, mut done) = (Instant::now(), 0);
        let trained_before = self.clock.training;
        loop {
            if stop.load(Ordering::Relaxed) {
                return Ok(None);
            }
            if self.progress.step == steps {
                let seconds = start.elapsed().as_secs_f64();
                return Ok(Some(if done == 0 {
                    0.0
                } else {
                    (done * rows as u64) as f64 / seconds
                }));
            }
            let lr = self.lr();
            let batch = feed.next()?;
            self.step.input_mut(Role::Data).copy_from_slice(&batch.x);
            self.step.input_mut(Role::Target).copy_from_slice(&batch.target);
            self.step.hyper_mut("lr").fill(lr);
            let applies = self.setup.applies(self.global_step());
            self.step.hyper_mut("apply").fill(f32::from(applies));
            self.masks.draw(self.global_step(), &mut self.step);
            self.step.run()?;
            let loss = self.step.loss();
            if !loss.is_finite() {
                return Err(self.diverged(loss, self.progress.step + 1, lr));
            }
            let logits = self.step.output(Role::Logits);
            let answers = Answers::count(logits, &batch.target, &self.setup.net);
            feed.recycle(batch);
            self.progress.loss_sum += f64::from(loss);
            self.progress.correct += answers.right;
            self.progress.unanswered += (rows * positions(self.dataset)) as u64 - answers.of;
            self.progress.step += 1;
            done += 1;
            let elapsed = start.elapsed();
            self.clock.training = trained_before + elapsed;
            self.clock.trained += 1;
            observer.event(&Event::StepDone(StepDone {
                position: self.position(),
                loss,
                mean_loss: self.progress.loss_sum / self.progress.step as f64,
                accuracy: self.train_accuracy(),
                lr,
                images_per_second: (done * rows as u64) as f64 / elapsed.as_secs_f64(),
                eta: self.eta(),
            }));
        }
    }

    /// Scores the epoch, writes its row, the plots and the checkpoints.
    fn end_epoch(
        &mut self,
        images_per_second: f64,
        observer: &mut dyn Observer,
    ) -> Result<(), TrainError> {
        let start = Instant::now();
        observer.event(&Event::EvalStarted { epoch: self.progress.epoch + 1 });
        let trained: HashMap<&str, &[f32]> =
            self.step.resident().map(|(name, _, value)| (name, value)).collect();
        // The average is what the run is for, where there is one.
        let averaged = self.setup.options.ema.is_some();
        self.eval.set_resident(|name, _| {
            let average = averaged.then(|| trained.get(&*StepOptions::ema_name(name))).flatten();
            Ok(average.or(trained.get(name)).copied().unwrap_or_default())
        })?;
        let mut scoring = Scoring {
            eval: &mut self.eval,
            batch: &mut self.eval_batch,
            rows: self.setup.config.batch,
            net: &self.setup.net,
            dataset: self.dataset,
        };
        let scores = scoring.score(self.dataset.test())?;
        self.clock.evaluation = start.elapsed();
        let lr = self.last_lr();
        if !scores.loss.is_finite() {
            return Err(self.diverged(scores.loss as f32, self.progress.step, lr));
        }
        // Now, while the progress still says in which epoch that was.
        self.check_finite()?;
        let row = Row {
            epoch: self.progress.epoch + 1,
            step: self.global_step(),
            lr,
            train_loss: self.progress.loss_sum / self.progress.step as f64,
            train_accuracy: self.train_accuracy(),
            val_loss: scores.loss,
            val_accuracy: scores.accuracy,
            images_per_second,
        };
        self.progress = Progress {
            epoch: self.progress.epoch + 1,
            seconds: self.progress.seconds,
            rows: std::mem::take(&mut self.progress.rows),
            ..Progress::default()
        };
        self.progress.rows.push(row);
        let best = best(&self.progress.rows).is_some_and(|b| b.epoch == row.epoch);
        observer.event(&Event::EpochDone { row: &row, best });
        // `last` comes after `best`: stopped between the two, the run goes on
        // from the `last` before, repeats this epoch and writes the same `best`
        // again; in the first epoch, which has none before, from `best`.
        if best {
            self.save("best.safetensors", observer)?;
        }
        self.save("last.safetensors", observer)?;
        self.dir.write("metrics.csv", csv(&self.progress.rows).as_bytes())?;
        derived::plots(self.setup, self.dir, &self.progress, observer).map(drop)
    }

    fn save(&mut self, name: &str, observer: &mut dyn Observer) -> Result<(), TrainError> {
        self.check_finite()?;
        self.progress.seconds = self.clock.before + self.clock.session.elapsed().as_secs_f64();
        let bytes = checkpoint::encode(&self.step, &self.setup.identity, &self.progress)?;
        let path = self.dir.write(name, &bytes)?;
        observer.event(&Event::CheckpointSaved { path: &path });
        Ok(())
    }

    /// The loss is measured before the update, so it can be finite while the
    /// parameters or the optimiser's state no longer are.
    fn check_finite(&self) -> Result<(), TrainError> {
        let broken = |v: &[f32]| v.iter().any(|x| !x.is_finite());
        match self.step.resident().find(|(_, _, v)| broken(v)) {
            None => Ok(()),
            Some((name, _, _)) => {
                let mut error = self.diverged(f32::NAN, self.progress.step, self.last_lr());
                if let TrainError::Diverged { tensor, .. } = &mut error {
                    *tensor = Some(name.into());
                }
                Err(error)
            }
        }
    }

    /// Writes what is known of the epoch to `metrics.csv`; the checkpoints
    /// stay what they are.
    fn diverged(&self, loss: f32, step: u64, lr: f32) -> TrainError {
        let p = &self.progress;
        let row = Row {
            epoch: p.epoch + 1,
            step: p.epoch * self.setup.steps + step,
            lr,
            train_loss: f64::from(loss),
            train_accuracy: self.train_accuracy(),
            val_loss: f64::NAN,
            val_accuracy: f64::NAN,
            images_per_second: 0.0,
        };
        let rows = [&p.rows[..], &[row]].concat();
        // That training diverged is the error to report, not a full disk.
        let _ = self.dir.write("metrics.csv", csv(&rows).as_bytes());
        let last = self.dir.last();
        TrainError::Diverged {
            loss,
            tensor: None,
            epoch: p.epoch + 1,
            step,
            lr,
            checkpoint: last.exists().then_some(last),
        }
    }

    fn position(&self) -> Position {
        Position {
            epoch: self.progress.epoch + 1,
            epochs: self.setup.config.epochs as u64,
            step: self.progress.step,
            steps: self.setup.steps,
        }
    }

    /// Steps since the beginning of the run.
    fn global_step(&self) -> u64 {
        self.progress.epoch * self.setup.steps + self.progress.step
    }

    /// Learning rate of the next step.
    fn lr(&self) -> f32 {
        self.setup.lr(self.global_step())
    }

    /// Learning rate of the last step.
    fn last_lr(&self) -> f32 {
        self.setup.lr(self.global_step().saturating_sub(1))
    }

    /// Of the epoch under way.
    fn train_accuracy(&self) -> f64 {
        let seen = self.progress.step * (self.setup.config.batch * positions(self.dataset)) as u64;
        let (right, of) = (self.progress.correct, seen.saturating_sub(self.progress.unanswered));
        Answers { right, of }.accuracy()
    }

    fn eta(&self) -> Duration {
        let steps = self.setup.total().saturating_sub(self.global_step());
        let epochs = (self.setup.config.epochs as u64).saturating_sub(self.progress.epoch);
        let per_step = self.clock.training.as_secs_f64() / self.clock.trained.max(1) as f64;
        let seconds = per_step * steps as f64 + self.clock.evaluation.as_secs_f64() * epochs as f64;
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cotangent_data::{SyntheticConfig, synthetic};
    use cotangent_net::NetSpec;

    #[test]
    fn state_that_broke_in_an_epochs_last_step_is_reported_there() {
        let data = synthetic(&SyntheticConfig { train: 40, test: 10, seed: 1 });
        let net = NetSpec::new("n", [784]).dense(10).network().unwrap();
        let config = Config::new(&net, &"momentum".parse().unwrap(), "synthetic");
        let config = Config { batch: 10, epochs: 2, threads: 1, ..config };
        let setup = Setup::new(&config, &data, "synthetic").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let dir = RunDir::open(folder.path());
        let mut trainer = Trainer::new(&setup, &data, &dir, Progress::default()).unwrap();
        // The loss is finite, since it does not read the momentum.
        let (zeros, broken) = ([0.0; 7840], [f32::INFINITY; 7840]);
        let value = |name: &str, shape: &[usize]| {
            let from = if name == "momentum.dense_1.bias" { &broken } else { &zeros };
            Ok(&from[..shape.iter().product()])
        };
        trainer.step.set_resident(value).unwrap();
        trainer.progress.step = setup.steps;
        let error = trainer.end_epoch(1.0, &mut crate::Silent).unwrap_err();
        assert!(matches!(error, TrainError::Diverged { epoch: 1, step: 4, .. }), "{error}");
        let error = error.to_string();
        assert!(
            error
                .starts_with("`momentum.dense_1.bias` is no longer finite after step 4 of epoch 1"),
            "{error}"
        );
        assert!(!dir.best().exists() && !dir.last().exists());
    }

    /// Stops after so many steps.
    struct Steps<'a>(usize, &'a AtomicBool);

    impl Observer for Steps<'_> {
        fn event(&mut self, event: &Event<'_>) {
            if let Event::StepDone(_) = event {
                self.0 -= 1;
                self.1.store(self.0 == 0, Ordering::Relaxed);
            }
        }
    }

    #[test]
    fn a_points_masks_are_what_the_next_step_is_fed() {
        let data = synthetic(&SyntheticConfig { train: 40, test: 10, seed: 1 });
        let layers = "{ kind = 'flatten' }, { kind = 'dropout', rate = 0.3 }, \
                      { kind = 'dense', features = 10 }, { kind = 'drop_path', rate = 0.5 }";
        let net = format!("name = 'n'\ninput = [28, 28, 1]\nlayers = [{layers}]");
        let net = NetSpec::from_toml(&net).unwrap().network().unwrap();
        for optimizer in ["momentum", "sgd accumulate(steps=3)"] {
            let config = Config::new(&net, &optimizer.parse().unwrap(), "synthetic");
            let config = Config { batch: 10, epochs: 3, seed: 11, threads: 1, ..config };
            let setup = Setup::new(&config, &data, "synthetic").unwrap();
            let folder = tempfile::tempdir().unwrap();
            let dir = RunDir::open(folder.path());
            let mut trainer = Trainer::new(&setup, &data, &dir, Progress::default()).unwrap();
            let stop = AtomicBool::new(false);
            std::thread::scope(|scope| {
                let (source, augment) = ((&setup.net, &data), setup.config.augment.unwrap());
                let feed = Feed::start(scope, source, 10, config.seed, augment, 0..3, 0);
                let epoch = trainer.train_epoch(&feed, &stop, &mut crate::Silent).unwrap();
                trainer.end_epoch(epoch.unwrap(), &mut crate::Silent).unwrap();
                // Of the second epoch's four steps two, then one more.
                assert_eq!(trainer.train_epoch(&feed, &stop, &mut Steps(2, &stop)).unwrap(), None);
                trainer.save("last.safetensors", &mut crate::Silent).unwrap();
                stop.store(false, Ordering::Relaxed);
                trainer.train_epoch(&feed, &stop, &mut Steps(1, &stop)).unwrap();
            });
            let (weights, _) = checkpoint::load(&dir.last()).unwrap();
            let draw = weights.next_masks().unwrap().unwrap();
            assert_eq!((draw.seed, draw.step), (11, 6));
            let masks = draw.masks(&setup.net, 10);
            assert_eq!(masks.len(), 2);
            for (mask, expected) in setup.net.masks().iter().zip(masks) {
                let input = trainer.step.find_input(&mask.name).unwrap();
                let bits = |mask: &[f32]| mask.iter().map(|m| m.to_bits()).collect::<Vec<_>>();
                assert_eq!(bits(trainer.step.input_at(input)), bits(&expected), "{}", mask.name);
            }
        }
    }
}
