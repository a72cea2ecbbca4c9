//! Modules and strings, written for Coq and read from its output.

use cotangent_rocq::literal;
use cotangent_stablehlo::ast::Module;

/// The literal `the_step` of a module, in a Rocq module of its own: names of
/// StableHLO there, such as `Maximum`, are not those of specifications.
pub fn within(name: &str, module: &Module) -> String {
    let literal = literal("the_step", module).unwrap();
    format!("Module {name}.\nImport Stablehlo.\n{literal}End {name}.\n")
}

/// The string literals in Coq's output; a quotation mark inside is doubled.
pub fn strings(output: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut rest = output;
    while let Some(start) = rest.find('"') {
        rest = &rest[start + 1..];
        let mut string = String::new();
        while let Some((before, after)) = rest.split_once('"') {
            string.push_str(before);
            rest = after;
            let Some(after) = rest.strip_prefix('"') else { break };
            string.push('"');
            rest = after;
        }
        found.push(string);
    }
    found
}
