//! The directory that a certificate is.

use crate::library::write_theories;
use crate::spec::{specification, specification_in_parts, train};
use crate::{ProveError, THEORIES};
use cotangent_graph::Precision;
use cotangent_net::Network;
use cotangent_rocq::{PREAMBLE, literal, print_commands};
use cotangent_stablehlo::{Program, What, parse};
use cotangent_step::StepOptions;
use std::fs;
use std::path::{Path, PathBuf};

/// What turns Coq's output into text; carried beside the theories.
const UNQUOTE: &str = include_str!("../../../proofs/unquote.awk");

/// Letters of a network's name in file names, which may have 255.
const LONGEST_NAME: usize = 100;

/// The options by which a file says that its gradients are those of evaluation.
const EVALUATION: &str = "evaluation";

/// What a certificate is about: a file, and what its author says it is.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The network, from the module's own attribute.
    pub network: Network,
    /// What `@main` computes.
    pub what: What,
    /// Batch size.
    pub batch: usize,
    /// The options of a train step.
    pub options: Option<StepOptions>,
    /// Element type.
    pub precision: Precision,
    /// The file's text.
    pub text: String,
    /// Instructions of `@main`.
    pub instructions: usize,
}

impl Subject {
    /// Reads what the file says it is.
    ///
    /// # Errors
    /// It is not StableHLO of ours, or does not say what it was made from.
    pub fn read(text: String) -> Result<Self, ProveError> {
        let module = parse(&text)?;
        let program = Program::from_text(&text)?;
        let meta = program.meta;
        let spec = meta.spec.ok_or(ProveError::Attribute { name: "cotangent.spec" })?;
        let network = cotangent_net::NetSpec::from_toml(&spec)
            .and_then(|spec| spec.network())
            .map_err(|error| ProveError::Spec { error: error.to_string() })?;
        if meta.model != network.spec().name {
            let spec = network.spec().name.clone();
            return Err(ProveError::Model { model: meta.model, spec });
        }
        if meta.what == What::Grad && meta.options.as_deref() == Some(EVALUATION) {
            let frozen = match (network.stats().is_empty(), network.masks().is_empty()) {
                (true, true) => None,
                (false, true) => Some("the running statistics"),
                (true, false) => Some("no masks"),
                (false, false) => Some("the running statistics and no masks"),
            };
            if let Some(frozen) = frozen {
                return Err(ProveError::Evaluation { frozen });
            }
        }
        let options = match (meta.what, meta.options) {
            (What::Train, None) => return Err(ProveError::Attribute { name: "cotangent.options" }),
            (What::Train, Some(text)) => {
                let parsed = text.parse::<StepOptions>();
                Some(parsed.map_err(|error| ProveError::Options { error })?)
            }
            _ => None,
        };
        let main = module.functions.iter().find(|f| f.public);
        Ok(Subject {
            network,
            what: meta.what,
            batch: meta.batch,
            options,
            precision: program.precision,
            text,
            instructions: main.map_or(0, |f| f.body.len()),
        })
    }

    /// The Rocq term of type `options`.
    fn options(&self) -> Result<String, ProveError> {
        let what = match (self.what, &self.options) {
            (What::Train, Some(o)) => format!("(Train {})", train(o, self.precision)?),
            (What::Grad, _) => "Grad".into(),
            (What::Forward, _) => "Forward".into(),
            (other, _) => return Err(ProveError::What { what: other.name() }),
        };
        Ok(format!("Options {} {what}", self.batch))
    }

    /// The certificate's name, a Rocq identifier and the stem of a file.
    pub fn module(&self) -> String {
        let name = self.network.spec().name.chars().take(LONGEST_NAME);
        let plain = name.map(|c| if c.is_ascii_alphanumeric() { c } else { '_' });
        format!("Cert_{}", plain.collect::<String>())
    }

    /// The text of `Step.v`: the file as a Rocq term.
    pub fn step(&self) -> Result<String, ProveError> {
        let module = parse(&self.text)?;
        Ok(format!(
            "(** The file step.mlir as data; [Pieces.v] prints it back to its bytes. *)\n{PREAMBLE}\n{}",
            literal("the_step", &module)?
        ))
    }

    /// The specification and the options as the certificate states them.
    ///
    /// # Errors
    /// Something the proofs do not cover.
    pub fn stated(&self) -> Result<String, ProveError> {
        let spec = specification(&self.network, self.precision)?;
        let options = self.options()?;
        Ok(format!("the_spec := {spec}\n\nthe_options := {options}"))
    }

    /// The text of the certificate.
    pub fn certificate(&self) -> Result<String, ProveError> {
        let (parts, spec) = specification_in_parts(&self.network, self.precision)?;
        let parts: String = parts.iter().map(|part| format!("{part}\n\n")).collect();
        Ok(CERTIFICATE
            .replace("@PARTS@", &parts)
            .replace("@SPEC@", &spec)
            .replace("@OPTIONS@", &self.options()?))
    }
}

const CERTIFICATE: &str = r#"(** The certificate of the step in step.mlir, which Step.v holds as data.

    [certified], in Certified.v, says in words what is certified. *)
From mathcomp Require Import all_ssreflect.
From Coq Require Import NArith ZArith String.
From Cotangent Require Import Ir Stablehlo Spec Optimizer Main.
Local Open Scope N_scope.

@PARTS@Definition the_spec : spec := @SPEC@.

Definition the_options : options := @OPTIONS@.

Definition the_kinks : seq kink := Eval vm_compute in kinks_of the_spec.

(** It defines [the_step]. *)
Load Step.

Theorem checked : check the_spec the_options the_step the_kinks = true.
Proof. vm_cast_no_check (erefl true). Qed.

Theorem cert : certified the_spec the_options the_step the_kinks.
Proof. exact: check_sound checked. Qed.
"#;

/// The file that Coq compiles: it loads the certificate, and asks about it. What
/// the theorem rests on is what [`crate::Library::axioms`] says, and what
/// `checked` adds to it.
fn report(module: &str) -> String {
    format!(
        "Load {module}.\n\
         From mathcomp Require Import all_ssreflect.\n\
         From Coq Require Import String.\n\
         From Cotangent Require Import Stablehlo Pieces Main.\n\
         Local Open Scope string_scope.\n\
         Set Printing Width 100000.\n\
         Set Printing Depth 1000000.\n\
         Redirect \"kinks\" Eval vm_compute in [seq kink_text k | k <- the_kinks].\n\
         Definition final : Cotangent.Certified.certified the_spec the_options the_step the_kinks :=\n\
         \x20 Cotangent.Main.check_sound checked.\n\
         Redirect \"statement\" Check final.\n\
         Redirect \"added\" Print Assumptions checked.\n\
         {}",
        print_commands("the_step", "step")
    )
}

/// Re-checks a certificate with Coq alone.
fn script(module: &str) -> String {
    let theories: Vec<&str> = THEORIES.iter().map(|theory| theory.name).collect();
    CHECK
        .replace("@THEORIES@", &theories.join(" "))
        .replace("@MODULE@", module)
        .replace("@PRINT@", &print_commands("Report.the_step", "step"))
}

/// What counts is what Coq is asked in the end. Those texts are the script's, not the
/// certificate's, of which nothing is imported: no notation from elsewhere reaches the
/// answers, and what was answered before is gone. Coq goes through every proof of ours and
/// of the libraries.
const CHECK: &str = r#"#!/bin/sh
# Checks the certificate with Coq 8.16 and MathComp-Analysis 0.6.0, and nothing else.
# THEORIES=DIR uses theories compiled before, which you then trust to be these.
set -eu
unset COQPATH
# Long chains are deep terms.
ulimit -S -s 1048576 2>/dev/null || ulimit -S -s "$(ulimit -H -s)" 2>/dev/null || true
if [ -n "${THEORIES:-}" ]; then
    [ -e "$THEORIES/Main.vo" ] || {
        echo "check.sh: THEORIES=$THEORIES: no compiled Main.v is there; leave THEORIES out, or compile: make -C proofs" >&2
        exit 1
    }
    THEORIES=$(cd "$THEORIES" && pwd)
fi
cd "$(dirname "$0")"
here=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
compile() { coqc -q -noglob -w -notation-overridden,-ambiguous-paths,-spurious-ssr-injection "$@"; }
cp Step.v @MODULE@.v Report.v "$work"
cp step.mlir unquote.awk "$work"
if [ -z "${THEORIES:-}" ]; then
    cp -r theories "$work/theories"
    rm -f "$work"/theories/*.vo
    THEORIES=$work/theories
    for theory in @THEORIES@; do
        echo "check.sh: $theory"
        (cd "$THEORIES" && compile -Q . Cotangent $theory.v)
    done
fi
cd "$work"
compile -Q "$THEORIES" Cotangent Report.v
if [ -e "$here/At.v" ]; then
    cp "$here"/Point*.v "$here/At.v" .
    for file in Point?*.v At.v; do
        compile -Q "$THEORIES" Cotangent "$file"
    done
fi
# What counts is what these texts are told, not what was said before.
rm -f ./*.out
cat >Audit.v <<'END'
From Cotangent Require Import Stablehlo Literals Pieces Main.
Require Report.
Set Printing Width 100000.
Definition final : Cotangent.Certified.certified
  Report.the_spec Report.the_options Report.the_step Report.the_kinks := Report.final.
Redirect "statement" Check final.
@PRINT@END
compile -Q "$THEORIES" Cotangent Audit.v
awk -f unquote.awk step.out >printed.mlir
cmp printed.mlir step.mlir
audits=Audit
all=Audit.final
if [ -e At.vo ]; then
    cat >AuditAt.v <<'END'
From Cotangent Require Import Stablehlo MainAt.
Require Report At.
Set Printing Width 100000.
Definition final : Cotangent.CertifiedAt.certified_at Report.the_spec Report.the_options
  Report.the_step At.the_point := At.cert_at.
Redirect "statement_at" Check final.
END
    compile -Q "$THEORIES" Cotangent AuditAt.v
    audits="Audit AuditAt"
    all="(Audit.final, AuditAt.final)"
fi
cat >Axioms.v <<END
Require $audits.
Definition all := $all.
Redirect "axioms" Print Assumptions all.
END
compile -Q "$THEORIES" Cotangent Axioms.v
grep -q -e '^Axioms:' -e '^Closed under the global context' axioms.out || {
    echo "check.sh: Coq did not say what the certificate rests on" >&2
    exit 1
}
# Whatever begins a line of Coq's answer is an axiom.
others=$(sed -n 's/^\([^ ][^ :]*\).*/\1/p' axioms.out | grep -vx \
    -e Axioms -e Closed \
    -e 'boolp\.propositional_extensionality' \
    -e 'boolp\.functional_extensionality_dep' \
    -e 'boolp\.constructive_indefinite_description' || true)
[ -z "$others" ] || {
    echo "check.sh: the certificate rests on" $others >&2
    exit 1
}
cat statement*.out axioms.out
echo "certified: step.mlir"
"#;

fn readme(subject: &Subject) -> String {
    format!(
        "`{}.v` proves that `step.mlir` is the {} step of the network it states; `theories/Certified.v` says what that means.\n\
         Check it again with Coq 8.16 and MathComp-Analysis 0.6.0 alone: `sh check.sh`. It compiles \
         the theories first, for some minutes; `THEORIES=DIR sh check.sh` takes compiled ones.\n",
        subject.module(),
        subject.what.name()
    )
}

/// A directory that holds a certificate, checked or not.
#[derive(Debug, Clone)]
pub struct Directory {
    /// Where.
    pub path: PathBuf,
    /// Name of the certificate's Rocq module.
    pub module: String,
}

impl Directory {
    /// Writes the certificate of `subject` into `path`, which must be empty
    /// or absent.
    ///
    /// # Errors
    /// The directory holds something, or cannot be written; the file has
    /// something the proofs do not cover.
    pub fn write(subject: &Subject, path: &Path) -> Result<Self, ProveError> {
        let io = |at: &Path| {
            let path = at.to_path_buf();
            move |error| ProveError::Io { path, error }
        };
        let module = subject.module();
        // First: its errors name layers, not instructions.
        let certificate = subject.certificate()?;
        let files = [
            ("step.mlir".into(), subject.text.clone()),
            ("Step.v".into(), subject.step()?),
            (format!("{module}.v"), certificate),
            ("Report.v".into(), report(&module)),
            ("unquote.awk".into(), UNQUOTE.into()),
            ("check.sh".into(), script(&module)),
            ("README.md".into(), readme(subject)),
        ];
        fs::create_dir_all(path).map_err(io(path))?;
        if fs::read_dir(path).map_err(io(path))?.next().is_some() {
            return Err(ProveError::NotEmpty { path: path.to_path_buf() });
        }
        for (name, text) in files {
            let file = path.join(name);
            fs::write(&file, text).map_err(io(&file))?;
        }
        let theories = path.join("theories");
        fs::create_dir(&theories).map_err(io(&theories))?;
        write_theories(&theories)?;
        Ok(Directory { path: path.to_path_buf(), module })
    }
}
