//! The project's own chores: `cargo xtask CHORE`.

mod lowerers;
mod oracle;
mod twin;

use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "The project's own chores")]
struct Cli {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Debug, Subcommand)]
enum Chore {
    /// Emit every case of the oracle, then have XLA execute them and JAX compare.
    Oracle {
        /// Where the cases go.
        #[arg(long, default_value = "target/oracle")]
        dir: PathBuf,
        /// The train step of every network of the zoo, not of the light ones alone.
        #[arg(long)]
        whole_zoo: bool,
        /// The train steps of so many random networks.
        #[arg(long, default_value_t = 10)]
        random: u64,
        /// Only cases whose names begin so, such as `random/`.
        #[arg(long, default_value = "")]
        only: String,
        /// Only write the cases.
        #[arg(long)]
        write_only: bool,
    },
    /// Have IREE compile and run train steps of the zoo, small, beside XLA and our executors, and
    /// IREE and XLA read those of published size.
    Lowerers {
        /// Where the steps go.
        #[arg(long, default_value = "target/lowerers")]
        dir: PathBuf,
        /// Every small step, not only one or two of each family.
        #[arg(long)]
        whole_zoo: bool,
    },
    /// Have Coq run its meaning of StableHLO on random modules, and XLA their text.
    Twin {
        /// Where the cases go.
        #[arg(long, default_value = "target/twin")]
        dir: PathBuf,
        /// Cases of each op.
        #[arg(long, default_value_t = 20)]
        count: usize,
        /// Leave XLA out.
        #[arg(long)]
        write_only: bool,
    },
}

fn main() -> ExitCode {
    let result = match Cli::parse().chore {
        Chore::Oracle { dir, whole_zoo, random, only, write_only } => {
            oracle::run(&dir, whole_zoo, random, &only, write_only)
        }
        Chore::Lowerers { dir, whole_zoo } => lowerers::run(&dir, whole_zoo),
        Chore::Twin { dir, count, write_only } => twin::run(&dir, count, write_only),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("xtask: {e}");
            ExitCode::FAILURE
        }
    }
}
