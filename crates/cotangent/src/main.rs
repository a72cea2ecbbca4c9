//! The `cotangent` command.

mod as_emitted;
mod certify;
mod commands;
mod contender;
mod interrupt;
mod layer_table;
mod model;
mod options;
mod output;
mod progress;
mod theorem_words;
mod unmet;

use clap::{Parser, Subcommand};
use commands::{
    bench, bench_worker, check, doctor, emit, eval, export, import, models, predict, prove, show,
    train,
};
use miette::Result;
use std::process::ExitCode;

/// Declare a network, differentiate it once, print its train step as
/// StableHLO, and train by executing that text.
#[derive(Debug, Parser)]
#[command(name = "cotangent", version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the zoo, one line each.
    Models(models::Args),
    /// Show a network: layers, shapes, parameters, multiply-adds.
    Show(show::Args),
    /// Write a step as StableHLO text with its JSON manifest.
    Emit(emit::Args),
    /// Train a network, or continue an interrupted run.
    Train(train::Args),
    /// Loss and accuracy of trained weights on the test split.
    Eval(eval::Args),
    /// Classify images with trained weights.
    Predict(predict::Args),
    /// Read weights of timm or torchvision.
    Import(import::Args),
    /// Write weights for timm or torchvision.
    Export(export::Args),
    /// Check gradients: finite differences, kinks, and executors against the interpreter.
    Check(check::Args),
    /// Certify a step: a theorem, checked by Coq, about the very file.
    Prove(prove::Args),
    /// Time the train step; with --peers, beside PyTorch and JAX.
    Bench(bench::Args),
    #[command(hide = true)]
    BenchWorker(bench_worker::Args),
    /// What is installed, what is missing, and the command that installs it.
    Doctor(doctor::Args),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match &cli.command {
        Command::Train(args) => train::run(args),
        other => run(other).map(|()| ExitCode::SUCCESS),
    };
    match result {
        Ok(status) => status,
        Err(report) => {
            output::note(&format!("Error: {report:?}"));
            interrupt::failure()
        }
    }
}

fn run(command: &Command) -> Result<()> {
    match command {
        Command::Models(args) => models::run(args),
        Command::Show(args) => show::run(args),
        Command::Emit(args) => emit::run(args),
        Command::Train(args) => train::run(args).map(drop),
        Command::Eval(args) => eval::run(args),
        Command::Predict(args) => predict::run(args),
        Command::Import(args) => import::run(args),
        Command::Export(args) => export::run(args),
        Command::Check(args) => check::run(args),
        Command::Prove(args) => prove::run(args),
        Command::Bench(args) => bench::run(args),
        Command::BenchWorker(args) => bench_worker::run(args),
        Command::Doctor(args) => doctor::run(args),
    }
}
