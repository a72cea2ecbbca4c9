//! Well-typed mutants of a step.

use crate::edits::{Edited, edit};
use crate::subjects::Step;
use cotangent_stablehlo::{Program, parse, print};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

pub fn rng(step: &Step) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(step.name.bytes().map(u64::from).sum())
}

/// `count` mutants of the step, no two the same, that differ from it when they
/// are executed.
pub fn mutants_that(differ: impl Fn(&Program) -> bool, step: &Step, count: usize) -> Vec<Edited> {
    let mut rng = rng(step);
    let mut found: Vec<Edited> = Vec::new();
    for _ in 0..250 * count {
        if found.len() == count {
            return found;
        }
        let Some(mut edited) = edit(&step.module, &mut rng) else { continue };
        // Through the text, as a file would come.
        let text = print(&edited.module);
        let Ok(program) = Program::from_text(&text) else { continue };
        edited.module = parse(&text).unwrap();
        if differ(&program) && found.iter().all(|other| other.module != edited.module) {
            found.push(edited);
        }
    }
    panic!("{}: only {} mutants found", step.name, found.len());
}
