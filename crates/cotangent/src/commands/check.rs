//! `cotangent check MODEL`

use crate::model::ModelArgs;
use crate::options::{OptimizerArgs, count, seed};
use crate::output::{print, print_json};
use crate::progress::Items;
use cotangent::check::{
    KinkRow, Options, Report, finite_differences_watched, kink_table, sample_inputs,
};
use cotangent::graph::Precision;
use cotangent::interp::{Tensor, Value};
use cotangent::native::Executor;
use cotangent::stablehlo::{Program, What};
use miette::{Result, miette};
use std::fmt::Write;

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    model: ModelArgs,
    /// Batch size of the check.
    #[arg(long, default_value_t = 2, value_name = "N", value_parser = count, allow_negative_numbers = true)]
    batch: usize,
    /// Seed of the point checked and of the samples.
    #[arg(long, default_value_t = 0, value_name = "N", value_parser = seed, allow_negative_numbers = true)]
    seed: u64,
    /// Coordinates sampled of each gradient; all of those of smaller ones.
    #[arg(long, default_value_t = 64, value_name = "N", value_parser = count, allow_negative_numbers = true)]
    coordinates: usize,
    #[command(flatten)]
    optimizer: OptimizerArgs,
    /// Print one line of JSON.
    #[arg(long)]
    json: bool,
}

/// How far an executor's outputs are from the interpreter's.
#[derive(Debug, serde::Serialize)]
struct Distance {
    backend: &'static str,
    /// The output that differs most.
    worst: String,
    /// `‖native - f64‖ / ‖f64‖` of that output.
    error: f64,
    /// The same for the interpreter in f32.
    interpreter_error: f64,
    passed: bool,
}

#[derive(Debug, serde::Serialize)]
struct Outcome {
    model: String,
    finite_differences: Report,
    kinks: Vec<KinkRow>,
    executors: Vec<Distance>,
    passed: bool,
}

/// Checks the gradients of the emitted text, the kinks, and the executor.
pub fn run(args: &Args) -> Result<()> {
    let net = args.model.network()?;
    let options = args.optimizer.options()?;
    let parsed = |what, precision| -> Result<Program> {
        let program = cotangent::emit::program(&net, what, args.batch, &options, precision)
            .map_err(|e| miette!("{e}"))?;
        let text = program.to_text().map_err(|e| miette!("{e}"))?;
        Program::from_text(&text).map_err(|e| miette!("{e}"))
    };
    let grad = parsed(What::Grad, Precision::F64)?.graph;
    let inputs = sample_inputs(&grad, args.seed).map_err(|e| miette!("{e}"))?;
    let sampling = Options { seed: args.seed, coordinates: args.coordinates, ..Options::default() };
    let mut shown = Items::new("checking the gradient of");
    let mut watch = |name: &str, k, of| shown.item(name, k, of);
    let differences = finite_differences_watched(&grad, &inputs, &sampling, &mut watch)
        .map_err(|e| miette!("{e}"))?;
    shown.finish();
    let kinks = kink_table().map_err(|e| miette!("{e}"))?;
    let executors = vec![native(&parsed(What::Train, Precision::F32)?, args.seed)?];
    let passed =
        differences.passed && kinks.iter().all(|k| k.passed) && executors.iter().all(|e| e.passed);
    let outcome = Outcome {
        model: net.spec().name.clone(),
        finite_differences: differences,
        kinks,
        executors,
        passed,
    };
    if args.json {
        print_json(&outcome)?;
    } else {
        print(&in_words(&outcome))?;
    }
    if passed { Ok(()) } else { Err(miette!("the check of {} failed", outcome.model)) }
}

/// One train step by the native executor against the interpreter: its
/// distance to the f64 result is at most 4 times that of the interpreter in
/// f32, plus 1e-6 of the tensor's norm.
fn native(program: &Program, seed: u64) -> Result<Distance> {
    let graph = &program.graph;
    let err = |e: &dyn std::fmt::Display| miette!("{e}");
    let sampled = sample_inputs(graph, seed).map_err(|e| err(&e))?;
    // All three start from the same f32 numbers.
    let narrow: Vec<Vec<f32>> = sampled
        .iter()
        .map(|v| v.real().map(|t| t.data().iter().map(|&x| x as f32).collect()))
        .collect::<std::result::Result<_, _>>()
        .map_err(|e| err(&e))?;
    let mut single: Vec<Value<f32>> = Vec::new();
    let mut double: Vec<Value<f64>> = Vec::new();
    for (input, data) in graph.inputs.iter().zip(&narrow) {
        let shape = &input.ty.shape;
        single.push(Tensor::new(shape.clone(), data.clone()).map_err(|e| err(&e))?.into());
        let wide = data.iter().map(|&x| f64::from(x)).collect();
        double.push(Tensor::new(shape.clone(), wide).map_err(|e| err(&e))?.into());
    }
    let single = cotangent::interp::run(graph, &single).map_err(|e| err(&e))?;
    let double = cotangent::interp::run(graph, &double).map_err(|e| err(&e))?;
    let mut executor = Executor::new(graph, &Default::default()).map_err(|e| err(&e))?;
    for (k, data) in narrow.iter().enumerate() {
        executor.input_mut(k).copy_from_slice(data);
    }
    executor.run().map_err(|e| err(&e))?;

    let mut worst = Distance {
        backend: "native",
        worst: String::new(),
        error: 0.0,
        interpreter_error: 0.0,
        passed: true,
    };
    let mut worst_ratio = f64::NEG_INFINITY;
    for (k, output) in graph.outputs.iter().enumerate() {
        let truth = double[k].real().map_err(|e| err(&e))?.data();
        let interpreter = single[k].real().map_err(|e| err(&e))?.data();
        let norm = truth.iter().map(|x| x * x).sum::<f64>().sqrt();
        let distance = |found: &[f32]| {
            let squares = found.iter().zip(truth).map(|(f, t)| (f64::from(*f) - t).powi(2));
            squares.sum::<f64>().sqrt() / norm.max(f64::MIN_POSITIVE)
        };
        let (error, interpreter_error) = (distance(executor.output(k)), distance(interpreter));
        let ratio = error / (4.0 * interpreter_error + 1e-6);
        // NaN is a failure too, and the worst there is.
        worst.passed &= ratio <= 1.0;
        if ratio > worst_ratio || (ratio.is_nan() && !worst_ratio.is_nan()) {
            worst_ratio = ratio;
            worst.worst = format!("{} {}", output.role, output.name);
            (worst.error, worst.interpreter_error) = (error, interpreter_error);
        }
    }
    Ok(worst)
}

fn in_words(o: &Outcome) -> String {
    let mark = |passed: bool| if passed { "ok  " } else { "FAIL" };
    let fd = &o.finite_differences;
    let mut text =
        format!("{}: gradients of the emitted text against f64 central differences\n", o.model);
    for t in &fd.tensors {
        let _ = writeln!(
            text,
            "  {} {:<22} {:<18} error {:.1e} (coordinates) {:.1e} (directions), {} of {} samples skipped",
            mark(t.passed),
            t.name,
            format!("{:?}", t.shape),
            t.error,
            t.direction_error,
            t.skipped,
            t.samples,
        );
    }
    let _ = writeln!(
        text,
        "  {} worst error {:.1e}, allowed {:.0e}; {} of {} samples skipped at kinks, allowed 5 %",
        mark(fd.passed),
        fd.worst_error(),
        fd.tolerance,
        fd.skipped,
        fd.samples,
    );
    let _ = writeln!(text, "derivatives taken at kinks");
    for k in &o.kinks {
        let _ = writeln!(text, "  {} {:<14} {}", mark(k.passed), k.op, k.point);
        if !k.passed {
            let _ = writeln!(text, "         expected {:?}, found {:?}", k.expected, k.found);
        }
    }
    let _ = writeln!(text, "one train step, against the interpreter in f64");
    for e in &o.executors {
        let _ = writeln!(
            text,
            "  {} {} at worst {:.1e} off in {} (interpreter in f32: {:.1e})",
            mark(e.passed),
            e.backend,
            e.error,
            e.worst,
            e.interpreter_error,
        );
    }
    text
}
