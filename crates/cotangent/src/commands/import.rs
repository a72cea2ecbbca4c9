//! `cotangent import --from LIBRARY FILE MODEL -o OURS.safetensors`

use crate::model::ModelArgs;
use crate::output::{commit, not_onto, print_json, stage_bytes};
use cotangent::exchange::{Library, import};
use cotangent::train::read_whole;
use miette::{Result, miette};
use std::path::PathBuf;

/// Arguments of `import`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Whose names and shapes the file has: timm or torchvision.
    #[arg(long, value_name = "timm|torchvision")]
    from: Library,
    /// Their weights: in Python `safetensors.torch.save_file(model.state_dict(), FILE)`.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    model: ModelArgs,
    /// The weights file to write, for `train`, `eval` and `predict --weights`.
    #[arg(short, long, value_name = "OURS.safetensors")]
    output: PathBuf,
    /// Print one line of JSON.
    #[arg(long)]
    json: bool,
}

/// Writes the weights under our names, shapes and order.
pub fn run(args: &Args) -> Result<()> {
    not_onto(&args.output, &args.file)?;
    not_onto(&args.output, args.model.model.as_ref())?;
    let net = args.model.network()?;
    let path = args.file.display();
    let bytes = read_whole(&args.file)
        .map_err(|e| miette!(help = "give a safetensors file", "cannot read {path}: {e}"))?;
    let imported = import(&net, args.from, &bytes).map_err(|e| miette!("{path}: {e}"))?;
    let ours = imported.to_safetensors(&net).map_err(|e| miette!("{path}: {e}"))?;
    commit(stage_bytes(&args.output, &ours)?, &args.output)?;
    if args.json {
        return print_json(&serde_json::json!({
            "model": net.spec().name,
            "from": args.from.name(),
            "file": args.output,
            "params": net.params().len(),
            "stats": net.stats().len(),
        }));
    }
    Ok(())
}
