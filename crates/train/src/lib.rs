//! Training: the loop, its run directory, its checkpoints.
//!
//! [`train`] emits the step of a network as StableHLO text, writes it into the
//! run directory, parses that text back and executes it. [`resume`] continues
//! a run bit for bit as if it had never stopped. [`evaluate`] and [`predict`]
//! use the weights a run leaves behind.
//!
//! A run directory holds
//!
//! | file | what it is |
//! | --- | --- |
//! | `config.toml` | the run's [`Config`], everything resolved |
//! | `step.mlir`, `eval.mlir`, `forward.mlir` | what is executed; the manifest of each beside it, `.json` |
//! | `metrics.csv` | one [`Row`] per epoch |
//! | `plot.svg`, `plot.png` | loss and accuracy by epoch |
//! | `last.safetensors`, `best.safetensors` | parameters, optimiser state and progress |
//! | `summary.json` | the [`Summary`], once the run has finished |
//! | `certificate/` | where whoever began the run had its step certified |
//!
//! Every file is written beside its place and renamed into it, so that none is
//! ever half-written. While a run writes its directory it holds a lock there,
//! `.cotangent.lock`, which the system releases however the process ends.
//!
//! ```
//! use cotangent_data::{SyntheticConfig, synthetic};
//! use cotangent_net::NetSpec;
//! use cotangent_train::{Config, Outcome, Silent, train};
//! use std::sync::atomic::AtomicBool;
//!
//! let digits = synthetic(&SyntheticConfig { train: 640, test: 100, seed: 1 });
//! let net = NetSpec::new("tiny", [28, 28, 1]).flatten().dense(10).network()?;
//! let config = Config { epochs: 2, ..Config::new(&net, &"adamw".parse()?, "synthetic") };
//! let dir = tempfile::tempdir()?;
//! let run_dir = dir.path().join("run");
//! let outcome = train(&config, &digits, &run_dir, &AtomicBool::new(false), &mut Silent)?;
//! assert!(matches!(outcome, Outcome::Finished(summary) if summary.steps == 10));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! **Architecture invariant:** this crate never prints; what happens is told
//! to an [`Observer`]. It never differentiates, and it executes nothing that
//! was not first written as text.

mod checkpoint;
mod config;
mod derived;
mod engine;
mod error;
mod feed;
mod inference;
mod lock;
mod masks;
mod metrics;
mod observer;
mod plot;
mod resume;
mod run_dir;
mod score;
mod setup;
mod start;
mod trainer;
mod weights;
mod whole_file;

pub use config::{Backend, Config, Execution, Schedule};
pub use error::{Misfit, TrainError};
pub use inference::{Prediction, evaluate, predict, predict_classes};
pub use masks::MaskDraw;
pub use metrics::{HEADER, Row, Summary};
pub use observer::{Event, Observer, Position, Silent, StepDone};
pub use resume::{resume, resume_from};
pub use run_dir::RunDir;
pub use score::Scores;
pub use setup::{check_fit, step_text};
pub use start::Start;
pub use trainer::{Outcome, train};
pub use weights::Weights;
pub use whole_file::{StagedFile, is_special, read_whole, write_whole};
