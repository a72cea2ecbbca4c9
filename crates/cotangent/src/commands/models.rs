//! `cotangent models`

use crate::output::{print, print_json};
use cotangent::zoo::MODELS;
use miette::{Result, miette};
use std::fmt::Write;

/// Arguments of `models`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print one JSON object per line.
    #[arg(long)]
    json: bool,
}

/// Lists the zoo.
pub fn run(args: &Args) -> Result<()> {
    let mut text = String::new();
    for model in MODELS {
        let net = model.spec().network().map_err(|e| miette!("{e}"))?;
        if args.json {
            print_json(&serde_json::json!({
                "name": model.name,
                "params": net.param_count(),
                "summary": model.summary,
            }))?;
        } else {
            let _ = writeln!(
                text,
                "{:<14} {:>10} parameters   {}",
                model.name,
                net.param_count(),
                model.summary
            );
        }
    }
    print(&text)
}
