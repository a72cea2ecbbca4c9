//! The networks of the zoo, small.

use super::declared::{Declared, Run};

const OPTIMIZERS: [&str; 4] = [
    "sgd(weight_decay=0.01)",
    "momentum(momentum=0.9,weight_decay=0.01)",
    "adamw(weight_decay=0.01)",
    "adamw(beta1=0.8,beta2=0.9,eps=0.001,weight_decay=0)",
];

pub fn nets() -> Vec<Declared> {
    let small = cotangent_zoo::MODELS.iter().map(|model| {
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
