//! Flags that mean the same everywhere.

use crate::output::note;
use crate::progress::Download;
use cotangent::data::{DataSource, Dataset, Options};
use cotangent::graph::{Precision, Rational};
use cotangent::step::Optimizer;
use cotangent::train::{Backend, Execution};
use miette::{Result, miette};

/// The update rule and its weight decay.
#[derive(Debug, Clone, clap::Args)]
pub struct OptimizerArgs {
    /// sgd, momentum or adamw; constants may follow: `adamw(beta1=0.95,eps=1e-6)`.
    #[arg(long, default_value = "adamw", value_name = "NAME")]
    optimizer: String,
    /// Weight decay λ (decoupled for adamw).
    #[arg(long, value_name = "λ", allow_hyphen_values = true)]
    wd: Option<String>,
}

impl OptimizerArgs {
    /// The optimiser they describe.
    pub fn optimizer(&self) -> Result<Optimizer> {
        let mut optimizer: Optimizer =
            self.optimizer.parse().map_err(|e: String| miette!("--optimizer: {e}"))?;
        if let Some(text) = &self.wd {
            let decay: Rational = text.parse().map_err(|e: String| miette!("--wd: {e}"))?;
            optimizer.set("weight_decay", decay).map_err(|e| miette!("--wd: {e}"))?;
        }
        Ok(optimizer)
    }
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
    /// auto (MNIST from $COTANGENT_DATA or ./data, else downloaded, else synthetic), synthetic, or
    /// a directory of IDX files.
    #[arg(long, default_value = "auto", value_name = "auto|synthetic|DIR")]
    pub data: String,
}

impl DataArgs {
    /// Loads it, with a line to standard error where `auto` had to settle for less.
    pub fn load(&self, quiet: bool) -> Result<Dataset> {
        load_data(&self.data, quiet)
    }
}

/// Loads the data that `source` names.
pub fn load_data(source: &str, quiet: bool) -> Result<Dataset> {
    let source: DataSource = source.parse().map_err(|e| miette!("--data: {e}"))?;
    let loaded = cotangent::data::load(&source, &Options::from_env(), &mut Download::new(quiet))
        .map_err(|e| miette!("{e}"))?;
    if let Some(notice) = loaded.notice
        && !quiet
    {
        note(&notice);
    }
    Ok(loaded.dataset)
}

/// Who executes.
#[derive(Debug, Clone, clap::Args)]
pub struct BackendArgs {
    /// native, or interp: plain loops, slow, for finding mistakes.
    #[arg(long, default_value = "native", value_name = "NAME")]
    pub backend: Backend,
    /// Threads; all cores if not given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
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
