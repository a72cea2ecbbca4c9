//! `prove`: certificates, their second check by Coq alone, and refusals.
//! Coq has to be installed, and the theories compiled (`make -C proofs`).

use crate::common::{THEORIES, command, fails, ok, with_data};
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const SMALL: &str = "name = \"small\"\ninput = [2, 3, 1]\nlayers = [
  { kind = \"flatten\" }, { kind = \"dense\", features = 4 }, { kind = \"relu\", name = \"bend\" },
  { kind = \"dense\", features = 3, bias = false } ]\n";

pub fn json(dir: &Path, args: &[&str]) -> Value {
    serde_json::from_str(&ok(dir, args)).unwrap()
}

fn small() -> TempDir {
    let dir = TempDir::new().unwrap();
    std::fs::write(dir.path().join("small.toml"), SMALL).unwrap();
    dir
}

/// `prove`, whose kinks, from Coq, are those that `show` announces.
fn prove(dir: &Path, model: &str, args: &[&str]) -> Value {
    let report = json(dir, &[&["prove", model, "--json"], args].concat());
    let shown = json(dir, &["show", model, "--json"]);
    assert_eq!(shown["kinks"], report["kinks"]);
    assert_eq!(shown["uncovered"], Value::Null);
    report
}

/// The command with other surroundings.
fn with(dir: &Path, args: &[&str], name: &str, value: &str) -> Output {
    command(dir, args).env(name, value).output().unwrap()
}

/// As it trains; its other steps are certified in `crates/prove/tests/certificates`.
fn certifies(model: &str, kinks: &[&str]) {
    let dir = TempDir::new().unwrap();
    let report = prove(dir.path(), model, &[]);
    let found = report["kinks"].as_array().unwrap();
    let layers: Vec<&str> = found.iter().map(|k| k["layer"].as_str().unwrap()).collect();
    assert_eq!(layers, kinks);
    let theorem = report["theorem"].as_str().unwrap();
    assert!(theorem.contains("certified the_spec the_options the_step the_kinks"), "{theorem}");
    assert!(report["axioms"].as_array().unwrap().len() <= 3, "{report}");
    assert_eq!(report["sha256"].as_str().unwrap().len(), 64);
}

#[test]
fn mnist_linear_as_it_trains() {
    certifies("mnist-linear", &[]);
}

#[test]
fn mnist_mlp_as_it_trains() {
    certifies("mnist-mlp", &["relu_1", "relu_2"]);
}

#[test]
fn mnist_cnn_as_it_trains() {
    certifies("mnist-cnn", &["relu_1", "relu_2", "max_pool_1", "relu_3"]);
}

#[test]
fn a_net_of_ones_own_in_words_and_checked_again() {
    let dir = small();
    let text = ok(dir.path(), &["prove", "small.toml", "--recheck", "--out", "c"]);
    for part in [
        "small: certified",
        "bend (relu): ",
        "coqchk",
        "propositional_extensionality",
        "sh c/check.sh",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    // No derivative, no condition.
    let text = ok(dir.path(), &["prove", "small.toml", "--what", "forward"]);
    assert!(text.contains("The theorem has no premise") && !text.contains("bend ("), "{text}");
    // Elsewhere, with nothing but Coq and the theories.
    let moved = dir.path().join("moved");
    std::fs::rename(dir.path().join("c"), &moved).unwrap();
    let check = || {
        let mut command = Command::new("sh");
        command.arg("check.sh").current_dir(&moved).env("THEORIES", THEORIES).output().unwrap()
    };
    let output = check();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // A theorem about another network, from axioms of whatever names.
    let certificate = moved.join("Cert_small.v");
    let honest = std::fs::read_to_string(&certificate).unwrap();
    let (definitions, theorems) = honest.split_once("Theorem checked").unwrap();
    let axioms = ["bad1", "bad'", "_bad", "my_propositional_extensionality"];
    let declared: String = axioms.map(|axiom| format!("Axiom {axiom} : False.\n")).concat();
    let all = axioms.iter().rev().fold(String::from("I"), |rest, a| format!("(conj {a} {rest})"));
    let cases = format!("by case: (proj1 {all})");
    let forged = definitions.replace("Dense 4", "Dense 77")
        + &declared
        + "Theorem checked"
        + &theorems.replace("vm_cast_no_check (erefl true)", &cases);
    std::fs::write(&certificate, forged).unwrap();
    let output = check();
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    let said = "check.sh: the certificate rests on ";
    let named = message.lines().find_map(|line| line.strip_prefix(said)).expect(&message);
    let named: BTreeSet<&str> = named.split(' ').collect();
    let axioms = axioms.map(|axiom| format!("Report.{axiom}"));
    let axioms: BTreeSet<&str> = axioms.iter().map(String::as_str).collect();
    assert!(!output.status.success() && named == axioms, "{message}");
    // Another theorem under the same words.
    let other = definitions.to_string()
        + "Definition certified (a : spec) (b : options) (c : module) (d : seq kink) := True.\n\
           Theorem cert : certified the_spec the_options the_step the_kinks.\nProof. exact: I. Qed.\n";
    std::fs::write(&certificate, other).unwrap();
    assert!(!check().status.success());
    // Notations by which the theorem is about one step and another is printed.
    let file = moved.join("step.mlir");
    let step = std::fs::read_to_string(&file).unwrap();
    let two = honest.clone()
        + "From Cotangent Require Import Literals.\nDefinition honest := the_step.\n\
           Definition forged := Module \"forged\" (m_attributes the_step) (m_functions the_step).\n\
           Notation \"'the_step'\" := honest : string_scope.\n\
           Notation \"'the_step'\" := forged : piece_scope.\n";
    let renamed = step.replacen("module @train", "module @forged", 1);
    assert!(renamed != step);
    std::fs::write(&file, renamed).unwrap();
    std::fs::write(&certificate, two).unwrap();
    let output = check();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!output.status.success() && said.contains("differ"), "{said}");
    // One byte of the file.
    std::fs::write(&certificate, honest).unwrap();
    std::fs::write(&file, step.replacen("%0", "%1", 1)).unwrap();
    assert!(!check().status.success());
}

#[test]
fn an_emitted_file_is_certified_as_it_is() {
    let dir = small();
    ok(dir.path(), &["emit", "small.toml", "--batch", "3", "-o", "f.mlir"]);
    let report = json(dir.path(), &["prove", "f.mlir", "--json"]);
    let copied = std::fs::read(dir.path().join(report["file"].as_str().unwrap())).unwrap();
    assert_eq!(copied, std::fs::read(dir.path().join("f.mlir")).unwrap());
    let message = fails(dir.path(), &["prove", "f.mlir", "--batch", "4"]);
    assert!(message.contains("--batch"), "{message}");
}

#[test]
fn a_tampered_file_is_refused_and_the_place_is_named() {
    let dir = small();
    ok(dir.path(), &["emit", "small.toml", "--optimizer", "sgd", "--batch", "3", "-o", "f.mlir"]);
    let text = std::fs::read_to_string(dir.path().join("f.mlir")).unwrap();
    let tampered = text.replacen("stablehlo.subtract", "stablehlo.add", 1);
    assert_ne!(tampered, text);
    std::fs::write(dir.path().join("f.mlir"), tampered).unwrap();
    let message = fails(dir.path(), &["prove", "f.mlir", "--out", "c"]);
    assert!(message.contains("not certified"), "{message}");
    // In StableHLO, types too: what is there, and what was emitted.
    let of = |op: &str| {
        let line = text.lines().find(|l| l.contains("stablehlo.subtract")).unwrap();
        line.trim().replace("stablehlo.subtract", op).split_whitespace().collect::<String>()
    };
    let plain = message.replace("│", "").split_whitespace().collect::<String>();
    let (found, expected) = (of("stablehlo.add"), of("stablehlo.subtract"));
    assert!(plain.contains(&format!("found{found}expected{expected}")), "{message}");
    // The changed instruction comes first, though what it computes the step has too, so that
    // another one does not match; what is missing is not said of that one.
    let product = text.lines().find(|l| l.contains("stablehlo.multiply %11, %8")).unwrap();
    let copy =
        "    %12 = stablehlo.broadcast_in_dim %10, dims = [0] : (tensor<3xf32>) -> tensor<3x3xf32>";
    std::fs::write(dir.path().join("f.mlir"), text.replacen(product, copy, 1)).unwrap();
    let message = fails(dir.path(), &["prove", "f.mlir", "--out", "c"]);
    let plain = message.replace("│", "").split_whitespace().collect::<Vec<_>>().join(" ");
    let inner = |line: &str| line.trim().to_string();
    for part in [
        "not certified: the first instruction that is not as `cotangent emit` writes it, in line 15:",
        &format!("found {} expected {}", inner(copy), inner(product)),
        "`%13 = stablehlo.subtract %12, %arg4` does not match missing: multiply %8, %11, of shape",
    ] {
        assert!(plain.contains(part), "{part}: {plain}");
    }
    // What is refused leaves nothing.
    let entries = std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name());
    let left: Vec<_> = entries
        .filter(|name| !["small.toml", "f.mlir", "f.json"].map(Into::into).contains(name))
        .collect();
    assert!(left.is_empty(), "{left:?}");
    // A file that is of another network by its own word.
    std::fs::write(
        dir.path().join("f.mlir"),
        text.replacen("cotangent.model = \"small\"", "cotangent.model = \"large\"", 1),
    )
    .unwrap();
    let message = fails(dir.path(), &["prove", "f.mlir"]);
    assert!(message.contains("`large`") && message.contains("`small`"), "{message}");
}

/// The change may be in a private function, which `@main` calls as before.
#[test]
fn the_changed_line_of_a_private_function_is_named() {
    let dir = small();
    let net = "name = 'c'\ninput = [4, 4, 2]\nlayers = [{ kind = 'conv2d', features = 2, kernel = 3, \
               padding = 'same' }, { kind = 'flatten' }, { kind = 'dense', features = 2 }]";
    std::fs::write(dir.path().join("c.toml"), net).unwrap();
    ok(dir.path(), &["emit", "c.toml", "--optimizer", "sgd", "--batch", "2", "-o", "c.mlir"]);
    let text = std::fs::read_to_string(dir.path().join("c.mlir")).unwrap();
    let (main, private) = text.split_at(text.find("func.func private @conv_kernel_grad").unwrap());
    let line = main.lines().count();
    let changed = private.replacen("pad = [[1, 1], [1, 1]]", "pad = [[2, 0], [1, 1]]", 1).replacen(
        "padding_high = array<i64: 1, 1>",
        "padding_high = array<i64: 0, 1>",
        1,
    );
    assert!(changed.contains("[2, 0]") && changed.contains("i64: 0, 1"));
    std::fs::write(dir.path().join("c.mlir"), format!("{main}{changed}")).unwrap();
    let message = fails(dir.path(), &["prove", "c.mlir", "--out", "c"]);
    let plain = message.replace("│", "").split_whitespace().collect::<Vec<_>>().join(" ");
    let expected = format!(
        "the first line that is not as `cotangent emit` writes it, in line {line}: found func"
    );
    assert!(plain.contains(&expected), "{message}");
}

#[test]
fn what_cannot_be_proved_says_why() {
    let dir = small();
    std::fs::create_dir(dir.path().join("full")).unwrap();
    std::fs::write(dir.path().join("full/mine"), "mine").unwrap();
    let full = fails(dir.path(), &["prove", "small.toml", "--out", "full"]);
    assert!(full.contains("not empty"), "{full}");
    assert_eq!(std::fs::read_to_string(dir.path().join("full/mine")).unwrap(), "mine");
    std::fs::write(dir.path().join("bad.mlir"), "not StableHLO").unwrap();
    let bad = fails(dir.path(), &["prove", "bad.mlir"]);
    assert!(bad.contains("bad.mlir: line 1"), "{bad}");
    let missing = fails(dir.path(), &["prove", "no-such.mlir"]);
    assert!(missing.contains("no-such.mlir"), "{missing}");
    let forward =
        fails(dir.path(), &["prove", "small.toml", "--what", "forward", "--optimizer", "sgd"]);
    assert!(forward.contains("--optimizer: a forward step has no optimizer"), "{forward}");
    let none = with(dir.path(), &["prove", "small.toml"], "COQBIN", "/no/such/place");
    let message = String::from_utf8_lossy(&none.stderr);
    let place = "COQBIN=/no/such/place: no coqc";
    assert!(!none.status.success() && message.contains(place), "{message}");
    let none = with(dir.path(), &["prove", "small.toml"], "PATH", "/no/such/place");
    let message = String::from_utf8_lossy(&none.stderr);
    assert!(!none.status.success() && message.contains("install it: "), "{message}");
    let other = with(dir.path(), &["prove", "small.toml"], "COTANGENT_PROOFS", "/no/such/place");
    assert!(!other.status.success());
}

/// Gradients with frozen statistics are others than the proofs are of.
#[test]
fn gradients_of_evaluation_are_refused_where_they_differ() {
    let dir = small();
    let emit = |net: &str| {
        let args = ["--what", "grad", "--mode", "evaluation", "--batch", "2", "-o", "f.mlir"];
        ok(dir.path(), &[&["emit", net], &args[..]].concat());
    };
    for (kind, frozen) in [("batch_norm", "the running statistics;"), ("dropout", "no masks;")] {
        let net = format!(
            "name = \"n\"\ninput = [2]\nlayers = [{{ kind = \"{kind}\" }}, {{ kind = \"dense\", features = 3 }}]\n"
        );
        std::fs::write(
            dir.path().join("n.toml"),
            net.replace("dropout\"", "dropout\", rate = 0.5"),
        )
        .unwrap();
        emit("n.toml");
        let message = fails(dir.path(), &["prove", "f.mlir"]);
        let message = message.replace("│", "").split_whitespace().collect::<Vec<_>>().join(" ");
        for part in ["f.mlir: the file says \"evaluation\"", frozen, "emit it with --mode training"]
        {
            assert!(message.contains(part), "{part}: {message}");
        }
    }
    emit("small.toml");
    ok(dir.path(), &["prove", "f.mlir"]);
}

/// Clipping, moving averages, accumulation, parameters that the decay spares.
#[test]
fn a_step_with_features() {
    let dir = small();
    let all = "--optimizer lamb --wd 0.1 --clip 0.5 --ema 0.99 --accumulate 4 \
               --no-decay bias-and-norm";
    for (flags, said) in
        [("--optimizer sgd --accumulate 2", "accumulate := Some"), (all, "spared := true")]
    {
        let mut args = vec!["prove", "small.toml", "--batch", "2", "--json"];
        args.extend(flags.split_whitespace());
        let report = json(dir.path(), &args);
        assert!(report["theorem"].as_str().unwrap().contains(said), "{flags}: {report}");
    }
}

/// Running statistics that two uses of a sub-network update in turn.
#[test]
fn a_net_with_shared_statistics() {
    let dir = TempDir::new().unwrap();
    let net = "name = \"s\"\ninput = [4, 4, 1]\nlayers = [
      { kind = \"batch_norm\" }, { kind = \"use\", net = \"lens\" },
      { kind = \"use\", net = \"lens\" } ]\n[shared]
lens = [{ kind = \"conv2d\", features = 1, kernel = 2 }, { kind = \"batch_norm\" }]\n";
    std::fs::write(dir.path().join("s.toml"), net).unwrap();
    let report = json(dir.path(), &["prove", "s.toml", "--batch", "2", "--json"]);
    assert!(report["theorem"].as_str().unwrap().contains("Again 2 2"), "{report}");
}

/// A transposed convolution in a file that says another padding.
#[test]
fn a_net_with_transposed_convolutions() {
    let dir = TempDir::new().unwrap();
    let net = "name = \"t\"\ninput = [2, 3, 2]\nlayers = [
      { kind = \"conv_transpose2d\", features = 2, kernel = 2, padding = \"same\" },
      { kind = \"global_avg_pool\" }, { kind = \"dense\", features = 2 } ]\n";
    std::fs::write(dir.path().join("t.toml"), net).unwrap();
    ok(dir.path(), &["emit", "t.toml", "--batch", "2", "-o", "f.mlir"]);
    let text = std::fs::read_to_string(dir.path().join("f.mlir")).unwrap();
    // The file says that it is of another network, whose shapes are the same.
    let tampered = text.replacen("padding = \\\"same\\\"", "padding = [[1, 0], [1, 0]]", 1);
    assert_ne!(tampered, text);
    std::fs::write(dir.path().join("f.mlir"), tampered).unwrap();
    let message = fails(dir.path(), &["prove", "f.mlir"]);
    assert!(message.contains("not certified"), "{message}");
}

/// A file in which an image is enlarged by other weights.
#[test]
fn a_net_that_interpolates() {
    let dir = TempDir::new().unwrap();
    let net = "name = \"b\"\ninput = [1, 3, 1]\nlayers = [
      { kind = \"upsample\", scale = [3, 4], method = \"bilinear\" },
      { kind = \"flatten\" }, { kind = \"dense\", features = 2 } ]\n";
    std::fs::write(dir.path().join("b.toml"), net).unwrap();
    ok(dir.path(), &["emit", "b.toml", "--batch", "2", "-o", "f.mlir"]);
    let text = std::fs::read_to_string(dir.path().join("f.mlir")).unwrap();
    let tampered = text.replacen("dense<0.875>", "dense<0.75>", 1);
    assert_ne!(tampered, text);
    std::fs::write(dir.path().join("f.mlir"), tampered).unwrap();
    let message = fails(dir.path(), &["prove", "f.mlir"]);
    assert!(message.contains("not certified"), "{message}");
}

/// A file in which a token may look at later ones.
#[test]
fn a_net_that_attends() {
    let dir = TempDir::new().unwrap();
    let net = "name = \"a\"\ninput = [3, 4]\nlayers = [
      { kind = \"transformer_block\", heads = 2, mlp = 3, causal = true },
      { kind = \"select_token\", index = 2 }, { kind = \"dense\", features = 2 } ]\n";
    std::fs::write(dir.path().join("a.toml"), net).unwrap();
    ok(dir.path(), &["emit", "a.toml", "--batch", "2", "-o", "f.mlir"]);
    let text = std::fs::read_to_string(dir.path().join("f.mlir")).unwrap();
    let tampered = text.replace("dense<-1000000000.0>", "dense<-1.0>");
    assert_ne!(tampered, text);
    std::fs::write(dir.path().join("f.mlir"), tampered).unwrap();
    let message = fails(dir.path(), &["prove", "f.mlir"]);
    assert!(message.contains("not certified"), "{message}");
}

/// The run keeps the certificate of the very step it executes; a network that
/// is not covered, or a step that cannot be certified, is not trained.
#[test]
fn training_begins_with_a_certificate() {
    let dir = small();
    let net = "name = \"d\"\ninput = [28, 28, 1]\nlayers = [{ kind = \"flatten\" }, { kind = \"dense\", features = 10 }]\n";
    std::fs::write(dir.path().join("d.toml"), net).unwrap();
    let train = ["train", "d.toml", "--data", "synthetic", "--epochs", "1", "--run-dir", "run"];
    ok(dir.path(), &[&train[..], &["--prove", "--quiet"]].concat());
    let run = dir.path().join("run");
    let read = |path: &str| std::fs::read(run.join(path)).unwrap();
    assert_eq!(read("certificate/step.mlir"), read("step.mlir"));
    let checked = Command::new("sh")
        .arg(run.join("certificate/check.sh"))
        .env("THEORIES", THEORIES)
        .output()
        .unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    ok(dir.path(), &["train", "--resume", "run", "--quiet"]);

    let none =
        with(dir.path(), &[&train[..7], &["other", "--prove"]].concat(), "PATH", "/nonexistent");
    assert!(!none.status.success() && !dir.path().join("other").exists());
    let left: Vec<_> =
        std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(
        !left.iter().any(|name| name.to_string_lossy().starts_with(".certificate")),
        "{left:?}"
    );
}

/// A file with another loss than it says.
#[test]
fn a_net_with_another_loss() {
    let dir = TempDir::new().unwrap();
    let net = "name = \"l\"\ninput = [3, 2, 1]\nloss = \"binary_cross_entropy_with_logits\"\n\
               layers = [{ kind = \"conv2d\", features = 3, kernel = 1 }]\n";
    std::fs::write(dir.path().join("pixels.toml"), net).unwrap();
    ok(dir.path(), &["emit", "pixels.toml", "--what", "grad", "--batch", "2", "-o", "f.mlir"]);
    let text = std::fs::read_to_string(dir.path().join("f.mlir")).unwrap();
    let other = text.replacen("binary_cross_entropy_with_logits", "mean_squared_error", 1);
    assert_ne!(other, text);
    std::fs::write(dir.path().join("f.mlir"), other).unwrap();
    let message = fails(dir.path(), &["prove", "f.mlir"]);
    assert!(message.contains("not certified"), "{message}");
}

/// Masks of elements and of examples: arguments of the steps that train, absent
/// in the forward pass; a rate of 0 has none.
#[test]
fn a_net_with_masks() {
    let dir = TempDir::new().unwrap();
    let net = "name = \"m\"\ninput = [3, 2, 1]\nlayers = [
      { kind = \"conv2d\", features = 2, kernel = 1 }, { kind = \"dropout\", rate = 0.25 },
      { kind = \"residual\", layers = [
        { kind = \"tanh\" }, { kind = \"batch_norm\" }, { kind = \"drop_path\", rate = 0.1 } ] },
      { kind = \"flatten\" }, { kind = \"dropout\", rate = 0 }, { kind = \"dense\", features = 3 },
      { kind = \"dropout\", rate = 0.5 }, { kind = \"dense\", features = 2 } ]\n";
    std::fs::write(dir.path().join("m.toml"), net).unwrap();
    for (what, masks) in [("forward", 0), ("grad", 3), ("train", 3)] {
        ok(dir.path(), &["emit", "m.toml", "--what", what, "--batch", "2", "-o", "f.mlir"]);
        let text = std::fs::read_to_string(dir.path().join("f.mlir")).unwrap();
        assert_eq!(text.matches("cotangent.role = \"mask\"").count(), masks, "{what}");
    }
    // A mask under another name.
    ok(dir.path(), &["emit", "m.toml", "--what", "grad", "--batch", "2", "-o", "f.mlir"]);
    let text = std::fs::read_to_string(dir.path().join("f.mlir")).unwrap();
    let other = text.replace("\"dropout_1.mask\"", "\"dropout_9.mask\"");
    assert_ne!(other, text);
    std::fs::write(dir.path().join("f.mlir"), other).unwrap();
    let message = fails(dir.path(), &["prove", "f.mlir"]);
    assert!(message.contains("dropout_1.mask"), "{message}");
}

const BENT: &str = "name = \"bent\"\ninput = [28, 28, 1]\nlayers = [
  { kind = \"conv2d\", features = 2, kernel = 3, name = \"see\" }, { kind = \"relu\", name = \"bend\" },
  { kind = \"max_pool\", window = 2, name = \"pool\" }, { kind = \"flatten\" },
  { kind = \"dense\", features = 3, name = \"mix\" }, { kind = \"relu\", name = \"turn\" },
  { kind = \"dense\", features = 10, name = \"last\" } ]\n";

/// Its values are rounded, from the first normalisation on.
const NORMED: &str = "name = \"normed\"\ninput = [28, 28, 1]\nlayers = [
  { kind = \"conv2d\", features = 2, kernel = 3, stride = 4, bias = false, name = \"see\" },
  { kind = \"batch_norm\", name = \"norm\" }, { kind = \"relu\", name = \"bend\" },
  { kind = \"max_pool\", window = 2, name = \"pool\" },
  { kind = \"residual\", name = \"body\", layers = [
    { kind = \"conv2d\", features = 2, kernel = 3, padding = \"same\", bias = false },
    { kind = \"batch_norm\" }, { kind = \"relu\" },
    { kind = \"conv2d\", features = 2, kernel = 3, padding = \"same\", bias = false },
    { kind = \"batch_norm\" } ] },
  { kind = \"relu\", name = \"turn\" }, { kind = \"global_avg_pool\" },
  { kind = \"dense\", features = 10, name = \"last\" } ]\n";

/// A weights file.
pub fn weights(path: &Path, tensors: &[(&str, &[usize], Vec<f32>)]) {
    let mut bytes = Vec::new();
    let mut header = serde_json::Map::new();
    for (name, shape, data) in tensors {
        let start = bytes.len();
        bytes.extend(data.iter().flat_map(|x| x.to_le_bytes()));
        let offsets = [start, bytes.len()];
        let entry = serde_json::json!({"dtype": "F32", "shape": shape, "data_offsets": offsets});
        header.insert(name.to_string(), entry);
    }
    let header = Value::Object(header).to_string();
    let length = (header.len() as u64).to_le_bytes();
    std::fs::write(path, [&length[..], header.as_bytes(), &bytes].concat()).unwrap();
}

/// A weights file of zeros.
fn zeros(path: &Path, tensors: &[(&str, &[usize])]) {
    let size = |shape: &[usize]| shape.iter().product();
    let filled = tensors.iter().map(|&(name, shape)| (name, shape, vec![0.0; size(shape)]));
    weights(path, &filled.collect::<Vec<_>>());
}

#[test]
fn what_is_interrupted_leaves_nothing() {
    let dir = TempDir::new().unwrap();
    let mut child = command(dir.path(), &["prove", "resnet50", "--out", "c"])
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let entries = || std::fs::read_dir(dir.path()).unwrap().count();
    wait_until("no certificate is made", || entries() > 0);
    let int = ["-INT", &child.id().to_string()];
    assert!(Command::new("kill").args(int).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(entries(), 0);
    let mut message = String::new();
    child.stderr.take().unwrap().read_to_string(&mut message).unwrap();
    assert!(message.contains("interrupted; no certificate was written"), "{message}");
}

/// Whether Coq is at work in `dir`.
fn coq_in(dir: &Path) -> bool {
    let mut processes = std::fs::read_dir("/proc").unwrap().flatten();
    processes.any(|process| {
        let link = |name: &str| std::fs::read_link(process.path().join(name)).unwrap_or_default();
        link("cwd").starts_with(dir) && link("exe").ends_with("coqc")
    })
}

fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn coq_ends_with_a_command_that_is_killed() {
    let dir = TempDir::new().unwrap();
    let place = dir.path().canonicalize().unwrap();
    let mut child = command(&place, &["prove", "resnet50", "--out", "c"]).spawn().unwrap();
    wait_until("Coq does not begin", || coq_in(&place));
    child.kill().unwrap();
    child.wait().unwrap();
    wait_until("Coq goes on", || !coq_in(&place));
}

#[test]
fn at_trained_weights_no_condition_is_left() {
    let dir = with_data();
    std::fs::write(dir.path().join("bent.toml"), BENT).unwrap();
    let train =
        ["train", "bent.toml", "--data", "data", "--epochs", "1", "--run-dir", "r", "--quiet"];
    ok(dir.path(), &train);
    let at = ["prove", "bent.toml", "--at", "r/last.safetensors", "--batch-from", "data", "--json"];
    let report = json(dir.path(), &[&at[..], &["--count", "2"]].concat());
    let theorem = report["at"]["theorem"].as_str().unwrap();
    assert!(theorem.contains("certified_at"), "{theorem}");
    assert!(report["at"]["axioms"].as_array().unwrap().len() <= 3, "{report}");
    let message = fails(dir.path(), &[&at[..], &["--what", "forward"]].concat());
    assert!(message.contains("a forward pass has no gradient"), "{message}");
    let smooth = [&["prove", "mnist-linear"], &at[2..]].concat();
    let message = fails(dir.path(), &smooth);
    assert!(message.contains("--at: the network has no kinks"), "{message}");
    let message = fails(dir.path(), &[&at[..], &["--count", "0"]].concat());
    assert!(message.contains("--count"), "{message}");
    let at = ["prove", "bent.toml", "--at", "r/last.safetensors", "--batch-from", "nowhere"];
    let message = fails(dir.path(), &at);
    assert!(message.contains("nowhere") && !message.contains("--data nowhere"), "{message}");
}

#[test]
fn weights_on_a_kink_are_refused_and_the_entry_is_named() {
    let dir = with_data();
    std::fs::write(dir.path().join("bent.toml"), BENT).unwrap();
    let tensors: [(&str, &[usize]); 6] = [
        ("see.weight", &[3, 3, 1, 2]),
        ("see.bias", &[2]),
        ("mix.weight", &[392, 3]),
        ("mix.bias", &[3]),
        ("last.weight", &[3, 10]),
        ("last.bias", &[10]),
    ];
    zeros(&dir.path().join("zeros.safetensors"), &tensors);
    let at = ["prove", "bent.toml", "--at", "zeros.safetensors", "--batch-from", "data", "--quiet"];
    let message = fails(dir.path(), &at);
    assert!(message.contains("bend: entry [0, 0, 0, 0] is 0"), "{message}");
}

#[test]
fn at_trained_weights_normalised_branches_meet_no_kink() {
    let dir = with_data();
    std::fs::write(dir.path().join("normed.toml"), NORMED).unwrap();
    let train =
        ["train", "normed.toml", "--data", "data", "--epochs", "1", "--run-dir", "r", "--quiet"];
    ok(dir.path(), &train);
    let at =
        ["prove", "normed.toml", "--at", "r/last.safetensors", "--batch-from", "data", "--json"];
    let report = json(dir.path(), &[&at[..], &["--count", "2"]].concat());
    assert!(report["at"]["theorem"].as_str().unwrap().contains("certified_at"), "{report}");
    assert!(report["at"]["axioms"].as_array().unwrap().len() <= 3, "{report}");
}

/// Convolutions in two groups, and of each channel by itself.
const GROUPED: &str = r#"
name = "grouped"
input = [28, 28, 1]
layers = [
  { kind = "conv2d", features = 4, kernel = 3, stride = 4, name = "see" },
  { kind = "relu", name = "bend" },
  { kind = "depthwise_conv2d", multiplier = 2, kernel = 3, name = "each" },
  { kind = "relu6", name = "clip" },
  { kind = "conv2d", features = 6, kernel = 2, stride = 2, groups = 2, name = "half" },
  { kind = "relu", name = "fold" },
  { kind = "flatten" },
  { kind = "dense", features = 10, name = "last" },
]
"#;

#[test]
fn at_trained_weights_grouped_convolutions_meet_no_kink() {
    let dir = with_data();
    std::fs::write(dir.path().join("grouped.toml"), GROUPED).unwrap();
    let train =
        ["train", "grouped.toml", "--data", "data", "--epochs", "1", "--run-dir", "r", "--quiet"];
    ok(dir.path(), &train);
    let at =
        ["prove", "grouped.toml", "--at", "r/last.safetensors", "--batch-from", "data", "--json"];
    let report = json(dir.path(), &[&at[..], &["--count", "2"]].concat());
    assert!(report["at"]["theorem"].as_str().unwrap().contains("certified_at"), "{report}");
    assert!(report["at"]["axioms"].as_array().unwrap().len() <= 3, "{report}");
}

#[test]
fn a_group_on_a_kink_is_named() {
    let dir = with_data();
    let text = GROUPED.split("  { kind = \"relu\", name = \"bend\"").next().unwrap();
    // The third feature's group sees the second of two channels, which is off.
    let text = format!(
        "{}  {{ kind = \"conv2d\", features = 4, kernel = 1, groups = 2, name = \"half\" }},
  {{ kind = \"relu\", name = \"fold\" }},
  {{ kind = \"flatten\" }}, {{ kind = \"dense\", features = 10, name = \"last\" }} ]\n",
        text.replace("features = 4", "features = 2")
    );
    std::fs::write(dir.path().join("halves.toml"), text).unwrap();
    let dense = 4 * 7 * 7;
    let tensors: [(&str, &[usize], Vec<f32>); 6] = [
        ("see.weight", &[3, 3, 1, 2], vec![0.0; 18]),
        ("see.bias", &[2], vec![1.0, 0.0]),
        ("half.weight", &[1, 1, 1, 4], vec![1.0; 4]),
        ("half.bias", &[4], vec![0.0; 4]),
        ("last.weight", &[dense, 10], vec![0.0; dense * 10]),
        ("last.bias", &[10], vec![0.0; 10]),
    ];
    weights(&dir.path().join("halves.safetensors"), &tensors);
    let at =
        ["prove", "halves.toml", "--at", "halves.safetensors", "--batch-from", "data", "--quiet"];
    let message = fails(dir.path(), &at);
    assert!(message.contains("fold: entry [0, 0, 0, 2] is 0"), "{message}");
    assert!(!message.contains("fold: entry [0, 0, 0, 1]"), "{message}");
}

#[test]
fn what_rounding_leaves_undecided_is_said() {
    let dir = with_data();
    let text = NORMED.split("  { kind = \"residual\"").next().unwrap();
    let text = format!(
        "{text}  {{ kind = \"flatten\" }}, {{ kind = \"dense\", features = 10, name = \"last\" }} ]\n"
    );
    std::fs::write(dir.path().join("level.toml"), text).unwrap();
    let tensors: [(&str, &[usize]); 7] = [
        ("see.weight", &[3, 3, 1, 2]),
        ("norm.weight", &[2]),
        ("norm.bias", &[2]),
        ("norm.running_mean", &[2]),
        ("norm.running_var", &[2]),
        ("last.weight", &[18, 10]),
        ("last.bias", &[10]),
    ];
    zeros(&dir.path().join("zeros.safetensors"), &tensors);
    let at =
        ["prove", "level.toml", "--at", "zeros.safetensors", "--batch-from", "data", "--quiet"];
    let message = fails(dir.path(), &at);
    assert!(
        message.contains("bend: entry [0, 0, 0, 0] is within 2^-254 of 0, too close to tell"),
        "{message}"
    );
}
