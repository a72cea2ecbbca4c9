//! The networks of the zoo, small.

use super::declared::{Declared, Run};

const OPTIMIZERS: [&str; 4] = [
    "sgd(weight_decay=0.01)",
    "momentum(momentum=0.9,weight_decay=0.01)",
    "adamw(weight_decay=0.01)",
    "adamw(beta1=0.8,beta2=0.9,eps=0.001,weight_decay=0)",
];

/// The optimiser and features of the train steps.
const TRAIN: &str = "adamw(weight_decay=0.01) clip(norm=1) ema(decay=0.75)";

/// Of these every test run has JAX judge the train step, and of all the
/// gradient. XLA takes half a minute to compile some of the other steps, the
/// reference's in two precisions beside ours.
const LIGHT: [&str; 11] = [
    "mnist-linear",
    "mnist-mlp",
    "mnist-cnn-bn",
    "cifar-cnn",
    "cifar-cnn-bn",
    "cifar-resnet20",
    "vgg16",
    "resnet18",
    "squeezenet",
    "vit-tiny",
    "tiny-gpt",
];

/// All networks; `whole` asks for the train step of each.
pub fn nets(whole: bool) -> Vec<Declared> {
    let small = cotangent_zoo::MODELS.iter().map(|model| {
        let net = small(model);
        if model.name == "mnist-cnn" {
            let all = OPTIMIZERS.into_iter().map(Run::Train).chain([Run::Forward]);
            return all.fold(net.run(Run::Train(TRAIN)).kinks(1.0), Declared::run);
        }
        if whole || LIGHT.contains(&model.name) { net.run(Run::Train(TRAIN)) } else { net }
    });
    small.collect()
}

/// The train step of each network that `wanted` names, alone.
pub fn train_steps(wanted: impl Fn(&str) -> bool) -> Vec<Declared> {
    let models = cotangent_zoo::MODELS.iter().filter(|m| wanted(m.name));
    models.map(|model| small(model).only(Run::Train(TRAIN))).collect()
}

fn small(model: &cotangent_zoo::Model) -> Declared {
    let spec = model.spec_with(&model.small());
    Declared::spec(&format!("zoo/{}", model.name), &spec).batch(4)
}
