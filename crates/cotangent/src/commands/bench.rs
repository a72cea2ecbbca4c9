//! `cotangent bench [MODEL …]`
//!
//! Each contender runs in a process of its own with the same threads and the
//! same work; blocks of steps alternate between them, so a passing load on the
//! machine hits all alike (`SEMANTICS.md`, "Comparing speed").

use crate::contender::Contender;
use crate::model::{ModelArgs, SizeArgs};
use crate::options::count;
use crate::output::{note, print, print_json};
use cotangent::net::{Loss, Losses, Network};
use cotangent::step::StepOptions;
use miette::{Result, miette};
use std::fmt::Write;

/// Arguments of `bench`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Zoo names or spec files; mnist-linear, mnist-mlp and mnist-cnn if none is given.
    #[arg(value_name = "MODEL")]
    models: Vec<String>,
    #[command(flatten)]
    size: SizeArgs,
    /// Time PyTorch and JAX on the same work too.
    #[arg(long)]
    peers: bool,
    /// Batch size.
    #[arg(long, default_value_t = 128, value_name = "N", value_parser = count, allow_negative_numbers = true)]
    batch: usize,
    /// Threads of each contender; all cores if not given.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// An optimizer without decay, at default constants if none follow, and the step's features:
    /// `adamw clip(norm=1)`. Peers know sgd, momentum and adamw, at default constants.
    #[arg(long, default_value = "adamw", value_name = "NAME")]
    optimizer: String,
    /// Blocks each contender runs, at least 5.
    #[arg(long, default_value_t = 7, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(u32).range(5..))]
    blocks: u32,
    /// Steps in a block.
    #[arg(long, default_value_t = 20, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(u32).range(1..))]
    steps: u32,
    /// Print one JSON object per model and contender.
    #[arg(long)]
    json: bool,
}

/// What is printed for one contender.
#[derive(Debug, serde::Serialize)]
struct Row {
    model: String,
    batch: usize,
    backend: String,
    variant: String,
    ms_median: f64,
    ms_min: f64,
    images_per_second: f64,
    peak_bytes: u64,
    gflops: f64,
    /// This contender's median over native's, with the least and greatest
    /// ratio of the block medians.
    ratio_to_native: f64,
    ratio_min: f64,
    ratio_max: f64,
}

/// What PyTorch and JAX are set up to do here.
const PEERS_KNOW: [&str; 3] = ["sgd", "momentum", "adamw"];

/// Times the models.
pub fn run(args: &Args) -> Result<()> {
    args.optimizer.parse::<StepOptions>().map_err(|e| miette!("--optimizer: {e}"))?;
    if args.peers && !PEERS_KNOW.contains(&&*args.optimizer) {
        return Err(miette!(
            help = format!("leave out --peers, or give one of {}", PEERS_KNOW.join(", ")),
            "--peers: PyTorch and JAX are not set up for --optimizer {}",
            args.optimizer
        ));
    }
    let threads = match args.threads {
        Some(n) => usize::from(n),
        None => std::thread::available_parallelism().map_or(1, usize::from),
    };
    let models: Vec<String> = if args.models.is_empty() {
        ["mnist-linear", "mnist-mlp", "mnist-cnn"].map(String::from).to_vec()
    } else {
        args.models.clone()
    };
    let nets = models
        .iter()
        .map(|model| ModelArgs { model: model.clone(), size: args.size.clone() }.network())
        .collect::<Result<Vec<_>>>()?;
    if args.peers {
        nets.iter().try_for_each(peers_know)?;
    }
    if !args.json {
        let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let load = load.split(' ').next().unwrap_or("unknown");
        print(&format!(
            "train step, {}, batch {}, {threads} threads, {} blocks of {} steps, machine load {load}\n",
            args.optimizer, args.batch, args.blocks, args.steps
        ))?;
    }
    for net in &nets {
        let rows = one_model(args, net, threads)?;
        if args.json {
            rows.iter().try_for_each(print_json)?;
        } else {
            print(&table(&rows))?;
        }
    }
    Ok(())
}

/// Refuses a network whose loss PyTorch and JAX are not set up to minimise here.
fn peers_know(net: &Network) -> Result<()> {
    let loss = match net.losses() {
        Losses::Whole(Loss::SoftmaxCrossEntropy) => match net.output() {
            [_] => return Ok(()),
            output => format!("an output {output:?}, a class at each position"),
        },
        Losses::Whole(loss) => format!("the loss {}", loss.name()),
        Losses::Parts(parts) => format!("{} losses of parts of the output", parts.len()),
    };
    Err(miette!(
        help = "leave out --peers, or give a network of one class per example, by softmax_cross_entropy",
        "--peers: PyTorch and JAX are not set up for net `{}`, which has {loss}",
        net.spec().name
    ))
}

fn one_model(args: &Args, net: &Network, threads: usize) -> Result<Vec<Row>> {
    let mut contenders = vec![Contender::native(net, args.batch, threads, &args.optimizer)?];
    if args.peers {
        for framework in ["torch", "jax"] {
            contenders.push(Contender::peer(framework, net, args.batch, threads, &args.optimizer)?);
        }
    }
    let mut times: Vec<Vec<Vec<f64>>> = vec![Vec::new(); contenders.len()];
    for block in 0..args.blocks {
        if !args.json {
            note(&format!("{}: block {} of {}", net.spec().name, block + 1, args.blocks));
        }
        for (contender, times) in contenders.iter_mut().zip(&mut times) {
            times.push(contender.block(args.steps)?);
        }
    }
    let medians: Vec<Vec<f64>> =
        times.iter().map(|blocks| blocks.iter().map(|b| median(b)).collect()).collect();
    let native = median(&times[0].concat());
    let flops = flops_per_step(net, args.batch);
    let mut rows = Vec::new();
    for (k, contender) in contenders.into_iter().enumerate() {
        let all = times[k].concat();
        let ms = median(&all);
        let ratios: Vec<f64> = medians[k].iter().zip(&medians[0]).map(|(a, b)| a / b).collect();
        let (backend, variant) = (contender.backend.clone(), contender.variant.clone());
        rows.push(Row {
            model: net.spec().name.clone(),
            batch: args.batch,
            backend,
            variant,
            ms_median: ms,
            ms_min: all.iter().copied().fold(f64::INFINITY, f64::min),
            images_per_second: args.batch as f64 / ms * 1e3,
            peak_bytes: contender.quit()?,
            gflops: flops / ms / 1e6,
            ratio_to_native: ms / native,
            ratio_min: ratios.iter().copied().fold(f64::INFINITY, f64::min),
            ratio_max: ratios.iter().copied().fold(0.0, f64::max),
        });
    }
    Ok(rows)
}

/// Multiplications and additions of a step: forward, and two products of the
/// same size backward, but for the first layer, whose input has no gradient.
fn flops_per_step(net: &Network, batch: usize) -> f64 {
    let macs: u64 = net.macs();
    let first = net
        .layers()
        .iter()
        .flat_map(|l| l.walk())
        .find(|l| !l.params.is_empty())
        .map_or(0, |l| l.macs);
    batch as f64 * (6.0 * macs as f64 - 2.0 * first as f64)
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => sorted[n / 2],
        n => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
    }
}

fn table(rows: &[Row]) -> String {
    let mut text = String::new();
    for row in rows {
        let name = if row.variant.is_empty() {
            row.backend.clone()
        } else {
            format!("{} ({})", row.backend, row.variant)
        };
        let _ = write!(
            text,
            "{:<13} {name:<24} {:>8.2} ms median {:>8.2} min {:>9.0} images/s {:>6.0} MB {:>6.1} GFLOP/s",
            row.model,
            row.ms_median,
            row.ms_min,
            row.images_per_second,
            row.peak_bytes as f64 / 1e6,
            row.gflops,
        );
        if row.backend != "native" {
            let _ = write!(
                text,
                "  {:.2} times native's time ({:.2} to {:.2})",
                row.ratio_to_native, row.ratio_min, row.ratio_max
            );
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn medians() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(&[]).is_nan());
    }
}
