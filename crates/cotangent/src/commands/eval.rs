//! `cotangent eval MODEL --weights F`

use crate::model::ModelArgs;
use crate::options::{BackendArgs, DataArgs};
use crate::output::{print, print_json};
use cotangent::train::{Weights, evaluate};
use miette::{Result, miette};
use std::path::PathBuf;

/// Arguments of `eval`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    model: ModelArgs,
    /// A checkpoint, such as RUN/best.safetensors.
    #[arg(long, value_name = "F")]
    weights: PathBuf,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    backend: BackendArgs,
    /// Batch size.
    #[arg(long, default_value_t = 128, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1 << 20))]
    batch: u32,
    /// Print one line of JSON.
    #[arg(long)]
    json: bool,
    /// Print no notices.
    #[arg(long)]
    quiet: bool,
}

/// Scores the weights on the test split.
pub fn run(args: &Args) -> Result<()> {
    let net = args.model.network()?;
    let weights = Weights::load(&args.weights).map_err(|e| miette!("{e}"))?;
    weights.params(&net).map_err(|e| miette!("{e}"))?;
    let dataset = args.data.load(args.quiet || args.json)?;
    let scores = evaluate(&net, &weights, &dataset, args.batch as usize, args.backend.execution())
        .map_err(|e| miette!("{e}"))?;
    if args.json {
        return print_json(&serde_json::json!({
            "model": net.spec().name,
            "dataset": dataset.name(),
            "n": scores.n,
            "loss": scores.loss,
            "accuracy": scores.accuracy,
        }));
    }
    print(&format!(
        "{} on {}: test accuracy {:.2} %, loss {:.4}, {} examples\n",
        net.spec().name,
        dataset.name(),
        100.0 * scores.accuracy,
        scores.loss,
        scores.n
    ))
}
