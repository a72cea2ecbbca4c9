//! What the checker says of edited steps: several steps share a file for Coq,
//! which takes longer to load the libraries than to check a small step.

use crate::beside::within_beside;
use crate::coq::{Theories, list, two_at_a_time};
use crate::edits::Edited;
use crate::literals::{strings, within};
use crate::subjects::Step;
use cotangent_rocq::PREAMBLE;
use std::fmt::Write;

/// Steps in a file for Coq.
pub const AT_ONCE: usize = 8;

/// What a file of cases begins with.
pub fn preamble() -> String {
    format!("{PREAMBLE}From Cotangent Require Import Spec Optimizer Main.\n")
}

/// What the checker says of a module as the step, and how it explains a no.
pub struct Judged {
    pub accepted: bool,
    pub explanation: String,
}

/// The definitions of step `n`, in the Rocq module `Step{n}`, and the steps
/// that are `edits` of it, in `Case{n}_{k}`. The first is the step itself.
pub fn definitions(n: usize, step: &Step, edits: &[Edited]) -> String {
    let mut text = format!("Module Step{n}.\n{}End Step{n}.\n", step.definitions());
    let whole = format!("Case{n}_0");
    for (k, edited) in edits.iter().enumerate() {
        text += &match k {
            0 => within(&whole, &edited.module),
            _ => within_beside(&format!("Case{n}_{k}"), &edited.module, &whole, &edits[0].module),
        };
    }
    text
}

fn judge(theories: &Theories, name: &str, cases: &[(&Step, Vec<Edited>)]) -> Vec<Vec<Judged>> {
    let mut text = preamble();
    for (n, (step, edits)) in cases.iter().enumerate() {
        text += &definitions(n, step, edits);
    }
    let each = |call: &str| {
        let case = |n: usize, k: usize| {
            call.replace('#', &format!("Step{n}")).replace('@', &format!("Case{n}_{k}"))
        };
        let cases = cases.iter().enumerate();
        list(cases.flat_map(|(n, (_, edits))| (0..edits.len()).map(move |k| case(n, k))))
    };
    let explanations = each("String.concat \"\n\" (explain #.the_spec #.the_options @.the_step)");
    let checks = each("check #.the_spec #.the_options @.the_step #.the_kinks");
    writeln!(text, "Set Printing Width 100000.\nSet Printing Depth 100000.").unwrap();
    writeln!(text, "Redirect \"{name}\" Eval vm_compute in {explanations}.").unwrap();
    writeln!(text, "Eval vm_compute in {checks}.").unwrap();
    let count = cases.iter().map(|(_, edits)| edits.len()).sum();
    let verdicts = theories.verdicts(name, &text, count);
    let explanations = strings(&theories.read(&format!("{name}.out")));
    assert_eq!(explanations.len(), count);
    let judged = verdicts.into_iter().zip(explanations);
    let mut judged = judged.map(|(accepted, explanation)| Judged { accepted, explanation });
    cases.iter().map(|(_, edits)| judged.by_ref().take(edits.len()).collect()).collect()
}

/// What the checker says of these edits of one step.
pub fn judge_one(name: &str, step: &Step, edits: &[Edited]) -> Vec<Judged> {
    let mut all = vec![Edited::new("untouched", step.module.clone())];
    all.extend_from_slice(edits);
    let mut judged = judge(&Theories::find(&["Main"]), name, &[(step, all)]).remove(0);
    assert!(judged.remove(0).accepted, "{}, untouched", step.name);
    judged
}

/// Has the checker judge edits of steps, and collects those on which it
/// does not say `expected`. The step itself is accepted.
pub fn misjudged(
    what: &str,
    steps: &[Step],
    expected: bool,
    edits: impl Fn(&Step) -> Vec<Edited> + Sync,
    explained: impl Fn(&Step, &Edited, &str) + Sync,
) -> (usize, Vec<String>) {
    let theories = Theories::find(&["Main"]);
    let files: Vec<&[Step]> = steps.chunks(AT_ONCE).collect();
    let results = two_at_a_time(&files, |n, steps| {
        let mut cases: Vec<(&Step, Vec<Edited>)> = Vec::new();
        for step in *steps {
            let untouched = Edited::new("untouched", step.module.clone());
            cases.push((step, [vec![untouched], edits(step)].concat()));
        }
        let judged = judge(&theories, &format!("{what}_{n}"), &cases);
        let (mut count, mut wrong) = (0, Vec::new());
        for ((step, edits), judged) in cases.iter().zip(judged) {
            assert!(judged[0].accepted, "{}, untouched: {}", step.name, judged[0].explanation);
            for (edited, judged) in edits.iter().zip(judged).skip(1) {
                count += 1;
                if judged.accepted != expected {
                    wrong.push(format!("{}: {}", step.name, edited.what));
                }
                if !judged.accepted {
                    explained(step, edited, &judged.explanation);
                }
            }
        }
        (count, wrong)
    });
    let judged = results.iter().map(|(n, _)| n).sum();
    (judged, results.into_iter().flat_map(|(_, wrong)| wrong).collect())
}
