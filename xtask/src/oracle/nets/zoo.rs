//! The networks of the zoo, small.

use super::declared::{Declared, Run};

const OPTIMIZERS: [&str; 4] = [
    "sgd(weight_decay=0.01)",
    "momentum(momentum=0.9,weight_decay=0.01)",
    "adamw(weight_decay=0.01)",
    "adamw(beta1=0.8,beta2=0.9,eps=0.001,weight_decay=0)",
];

/// Another network at other widths and depths, and next to the same when small:
/// of these a test run judges the gradient alone, in f64.
const SIBLINGS: [&str; 6] =
    ["resnet101", "convnext-small", "convnext-base", "vit-small", "vit-base", "squeezenet-1.1"];

/// All networks; `whole` asks for the train step of the siblings too.
pub fn nets(whole: bool) -> Vec<Declared> {
    let small = cotangent_zoo::MODELS.iter().map(|model| {
        let spec = model.spec_with(&model.small());
        let train = Run::Train("adamw(weight_decay=0.01) clip(norm=1) ema(decay=0.75)");
        let net = Declared::spec(&format!("zoo/{}", model.name), &spec).batch(4);
        match model.name {
            name if SIBLINGS.contains(&name) && !whole => net,
            "mnist-cnn" => {
                let all = OPTIMIZERS.into_iter().map(Run::Train).chain([Run::Forward]);
                all.fold(net.run(train).kinks(1.0), Declared::run)
            }
            _ => net.run(train),
        }
    });
    small.collect()
}
