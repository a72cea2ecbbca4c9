//! What an explanation has to say about an edit.

use crate::edits::Edited;
use crate::subjects::Step;
use cotangent_stablehlo::ast::{Attribute, Function, Module, Slot, Value};

fn main_of(module: &Module) -> &Function {
    module.functions.iter().find(|f| f.public).unwrap()
}

fn name(slot: &Slot) -> &str {
    let found = slot.attributes.iter().find(|(name, _)| name == "cotangent.name");
    match found {
        Some((_, Attribute::String(name))) => name,
        _ => panic!("a slot without name"),
    }
}

/// For every value of `@main`, whether it depends on instruction `k`.
fn depends(f: &Function, k: usize) -> Vec<bool> {
    let mut depends = vec![false; f.body.len()];
    for (n, i) in f.body.iter().enumerate() {
        depends[n] =
            n == k || i.operands.iter().any(|o| matches!(o.value, Value::Result(m) if depends[m]));
    }
    depends
}

/// Asserts that the text names the first place that does not match, what was
/// expected and where it belongs. True if it names the instruction or the
/// result that was changed, and not a user of it.
pub fn fits(step: &Step, edited: &Edited, text: &str) -> bool {
    let context = format!("{}: {}\n{text}", step.name, edited.what);
    let parts = text.split_once("\nexpected: ").or_else(|| text.split_once("\nmissing: "));
    let (found, expected) = parts.expect(&context);
    let (original, f) = (main_of(&step.module), main_of(&edited.module));

    let part = expected.rsplit_once(", in ").expect(&context).1;
    let layer = part.strip_suffix(", backwards").unwrap_or(part);
    let layers = step.layers.iter().map(|name| format!("layer {name}"));
    let updates = original.arguments.iter().map(|a| format!("the update of {}", name(a)));
    let others = [
        "the loss",
        "the accumulation of gradients",
        "the clipping of the gradient",
        "the optimiser",
        "the moving average of the parameters",
        "the choice by `apply`",
        "the running statistics",
    ]
    .map(String::from);
    let mut parts = layers.chain(updates).chain(others);
    assert!(parts.any(|p| p == layer), "{context}");

    let changed: Vec<&str> = (0..f.returns.len())
        .filter(|&k| f.returns[k] != original.returns[k])
        .map(|k| name(&f.results[k]))
        .collect();
    if !changed.is_empty() {
        let named = found.strip_prefix("result `").and_then(|rest| rest.split_once('`'));
        assert!(changed.contains(&named.expect(&context).0), "{context}");
        return true;
    }
    let k = edited.instruction.expect(&context);
    // An update is that of a parameter whose new value or state depends on
    // the instruction.
    if let Some(param) = layer.strip_prefix("the update of ") {
        let depends = depends(original, k);
        let mut results = original.results.iter().zip(&original.returns);
        let reached = results.any(|(slot, returned)| {
            name(slot).ends_with(param) && matches!(returned.value, Value::Result(n) if depends[n])
        });
        assert!(reached, "{context}");
    }
    match found.strip_prefix("`%").and_then(|rest| rest.split_once(" = ")) {
        Some((named, _)) => {
            let named: usize = named.parse().expect(&context);
            assert!(depends(f, k)[named], "{context}");
            named == k
        }
        // All that is expected is there, but something else is returned.
        None => {
            assert!(found.starts_with("result `"), "{context}");
            false
        }
    }
}
