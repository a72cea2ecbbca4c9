//! Times a network's whole train step.
//!
//! ```text
//! cargo run --release -p cotangent-native --example time_step -- mnist-cnn adamw 128 2 [steps]
//! ```
//!
//! Arguments: model, optimiser, batch, threads, number of steps. Prints the
//! least and the median time of a step, the planned memory, and, if a sixth
//! argument is given, the plan with the time of every step of it.
#![allow(clippy::print_stdout)]

use cotangent_graph::Role;
use cotangent_native::{Executor, Options};
use std::error::Error;
use std::time::Instant;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().collect();
    let arg = |k: usize, default: &str| args.get(k).map_or(default.to_string(), Clone::clone);
    let name = arg(1, "mnist-mlp");
    let model = cotangent_zoo::find(&name).ok_or_else(|| format!("no model called {name}"))?;
    let network = model.spec().network()?;
    let optimizer = arg(2, "adamw").parse()?;
    let graph = cotangent_step::train(&network, arg(3, "128").parse()?, &optimizer)?;
    let start = Instant::now();
    let mut e = Executor::new(&graph, &Options { threads: arg(4, "2").parse()? })?;
    let planned = start.elapsed();
    let weights = cotangent_net::initialize(&network, 1);
    let (mut next, mut seed) = (weights.iter(), 1u32);
    let mut state = optimizer.state(&network).into_iter();
    for (k, input) in graph.inputs.iter().enumerate() {
        let data = e.input_mut(k);
        match input.role {
            Role::Param => next.next().into_iter().for_each(|w| data.copy_from_slice(w)),
            Role::State | Role::Ema => {
                let initial = state.next().map(|s| s.initial_values(&weights));
                initial.into_iter().for_each(|s| data.copy_from_slice(&s));
            }
            Role::Hyper => data.fill(1e-3),
            Role::Target => data.iter_mut().step_by(7).for_each(|x| *x = 1.0),
            _ => data.iter_mut().for_each(|x| {
                seed = seed.wrapping_mul(1664525).wrapping_add(1013904223);
                *x = (seed >> 8) as f32 / (1 << 24) as f32;
            }),
        }
    }
    let steps: usize = arg(5, "200").parse()?;
    for _ in 0..10.min(steps) {
        e.run()?;
    }
    let mut times = Vec::new();
    for _ in 0..steps {
        let start = Instant::now();
        e.run()?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    let loss = graph.output("loss").map_or(f32::NAN, |o| e.output(o)[0]);
    println!(
        "{name}: min {:.3} ms, median {:.3} ms; planned in {:.1} ms; {} passes; {:.1} MB; loss {loss}",
        times[0],
        times[times.len() / 2],
        planned.as_secs_f64() * 1e3,
        e.steps(),
        e.peak_bytes() as f64 / 1e6,
    );
    if args.len() > 6 {
        println!("{}", e.profile(50)?);
    }
    Ok(())
}
