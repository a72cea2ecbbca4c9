//! The native contender of `bench`: see [`crate::contender`] for what it says.

use crate::model::ModelArgs;
use crate::output::{print, print_json};
use cotangent::graph::{Precision, Role};
use cotangent::native::{Executor, Options};
use cotangent::net::initialize;
use cotangent::stablehlo::{Program, What};
use cotangent::step::StepOptions;
use miette::{Result, miette};
use std::io::BufRead;
use std::time::Instant;

/// Arguments of the hidden command `bench-worker`.
#[derive(Debug, clap::Args)]
pub struct Args {
    spec: String,
    #[arg(long)]
    batch: usize,
    #[arg(long)]
    threads: usize,
    #[arg(long)]
    optimizer: String,
}

/// Times steps on demand until told to quit.
pub fn run(args: &Args) -> Result<()> {
    let net = ModelArgs::unchanged(&args.spec).network()?;
    let mut step: StepOptions = args.optimizer.parse().map_err(|e: String| miette!("{e}"))?;
    step.optimizer.set("weight_decay", 0.into()).map_err(|e| miette!("{e}"))?;
    let program = cotangent::emit::program(&net, What::Train, args.batch, &step, Precision::F32)
        .map_err(|e| miette!("{e}"))?;
    // What is timed is what the text says.
    let text = program.to_text().map_err(|e| miette!("{e}"))?;
    let program = Program::from_text(&text).map_err(|e| miette!("{e}"))?;
    let options = Options { threads: args.threads };
    let mut executor = Executor::new(&program.graph, &options).map_err(|e| miette!("{e}"))?;

    let initial = initialize(&net, 0);
    let mut params = initial.iter();
    let state = step.state(&net);
    for (k, input) in program.graph.inputs.iter().enumerate() {
        let buffer = executor.input_mut(k);
        match input.role {
            Role::Param => params.next().iter().for_each(|p| buffer.copy_from_slice(p)),
            Role::State | Role::Ema => {
                let tensor = state.iter().find(|s| s.name == input.name);
                tensor.iter().for_each(|s| buffer.copy_from_slice(&s.initial_values(&initial)));
            }
            // A step that accumulates does the most work where it updates.
            Role::Hyper if input.name == "apply" => buffer.fill(1.0),
            Role::Hyper => buffer.fill(1e-3),
            Role::Target => {
                let features = net.features();
                for (row, target) in buffer.chunks_mut(features).enumerate() {
                    target.fill(0.0);
                    target[row % features] = 1.0;
                }
            }
            // Any data with both signs; a ramp folded into [-1, 1].
            _ => buffer
                .iter_mut()
                .enumerate()
                .for_each(|(i, x)| *x = (i * 37 % 201) as f32 / 100.0 - 1.0),
        }
    }
    let mut step = || executor.run().map_err(|e| miette!("{e}"));
    for _ in 0..10 {
        step()?;
    }
    print("ready {}\n")?;
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(|e| miette!("cannot read standard input: {e}"))?;
        let mut words = line.split_whitespace();
        match (words.next(), words.next().map(str::parse::<usize>)) {
            (Some("block"), Some(Ok(n))) => {
                let mut times = Vec::with_capacity(n);
                for _ in 0..n {
                    let start = Instant::now();
                    step()?;
                    times.push(start.elapsed().as_secs_f64() * 1e3);
                }
                print_json(&times)?;
            }
            (Some("quit"), None) => {
                return print_json(&serde_json::json!({ "peak_bytes": peak_bytes() }));
            }
            _ => return Err(miette!("found `{line}`, expected `block N` or `quit`")),
        }
    }
    Ok(())
}

/// The most memory this process ever held (`VmHWM`), in bytes; 0 where the
/// system does not tell.
fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    line.and_then(|l| l.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) * 1024
}
