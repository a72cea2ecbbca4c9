//! A certificate at a point: that at stored numbers no kink's condition is left.

use crate::certificate::Directory;
use crate::followed::{Lost, follow, masks_before_kinks};
use crate::verdict::{strings, with_added};
use crate::{Coq, Library, Limits, ProveError, Subject, Verdict};
use cotangent_graph::Precision;
use cotangent_stablehlo::ast::Attribute;
use cotangent_stablehlo::{What, parse};
use std::collections::HashSet;
use std::fmt::Write;
use std::fs;
use std::time::Instant;

/// Coq keeps a file's syntax until its end: this many numbers take a few hundred
/// megabytes.
const NUMBERS_PER_FILE: usize = 65_536;

/// How `MainAt.problem_text` ends of a value that cannot be computed.
const INEXACT: &str = "has no value";

/// What `MainAt.problem_text` says of a ball that reaches a kink.
const UNDECIDED: &str = "too close to tell";

/// The least bits a ball has after the binary point.
const FRACTION: usize = 64;

/// They grow by so many: time grows with their square where values are normalised.
const STEP: usize = 32;

/// How many of them a normalised layer loses, about.
const LOST: usize = 7;

/// Bits that tell an entry from a kink.
const LEFT: usize = 32;

/// As often the fraction is doubled where a condition is undecided.
const DOUBLINGS: usize = 2;

/// How many conditions that do not hold are named.
const NAMED: usize = 10;

/// An argument of the step and its value, row-major.
#[derive(Debug, Clone)]
pub struct Argument<'a> {
    /// Its place among the arguments of `@main`.
    pub number: usize,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its elements.
    pub data: &'a [f32],
    /// Rows that are not fixed; none where it is empty.
    pub open: Vec<bool>,
    /// Whether it is a parameter.
    pub is_param: bool,
}

/// What Coq said about a point.
#[derive(Debug, Clone)]
pub struct AtVerdict {
    /// The theorem as Coq prints it.
    pub statement: String,
    /// The axioms; all of them allowed.
    pub axioms: Vec<String>,
    /// Time Coq took for it.
    pub seconds: f64,
}

impl Subject {
    /// The masks that kinks depend on, which are fixed at a point, by their names.
    pub fn masks_before_kinks(&self) -> Vec<&str> {
        let needed = masks_before_kinks(&self.network);
        let masks = self.network.masks().iter().zip(needed);
        masks.filter(|(_, needed)| *needed).map(|(mask, _)| mask.name.as_str()).collect()
    }

    /// Whether what comes into every kink can be computed at a point.
    ///
    /// # Errors
    /// A kink follows a layer whose values are not computed.
    pub fn kinks_are_followed(&self) -> Result<(), ProveError> {
        follow(&self.network).map_err(|Lost { kink, after }| {
            let features = after.input.last().copied().unwrap_or_default();
            let reason = format!(
                "what comes into {} follows from {} ({}), whose input is {:?}; of means, those \
                 over one or two dimensions are computed: put a `reshape` to [{}, {features}] \
                 before it, which leaves the mean as it is",
                kink.name,
                after.name,
                after.kind.name(),
                after.input,
                after.input.iter().rev().skip(1).product::<usize>()
            );
            ProveError::Point { reason }
        })
    }

    /// The parameters, the data and the masks as arguments of the step; the theorem
    /// leaves the `open` rows of each parameter open, and masks that no kink depends on.
    ///
    /// # Errors
    /// The step is not in binary32, has no gradient, or does not say which argument
    /// the data is; a kink follows a layer whose values are not computed.
    pub fn point<'a>(
        &self,
        params: &[&'a [f32]],
        open: Vec<Vec<bool>>,
        data: &'a [f32],
        masks: &'a [Vec<f32>],
    ) -> Result<Vec<Argument<'a>>, ProveError> {
        if self.precision != Precision::F32 {
            return Err(ProveError::Point { reason: "the step is not in binary32".into() });
        }
        if self.what == What::Forward {
            let reason = "a forward pass has no gradient; leave out --what forward".into();
            return Err(ProveError::Point { reason });
        }
        self.kinks_are_followed()?;
        let module = parse(&self.text)?;
        let main = module.functions.iter().find(|f| f.public);
        // Number and name.
        let of_role = |role: &str| -> Vec<(usize, &str)> {
            let arguments = main.into_iter().flat_map(|f| f.arguments.iter().enumerate());
            arguments
                .filter(|(_, a)| said(&a.attributes, "cotangent.role") == Some(role))
                .map(|(k, a)| (k, said(&a.attributes, "cotangent.name").unwrap_or_default()))
                .collect()
        };
        let no_role = ProveError::Attribute { name: "cotangent.role" };
        let (number, _) = *of_role("data").first().ok_or(no_role)?;
        let params = self.network.params().iter().zip(params).zip(open).enumerate();
        let mut arguments: Vec<Argument<'a>> = params
            .map(|(number, ((param, &data), open))| Argument {
                number,
                shape: param.shape.clone(),
                data,
                open,
                is_param: true,
            })
            .collect();
        let fixed = |number: usize, shape: &[usize], data: &'a [f32]| Argument {
            number,
            shape: std::iter::once(self.batch).chain(shape.iter().copied()).collect(),
            data,
            open: Vec::new(),
            is_param: false,
        };
        arguments.push(fixed(number, &self.network.spec().input, data));
        let mask_arguments = of_role("mask");
        let found: Vec<&str> = mask_arguments.iter().map(|(_, name)| *name).collect();
        let expected: Vec<&str> = self.network.masks().iter().map(|m| m.name.as_str()).collect();
        if found != expected {
            let reason = format!(
                "the masks among the step's arguments are {}, those of its network {}; emit it \
                 with `cotangent emit`",
                listed(&found),
                listed(&expected)
            );
            return Err(ProveError::Point { reason });
        }
        let sites = mask_arguments.into_iter().zip(self.network.masks()).zip(masks);
        for ((((number, _), mask), data), needed) in sites.zip(masks_before_kinks(&self.network)) {
            if needed {
                arguments.push(fixed(number, &mask.shape, data));
            }
        }
        Ok(arguments)
    }
}

/// The string that the attribute `name` is.
fn said<'a>(attributes: &'a [(String, Attribute)], name: &str) -> Option<&'a str> {
    attributes.iter().find_map(|(found, value)| match value {
        Attribute::String(text) if found == name => Some(text.as_str()),
        _ => None,
    })
}

fn listed(names: &[&str]) -> String {
    if names.is_empty() { "none".into() } else { format!("`{}`", names.join("`, `")) }
}

/// The bits to begin with: what the layers with a matrix or a kernel lose, should a
/// normalisation follow each. Values that are never rounded have no use for them, and
/// pay nothing.
fn fraction(point: &[Argument<'_>]) -> usize {
    let layers = point.iter().filter(|a| a.is_param && a.shape.len() > 1).count();
    (LEFT + LOST * layers).next_multiple_of(STEP).max(FRACTION)
}

impl Directory {
    /// Adds the theorem at `point` to a certificate that was `certified`, and has Coq
    /// check it; with more bits where the balls are too wide. Its files say that the
    /// point is `origin`.
    ///
    /// # Errors
    /// A kink's condition does not hold there, or Coq refuses.
    pub fn check_at(
        &self,
        coq: &Coq,
        library: &Library,
        limits: Limits,
        certified: &Verdict,
        point: &[Argument<'_>],
        origin: &str,
    ) -> Result<AtVerdict, ProveError> {
        let start = Instant::now();
        let least = fraction(point);
        let compile = |file: &str| coq.compile(&self.path, library.dir(), file, limits.compile);
        let accepted = |file: &str| -> Result<(), ProveError> {
            let output = compile(file)?;
            match output.success {
                true => Ok(()),
                false => Err(ProveError::Refused { file: file.into(), message: output.stderr }),
            }
        };
        let (parts, text) = point_files(point, origin);
        for (file, text) in parts {
            self.write_file(&file, &text)?;
            accepted(&file)?;
        }
        self.write_file("Point.v", &text)?;
        self.write_file("AtReport.v", REPORT)?;
        let mut fraction = least;
        loop {
            let with = |text: &str| text.replace("@FRACTION@", &fraction.to_string());
            self.write_file("At.v", &with(AT))?;
            let output = compile("AtReport.v")?;
            if output.success {
                break;
            }
            self.write_file("AtProblems.v", &with(PROBLEMS))?;
            accepted("AtProblems.v")?;
            let problems = strings(&self.read("AtProblems.out")?)
                .ok_or(ProveError::Output { file: "AtProblems.out" })?;
            // With more bits there may be none: they are no part of the certificate.
            self.remove("AtProblems")?;
            if problems.is_empty() {
                return Err(ProveError::Refused { file: "At.v".into(), message: output.stderr });
            }
            if !more_bits_may_help(&problems) || fraction >= least << DOUBLINGS {
                return Err(ProveError::AtKinks {
                    inexact: problems.iter().any(|problem| problem.ends_with(INEXACT)),
                    problems: named(&problems),
                });
            }
            fraction *= 2;
        }
        self.write_file("README.md", &format!("{}{}", self.read("README.md")?, readme_of(origin)))?;
        Ok(AtVerdict {
            statement: self.read("statement_at.out")?.trim().to_string(),
            axioms: with_added(&certified.axioms, &self.read("added_at.out")?)?,
            seconds: start.elapsed().as_secs_f64(),
        })
    }

    /// Removes a file of Coq, and what came of it.
    fn remove(&self, stem: &str) -> Result<(), ProveError> {
        let io = |error| ProveError::Io { path: self.path.clone(), error };
        for entry in fs::read_dir(&self.path).map_err(io)? {
            let path = entry.map_err(io)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if name.trim_start_matches('.').split('.').next() == Some(stem) {
                fs::remove_file(path).map_err(io)?;
            }
        }
        Ok(())
    }

    fn write_file(&self, name: &str, text: &str) -> Result<(), ProveError> {
        let path = self.path.join(name);
        fs::write(&path, text).map_err(|error| ProveError::Io { path, error })
    }
}

/// The files of a point's numbers, which are compiled, and the text that requires them.
fn point_files(point: &[Argument<'_>], origin: &str) -> (Vec<(String, String)>, String) {
    let mut files: Vec<(String, String)> = Vec::new();
    let (mut text, mut used) = (String::from(BYTES), 0);
    let mut close = |text: &mut String| {
        let name = format!("Point{}.v", files.len() + 1);
        files.push((name, std::mem::replace(text, String::from(BYTES))));
    };
    let mut literals = String::new();
    let mut names = Vec::new();
    for argument in point {
        let (k, width) = (argument.number, argument.shape.last().copied().unwrap_or(1).max(1));
        let mut rows = Vec::new();
        for (i, row) in argument.data.chunks(width).enumerate() {
            if argument.open.get(i) == Some(&true) {
                rows.push("Done".into());
                continue;
            }
            let name = format!("a{k}_{i}");
            let _ = writeln!(text, "Definition {name} : words := {}.", words(row));
            rows.push(name);
            used += row.len();
            if used >= NUMBERS_PER_FILE {
                close(&mut text);
                used = 0;
            }
        }
        let shape: Vec<String> = argument.shape.iter().map(usize::to_string).collect();
        let _ = writeln!(
            literals,
            "Definition a{k} := Literal {k} [:: {}] [:: {}].",
            shape.join("; "),
            rows.join("; ")
        );
        names.push(format!("a{k}"));
    }
    close(&mut text);
    let parts: Vec<String> = (1..=files.len()).map(|n| format!("Point{n}")).collect();
    let all = POINT
        .replace("@PARTS@", &parts.join(" "))
        .replace("@LITERALS@", &literals)
        .replace("@NAMES@", &names.join("; "))
        .replace("@ORIGIN@", &in_comment(origin));
    (files, all)
}

/// The bytes of numbers, the highest first.
fn words(row: &[f32]) -> String {
    let mut text = String::with_capacity(20 * row.len());
    for x in row {
        let [a, b, c, d] = x.to_bits().to_be_bytes();
        let _ = write!(text, "F x{a:02x} x{b:02x} x{c:02x} x{d:02x}(");
    }
    text.push_str("Done");
    text.extend(std::iter::repeat_n(')', row.len()));
    text
}

/// What the certificate's README adds of the point.
fn readme_of(origin: &str) -> String {
    format!(
        "`At.v` proves that no condition of it is left at the point in `Point.v`: {origin}.\n\
         `theories/CertifiedAt.v` says what that means.\n"
    )
}

/// The text without what begins or ends a comment of Coq, or a string in one.
fn in_comment(text: &str) -> String {
    text.replace('"', "'").replace("(*", "( *").replace("*)", "* )")
}

/// Whether something is undecided, and nothing certain. What has no value may have
/// one: no root is taken of a ball that reaches 0.
fn more_bits_may_help(problems: &[String]) -> bool {
    let undecided = |problem: &String| problem.contains(UNDECIDED);
    problems.iter().any(undecided)
        && problems.iter().all(|problem| undecided(problem) || problem.ends_with(INEXACT))
}

/// The first problems, each once, and how many more there are. What follows from a kink
/// that is met has no value; that is said where nothing else is to be said.
fn named(problems: &[String]) -> String {
    let all_inexact = problems.iter().all(|problem| problem.ends_with(INEXACT));
    let mut said = HashSet::new();
    let problems: Vec<&str> = (problems.iter().map(String::as_str))
        .filter(|problem| all_inexact || !problem.ends_with(INEXACT))
        .filter(|problem| said.insert(*problem))
        .collect();
    let mut lines = problems[..problems.len().min(NAMED)].join("\n");
    if problems.len() > NAMED {
        let _ = write!(lines, "\nand {} more", problems.len() - NAMED);
    }
    lines
}

const BYTES: &str = "From Coq Require Import Init.Byte.\nFrom Cotangent Require Import Words.\n";

const POINT: &str = r#"(** The point: @ORIGIN@.
    Arguments of the step by their number, with their shapes and rows. *)
From mathcomp Require Import all_ssreflect.
From Coq Require Import NArith ZArith.
From Cotangent Require Import Ir Floats.
Require Import @PARTS@.
Local Open Scope N_scope.

@LITERALS@
Definition the_point : point := [:: @NAMES@].
"#;

const AT: &str = r#"(** The certificate at the point that Point.v holds.

    [certified_at], in CertifiedAt.v, says in words what is certified. *)
From mathcomp Require Import all_ssreflect.
From Coq Require Import NArith.
From Cotangent Require Import Ir Stablehlo Spec Optimizer MainAt.
Require Import Report.

(** It defines [the_point]. *)
Load Point.

Theorem checked_at : discharged @FRACTION@ the_spec the_options the_kinks the_point = true.
Proof. vm_cast_no_check (erefl true). Qed.

Theorem cert_at : certified_at the_spec the_options the_step the_point.
Proof. exact: at_sound cert checked_at. Qed.
"#;

/// The file that Coq compiles: it loads the certificate at the point, and asks about it.
/// What the theorem rests on is what [`crate::Library::axioms`] says, and what `checked`
/// and `checked_at` add to it.
const REPORT: &str = r#"Load At.
Set Printing Width 100000.
Definition final_at : Cotangent.CertifiedAt.certified_at the_spec the_options the_step the_point :=
  Cotangent.MainAt.at_sound (Cotangent.Main.check_sound checked) checked_at.
Redirect "statement_at" Check final_at.
Redirect "added_at" Print Assumptions checked_at.
"#;

const PROBLEMS: &str = r#"From mathcomp Require Import all_ssreflect.
From Coq Require Import NArith String.
From Cotangent Require Import Ir Stablehlo Spec Optimizer MainAt Exact.
Require Import Report.
Load Point.
Local Open Scope string_scope.
Set Printing Width 100000.
Set Printing Depth 1000000.
Redirect "AtProblems" Eval vm_compute in [seq problem_text p | p <- problems_at @FRACTION@%N the_spec the_options the_point].
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_their_bytes() {
        assert_eq!(words(&[1.0, -0.5]), "F x3f x80 x00 x00(F xbf x00 x00 x00(Done))");
        assert_eq!(words(&[]), "Done");
    }

    #[test]
    fn masks_are_found_by_their_names() {
        let layers = "{ kind = 'dropout', rate = 0.5 }, { kind = 'dropout', rate = 0.25 }, \
                      { kind = 'dense', features = 2 }, { kind = 'relu' }, \
                      { kind = 'dense', features = 2 }";
        let spec = format!("name = 'n'\ninput = [4]\nlayers = [{layers}]");
        let net = cotangent_net::NetSpec::from_toml(&spec).unwrap().network().unwrap();
        let options = "sgd".parse().unwrap();
        let program = cotangent_emit::program(&net, What::Train, 3, &options, Precision::F32);
        let text = program.unwrap().to_text().unwrap();
        let data: Vec<Vec<f32>> =
            net.params().iter().map(|p| vec![0.0; p.shape.iter().product()]).collect();
        let params: Vec<&[f32]> = data.iter().map(Vec::as_slice).collect();
        let masks = [vec![1.0; 12], vec![2.0; 12]];
        let at = |text: String| {
            let point = Subject::read(text)?.point(&params, vec![vec![]; 4], &[0.0; 12], &masks)?;
            Ok::<_, ProveError>(
                point.iter().skip(5).map(|a| (a.number, a.data[0])).collect::<Vec<_>>(),
            )
        };
        let found = at(text.clone()).unwrap();
        assert!(matches!(found[..], [(a, 1.0), (b, 2.0)] if b == a + 1), "{found:?}");
        let name = |k: usize| format!("cotangent.name = \"{}\"", net.masks()[k].name);
        let other = text.replace(&name(0), "cotangent.name = \"noise\"");
        let message = at(other).unwrap_err().to_string();
        assert!(message.contains("are `noise`, `dropout_2.mask`, those"), "{message}");
        assert!(message.contains("network `dropout_1.mask`, `dropout_2.mask`;"), "{message}");
        let swapped =
            text.replace(&name(0), "\u{1}").replace(&name(1), &name(0)).replace('\u{1}', &name(1));
        assert!(at(swapped).is_err());
    }

    #[test]
    fn a_mean_that_is_not_computed_is_refused_with_one_that_is() {
        let said = |before: &str| {
            let spec = format!(
                "name = 'n'\ninput = [12]\nlayers = [{{ kind = 'reshape', shape = [2, 1, 2, 3] }}, \
                 {before} {{ kind = 'global_avg_pool' }}, {{ kind = 'relu' }}, \
                 {{ kind = 'dense', features = 2 }}]"
            );
            let net = cotangent_net::NetSpec::from_toml(&spec).unwrap().network().unwrap();
            let options = "sgd".parse().unwrap();
            let program = cotangent_emit::program(&net, What::Grad, 1, &options, Precision::F32);
            let text = program.unwrap().to_text().unwrap();
            Subject::read(text).unwrap().kinks_are_followed().map_err(|error| error.to_string())
        };
        let message = said("").unwrap_err();
        let place = "what comes into relu_1 follows from global_avg_pool_1 (global_avg_pool)";
        assert!(message.contains(place), "{message}");
        assert!(message.contains("is [2, 1, 2, 3]; of means"), "{message}");
        assert!(message.contains("put a `reshape` to [4, 3] before it"), "{message}");
        assert_eq!(said("{ kind = 'reshape', shape = [4, 3] },"), Ok(()));
    }

    #[test]
    fn a_name_does_not_end_a_comment() {
        for name in ["a*)b", "(*", "(*)", "((**))", "\"*)\""] {
            let text = in_comment(name);
            assert!(!["(*", "*)", "\""].iter().any(|mark| text.contains(mark)), "{text}");
        }
        assert_eq!(in_comment("run-1/best.safetensors"), "run-1/best.safetensors");
    }

    #[test]
    fn inexact_values_are_told_by_their_words() {
        let text = crate::THEORIES.iter().find(|t| t.name == "MainAt").unwrap().text;
        assert!(text.contains(&format!("{INEXACT}\"")));
        assert_eq!(text.matches(UNDECIDED).count(), 3);
    }

    #[test]
    fn more_bits_are_tried_where_they_may_help() {
        let near = format!("a: entry [0] is within 2^-9 of 0, {UNDECIDED}");
        let none = format!("b: what comes into it {INEXACT}");
        let certain = String::from("a: entry [0] is 0");
        assert!(more_bits_may_help(&[near.clone(), none.clone()]));
        assert!(!more_bits_may_help(&[none]));
        assert!(!more_bits_may_help(&[near, certain]));
    }

    #[test]
    fn the_fraction_grows_with_the_depth() {
        let one = |shape: &[usize], is_param| {
            let shape = shape.into();
            Argument { number: 0, shape, data: &[], open: vec![], is_param }
        };
        let point = |layers: usize| -> Vec<Argument<'static>> {
            let params = (0..layers).flat_map(|_| [one(&[2, 2], true), one(&[2], true)]);
            params.chain([one(&[1, 2], false), one(&[1, 2], false)]).collect()
        };
        assert_eq!([1, 4, 5, 28].map(|layers| fraction(&point(layers))), [64, 64, 96, 256]);
    }

    #[test]
    fn many_problems_are_counted() {
        let problems: Vec<String> = (0..12).map(|k| format!("relu: entry [{k}] is 0")).collect();
        assert!(named(&problems).ends_with("relu: entry [9] is 0\nand 2 more"));
        assert_eq!(named(&problems[..1]), "relu: entry [0] is 0");
        let lost = format!("relu_2: what comes into it {INEXACT}");
        let twice = [problems[0].clone(), lost.clone(), lost.clone()];
        assert_eq!(named(&twice), "relu: entry [0] is 0");
        assert_eq!(named(&twice[1..]), lost);
    }
}
