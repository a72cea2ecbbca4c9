//! The families of networks in the proofs are the zoo's: what is written of a
//! zoo network in its certificate is, name by name and number by number, the
//! member of its family that `FamiliesZoo.v` defines, for which the gradient
//! theorem is proved.

#[path = "../support/coq.rs"]
#[allow(dead_code)] // this test uses its part
mod coq;

use coq::Theories;
use cotangent_graph::Precision;
use cotangent_prove::specification;

/// Zoo networks, and their names in `FamiliesZoo.v`.
const MEMBERS: [(&str, &str); 23] = [
    ("vit-tiny", "vit_tiny"),
    ("vit-small", "vit_small"),
    ("vit-base", "vit_base"),
    ("convnext-tiny", "convnext_tiny"),
    ("convnext-small", "convnext_small"),
    ("convnext-base", "convnext_base"),
    ("efficientnet-b0", "efficientnet_b0"),
    ("efficientnet-v2-s", "efficientnet_v2_s"),
    ("mobilenet-v1", "zoo_mobilenet_v1"),
    ("mobilenet-v2", "zoo_mobilenet_v2"),
    ("resnet18", "resnet18"),
    ("resnet34", "resnet34"),
    ("resnet50", "resnet50"),
    ("resnet101", "resnet101"),
    ("cifar-resnet20", "cifar_resnet20"),
    ("mnist-linear", "mnist_linear"),
    ("mnist-mlp", "mnist_mlp"),
    ("mnist-cnn", "mnist_cnn"),
    ("mnist-cnn-bn", "mnist_cnn_bn"),
    ("cifar-cnn", "cifar_cnn"),
    ("cifar-cnn-bn", "cifar_cnn_bn"),
    ("vgg16", "vgg16"),
    ("vgg16-bn", "vgg16_bn"),
];

const IMPORTS: &str = "From mathcomp Require Import all_ssreflect.\n\
    From Coq Require Import NArith ZArith String.\n\
    From Cotangent Require Import Ir Spec FamiliesZoo.\n\
    Local Open Scope N_scope.\n";

/// The certificate's term for a zoo network.
fn term(model: &str) -> String {
    let network = cotangent_zoo::find(model).unwrap().spec().network().unwrap();
    specification(&network, Precision::F32).unwrap()
}

/// That a member is this specification, as Coq asks for a proof of it, and has its
/// theorem.
fn same(member: &str, specification: &str) -> String {
    format!(
        "Goal {member} = {specification}.\nProof. by vm_compute. Qed.\nCheck {member}_gradient.\n"
    )
}

#[test]
fn the_zoo_s_networks_are_members() {
    let goals: String = MEMBERS.iter().map(|(model, member)| same(member, &term(model))).collect();
    let answer = Theories::find(&["FamiliesZoo"]).compile("members", &format!("{IMPORTS}{goals}"));
    assert!(answer.accepted, "{}", answer.stderr);
}

#[test]
fn another_network_is_not_that_member() {
    let theories = Theories::find(&["FamiliesZoo"]);
    for (k, (model, member, from, to)) in [
        ("vit-tiny", "vit_tiny", "blocks.7.norm1", "blocks.7.norm"),
        ("vit-tiny", "vit_tiny", "Layer.Attention 3 ", "Layer.Attention 6 "),
        ("mobilenet-v2", "zoo_mobilenet_v2", "Layer.Window 3 2 1 1 1", "Layer.Window 3 1 1 1 1"),
        ("resnet18", "resnet18", "layer2.0.downsample.0", "layer2.0.downsample.1"),
        ("vgg16", "vgg16", "Layer.Dropout (1)", "Layer.Dropout (0)"),
    ]
    .into_iter()
    .enumerate()
    {
        let zoo = term(model);
        let other = zoo.replacen(from, to, 1);
        assert_ne!(other, zoo);
        let goal = format!("{IMPORTS}{}", same(member, &other));
        let answer = theories.compile(&format!("other_{k}"), &goal);
        assert!(!answer.accepted, "{from}");
        assert!(answer.stderr.contains("No applicable tactic"), "{}", answer.stderr);
    }
}
