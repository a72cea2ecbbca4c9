//! Certificates of many steps in one file for Coq: loading the libraries takes
//! it longer than checking a small step.

use crate::coq::{Theories, list, two_at_a_time};
use crate::literals::{strings, within};
use cotangent_emit::program;
use cotangent_graph::Precision;
use cotangent_net::NetSpec;
use cotangent_prove::{Kink, Subject, kinks};
use cotangent_rocq::{PREAMBLE, print_commands};
use cotangent_stablehlo::{What, parse};
use std::fmt::Write;

/// The text of a step as `emit` writes it, and what it says of itself. A
/// gradient is in f64, so that both precisions occur.
pub fn emitted(spec: &NetSpec, what: What, batch: usize, options: &str) -> Subject {
    let network = spec.network().unwrap_or_else(|e| panic!("{e}\n{}", spec.to_toml()));
    let options = options.parse().unwrap();
    let precision = if what == What::Grad { Precision::F64 } else { Precision::F32 };
    let program = program(&network, what, batch, &options, precision).unwrap();
    Subject::read(program.to_text().unwrap()).unwrap()
}

/// Has Coq accept the theorem of every subject, `at_once` of them in one file:
/// the statement and the proof of its certificate. As for a certificate, Coq
/// prints the step back to the file's bytes. The kinks are those that `show`
/// announces. Which axioms `check_sound` rests on, `make -C proofs validate`
/// looks at; to ask it here would take longer than all else.
pub fn certify(theories: &Theories, name: &str, subjects: &[Subject], at_once: usize) {
    let files: Vec<&[Subject]> = subjects.chunks(at_once).collect();
    two_at_a_time(&files, |n, subjects| certify_file(theories, &format!("{name}_{n}"), subjects));
}

fn certify_file(theories: &Theories, name: &str, subjects: &[Subject]) {
    let mut text = format!(
        "{PREAMBLE}From Cotangent Require Import Pieces Spec Optimizer Main.\n\
         Set Printing Width 100000.\n"
    );
    let mut ends = Vec::new();
    for (k, subject) in subjects.iter().enumerate() {
        text += &theorem(k, subject);
        ends.push(text.lines().count());
    }
    let each = |of: &str| list((0..subjects.len()).map(|k| of.replace('@', &k.to_string())));
    let kinks = each("String.concat \"\n\" [seq kink_text k | k <- Cert@.the_kinks]");
    writeln!(text, "Redirect \"{name}_kinks\" Eval vm_compute in {kinks}.").unwrap();
    for k in 0..subjects.len() {
        text += &print_commands(&format!("Step{k}.the_step"), &format!("{name}_step_{k}"));
    }
    let answer = theories.compile(name, &text);
    if !answer.accepted {
        let (_, rest) = answer.stderr.split_once("line ").expect("the place of an error");
        let line: usize = rest.split(',').next().unwrap().parse().unwrap();
        let refused = ends.iter().position(|end| line <= *end).map(|k| &subjects[k]);
        let spec = refused.map(|subject| subject.network.spec().to_toml());
        panic!("{}{}", spec.unwrap_or_default(), answer.stderr);
    }
    let kinks = strings(&theories.read(&format!("{name}_kinks.out")));
    assert_eq!(kinks.len(), subjects.len());
    for (k, subject) in subjects.iter().enumerate() {
        let printed = strings(&theories.read(&format!("{name}_step_{k}.out"))).concat();
        assert!(printed == subject.text, "printed otherwise: {}", subject.text);
        assert_eq!(kinks[k], announced(subject).join("\n"));
    }
}

/// The step, its certificate, and that this is a certificate, as definitions
/// `Step{k}.the_step`, `Cert{k}.checked` and `final{k}`.
fn theorem(k: usize, subject: &Subject) -> String {
    let certificate = subject.certificate().unwrap();
    let (_, body) = certificate.split_once("Local Open Scope N_scope.\n").unwrap();
    let body = body.replace("Load Step.\n", "");
    let step = within(&format!("Step{k}"), &parse(&subject.text).unwrap());
    format!(
        "{step}Module Cert{k}.\nImport Step{k}.\n{body}End Cert{k}.\n\
         Definition final{k} : {} := Cotangent.Main.check_sound Cert{k}.checked.\n",
        statement(k, &format!("Step{k}"))
    )
}

/// That the step in the Rocq module `step` is that of certificate `k`.
fn statement(k: usize, step: &str) -> String {
    format!(
        "Cotangent.Certified.certified Cert{k}.the_spec Cert{k}.the_options {step}.the_step Cert{k}.the_kinks"
    )
}

/// The kinks that `show` announces, as Coq writes them.
fn announced(subject: &Subject) -> Vec<String> {
    let kinks = kinks(&subject.network);
    kinks
        .iter()
        .map(|Kink { layer, op, condition }| format!("{layer}: {op}: {condition}"))
        .collect()
}

/// Has Coq accept the theorem of the subject, and refuse that each of the files
/// is its step.
pub fn refuses(theories: &Theories, name: &str, subject: &Subject, others: &[String]) {
    let mut text = format!(
        "{PREAMBLE}From Cotangent Require Import Spec Optimizer Main.\n{}",
        theorem(0, subject)
    );
    let definition = |name: &str, step: &str| {
        format!(
            "Definition {name} : {} :=\n  \
             check_sound (erefl true <: check Cert0.the_spec Cert0.the_options {step}.the_step Cert0.the_kinks = true).\n",
            statement(0, step)
        )
    };
    text += &definition("honest", "Step0");
    for (k, other) in others.iter().enumerate() {
        let step = format!("Other{k}");
        text += &within(&step, &parse(other).unwrap());
        let other = definition(&format!("other{k}"), &step);
        write!(text, "Check ({step}.the_step : module).\nFail {other}").unwrap();
    }
    let answer = theories.compile(name, &text);
    assert!(answer.accepted, "{}{}", answer.stdout, answer.stderr);
}
