//! Networks of the zoo.

use crate::batch::{certify, emitted};
use crate::coq::Theories;
use cotangent_prove::kinks;
use cotangent_stablehlo::What;

/// As published, every step and three optimisers, in a batch of one and of 128.
#[test]
fn perceptrons_as_published() {
    let mut subjects = Vec::new();
    for (name, bent) in [("mnist-linear", &[][..]), ("mnist-mlp", &["relu_1", "relu_2"])] {
        let spec = cotangent_zoo::find(name).unwrap().spec();
        let kinks = kinks(&spec.network().unwrap());
        assert_eq!(kinks.iter().map(|k| k.layer.as_str()).collect::<Vec<_>>(), bent);
        for batch in [1, 128] {
            for what in [What::Grad, What::Forward] {
                subjects.push(emitted(&spec, what, batch, "sgd"));
            }
            for optimizer in ["sgd", "momentum", "adamw"] {
                subjects.push(emitted(&spec, What::Train, batch, optimizer));
            }
        }
    }
    certify(&Theories::find(&["Main"]), "perceptrons", &subjects, 10);
}

/// Scaled down, with all their kinds of layers; a small one as published.
#[test]
fn families_scaled_down() {
    let small = [
        "cifar-resnet20",
        "mobilenet-v2",
        "efficientnet-b0",
        "convnext-tiny",
        "vit-tiny",
        "tiny-gpt",
    ];
    let small = small.map(|name| {
        let model = cotangent_zoo::find(name).unwrap();
        emitted(&model.spec_with(&model.small()), What::Train, 2, "adamw(weight_decay=0.05)")
    });
    let mut subjects = small.to_vec();
    let spec = cotangent_zoo::find("mnist-cnn-bn").unwrap().spec();
    subjects.push(emitted(&spec, What::Train, 128, "adamw"));
    certify(&Theories::find(&["Main"]), "families", &subjects, 4);
}
