//! What a run was asked to do.

use crate::whole_file::read_whole;
use crate::{Start, TrainError};
use cotangent_data::{Augment, Encoding};
use cotangent_net::{Network, toml_message};
use cotangent_step::{Optimizer, StepOptions};
use serde::{Deserialize, Serialize};
use std::f64::consts::PI;
use std::fmt;
use std::path::Path;
use std::str::FromStr;

/// A run, resolved: `config.toml` of its directory.
///
/// Two runs with equal configurations and equal data end with the same bits on machines with vectors of the same width.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Version of this format, [`Config::FORMAT`].
    pub format: u32,
    /// The network's name.
    pub model: String,
    /// The data source as given: `auto`, `synthetic` or a directory.
    pub data: String,
    /// Name of the data set that the source turned out to be.
    pub dataset: String,
    /// Who executes the step.
    pub backend: Backend,
    /// Worker threads.
    pub threads: usize,
    /// Examples per step.
    pub batch: usize,
    /// Passes over the training split.
    pub epochs: usize,
    /// Seed of the initial parameters and of the order of the examples; at
    /// most 2^63 - 1, the largest integer of TOML.
    pub seed: u64,
    /// The optimiser, its constants and the features of the step, as
    /// [`StepOptions`] print.
    pub optimizer: String,
    /// Base learning rate.
    pub lr: f64,
    /// How training examples are varied; by default as is the custom with the data set.
    pub augment: Option<Augment>,
    /// The network's specification, TOML.
    pub spec: String,
    /// How the learning rate moves.
    pub schedule: Schedule,
    /// How the data set's examples become numbers, such as the mean and standard deviation of the
    /// pixels; filled in from the data set.
    pub encoding: Option<Encoding>,
    /// Weights that the run starts from; drawn by the seed if there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Start>,
}

impl Config {
    /// The version written.
    pub const FORMAT: u32 = 2;

    /// A configuration with the defaults: batch 128, 12 epochs, seed 0, all
    /// the machine's threads, cosine schedule, and a learning rate that suits
    /// the optimiser (sgd 0.1, momentum and nesterov 0.05, adam, adamw and
    /// rmsprop 0.001, lamb 0.01).
    pub fn new(net: &Network, options: &StepOptions, data: impl Into<String>) -> Self {
        Config {
            format: Self::FORMAT,
            model: net.spec().name.clone(),
            data: data.into(),
            dataset: String::new(),
            backend: Backend::default(),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            batch: 128,
            epochs: 12,
            seed: 0,
            optimizer: options.to_string(),
            lr: match options.optimizer {
                Optimizer::Sgd { .. } => 0.1,
                Optimizer::Momentum { .. } | Optimizer::Nesterov { .. } => 0.05,
                Optimizer::Adam { .. } | Optimizer::AdamW { .. } | Optimizer::RmsProp { .. } => {
                    0.001
                }
                Optimizer::Lamb { .. } => 0.01,
            },
            augment: None,
            spec: net.spec().to_toml(),
            schedule: Schedule::Cosine { warmup_steps: None },
            encoding: None,
            start: None,
        }
    }

    /// Reads `config.toml` of a run directory.
    ///
    /// # Errors
    /// The file is missing, unreadable, not TOML, of another version, or has
    /// unknown keys.
    pub fn load(run_dir: &Path) -> Result<Self, TrainError> {
        let path = run_dir.join("config.toml");
        let text = match read_whole(&path).map(String::from_utf8) {
            Ok(Ok(text)) => text,
            Ok(Err(e)) => return Err(TrainError::Config { path, reason: e.to_string() }),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                return Err(TrainError::ConfigMissing { path });
            }
            Err(source) => return Err(TrainError::Read { path, source }),
        };
        let bad = |reason: String| TrainError::Config { path: path.clone(), reason };
        let unreadable = |e: toml::de::Error| bad(readable(&e, &text));
        let table: toml::Table = text.parse().map_err(unreadable)?;
        match table.get("format").and_then(toml::Value::as_integer) {
            Some(v) if v == i64::from(Self::FORMAT) => {}
            found => {
                let found = found.map_or("none".into(), |v| v.to_string());
                return Err(bad(format!(
                    "format {found}, expected {}; continue with the version that began the run",
                    Self::FORMAT
                )));
            }
        }
        // From the text, so that errors know their lines.
        toml::from_str(&text).map_err(unreadable)
    }

    pub(crate) fn to_toml(&self) -> Result<String, TrainError> {
        toml::to_string_pretty(self)
            .map_err(|e| TrainError::Invalid { what: "configuration", reason: e.to_string() })
    }

    /// Who executes, and on how many threads.
    pub fn execution(&self) -> Execution {
        Execution { backend: self.backend, threads: self.threads }
    }
}

/// What the TOML reader says of `text`: the line, what is wrong, and what to do.
fn readable(error: &toml::de::Error, text: &str) -> String {
    let message = toml_message(error);
    let before = error.span().and_then(|span| text.get(..span.start));
    // What is missing is missing from the whole.
    let line = before.filter(|before| !before.is_empty());
    let line =
        line.map_or(String::new(), |text| format!("line {}: ", text.matches('\n').count() + 1));
    format!("{line}{message}; restore the file as `train` wrote it, or begin a new run")
}

/// Who executes, and on how many threads. Results are bit for bit the same for
/// one back end and one number of threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Execution {
    /// Who executes.
    pub backend: Backend,
    /// Worker threads.
    pub threads: usize,
}

/// What executes a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// The embedded CPU executor.
    #[default]
    Native,
    /// The interpreter: plain loops on one thread, slow, for finding mistakes.
    Interp,
}

impl Backend {
    /// All of them.
    pub const ALL: [Backend; 2] = [Backend::Native, Backend::Interp];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Backend::Native => "native",
            Backend::Interp => "interp",
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Backend {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Backend::ALL.into_iter().find(|b| b.name() == text).ok_or_else(|| {
            format!("`{text}` is not a back end; the back ends are native and interp")
        })
    }
}

/// How the learning rate moves over the steps of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Schedule {
    /// It does not.
    Constant,
    /// Linear warm-up to the base rate, then half a cosine towards 0
    /// (Loshchilov, Hutter: *SGDR*, 2017, equation 5, without restarts).
    Cosine {
        /// Steps of warm-up; by default 5 % of the run, at most 500.
        warmup_steps: Option<u64>,
    },
}

impl Schedule {
    /// The schedule with its default written out, for a run of `total` steps.
    pub(crate) fn resolved(self, total: u64) -> Self {
        match self {
            Schedule::Cosine { warmup_steps: None } => {
                Schedule::Cosine { warmup_steps: Some((total / 20).min(500)) }
            }
            given => given,
        }
    }

    /// The learning rate of step `step` (from 0) of `total`, from base rate
    /// `base`. Step `k` of `w` warm-up steps has `base·(k+1)/w`; step `k`
    /// after them `base·(1 + cos(π·(k-w)/(total-w)))/2`.
    pub fn lr(self, base: f64, step: u64, total: u64) -> f64 {
        let Schedule::Cosine { warmup_steps } = self.resolved(total) else { return base };
        let warmup = warmup_steps.unwrap_or(0);
        if step < warmup {
            return base * (step + 1) as f64 / warmup as f64;
        }
        let rest = total.saturating_sub(warmup).max(1);
        base * 0.5 * (1.0 + (PI * (step - warmup).min(rest) as f64 / rest as f64).cos())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cosine_warms_up_peaks_and_ends_near_zero() {
        let s = Schedule::Cosine { warmup_steps: None };
        assert_eq!(s.resolved(1000), Schedule::Cosine { warmup_steps: Some(50) });
        assert_eq!(s.resolved(1_000_000), Schedule::Cosine { warmup_steps: Some(500) });
        assert_eq!(s.lr(0.1, 0, 1000), 0.1 / 50.0);
        assert_eq!(s.lr(0.1, 49, 1000), 0.1);
        assert_eq!(s.lr(0.1, 50, 1000), 0.1);
        assert!((s.lr(0.1, 525, 1000) - 0.05).abs() < 1e-12);
        let last = s.lr(0.1, 999, 1000);
        assert!(last > 0.0 && last < 1e-6, "{last}");
        // Runs too short to warm up, and steps past the end, are defined.
        assert_eq!(s.lr(0.1, 0, 1), 0.1);
        assert!(s.lr(0.1, u64::MAX, 10).abs() < 1e-12);
        assert_eq!(Schedule::Constant.lr(0.1, 7, 9), 0.1);
    }

    #[test]
    fn a_configuration_is_its_own_text() {
        let spec = cotangent_zoo::find("mnist-cnn").unwrap().spec();
        let mut config = Config::new(&spec.network().unwrap(), &"adamw".parse().unwrap(), "auto");
        let dir = tempfile::tempdir().unwrap();
        let text = Encoding::Text { vocabulary: "\n \"'\\é\u{1}\r".into() };
        for (schedule, augment, encoding) in [
            (Schedule::Constant, None, None),
            (Schedule::Cosine { warmup_steps: Some(7) }, Some(Augment::FlipCrop), Some(text)),
            (Schedule::Constant, Some(Augment::None), Some(Encoding::mnist())),
        ] {
            (config.schedule, config.augment, config.encoding) = (schedule, augment, encoding);
            std::fs::write(dir.path().join("config.toml"), config.to_toml().unwrap()).unwrap();
            assert_eq!(Config::load(dir.path()).unwrap(), config);
        }
    }

    #[test]
    fn a_wrong_configuration_says_why() {
        let dir = tempfile::tempdir().unwrap();
        let load = |text: &str| {
            std::fs::write(dir.path().join("config.toml"), text).unwrap();
            Config::load(dir.path()).unwrap_err().to_string()
        };
        assert!(Config::load(&dir.path().join("none")).unwrap_err().to_string().contains("none"));
        assert!(load("format = 1").contains("format 1, expected 2"));
        let text = load("format = 2\nepochs = = 3");
        assert!(text.contains("config.toml: line 2: "), "{text}");
        let text = load("format = 2\nbatch = 'x'");
        assert!(
            text.contains("line 2: ") && text.contains("expected a whole number, 0 or more"),
            "{text}"
        );
        assert!(load("format = 2").contains("model"), "{}", load("format = 2"));
    }
}
