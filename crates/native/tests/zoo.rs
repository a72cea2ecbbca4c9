//! Every network of the zoo, small, learns a batch by heart.

mod support;

use cotangent_graph::{Graph, Role};
use cotangent_net::{Network, initialize};
use cotangent_step::StepOptions;
use cotangent_zoo::{MODELS, Model};
use support::{data, executor};

const BATCH: usize = 4;
const STEPS: usize = 40;

/// Initial parameters and state, random data, a class for each position.
fn inputs(net: &Network, options: &StepOptions, graph: &Graph, lr: f32) -> Vec<Vec<f32>> {
    let params = initialize(net, 1);
    let state = options.state(net);
    let of = |name: &str| net.params().iter().position(|p| p.name == name).unwrap();
    let values = |k: usize| -> Vec<f32> {
        let input = &graph.inputs[k];
        let len = input.ty.len();
        match input.role {
            Role::Param => params[of(&input.name)].clone(),
            Role::State => {
                state.iter().find(|s| s.name == input.name).unwrap().initial_values(&params)
            }
            Role::Stat => {
                vec![net.stats().iter().find(|s| s.name == input.name).unwrap().initial; len]
            }
            Role::Target => {
                let classes = net.classes();
                let hot = |k: usize| (k / classes * 7 + 3) % classes == k % classes;
                (0..len).map(|k| f32::from(u8::from(hot(k)))).collect()
            }
            // Nothing is dropped.
            Role::Mask => vec![1.0; len],
            Role::Hyper => vec![lr; len],
            Role::Data => data(len, 9),
            role => panic!("an input of role {role:?}"),
        }
    };
    (0..graph.inputs.len()).map(values).collect()
}

/// The losses of successive steps at learning rate `lr`.
fn losses(model: &Model, lr: f32) -> Vec<f32> {
    let net = model.spec_with(&model.small()).network().unwrap();
    let options: StepOptions = "adamw(weight_decay=0) clip(norm=1)".parse().unwrap();
    let graph = cotangent_step::train(&net, BATCH, &options).unwrap();
    let loss = graph.outputs.iter().position(|o| o.role == Role::Loss).unwrap();
    let mut executor = executor(&graph, 2, &inputs(&net, &options, &graph, lr));
    let step = |_| {
        executor.run().unwrap();
        executor.output(loss)[0]
    };
    (0..STEPS).map(step).collect()
}

/// The losses are finite and the last is at most 0.7 times the first. (A tiny
/// SqueezeNet ends at 0.6: its classes stand behind a rectifier, and some are
/// dead from the start. The others end at less than half.)
fn learns(losses: &[f32]) -> bool {
    losses.iter().all(|l| l.is_finite()) && losses[STEPS - 1] <= 0.7 * losses[0]
}

#[test]
fn every_network_learns() {
    for model in MODELS {
        let losses = losses(model, 3e-3);
        assert!(learns(&losses), "{}: {losses:?}", model.name);
    }
}

#[test]
fn at_rate_zero_none_does() {
    assert!(!learns(&losses(cotangent_zoo::find("mnist-cnn").unwrap(), 0.0)));
}
