//! `cotangent train MODEL`, `cotangent train --resume DIR`

use crate::certify::{Waiting, WithCertificate};
use crate::interrupt::{interrupted, stop_on_interrupt};
use crate::model::{ModelArgs, SizeArgs};
use crate::options::{BackendArgs, OptimizerArgs, count, load_data, seed};
use crate::output::{note, print, print_json};
use crate::progress::Renderer;
use cotangent::data::{Augment, Dataset};
use cotangent::net::{NetSpec, Network};
use cotangent::train::{Config, Outcome, RunDir, Schedule, Start, Summary, TrainError};
use miette::{Result, miette};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;

/// Arguments of `train`.
#[derive(Debug, clap::Args)]
#[command(args_override_self = true)]
pub struct Args {
    /// A zoo name (`cotangent models`) or the path of a spec file (.toml).
    #[arg(required_unless_present = "resume")]
    model: Option<String>,
    /// Continue the run in this directory, with its own settings; --data tells where its data
    /// lies now, if it moved.
    #[arg(long, value_name = "DIR", conflicts_with_all = [
        "model", "classes", "image", "width", "depth", "optimizer", "wd", "no_decay", "clip", "ema",
        "accumulate", "backend", "threads", "batch", "epochs", "seed", "lr", "schedule", "run_dir",
        "augment", "weights", "reset_head", "prove",
    ])]
    resume: Option<PathBuf>,
    #[command(flatten)]
    size: SizeArgs,
    /// auto (what suits the network from $COTANGENT_DATA or ./data, else downloaded, else
    /// synthetic), synthetic, or a directory: MNIST's or CIFAR-10's files, images in folders of
    /// their class, images/NAME.png or .jpg with a class per pixel in masks/NAME.png, or text; auto
    /// if not given.
    #[arg(long, value_name = "auto|synthetic|DIR")]
    data: Option<String>,
    /// How training examples are varied: none; flip-crop, images mirrored and cropped at random,
    /// masks alike (the default for CIFAR-10); shift, windows of text at random places (the default for text).
    #[arg(long, value_name = "NAME")]
    augment: Option<Augment>,
    #[command(flatten)]
    optimizer: OptimizerArgs,
    #[command(flatten)]
    backend: BackendArgs,
    /// Batch size.
    #[arg(long, default_value_t = 128, value_name = "N", value_parser = count, allow_negative_numbers = true)]
    batch: usize,
    /// Passes over the training split.
    #[arg(long, default_value_t = 12, value_name = "N", value_parser = count, allow_negative_numbers = true)]
    epochs: usize,
    /// Seed of the initial parameters and of the order of examples.
    #[arg(long, default_value_t = 0, value_name = "N", value_parser = seed, allow_negative_numbers = true)]
    seed: u64,
    /// Base learning rate; by default 0.1 for sgd, 0.05 for momentum and nesterov, 0.001 for adam,
    /// adamw and rmsprop, 0.01 for lamb.
    #[arg(long, value_name = "η", allow_hyphen_values = true)]
    lr: Option<f64>,
    /// How the learning rate moves: warm-up and half a cosine, or not at all.
    #[arg(long, value_enum, default_value = "cosine")]
    schedule: ScheduleArg,
    /// Start from these weights: a checkpoint, or what `import` wrote.
    #[arg(long, value_name = "F")]
    weights: Option<PathBuf>,
    /// With --weights: draw the layer that makes the classes anew, for another number of them.
    #[arg(long, requires = "weights")]
    reset_head: bool,
    /// Where the run's files go; by default runs/MODEL-1, -2, …
    #[arg(long, value_name = "DIR")]
    run_dir: Option<PathBuf>,
    /// Before the first step, have Coq certify the step that will train (see `prove`); the
    /// certificate is kept in the run directory.
    #[arg(long)]
    prove: bool,
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
    let stop = stop_on_interrupt((!args.quiet).then_some(STOPPING))?;
    let mut renderer = Renderer::new(silent);
    let (outcome, dir) = match (&args.resume, &args.model) {
        (Some(dir), _) => {
            let outcome = resume(dir, args.data.as_deref(), silent, stop, &mut renderer)?;
            (outcome, dir.clone())
        }
        (None, Some(model)) => {
            let net = ModelArgs { model: model.clone(), size: args.size.clone() }.network()?;
            let data = args.data.as_deref().unwrap_or("auto");
            let config = config(args, data, &net)?;
            // Before the data, whose reading can take a while.
            args.run_dir.as_deref().map_or(Ok(()), RunDir::check_new).map_err(report)?;
            let dataset = load_data(["--data", data], &net, None, silent)?;
            let dir = match &args.run_dir {
                Some(dir) => dir.clone(),
                None => fresh_dir(&net.spec().name)?,
            };
            let outcome = begin(args.prove, &config, &dataset, &dir, stop, &mut renderer);
            if outcome.is_err() && args.run_dir.is_none() {
                // Made for a run that did not begin; a directory with anything
                // in it is not removed.
                let _ = std::fs::remove_dir(&dir);
            }
            (outcome?, dir)
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
            let at = format!(
                "interrupted at epoch {} of {}, step {} of {}; the checkpoint is saved\n\
                 to continue: cotangent train --resume {}",
                at.epoch,
                at.epochs,
                at.step,
                at.steps,
                dir.display()
            );
            if !args.quiet {
                note(&at);
            }
            Ok(interrupted())
        }
    }
}

/// What Ctrl-C is answered with.
const STOPPING: &str =
    "stopping after this step; the checkpoint will be saved (again to end at once)";

/// Begins a run in `dir`, with a certificate of its step if `prove`.
fn begin(
    prove: bool,
    config: &Config,
    dataset: &Dataset,
    dir: &Path,
    stop: &'static AtomicBool,
    renderer: &mut Renderer,
) -> Result<Outcome> {
    let waiting = match prove {
        true => {
            let text = cotangent::train::step_text(config).map_err(report)?;
            Some(Waiting::new(text, dir, renderer.is_quiet(), stop)?)
        }
        false => None,
    };
    let mut observer = WithCertificate { waiting, stop, inner: renderer, problem: None };
    let outcome = cotangent::train::train(config, dataset, dir, stop, &mut observer);
    observer.problem.map_or(outcome.map_err(report), Err)
}

/// Continues the run in `dir`, whose data lies at `moved` now if that is given.
fn resume(
    dir: &Path,
    moved: Option<&str>,
    silent: bool,
    stop: &AtomicBool,
    renderer: &mut Renderer,
) -> Result<Outcome> {
    let config = Config::load(dir).map_err(report)?;
    let net = NetSpec::from_toml(&config.spec)
        .and_then(|spec| spec.network())
        .map_err(|e| miette!("{}: {e}", dir.join("config.toml").display()))?;
    let source = match moved {
        Some(data) => source(data)?,
        // What `auto` came to be is what the run goes on with, though it may
        // come to be something else by now.
        None if config.data == "auto" && config.dataset == "synthetic" => "synthetic".into(),
        None => config.data.clone(),
    };
    let dataset = load_data(["--data", &source], &net, None, silent).map_err(|e| match moved {
        Some(_) => e,
        None => miette!(
            help = format!(
                "if the data moved, tell where it is: cotangent train --resume {} --data DIR",
                dir.display()
            ),
            "the data of this run, {source}: {e}"
        ),
    })?;
    let moved = moved.map(|_| source.as_str());
    cotangent::train::resume_from(dir, moved, &dataset, stop, renderer).map_err(report)
}

fn config(args: &Args, data: &str, net: &Network) -> Result<Config> {
    let options = args.optimizer.options()?;
    let mut config = Config::new(net, &options, source(data)?);
    let execution = args.backend.execution();
    config.backend = execution.backend;
    config.threads = execution.threads;
    config.batch = args.batch;
    config.epochs = args.epochs;
    config.seed = args.seed;
    config.augment = args.augment;
    if let Some(lr) = args.lr {
        config.lr = lr;
    }
    if let Some(path) = &args.weights {
        config.start = Some(Start::new(path, args.reset_head).map_err(report)?);
    }
    if args.schedule == ScheduleArg::Constant {
        config.schedule = Schedule::Constant;
    }
    Ok(config)
}

/// A directory is written into the configuration as an absolute path, so that
/// `--resume` finds it from anywhere.
fn source(data: &str) -> Result<String> {
    if matches!(data, "" | "auto" | "synthetic") {
        return Ok(data.to_string());
    }
    let path = std::path::absolute(data).map_err(|e| miette!("--data {data}: {e}"))?;
    path.to_str().map(String::from).ok_or_else(|| {
        miette!(
            help = "use a folder whose path is UTF-8, or work from such a folder",
            "--data {data}: {} is not valid UTF-8 and cannot be written to config.toml",
            path.display()
        )
    })
}

/// Makes the first of runs/MODEL-1, -2, … that does not exist. That it is made
/// here gives each of several commands at once its own.
fn fresh_dir(model: &str) -> Result<PathBuf> {
    let failed = |path: &Path, e: std::io::Error| {
        miette!(help = "choose a --run-dir", "cannot make {}: {e}", path.display())
    };
    let mut n = 1u64;
    loop {
        let dir = Path::new("runs").join(format!("{model}-{n}"));
        if let Some(parent) = dir.parent() {
            std::fs::create_dir_all(parent).map_err(|e| failed(parent, e))?;
        }
        match std::fs::create_dir(&dir) {
            Ok(()) => return Ok(dir),
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => n += 1,
            Err(e) => return Err(failed(&dir, e)),
        }
    }
}

fn report(e: TrainError) -> miette::Report {
    miette!("{e}")
}

fn in_words(s: &Summary) -> String {
    let mut text = format!(
        "{}: test accuracy {:.2} % at the last epoch, {:.2} % at best; {} steps in {:.1} s\n",
        s.model,
        100.0 * s.val_accuracy,
        100.0 * s.best_val_accuracy,
        s.steps,
        s.seconds,
    );
    // Only what is there: a plot can fail, and files can be deleted.
    let files = [("weights", "best.safetensors"), ("curves", "plot.svg"), ("step", "step.mlir")]
        .map(|(what, name)| (what, s.run_dir.join(name)));
    let files = files.iter().filter(|(_, path)| path.exists());
    let files: Vec<_> = files.map(|(what, path)| format!("{what} {}", path.display())).collect();
    if !files.is_empty() {
        text.push_str(&format!("{}\n", files.join(", ")));
    }
    text
}
