//! Random graphs: reverse mode against finite differences, f32 against f64.

use cotangent_check::{
    Options, TensorReport, differentiated, finite_differences, random_graph, sample_inputs,
};
use cotangent_graph::{Graph, Op, Output, Role, ValueId};
use cotangent_interp::{Tensor, Value, run};
use cotangent_native::{Executor, Options as NativeOptions};
use cotangent_vjp::rule;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use std::collections::BTreeSet;

#[test]
fn they_are_reproducible_and_use_every_op() {
    let (one, inputs) = random_graph(7, 20).unwrap();
    assert_eq!((one, inputs), random_graph(7, 20).unwrap());
    let ops: BTreeSet<&str> = (0..200)
        .flat_map(|seed| random_graph(seed, 12).unwrap().0.instructions)
        .map(|i| i.op.name())
        .collect();
    assert_eq!(ops.len(), 41, "{ops:?}");
}

/// The loss of `forward`, and inputs for it. One parameter is an output too:
/// where all other gradients are zero up to rounding, that one is the scale.
fn weighted(mut forward: Graph, inputs: &[Value<f64>]) -> (Graph, Vec<Value<f64>>) {
    forward.outputs.push(Output { name: "x0".into(), role: Role::Logits, value: ValueId(0) });
    let graph = differentiated(&forward, rule).unwrap();
    let mut all = sample_inputs(&graph, 1).unwrap();
    all[..inputs.len()].clone_from_slice(inputs);
    (graph, all)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(200),
        // The same graphs every time; PROPTEST_CASES=20000 looks further.
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn gradients_are_derivatives(seed: u64, size in 1usize..16) {
        let (forward, inputs) = random_graph(seed, size).unwrap();
        let (graph, inputs) = weighted(forward, &inputs);
        let options = Options { coordinates: 16, directions: 2, ..Options::default() };
        let report = finite_differences(&graph, &inputs, &options).unwrap();
        let counted = |t: &TensorReport| t.samples > t.skipped;
        for tensor in report.tensors.iter().filter(|t| counted(t)) {
            prop_assert!(tensor.passed, "{:#?}\n{:?}", report, graph);
        }
        // Now and then a graph sits on a kink, `log(exp(x)) = x` say.
        prop_assume!(report.passed);
    }

    #[test]
    fn f32_follows_f64(seed: u64, size in 1usize..16) {
        // Elsewhere a rounding moves the result, here it may change the branch.
        let jumps = |op: &Op| matches!(op, Op::Compare(_) | Op::MaxPoolGrad(_));
        let (graph, inputs) = (0..)
            .map(|k| random_graph(seed.wrapping_add(k), size).unwrap())
            .find(|(graph, _)| !graph.instructions.iter().any(|i| jumps(&i.op)))
            .unwrap();
        let narrow: Vec<Value<f32>> = inputs.iter().map(narrowed).collect();
        let (exact, found) = (run(&graph, &inputs).unwrap(), run(&graph, &narrow).unwrap());
        for (e, f) in exact.iter().zip(&found) {
            prop_assert_eq!(e.ty(), f.ty());
            for (e, &f) in e.real().unwrap().data().iter().zip(f.real().unwrap().data()) {
                prop_assert!((e - f64::from(f)).abs() <= 1e-4 * (1.0 + e.abs()), "{} {}", e, f);
            }
        }
    }

    #[test]
    fn native_agrees_with_the_interpreter(seed: u64, size in 1usize..16, threads in 1usize..4) {
        let (forward, inputs) = random_graph(seed, size).unwrap();
        let (graph, inputs) = weighted(forward, &inputs);
        let narrow: Vec<Value<f32>> = inputs.iter().map(narrowed).collect();
        let widened: Vec<Value<f64>> = narrow.iter().map(widened).collect();
        let exact = run(&graph, &widened).unwrap();
        prop_assume!(continuous(&graph, &widened, &exact));

        let problem = disagreement(&graph, &graph, &narrow, &exact, threads);
        prop_assert!(problem.is_none(), "{:?}\n{:?}", problem, graph);
    }
}

/// The comparison above can fail: the executor gets a product for each difference.
#[test]
fn native_at_odds_with_the_interpreter_is_noticed() {
    let (forward, inputs) = (0..)
        .map(|seed| random_graph(seed, 12).unwrap())
        .find(|(g, _)| g.instructions.iter().any(|i| i.op == Op::Sub))
        .unwrap();
    let (graph, inputs) = weighted(forward, &inputs);
    let narrow: Vec<Value<f32>> = inputs.iter().map(narrowed).collect();
    let widened: Vec<Value<f64>> = narrow.iter().map(widened).collect();
    let exact = run(&graph, &widened).unwrap();
    assert_eq!(disagreement(&graph, &graph, &narrow, &exact, 1), None);
    let mut damaged = graph.clone();
    for instruction in damaged.instructions.iter_mut().filter(|i| i.op == Op::Sub) {
        instruction.op = Op::Mul;
    }
    assert!(disagreement(&graph, &damaged, &narrow, &exact, 1).is_some());
}

/// Where `executed` on the native executor is further from the exact outputs
/// of `graph` than f32 explains. The interpreter's own distance says how
/// ill-conditioned an output is.
fn disagreement(
    graph: &Graph,
    executed: &Graph,
    inputs: &[Value<f32>],
    exact: &[Value<f64>],
    threads: usize,
) -> Option<String> {
    let interpreted = run(graph, inputs).unwrap();
    let mut native = Executor::new(executed, &NativeOptions { threads }).unwrap();
    for (k, value) in inputs.iter().enumerate() {
        native.input_mut(k).copy_from_slice(value.real().unwrap().data());
    }
    native.run().unwrap();
    exact.iter().enumerate().find_map(|(k, exact)| {
        let exact = exact.real().unwrap().data();
        let own = distance(exact, interpreted[k].real().unwrap().data());
        let found = distance(exact, native.output(k));
        let norm = distance(exact, &vec![0.0; exact.len()]);
        let name = &graph.outputs[k].name;
        let fine = found <= 8.0 * own + 1e-5 * (1.0 + norm);
        (!fine).then(|| format!("{name}: native is {found} off, the interpreter {own}"))
    })
}

/// True if nearby inputs give nearby outputs: no rounding can change a branch.
fn continuous(graph: &Graph, inputs: &[Value<f64>], exact: &[Value<f64>]) -> bool {
    (0..4).all(|k| {
        let nearby: Vec<Value<f64>> = inputs
            .iter()
            .enumerate()
            .map(|(n, value)| {
                let mut value = value.clone();
                for (j, x) in value.real_mut().unwrap().data_mut().iter_mut().enumerate() {
                    // Deterministic, of either sign, different for each k.
                    *x *= 1.0 + 2e-6 * ((n * 31 + j * 17 + k * 7) as f64).sin();
                }
                value
            })
            .collect();
        run(graph, &nearby).unwrap().iter().zip(exact).all(|(near, exact)| {
            let (near, exact) = (near.real().unwrap().data(), exact.real().unwrap().data());
            near.iter().zip(exact).all(|(n, e)| (n - e).abs() <= 1e-2 * (1.0 + e.abs()))
        })
    })
}

/// Euclidean.
fn distance(exact: &[f64], found: &[f32]) -> f64 {
    exact.iter().zip(found).map(|(e, &f)| (e - f64::from(f)).powi(2)).sum::<f64>().sqrt()
}

fn narrowed(v: &Value<f64>) -> Value<f32> {
    let t = v.real().unwrap();
    Tensor::new(t.shape(), t.data().iter().map(|&x| x as f32).collect()).unwrap().into()
}

fn widened(v: &Value<f32>) -> Value<f64> {
    let t = v.real().unwrap();
    Tensor::new(t.shape(), t.data().iter().map(|&x| x.into()).collect()).unwrap().into()
}
