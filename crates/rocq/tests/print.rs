//! What Rocq prints of a literal is the file, byte for byte. Needs `coqc`,
//! which `scripts/test.sh` installs.

use cotangent_graph::Precision;
use cotangent_rocq::{LiteralError, PREAMBLE, literal, print_commands};
use cotangent_stablehlo::ast::Operation;
use cotangent_stablehlo::{What, parse};
use cotangent_step::Optimizer;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

fn has(program: &str) -> bool {
    let version = Command::new(program).arg("--version").stdout(Stdio::null()).status();
    version.is_ok_and(|s| s.success())
}

/// Compiles `file.v` in `dir`, a copy of the theories beside it.
fn coqc(dir: &Path, file: &str) -> Output {
    Command::new("coqc")
        .args(["-q", "-Q", ".", "Cotangent", "-w", "-notation-overridden,-ambiguous-paths", file])
        .current_dir(dir)
        .output()
        .unwrap()
}

fn succeed(output: &Output) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The theories that printing needs, compiled.
fn theories() -> TempDir {
    let dir = TempDir::new().unwrap();
    for name in ["Ir.v", "Stablehlo.v", "Literals.v", "Printer.v", "Pieces.v"] {
        std::fs::copy(repository("proofs/theories").join(name), dir.path().join(name)).unwrap();
        succeed(&coqc(dir.path(), name));
    }
    dir
}

/// The text in Coq's output, as `proofs/unquote.awk` reads it.
fn unquote(file: &Path) -> Output {
    Command::new("awk").arg("-f").arg(repository("proofs/unquote.awk")).arg(file).output().unwrap()
}

/// What Rocq prints of each module of `texts`.
fn printed(texts: &[String]) -> Vec<Vec<u8>> {
    let dir = theories();
    let mut v = PREAMBLE.to_string() + "From Cotangent Require Import Pieces.\n";
    for (k, text) in texts.iter().enumerate() {
        let definition = literal("step", &parse(text).unwrap()).unwrap();
        let print = print_commands("step", &format!("case_{k}"));
        writeln!(v, "Module Case{k}.\n{definition}{print}End Case{k}.").unwrap();
    }
    std::fs::write(dir.path().join("Cases.v"), v).unwrap();
    succeed(&coqc(dir.path(), "Cases.v"));
    (0..texts.len())
        .map(|k| {
            let output = unquote(&dir.path().join(format!("case_{k}.out")));
            succeed(&output);
            output.stdout
        })
        .collect()
}

/// The steps of the two networks the proofs begin with.
fn steps() -> Vec<String> {
    let mut texts = Vec::new();
    for model in ["mnist-linear", "mnist-mlp"] {
        let net = cotangent_zoo::find(model).unwrap().spec().network().unwrap();
        for (batch, precision) in [(1, Precision::F64), (128, Precision::F32)] {
            let steps = [
                (What::Forward, "sgd"),
                (What::Grad, "sgd"),
                (What::Train, "sgd"),
                (What::Train, "momentum"),
                (What::Train, "adamw"),
            ];
            for (what, optimizer) in steps {
                let optimizer: Optimizer = optimizer.parse().unwrap();
                let program = cotangent_emit::program(
                    &net,
                    what,
                    batch,
                    &optimizer.clone().into(),
                    precision,
                )
                .unwrap();
                texts.push(program.to_text().unwrap());
            }
        }
    }
    texts
}

/// The text of every op that the proofs cover.
fn ops() -> Vec<String> {
    let dir = repository("crates/stablehlo/tests/ops");
    let texts = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path());
    let texts = texts.filter(|p| p.extension().is_some_and(|e| e == "mlir"));
    let covered = |text: &String| literal("step", &parse(text).unwrap()).is_ok();
    texts.map(|p| std::fs::read_to_string(p).unwrap()).filter(covered).collect()
}

/// Every form of attribute, and text that needs escapes.
const FORMS: &str = r#"module @forms attributes {a = "tab \09 \"quoted\" \\ caf\C3\A9\nnext", b = -3 : i64, c = array<i64>, d = array<i64: -1, 2>} {
  func.func public @main(%arg0: tensor<2x3xf64>, %arg1: tensor<i1> {cotangent.name = "p"}) -> (tensor<f64>, tensor<2x3xf64>) attributes {e = "x"} {
    %0 = stablehlo.constant dense<0xFFF0000000000000> : tensor<f64>
    %1 = stablehlo.reduce(%arg0 init: %0) applies stablehlo.maximum across dimensions = [0, 1] : (tensor<2x3xf64>, tensor<f64>) -> tensor<f64>
    %2 = stablehlo.constant dense<-1.25> : tensor<2x3xf64>
    %3 = stablehlo.constant dense<0x3FB999999999999A> : tensor<2x3xf64>
    %4 = stablehlo.constant dense<0.00390625> : tensor<2x3xf64>
    return %1, %2 : tensor<f64>, tensor<2x3xf64>
  }
  func.func private @nothing() {
    return
  }
}
"#;

#[test]
fn rocq_prints_the_file() {
    assert!(has("coqc"), "Coq is not installed: bash scripts/setup-coq.sh");
    let mut texts = steps();
    let ops = ops();
    assert!(ops.len() >= 20, "{} ops", ops.len());
    texts.extend(ops);
    texts.push(FORMS.into());
    for (text, printed) in texts.iter().zip(printed(&texts)) {
        assert_eq!(String::from_utf8_lossy(&printed), *text);
    }
}

/// The comparison can fail: a literal of another module is another text.
#[test]
fn another_module_prints_otherwise() {
    assert!(has("coqc"), "Coq is not installed: bash scripts/setup-coq.sh");
    let file = repository("crates/stablehlo/tests/ops/subtract.mlir");
    let original = std::fs::read_to_string(file).unwrap();
    let changed = [
        original.replace("%arg0, %arg1 :", "%arg1, %arg0 :"),
        original.replace("\"data\"", "\"hyper\""),
        original.replace("subtract", "add"),
    ];
    for printed in printed(&changed) {
        assert_ne!(String::from_utf8_lossy(&printed), original);
    }
    let file = repository("crates/stablehlo/tests/ops/conv_input_grad_2.mlir");
    let original = std::fs::read_to_string(file).unwrap();
    let changed = [
        original.replace("pad = [[1, 2]", "pad = [[2, 1]"),
        original.replace("lhs_dilate = [2, 2]", "lhs_dilate = [2, 1]"),
        original.replace("x[0, 1, o, i]", "x[1, 0, o, i]"),
        original.replace("batch_group_count = 1", "batch_group_count = 2"),
        original.replace("dims = [0, 1] :", "dims = [1, 0] :"),
    ];
    for (changed, printed) in changed.iter().zip(printed(&changed)) {
        assert_ne!(*changed, original);
        assert_ne!(String::from_utf8_lossy(&printed), original);
    }
}

#[test]
fn output_cut_short_is_refused() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("cut.out");
    std::fs::write(&file, "     = [:: \"module\"; \"  func").unwrap();
    assert!(!unquote(&file).status.success());
    std::fs::write(&file, "     = [:: \"module\"; \"  func\"").unwrap();
    assert!(!unquote(&file).status.success());
    std::fs::write(
        &file,
        "     = [:: [:: \"a \"\"b\"\"\"; \"\n\"]; [:: \"\"; \"\"\"c\n\"]]\n     : seq (seq string)\n",
    )
    .unwrap();
    assert_eq!(unquote(&file).stdout, b"a \"b\"\n\"c\n");
}

/// No module that was read from a file has lists of different lengths.
#[test]
fn uncovered_ops_are_named() {
    let text = std::fs::read_to_string(repository("crates/stablehlo/tests/ops/pad_interior.mlir"));
    let mut module = parse(&text.unwrap()).unwrap();
    for instruction in &mut module.functions[0].body {
        if let Operation::Pad(pad) = &mut instruction.operation {
            pad.high.pop();
        }
    }
    let error = literal("step", &module).unwrap_err();
    let expected =
        LiteralError::Uncovered { function: "main".into(), index: 1, op: "stablehlo.pad" };
    assert_eq!(error, expected);
    assert_eq!(error.to_string(), "@main, instruction 1: the proofs do not cover stablehlo.pad");
}
