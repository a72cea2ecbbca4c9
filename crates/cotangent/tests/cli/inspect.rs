//! `models`, `show`, `emit`, `check`, `doctor`.

use crate::common::{THEORIES, fails, ok, run};
use cotangent::stablehlo::Program;
use serde_json::Value;
use std::path::Path;

const HERE: &str = env!("CARGO_MANIFEST_DIR");

fn json(args: &[&str]) -> Value {
    serde_json::from_str(&ok(Path::new(HERE), args)).unwrap()
}

#[test]
fn every_model_shows_and_its_toml_is_the_same_model() {
    let models = ok(Path::new(HERE), &["models", "--json"]);
    let dir = tempfile::tempdir().unwrap();
    let mut count = 0;
    for line in models.lines() {
        let model: Value = serde_json::from_str(line).unwrap();
        let name = model["name"].as_str().unwrap();
        let toml = ok(dir.path(), &["show", name, "--format", "toml"]);
        std::fs::write(dir.path().join("net.toml"), toml).unwrap();
        let by_name = ok(dir.path(), &["emit", name, "--batch", "8"]);
        assert_eq!(by_name, ok(dir.path(), &["emit", "net.toml", "--batch", "8"]));
        let shown = json(&["show", name, "--json"]);
        assert_eq!(shown["params"], model["params"]);
        count += 1;
    }
    assert_eq!(count, cotangent::zoo::MODELS.len());
}

#[test]
fn show_counts() {
    let shown = json(&["show", "mnist-cnn", "--json"]);
    assert_eq!(shown["params"], 3_226_474);
    assert_eq!(shown["macs"], 10_667_520);
    assert_eq!(shown["input"], serde_json::json!([28, 28, 1]));
    let layer = &shown["layers"][2];
    for key in ["name", "kind", "output", "params", "macs", "rule", "theorem"] {
        assert!(layer.get(key).is_some(), "{key}");
    }
    assert_eq!(layer["output"], serde_json::json!([28, 28, 32]));
    assert_eq!(
        json(&["show", "mnist-mlp", "--classes", "7", "--json"])["layers"][5]["output"][0],
        7
    );
    assert_eq!(
        json(&["show", "mnist-cnn", "--image", "12", "--json"])["layers"][6]["output"][0],
        512
    );
}

/// Every theorem that `show` names is one, in the theories that certificates use.
/// The theorem that `File.name` names is stated in `proofs/theories`, and its axioms are
/// asked for.
fn stated(name: &str) -> bool {
    let (file, theorem) = name.split_once('.').unwrap();
    let text = std::fs::read_to_string(Path::new(THEORIES).join(format!("{file}.v"))).expect(name);
    let headlines = std::fs::read_to_string(Path::new(THEORIES).join("../headlines")).unwrap();
    let named = |line: &str, word: &str| {
        line.strip_prefix(word)
            .and_then(|l| l.trim_start().strip_prefix(theorem))
            .is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
    };
    headlines.lines().any(|line| line == name)
        && ["Theorem", "Lemma", "Corollary"].iter().any(|w| text.lines().any(|l| named(l, w)))
}

#[test]
fn theorems_exist() {
    let mut named = std::collections::HashSet::new();
    for model in cotangent::zoo::MODELS {
        let net = model.spec().network().unwrap();
        let mut layers: Vec<_> = net.layers().iter().collect();
        while let Some(layer) = layers.pop() {
            named.extend(cotangent::prove::theorem(layer));
            layers.extend(layer.branches.iter().flatten());
        }
    }
    assert!(named.len() > 12, "{named:?}");
    for name in named {
        assert!(stated(name), "{name}");
    }
    assert!(!stated("LayersGraph.dense_graph_weigh"));
}

#[test]
fn theorems_are_about_the_layer_shown() {
    let first = |input: &str, layer: &str| {
        let text = format!(
            "name = 'n'\ninput = {input}\nlayers = [{{ {layer} }}, {{ kind = 'flatten' }}, {{ kind = 'dense', features = 2 }}]"
        );
        let net = cotangent::net::NetSpec::from_toml(&text).unwrap().network().unwrap();
        let name = cotangent::prove::theorem(&net.layers()[0]).unwrap();
        assert!(stated(name), "{name}");
        name
    };
    for (input, layer, name) in [
        ("[4]", "kind = 'dense', features = 3", "LayersGraph.dense_graph_weight"),
        ("[4]", "kind = 'dense', features = 3, bias = false", "Layers.dense_weight"),
        ("[5, 4]", "kind = 'dense', features = 3", "LayersGraphAttention.dense_pulls"),
        ("[5, 4]", "kind = 'dense', features = 3, bias = false", "TokensSound.token_sound"),
        ("[5, 4]", "kind = 'embedding', features = 3", "TokensSound.token_sound"),
        ("[5, 4]", "kind = 'layer_norm'", "LayersGraphLayerNorm.layer_norm_gradients"),
        ("[5, 4]", "kind = 'layer_norm', bias = false", "LayersNorm.layer_norm_layer_vjp"),
        ("[4, 4, 3]", "kind = 'global_avg_pool'", "LayersGraphPool.global_average_gradients"),
        ("[4, 4, 3]", "kind = 'global_avg_pool', keep = true", "LayersPooling.average_vjp"),
        ("[5, 4]", "kind = 'global_avg_pool'", "LayersPooling.average_vjp"),
        (
            "[4, 4, 3]",
            "kind = 'patch_embed', features = 8, patch = 2",
            "LayersPooling.patch_embed_vjp",
        ),
    ] {
        assert_eq!(first(input, layer), name, "{input} {layer}");
    }
    let block =
        |more: &str| first("[5, 4]", &format!("kind = 'transformer_block', heads = 2{more}"));
    assert_eq!(block(""), "LayersGraphBlock.block_gradients");
    for more in [
        "causal = true",
        "activation = 'relu'",
        "dropout = 0.1",
        "drop_path = 0.1",
        "layer_scale = 0.1",
    ] {
        assert_eq!(block(&format!(", {more}")), "LayersAttention.transformer_block_vjp", "{more}");
    }
}

#[test]
fn several_losses_are_shown() {
    let dir = tempfile::tempdir().unwrap();
    let text = "name = 'two'\ninput = [4]\nlosses = [{ kind = 'softmax_cross_entropy', features = 2 }, \
                { kind = 'mean_squared_error', features = 3, weight = 0.3 }]\n\
                layers = [{ kind = 'dense', features = 5 }]\n";
    std::fs::write(dir.path().join("two.toml"), text).unwrap();
    let table = ok(dir.path(), &["show", "two.toml"]);
    let line =
        "loss: 1 × softmax_cross_entropy of 2 features + 0.3 × mean_squared_error of 3 features\n";
    assert!(table.contains(line), "{table}");
    let shown: serde_json::Value =
        serde_json::from_str(&ok(dir.path(), &["show", "two.toml", "--json"])).unwrap();
    assert_eq!(shown["losses"][1]["features"], 3);
    assert_eq!(shown["losses"][1]["weight"], 0.3);
    let said = fails(dir.path(), &["show", "two.toml", "--classes", "3"]);
    assert!(said.contains("several losses"), "{said}");
}

#[test]
fn layers_inside_blocks_add_up() {
    for model in ["resnet18", "convnext-tiny", "tiny-gpt", "unet"] {
        let shown = json(&["show", model, "--json"]);
        let layers = shown["layers"].as_array().unwrap();
        let sum = |key: &str, outermost: bool| -> u64 {
            let counted = layers.iter().filter(|l| !outermost || l["level"] == 1);
            counted.map(|l| l[key].as_u64().unwrap()).sum()
        };
        for (own, total) in [("params", "total_params"), ("macs", "total_macs")] {
            assert_eq!(shown[own], sum(own, false), "{model}");
            assert_eq!(shown[own], sum(total, true), "{model}");
        }
    }
}

#[test]
fn shared_parameters_count_once() {
    let dir = tempfile::tempdir().unwrap();
    let text = r#"
        name = "twice"
        input = [4]
        layers = [{ kind = "use", net = "s" }, { kind = "use", net = "s" }]
        [shared]
        s = [{ kind = "dense", features = 4 }]
    "#;
    std::fs::write(dir.path().join("twice.toml"), text).unwrap();
    let table = ok(dir.path(), &["show", "twice.toml"]);
    let parameters: Vec<&str> =
        table.lines().filter_map(|l| l.split_whitespace().nth(3)).skip(1).collect();
    assert_eq!(parameters[..4], ["20", "20", "0", "0"], "{table}");
    assert!(table.contains("\n20 parameters"), "{table}");
}

#[test]
fn the_table_is_indented_to_a_level() {
    let table = |level| ok(Path::new(HERE), &["show", "mobilenet-v3-large", "--nesting", level]);
    assert!(!table("1").contains("conv_pwl"));
    let two = table("2");
    assert!(two.contains("\n  conv_pwl") && !two.contains("conv_reduce"), "{two}");
    assert!(table("3").contains("\n    conv_reduce"));
    let block = two.lines().find(|l| l.starts_with("blocks.2.0 ")).unwrap();
    for rule in ["chain rule", "product rule", "sparse Toeplitz", "rank-1 correction"] {
        assert!(block.contains(rule), "{block}");
    }
}

#[test]
fn zoo_models_scale_and_spec_files_do_not() {
    let dir = tempfile::tempdir().unwrap();
    let scaled = ["--classes", "10", "--image", "32", "--width", "0.125", "--depth", "0.5"];
    let toml = ok(dir.path(), &[&["show", "resnet34", "--format", "toml"], &scaled[..]].concat());
    assert!(toml.contains("features = 8,") && toml.contains("features = 10 }"), "{toml}");
    assert_eq!(toml.matches("basic_block").count(), 9, "{toml}");
    std::fs::write(dir.path().join("small.toml"), toml).unwrap();
    ok(dir.path(), &["show", "small.toml", "--classes", "3", "--image", "64"]);
    for flag in ["--width", "--depth"] {
        let error = fails(dir.path(), &["show", "small.toml", flag, "0.5"]);
        assert!(error.contains(&format!("{flag} 0.5: small.toml is a spec file")), "{error}");
        let error = fails(dir.path(), &["show", "resnet34", flag, "0"]);
        assert!(error.contains("expected a factor from 0.001 to 100"), "{error}");
    }
    let error = fails(dir.path(), &["show", "tiny-gpt", "--image", "8"]);
    assert!(error.contains("not an image"), "{error}");
    let error = fails(dir.path(), &["show", "vit-tiny", "--image", "30"]);
    assert!(error.contains("does not divide into patches"), "{error}");
}

#[test]
fn emit_writes_text_and_manifest_that_agree() {
    let dir = tempfile::tempdir().unwrap();
    for what in ["train", "grad", "forward", "eval"] {
        for dtype in ["f32", "f64"] {
            let args = [
                "emit",
                "mnist-mlp",
                "-o",
                "F.mlir",
                "--what",
                what,
                "--dtype",
                dtype,
                "--batch",
                "3",
            ];
            ok(dir.path(), &args);
            let text = std::fs::read_to_string(dir.path().join("F.mlir")).unwrap();
            let program = Program::from_text(&text).unwrap();
            assert_eq!(program.to_text().unwrap(), text);
            let manifest = std::fs::read_to_string(dir.path().join("F.json")).unwrap();
            let manifest: Value = serde_json::from_str(&manifest).unwrap();
            assert_eq!(manifest["what"], what);
            assert_eq!(manifest["batch"], 3);
            let inputs = manifest["inputs"].as_array().unwrap();
            assert_eq!(inputs.len(), program.graph.inputs.len());
            assert_eq!(inputs[0]["name"], "dense_1.weight");
            assert_eq!(inputs[0]["role"], "param");
            assert_eq!(inputs[0]["dtype"], dtype);
        }
    }
    // Nothing but the two files: temporaries are gone.
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2);
}

#[test]
fn emit_refuses() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    let missing = fails(d, &["emit", "mnist-mlp", "-o", "no/such/F.mlir"]);
    assert!(missing.contains("cannot write no/such/F.mlir"), "{missing}");
    let json = fails(d, &["emit", "mnist-mlp", "-o", "F.json"]);
    assert!(json.contains("is where the manifest goes"), "{json}");
    let batch = fails(d, &["emit", "mnist-mlp", "--batch", "0"]);
    assert!(batch.contains("batch size 0: expected 1 to 1048576"), "{batch}");
    let optimizer = fails(d, &["emit", "mnist-mlp", "--optimizer", "adamw(beta1=2)"]);
    assert!(optimizer.contains("beta1 = 2 must be at least 0 and below 1"), "{optimizer}");
    let decay = fails(d, &["emit", "mnist-mlp", "--wd", "-1"]);
    assert!(decay.contains("weight_decay = -1 must be at least 0"), "{decay}");
    assert_eq!(std::fs::read_dir(d).unwrap().count(), 0);
}

#[test]
fn models_are_named_or_files() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    let near = fails(d, &["show", "mnist-cmn"]);
    assert!(near.contains("there is no model `mnist-cmn`"), "{near}");
    assert!(near.contains("did you mean `mnist-cnn`?"), "{near}");
    let far = fails(d, &["show", "resnet"]);
    assert!(far.contains("`cotangent models` lists"), "{far}");
    let absent = fails(d, &["show", "absent.toml"]);
    assert!(absent.contains("absent.toml: No such file"), "{absent}");

    let spec = "name = 't'\ninput = [28, 28, 1]\nlayers = [{ kind = 'dense', features = 10 }]\n";
    std::fs::write(d.join("t.toml"), spec).unwrap();
    let shapes = fails(d, &["show", "t.toml"]);
    for part in ["t.toml", "layer 1 (dense_1)", "[28, 28, 1]", "put a `flatten` before it"] {
        assert!(shapes.contains(part), "{part}: {shapes}");
    }
    std::fs::write(d.join("t.toml"), spec.replace("dense", "dence")).unwrap();
    assert!(fails(d, &["show", "t.toml"]).contains("did you mean `dense`?"));
    std::fs::write(d.join("t.toml"), "name = ").unwrap();
    assert!(fails(d, &["show", "t.toml"]).contains("t.toml: not a TOML file"));
    std::fs::write(d.join("t.toml"), [0xff, 0xfe]).unwrap();
    assert!(fails(d, &["show", "t.toml"]).contains("t.toml:"));
}

#[test]
fn check_passes_and_reports_every_parameter() {
    let report = json(&["check", "mnist-linear", "--json"]);
    assert_eq!(report["passed"], true);
    assert_eq!(report["finite_differences"]["tensors"].as_array().unwrap().len(), 2);
    assert!(report["finite_differences"]["samples"].as_u64().unwrap() > 70);
    assert!(!report["kinks"].as_array().unwrap().is_empty());
    assert_eq!(report["executors"][0]["backend"], "native");
}

#[test]
fn doctor_says_what_is_there() {
    let report = json(&["doctor", "--json"]);
    let names: Vec<_> =
        report.as_array().unwrap().iter().map(|i| i["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["native", "data", "coq", "python3", "jax", "torch"]);
}

#[test]
fn a_closed_pipe_is_not_an_error() {
    let script = format!("{} emit mnist-cnn | head -n 1", env!("CARGO_BIN_EXE_cotangent"));
    let output = std::process::Command::new("bash").args(["-c", &script]).output().unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!run(Path::new(HERE), &["no-such-command"]).status.success());
}

#[test]
fn emit_replaces_only_regular_files() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    let text = ok(d, &["emit", "mnist-linear"]);
    // A pipe stands for every device: it takes the text, and nothing else
    // appears.
    assert!(std::process::Command::new("mkfifo").arg(d.join("pipe")).status().unwrap().success());
    let reader = std::thread::spawn({
        let pipe = d.join("pipe");
        move || std::fs::read_to_string(pipe).unwrap()
    });
    ok(d, &["emit", "mnist-linear", "-o", "pipe"]);
    assert_eq!(reader.join().unwrap(), text);
    assert_eq!(std::fs::read_dir(d).unwrap().count(), 1);
    // Standard output by its other name.
    assert_eq!(ok(d, &["emit", "mnist-linear", "-o", "/dev/stdout"]), text);

    std::fs::create_dir(d.join("sub")).unwrap();
    std::fs::write(d.join("sub/target.mlir"), "old").unwrap();
    std::os::unix::fs::symlink("sub/target.mlir", d.join("link.mlir")).unwrap();
    ok(d, &["emit", "mnist-linear", "-o", "link.mlir"]);
    assert!(d.join("link.mlir").is_symlink());
    assert_eq!(std::fs::read_to_string(d.join("sub/target.mlir")).unwrap(), text);
    assert!(d.join("link.json").is_file());
}

#[test]
fn emit_writes_both_files_or_neither() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    std::fs::write(d.join("j.mlir"), "old").unwrap();
    std::fs::create_dir(d.join("j.json")).unwrap();
    let error = fails(d, &["emit", "mnist-linear", "-o", "j.mlir"]);
    assert!(error.contains("cannot write j.json: is a directory"), "{error}");
    assert_eq!(std::fs::read(d.join("j.mlir")).unwrap(), b"old");
    assert_eq!(std::fs::read_dir(d).unwrap().count(), 2);
    let error = fails(d, &["emit", "mnist-linear", "-o", "."]);
    assert!(error.contains("cannot write .: is a directory"), "{error}");
    let error = fails(d, &["emit", "mnist-linear", "-o", "none/F.mlir"]);
    assert!(!error.contains(".tmp"), "{error}");
}

#[test]
fn flags_without_a_meaning_are_refused() {
    let d = Path::new(HERE);
    for (args, part) in [
        (&["emit", "mnist-linear", "--json"][..], "-o F.mlir"),
        (&["emit", "mnist-linear", "--json", "-o", "/dev/stdout"], "/dev/stdout is none"),
        (&["emit", "mnist-linear", "--what", "forward", "--wd", "1"], "a forward step has no"),
        (&["emit", "mnist-linear", "--what", "grad", "--optimizer", "sgd"], "a grad step has no"),
        (&["emit", "mnist-linear", "--optimizer", "sgd(weight_decay=1)", "--wd", "2"], "both set"),
        (&["emit", "mnist-linear", "--optimizer", "adamw(eps=1,eps=2)"], "gives eps twice"),
        (&["emit", "mnist-linear", "--what", "grad", "--clip", "1"], "--clip: a grad step has no"),
        (&["emit", "mnist-linear", "--what", "eval", "--ema", "0.9"], "--ema: "),
        (&["emit", "mnist-linear", "--optimizer", "sgd clip(norm=1)", "--clip", "2"], "both set"),
        (&["emit", "mnist-linear", "--optimizer", "sgd clamp(norm=1)"], "unknown feature `clamp`"),
        (&["emit", "mnist-linear", "--clip", "-1"], "--clip: norm = -1 must be above 0"),
        (&["emit", "mnist-linear", "--ema", "1"], "--ema: decay = 1 must be at least 0"),
        (&["emit", "mnist-linear", "--accumulate", "0"], "--accumulate: steps = 0 must be 1"),
        (&["emit", "mnist-linear", "--no-decay", "all"], "--no-decay: found `all`, expected bias"),
        (
            &["bench", "mnist-linear", "--optimizer", "lamb", "--peers"],
            "not set up for --optimizer",
        ),
        (&["bench", "mnist-linear", "--optimizer", "adamax"], "unknown optimizer `adamax`"),
        (&["emit", "mnist-linear", "--wd", "1e400"], "--wd: weight_decay = 1.000e400"),
        (&["show", "mnist-linear", "--format", "toml", "--json"], "cannot be used with"),
        (&["bench", "mnist-linear", "--threads", "100000"], "1..=1024"),
    ] {
        let error = fails(d, args);
        assert!(error.contains(part) && error.len() < 500, "{args:?}: {error}");
    }
}

#[test]
fn numbers_out_of_range_name_the_range() {
    let dir = tempfile::tempdir().unwrap();
    let said = |text: String, args: &[&str]| {
        std::fs::write(dir.path().join("n.toml"), text).unwrap();
        let output = run(dir.path(), args);
        let all = [output.stdout, output.stderr].concat();
        let all = String::from_utf8(all).unwrap().replace("│", "");
        all.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let net = |features: &str, more: &str| {
        format!(
            "name = \"n\"\ninput = [5]\n{more}\nlayers = [{{ kind = \"dense\", features = {features} }}]\n"
        )
    };
    let show = ["show", "n.toml"];
    let two = |features: &str, weight: &str| {
        let kind = "kind = \"mean_squared_error\"";
        net(
            "6",
            &format!(
                "losses = [{{ {kind}, features = {features}, weight = {weight} }}, {{ {kind}, features = 1 }}]"
            ),
        )
    };
    let branches = "name = \"n\"\ninput = [4]\nlayers = [{ kind = \"concat\", branches = [
      [{ kind = \"dense\", features = 2 }], [{ kind = \"dense\", features = 3 }]] }]\n";
    let large = "18446744073709551615";
    for (text, args, part) in [
        (net("-2", ""), &show[..], "expected a whole number, 1 or more"),
        (two("-2", "1"), &show, "expected a whole number, 1 or more"),
        (
            net(large, ""),
            &show,
            &format!("line 4: found {large}, expected a whole number from -2^63"),
        ),
        (net(&format!("-{large}0"), ""), &show, "expected a whole number from -2^63"),
        (net("2", ""), &["show", "n.toml", "--classes", "0"], "--classes"),
        (net("2", ""), &["show", "n.toml", "--image", "0"], "--image"),
        (
            branches.into(),
            &["show", "n.toml", "--classes", "6"],
            "--classes 6: the 5 outputs of net",
        ),
        (
            two("5", "9223372036854775807"),
            &show,
            "9223372036854775807 × mean_squared_error of 5 features + 1 × mean_squared_error of 1 feature the",
        ),
        (
            two("5", "1"),
            &["train", "n.toml", "--data", "synthetic"],
            "has outputs [6] and several losses: its answer is the features of the first",
        ),
    ] {
        let all = said(text, args);
        assert!(all.contains(part), "{part}: {all}");
        assert!(!all.contains("not a TOML file"), "{all}");
    }
}

#[test]
fn features_by_flag_are_those_by_text() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    let features = "clip(norm=0.5) ema(decay=0.99) accumulate(steps=4) no_decay(bias-and-norm)";
    let flags = ["--clip", "0.5", "--ema", "0.99", "--accumulate", "4", "--no-decay"];
    let emit = ["emit", "mnist-linear", "--batch", "2", "--optimizer"];
    let by_flag = [&emit[..], &["lamb"], &flags, &["bias-and-norm", "-o", "a.mlir"]].concat();
    ok(d, &by_flag);
    ok(d, &[&emit[..], &[&format!("lamb {features}"), "-o", "b.mlir"]].concat());
    let text = std::fs::read_to_string(d.join("a.mlir")).unwrap();
    assert_eq!(text, std::fs::read_to_string(d.join("b.mlir")).unwrap());
    assert!(text.contains(&format!("weight_decay=0.01) {features}")), "{text}");
    // The plain step says what it always said.
    ok(d, &[&emit[..], &["sgd", "-o", "c.mlir"]].concat());
    let text = std::fs::read_to_string(d.join("c.mlir")).unwrap();
    assert!(text.contains("\"sgd(weight_decay=0)\""), "{text}");
}

#[test]
fn a_long_line_is_not_printed_whole() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("nest.toml"), format!("layers = {}", "[".repeat(100_000)))
        .unwrap();
    let error = fails(dir.path(), &["show", "nest.toml"]);
    assert!(error.contains("nest.toml") && error.len() < 2000, "{}", error.len());
    let spec = "name = 't'\ninput = [28, 28, 1]\nlayers = [{ kind = 'dense', features = 'x' }]\n";
    std::fs::write(dir.path().join("t.toml"), spec).unwrap();
    let error = fails(dir.path(), &["show", "t.toml"]);
    assert!(error.contains("whole number") && !error.contains("usize"), "{error}");
}
