//! `cotangent show MODEL`

use crate::model::ModelArgs;
use crate::output::{print, print_json};
use clap::ValueEnum;
use cotangent::net::{LayerPlan, Network};
use miette::Result;
use std::fmt::Write;

/// Arguments of `show`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    model: ModelArgs,
    /// What to print.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    /// The same as `--format json`.
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A table of the layers.
    Table,
    /// The spec file, which every command accepts in place of a name.
    Toml,
    /// One JSON object.
    Json,
}

/// Prints the network.
pub fn run(args: &Args) -> Result<()> {
    let net = args.model.network()?;
    match args.format {
        _ if args.json => print_json(&json(&net)),
        Format::Json => print_json(&json(&net)),
        Format::Toml => print(&net.spec().to_toml()),
        Format::Table => print(&table(&net)),
    }
}

fn params(layer: &LayerPlan) -> usize {
    layer.params.iter().map(|p| p.shape.iter().product::<usize>()).sum()
}

/// The shape of `show --json`. No layer has a theorem yet, so `theorem` is null.
fn json(net: &Network) -> serde_json::Value {
    let layers: Vec<_> = net
        .layers()
        .iter()
        .map(|l| {
            serde_json::json!({
                "name": l.name,
                "kind": l.kind.name(),
                "output": l.output,
                "params": params(l),
                "macs": l.macs,
                "rule": l.rule,
                "theorem": null,
            })
        })
        .collect();
    serde_json::json!({
        "name": net.spec().name,
        "params": net.param_count(),
        "macs": net.layers().iter().map(|l| l.macs).sum::<u64>(),
        "input": net.spec().input,
        "layers": layers,
    })
}

fn table(net: &Network) -> String {
    let mut rows = vec![
        ["layer", "kind", "output", "parameters", "multiply-adds", "backward"].map(String::from),
    ];
    rows.push(["input", "", &shape(&net.spec().input), "", "", ""].map(String::from));
    for l in net.layers() {
        rows.push([
            l.name.clone(),
            l.kind.name().into(),
            shape(&l.output),
            thousands(params(l) as u64),
            thousands(l.macs),
            l.rule.into(),
        ]);
    }
    let width = |c: usize| rows.iter().map(|r| r[c].chars().count()).max().unwrap_or(0);
    let widths: [usize; 6] = std::array::from_fn(width);
    let mut text = format!("{}\n\n", net.spec().name);
    for row in &rows {
        let mut line = String::new();
        for (c, cell) in row.iter().enumerate() {
            let w = widths[c];
            // Numbers to the right, words to the left.
            let _ = if matches!(c, 3 | 4) {
                write!(line, "{cell:>w$}  ")
            } else {
                write!(line, "{cell:<w$}  ")
            };
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
    let macs: u64 = net.layers().iter().map(|l| l.macs).sum();
    let bytes = 4 * net.param_count() as u64;
    let _ = writeln!(
        text,
        "\n{} parameters ({:.2} MB), {} multiply-adds ({:.1} MFLOP) for one example",
        thousands(net.param_count() as u64),
        bytes as f64 / 1e6,
        thousands(macs),
        2.0 * macs as f64 / 1e6,
    );
    text
}

fn shape(shape: &[usize]) -> String {
    let sizes: Vec<String> = shape.iter().map(usize::to_string).collect();
    sizes.join("x")
}

fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(c);
    }
    text
}
