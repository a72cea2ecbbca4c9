//! Random graphs: reverse mode against finite differences, f32 against f64.

use cotangent_check::{
    Options, TensorReport, differentiated, finite_differences, random_graph, sample_inputs,
};
use cotangent_graph::{Graph, Op, Output, Role, ValueId};
use cotangent_interp::{Tensor, Value, run};
use cotangent_vjp::rule;
use proptest::prelude::*;
use std::collections::BTreeSet;

#[test]
fn they_are_reproducible_and_use_every_op() {
    let (one, inputs) = random_graph(7, 20).unwrap();
    assert_eq!((one, inputs), random_graph(7, 20).unwrap());
    let ops: BTreeSet<&str> = (0..200)
        .flat_map(|seed| random_graph(seed, 12).unwrap().0.instructions)
        .map(|i| i.op.name())
        .collect();
    assert_eq!(ops.len(), 26, "{ops:?}");
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
}

fn narrowed(v: &Value<f64>) -> Value<f32> {
    let t = v.real().unwrap();
    Tensor::new(t.shape(), t.data().iter().map(|&x| x as f32).collect()).unwrap().into()
}
