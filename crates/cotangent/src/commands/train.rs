//! `cotangent train MODEL`, `cotangent train --resume DIR`

use crate::model::ModelArgs;
use crate::options::{BackendArgs, DataArgs, OptimizerArgs, load_data};
use crate::output::{note, print, print_json};
use crate::progress::Renderer;
use cotangent::train::{Config, Outcome, Schedule, Summary, TrainError};
use miette::{Result, miette};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Arguments of `train`.
#[derive(Debug, clap::Args)]
#[command(args_override_self = true)]
pub struct Args {
    /// A zoo name (`cotangent models`) or the path of a spec file (.toml).
    #[arg(required_unless_present = "resume")]
    model: Option<String>,
    /// Continue the run in this directory, with its own settings.
    #[arg(long, value_name = "DIR", conflicts_with_all = [
        "model", "classes", "image", "data", "optimizer", "wd", "backend", "threads",
        "batch", "epochs", "seed", "lr", "schedule", "run_dir",
    ])]
    resume: Option<PathBuf>,
    /// Number of classes: the features of the last dense layer.
    #[arg(long, value_name = "N")]
    classes: Option<usize>,
    /// Height and width of the images.
    #[arg(long, value_name = "N")]
    image: Option<usize>,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    optimizer: OptimizerArgs,
    #[command(flatten)]
    backend: BackendArgs,
    /// Batch size.
    #[arg(long, default_value_t = 128, value_name = "N")]
    batch: usize,
    /// Passes over the training split.
    #[arg(long, default_value_t = 12, value_name = "N")]
    epochs: usize,
    /// Seed of the initial parameters and of the order of examples.
    #[arg(long, default_value_t = 0, value_name = "N")]
    seed: u64,
    /// Base learning rate; by default 0.1 for sgd, 0.05 for momentum, 0.001 for adamw.
    #[arg(long, value_name = "η", allow_hyphen_values = true)]
    lr: Option<f64>,
    /// How the learning rate moves: warm-up and half a cosine, or not at all.
    #[arg(long, value_enum, default_value = "cosine")]
    schedule: ScheduleArg,
    /// Where the run's files go; by default runs/MODEL-1, -2, …
    #[arg(long, value_name = "DIR")]
    run_dir: Option<PathBuf>,
    /// Print one line of JSON at the end, and nothing else on standard output.
    #[arg(long)]
    json: bool,
    /// Print nothing but errors.
    #[arg(long)]
    quiet: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum ScheduleArg {
    Cosine,
    Constant,
}

/// Trains. An interrupted run ends with status 130, as shells report Ctrl-C.
pub fn run(args: &Args) -> Result<ExitCode> {
    let silent = args.quiet || args.json;
    let stop = stop_on_interrupt()?;
    let mut renderer = Renderer::new(silent);
    let (outcome, dir) = match (&args.resume, &args.model) {
        (Some(dir), _) => {
            let config = Config::load(dir).map_err(report)?;
            let dataset = load_data(&config.data, silent)?;
            (
                cotangent::train::resume(dir, &dataset, &stop, &mut renderer).map_err(report)?,
                dir.clone(),
            )
        }
        (None, Some(model)) => {
            let (classes, image) = (args.classes, args.image);
            let net = ModelArgs { model: model.clone(), classes, image }.network()?;
            let config = config(args, &net)?;
            let dataset = args.data.load(silent)?;
            let dir = args.run_dir.clone().unwrap_or_else(|| fresh_dir(&net.spec().name));
            (
                cotangent::train::train(&config, &dataset, &dir, &stop, &mut renderer)
                    .map_err(report)?,
                dir,
            )
        }
        (None, None) => return Err(miette!("name a model, or a run directory with --resume")),
    };
    match outcome {
        Outcome::Finished(summary) | Outcome::AlreadyFinished(summary) => {
            if args.json {
                print_json(&summary)?;
            } else if !args.quiet {
                print(&in_words(&summary))?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Outcome::Interrupted(at) => {
            note(&format!(
                "interrupted at epoch {} of {}, step {} of {}; the checkpoint is saved\n\
                 to continue: cotangent train --resume {}",
                at.epoch,
                at.epochs,
                at.step,
                at.steps,
                dir.display()
            ));
            Ok(ExitCode::from(130))
        }
    }
}

fn config(args: &Args, net: &cotangent::net::Network) -> Result<Config> {
    let optimizer = args.optimizer.optimizer()?;
    let mut config = Config::new(net, &optimizer, source(&args.data.data));
    let execution = args.backend.execution();
    config.backend = execution.backend;
    config.threads = execution.threads;
    config.batch = args.batch;
    config.epochs = args.epochs;
    config.seed = args.seed;
    if let Some(lr) = args.lr {
        config.lr = lr;
    }
    if args.schedule == ScheduleArg::Constant {
        config.schedule = Schedule::Constant;
    }
    Ok(config)
}

/// A directory is written into the configuration as an absolute path, so that
/// `--resume` finds it from anywhere.
fn source(data: &str) -> String {
    match data {
        "auto" | "synthetic" => data.to_string(),
        dir => {
            std::path::absolute(dir).map_or_else(|_| dir.to_string(), |p| p.display().to_string())
        }
    }
}

/// The first of runs/MODEL-1, -2, … that does not exist.
fn fresh_dir(model: &str) -> PathBuf {
    let mut n = 1u64;
    loop {
        let dir = Path::new("runs").join(format!("{model}-{n}"));
        if !dir.exists() {
            return dir;
        }
        n += 1;
    }
}

/// Ctrl-C (and a termination signal) asks the run to stop; a second one ends
/// the process at once.
fn stop_on_interrupt() -> Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
        note("stopping after this step; the checkpoint will be saved (again to end at once)");
    })
    .map_err(|e| miette!("cannot listen for Ctrl-C: {e}"))?;
    Ok(stop)
}

fn report(e: TrainError) -> miette::Report {
    miette!("{e}")
}

fn in_words(s: &Summary) -> String {
    let dir = s.run_dir.display();
    format!(
        "{}: test accuracy {:.2} % at the last epoch, {:.2} % at best; {} steps in {:.1} s\n\
         weights {dir}/best.safetensors, curves {dir}/plot.svg, step {dir}/step.mlir\n",
        s.model,
        100.0 * s.val_accuracy,
        100.0 * s.best_val_accuracy,
        s.steps,
        s.seconds,
    )
}
