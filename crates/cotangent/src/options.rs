//! Flags that mean the same everywhere.

use crate::output::note;
use crate::progress::Download;
use cotangent::data::{DataError, DataSource, Dataset, DatasetError, Encoding, Options, Wanted};
use cotangent::graph::{Precision, Rational};
use cotangent::net::Network;
use cotangent::stablehlo::What;
use cotangent::step::{DecayExclusion, StepOptions};
use cotangent::train::{Backend, Execution, Weights, check_fit};
use miette::{Result, miette};
use std::path::Path;

/// The update rule and the features of the train step.
#[derive(Debug, Clone, clap::Args)]
pub struct OptimizerArgs {
    /// sgd, momentum, nesterov, adam, adamw (the default), rmsprop or lamb; constants may follow,
    /// and the step's features: `adamw(beta1=0.95,eps=1e-6) clip(norm=1)`.
    #[arg(long, value_name = "NAME")]
    optimizer: Option<String>,
    /// Weight decay λ (decoupled for adamw and lamb).
    #[arg(long, value_name = "λ", allow_hyphen_values = true)]
    wd: Option<String>,
    /// Parameters without weight decay: biases, and scales and shifts of normalisations, which are
    /// those of rank 1.
    #[arg(long, value_name = "bias-and-norm")]
    no_decay: Option<String>,
    /// Largest norm of the gradient of all parameters together; a longer one is scaled down to it.
    #[arg(long, value_name = "NORM", allow_hyphen_values = true)]
    clip: Option<String>,
    /// Keep a moving average of the parameters, `e ← d·e + (1-d)·θ`; it is what is tested.
    #[arg(long, value_name = "d", allow_hyphen_values = true)]
    ema: Option<String>,
    /// Batches whose mean gradient an update takes.
    #[arg(long, value_name = "N", value_parser = count, allow_negative_numbers = true)]
    accumulate: Option<usize>,
}

impl OptimizerArgs {
    /// The first of the flags that was given.
    pub fn given(&self) -> Option<&'static str> {
        let flags = [
            ("--optimizer", self.optimizer.is_some()),
            ("--wd", self.wd.is_some()),
            ("--no-decay", self.no_decay.is_some()),
            ("--clip", self.clip.is_some()),
            ("--ema", self.ema.is_some()),
            ("--accumulate", self.accumulate.is_some()),
        ];
        flags.into_iter().find(|(_, given)| *given).map(|(flag, _)| flag)
    }

    /// Refuses the flags where the step is not one that trains.
    pub fn suit(&self, what: What) -> Result<()> {
        match self.given().filter(|_| what != What::Train) {
            Some(flag) => Err(miette!(
                help = format!("leave {flag} out, or give --what train"),
                "{flag}: a {} step has no optimizer",
                what.name()
            )),
            None => Ok(()),
        }
    }

    /// The options they describe.
    pub fn options(&self) -> Result<StepOptions> {
        let text = self.optimizer.as_deref().unwrap_or("adamw");
        let mut options: StepOptions =
            text.parse().map_err(|e: String| miette!("--optimizer: {e}"))?;
        let once = |flag: &str, value: &str, named: bool, sets: &str| match named {
            true => Err(miette!(
                help = "give one of the two",
                "{flag} {value} beside --optimizer {text}: both set {sets}"
            )),
            false => Ok(()),
        };
        let number = |flag: &str, value: &str| -> Result<Rational> {
            value.parse().map_err(|e: String| miette!("{flag}: {e}"))
        };
        if let Some(value) = &self.wd {
            once("--wd", value, text.contains("weight_decay"), "weight_decay")?;
            let decay = number("--wd", value)?;
            options.optimizer.set("weight_decay", decay).map_err(|e| miette!("--wd: {e}"))?;
        }
        if let Some(value) = &self.no_decay {
            let named = options.no_decay != DecayExclusion::Nothing;
            once("--no-decay", value, named, "no_decay")?;
            options.no_decay = value.parse().map_err(|e: String| miette!("--no-decay: {e}"))?;
        }
        if let Some(value) = &self.clip {
            once("--clip", value, options.clip.is_some(), "clip")?;
            options.clip = Some(number("--clip", value)?);
        }
        if let Some(value) = &self.ema {
            once("--ema", value, options.ema.is_some(), "ema")?;
            options.ema = Some(number("--ema", value)?);
        }
        if let Some(steps) = self.accumulate {
            once("--accumulate", &steps.to_string(), options.accumulate != 1, "accumulate")?;
            options.accumulate = steps;
        }
        // What is left to find is in a flag: the text is checked already.
        options.check().map_err(|e| miette!("--{e}"))?;
        Ok(options)
    }
}

/// Reads a count, such as of epochs.
pub fn count(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| format!("found `{text}`, expected a whole number, 0 or more"))
}

/// Reads a count of at least 1, such as of classes.
pub fn some(text: &str) -> Result<usize, String> {
    let some = text.parse().ok().filter(|n| *n > 0);
    some.ok_or_else(|| format!("found `{text}`, expected a whole number, 1 or more"))
}

/// Reads a seed.
pub fn seed(text: &str) -> Result<u64, String> {
    // config.toml has no larger whole number.
    let seed = text.parse().ok().filter(|s| *s <= i64::MAX as u64);
    seed.ok_or_else(|| format!("found `{text}`, expected a whole number from 0 to {}", i64::MAX))
}

/// Element type of reals, as `--dtype` says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Dtype {
    /// IEEE binary32.
    F32,
    /// IEEE binary64.
    F64,
}

impl From<Dtype> for Precision {
    fn from(dtype: Dtype) -> Self {
        match dtype {
            Dtype::F32 => Precision::F32,
            Dtype::F64 => Precision::F64,
        }
    }
}

/// Where the data is.
#[derive(Debug, Clone, clap::Args)]
pub struct DataArgs {
    /// auto (what suits the network from $COTANGENT_DATA or ./data, else downloaded, else
    /// synthetic), synthetic, or a directory: MNIST's or CIFAR-10's files, images in folders of
    /// their class, images/NAME.png or .jpg with a class per pixel in masks/NAME.png, or text.
    #[arg(long, default_value = "auto", value_name = "auto|synthetic|DIR")]
    pub data: String,
}

impl DataArgs {
    /// Loads it for `net`, encoded as `weights` know it, with a line to standard error where `auto`
    /// had to settle for less.
    pub fn load(&self, net: &Network, weights: &Weights, quiet: bool) -> Result<Dataset> {
        load_data(["--data", &self.data], net, encoding(weights)?.as_ref(), quiet)
    }
}

/// How the examples were encoded that the weights were trained on, if their file says so.
///
/// # Errors
/// A run wrote it, and it cannot be read.
pub fn encoding(weights: &Weights) -> Result<Option<Encoding>> {
    let help = "give a checkpoint of this version of cotangent, such as RUN/best.safetensors";
    weights.encoding().map_err(|e| miette!(help = help, "{e}"))
}

/// Loads the data that `source`, the value of `flag`, names for `net`, encoded as given where weights are there.
pub fn load_data(
    [flag, source]: [&str; 2],
    net: &Network,
    encoding: Option<&Encoding>,
    quiet: bool,
) -> Result<Dataset> {
    let parsed: DataSource = source.parse().map_err(|e| miette!("{flag}: {e}"))?;
    let target = net.answer_shape();
    let wanted = Wanted { input: &net.spec().input, target: &target, encoding };
    let mut progress = Download::new(quiet);
    let name = &net.spec().name;
    let loaded = match cotangent::data::load(&parsed, &wanted, &Options::from_env(), &mut progress)
    {
        Ok(loaded) => loaded,
        Err(DataError::Dataset(e @ DatasetError::TooFewClasses { largest, .. })) => {
            let help = format!(
                "give --classes {} if the labels are right; else the file is damaged",
                u32::from(largest) + 1
            );
            let what = format!("{flag} {source}: {e}, as many as the outputs of net `{name}`");
            return Err(miette!(help = help, "{what}"));
        }
        Err(e @ DataError::NoKind { .. }) if !net.losses().parts().is_empty() => {
            let help = format!(
                "net `{name}` has outputs {:?} and several losses: its answer is the features of the first",
                net.output()
            );
            return Err(miette!(help = help, "{e}"));
        }
        Err(e) => return Err(miette!("{e}")),
    };
    if let Some(notice) = loaded.notice
        && !quiet
    {
        note(&notice);
    }
    let (dataset, classes) = (loaded.dataset, net.classes());
    check_fit(net, &dataset).map_err(|e| miette!("{flag} {source}: {e}"))?;
    let labels = dataset.train().labels().iter().chain(dataset.test().labels());
    // MNIST and its like have ten classes, whichever of them the labels are of.
    let labels = labels.max().map(|&l| (usize::from(l) + 1).max(10));
    if let Some(labels) = labels.filter(|&n| classes > n)
        && !quiet
    {
        let data = dataset.name();
        note(&format!("net `{name}` has {classes} outputs; {data} has labels of {labels} classes"));
    }
    Ok(dataset)
}

/// Reads weights and matches them to `net`.
pub fn load_weights(path: &Path, net: &Network, quiet: bool) -> Result<Weights> {
    let help = "give a .safetensors file, such as RUN/best.safetensors";
    let weights = Weights::load(path).map_err(|e| miette!(help = help, "{e}"))?;
    weights.params(net).map_err(|e| {
        let name = &net.spec().name;
        miette!(help = format!("give weights of `{name}`, or the network that these are of"), "{e}")
    })?;
    if weights.spec().is_none() && !quiet {
        note(&format!(
            "{} does not say which net it is of; its tensors have the names and shapes of net `{}`",
            path.display(),
            net.spec().name
        ));
    }
    Ok(weights)
}

/// Who executes.
#[derive(Debug, Clone, clap::Args)]
pub struct BackendArgs {
    /// native, or interp: plain loops, slow, for finding mistakes.
    #[arg(long, default_value = "native", value_name = "NAME")]
    pub backend: Backend,
    /// Threads; all cores if not given.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
}

impl BackendArgs {
    /// With the threads worked out.
    pub fn execution(&self) -> Execution {
        let threads = match self.threads {
            Some(n) => usize::from(n),
            None => std::thread::available_parallelism().map_or(1, usize::from),
        };
        Execution { backend: self.backend, threads }
    }
}
