//! The certificate says no: to every file that computes something else, to
//! other names and roles, to other bodies of private functions, to another
//! specification. And it says yes to edits that preserve the meaning.

mod beside;
#[path = "../support/coq.rs"]
mod coq;
mod edits;
#[path = "../support/execution.rs"]
mod execution;
mod explanations;
mod harmless;
mod judge;
#[path = "../support/literals.rs"]
mod literals;
mod mutants;
mod specifications;
mod subjects;
#[path = "../support/verdicts.rs"]
mod verdicts;
mod zoo;

use coq::{Theories, list, two_at_a_time};
use cotangent_stablehlo::ast::{Instr, Value};
use cotangent_stablehlo::{Program, parse, print};
use edits::{Edited, bodies, exchanged_attributes, main_of};
use execution::difference;
use expect_test::expect;
use judge::{AT_ONCE, definitions, judge_one, misjudged, preamble};
use literals::within;
use mutants::{mutants_that, rng};
use std::fmt::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use subjects::{Step, gradients, some_steps, steps};

/// Mutants of each step; every second one meets the theorem itself.
const MUTANTS: usize = 8;

/// Least difference between a mutant and the step.
const TOLERANCE: f64 = 1e-3;

fn mutants(step: &Step) -> Vec<Edited> {
    let graph = &step.program.graph;
    let differs =
        |mutant: &Program| (0..2).any(|seed| difference(graph, &mutant.graph, seed) > TOLERANCE);
    mutants_that(differs, step, MUTANTS)
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
    let steps = steps();
    let files: Vec<&[Step]> = steps.chunks(AT_ONCE).collect();
    let counts = two_at_a_time(&files, |file, steps| {
        let (mut text, mut count) = (preamble(), 0);
        for (n, step) in steps.iter().enumerate() {
            let mut edits = vec![Edited::new("untouched", step.module.clone())];
            edits.extend(mutants(step).into_iter().step_by(2));
            text += &definitions(n, step, &edits);
            for k in 0..edits.len() {
                let fail = if k == 0 { "" } else { "Fail " };
                let it = format!("Case{n}_{k}.the_step");
                let rest = format!("Step{n}.the_spec Step{n}.the_options {it} Step{n}.the_kinks");
                write!(
                    text,
                    "Check ({it} : module).\n{fail}Definition cert{n}_{k} : certified {rest} :=\n  \
                     check_sound (erefl true <: check {rest} = true).\n"
                )
                .unwrap();
            }
            count += edits.len() - 1;
        }
        let answer = theories.compile(&format!("theorems_{file}"), &text);
        assert!(answer.accepted, "{}", answer.stderr);
        count
    });
    let refused: usize = counts.iter().sum();
    assert!(refused >= 100, "{refused} mutants");
}

/// And `coqc` says so by its exit status, of a certificate as `prove` writes it.
#[test]
fn coqc_refuses_certificates_of_mutants() {
    let theories = Theories::find(&["Main"]);
    let mut cases = Vec::new();
    // Each is a run of its own; what is refused does not depend on that.
    for step in some_steps().into_iter().step_by(4) {
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
    let judged = judge_one("explanations", step, &edits);
    let mut text = String::new();
    for (edited, judged) in edits.iter().zip(judged) {
        assert!(!judged.accepted, "{}", edited.what);
        write!(text, "{}:\n{}\n\n", edited.what, judged.explanation).unwrap();
    }
    expect![[r#"
        contracting_dims = [0] x [0] by contracting_dims = [1] x [1]:
        `%23 = stablehlo.dot_general %4, %19, contracting_dims = [1] x [1]` is not an instruction of this step: its operands or its type do not fit
        missing: [i,j] = sum of %4[k,i] * %19[k,j], of shape [3, 2], in layer dense_2, backwards

        compare GT by compare GE:
        `%26 = stablehlo.select %25, %22, %24` does not match
        missing: select %22 where %3 > %24, else %24, of shape [2, 3], in layer relu_1, backwards

        stablehlo.sqrt by stablehlo.exponential:
        `%55 = stablehlo.exponential %54` does not match
        missing: sqrt %54, of shape [4, 3], in the update of dense_1.weight

        dense<0x3F666666> by dense<0x3F666667>:
        `%31 = stablehlo.constant dense<0x3F666667>` does not match
        missing: constant 7549747/8388608, of shape [], in the optimiser

        stablehlo.negate %14 by stablehlo.log %14:
        `%8 = call @softmax_cross_entropy(%7, %arg15)` is not an instruction of this step: @softmax_cross_entropy is not the body of relu, softplus, erf_grad, elu, clamp, variance, normalize, softmax, softmax_cross_entropy or the gradient of a convolution or pool at these types
        missing: softmax_cross_entropy %7, `target`, of shape [], in the loss

        "m.dense_1.bias" by "m.dense_1.wait":
        argument 5 of @main is `m.dense_1.wait`, role `state`, shape [3]
        expected: `m.dense_1.bias`, role `state`, shape [3]

        call @relu by call @relax:
        `%4 = call @relax(%3)` is not an instruction of this step: there is no private function @relax
        missing: relu %3, of shape [2, 3], in layer relu_1

    "#]].assert_eq(&text);
}

/// The same module as the step of something else.
#[test]
fn other_specifications_and_options_are_refused() {
    let theories = Theories::find(&["Main"]);
    let mut chosen = some_steps();
    // What is said of running statistics matters where they are updated.
    let updates = ["normal_adamw", "twice_adamw"];
    chosen.extend(steps().into_iter().filter(|step| updates.contains(&step.name.as_str())));
    let files: Vec<&[Step]> = chosen.chunks(AT_ONCE).collect();
    let results = two_at_a_time(&files, |file, steps| {
        let (mut text, mut checks, mut whats) = (preamble(), Vec::new(), Vec::new());
        for (n, step) in steps.iter().enumerate() {
            let mut others = vec![("as it is".to_string(), step.definitions().to_string())];
            others.extend(specifications::others(step.definitions()));
            text += &within(&format!("Given{n}"), &step.module);
            for (k, (what, definitions)) in others.iter().enumerate() {
                let case = format!("Case{n}_{k}");
                write!(text, "Module {case}.\n{definitions}End {case}.\n").unwrap();
                checks.push(format!(
                    "check {case}.the_spec {case}.the_options Given{n}.the_step {case}.the_kinks"
                ));
                whats.push((k == 0, format!("{}: {what}", step.name)));
            }
        }
        writeln!(text, "Eval vm_compute in {}.", list(checks)).unwrap();
        let verdicts = theories.verdicts(&format!("others_{file}"), &text, whats.len());
        let wrong = whats.iter().zip(verdicts).filter(|((expected, _), said)| expected != said);
        let wrong: Vec<String> = wrong.map(|((_, what), _)| what.clone()).collect();
        (whats.len() - steps.len(), wrong)
    });
    let judged: usize = results.iter().map(|(n, _)| n).sum();
    assert!(judged >= 30, "{judged} others");
    let accepted: Vec<_> = results.into_iter().flat_map(|(_, accepted)| accepted).collect();
    assert!(accepted.is_empty(), "{accepted:#?}");
}

/// A shared sub-network's running statistics, updated by its second use as if
/// the first had left them.
#[test]
fn a_second_update_of_the_old_statistics_is_refused() {
    let steps = steps();
    let step = steps.iter().find(|s| s.name == "twice_adamw").unwrap();
    let inputs = &step.program.graph.inputs;
    let edits: Vec<Edited> = ["running_mean", "running_var"]
        .into_iter()
        .map(|name| {
            let name = format!("eye.batch_norm_1.{name}");
            let old = Value::Argument(inputs.iter().position(|i| i.name == name).unwrap());
            let mut module = step.module.clone();
            let body = &mut main_of(&mut module).body;
            let user = |body: &[Instr], value: &Value| {
                let uses = |i: &Instr| i.operands.iter().any(|o| o.value == *value);
                body.iter().position(uses).unwrap()
            };
            // (1 - m) of it, and to that m of the batch's.
            let kept = user(body, &old);
            let first = Value::Result(user(body, &Value::Result(kept)));
            let second = user(body, &first);
            assert_ne!(second, kept);
            let operand = body[second].operands.iter_mut().find(|o| o.value == first).unwrap();
            operand.value = old;
            Edited::new(format!("{name} as it was"), module)
        })
        .collect();
    for (edited, judged) in edits.iter().zip(judge_one("old_statistics", step, &edits)) {
        assert!(!judged.accepted, "{}", edited.what);
        let mutant = Program::from_text(&print(&edited.module)).unwrap();
        assert!(difference(&step.program.graph, &mutant.graph, 0) > TOLERANCE, "{}", edited.what);
    }
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
            let expected = ["\nexpected: ", "\nmissing: "].iter().any(|part| text.contains(part));
            assert!(named && expected, "{}: {text}", edited.what);
        },
    );
    assert!(judged >= 200, "{judged} bodies");
    assert!(accepted.is_empty(), "{accepted:#?}");
}
