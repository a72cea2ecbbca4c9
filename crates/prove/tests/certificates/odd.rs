//! Networks as strangers would write them, each in its file: they are
//! differentiated rightly, they train, and they are certified as they are.

use crate::batch::{certify, emitted};
use crate::coq::Theories;
use cotangent_check::{Options, finite_differences, sample_inputs};
use cotangent_graph::Role;
use cotangent_native::{Executor, Options as NativeOptions};
use cotangent_net::NetSpec;
use cotangent_prove::Subject;
use cotangent_stablehlo::{Program, What};
use std::fs;
use std::path::Path;

#[path = "odd/nets.rs"]
mod nets;
use nets::NETS;

fn spec(name: &str) -> NetSpec {
    let file = format!("tests/certificates/odd/{name}.toml");
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
    let spec = NetSpec::from_toml(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(spec.name, name);
    spec
}

fn program(subject: &Subject) -> Program {
    Program::from_text(&subject.text).unwrap()
}

#[test]
fn each_step_is_certified() {
    let mut subjects = Vec::new();
    for &(name, batch, options, _) in NETS {
        let spec = spec(name);
        for what in [What::Forward, What::Grad, What::Train] {
            subjects.push(emitted(&spec, what, batch, options));
        }
    }
    certify(&Theories::find(&["Main"]), "odd", &subjects, 9);
}

#[test]
fn their_gradients_are_derivatives() {
    for &(name, batch, ..) in NETS {
        let graph = program(&emitted(&spec(name), What::Grad, batch, "sgd")).graph;
        let inputs = sample_inputs(&graph, 5).unwrap();
        let report = finite_differences(&graph, &inputs, &Options::default()).unwrap();
        assert!(report.passed, "{name}: {report:#?}");
    }
}

/// Step after step on the same examples, by the executor that trains; every
/// step is an update.
#[test]
fn they_learn() {
    for &(name, batch, options, rate) in NETS {
        let graph = program(&emitted(&spec(name), What::Train, batch, options)).graph;
        let inputs = sample_inputs(&graph, 5).unwrap();
        let mut executor = Executor::new(&graph, &NativeOptions { threads: 1 }).unwrap();
        for (k, (input, value)) in graph.inputs.iter().zip(&inputs).enumerate() {
            let number = |x: f64| match (input.role, input.name.as_str()) {
                (Role::Hyper, "lr") => rate,
                // Of what accumulates: this batch ends an update.
                (Role::Hyper, _) | (Role::Mask, _) => 1.0,
                (Role::State, name) if name.ends_with("_power") => 1.0,
                (Role::State, _) => 0.0,
                _ => x as f32,
            };
            let data: Vec<f32> = value.real().unwrap().data().iter().map(|&x| number(x)).collect();
            executor.input_mut(k).copy_from_slice(&data);
        }
        let loss = graph.outputs.iter().position(|o| o.role == Role::Loss).unwrap();
        let mut losses = Vec::new();
        for _ in 0..30 {
            executor.run().unwrap();
            losses.push(executor.output(loss)[0]);
        }
        let (first, last) = (losses[0], losses[29]);
        assert!(last < 0.95 * first, "{name}: {losses:?}");
    }
}
