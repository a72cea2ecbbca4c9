//! What Coq says about a certificate.

use crate::certificate::Directory;
use crate::toolchain::Output;
use crate::{Coq, Library, ProveError, Subject, THEORIES};
use sha2::{Digest, Sha256};
use std::fs;
use std::time::{Duration, Instant};

/// Axioms of classical MathComp-Analysis, all that a certificate may rest on.
pub const ALLOWED_AXIOMS: [&str; 3] = [
    "boolp.propositional_extensionality",
    "boolp.functional_extensionality_dep",
    "boolp.constructive_indefinite_description",
];

/// Bounds on Coq's time.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// For compiling one file.
    pub compile: Duration,
    /// For the independent checker, which has no virtual machine.
    pub recheck: Duration,
}

impl Limits {
    /// Some twenty times what a step takes on a machine with nothing else to do: a
    /// millisecond an instruction, ten with the independent checker.
    pub fn of(subject: &Subject) -> Self {
        let more = |ms: u64| Duration::from_millis(ms.saturating_mul(subject.instructions as u64));
        Limits {
            compile: Duration::from_secs(600) + more(20),
            recheck: Duration::from_secs(1800) + more(200),
        }
    }
}

/// A point at which a network may have no derivative.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kink {
    /// The layer.
    pub layer: String,
    /// The op.
    pub op: String,
    /// What the theorem assumes of it.
    pub condition: String,
}

/// A certificate that Coq accepted.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// The theorem as Coq prints it.
    pub statement: String,
    /// The kinks that remain, from Coq.
    pub kinks: Vec<Kink>,
    /// The axioms, from Coq; all of them allowed.
    pub axioms: Vec<String>,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
    /// Time Coq took for this certificate.
    pub seconds: f64,
    /// Time of the independent checker, if it ran.
    pub recheck_seconds: Option<f64>,
}

impl Directory {
    /// Has Coq check the certificate: the literal prints to the file's bytes,
    /// the theorem holds, and it rests on allowed axioms only.
    ///
    /// # Errors
    /// Coq refuses; the explanation names the first instruction that differs.
    pub fn check(
        &self,
        coq: &Coq,
        library: &Library,
        limits: Limits,
    ) -> Result<Verdict, ProveError> {
        let compile = |file: &str| -> Result<Output, ProveError> {
            coq.compile(&self.path, library.dir(), file, limits.compile)
        };
        let behind = library.axioms(coq)?;
        let start = Instant::now();
        let output = compile("Report.v")?;
        if !output.success {
            let reason = self.explain(coq, library, limits)?;
            return Err(ProveError::NotCertified { reason, message: output.stderr });
        }
        let printed = strings(&self.read("step.out")?).map(|pieces| pieces.concat());
        let text = self.read("step.mlir")?;
        let printed = printed.ok_or(ProveError::Output { file: "step.out" })?;
        if printed != text {
            return Err(first_difference(&text, &printed));
        }
        let axioms = with_added(&behind, &self.read("added.out")?)?;
        let kinks =
            strings(&self.read("kinks.out")?).ok_or(ProveError::Output { file: "kinks.out" })?;
        Ok(Verdict {
            statement: self.read("statement.out")?.trim().to_string(),
            kinks: kinks.iter().map(|k| kink(k)).collect(),
            axioms,
            sha256: Sha256::digest(&text).iter().map(|byte| format!("{byte:02x}")).collect(),
            seconds: start.elapsed().as_secs_f64(),
            recheck_seconds: None,
        })
    }

    /// Has `coqchk` go over the compiled theories and certificate; returns its time in
    /// seconds.
    ///
    /// # Errors
    /// It refuses, or takes too long.
    pub fn recheck(&self, coq: &Coq, library: &Library, limits: Limits) -> Result<f64, ProveError> {
        let start = Instant::now();
        let theories = THEORIES.iter().map(|theory| format!("Cotangent.{}", theory.name));
        let modules: Vec<String> = theories.chain(["Report".to_string()]).collect();
        let output = coq.recheck(&self.path, library.dir(), &modules, limits.recheck)?;
        if !output.success {
            return Err(ProveError::Refused { file: "coqchk".into(), message: output.stderr });
        }
        Ok(start.elapsed().as_secs_f64())
    }

    /// The first instruction that does not match, in Rocq's words.
    fn explain(&self, coq: &Coq, library: &Library, limits: Limits) -> Result<String, ProveError> {
        let text = fs::read_to_string(self.path.join(format!("{}.v", self.module)))
            .map_err(|error| ProveError::Io { path: self.path.clone(), error })?;
        // The definitions, without the theorem.
        let definitions = text.split("Theorem checked").next().unwrap_or_default();
        let source = format!(
            "{definitions}\nFrom Cotangent Require Import Explain.\n\
             Local Open Scope string_scope.\nSet Printing Width 100000.\n\
             Set Printing Depth 1000000.\n\
             Redirect \"explanation\" Eval vm_compute in explain the_spec the_options the_step.\n"
        );
        let path = self.path.join("Explain.v");
        fs::write(&path, source).map_err(|error| ProveError::Io { path, error })?;
        let output = coq.compile(&self.path, library.dir(), "Explain.v", limits.compile)?;
        if !output.success {
            return Err(ProveError::Unchecked { message: output.stderr });
        }
        let lines = strings(&self.read("explanation.out")?);
        Ok(lines.ok_or(ProveError::Output { file: "explanation.out" })?.join("\n"))
    }

    pub(crate) fn read(&self, name: &str) -> Result<String, ProveError> {
        let path = self.path.join(name);
        fs::read_to_string(&path).map_err(|error| ProveError::Io { path, error })
    }
}

/// The first line of `text` that is not printed so. One of an end counts: an end of
/// a line too many is a line.
fn first_difference(text: &str, printed: &str) -> ProveError {
    let [found, expected] = [text, printed].map(|text| text.split('\n').collect::<Vec<_>>());
    let same = found.iter().zip(&expected).take_while(|(a, b)| a == b).count();
    let [found, expected] =
        [found, expected].map(|lines| visible(lines.get(same).unwrap_or(&"the end")));
    ProveError::Bytes { line: same + 1, found, expected }
}

/// The text, with letters that cannot be seen written out.
fn visible(text: &str) -> String {
    let shown = |c: char| match c.is_ascii() && !c.is_control() {
        true => c.to_string(),
        false => c.escape_default().to_string(),
    };
    text.chars().map(shown).collect()
}

/// The axioms in Coq's answer, if all of them are allowed.
pub(crate) fn allowed_axioms(output: &str) -> Result<Vec<String>, ProveError> {
    if !is_answer(output) {
        return Err(ProveError::Output { file: "axioms" });
    }
    let axioms = axioms(output);
    match axioms.iter().find(|a| !ALLOWED_AXIOMS.contains(&a.as_str())) {
        Some(other) => Err(ProveError::Axiom { axiom: other.clone() }),
        None => Ok(axioms),
    }
}

/// What a theorem rests on: the axioms `behind` it, and those that Coq's answer adds.
pub(crate) fn with_added(behind: &[String], answer: &str) -> Result<Vec<String>, ProveError> {
    let added = allowed_axioms(answer)?;
    let new = added.into_iter().filter(|axiom| !behind.contains(axiom));
    Ok(behind.iter().cloned().chain(new).collect())
}

/// The string literals in Coq's output; quotation marks inside are doubled.
pub(crate) fn strings(output: &str) -> Option<Vec<String>> {
    let mut found = Vec::new();
    let mut rest = output;
    while let Some(start) = rest.find('"') {
        rest = &rest[start + 1..];
        let mut string = String::new();
        loop {
            let end = rest.find('"')?;
            string.push_str(&rest[..end]);
            rest = &rest[end + 1..];
            match rest.strip_prefix('"') {
                Some(after) => {
                    string.push('"');
                    rest = after;
                }
                None => break,
            }
        }
        found.push(string);
    }
    Some(found)
}

/// Whether this is the output of `Print Assumptions`, and not cut off before it.
pub(crate) fn is_answer(output: &str) -> bool {
    output.starts_with("Axioms:") || output.starts_with("Closed under the global context")
}

/// Names in the output of `Print Assumptions`: whatever begins a line, up to
/// its type.
fn axioms(output: &str) -> Vec<String> {
    output
        .lines()
        .filter(|l| l.starts_with(|c: char| !c.is_whitespace()))
        .filter(|l| *l != "Axioms:" && *l != "Closed under the global context")
        .map(|l| l.split([' ', ':']).next().unwrap_or_default().to_string())
        .collect()
}

/// `layer: op: condition`
fn kink(text: &str) -> Kink {
    let mut parts = text.splitn(3, ": ").map(str::to_string);
    let mut next = || parts.next().unwrap_or_default();
    Kink { layer: next(), op: next(), condition: next() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_unquoted() {
        let output = "     = [:: \"a \"\"b\"\"\"; \"\"]\n     : seq string\n";
        assert_eq!(strings(output), Some(vec!["a \"b\"".to_string(), String::new()]));
        assert_eq!(strings("\"no end"), None);
    }

    #[test]
    fn the_first_line_that_differs_is_named() {
        let said = |text: &str| first_difference(text, "a\nb\n").to_string();
        assert!(
            said("a\nc\n")
                .starts_with("line 2 of the file is not as Coq prints the step: `c`, expected `b`")
        );
        assert!(
            said("a\nb\n\n").contains("line 4") && said("a").contains("`the end`, expected `b`")
        );
    }

    #[test]
    fn axioms_are_named_whatever_the_layout() {
        let output = "Axioms:\nboolp.propositional_extensionality\n  : forall P Q : Prop, P <-> Q -> P = Q\nbad : False\n_bad1' : False\n";
        assert_eq!(axioms(output), ["boolp.propositional_extensionality", "bad", "_bad1'"]);
        assert!(axioms("Closed under the global context\n").is_empty());
        assert!(is_answer(output) && !is_answer("") && !is_answer("boolp"));
    }
}
