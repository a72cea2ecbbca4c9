//! `cotangent export --to LIBRARY OURS.safetensors MODEL -o FILE`

use crate::model::ModelArgs;
use crate::options::load_weights;
use crate::output::{commit, not_onto, print_json, stage_bytes};
use cotangent::exchange::{Imported, Library, Notes, export};
use miette::{Result, miette};
use std::path::PathBuf;

/// Arguments of `export`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Whose names and shapes the file is to have: timm or torchvision.
    #[arg(long, value_name = "timm|torchvision")]
    to: Library,
    /// Our weights: a checkpoint, such as RUN/best.safetensors, or an imported file.
    #[arg(value_name = "OURS.safetensors")]
    weights: PathBuf,
    #[command(flatten)]
    model: ModelArgs,
    /// The file to write; `load_state_dict(load_file(FILE), strict=True)` reads it in Python.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Print one line of JSON.
    #[arg(long)]
    json: bool,
}

/// Writes the weights under their names, shapes and order.
pub fn run(args: &Args) -> Result<()> {
    not_onto(&args.output, &args.weights)?;
    not_onto(&args.output, args.model.model.as_ref())?;
    let net = args.model.network()?;
    let weights = load_weights(&args.weights, &net, args.json)?;
    let values = weights.params(&net).map_err(|e| miette!("{e}"))?;
    let values: Vec<&[f32]> = values.into_iter().map(|(_, value)| value).collect();
    let (params, stats) = values.split_at(net.params().len().min(values.len()));
    let notes = weights.metadata(Imported::NOTES).map(Notes::from_json).transpose();
    let notes = notes.map_err(|e| {
        miette!("{}: its metadata `{}`: {e}", args.weights.display(), Imported::NOTES)
    })?;
    let notes = notes.unwrap_or_default();
    let file = export(&net, args.to, params, stats, &notes).map_err(|e| miette!("{e}"))?;
    commit(stage_bytes(&args.output, &file)?, &args.output)?;
    if args.json {
        return print_json(&serde_json::json!({
            "model": net.spec().name,
            "to": args.to.name(),
            "file": args.output,
            "params": params.len(),
            "stats": stats.len(),
        }));
    }
    Ok(())
}
