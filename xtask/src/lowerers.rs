//! The zoo's train steps through lowerers that are not ours.

use crate::oracle::{Result, python, write_train_steps};
use cotangent_emit::program;
use cotangent_graph::Precision;
use cotangent_stablehlo::What;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Batch size of the steps of published size.
const BATCH: usize = 32;

/// The networks of every test run: between them they have every op and every
/// kind of layer of the zoo. IREE compiles the larger ones for half a minute.
const EVERY_RUN: [&str; 14] = [
    "mnist-mlp",
    "mnist-cnn-bn",
    "cifar-resnet20",
    "resnet50",
    "mobilenet-v2",
    "mobilenet-v3-large",
    "mobilenet-v4-conv-small",
    "efficientnet-v2-s",
    "convnext-tiny",
    "vit-tiny",
    "densenet121",
    "squeezenet",
    "unet",
    "tiny-gpt",
];

/// Writes train steps of the zoo, small and of published size, to `dir`, and
/// runs `oracle/lowerers.py` on them. `whole_zoo` asks for every small one.
pub fn run(dir: &Path, whole_zoo: bool) -> Result<()> {
    let small = dir.join("small");
    if small.exists() {
        fs::remove_dir_all(&small)?;
    }
    write_train_steps(&small, |name| whole_zoo || EVERY_RUN.contains(&name))?;
    let options = "adamw".parse()?;
    let mut command = Command::new(python()?);
    command.args(["-m", "oracle.lowerers"]).arg(&small).arg("--parse");
    for model in cotangent_zoo::MODELS {
        let net = model.spec().network()?;
        let step = program(&net, What::Train, BATCH, &options, Precision::F32)?;
        let path = dir.join(format!("{}.mlir", model.name));
        fs::write(&path, step.to_text()?)?;
        command.arg(path);
    }
    if command.status()?.success() { Ok(()) } else { Err("a lowerer disagrees".into()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_run_has_every_layer_and_op_of_the_zoo() {
        let used = |wanted: &dyn Fn(&str) -> bool| -> BTreeSet<String> {
            let models = cotangent_zoo::MODELS.iter().filter(|m| wanted(m.name));
            let nets = models.map(|m| m.spec_with(&m.small()).network().unwrap());
            nets.flat_map(|net| {
                let layers = net.layers().iter().flat_map(|l| l.walk());
                let layers: Vec<String> = layers.map(|l| l.kind.name().to_string()).collect();
                let step = cotangent_step::grad(&net, 2, cotangent_step::Mode::Training).unwrap();
                layers
                    .into_iter()
                    .chain(step.instructions.iter().map(|i| i.op.name().to_string()))
                    .collect::<Vec<_>>()
            })
            .collect()
        };
        assert_eq!(used(&|name| EVERY_RUN.contains(&name)), used(&|_| true));
    }
}
