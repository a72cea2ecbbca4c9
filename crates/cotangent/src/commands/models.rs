//! `cotangent models`

use crate::output::{print, print_json, thousands};
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
                "macs": net.macs(),
                "input": net.spec().input,
                "summary": model.summary,
            }))?;
        } else {
            let _ = writeln!(
                text,
                "{:<24} {:>11} parameters {:>8.1} MMAC   {}",
                model.name,
                thousands(net.param_count() as u64),
                net.macs() as f64 / 1e6,
                model.summary
            );
        }
    }
    print(&text)
}
