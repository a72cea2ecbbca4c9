//! The two transforms are one: both sides have the same ops, and for each of
//! them what Rocq's `grad` makes of a forward pass is what Rust's `vjp` makes of
//! it, up to value numbering, which is proved to keep values.
//!
//! Both sides go through the same door as a file does: Rust prints the forward
//! pass and the gradients, and Rocq raises the two texts' literals.

#[path = "../support/coq.rs"]
mod coq;
mod draw;
#[path = "../support/execution.rs"]
mod execution;
mod names;
#[path = "../support/verdicts.rs"]
mod verdicts;
mod wrong;

use coq::{Theories, list, two_at_a_time};
use cotangent_graph::{Graph, GraphError, Precision, Role, ValueId};
use cotangent_rocq::{PREAMBLE, literal};
use cotangent_stablehlo::{Meta, Program, What, lower};
use cotangent_vjp::{Rule, VjpError, rule, vjp_with};
use draw::{OPS, application, name};
use execution::difference;
use std::fmt::Write;

/// Applications of each op.
const APPLICATIONS: u64 = 50;

/// A forward pass, and its gradients as Rust has them.
struct Case {
    op: String,
    name: String,
    forward: Graph,
    gradient: Graph,
    wrt: Vec<usize>,
    precision: Precision,
}

fn case(op: &str, k: u64, rule: Rule) -> Result<Case, VjpError> {
    let application = application(op, k);
    let forward = application.forward()?;
    let (mut b, output, cotangent) = (forward.builder.clone(), forward.output, forward.cotangent);
    let wrt: Vec<ValueId> = application.wrt.iter().map(|&k| ValueId(k as u32)).collect();
    let gradients = vjp_with(rule, &mut b, output, cotangent, &wrt)?;
    for (value, gradient) in wrt.iter().zip(gradients) {
        let name = b.graph().inputs[value.index()].name.clone();
        b.output(name, Role::Grad, gradient);
    }
    let gradient = b.finish()?.without_dead_code();
    let mut b = forward.builder;
    b.output("y", Role::Logits, output);
    let forward = b.finish()?;
    let shapes: Vec<_> = forward.inputs.iter().map(|i| &i.ty.shape).collect();
    let ops: Vec<_> = forward.instructions.iter().map(|i| &i.op).collect();
    let what = format!("{op} {k}: {ops:?} of {shapes:?} in {:?}", application.wrt);
    assert!(ops.iter().any(|applied| name(applied) == op), "{op} {k}: {ops:?}");
    let precision = if k.is_multiple_of(2) { Precision::F32 } else { Precision::F64 };
    let wrt = application.wrt;
    Ok(Case { op: op.into(), name: what, forward, gradient, wrt, precision })
}

impl Case {
    fn literal(&self, name: &str, graph: &Graph) -> Result<String, GraphError> {
        let meta = Meta { model: "op".into(), what: What::Op, batch: 1, spec: None, options: None };
        let graph = graph.clone().rounded(self.precision)?;
        let module = lower(&Program { graph, meta, precision: self.precision }).unwrap();
        Ok(literal(name, &module).unwrap())
    }

    fn definitions(&self, k: usize) -> String {
        let forward = self.literal("forward", &self.forward).unwrap();
        let gradient = self.literal("gradient", &self.gradient).unwrap();
        // Both use the same names of types.
        format!(
            "Module Case{k}.\nModule F.\n{forward}End F.\nModule G.\n{gradient}End G.\n\
             Definition verdict (_ : unit) := agree {:?} F.forward G.gradient {}.\nEnd Case{k}.\n",
            self.op,
            list(&self.wrt)
        )
    }
}

/// Rocq's verdict on each case.
fn verdicts(theories: &Theories, name: &str, cases: &[Case]) -> Vec<bool> {
    let mut text = format!("{PREAMBLE}{}{}", names::TEXT, include_str!("agree.v"));
    cases.iter().enumerate().for_each(|(k, case)| text.push_str(&case.definitions(k)));
    let calls = list((0..cases.len()).map(|k| format!("Case{k}.verdict tt")));
    writeln!(text, "Eval vm_compute in {calls}.").unwrap();
    theories.verdicts(name, &text, cases.len())
}

#[test]
fn rocq_and_rust_differentiate_alike() {
    let theories = Theories::find(&["Raise", "Grad", "Number"]);
    let wrong = two_at_a_time(OPS, |_, (op, _)| {
        let cases: Vec<Case> = (0..APPLICATIONS).map(|k| case(op, k, rule).unwrap()).collect();
        let verdicts = verdicts(&theories, op, &cases);
        let wrong = cases.into_iter().zip(verdicts).filter(|(_, agree)| !agree);
        wrong.map(|(case, _)| case.name).collect::<Vec<_>>()
    });
    let wrong: Vec<String> = wrong.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{} disagree:\n{}", wrong.len(), wrong.join("\n"));
}

/// The comparison can fail: under a wrong rule, wherever its result differs.
#[test]
fn wrong_rules_are_noticed() {
    let theories = Theories::find(&["Raise", "Grad", "Number"]);
    let mut names = Vec::new();
    let mut cases = Vec::new();
    for (op, _) in OPS {
        assert!(wrong::mutations().iter().any(|m| m.op == *op), "{op}: no wrong rule");
    }
    for mutation in wrong::mutations() {
        let mut found = 0;
        for k in 0..APPLICATIONS {
            let right = case(mutation.op, k, rule).unwrap();
            let elements = |g: &Graph| g.instructions.iter().map(|i| i.ty.len()).sum::<usize>();
            if elements(&right.gradient) > 10_000 || found == 4 {
                continue;
            }
            let wrong = case(mutation.op, k, mutation.rule).unwrap();
            if difference(&right.gradient, &wrong.gradient, 0) > 1e-3 {
                names.push(format!("{}, {}", mutation.what, wrong.name));
                cases.push(wrong);
                found += 1;
            }
        }
        assert!(found > 0, "{}: changes nothing", mutation.what);
    }
    let verdicts = verdicts(&theories, "wrong_rules", &cases);
    let accepted: Vec<_> = names.iter().zip(verdicts).filter(|(_, agree)| *agree).collect();
    assert!(accepted.is_empty(), "{accepted:#?}");
}
