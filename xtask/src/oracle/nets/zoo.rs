//! The networks of the zoo, small.

use super::declared::{Declared, Run};

const OPTIMIZERS: [&str; 4] = [
    "sgd(weight_decay=0.01)",
    "momentum(momentum=0.9,weight_decay=0.01)",
    "adamw(weight_decay=0.01)",
    "adamw(beta1=0.8,beta2=0.9,eps=0.001,weight_decay=0)",
];

/// One or two of each family, for every test run; XLA takes half a minute to
/// compile some of the others.
const EVERY_RUN: [&str; 14] = [
    "mnist-linear",
    "mnist-mlp",
    "mnist-cnn",
    "mnist-cnn-bn",
    "cifar-cnn",
    "cifar-cnn-bn",
    "cifar-resnet20",
    "resnet18",
    "squeezenet",
    "mobilenet-v2",
    "convnext-tiny",
    "vit-tiny",
    "tiny-gpt",
    "densenet121",
];

/// The networks for every test run, or all of them.
pub fn nets(all: bool) -> Vec<Declared> {
    let chosen = |name: &str| all || EVERY_RUN.contains(&name);
    let small = cotangent_zoo::MODELS.iter().filter(|m| chosen(m.name)).map(|model| {
        let spec = model.spec_with(&model.small());
        let train = Run::Train("adamw(weight_decay=0.01) clip(norm=1) ema(decay=0.75)");
        let net = Declared::spec(&format!("zoo/{}", model.name), &spec).batch(4).run(train);
        if model.name != "mnist-cnn" {
            return net;
        }
        let all = OPTIMIZERS.into_iter().map(Run::Train).chain([Run::Forward]);
        all.fold(net.kinks(1.0), Declared::run)
    });
    small.collect()
}
