//! The certificate says no: to every file that computes something else, to
//! other names and roles, to other bodies of private functions, to another
//! specification. And it says yes to edits that preserve the meaning.

#[path = "../support/coq.rs"]
mod coq;
mod edits;
#[path = "../support/execution.rs"]
mod execution;
mod explanations;
mod harmless;
#[path = "../support/literals.rs"]
mod literals;
mod specifications;
mod subjects;
#[path = "../support/verdicts.rs"]
mod verdicts;

use coq::{Theories, list, two_at_a_time};
use cotangent_rocq::PREAMBLE;
use cotangent_stablehlo::{Program, parse, print};
use edits::{Edited, bodies, edit, exchanged_attributes};
use execution::difference;
use expect_test::expect;
use literals::{strings, within};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::fmt::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use subjects::{Step, gradients, some_steps, steps};

/// Mutants of each step; every second one meets the theorem itself.
const MUTANTS: usize = 8;

/// Least difference between a mutant and the step.
const TOLERANCE: f64 = 1e-3;

fn rng(step: &Step) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(step.name.bytes().map(u64::from).sum())
}

/// Well-typed mutants of the step that compute something else.
fn mutants(step: &Step) -> Vec<Edited> {
    let mut rng = rng(step);
    let mut found: Vec<Edited> = Vec::new();
    for _ in 0..2000 {
        if found.len() == MUTANTS {
            return found;
        }
        let Some(mut edited) = edit(&step.module, &mut rng) else { continue };
        // Through the text, as a file would come.
        let text = print(&edited.module);
        let Ok(program) = Program::from_text(&text) else { continue };
        edited.module = parse(&text).unwrap();
        let (graph, mutant) = (&step.program.graph, &program.graph);
        let differs = (0..2).any(|seed| difference(graph, mutant, seed) > TOLERANCE);
        if differs && found.iter().all(|other| other.module != edited.module) {
            found.push(edited);
        }
    }
    panic!("{}: only {} mutants found", step.name, found.len());
}

/// What a file of cases begins with.
fn preamble() -> String {
    format!("{PREAMBLE}From Cotangent Require Import Spec Optimizer Main.\n")
}

/// What the checker says of a module as the step, and how it explains a no.
struct Judged {
    accepted: bool,
    explanation: String,
}

fn judge(theories: &Theories, what: &str, step: &Step, edits: &[Edited]) -> Vec<Judged> {
    let name = format!("{what}_{}", step.name);
    let mut text = preamble() + step.definitions();
    for (k, edited) in edits.iter().enumerate() {
        text.push_str(&within(&format!("Case{k}"), &edited.module));
    }
    let each = |call: &str| list((0..edits.len()).map(|k| call.replace('@', &format!("Case{k}"))));
    let explanations = each("String.concat \"\n\" (explain the_spec the_options @.the_step)");
    let checks = each("check the_spec the_options @.the_step the_kinks");
    writeln!(text, "Set Printing Width 100000.\nSet Printing Depth 100000.").unwrap();
    writeln!(text, "Redirect \"{name}\" Eval vm_compute in {explanations}.").unwrap();
    writeln!(text, "Eval vm_compute in {checks}.").unwrap();
    let verdicts = theories.verdicts(&name, &text, edits.len());
    let explanations = strings(&theories.read(&format!("{name}.out")));
    assert_eq!(explanations.len(), edits.len());
    let judged = verdicts.into_iter().zip(explanations);
    judged.map(|(accepted, explanation)| Judged { accepted, explanation }).collect()
}

/// Has the checker judge edits of steps, and collects those on which it
/// does not say `expected`. The step itself is accepted.
fn misjudged(
    what: &str,
    steps: &[Step],
    expected: bool,
    edits: impl Fn(&Step) -> Vec<Edited> + Sync,
    explained: impl Fn(&Step, &Edited, &str) + Sync,
) -> (usize, Vec<String>) {
    let theories = Theories::find(&["Main"]);
    let results = two_at_a_time(steps, |_, step| {
        let mut all = vec![Edited::new("untouched", step.module.clone())];
        all.extend(edits(step));
        let judged = judge(&theories, what, step, &all);
        assert!(judged[0].accepted, "{}, untouched: {}", step.name, judged[0].explanation);
        for (edited, judged) in all.iter().zip(&judged).filter(|(_, judged)| !judged.accepted) {
            explained(step, edited, &judged.explanation);
        }
        let wrong = all.iter().zip(&judged).skip(1).filter(|(_, j)| j.accepted != expected);
        let wrong: Vec<_> = wrong.map(|(e, _)| format!("{}: {}", step.name, e.what)).collect();
        (all.len() - 1, wrong)
    });
    let judged = results.iter().map(|(n, _)| n).sum();
    (judged, results.into_iter().flat_map(|(_, wrong)| wrong).collect())
}

#[test]
fn mutants_are_refused() {
    let exact = AtomicUsize::new(0);
    let (judged, accepted) =
        misjudged("mutants", &steps(), false, mutants, |step, edited, text| {
            if explanations::fits(step, edited, text) {
                exact.fetch_add(1, Ordering::Relaxed);
            }
        });
    assert!(judged >= 200, "{judged} mutants");
    assert!(accepted.is_empty(), "{accepted:#?}");
    // Where an edit makes a value that is expected elsewhere, a user of it is named.
    let exact = exact.into_inner();
    assert!(exact * 10 >= judged * 8, "the instruction changed is named in {exact} of {judged}");
}

/// The kernel of Coq refuses the theorem itself, about every second mutant: the
/// same sentence that it accepts about the step.
#[test]
fn the_kernel_refuses_theorems_about_mutants() {
    let theories = Theories::find(&["Main"]);
    let counts = two_at_a_time(&steps(), |_, step| {
        let mutants = mutants(step);
        let mut modules = vec![&step.module];
        modules.extend(mutants.iter().step_by(2).map(|edited| &edited.module));
        let mut text = preamble() + step.definitions();
        for (k, module) in modules.iter().enumerate() {
            text.push_str(&within(&format!("Case{k}"), module));
            let fail = if k == 0 { "" } else { "Fail " };
            let (it, rest) = (format!("Case{k}.the_step"), "the_spec the_options");
            write!(
                text,
                "Check ({it} : module).\n{fail}Definition cert{k} : certified {rest} {it} the_kinks :=\n  \
                 check_sound (erefl true <: check {rest} {it} the_kinks = true).\n"
            )
            .unwrap();
        }
        let answer = theories.compile(&format!("theorems_{}", step.name), &text);
        assert!(answer.accepted, "{}: {}", step.name, answer.stderr);
        modules.len() - 1
    });
    let refused: usize = counts.iter().sum();
    assert!(refused >= 100, "{refused} mutants");
}

/// And `coqc` says so by its exit status, of a certificate as `prove` writes it.
#[test]
fn coqc_refuses_certificates_of_mutants() {
    let theories = Theories::find(&["Main"]);
    let mut cases = Vec::new();
    for step in some_steps() {
        cases.push((step.name.clone(), step.certificate(&step.module), true));
        for edited in mutants(&step).iter().skip(1).step_by(6) {
            let name = format!("{}: {}", step.name, edited.what);
            cases.push((name, step.certificate(&edited.module), false));
        }
    }
    let refused = cases.iter().filter(|(.., expected)| !expected).count();
    assert!(refused >= 10, "{refused} mutants");
    let answers = two_at_a_time(&cases, |k, (_, text, _)| {
        theories.compile(&format!("certificate_{k}"), text)
    });
    for ((name, text, expected), answer) in cases.iter().zip(answers) {
        assert_eq!(answer.accepted, *expected, "{name}: {}", answer.stderr);
        if !expected {
            // Of the theorem, not of the file before it.
            let line = text.lines().position(|line| line.starts_with("Proof.")).unwrap() + 1;
            let place = format!(", line {line}, ");
            assert!(answer.stderr.contains(&place), "{name}: {}", answer.stderr);
        }
    }
}

#[test]
fn edits_that_preserve_the_meaning_are_accepted() {
    let (judged, refused) = misjudged(
        "harmless",
        &some_steps(),
        true,
        |step| {
            let edits = harmless::edits(&step.module, &mut rng(step));
            for edited in &edits {
                assert_ne!(edited.module, step.module, "{}", edited.what);
                let program = Program::from_text(&print(&edited.module)).unwrap();
                let difference = difference(&step.program.graph, &program.graph, 0);
                assert!(difference < 1e-9, "{}: differs by {difference}", edited.what);
            }
            edits
        },
        |_, _, _| (),
    );
    assert!(judged >= 20, "{judged} edits");
    assert!(refused.is_empty(), "{refused:#?}");
}

#[test]
fn exchanged_names_and_roles_are_refused() {
    let (judged, accepted) = misjudged(
        "names",
        &some_steps(),
        false,
        |step| {
            let mut edits = exchanged_attributes(&step.module, "cotangent.name");
            edits.extend(exchanged_attributes(&step.module, "cotangent.role"));
            edits
        },
        |step, edited, text| {
            let (found, expected) = text.split_once("\nexpected: `").unwrap();
            let of_what = if edited.what.contains("arguments") { "argument " } else { "result " };
            let wanted = expected.split('`').next().unwrap();
            assert!(found.starts_with(of_what) && step.has_slot(wanted), "{}: {text}", edited.what);
        },
    );
    assert!(judged >= 80, "{judged} edits");
    assert!(accepted.is_empty(), "{accepted:#?}");
}

#[test]
fn explanations_name_the_place_and_what_was_expected() {
    let theories = Theories::find(&["Main"]);
    let steps = steps();
    let step = steps.iter().find(|s| s.name == "image_adamw").unwrap();
    let text = print(&step.module);
    let replaced = |from: &str, to: &str| {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from} is not there");
        Edited::new(format!("{from} by {to}"), parse(&changed).unwrap())
    };
    let edits = [
        replaced("contracting_dims = [0] x [0]", "contracting_dims = [1] x [1]"),
        replaced("compare GT", "compare GE"),
        replaced("stablehlo.sqrt", "stablehlo.exponential"),
        replaced("dense<0x3F666666>", "dense<0x3F666667>"),
        replaced("stablehlo.negate %14", "stablehlo.log %14"),
        replaced("\"m.dense_1.bias\"", "\"m.dense_1.wait\""),
        replaced("call @relu", "call @relax"),
    ];
    let judged = judge(&theories, "explanations", step, &edits);
    let mut text = String::new();
    for (edited, judged) in edits.iter().zip(judged) {
        assert!(!judged.accepted, "{}", edited.what);
        write!(text, "{}:\n{}\n\n", edited.what, judged.explanation).unwrap();
    }
    expect![[r#"
        contracting_dims = [0] x [0] by contracting_dims = [1] x [1]:
        `%23 = stablehlo.dot_general %4, %19, contracting_dims = [1] x [1]` is not an instruction of this step: its operands or its type do not fit
        expected: [i,j] = sum of %4[k,i] * %19[k,j], of shape [3, 2], in layer dense_2, backwards

        compare GT by compare GE:
        `%26 = stablehlo.select %25, %22, %24` does not match
        expected: select %22 where %3 > %24, else %24, of shape [2, 3], in layer relu_1, backwards

        stablehlo.sqrt by stablehlo.exponential:
        `%55 = stablehlo.exponential %54` does not match
        expected: sqrt %54, of shape [4, 3], in the update of dense_1.weight

        dense<0x3F666666> by dense<0x3F666667>:
        `%31 = stablehlo.constant dense<0x3F666667>` does not match
        expected: constant 7549747/8388608, of shape [], in the optimiser

        stablehlo.negate %14 by stablehlo.log %14:
        `%8 = call @softmax_cross_entropy(%7, %arg15)` is not an instruction of this step: @softmax_cross_entropy is not the body of relu, softplus, erf_grad, elu, clamp, variance, normalize, softmax, softmax_cross_entropy or the gradient of a convolution or pool at these types
        expected: softmax_cross_entropy %7, `target`, of shape [], in the loss

        "m.dense_1.bias" by "m.dense_1.wait":
        argument 5 of @main is `m.dense_1.wait`, role `state`, shape [3]
        expected: `m.dense_1.bias`, role `state`, shape [3]

        call @relu by call @relax:
        `%4 = call @relax(%3)` is not an instruction of this step: there is no private function @relax
        expected: relu %3, of shape [2, 3], in layer relu_1

    "#]].assert_eq(&text);
}

/// The same module as the step of something else.
#[test]
fn other_specifications_and_options_are_refused() {
    let theories = Theories::find(&["Main"]);
    let mut chosen = some_steps();
    // The momentum of running statistics matters where they are updated.
    chosen.extend(steps().into_iter().filter(|step| step.name == "normal_adamw"));
    let results = two_at_a_time(&chosen, |_, step| {
        let mut others = vec![("as it is".to_string(), step.definitions().to_string())];
        others.extend(specifications::others(step.definitions()));
        let mut text = preamble() + &within("Given", &step.module) + "Import Given.\n";
        for (k, (_, definitions)) in others.iter().enumerate() {
            write!(text, "Module Case{k}.\n{definitions}End Case{k}.\n").unwrap();
        }
        let checks = list((0..others.len()).map(|k| {
            format!("check Case{k}.the_spec Case{k}.the_options the_step Case{k}.the_kinks")
        }));
        writeln!(text, "Eval vm_compute in {checks}.").unwrap();
        let verdicts = theories.verdicts(&format!("others_{}", step.name), &text, others.len());
        assert!(verdicts[0], "{}", step.name);
        let accepted = others.iter().zip(&verdicts).skip(1).filter(|(_, accepted)| **accepted);
        let accepted: Vec<_> =
            accepted.map(|((what, _), _)| format!("{}: {what}", step.name)).collect();
        (others.len() - 1, accepted)
    });
    let judged: usize = results.iter().map(|(n, _)| n).sum();
    assert!(judged >= 30, "{judged} others");
    let accepted: Vec<_> = results.into_iter().flat_map(|(_, accepted)| accepted).collect();
    assert!(accepted.is_empty(), "{accepted:#?}");
}

/// Another constant or attribute in the function may make it another op of the
/// same name, which is not the one expected.
fn parametric(edited: &Edited) -> bool {
    ["@elu", "@clamp", "@conv", "@window", "@normalize"]
        .iter()
        .any(|name| edited.what.starts_with(name))
}

#[test]
fn other_bodies_under_honest_names_are_refused() {
    let (judged, accepted) = misjudged(
        "bodies",
        &gradients(),
        false,
        |step| {
            let edits = bodies(&step.module, &mut rng(step));
            for function in step.module.functions.iter().filter(|f| !f.public) {
                let of = |e: &&Edited| e.what.starts_with(&format!("@{}, ", function.name));
                let count = edits.iter().filter(of).count();
                // The gradient of a convolution is little else than one itself.
                let least = if function.name.starts_with("conv") { 1 } else { 3 };
                assert!(count >= least, "{}: {}", step.name, function.name);
            }
            for edited in &edits {
                let refused = Program::from_text(&print(&edited.module)).is_err();
                assert!(refused || parametric(edited), "{}", edited.what);
            }
            edits
        },
        |_, edited, text| {
            let function = edited.what.split(',').next().unwrap();
            let says = format!("{function} is not the body of relu, ");
            let named = text.contains(&says) || parametric(edited);
            assert!(named && text.contains("\nexpected: "), "{}: {text}", edited.what);
        },
    );
    assert!(judged >= 200, "{judged} bodies");
    assert!(accepted.is_empty(), "{accepted:#?}");
}
