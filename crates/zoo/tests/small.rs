//! Every network is its own text, and makes steps that verify.

use cotangent_graph::Op;
use cotangent_net::{Mode, NetSpec};
use cotangent_step::{StepOptions, eval, forward, grad, train};
use cotangent_zoo::MODELS;

#[test]
fn every_model_is_its_own_text() {
    for model in MODELS {
        for spec in [model.spec(), model.spec_with(&model.small())] {
            assert_eq!(spec.name, model.name);
            assert_eq!(NetSpec::from_toml(&spec.to_toml()).as_ref(), Ok(&spec), "{}", model.name);
        }
    }
}

#[test]
fn small_models_are_small() {
    let mut large = Vec::new();
    for model in MODELS {
        let net = model.spec_with(&model.small()).network().unwrap();
        assert_eq!(net.classes(), 10, "{}", model.name);
        let (params, macs) = (net.param_count(), net.macs());
        if params > 100_000 || macs > 5_000_000 {
            large.push(format!("{}: {params} parameters, {macs} multiply-adds", model.name));
        }
    }
    assert!(large.is_empty(), "{large:#?}");
}

#[test]
fn small_models_make_every_step() {
    let adamw: StepOptions = "adamw".parse().unwrap();
    for model in MODELS {
        let net = model.spec_with(&model.small()).network().unwrap();
        let steps = [
            ("forward", forward(&net, 2)),
            ("eval", eval(&net, 2)),
            ("grad in training", grad(&net, 2, Mode::Training)),
            ("grad in evaluation", grad(&net, 2, Mode::Evaluation)),
            ("train", train(&net, 2, &adamw)),
        ];
        for (what, step) in steps {
            let graph = step.unwrap_or_else(|e| panic!("{}, {what}: {e}", model.name));
            graph.verify().unwrap_or_else(|e| panic!("{}, {what}: {e}", model.name));
        }
    }
}

#[test]
fn every_parameter_has_a_gradient() {
    for model in MODELS {
        let net = model.spec_with(&model.small()).network().unwrap();
        let graph = grad(&net, 2, Mode::Training).unwrap();
        for (output, param) in graph.outputs.iter().zip(net.params()) {
            // A constant would say that the loss does not depend on it.
            let instruction = output.value.index().checked_sub(graph.inputs.len());
            let op = instruction.map(|k| &graph.instructions[k].op);
            let computed = op.is_some_and(|op| !matches!(op, Op::Constant { .. }));
            assert!(computed, "{}: {}", model.name, param.name);
        }
    }
}
