//! The gradients of whole networks, as the `grad` step computes them.

use cotangent_check::{Options, Report, finite_differences, random_net, sample_inputs};
use cotangent_graph::{Comparison, Graph, Op};
use cotangent_net::LayerKind;
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
