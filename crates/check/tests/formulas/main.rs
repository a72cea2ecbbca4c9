//! Named checks of the formulas that networks are made of, written in graph ops
//! by hand and at shapes drawn at random: each gradient against finite
//! differences, and each against something wrong that has to be noticed.

mod activations;
mod attention;
mod draft;
mod images;
mod layers;
mod losses;
mod norms;
#[path = "../wrong_rules/mod.rs"]
mod wrong_rules;

use cotangent_check::{Options, differentiated, finite_differences};
use cotangent_graph::{Builder, Graph, Role, ValueId};
use cotangent_vjp::{Rule, rule};
use draft::{Draft, Formula};
use std::collections::BTreeSet;

/// A formula, differentiated in one of its inputs or in all.
struct Check {
    name: &'static str,
    /// The input's name; `*` for every parameter.
    wrt: &'static str,
    formula: Formula,
    wrong: Wrong,
}

/// What a check has to notice.
enum Wrong {
    /// The rule of [`wrong_rules`] for this op, described so.
    Rule(&'static str, &'static str),
    /// This formula's gradient, taken for that of the check's.
    Formula(Formula),
}

/// Draws of shapes and values per check.
const DRAWS: u64 = 3;

fn checks() -> Vec<Check> {
    let groups = [
        layers::checks(),
        norms::checks(),
        activations::checks(),
        attention::checks(),
        images::checks(),
        losses::checks(),
    ];
    groups.into_iter().flatten().collect()
}

/// Whether the gradients of `gradients` are the derivatives of the loss of
/// `loss`, two graphs of the same inputs.
fn agree(loss: &Draft, gradients: &Graph) -> bool {
    let right = differentiated(&loss.forward(), rule).unwrap();
    let graph = grafted(&right, gradients);
    let inputs = loss.inputs(&graph);
    finite_differences(&graph, &inputs, &Options::default()).unwrap().passed
}

/// The loss of one graph beside the gradients of another, inputs shared.
fn grafted(loss: &Graph, gradients: &Graph) -> Graph {
    assert_eq!(loss.inputs, gradients.inputs);
    let mut b = Builder::new();
    let inputs: Vec<ValueId> =
        loss.inputs.iter().map(|i| b.input(&i.name, i.role, i.ty.clone()).unwrap()).collect();
    for (graph, role) in [(loss, Role::Loss), (gradients, Role::Grad)] {
        let mut values = inputs.clone();
        for i in &graph.instructions {
            let operands: Vec<ValueId> = i.operands.iter().map(|v| values[v.index()]).collect();
            values.push(b.push(i.op.clone(), &operands).unwrap());
        }
        for output in graph.outputs.iter().filter(|o| o.role == role) {
            b.output(&output.name, role, values[output.value.index()]);
        }
    }
    b.finish().unwrap().without_dead_code()
}

fn draws(check: &Check) -> impl Iterator<Item = Draft> + '_ {
    (0..DRAWS).map(|seed| Draft::new(seed, check.wrt, check.formula))
}

/// Whether some draw of the check fails under what is wrong.
fn noticed(check: &Check) -> bool {
    draws(check).enumerate().any(|(seed, draft)| {
        let gradients = match check.wrong {
            Wrong::Rule(op, what) => {
                let named = wrong_rules::all().into_iter().find(|m| (m.op, m.what) == (op, what));
                let wrong: Rule = named.unwrap_or_else(|| panic!("no rule {op}: {what}")).rule;
                differentiated(&draft.forward(), wrong)
            }
            Wrong::Formula(other) => {
                let other = Draft::new(seed as u64, check.wrt, other);
                differentiated(&other.forward(), rule)
            }
        };
        !agree(&draft, &gradients.unwrap())
    })
}

#[test]
fn every_formula_has_the_gradient_it_should() {
    for check in checks() {
        for draft in draws(&check) {
            let gradients = differentiated(&draft.forward(), rule).unwrap();
            assert!(agree(&draft, &gradients), "{}: {:#?}", check.name, gradients.inputs);
        }
    }
}

#[test]
fn everything_wrong_is_noticed() {
    let missed: Vec<&str> = checks().iter().filter(|c| !noticed(c)).map(|c| c.name).collect();
    assert!(missed.is_empty(), "{missed:?}");
}

/// Shapes are drawn: no check has the same ones every time.
#[test]
fn shapes_vary() {
    for check in checks() {
        let shapes: BTreeSet<Vec<Vec<usize>>> = (0..8)
            .map(|seed| Draft::new(seed, check.wrt, check.formula).forward())
            .map(|g| g.inputs.iter().map(|i| i.ty.shape.clone()).collect())
            .collect();
        assert!(shapes.len() > 1, "{}", check.name);
    }
}

/// Lists them, for whoever asks with `--nocapture`.
#[test]
#[allow(clippy::print_stdout)]
fn there_are_at_least_sixty_names() {
    let names: BTreeSet<&str> = checks().iter().map(|c| c.name).collect();
    assert_eq!(names.len(), checks().len(), "a name twice");
    for name in &names {
        println!("{name}");
    }
    println!("{} named checks", names.len());
    assert!(names.len() >= 60, "{}", names.len());
}
