//! `cotangent emit MODEL -o F.mlir`

use crate::model::ModelArgs;
use crate::options::{Dtype, OptimizerArgs, count};
use crate::output::{commit, not_onto, print, print_json, stage};
use cotangent::stablehlo::{What, manifest};
use cotangent::step::Mode;
use cotangent::train::is_special;
use miette::{Result, miette};
use std::path::PathBuf;

/// Arguments of `emit`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    model: ModelArgs,
    /// The file to write; its manifest goes beside it, ending in .json. `-` prints the text;
    /// a device or a pipe takes the text alone.
    #[arg(short, long, value_name = "F.mlir", default_value = "-")]
    output: PathBuf,
    /// The step.
    #[arg(long, value_enum, default_value = "train")]
    what: WhatArg,
    /// Of --what grad: with the batch's own statistics and masks, or with the running statistics.
    #[arg(long, value_enum)]
    mode: Option<ModeArg>,
    /// Batch size.
    #[arg(long, default_value_t = 128, value_name = "N", value_parser = count, allow_negative_numbers = true)]
    batch: usize,
    /// Element type.
    #[arg(long, value_enum, default_value = "f32")]
    dtype: Dtype,
    #[command(flatten)]
    optimizer: OptimizerArgs,
    /// Print one line of JSON about the files written.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum WhatArg {
    /// Forward, loss, backward, optimiser.
    Train,
    /// Loss and gradients.
    Grad,
    /// Logits.
    Forward,
    /// Loss and logits.
    Eval,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum ModeArg {
    /// Statistics of the batch, random masks.
    Training,
    /// Running statistics, no masks.
    Evaluation,
}

/// Writes the text and the manifest.
pub fn run(args: &Args) -> Result<()> {
    if args.json && (args.output.as_os_str() == "-" || is_special(&args.output)) {
        return Err(miette!(
            help = "name a file with -o F.mlir",
            "--json tells which files were written, but {} is none",
            args.output.display()
        ));
    }
    let net = args.model.network()?;
    let what = match args.what {
        WhatArg::Train => What::Train,
        WhatArg::Grad => What::Grad,
        WhatArg::Forward => What::Forward,
        WhatArg::Eval => What::Eval,
    };
    args.optimizer.suit(what)?;
    if what != What::Grad && args.mode.is_some() {
        return Err(miette!(
            help = "leave it out, or give --what grad",
            "--mode: a {} step has one meaning only",
            what.name()
        ));
    }
    let options = args.optimizer.options()?;
    let program = match args.mode {
        Some(ModeArg::Evaluation) => {
            cotangent::emit::gradients(&net, Mode::Evaluation, args.batch, args.dtype.into())
        }
        _ => cotangent::emit::program(&net, what, args.batch, &options, args.dtype.into()),
    };
    let program = program.map_err(|e| miette!("{e}"))?;
    let text = program.to_text().map_err(|e| miette!("{e}"))?;
    if args.output.as_os_str() == "-" {
        return print(&text);
    }
    not_onto(&args.output, args.model.model.as_ref())?;
    // A device or a pipe takes the text alone: nothing lies beside it.
    let json = (!is_special(&args.output)).then(|| args.output.with_extension("json"));
    if json.as_ref() == Some(&args.output) && !args.output.is_dir() {
        return Err(miette!(
            help = "name the text F.mlir; the manifest becomes F.json",
            "{} is where the manifest goes",
            args.output.display()
        ));
    }
    let mut manifest_text = serde_json::to_string_pretty(&manifest(&program))
        .map_err(|e| miette!("cannot write JSON: {e}"))?;
    manifest_text.push('\n');
    // Both are ready before either is in its place, so that a text does not
    // come to lie beside the manifest of another.
    let staged = stage(&args.output, &text)?;
    let staged_json = json.as_ref().map(|j| stage(j, &manifest_text)).transpose()?;
    commit(staged, &args.output)?;
    if let (Some(file), Some(path)) = (staged_json, &json) {
        commit(file, path)?;
    }
    if args.json {
        return print_json(&serde_json::json!({
            "model": net.spec().name,
            "what": what.name(),
            "file": args.output,
            "manifest": json,
            "bytes": text.len(),
        }));
    }
    Ok(())
}
