//! The gradients of whole networks, as the `grad` step computes them.

use cotangent_check::{Options, Report, finite_differences, random_net, sample_inputs};
use cotangent_graph::{Builder, Comparison, Graph, Op, Role, TensorType};
use cotangent_interp::{Tensor, Value, run};
use cotangent_net::{LayerKind, Loss, LossPart, NetSpec, Number};
use cotangent_step::{Mode, StepOptions};
use std::collections::BTreeSet;

fn grad(model: &str, batch: usize) -> Graph {
    let network = cotangent_zoo::find(model).unwrap().spec().network().unwrap();
    cotangent_step::grad(&network, batch, Mode::Training).unwrap()
}

fn check(graph: &Graph) -> Report {
    let inputs = sample_inputs(graph, 3).unwrap();
    finite_differences(graph, &inputs, &Options::default()).unwrap()
}

#[test]
fn every_model_has_the_gradient_it_should() {
    for (model, batch) in [("mnist-linear", 4), ("mnist-mlp", 4), ("mnist-cnn", 1)] {
        let report = check(&grad(model, batch));
        assert!(report.passed, "{model}: {report:#?}");
    }
}

/// Each loss of its own features, times its weight.
#[test]
fn losses_of_parts_add_up() {
    let loss = |spec: NetSpec, logits: &[f64], target: &[f64]| {
        let net = spec.network().unwrap();
        let mut b = Builder::new();
        let shape = TensorType::real([2, logits.len() / 2]);
        let z = b.input("z", Role::Param, shape.clone()).unwrap();
        let t = b.input("t", Role::Target, shape).unwrap();
        let loss = net.loss(&mut b, z, t).unwrap();
        b.output("loss", Role::Loss, loss);
        let value = |x: &[f64]| Value::Real(Tensor::new(vec![2, x.len() / 2], x.to_vec()).unwrap());
        let graph = b.finish().unwrap();
        let out = run(&graph, &[value(logits), value(target)]).unwrap();
        out[0].real().unwrap().data()[0]
    };
    let one = |kind, features| NetSpec::new("one", [1]).dense(features).loss(kind);
    let parts = NetSpec::new("parts", [1]).dense(5).losses([
        LossPart::new(Loss::BinaryCrossEntropyWithLogits, 1),
        LossPart::new(Loss::SoftmaxCrossEntropy, 3).weight(2.into()),
        LossPart::new(Loss::MeanSquaredError, 1).weight(Number::ratio(1, 4)),
    ]);
    let whole = loss(
        parts,
        &[0.5, 1.0, -2.0, 0.25, 3.0, -1.0, 0.0, 2.0, 1.5, -0.5],
        &[1.0, 0.0, 1.0, 0.0, 2.0, 0.0, 0.5, 0.25, 0.25, 1.0],
    );
    let binary = loss(one(Loss::BinaryCrossEntropyWithLogits, 1), &[0.5, -1.0], &[1.0, 0.0]);
    let classes = loss(
        one(Loss::SoftmaxCrossEntropy, 3),
        &[1.0, -2.0, 0.25, 0.0, 2.0, 1.5],
        &[0.0, 1.0, 0.0, 0.5, 0.25, 0.25],
    );
    let squares = loss(one(Loss::MeanSquaredError, 1), &[3.0, -0.5], &[2.0, 1.0]);
    assert!((whole - (binary + 2.0 * classes + squares / 4.0)).abs() < 1e-12, "{whole}");
}

/// Damages the step itself, one instruction at a time, as a wrong rule would:
/// each rectifier's mask, each difference and product of the backward pass.
#[test]
fn damage_anywhere_in_a_step_is_noticed() {
    let sound = grad("mnist-mlp", 2);
    let mut damaged = 0;
    for k in 0..sound.instructions.len() {
        let mut graph = sound.clone();
        let instruction = &mut graph.instructions[k];
        match &mut instruction.op {
            Op::Compare(Comparison::Gt) => instruction.operands.swap(0, 1),
            Op::Sub => instruction.op = Op::Add,
            Op::Mul => instruction.op = Op::Add,
            _ => continue,
        }
        damaged += 1;
        assert!(!check(&graph).passed, "{}", sound.instructions[k].op.name());
    }
    assert!(damaged >= 4, "{damaged}");
}

/// Networks that nobody wrote, over the whole vocabulary.
#[test]
fn random_networks_have_the_gradients_they_should() {
    let mut kinds = BTreeSet::new();
    for seed in 0..200 {
        let net = random_net(seed);
        assert_eq!(net, random_net(seed));
        let network = net.spec.network().unwrap();
        kinds.extend(network.layers().iter().flat_map(|l| l.walk()).map(|l| l.kind.name()));
        if seed < 60 {
            let graph = cotangent_step::grad(&network, net.batch, Mode::Training).unwrap();
            let report = check(&graph);
            assert!(report.passed, "{}\n{report:#?}", net.spec.to_toml());
        }
        net.options.parse::<StepOptions>().unwrap();
    }
    assert_eq!(kinds.len(), LayerKind::VOCABULARY.len(), "{kinds:?}");
}
