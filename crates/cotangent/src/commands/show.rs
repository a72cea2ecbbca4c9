//! `cotangent show MODEL`

use crate::layer_table::Row;
use crate::model::ModelArgs;
use crate::output::{print, print_json, thousands};
use clap::ValueEnum;
use cotangent::graph::Precision;
use cotangent::net::{LossPart, Losses, Network};
use cotangent::prove::{kinks, specification, theorem};
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
    /// How many levels of layers inside layers the table has; 1 for the outermost only.
    #[arg(long, default_value_t = 2, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    nesting: u16,
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
        Format::Table => print(&table(&net, usize::from(args.nesting))),
    }
}

/// The shape of `show --json`: all layers, each before those inside it.
/// `params` and `macs` are a layer's own, so that they add up to the
/// network's; `total_params` and `total_macs` count what is inside too.
/// `losses` are of features side by side, in order.
/// `uncovered` says why the network has no certificate; null if it has one.
fn json(net: &Network) -> serde_json::Value {
    let layers: Vec<_> = Row::all(net)
        .iter()
        .map(|row| {
            serde_json::json!({
                "name": row.layer.name,
                "kind": row.layer.kind.name(),
                "level": row.level,
                "output": row.layer.output,
                "params": row.params,
                "macs": row.layer.macs,
                "total_params": row.total_params,
                "total_macs": row.layer.total_macs(),
                "rule": row.layer.rules().join(", "),
                "theorem": theorem(row.layer),
            })
        })
        .collect();
    serde_json::json!({
        "name": net.spec().name,
        "params": net.param_count(),
        "macs": net.macs(),
        "input": net.spec().input,
        "losses": listed(net),
        "layers": layers,
        "kinks": kinks(net).iter().map(|k| serde_json::json!({
            "layer": k.layer, "op": k.op, "condition": k.condition,
        })).collect::<Vec<_>>(),
        "uncovered": uncovered(net),
    })
}

/// The losses as parts of the output, one of it all where there is one.
fn listed(net: &Network) -> Vec<LossPart> {
    match net.losses() {
        Losses::Whole(loss) => vec![LossPart::new(*loss, net.features())],
        Losses::Parts(parts) => parts.clone(),
    }
}

fn table(net: &Network, levels: usize) -> String {
    let mut rows = vec![
        ["layer", "kind", "output", "parameters", "multiply-adds", "backward", "theorem"]
            .map(String::from),
    ];
    rows.push(["input", "", &shape(&net.spec().input), "", "", "", ""].map(String::from));
    for row in Row::all(net).iter().filter(|row| row.level <= levels && !row.is_transparent()) {
        rows.push([
            format!("{}{}", "  ".repeat(row.level - 1), row.label()),
            row.layer.kind.name().into(),
            shape(&row.layer.output),
            thousands(row.total_params as u64),
            thousands(row.layer.total_macs()),
            row.layer.rules().join(", "),
            theorem(row.layer).unwrap_or_default().into(),
        ]);
    }
    let width = |c: usize| rows.iter().map(|r| r[c].chars().count()).max().unwrap_or(0);
    let widths: [usize; 7] = std::array::from_fn(width);
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
    let bytes = 4 * net.param_count() as u64;
    let _ = writeln!(
        text,
        "\n{} parameters ({:.2} MB), {} multiply-adds ({:.1} MFLOP) for one example",
        thousands(net.param_count() as u64),
        bytes as f64 / 1e6,
        thousands(net.macs()),
        2.0 * net.macs() as f64 / 1e6,
    );
    text.push_str(&losses(net.losses()));
    text.push_str(&certificate(net));
    text
}

/// What is minimised, where it is more than one loss.
fn losses(losses: &Losses) -> String {
    let part = |p: &LossPart| {
        let plural = if p.features == 1 { "" } else { "s" };
        format!("{} × {} of {} feature{plural}", p.weight.exact(), p.kind.name(), p.features)
    };
    match losses.parts() {
        [] => String::new(),
        parts => format!("loss: {}\n", parts.iter().map(part).collect::<Vec<_>>().join(" + ")),
    }
}

/// Why the network has no certificate.
fn uncovered(net: &Network) -> Option<String> {
    specification(net, Precision::F32).err().map(|reason| reason.to_string())
}

/// What `prove` would say of the network.
fn certificate(net: &Network) -> String {
    if let Some(reason) = uncovered(net) {
        return format!("no certificate: {reason}\n");
    }
    let mut text = "the whole: GradCorrect.grad_correct (`cotangent prove`)".to_string();
    let kinks = kinks(net);
    if kinks.is_empty() {
        text.push_str("; no kinks\n");
        return text;
    }
    text.push_str(", off its kinks:\n");
    for k in &kinks {
        let _ = writeln!(text, "  {} ({}): {}", k.layer, k.op, k.condition);
    }
    text
}

fn shape(shape: &[usize]) -> String {
    let sizes: Vec<String> = shape.iter().map(usize::to_string).collect();
    sizes.join("x")
}
