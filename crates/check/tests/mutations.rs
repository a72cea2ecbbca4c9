//! The checks can say no: under each deliberately wrong rule some check of
//! that op fails.

mod wrong_rules;

use cotangent_check::{
    CheckError, Options, cases, differentiated, finite_differences, kink_table_with, sample_inputs,
};
use cotangent_graph::{Builder, Graph, Op, Role, TensorType};
use cotangent_vjp::{Rule, rule};
use std::collections::BTreeSet;

/// Whether some check of `op` fails under `rule`; only checks of that op are
/// made, so that nothing else can be what fails.
fn noticed(op: &str, rule: Rule) -> bool {
    let differs = cases().unwrap().iter().filter(|c| c.op == op).any(|case| {
        let graph = differentiated(&case.forward, rule).unwrap();
        let inputs = case.inputs(&graph).unwrap();
        !finite_differences(&graph, &inputs, &Options::default()).unwrap().passed
    });
    differs || kink_table_with(rule).unwrap().iter().any(|row| row.op == op && !row.passed)
}

#[test]
fn every_wrong_rule_is_noticed() {
    for mutation in wrong_rules::all() {
        assert!(noticed(mutation.op, mutation.rule), "{}: {}", mutation.op, mutation.what);
    }
}

#[test]
fn the_right_rule_is_not() {
    let ops: BTreeSet<_> = wrong_rules::all().iter().map(|m| m.op).collect();
    for op in ops {
        assert!(!noticed(op, rule), "{op}");
    }
}

/// The differentiable ops an op brings along. No wildcard: a new op does not
/// compile until it says here whether it needs cases and a mutation.
fn needs_a_mutation(op: &Op) -> bool {
    match op {
        Op::Constant { .. } | Op::Compare(_) => false,
        Op::Add
        | Op::Sub
        | Op::Mul
        | Op::Div
        | Op::Neg
        | Op::Exp
        | Op::Log
        | Op::Sqrt
        | Op::Rsqrt
        | Op::Tanh
        | Op::Logistic
        | Op::Erf
        | Op::ErfGrad
        | Op::Softplus
        | Op::Elu { .. }
        | Op::Clamp { .. }
        | Op::Abs
        | Op::Maximum
        | Op::Relu
        | Op::Select
        | Op::DotGeneral(_)
        | Op::Conv(_)
        | Op::ConvInputGrad { .. }
        | Op::ConvKernelGrad { .. }
        | Op::BroadcastInDim { .. }
        | Op::ReduceSum { .. }
        | Op::Transpose { .. }
        | Op::Slice { .. }
        | Op::Pad { .. }
        | Op::Concatenate { .. }
        | Op::WindowSum(_)
        | Op::WindowSumGrad { .. }
        | Op::Reshape { .. }
        | Op::MaxPool(_)
        | Op::MaxPoolGrad(_)
        | Op::Variance { .. }
        | Op::Normalize { .. }
        | Op::Softmax
        | Op::SoftmaxCrossEntropy => true,
    }
}

/// Differentiable ops there are; the match above has as many `true` variants.
const DIFFERENTIABLE: usize = 39;

#[test]
fn every_differentiable_op_has_a_case_and_a_mutation() {
    let mutated: BTreeSet<&str> = wrong_rules::all().iter().map(|m| m.op).collect();
    let mut tested = BTreeSet::new();
    for case in cases().unwrap() {
        let instructions = &case.forward.instructions;
        assert!(instructions.iter().any(|i| i.op.name() == case.op), "{}", case.name);
        tested.extend(instructions.iter().filter(|i| needs_a_mutation(&i.op)).map(|i| i.op.name()));
    }
    assert_eq!(tested, mutated);
    assert_eq!(mutated.len(), DIFFERENTIABLE);
}

fn one_case() -> (Graph, Vec<cotangent_interp::Value<f64>>) {
    let case = &cases().unwrap()[0];
    let graph = differentiated(&case.forward, rule).unwrap();
    let inputs = case.inputs(&graph).unwrap();
    (graph, inputs)
}

/// Names carry meaning: two gradients of one shape under each other's names.
#[test]
fn exchanged_gradients_are_noticed() {
    let case = cases().unwrap().into_iter().find(|c| c.name == "multiply").unwrap();
    let mut graph = differentiated(&case.forward, rule).unwrap();
    let inputs = case.inputs(&graph).unwrap();
    let (one, other) = (graph.outputs[1].value, graph.outputs[2].value);
    (graph.outputs[1].value, graph.outputs[2].value) = (other, one);
    assert!(!finite_differences(&graph, &inputs, &Options::default()).unwrap().passed);
}

#[test]
fn graphs_that_are_not_gradients_are_refused() {
    let (graph, inputs) = one_case();
    let refused = |g: &Graph| {
        matches!(finite_differences(g, &inputs, &Options::default()), Err(CheckError::Outputs(_)))
    };
    assert!(!refused(&graph));
    let mut without_loss = graph.clone();
    without_loss.outputs.remove(0);
    assert!(refused(&without_loss));
    let mut without_gradients = graph.clone();
    without_gradients.outputs.truncate(1);
    assert!(refused(&without_gradients));
    let mut misnamed = graph;
    misnamed.outputs[1].name = "nobody".into();
    assert!(refused(&misnamed));
}

fn relu_at(x: &[f64]) -> cotangent_check::Report {
    let mut b = Builder::new();
    let ty = TensorType::real([x.len()]);
    let a = b.input("a", Role::Param, ty).unwrap();
    let y = b.push(Op::Relu, &[a]).unwrap();
    b.output("y", Role::Logits, y);
    let graph = differentiated(&b.finish().unwrap(), rule).unwrap();
    let mut inputs = sample_inputs(&graph, 0).unwrap();
    inputs[0].real_mut().unwrap().data_mut().copy_from_slice(x);
    finite_differences(&graph, &inputs, &Options::default()).unwrap()
}

#[test]
fn samples_on_a_kink_are_skipped_and_too_many_fail() {
    let mut x = vec![1.0; 60];
    // Two coordinates of 60 and every direction: 6 of 64 samples.
    (x[3], x[7]) = (0.0, 0.0);
    let report = relu_at(&x);
    assert_eq!((report.skipped, report.samples, report.passed), (6, 64, false));
    assert!(report.tensors[0].passed, "those counted agree");
    // Near a kink a smaller step still counts.
    (x[3], x[7]) = (1e-4, -1e-5);
    let report = relu_at(&x);
    assert_eq!((report.skipped, report.passed), (0, true));
}

#[test]
fn a_nan_does_not_pass() {
    assert!(!relu_at(&[1.0, f64::NAN, 2.0]).passed);
}
