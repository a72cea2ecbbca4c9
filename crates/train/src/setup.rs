//! From a configuration and a data set to the texts that will be executed.

use crate::checkpoint::Identity;
use crate::weights::hex;
use crate::{Config, RunDir, TrainError};
use cotangent_data::{Augment, Dataset, Encoding};
use cotangent_graph::Precision;
use cotangent_net::{Loss, NetSpec, Network};
use cotangent_stablehlo::{Program, What, manifest};
use cotangent_step::StepOptions;
use sha2::{Digest, Sha256};

/// A run about to begin or go on.
pub(crate) struct Setup {
    pub config: Config,
    pub net: Network,
    pub options: StepOptions,
    /// Steps of an epoch: micro-batches, where they are accumulated.
    pub steps: u64,
    /// `step.mlir` and `eval.mlir`.
    pub step: String,
    pub eval: String,
    pub identity: Identity,
    /// File name and content of everything emitted.
    files: Vec<(String, String)>,
}

impl Setup {
    /// `name` is what the run calls its data.
    pub fn new(config: &Config, dataset: &Dataset, name: &str) -> Result<Self, TrainError> {
        let net = NetSpec::from_toml(&config.spec)?.network()?;
        let options = options(config)?;
        check_fit(&net, dataset)?;
        let steps = check_numbers(config, dataset)?;
        let augment = config.augment.unwrap_or(dataset.default_augment());
        dataset.check_augment(augment)?;
        check_pixels(&net, dataset, augment)?;
        let total = steps.saturating_mul(config.epochs as u64);
        let updates = updates(&options, total)?;
        let config = Config {
            format: Config::FORMAT,
            model: net.spec().name.clone(),
            dataset: name.into(),
            optimizer: options.to_string(),
            augment: Some(augment),
            schedule: config.schedule.resolved(updates),
            encoding: Some(dataset.encoding().clone()),
            ..config.clone()
        };
        let mut files = Vec::new();
        let mut emit = |stem: &str, what| -> Result<String, TrainError> {
            let (program, text) = emitted(&net, what, config.batch, &options)?;
            files.push((format!("{stem}.json"), to_json(&manifest(&program))?));
            files.push((format!("{stem}.mlir"), text.clone()));
            Ok(text)
        };
        let (step, eval) = (emit("step", What::Train)?, emit("eval", What::Eval)?);
        emit("forward", What::Forward)?;
        let identity = Identity {
            model: config.model.clone(),
            spec: config.spec.clone(),
            optimizer: config.optimizer.clone(),
            config: config.to_toml()?,
            step_sha256: sha256(step.as_bytes()),
            data_sha256: dataset.sha256(),
        };
        Ok(Setup { config, net, options, steps, step, eval, identity, files })
    }

    /// Steps of the run.
    pub fn total(&self) -> u64 {
        self.steps.saturating_mul(self.config.epochs as u64)
    }

    /// Learning rate of step `step` (from 0) of the run: that of the update it
    /// is part of.
    pub fn lr(&self, step: u64) -> f32 {
        let group = self.options.accumulate.max(1) as u64;
        let (config, total) = (&self.config, self.total() / group);
        config.schedule.lr(config.lr, step / group, total) as f32
    }

    /// Whether step `step` (from 0) of the run updates the parameters. Groups
    /// run on from epoch to epoch; what is left at the end of the run updates
    /// nothing.
    pub fn applies(&self, step: u64) -> bool {
        (step + 1).is_multiple_of(self.options.accumulate.max(1) as u64)
    }

    /// Writes the configuration, then everything emitted: from its first file
    /// on, the directory holds a run that can be resumed. Where that fails, a
    /// directory without a run is one without files again.
    pub fn write(&self, dir: &RunDir) -> Result<(), TrainError> {
        let fresh = !dir.config().exists();
        let config = [("config.toml", &self.identity.config)];
        let emitted = self.files.iter().map(|(name, text)| (name.as_str(), text));
        let files: Vec<(&str, &String)> = config.into_iter().chain(emitted).collect();
        let written =
            files.iter().try_for_each(|(name, text)| dir.write(name, text.as_bytes()).map(drop));
        if written.is_err() && fresh {
            for (name, _) in files {
                // The first error is the one to report.
                let _ = std::fs::remove_file(dir.path().join(name));
            }
        }
        written
    }

    /// Writes what was emitted where it is missing or something else; the names
    /// written.
    pub fn restore(&self, dir: &RunDir) -> Result<Vec<&str>, TrainError> {
        let mut written = Vec::new();
        for (name, text) in &self.files {
            if dir.restore(name, text.as_bytes())? {
                written.push(&**name);
            }
        }
        Ok(written)
    }
}

/// A program of a run, and its text.
fn emitted(
    net: &Network,
    what: What,
    batch: usize,
    options: &StepOptions,
) -> Result<(Program, String), TrainError> {
    let program = cotangent_emit::program(net, what, batch, options, Precision::F32)?;
    let text = program.to_text()?;
    Ok((program, text))
}

/// The text of `step.mlir` in a run with this configuration.
///
/// # Errors
/// The specification or the optimiser cannot be read, or the network has no step.
pub fn step_text(config: &Config) -> Result<String, TrainError> {
    let net = NetSpec::from_toml(&config.spec)?.network()?;
    Ok(emitted(&net, What::Train, config.batch, &options(config)?)?.1)
}

fn options(config: &Config) -> Result<StepOptions, TrainError> {
    let invalid = |reason| TrainError::Invalid { what: "optimizer", reason };
    config.optimizer.parse().map_err(invalid)
}

/// Pretty JSON and a newline.
pub(crate) fn to_json(value: &impl serde::Serialize) -> Result<String, TrainError> {
    serde_json::to_string_pretty(value)
        .map(|text| text + "\n")
        .map_err(|e| TrainError::Invalid { what: "JSON", reason: e.to_string() })
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Whether the data set's examples and targets are what the network takes.
///
/// # Errors
/// They are not: the shapes differ, the classes are more or fewer, or the test split is empty.
pub fn check_fit(net: &Network, dataset: &Dataset) -> Result<(), TrainError> {
    let error = |reason| TrainError::Data {
        dataset: dataset.name().into(),
        model: net.spec().name.clone(),
        reason,
    };
    let (input, example) = (&net.spec().input[..], dataset.example_shape());
    let (found, expected) = (dataset.classes(), net.classes());
    if let (Encoding::Text { .. }, &[window, characters]) = (dataset.encoding(), input)
        && characters != found
    {
        return Err(error(format!(
            "its text has {found} distinct characters, but the network has {characters} in its \
             input and {expected} outputs; in the network's file set input = [{window}, {found}] and \
             the features of the last layer to {found}, or give --data synthetic"
        )));
    }
    // A network on plain vectors reads an image row by row.
    if input != example && input != [dataset.example_len()] {
        return Err(error(format!("its examples are {example:?}, expected {input:?}")));
    }
    if net.losses().parts().is_empty() && expected != found {
        return Err(error(format!(
            "it has {found} classes, but the network has {expected} outputs; give --classes {found}"
        )));
    }
    for (k, part) in net.losses().parts().iter().enumerate() {
        if part.features != found {
            return Err(error(format!(
                "it has {found} classes, but loss {} ({}) is of {} features: every loss is against \
                 the class of the example, so each needs {found}; in the network's file set its \
                 features and those of its layer to {found}",
                k + 1,
                part.kind.name(),
                part.features
            )));
        }
    }
    let (answer, target) = (net.answer_shape(), dataset.target_shape());
    if answer != target {
        return Err(error(format!("its targets are {target:?}, expected {answer:?}")));
    }
    match dataset.test().is_empty() {
        true => Err(error("its test split is empty".into())),
        false => check_pixels(net, dataset, Augment::None),
    }
}

/// Whether the loss of `net` leaves out the pixels that are of no class, where there are such.
fn check_pixels(net: &Network, dataset: &Dataset, augment: Augment) -> Result<(), TrainError> {
    if net.losses().all(Loss::SoftmaxCrossEntropy) || !dataset.leaves_out_pixels(augment) {
        return Ok(());
    }
    let (of, fix) = match dataset.leaves_out_pixels(Augment::None) {
        true => ("some of its pixels are of no class", "give each of them one"),
        false => {
            ("images cropped beyond their border have pixels of no class", "give --augment none")
        }
    };
    let every = if net.losses().parts().is_empty() { "loss" } else { "every loss" };
    let reason = format!(
        "{of}, which only the loss {} leaves out; {fix}, or set {every} to that in the network's file",
        Loss::NAMES[0]
    );
    let (dataset, model) = (dataset.name().into(), net.spec().name.clone());
    Err(TrainError::Data { dataset, model, reason })
}

/// Updates of a run of `total` steps.
fn updates(options: &StepOptions, total: u64) -> Result<u64, TrainError> {
    match total / options.accumulate.max(1) as u64 {
        0 => Err(TrainError::Invalid {
            what: "accumulate",
            reason: format!(
                "found {}, expected at most {total}, the steps of the run: none would update; \
                 lower it or the batch size, or train more epochs",
                options.accumulate
            ),
        }),
        updates => Ok(updates),
    }
}

/// More than anyone trains; steps and epochs then fit every integer used.
const MAX_EPOCHS: usize = 1_000_000_000;

/// A number as people write it.
fn number(x: f64) -> String {
    let plain = x.to_string();
    if plain.len() <= 12 { plain } else { format!("{x:e}") }
}

/// Checks the ranges of the numbers; returns the steps of an epoch.
fn check_numbers(config: &Config, dataset: &Dataset) -> Result<u64, TrainError> {
    let invalid = |what, reason| Err(TrainError::Invalid { what, reason });
    let examples = dataset.train().len();
    if !(1..=MAX_EPOCHS).contains(&config.epochs) {
        let reason = format!("found {}, expected 1 to {MAX_EPOCHS}", config.epochs);
        return invalid("epochs", reason);
    }
    if !(1..=1024).contains(&config.threads) {
        return invalid("threads", format!("found {}, expected 1 to 1024", config.threads));
    }
    // What is executed is the f32; a subnormal one would train next to nothing.
    if !(config.lr > 0.0 && (config.lr as f32).is_normal()) {
        let (found, from, to) = (number(config.lr), f32::MIN_POSITIVE, f32::MAX);
        let reason =
            format!("found {found}, expected a number above 0, from {from:.1e} to {to:.1e}");
        return invalid("lr", reason);
    }
    if config.seed > i64::MAX as u64 {
        return invalid("seed", format!("found {}, expected at most {}", config.seed, i64::MAX));
    }
    if config.batch == 0 || config.batch > examples {
        let other = if config.batch == 0 { "larger" } else { "smaller" };
        return invalid(
            "batch",
            format!(
                "found {}, expected 1 to {examples}, the training examples; give a {other} one",
                config.batch
            ),
        );
    }
    Ok((examples / config.batch) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use cotangent_data::{SyntheticConfig, synthetic};

    #[test]
    fn the_schedule_counts_updates() {
        let data = synthetic(&SyntheticConfig { train: 70, test: 10, seed: 1 });
        let net = NetSpec::new("n", [784]).dense(10).network().unwrap();
        let setup = |options: &str| {
            let config = Config::new(&net, &options.parse().unwrap(), "synthetic");
            let config = Config { batch: 10, epochs: 20, lr: 0.5, threads: 1, ..config };
            Setup::new(&config, &data, "synthetic").unwrap()
        };
        // 140 steps, in groups of 3: 46 updates, and 2 steps left over.
        let (plain, grouped) = (setup("sgd"), setup("sgd accumulate(steps=3)"));
        let warmup = |s: &Setup| match s.config.schedule {
            crate::Schedule::Cosine { warmup_steps } => warmup_steps,
            crate::Schedule::Constant => None,
        };
        assert_eq!((warmup(&plain), warmup(&grouped)), (Some(7), Some(2)));
        assert_eq!((0..140).filter(|&s| plain.applies(s)).count(), 140);
        let applied: Vec<u64> = (0..140).filter(|&s| grouped.applies(s)).collect();
        assert_eq!((applied.len(), &applied[..3]), (46, &[2, 5, 8][..]));
        for step in 0..140 {
            let rate = grouped.config.schedule.lr(0.5, step / 3, 46) as f32;
            assert_eq!(grouped.lr(step), rate, "{step}");
        }
        assert_eq!(grouped.lr(0), 0.25);
        assert_eq!(plain.lr(3), plain.config.schedule.lr(0.5, 3, 140) as f32);
    }
}
