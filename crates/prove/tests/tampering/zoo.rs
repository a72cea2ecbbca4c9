//! Mutants of train steps of the zoo, scaled down.

use crate::coq::{Theories, list, two_at_a_time};
use crate::edits::Edited;
use crate::judge::{definitions, preamble};
use crate::mutants::mutants_that;
use crate::subjects::Step;
use cotangent_check::sample_inputs;
use cotangent_graph::Graph;
use cotangent_native::{Executor, Options};
use cotangent_stablehlo::{Program, What};
use std::fmt::Write;

const MODELS: [&str; 6] =
    ["cifar-resnet20", "mobilenet-v2", "efficientnet-b0", "convnext-tiny", "vit-tiny", "tiny-gpt"];

/// In a file for Coq.
const AT_ONCE: usize = 20;

/// Mutants of each network; `COTANGENT_MUTANTS=170` makes a thousand together.
fn count() -> usize {
    std::env::var("COTANGENT_MUTANTS").map_or(2, |n| n.parse().expect("a number of mutants"))
}

/// What the executor that trains computes in f32, on the inputs of `seed`.
fn outputs(graph: &Graph, seed: u64) -> Vec<Vec<f32>> {
    let mut executor = Executor::new(graph, &Options { threads: 1 }).unwrap();
    for (k, input) in sample_inputs(graph, seed).unwrap().iter().enumerate() {
        let narrow: Vec<f32> = input.real().unwrap().data().iter().map(|&x| x as f32).collect();
        executor.input_mut(k).copy_from_slice(&narrow);
    }
    executor.run().unwrap();
    (0..graph.outputs.len()).map(|k| executor.output(k).to_vec()).collect()
}

/// Whether some number is another by far more than rounding explains.
fn apart(a: &[Vec<f32>], b: &[Vec<f32>]) -> bool {
    let mut pairs = a.iter().flatten().zip(b.iter().flatten());
    pairs.any(|(x, y)| (x - y).is_finite() && (x - y).abs() > 1e-2 * (1.0 + x.abs()))
}

fn mutants(step: &Step) -> Vec<Edited> {
    let own = [0, 1].map(|seed| outputs(&step.program.graph, seed));
    let differ = |mutant: &Program| {
        (0..2).any(|seed| apart(&own[seed], &outputs(&mutant.graph, seed as u64)))
    };
    mutants_that(differ, step, count())
}

#[test]
fn mutants_are_refused() {
    let theories = Theories::find(&["Main"]);
    let steps = MODELS.map(|name| {
        let model = cotangent_zoo::find(name).unwrap();
        Step::new(&model.spec_with(&model.small()), What::Train, "adamw", 2)
    });
    let mut files: Vec<(&Step, Vec<Edited>)> = Vec::new();
    for step in &steps {
        let mutants = mutants(step);
        files.extend(mutants.chunks(AT_ONCE).map(|some| (step, some.to_vec())));
    }
    let results = two_at_a_time(&files, |n, (step, mutants)| {
        let untouched = vec![Edited::new("untouched", step.module.clone())];
        let edits = [untouched, mutants.clone()].concat();
        let checks = (0..edits.len()).map(|k| {
            format!("check Step0.the_spec Step0.the_options Case0_{k}.the_step Step0.the_kinks")
        });
        let mut text = preamble() + &definitions(0, step, &edits);
        writeln!(text, "Eval vm_compute in {}.", list(checks)).unwrap();
        let verdicts = theories.verdicts(&format!("zoo_{n}"), &text, edits.len());
        assert!(verdicts[0], "{}, untouched", step.name);
        let accepted = edits.iter().zip(&verdicts).skip(1).filter(|(_, accepted)| **accepted);
        accepted.map(|(edit, _)| format!("{}: {}", step.name, edit.what)).collect::<Vec<_>>()
    });
    let judged: usize = files.iter().map(|(_, mutants)| mutants.len()).sum();
    assert_eq!(judged, MODELS.len() * count());
    let accepted = results.concat();
    assert!(accepted.is_empty(), "{accepted:#?}");
}
