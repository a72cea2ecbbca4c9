//! Time from a specification to the text of its train step, against the number
//! of blocks: every stage should take the same time per block at any depth.
//!
//! ```text
//! cargo run --release -p cotangent-emit --example growth
//! ```
#![allow(clippy::print_stdout)]

use cotangent_graph::Precision;
use cotangent_net::layers::{BasicBlock, Embedding, TransformerBlock};
use cotangent_net::{LayerKind, NetSpec};
use cotangent_stablehlo::{Program, What};
use cotangent_step::StepOptions;
use std::error::Error;
use std::time::Instant;

fn main() -> Result<(), Box<dyn Error>> {
    let image = NetSpec::new("residual", [8, 8, 16]);
    let text = NetSpec::new("transformer", [16, 16]).layer(Embedding::new(32));
    println!("µs per block: shapes, differentiated step, text, text read back");
    for (start, block) in [
        (image, LayerKind::from(BasicBlock::new(16))),
        (text, LayerKind::from(TransformerBlock::new(4))),
    ] {
        for blocks in [10, 30, 100, 300, 1000] {
            let mut net = start.clone();
            for _ in 0..blocks {
                net = net.layer(block.clone());
            }
            let net = net.global_avg_pool().dense(10);
            // The fastest of three: whatever else happens only adds.
            let runs: Vec<[f64; 4]> = (0..3).map(|_| measure(&net)).collect::<Result<_, _>>()?;
            let best = |k: usize| runs.iter().map(|r| r[k]).fold(f64::INFINITY, f64::min);
            let times = [0, 1, 2, 3].map(|k| format!("{:8.1}", 1e6 * best(k) / blocks as f64));
            println!("{:<12} {blocks:>5} blocks {}", net.name, times.join(" "));
        }
    }
    Ok(())
}

/// Seconds for each stage.
fn measure(spec: &NetSpec) -> Result<[f64; 4], Box<dyn Error>> {
    let adamw: StepOptions = "adamw".parse()?;
    let (net, shapes) = timed(|| spec.network());
    let net = net?;
    let (program, step) =
        timed(|| cotangent_emit::program(&net, What::Train, 8, &adamw, Precision::F32));
    let program = program?;
    let (text, print) = timed(|| program.to_text());
    let text = text?;
    let (back, parse) = timed(|| Program::from_text(&text));
    back?;
    Ok([shapes, step, print, parse])
}

fn timed<T>(f: impl FnOnce() -> T) -> (T, f64) {
    let (start, busy) = (Instant::now(), on_cpu());
    let value = f();
    let wall = start.elapsed().as_secs_f64();
    let seconds = match (busy, on_cpu()) {
        // The kernel counts in ticks of a few milliseconds.
        (Some(before), Some(after)) if wall > 0.05 => after - before,
        _ => wall,
    };
    (value, seconds)
}

/// Seconds this thread has run, which leave out the time that other work on
/// the machine took; where Linux does not tell, `None`.
fn on_cpu() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanoseconds: f64 = text.split(' ').next()?.parse().ok()?;
    Some(nanoseconds / 1e9)
}
