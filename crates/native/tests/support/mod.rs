//! Runs graphs by the executor and by the interpreter, and compares.
#![allow(dead_code)] // Each test file uses its own part.

use cotangent_graph::{Builder, Graph, GraphError, Op, Role, TensorType, ValueId};
use cotangent_interp::{Tensor, Value};
use cotangent_native::{Executor, Options};

/// Reproducible numbers in -1..1, with some exact zeros and repeats.
pub fn data(len: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD1B5_4A32_D192_ED03;
    (0..len)
        .map(|_| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let x = (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0;
            if (state >> 20) & 15 == 0 { 0.0 } else { x }
        })
        .collect()
}

/// Inputs for every argument of a graph.
pub fn inputs(graph: &Graph, seed: u64) -> Vec<Vec<f32>> {
    graph.inputs.iter().enumerate().map(|(k, i)| data(i.ty.len(), seed + k as u64)).collect()
}

pub fn executor(graph: &Graph, threads: usize, inputs: &[Vec<f32>]) -> Executor {
    let mut e = Executor::new(graph, &Options { threads }).unwrap();
    for (k, x) in inputs.iter().enumerate() {
        e.input_mut(k).copy_from_slice(x);
    }
    e
}

pub fn interpret<T: cotangent_interp::Scalar>(
    graph: &Graph,
    inputs: &[Vec<f32>],
    convert: impl Fn(f32) -> T,
) -> Vec<Vec<T>> {
    let values: Vec<Value<T>> = graph
        .inputs
        .iter()
        .zip(inputs)
        .map(|(i, x)| {
            let data = x.iter().map(|&x| convert(x)).collect();
            Value::Real(Tensor::new(i.ty.shape.clone(), data).unwrap())
        })
        .collect();
    let outputs = cotangent_interp::run(graph, &values).unwrap();
    outputs.iter().map(|v| v.real().unwrap().data().to_vec()).collect()
}

/// What each output may differ from the interpreter by, relative to the
/// largest magnitude in that output.
#[derive(Clone, Copy)]
pub enum Tolerance {
    /// Same operations in the same order.
    Exact,
    /// Sums in another order, or fused multiply-adds: this many roundings.
    Roundings(f64),
    /// Functions rounded differently: this many units in the last place of the
    /// element itself.
    Units(f64),
}

/// Runs `graph` with 1, 2 and 3 threads, twice each, and compares with the
/// interpreter.
pub fn agree(graph: &Graph, tolerance: Tolerance) {
    let inputs = inputs(graph, 7);
    agree_on(graph, &inputs, tolerance);
}

/// As [`agree`], with what the interpreter computes in f64: in f32 its own
/// sums, one term after the other, are further from the truth than the
/// executor's.
pub fn agree_with_truth(graph: &Graph, tolerance: Tolerance) {
    let inputs = inputs(graph, 7);
    let truth = interpret(graph, &inputs, f64::from);
    let expected: Vec<Vec<f32>> =
        truth.iter().map(|t| t.iter().map(|&x| x as f32).collect()).collect();
    agree_to(graph, &inputs, &expected, tolerance);
}

pub fn agree_on(graph: &Graph, inputs: &[Vec<f32>], tolerance: Tolerance) {
    agree_to(graph, inputs, &interpret(graph, inputs, |x| x), tolerance);
}

fn agree_to(graph: &Graph, inputs: &[Vec<f32>], expected: &[Vec<f32>], tolerance: Tolerance) {
    for threads in [1, 2, 3] {
        let mut e = executor(graph, threads, inputs);
        for again in 0..2 {
            if again > 0 {
                for (k, x) in inputs.iter().enumerate() {
                    e.input_mut(k).copy_from_slice(x);
                }
            }
            e.run().unwrap();
            for (o, want) in expected.iter().enumerate() {
                let name = &graph.outputs[o].name;
                let context = format!("output `{name}`, {threads} threads\n{}", e.describe());
                compare(want, e.output(o), tolerance, &context);
            }
        }
    }
}

fn compare(want: &[f32], got: &[f32], tolerance: Tolerance, context: &str) {
    assert_eq!(want.len(), got.len(), "{context}");
    let scale = want.iter().filter(|x| x.is_finite()).fold(0f32, |m, x| m.max(x.abs()));
    for (k, (&a, &b)) in want.iter().zip(got).enumerate() {
        let same = a == b || (a.is_nan() && b.is_nan());
        let close = match tolerance {
            Tolerance::Exact => same,
            Tolerance::Units(n) => {
                let unit = f64::from(a.abs().next_up() - a.abs());
                same || f64::from((a - b).abs()) <= n * unit
            }
            Tolerance::Roundings(n) => {
                let bound = n * f64::from(f32::EPSILON) * f64::from(scale.max(f32::MIN_POSITIVE));
                same || f64::from((a - b).abs()) <= bound
            }
        };
        assert!(close, "element {k}: interpreter {a:e}, executor {b:e}; {context}");
    }
}

/// A graph of one op on inputs of these shapes.
pub fn one(op: Op, shapes: &[&[usize]]) -> Graph {
    build(shapes, |b, x| b.push(op.clone(), x))
}

/// A graph with one output, built by `f` from inputs of these shapes.
pub fn build(
    shapes: &[&[usize]],
    f: impl Fn(&mut Builder, &[ValueId]) -> Result<ValueId, GraphError>,
) -> Graph {
    let mut b = Builder::new();
    let x: Vec<ValueId> = shapes
        .iter()
        .enumerate()
        .map(|(k, s)| b.input(format!("x{k}"), Role::Data, TensorType::real(*s)).unwrap())
        .collect();
    let y = f(&mut b, &x).unwrap();
    b.output("y", Role::Logits, y);
    b.finish().unwrap()
}
