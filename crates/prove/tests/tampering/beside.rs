//! Literals of modules that differ little from one another.

use cotangent_rocq::literal;
use cotangent_stablehlo::ast::Module;

/// The literal of a module that differs little from `original`, whose Rocq module
/// is `other`: what is defined there word for word is not defined again, since
/// Coq takes longer to read an instruction than to check it.
pub fn within_beside(name: &str, module: &Module, other: &str, original: &Module) -> String {
    let texts = [original, module].map(|m| literal("the_step", m).unwrap());
    let [there, here] = texts.each_ref().map(|text| definitions(text));
    let mut new: Vec<&str> = Vec::new();
    let mut text = format!("Module {name}.\nImport Stablehlo {other}.\n");
    for definition in here {
        let words = || definition.split(|c: char| !c.is_alphanumeric() && c != '_');
        let defined = words().nth(1).unwrap();
        // Also what refers to another definition than there.
        if !there.contains(&definition) || words().any(|word| new.contains(&word)) {
            new.push(defined);
            text += definition;
        }
    }
    format!("{text}End {name}.\n")
}

/// The text's sentences; each begins a line.
fn definitions(text: &str) -> Vec<&str> {
    const START: &str = "\nDefinition ";
    let mut starts = vec![0];
    starts.extend(text.match_indices(START).map(|(at, _)| at + 1));
    let ends = starts[1..].iter().copied().chain([text.len()]);
    starts.iter().zip(ends).map(|(&start, end)| &text[start..end]).collect()
}
