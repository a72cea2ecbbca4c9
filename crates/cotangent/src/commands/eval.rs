//! `cotangent eval MODEL --weights F`

use crate::model::ModelArgs;
use crate::options::{BackendArgs, DataArgs, load_weights};
use crate::output::{print, print_json};
use cotangent::train::evaluate;
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
    #[arg(long, default_value_t = 128, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(u32).range(1..=1 << 20))]
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
    let quiet = args.quiet || args.json;
    let weights = load_weights(&args.weights, &net, quiet)?;
    let dataset = args.data.load(&net, &weights, quiet)?;
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
