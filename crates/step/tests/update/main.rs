//! The updates against the formulas written out for single numbers.

mod features;
mod harness;
mod optimizers;

use cotangent_graph::Role;
use cotangent_step::{Optimizer, StepError, StepOptions, train};
use harness::tiny;

#[test]
fn optimizers_read_back() {
    for text in
        ["sgd", "momentum(momentum=0.95)", "adamw(beta1=1/3,eps=1e-6)", "rmsprop(alpha=0.5)"]
    {
        let optimizer: Optimizer = text.parse().unwrap();
        assert_eq!(optimizer.to_string().parse::<Optimizer>(), Ok(optimizer));
    }
    for (bad, why) in [
        ("adamax", "unknown optimizer `adamax`; the optimizers are sgd, momentum, nesterov, adam,"),
        ("sgd(momentum=0.9)", "no constant `momentum`"),
        ("momentum(momentum=1)", "must be at least 0 and below 1"),
        ("adamw(eps=0)", "must be above 0"),
        ("adamw(weight_decay=-1)", "must be at least 0"),
        ("adamw(beta1=0.9", "closing"),
    ] {
        let error = bad.parse::<Optimizer>().unwrap_err();
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn batch_sizes_are_bounded() {
    assert!(train(&tiny(), 0, &"sgd".parse().unwrap()).is_err());
    assert!(train(&tiny(), usize::MAX, &"sgd".parse().unwrap()).is_err());
}

#[test]
fn options_out_of_range_make_no_step() {
    let mut options: StepOptions = "sgd".parse().unwrap();
    options.accumulate = 0;
    let error = train(&tiny(), 1, &options).unwrap_err();
    assert_eq!(error, StepError::Options("accumulate: steps = 0 must be 1 to 16777216".into()));
    options.accumulate = 1;
    options.optimizer = Optimizer::Sgd { weight_decay: (-1).into() };
    let error = train(&tiny(), 1, &options).unwrap_err();
    assert!(error.to_string().contains("weight_decay = -1"), "{error}");
}

#[test]
fn what_a_step_carries_is_named() {
    let options = "rmsprop(momentum=0.9) ema(decay=0.9) accumulate(steps=2)".parse().unwrap();
    let graph = train(&tiny(), 1, &options).unwrap();
    let names = |role: Role| -> Vec<&str> {
        let of_role = graph.inputs.iter().filter(|i| i.role == role);
        of_role.map(|i| i.name.strip_suffix("dense_1.weight").unwrap_or(&i.name)).collect()
    };
    let state = names(Role::State);
    let prefixes: Vec<_> = state.iter().filter(|n| !n.ends_with("bias")).collect();
    assert_eq!(prefixes, [&"v.", &"momentum.", &"accumulated."]);
    assert_eq!(names(Role::Ema), ["ema.", "ema.dense_1.bias"]);
    assert_eq!(names(Role::Hyper), ["lr", "apply"]);
    let outputs = graph.outputs.iter().filter(|o| o.role.is_resident()).map(|o| &o.name);
    let inputs = graph.inputs.iter().filter(|i| i.role.is_resident()).map(|i| &i.name);
    assert!(outputs.eq(inputs));
}
