//! Edits of train steps of the zoo, scaled down: mutants, names and roles
//! exchanged, and some that change no value.

use crate::coq::{Theories, list, two_at_a_time};
use crate::edits::{Edited, exchanges};
use crate::harmless::{all_at_once, compute_twice};
use crate::judge::{definitions, preamble};
use crate::mutants::{mutants_that, rng};
use crate::subjects::Step;
use cotangent_check::sample_inputs;
use cotangent_graph::Graph;
use cotangent_native::{Executor, Options};
use cotangent_stablehlo::{Program, What, print};
use rand::seq::IndexedRandom;
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

/// Names, and roles, of two arguments and of two results exchanged.
fn exchanged(step: &Step) -> Vec<Edited> {
    let mut edits = Vec::new();
    for attribute in ["cotangent.name", "cotangent.role"] {
        for of_results in [false, true] {
            let mut pairs = exchanges(&step.module, attribute);
            pairs.retain(|pair| pair.of_results == of_results);
            let pair = pairs.choose(&mut rng(step)).expect("two slots of one type");
            edits.push(pair.of(&step.module));
        }
    }
    edits
}

fn harmless(step: &Step) -> Vec<Edited> {
    let rng = &mut rng(step);
    let edits = vec![compute_twice(&step.module, rng), all_at_once(&step.module, rng)];
    let own = outputs(&step.program.graph, 0);
    for edited in &edits {
        assert_ne!(edited.module, step.module, "{}: {}", step.name, edited.what);
        let program = Program::from_text(&print(&edited.module)).unwrap();
        assert!(!apart(&own, &outputs(&program.graph, 0)), "{}: {}", step.name, edited.what);
    }
    edits
}

/// Edits of the step, and whether each is to be accepted.
fn edits(step: &Step) -> Vec<(Edited, bool)> {
    let accepted = harmless(step).into_iter().map(|edited| (edited, true));
    let refused = [exchanged(step), mutants(step)].concat();
    accepted.chain(refused.into_iter().map(|edited| (edited, false))).collect()
}

#[test]
fn mutants_are_refused_and_harmless_edits_accepted() {
    let theories = Theories::find(&["Main"]);
    let steps = MODELS.map(|name| {
        let model = cotangent_zoo::find(name).unwrap();
        Step::new(&model.spec_with(&model.small()), What::Train, "adamw", 2)
    });
    let mut files: Vec<(&Step, Vec<(Edited, bool)>)> = Vec::new();
    for step in &steps {
        files.extend(edits(step).chunks(AT_ONCE).map(|some| (step, some.to_vec())));
    }
    let results = two_at_a_time(&files, |n, (step, some)| {
        let untouched = (Edited::new("untouched", step.module.clone()), true);
        let (edits, expected): (Vec<Edited>, Vec<bool>) =
            [vec![untouched], some.clone()].concat().into_iter().unzip();
        let checks = (0..edits.len()).map(|k| {
            format!("check Step0.the_spec Step0.the_options Case0_{k}.the_step Step0.the_kinks")
        });
        let mut text = preamble() + &definitions(0, step, &edits);
        writeln!(text, "Eval vm_compute in {}.", list(checks)).unwrap();
        let verdicts = theories.verdicts(&format!("zoo_{n}"), &text, edits.len());
        let said = edits.iter().zip(expected).zip(verdicts);
        let wrong = said.filter(|((_, expected), verdict)| expected != verdict);
        wrong.map(|((edit, _), _)| format!("{}: {}", step.name, edit.what)).collect::<Vec<_>>()
    });
    let judged: usize = files.iter().map(|(_, edits)| edits.len()).sum();
    // Beside the mutants, two edits that change nothing and four exchanges.
    assert_eq!(judged, MODELS.len() * (count() + 6));
    let wrong = results.concat();
    assert!(wrong.is_empty(), "{wrong:#?}");
}
