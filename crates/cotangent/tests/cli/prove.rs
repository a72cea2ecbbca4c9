//! `prove`: certificates, their second check by Coq alone, and refusals.
//! Coq has to be installed, and the theories compiled (`make -C proofs`).

use crate::common::{THEORIES, command, fails, ok, with_data};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

const SMALL: &str = "name = \"small\"\ninput = [2, 3, 1]\nlayers = [
  { kind = \"flatten\" }, { kind = \"dense\", features = 4 }, { kind = \"relu\", name = \"bend\" },
  { kind = \"dense\", features = 3, bias = false } ]\n";

fn json(dir: &Path, args: &[&str]) -> Value {
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

/// Forward, gradient and train step of a model, certified one by one.
fn every_step<'a>(
    dir: &'a Path,
    model: &'a str,
    batch: &'a str,
) -> impl Iterator<Item = Value> + 'a {
    let step = move |what| prove(dir, model, &["--what", what, "--batch", batch]);
    ["forward", "grad", "train"].into_iter().map(step)
}

/// The command with other surroundings.
fn with(dir: &Path, args: &[&str], name: &str, value: &str) -> Output {
    command(dir, args).env(name, value).output().unwrap()
}

/// Certifies one model's steps at one batch size.
fn certifies(model: &str, batch: &str, kinks: &[&str]) {
    let dir = TempDir::new().unwrap();
    let mut steps = vec![("grad", None), ("forward", None)];
    steps.extend(["sgd", "momentum", "adamw"].map(|o| ("train", Some(o))));
    for (what, optimizer) in steps {
        let mut args = vec!["prove", model, "--what", what, "--batch", batch, "--json"];
        if let Some(optimizer) = optimizer {
            args.extend(["--optimizer", optimizer]);
        }
        let report = json(dir.path(), &args);
        let layers: Vec<&str> = report["kinks"]
            .as_array()
            .unwrap()
            .iter()
            .map(|k| k["layer"].as_str().unwrap())
            .collect();
        assert_eq!(layers, kinks, "{args:?}");
        let theorem = report["theorem"].as_str().unwrap();
        assert!(theorem.contains("certified the_spec the_options the_step the_kinks"), "{theorem}");
        assert!(report["axioms"].as_array().unwrap().len() <= 3, "{report}");
        assert_eq!(report["sha256"].as_str().unwrap().len(), 64);
    }
}

#[test]
fn mnist_linear_at_batch_1() {
    certifies("mnist-linear", "1", &[]);
}

#[test]
fn mnist_linear_at_batch_128() {
    certifies("mnist-linear", "128", &[]);
}

#[test]
fn mnist_mlp_at_batch_1() {
    certifies("mnist-mlp", "1", &["relu_1", "relu_2"]);
}

#[test]
fn mnist_mlp_at_batch_128() {
    certifies("mnist-mlp", "128", &["relu_1", "relu_2"]);
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
    // Elsewhere, with nothing but Coq and the theories.
    let moved = dir.path().join("moved");
    std::fs::rename(dir.path().join("c"), &moved).unwrap();
    let check = || {
        let mut command = Command::new("sh");
        command.arg("check.sh").current_dir(&moved).env("THEORIES", THEORIES).output().unwrap()
    };
    let output = check();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // A theorem about another network, from an axiom of whatever name.
    let certificate = moved.join("Cert_small.v");
    let honest = std::fs::read_to_string(&certificate).unwrap();
    let (definitions, theorems) = honest.split_once("Theorem checked").unwrap();
    for axiom in ["bad1", "bad'", "_bad", "my_propositional_extensionality"] {
        let forged = definitions.replace("Dense 4", "Dense 77")
            + &format!(
                "Axiom {axiom} : False.\nTheorem checked{}",
                theorems.replace("vm_cast_no_check (erefl true)", &format!("by case: {axiom}"))
            );
        std::fs::write(&certificate, forged).unwrap();
        let output = check();
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && message.contains(axiom), "{axiom}: {message}");
    }
    // Another theorem under the same words.
    let other = definitions.to_string()
        + "Definition certified (a : spec) (b : options) (c : module) (d : seq kink) := True.\n\
           Theorem cert : certified the_spec the_options the_step the_kinks.\nProof. exact: I. Qed.\n";
    std::fs::write(&certificate, other).unwrap();
    assert!(!check().status.success());
    std::fs::write(&certificate, honest).unwrap();
    assert!(check().status.success());
    // One byte of the file.
    let file = moved.join("step.mlir");
    let step = std::fs::read_to_string(&file).unwrap();
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
    let message = fails(dir.path(), &["prove", "f.mlir"]);
    assert!(message.contains("not certified"), "{message}");
}

#[test]
fn what_cannot_be_proved_says_why() {
    let dir = small();
    let net = "name = \"u\"\ninput = [2, 2]\nlayers = [
      { kind = \"multi_head_attention\", heads = 1, context = [{ kind = \"tanh\" }],
        name = \"aside\" },
      { kind = \"flatten\" } ]\n";
    std::fs::write(dir.path().join("u.toml"), net).unwrap();
    let layer = fails(dir.path(), &["prove", "u.toml"]);
    let words = layer.replace("│", "").split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        words.contains("`aside`") && words.contains("they cover every layer but bilinear"),
        "{layer}"
    );
    std::fs::create_dir(dir.path().join("full")).unwrap();
    std::fs::write(dir.path().join("full/mine"), "mine").unwrap();
    let full = fails(dir.path(), &["prove", "small.toml", "--out", "full"]);
    assert!(full.contains("not empty"), "{full}");
    assert_eq!(std::fs::read_to_string(dir.path().join("full/mine")).unwrap(), "mine");
    std::fs::write(dir.path().join("bad.mlir"), "not StableHLO").unwrap();
    let bad = fails(dir.path(), &["prove", "bad.mlir"]);
    assert!(bad.contains("line 1"), "{bad}");
    let missing = fails(dir.path(), &["prove", "no-such.mlir"]);
    assert!(missing.contains("no-such.mlir"), "{missing}");
    let none = with(dir.path(), &["prove", "small.toml"], "COQBIN", "/no/such/place");
    let message = String::from_utf8_lossy(&none.stderr);
    assert!(!none.status.success() && message.contains("install"), "{message}");
    let other = with(dir.path(), &["prove", "small.toml"], "COTANGENT_PROOFS", "/no/such/place");
    assert!(!other.status.success());
}

/// Clipping, moving averages, accumulation, parameters that the decay spares,
/// alone and together.
#[test]
fn a_step_with_features() {
    let dir = small();
    let all = "--optimizer lamb --wd 0.1 --clip 0.5 --ema 0.99 --accumulate 4 \
               --no-decay bias-and-norm";
    for (flags, said) in [
        ("--optimizer lamb", "Train (Lamb "),
        ("--ema 0.9", "ema := Some"),
        ("--optimizer sgd --accumulate 2", "accumulate := Some"),
        ("--optimizer rmsprop --clip 1", "clip := Some"),
        ("--no-decay bias-and-norm", "spared := true"),
        (all, "spared := true"),
    ] {
        let mut args = vec!["prove", "small.toml", "--batch", "2", "--json"];
        args.extend(flags.split_whitespace());
        let report = json(dir.path(), &args);
        assert!(report["theorem"].as_str().unwrap().contains(said), "{flags}: {report}");
    }
}

/// Values that the forward step leaves out must not get in the way.
#[test]
fn a_net_that_begins_with_a_dense_layer() {
    let dir = TempDir::new().unwrap();
    let net = "name = \"d\"\ninput = [2]\nlayers = [{ kind = \"dense\", features = 3 }]\n";
    std::fs::write(dir.path().join("d.toml"), net).unwrap();
    for report in every_step(dir.path(), "d.toml", "2") {
        assert!(report["theorem"].as_str().unwrap().contains("Layer.Dense 3 true"), "{report}");
    }
}

/// Every normalisation: statistics of the batch, of the features, of groups of
/// them, with and without scales; the forward pass reads running statistics.
#[test]
fn a_net_that_normalises() {
    let dir = TempDir::new().unwrap();
    let net = "name = \"n\"\ninput = [3, 3, 2]\nlayers = [
      { kind = \"conv2d\", features = 4, kernel = 2, bias = false }, { kind = \"batch_norm\" },
      { kind = \"silu\" }, { kind = \"group_norm\", groups = 2 },
      { kind = \"batch_norm\", eps = 0.001, momentum = 0.01, affine = false },
      { kind = \"flatten\" }, { kind = \"layer_norm\" }, { kind = \"dense\", features = 3 },
      { kind = \"layer_norm\", bias = false }, { kind = \"rms_norm\" },
      { kind = \"dense\", features = 2 }, { kind = \"batch_norm\" } ]\n";
    std::fs::write(dir.path().join("n.toml"), net).unwrap();
    for report in every_step(dir.path(), "n.toml", "3") {
        assert!(report["theorem"].as_str().unwrap().contains("Layer.BatchNorm"), "{report}");
        assert_eq!(report["kinks"].as_array().unwrap().len(), 0, "{report}");
    }
}

/// Residual blocks with and without a projection, branches that are multiplied,
/// a repeated layer, a depthwise convolution; the layers inside are named.
#[test]
fn a_net_with_branches() {
    let dir = TempDir::new().unwrap();
    let net = "name = \"r\"\ninput = [4, 4, 2]\nlayers = [
      { kind = \"basic_block\", features = 3, stride = 2 },
      { kind = \"basic_block\", features = 3 },
      { kind = \"repeat\", times = 2, layers = [
        { kind = \"residual\", layers = [{ kind = \"depthwise_conv2d\", kernel = 3 }, { kind = \"tanh\" }] } ] },
      { kind = \"parallel\", merge = \"product\", branches = [
        [{ kind = \"sigmoid\" }], [], [{ kind = \"batch_norm\" }] ] },
      { kind = \"global_avg_pool\" }, { kind = \"dense\", features = 2 } ]\n";
    std::fs::write(dir.path().join("r.toml"), net).unwrap();
    for report in every_step(dir.path(), "r.toml", "2") {
        assert!(report["theorem"].as_str().unwrap().contains("Branch"), "{report}");
        let kinks = report["kinks"].as_array().unwrap();
        assert!(kinks.iter().any(|k| k["layer"] == "basic_block_1.act1"), "{report}");
    }
}

/// A maximum of branches, which may nowhere meet, and branches that stretch to
/// the others' shape.
#[test]
fn a_net_whose_branches_stretch() {
    let dir = TempDir::new().unwrap();
    let net = "name = \"m\"\ninput = [4, 4, 2]\nlayers = [
      { kind = \"parallel\", merge = \"maximum\", branches = [
        [{ kind = \"conv2d\", features = 2, kernel = 3 }, { kind = \"batch_norm\" }],
        [{ kind = \"conv2d\", features = 2, kernel = 1 }], [] ] },
      { kind = \"parallel\", merge = \"product\", branches = [
        [], [{ kind = \"conv2d\", features = 2, kernel = 4, padding = \"valid\" }] ] },
      { kind = \"parallel\", branches = [
        [{ kind = \"conv2d\", features = 3, kernel = [4, 1], padding = \"valid\" }],
        [{ kind = \"conv2d\", features = 1, kernel = [1, 4], padding = \"valid\" }] ] },
      { kind = \"flatten\" }, { kind = \"dense\", features = 2 } ]\n";
    std::fs::write(dir.path().join("m.toml"), net).unwrap();
    for report in every_step(dir.path(), "m.toml", "2") {
        let kinks = report["kinks"].as_array().unwrap();
        assert_eq!(kinks.len(), 1, "{report}");
        assert_eq!(kinks[0]["layer"], "parallel_1", "{report}");
        assert_eq!(kinks[0]["op"], "maximum", "{report}");
    }
}

/// Sub-networks that share their parameters, one inside the other. Running
/// statistics that are updated twice have no certificate.
#[test]
fn a_net_with_shared_parts() {
    let dir = TempDir::new().unwrap();
    let net = |inside: &str| {
        format!(
            "name = \"u\"\ninput = [4, 4, 1]\nlayers = [
      {{ kind = \"parallel\", merge = \"product\", branches = [
        [{{ kind = \"use\", net = \"eye\" }}],
        [{{ kind = \"tanh\" }}, {{ kind = \"use\", net = \"eye\" }}],
        [{{ kind = \"use\", net = \"lens\" }}, {{ kind = \"use\", net = \"lens\" }}] ] }},
      {{ kind = \"flatten\" }}, {{ kind = \"dense\", features = 2 }} ]\n[shared]
eye = [{{ kind = \"use\", net = \"lens\" }}, {{ kind = \"conv2d\", features = 1, kernel = 3 }},
  {{ kind = \"relu\" }}, {{ kind = \"use\", net = \"lens\" }}]
lens = [{{ kind = \"conv2d\", features = 1, kernel = 2, bias = false }}{inside}]\n"
        )
    };
    std::fs::write(dir.path().join("u.toml"), net("")).unwrap();
    for report in every_step(dir.path(), "u.toml", "2") {
        assert!(report["theorem"].as_str().unwrap().contains("Again 0"), "{report}");
        let layers: Vec<&str> = report["kinks"]
            .as_array()
            .unwrap()
            .iter()
            .map(|k| k["layer"].as_str().unwrap())
            .collect();
        assert_eq!(layers, ["eye.relu_1", "parallel_1.branch2_use_1.relu_1"], "{report}");
    }
    std::fs::write(dir.path().join("s.toml"), net(", { kind = \"batch_norm\" }")).unwrap();
    let message = fails(dir.path(), &["prove", "s.toml"]);
    assert!(message.contains("running statistics in a shared sub-network"), "{message}");
}

/// Convolutions with groups, strides, dilation and padding, and both gradients
/// of one.
#[test]
fn a_net_with_convolutions() {
    let dir = TempDir::new().unwrap();
    let net = "name = \"c\"\ninput = [5, 5, 2]\nlayers = [
      { kind = \"conv2d\", features = 4, kernel = 3, stride = 2, groups = 2 }, { kind = \"relu\" },
      { kind = \"conv2d\", features = 6, kernel = [1, 2], dilation = [1, 2], groups = 2,
        bias = false },
      { kind = \"global_avg_pool\" }, { kind = \"dense\", features = 2 } ]\n";
    std::fs::write(dir.path().join("c.toml"), net).unwrap();
    for report in every_step(dir.path(), "c.toml", "2") {
        assert!(report["theorem"].as_str().unwrap().contains("Layer.Conv2d 4"), "{report}");
        assert_eq!(report["kinks"][0]["layer"], "relu_1", "{report}");
    }
}

/// Transposed convolutions with padding, output padding, strides, dilation and
/// groups, and both gradients of one; a file for another padding is refused.
#[test]
fn a_net_with_transposed_convolutions() {
    let dir = TempDir::new().unwrap();
    let net = "name = \"t\"\ninput = [2, 3, 2]\nlayers = [
      { kind = \"conv_transpose2d\", features = 4, kernel = 3, stride = 2, padding = 1,
        output_padding = [1, 0] },
      { kind = \"relu\" },
      { kind = \"conv_transpose2d\", features = 6, kernel = [1, 2], dilation = [1, 2], groups = 2,
        bias = false },
      { kind = \"conv_transpose2d\", features = 2, kernel = 2, padding = \"same\" },
      { kind = \"conv_transpose2d\", features = 2, kernel = 1, groups = 2, stride = [1, 2] },
      { kind = \"global_avg_pool\" }, { kind = \"dense\", features = 2 } ]\n";
    std::fs::write(dir.path().join("t.toml"), net).unwrap();
    for report in every_step(dir.path(), "t.toml", "2") {
        let theorem = report["theorem"].as_str().unwrap();
        assert!(theorem.contains("Layer.ConvTranspose2d 4"), "{report}");
        let kinks = report["kinks"].as_array().unwrap();
        assert_eq!((kinks.len(), &kinks[0]["layer"]), (1, &"relu_1".into()), "{report}");
    }
    ok(dir.path(), &["emit", "t.toml", "--batch", "2", "-o", "f.mlir"]);
    let text = std::fs::read_to_string(dir.path().join("f.mlir")).unwrap();
    // The file says that it is of another network, whose shapes are the same.
    let tampered = text.replacen("padding = \\\"same\\\"", "padding = [[1, 0], [1, 0]]", 1);
    assert_ne!(tampered, text);
    std::fs::write(dir.path().join("f.mlir"), tampered).unwrap();
    let message = fails(dir.path(), &["prove", "f.mlir"]);
    assert!(message.contains("not certified"), "{message}");
}

/// Pools whose windows overlap, with padding that counts and that does not.
#[test]
fn a_net_with_pools() {
    let dir = TempDir::new().unwrap();
    let net = "name = \"p\"\ninput = [5, 4, 1]\nlayers = [
      { kind = \"conv2d\", features = 2, kernel = 1 },
      { kind = \"max_pool\", window = 3, stride = 2, padding = 1 },
      { kind = \"avg_pool\", window = 2, stride = 1, padding = 1 },
      { kind = \"avg_pool\", window = 2, padding = \"same\", count_include_pad = false },
      { kind = \"flatten\" }, { kind = \"dense\", features = 2 } ]\n";
    std::fs::write(dir.path().join("p.toml"), net).unwrap();
    for report in every_step(dir.path(), "p.toml", "2") {
        assert!(report["theorem"].as_str().unwrap().contains("Layer.MaxPool"), "{report}");
        let kinks = report["kinks"].as_array().unwrap();
        assert_eq!(kinks.len(), 1, "{report}");
        assert_eq!(kinks[0]["layer"], "max_pool_1", "{report}");
        assert_eq!(kinks[0]["op"], "max_pool", "{report}");
    }
}

/// Layers on tokens: a dense layer, learned scales, positions and tokens,
/// patches, means with and without their dimensions, one token of several.
#[test]
fn a_net_of_tokens() {
    let dir = TempDir::new().unwrap();
    let net = "name = \"t\"\ninput = [4, 3, 2]\nlayers = [
      { kind = \"patch_embed\", features = 4, patch = [2, 1] }, { kind = \"class_token\" },
      { kind = \"position_embedding\" }, { kind = \"layer_scale\", init = 0.5 },
      { kind = \"dense\", features = 3 }, { kind = \"tanh\" },
      { kind = \"embedding\", features = 2 }, { kind = \"reshape\", shape = [1, 7, 2] },
      { kind = \"upsample\", scale = [2, 1] }, { kind = \"upsample\", scale = [1, 3] },
      { kind = \"layer_scale\" }, { kind = \"global_avg_pool\", keep = true },
      { kind = \"reshape\", shape = [2, 1] }, { kind = \"dense\", features = 3, bias = false },
      { kind = \"parallel\", branches = [
        [{ kind = \"select_token\", index = 1 }], [{ kind = \"global_avg_pool\" }] ] },
      { kind = \"dense\", features = 2 } ]\n";
    std::fs::write(dir.path().join("t.toml"), net).unwrap();
    for report in every_step(dir.path(), "t.toml", "2") {
        assert!(report["theorem"].as_str().unwrap().contains("Token.Select 1"), "{report}");
        assert_eq!(report["kinks"].as_array().unwrap().len(), 0, "{report}");
    }
}

/// Attention in one head and in two, with and without biases, also causal; a
/// file in which a token may look at later ones is refused.
#[test]
fn a_net_that_attends() {
    let dir = TempDir::new().unwrap();
    let net = "name = \"a\"\ninput = [3, 4]\nlayers = [
      { kind = \"multi_head_attention\", heads = 1, bias = false },
      { kind = \"transformer_block\", heads = 2, mlp = 3, causal = true },
      { kind = \"select_token\", index = 2 }, { kind = \"dense\", features = 2 } ]\n";
    std::fs::write(dir.path().join("a.toml"), net).unwrap();
    for report in every_step(dir.path(), "a.toml", "2") {
        let theorem = report["theorem"].as_str().unwrap();
        assert!(theorem.contains("Layer.Attention 2 true true"), "{report}");
        assert_eq!(report["kinks"].as_array().unwrap().len(), 0, "{report}");
    }
    ok(dir.path(), &["emit", "a.toml", "--batch", "2", "-o", "f.mlir"]);
    let text = std::fs::read_to_string(dir.path().join("f.mlir")).unwrap();
    let tampered = text.replace("dense<-1000000000.0>", "dense<-1.0>");
    assert_ne!(tampered, text);
    std::fs::write(dir.path().join("f.mlir"), tampered).unwrap();
    let message = fails(dir.path(), &["prove", "f.mlir"]);
    assert!(message.contains("not certified"), "{message}");
}

#[test]
fn mnist_cnn_as_it_trains() {
    let dir = TempDir::new().unwrap();
    let report = prove(dir.path(), "mnist-cnn", &[]);
    let layers: Vec<&str> =
        report["kinks"].as_array().unwrap().iter().map(|k| k["layer"].as_str().unwrap()).collect();
    assert_eq!(layers, ["relu_1", "relu_2", "max_pool_1", "relu_3"]);
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

    let net = net.replace(
        "{ kind = \"flatten\" }",
        "{ kind = \"upsample\", scale = 2, method = \"bilinear\" }, { kind = \"flatten\" }",
    );
    std::fs::write(dir.path().join("u.toml"), net).unwrap();
    let other = [&["train", "u.toml"], &train[2..7], &["other", "--prove"]].concat();
    let refused = fails(dir.path(), &other);
    assert!(refused.contains("do not cover bilinear upsample"), "{refused}");
    assert!(!dir.path().join("other").exists());
    let left: Vec<_> =
        std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(
        !left.iter().any(|name| name.to_string_lossy().starts_with(".certificate")),
        "{left:?}"
    );
    let none =
        with(dir.path(), &[&train[..7], &["third", "--prove"]].concat(), "PATH", "/nonexistent");
    assert!(!none.status.success() && !dir.path().join("third").exists());
}

/// Every loss, of classes and of the classes of every pixel; another one is
/// refused.
#[test]
fn nets_with_every_loss() {
    let dir = TempDir::new().unwrap();
    let write = |file: &str, loss: &str, last: &str| {
        let net = format!(
            "name = \"l\"\ninput = [3, 2, 1]\nloss = \"{loss}\"\nlayers = [
          {{ kind = \"conv2d\", features = 3, kernel = 1 }}, {{ kind = \"tanh\" }}{last} ]\n"
        );
        std::fs::write(dir.path().join(file), net).unwrap();
    };
    let flat = ", { kind = \"flatten\" }, { kind = \"dense\", features = 2 }";
    for (loss, term) in [
        ("softmax_cross_entropy", "Loss.SoftmaxCrossEntropy"),
        ("mean_squared_error", "Loss.MeanSquaredError"),
        ("binary_cross_entropy_with_logits", "Loss.BinaryCrossEntropyWithLogits"),
    ] {
        for (file, last, what) in [("pixels.toml", "", "grad"), ("classes.toml", flat, "train")] {
            write(file, loss, last);
            let report = prove(dir.path(), file, &["--what", what, "--batch", "2"]);
            assert!(report["theorem"].as_str().unwrap().contains(term), "{report}");
            assert_eq!(report["kinks"].as_array().unwrap().len(), 0, "{report}");
        }
    }
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
        let report = prove(dir.path(), "m.toml", &["--what", what, "--batch", "2"]);
        assert!(report["theorem"].as_str().unwrap().contains("Layer.DropPath"), "{report}");
        assert_eq!(report["kinks"].as_array().unwrap().len(), 0, "{report}");
        let text = std::fs::read_to_string(dir.path().join(report["file"].as_str().unwrap()));
        let found = text.unwrap().matches("cotangent.role = \"mask\"").count();
        assert_eq!(found, masks, "{what}");
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

/// A weights file of zeros.
fn zeros(path: &Path, tensors: &[(&str, &[usize])]) {
    let mut end = 0;
    let mut header = serde_json::Map::new();
    for (name, shape) in tensors {
        let start = end;
        end += 4 * shape.iter().product::<usize>();
        let entry =
            serde_json::json!({"dtype": "F32", "shape": shape, "data_offsets": [start, end]});
        header.insert(name.to_string(), entry);
    }
    let header = Value::Object(header).to_string();
    let length = (header.len() as u64).to_le_bytes();
    std::fs::write(path, [&length[..], header.as_bytes(), &vec![0; end]].concat()).unwrap();
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
