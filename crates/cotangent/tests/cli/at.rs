//! `prove --at`: layers that a certificate at a point covers, each before a kink, and
//! points that are refused.

use crate::common::{THEORIES, fails, ok, with_data};
use crate::prove::{json, weights};
use cotangent::net::NetSpec;
use cotangent::train::MaskDraw;
use serde_json::Value;
use std::process::Command;

/// What is said of a network after an epoch, at so many examples.
fn certified(text: &str, count: &str) -> Value {
    let dir = with_data();
    std::fs::write(dir.path().join("net.toml"), text).unwrap();
    let train =
        ["train", "net.toml", "--data", "data", "--epochs", "1", "--run-dir", "r", "--quiet"];
    ok(dir.path(), &train);
    let at = ["prove", "net.toml", "--at", "r/last.safetensors", "--batch-from", "data"];
    let report = json(dir.path(), &[&at[..], &["--json", "--count", count]].concat());
    assert!(report["at"]["theorem"].as_str().unwrap().contains("certified_at"), "{report}");
    assert!(report["at"]["axioms"].as_array().unwrap().len() <= 3, "{report}");
    report
}

/// Features set beside others: a dense block's, which are normalised and rectified
/// after, and an inception's, which are rectified before and of which maxima are taken.
const BESIDE: &str = r#"
name = "beside"
input = [28, 28, 1]
layers = [
  { kind = "conv2d", features = 2, kernel = 4, stride = 4, name = "see" },
  { kind = "concat", name = "grown", branches = [[],
    [{ kind = "batch_norm" }, { kind = "relu", name = "bend" }, { kind = "conv2d", features = 3, kernel = 3, padding = 1 }]] },
  { kind = "batch_norm" }, { kind = "relu", name = "turn" },
  { kind = "concat", name = "seen", branches = [
    [{ kind = "conv2d", features = 2, kernel = 1 }, { kind = "relu", name = "near" }],
    [{ kind = "conv2d", features = 2, kernel = 3, padding = 1 }, { kind = "relu", name = "far" }]] },
  { kind = "max_pool", window = 2, name = "most" },
  { kind = "flatten" }, { kind = "dense", features = 10, name = "last" },
]
"#;

#[test]
fn at_trained_weights_concatenated_features_meet_no_kink() {
    certified(BESIDE, "1");
}

#[test]
fn a_concatenated_feature_on_a_kink_is_named() {
    let dir = with_data();
    let text = r#"
name = "side"
input = [28, 28, 1]
layers = [
  { kind = "concat", branches = [
    [{ kind = "conv2d", features = 1, kernel = 28, padding = 0, name = "one" }],
    [{ kind = "conv2d", features = 2, kernel = 28, padding = 0, name = "two" }]] },
  { kind = "relu", name = "bend" }, { kind = "flatten" },
  { kind = "dense", features = 10, name = "last" },
]
"#;
    std::fs::write(dir.path().join("side.toml"), text).unwrap();
    let tensors: [(&str, &[usize], Vec<f32>); 6] = [
        ("concat_1.one.weight", &[28, 28, 1, 1], vec![0.0; 784]),
        ("concat_1.one.bias", &[1], vec![0.5]),
        ("concat_1.two.weight", &[28, 28, 1, 2], vec![0.0; 1568]),
        ("concat_1.two.bias", &[2], vec![-1.0, 0.0]),
        ("last.weight", &[3, 10], vec![0.0; 30]),
        ("last.bias", &[10], vec![0.0; 10]),
    ];
    weights(&dir.path().join("side.safetensors"), &tensors);
    let at = ["prove", "side.toml", "--at", "side.safetensors", "--batch-from", "data", "--quiet"];
    let message = fails(dir.path(), &at);
    assert!(message.contains("bend: entry [0, 0, 0, 2] is 0"), "{message}");
    assert!(!message.contains("bend: entry [0, 0, 0, 1]"), "{message}");
}

/// Exponentials and quotients before kinks, and gates whose products come before some.
const GATED: &str = r#"
name = "gated"
input = [28, 28, 1]
layers = [
  { kind = "conv2d", features = 3, kernel = 7, stride = 7, name = "see" },
  { kind = "silu" },
  { kind = "squeeze_excite", reduced = 2, name = "excite" },
  { kind = "conv2d", features = 3, kernel = 1 },
  { kind = "hard_swish", name = "swish" },
  { kind = "squeeze_excite", reduced = 2, gate = "hard_sigmoid", name = "half" },
  { kind = "conv2d", features = 3, kernel = 1 },
  { kind = "gelu", approximate = "tanh" }, { kind = "global_avg_pool" }, { kind = "tanh" },
  { kind = "dense", features = 4 }, { kind = "relu", name = "bend" },
  { kind = "dense", features = 10, name = "last" },
]
"#;

#[test]
fn at_trained_weights_gates_meet_no_kink() {
    let report = certified(GATED, "2");
    let kinks = report["kinks"].as_array().unwrap();
    for layer in ["excite.branch2_relu_1", "swish", "half.branch2_hard_sigmoid_1", "bend"] {
        assert!(kinks.iter().any(|kink| kink["layer"] == layer), "{kinks:?}");
    }
}

/// An image made smaller, larger again, and set beside what it was.
const ENLARGED: &str = r#"
name = "enlarged"
input = [28, 28, 1]
layers = [
  { kind = "conv2d", features = 2, kernel = 4, stride = 4, name = "see" }, { kind = "relu", name = "bend" },
  { kind = "concat", name = "skip", branches = [[], [
    { kind = "conv2d", features = 3, kernel = 3, stride = 2, padding = 1 }, { kind = "batch_norm" },
    { kind = "relu", name = "deep" },
    { kind = "conv_transpose2d", features = 2, kernel = 3, stride = 2, padding = 1, name = "grow" },
    { kind = "relu", name = "grown" }]] },
  { kind = "conv2d", features = 3, kernel = 3 }, { kind = "relu", name = "turn" },
  { kind = "flatten" }, { kind = "dense", features = 10, name = "last" },
]
"#;

#[test]
fn at_trained_weights_an_enlarged_image_meets_no_kink() {
    certified(ENLARGED, "1");
}

#[test]
fn a_gap_between_the_copies_of_a_kernel_is_named() {
    let dir = with_data();
    let text = r#"
name = "gaps"
input = [28, 28, 1]
layers = [
  { kind = "conv2d", features = 1, kernel = 14, stride = 14, name = "see" },
  { kind = "conv_transpose2d", features = 2, kernel = 2, stride = 3, name = "grow" },
  { kind = "relu", name = "bend" }, { kind = "flatten" }, { kind = "dense", features = 10, name = "last" },
]
"#;
    std::fs::write(dir.path().join("gaps.toml"), text).unwrap();
    let tensors: [(&str, &[usize], Vec<f32>); 6] = [
        ("see.weight", &[14, 14, 1, 1], vec![0.0; 196]),
        ("see.bias", &[1], vec![1.0]),
        ("grow.weight", &[2, 2, 2, 1], vec![1.0; 8]),
        ("grow.bias", &[2], vec![0.5, 0.0]),
        ("last.weight", &[50, 10], vec![0.0; 500]),
        ("last.bias", &[10], vec![0.0; 10]),
    ];
    weights(&dir.path().join("gaps.safetensors"), &tensors);
    let at = ["prove", "gaps.toml", "--at", "gaps.safetensors", "--batch-from", "data", "--quiet"];
    let message = fails(dir.path(), &at);
    // Two copies of two cells, three apart: rows 0, 1, 3 and 4.
    assert!(message.contains("bend: entry [0, 0, 2, 1] is 0"), "{message}");
    assert!(!message.contains("bend: entry [0, 0, 1, "), "{message}");
    assert!(!message.contains("bend: entry [0, 0, 3, "), "{message}");
}

/// The greater of three branches, two of them smooth.
const GREATER: &str = r#"
name = "greater"
input = [28, 28, 1]
layers = [
  { kind = "conv2d", features = 2, kernel = 7, stride = 7, name = "see" },
  { kind = "parallel", merge = "maximum", name = "meet", branches = [[],
    [{ kind = "sigmoid" }], [{ kind = "conv2d", features = 2, kernel = 1 }]] },
  { kind = "flatten" }, { kind = "dense", features = 10, name = "last" },
]
"#;

#[test]
fn at_trained_weights_branches_of_a_maximum_do_not_meet() {
    let report = certified(GREATER, "2");
    assert_eq!(report["kinks"][0]["op"], "maximum");
}

#[test]
fn branches_of_a_maximum_that_meet_are_named() {
    let dir = with_data();
    let text = r#"
name = "met"
input = [28, 28, 1]
layers = [
  { kind = "flatten" }, { kind = "dense", features = 2, name = "see" },
  { kind = "parallel", merge = "maximum", name = "meet", branches = [[],
    [{ kind = "dense", features = 2, name = "other" }]] },
  { kind = "dense", features = 10, name = "last" },
]
"#;
    std::fs::write(dir.path().join("met.toml"), text).unwrap();
    let tensors: [(&str, &[usize], Vec<f32>); 6] = [
        ("see.weight", &[784, 2], vec![0.0; 1568]),
        ("see.bias", &[2], vec![1.0, 2.0]),
        ("meet.other.weight", &[2, 2], vec![0.0, 1.0, 0.0, 0.0]),
        ("meet.other.bias", &[2], vec![0.5, 1.0]),
        ("last.weight", &[2, 10], vec![0.0; 20]),
        ("last.bias", &[10], vec![0.0; 10]),
    ];
    weights(&dir.path().join("met.safetensors"), &tensors);
    let at = ["prove", "met.toml", "--at", "met.safetensors", "--batch-from", "data", "--quiet"];
    let message = fails(dir.path(), &at);
    assert!(message.contains("meet: at [0, 1] a branch equals the maximum"), "{message}");
    assert!(!message.contains("meet: at [0, 0]"), "{message}");
}

/// Masks before kinks: after a rectifier, before the greatest are taken, and of a branch.
const MASKED: &str = r#"
name = "masked"
input = [28, 28, 1]
layers = [
  { kind = "conv2d", features = 3, kernel = 7, stride = 7, name = "see" }, { kind = "relu", name = "bend" },
  { kind = "dropout", rate = 0.4 }, { kind = "max_pool", window = 2, name = "most" },
  { kind = "parallel", merge = "sum", name = "sum", branches = [[],
    [{ kind = "conv2d", features = 3, kernel = 1 }, { kind = "sigmoid" }, { kind = "drop_path", rate = 0.5 }]] },
  { kind = "flatten" }, { kind = "dense", features = 4 }, { kind = "relu", name = "turn" },
  { kind = "dropout", rate = 0.5 }, { kind = "dense", features = 10, name = "last" },
]
"#;

#[test]
fn at_trained_weights_and_the_next_masks_no_kink_is_met() {
    let report = certified(MASKED, "2");
    let masks = &report["at"]["masks"];
    assert_eq!(masks["seed"], 0, "{masks}");
    assert!(masks["step"].as_u64().unwrap() > 1, "{masks}");
    // Not that of the last dropout.
    assert_eq!(masks["names"].as_array().unwrap().len(), 2, "{masks}");
}

#[test]
fn an_entry_that_a_mask_drops_is_named() {
    let dir = with_data();
    let text = r#"
name = "dropped"
input = [28, 28, 1]
layers = [
  { kind = "flatten" }, { kind = "dense", features = 8, name = "see" }, { kind = "tanh" },
  { kind = "dropout", rate = 0.5 }, { kind = "relu", name = "bend" }, { kind = "dense", features = 10, name = "last" },
]
"#;
    std::fs::write(dir.path().join("dropped.toml"), text).unwrap();
    let tensors: [(&str, &[usize], Vec<f32>); 4] = [
        ("see.weight", &[784, 8], vec![0.0; 6272]),
        ("see.bias", &[8], vec![1.0; 8]),
        ("last.weight", &[8, 10], vec![0.0; 80]),
        ("last.bias", &[10], vec![0.0; 10]),
    ];
    weights(&dir.path().join("w.safetensors"), &tensors);
    let at = ["prove", "dropped.toml", "--at", "w.safetensors", "--batch-from", "data", "--quiet"];
    // No run wrote them.
    let message = fails(dir.path(), &at);
    assert!(message.contains("does not say the seed"), "{message}");
    assert!(message.contains("--mask-seed"), "{message}");
    let message = fails(dir.path(), &[&at[..], &["--mask-seed", "3"]].concat());
    let net = NetSpec::from_toml(text).unwrap().network().unwrap();
    let mask = &MaskDraw { seed: 3, step: 0 }.masks(&net, 1)[0];
    let dropped = mask.iter().position(|&m| m == 0.0).unwrap();
    // Though tanh is in balls.
    assert!(message.contains(&format!("bend: entry [0, {dropped}] is 0")), "{message}");
    assert!(message.contains("let dropout follow the activation"), "{message}");
}

#[test]
fn a_seed_of_masks_that_no_kink_follows_is_refused() {
    let dir = with_data();
    let text = r#"
name = "late"
input = [28, 28, 1]
layers = [
  { kind = "flatten" }, { kind = "dense", features = 2, name = "see" }, { kind = "relu", name = "bend" },
  { kind = "dropout", rate = 0.5 }, { kind = "dense", features = 10, name = "last" },
]
"#;
    std::fs::write(dir.path().join("late.toml"), text).unwrap();
    let tensors: [(&str, &[usize], Vec<f32>); 4] = [
        ("see.weight", &[784, 2], vec![0.0; 1568]),
        ("see.bias", &[2], vec![1.0; 2]),
        ("last.weight", &[2, 10], vec![0.0; 20]),
        ("last.bias", &[10], vec![0.0; 10]),
    ];
    weights(&dir.path().join("w.safetensors"), &tensors);
    let at = ["prove", "late.toml", "--at", "w.safetensors", "--batch-from", "data", "--quiet"];
    let message = fails(dir.path(), &[&at[..], &["--mask-seed", "3"]].concat());
    assert!(message.contains("no kink depends on a mask"), "{message}");
    // Whatever the mask is.
    ok(dir.path(), &at);
}

/// Rows that have statistics of their own: of vectors, of the places of an image.
const ROWS: &str = r#"
name = "rows"
input = [28, 28, 1]
layers = [
  { kind = "conv2d", features = 4, kernel = 7, stride = 7, name = "see" },
  { kind = "layer_norm" }, { kind = "relu", name = "bend" },
  { kind = "conv2d", features = 4, kernel = 1 }, { kind = "rms_norm" }, { kind = "relu", name = "turn" },
  { kind = "flatten" }, { kind = "dense", features = 6 }, { kind = "layer_norm", bias = false },
  { kind = "relu", name = "end" }, { kind = "dense", features = 10, name = "last" },
]
"#;

#[test]
fn at_trained_weights_normalised_rows_meet_no_kink() {
    certified(ROWS, "1");
}

/// Groups of features, and activations that bend, made of exponentials and logarithms.
const GROUPS: &str = r#"
name = "groups"
input = [28, 28, 1]
layers = [
  { kind = "conv2d", features = 4, kernel = 7, stride = 7, name = "see" },
  { kind = "group_norm", groups = 2 }, { kind = "relu", name = "bend" },
  { kind = "conv2d", features = 3, kernel = 1 }, { kind = "group_norm", groups = 1, affine = false },
  { kind = "elu", name = "one" }, { kind = "conv2d", features = 3, kernel = 1 },
  { kind = "elu", alpha = 0.5, name = "half" }, { kind = "conv2d", features = 3, kernel = 1 }, { kind = "softplus" },
  { kind = "flatten" }, { kind = "dense", features = 4 }, { kind = "relu", name = "end" },
  { kind = "dense", features = 10, name = "last" },
]
"#;

#[test]
fn at_trained_weights_groups_elu_and_softplus_meet_no_kink() {
    let report = certified(GROUPS, "2");
    let kinks: Vec<&Value> =
        report["kinks"].as_array().unwrap().iter().map(|k| &k["layer"]).collect();
    assert_eq!(kinks, ["bend", "half", "end"]);
}

#[test]
fn softplus_of_0_is_told_from_the_nearest_number() {
    let dir = with_data();
    let text = r#"
name = "two"
input = [28, 28, 1]
layers = [
  { kind = "flatten" }, { kind = "dense", features = 1, name = "see" }, { kind = "softplus" },
  { kind = "dense", features = 1, name = "add" }, { kind = "relu", name = "bend" },
  { kind = "dense", features = 10, name = "last" },
]
"#;
    std::fs::write(dir.path().join("two.toml"), text).unwrap();
    let tensors: [(&str, &[usize], Vec<f32>); 6] = [
        ("see.weight", &[784, 1], vec![0.0; 784]),
        ("see.bias", &[1], vec![0.0]),
        ("add.weight", &[1, 1], vec![1.0]),
        ("add.bias", &[1], vec![-std::f32::consts::LN_2]),
        ("last.weight", &[1, 10], vec![0.0; 10]),
        ("last.bias", &[10], vec![0.0; 10]),
    ];
    weights(&dir.path().join("w.safetensors"), &tensors);
    ok(
        dir.path(),
        &["prove", "two.toml", "--quiet", "--batch-from", "data", "--at", "w.safetensors"],
    );
}

#[test]
fn an_entry_where_elu_bends_is_named() {
    let dir = with_data();
    let text = r#"
name = "bent"
input = [28, 28, 1]
layers = [
  { kind = "flatten" }, { kind = "dense", features = 2, name = "see" }, { kind = "elu" },
  { kind = "elu", alpha = 0.5, name = "half" }, { kind = "dense", features = 10, name = "last" },
]
"#;
    std::fs::write(dir.path().join("bent.toml"), text).unwrap();
    let tensors: [(&str, &[usize], Vec<f32>); 4] = [
        ("see.weight", &[784, 2], vec![0.0; 1568]),
        ("see.bias", &[2], vec![-1.0, 0.0]),
        ("last.weight", &[2, 10], vec![0.0; 20]),
        ("last.bias", &[10], vec![0.0; 10]),
    ];
    weights(&dir.path().join("w.safetensors"), &tensors);
    let at = ["prove", "bent.toml", "--quiet", "--batch-from", "data", "--at", "w.safetensors"];
    let message = fails(dir.path(), &at);
    // The first, without a bend, makes a ball of 0.
    assert!(message.contains("half: entry [0, 1] is within 2^-"), "{message}");
    assert!(!message.contains("half: entry [0, 0]"), "{message}");
}

#[test]
fn a_normalised_entry_that_its_shift_puts_near_a_kink_is_named() {
    let dir = with_data();
    let text = r#"
name = "level"
input = [28, 28, 1]
layers = [
  { kind = "flatten" }, { kind = "dense", features = 2, name = "see" }, { kind = "layer_norm", name = "norm" },
  { kind = "relu", name = "bend" }, { kind = "dense", features = 10, name = "last" },
]
"#;
    std::fs::write(dir.path().join("level.toml"), text).unwrap();
    // The mean is 2: an entry is as far above it as the other below, times its scale, which is 0.
    let tensors: [(&str, &[usize], Vec<f32>); 6] = [
        ("see.weight", &[784, 2], vec![0.0; 1568]),
        ("see.bias", &[2], vec![1.0, 3.0]),
        ("norm.weight", &[2], vec![1.0, 0.0]),
        ("norm.bias", &[2], vec![0.0, 0.0]),
        ("last.weight", &[2, 10], vec![0.0; 20]),
        ("last.bias", &[10], vec![0.0; 10]),
    ];
    weights(&dir.path().join("w.safetensors"), &tensors);
    let at = ["prove", "level.toml", "--at", "w.safetensors", "--batch-from", "data", "--quiet"];
    let message = fails(dir.path(), &at);
    assert!(message.contains("bend: entry [0, 1] is within 2^-"), "{message}");
    assert!(!message.contains("bend: entry [0, 0]"), "{message}");
}

/// `sigmoid 0 = 1/2`, and two of them are 1, times this weight.
fn halves(weight: f32) -> Vec<(&'static str, &'static [usize], Vec<f32>)> {
    vec![
        ("see.weight", &[784, 2], vec![0.0; 1568]),
        ("see.bias", &[2], vec![0.0; 2]),
        ("add.weight", &[2, 1], vec![weight; 2]),
        ("add.bias", &[1], vec![-1.0]),
        ("last.weight", &[1, 10], vec![1.0; 10]),
        ("last.bias", &[10], vec![0.0; 10]),
    ]
}

#[test]
fn an_exponential_that_ends_on_a_kink_stays_undecided() {
    let dir = with_data();
    let text = r#"
name = "level"
input = [28, 28, 1]
layers = [
  { kind = "flatten" }, { kind = "dense", features = 2, name = "see" }, { kind = "sigmoid" },
  { kind = "dense", features = 1, name = "add" }, { kind = "relu", name = "bend" },
  { kind = "dense", features = 10, name = "last" },
]
"#;
    std::fs::write(dir.path().join("level.toml"), text).unwrap();
    weights(&dir.path().join("on.safetensors"), &halves(1.0));
    let at = ["prove", "level.toml", "--quiet", "--batch-from", "data", "--at"];
    let message = fails(dir.path(), &[&at[..], &["on.safetensors"]].concat());
    assert!(message.contains("bend: entry [0, 0] is within 2^-2"), "{message}");
    assert!(message.contains("of 0, too close to tell"), "{message}");
    // The nearest binary32 number above.
    weights(&dir.path().join("off.safetensors"), &halves(1.000_000_1));
    ok(dir.path(), &[&at[..], &["off.safetensors"]].concat());
}

/// Normalised so often that balls of 64 bits grow too wide.
fn deep() -> String {
    let block = |k: usize| {
        format!(
            "  {{ kind = \"depthwise_conv2d\", kernel = 3, padding = 1, bias = false }},
  {{ kind = \"batch_norm\" }}, {{ kind = \"relu6\", name = \"each{k}\" }},
  {{ kind = \"conv2d\", features = 4, kernel = 1, bias = false }},
  {{ kind = \"batch_norm\" }}, {{ kind = \"relu6\", name = \"mix{k}\" }},\n"
        )
    };
    format!(
        "name = \"deep\"\ninput = [28, 28, 1]\nlayers = [
  {{ kind = \"conv2d\", features = 4, kernel = 4, stride = 4, bias = false, name = \"see\" }},
  {{ kind = \"batch_norm\" }}, {{ kind = \"relu6\", name = \"bend\" }},
{}  {{ kind = \"global_avg_pool\" }}, {{ kind = \"dense\", features = 10, name = \"last\" }} ]\n",
        (0..5).map(block).collect::<String>()
    )
}

#[test]
fn a_deep_network_has_the_bits_it_needs() {
    let dir = with_data();
    std::fs::write(dir.path().join("deep.toml"), deep()).unwrap();
    let train =
        ["train", "deep.toml", "--data", "data", "--epochs", "1", "--run-dir", "r", "--quiet"];
    ok(dir.path(), &train);
    let at = ["prove", "deep.toml", "--at", "r/last.safetensors", "--batch-from", "data"];
    ok(dir.path(), &[&at[..], &["--out", "c", "--quiet"]].concat());
    let file = dir.path().join("c/At.v");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("fraction := 128%N"), "{text}");
    // Coq does not accept the same with fewer.
    std::fs::write(&file, text.replace("128%N", "64%N")).unwrap();
    let coqc = ["-q", "-noglob", "-Q", THEORIES, "Cotangent", "At.v"];
    let output =
        Command::new("coqc").args(coqc).current_dir(dir.path().join("c")).output().unwrap();
    assert!(!output.status.success());
}

/// Pools, means, sums, products and maxima of what two features see, of which the
/// first is `bent` to 0 everywhere.
fn quiet(bent: &str) -> String {
    format!(
        r#"
name = "quiet"
input = [28, 28, 1]
layers = [
  {{ kind = "conv2d", features = 2, kernel = 2, stride = 2, name = "see" }}, {bent}
  {{ kind = "max_pool", window = 2, name = "most" }},
  {{ kind = "parallel", merge = "sum", name = "both", branches = [[],
    [{{ kind = "avg_pool", window = 3, stride = 1, padding = 1 }}]] }},
  {{ kind = "max_pool", window = 2, name = "again" }},
  {{ kind = "squeeze_excite", reduced = 1, name = "excite" }},
  {{ kind = "max_pool", window = 2, stride = 1, name = "last_of_all" }},
  {{ kind = "flatten" }}, {{ kind = "dense", features = 10, name = "last" }},
]
"#
    )
}

#[test]
fn what_is_off_stays_off_in_pools_means_sums_and_products() {
    let dir = with_data();
    let tensors: [(&str, &[usize], Vec<f32>); 8] = [
        ("see.weight", &[2, 2, 1, 2], vec![0.0, 0.3, 0.0, 0.7, 0.0, 0.11, 0.0, 0.53]),
        ("see.bias", &[2], vec![-1.0, 0.25]),
        ("excite.conv_reduce.weight", &[1, 1, 2, 1], vec![1.0; 2]),
        ("excite.conv_reduce.bias", &[1], vec![1.0]),
        ("excite.conv_expand.weight", &[1, 1, 1, 2], vec![0.5; 2]),
        ("excite.conv_expand.bias", &[2], vec![0.0; 2]),
        ("last.weight", &[8, 10], vec![0.0; 80]),
        ("last.bias", &[10], vec![0.0; 10]),
    ];
    weights(&dir.path().join("quiet.safetensors"), &tensors);
    let at = ["--at", "quiet.safetensors", "--batch-from", "data", "--quiet"];
    std::fs::write(dir.path().join("off.toml"), quiet("{ kind = 'relu', name = 'bend' },"))
        .unwrap();
    ok(dir.path(), &[&["prove", "off.toml"][..], &at].concat());
    // The same numbers, tied.
    std::fs::write(dir.path().join("on.toml"), quiet("")).unwrap();
    let message = fails(dir.path(), &[&["prove", "on.toml"][..], &at].concat());
    assert!(
        message.contains("most: the greatest cells of the window at [0, 0, 0] are tied"),
        "{message}"
    );
}

/// Patches as tokens, one learned before them, and the shapes they go through.
const TOKENS: &str = r#"
name = "tokens"
input = [28, 28, 1]
layers = [
  { kind = "patch_embed", features = 4, patch = 7, name = "see" },
  { kind = "class_token", name = "first" }, { kind = "position_embedding", name = "places" },
  { kind = "residual", name = "mix", layers = [
    { kind = "dense", features = 6, name = "up" }, { kind = "relu", name = "bend" },
    { kind = "dense", features = 4, bias = false, name = "down" }, { kind = "layer_scale", name = "less" }] },
  { kind = "concat", name = "both", branches = [
    [{ kind = "select_token" }, { kind = "dense", features = 3 }, { kind = "relu", name = "one" }],
    [{ kind = "global_avg_pool" }, { kind = "dense", features = 3 }, { kind = "relu", name = "all" }],
    [{ kind = "reshape", shape = [17, 2, 2] }, { kind = "upsample", scale = 2 },
     { kind = "conv2d", features = 2, kernel = 3, stride = 2, padding = 1 }, { kind = "relu", name = "wide" },
     { kind = "reshape", shape = [34, 2] }, { kind = "dense", features = 2 }, { kind = "relu", name = "long" },
     { kind = "flatten" }]] },
  { kind = "dense", features = 10, name = "last" },
]
"#;

#[test]
fn at_trained_weights_tokens_meet_no_kink() {
    let report = certified(TOKENS, "2");
    let kinks = report["kinks"].as_array().unwrap();
    for layer in ["mix.bend", "both.one", "both.all", "both.wide", "both.long"] {
        assert!(kinks.iter().any(|kink| kink["layer"] == layer), "{kinks:?}");
    }
}

#[test]
fn a_token_on_a_kink_is_named() {
    let dir = with_data();
    let text = r#"
name = "token"
input = [28, 28, 1]
layers = [
  { kind = "patch_embed", features = 2, patch = 14, name = "see" }, { kind = "class_token", name = "first" },
  { kind = "position_embedding", name = "places" }, { kind = "layer_scale", name = "less" },
  { kind = "dense", features = 2, name = "turn" }, { kind = "relu", name = "bend" },
  { kind = "select_token" }, { kind = "dense", features = 10, name = "last" },
]
"#;
    std::fs::write(dir.path().join("token.toml"), text).unwrap();
    // Two features of five tokens: (1, 0) first, then (2, 1), each twice as much in the
    // end, and its place added to the second before.
    let tensors: [(&str, &[usize], Vec<f32>); 9] = [
        ("see.proj.weight", &[14, 14, 1, 2], vec![0.0; 392]),
        ("see.proj.bias", &[2], vec![2.0, 1.0]),
        ("first.weight", &[2], vec![1.0, 0.0]),
        ("places.weight", &[5, 2], vec![0.0, 0.0, 0.0, 1.0, 0.0, 2.0, 0.0, 3.0, 0.0, 4.0]),
        ("less.gamma", &[2], vec![2.0, 2.0]),
        ("turn.weight", &[2, 2], vec![1.0, 0.0, 0.0, 1.0]),
        ("turn.bias", &[2], vec![-3.0, -8.0]),
        ("last.weight", &[2, 10], vec![0.0; 20]),
        ("last.bias", &[10], vec![0.0; 10]),
    ];
    weights(&dir.path().join("token.safetensors"), &tensors);
    let at =
        ["prove", "token.toml", "--at", "token.safetensors", "--batch-from", "data", "--quiet"];
    let message = fails(dir.path(), &at);
    assert!(message.contains("bend: entry [0, 3, 1] is 0"), "{message}");
    assert_eq!(message.matches("bend: entry").count(), 1, "{message}");
}

/// Tokens that look at each other, and at those before.
const ATTENTIVE: &str = r#"
name = "attentive"
input = [28, 28, 1]
layers = [
  { kind = "patch_embed", features = 4, patch = 14, name = "see" },
  { kind = "class_token", name = "first" }, { kind = "position_embedding", name = "places" },
  { kind = "residual", name = "look", layers = [{ kind = "multi_head_attention", heads = 2 }] },
  { kind = "residual", name = "think", layers = [
    { kind = "dense", features = 6, name = "up" }, { kind = "relu", name = "bend" },
    { kind = "dense", features = 4, name = "down" }] },
  { kind = "multi_head_attention", heads = 1, causal = true, bias = false, name = "back" },
  { kind = "dense", features = 3 }, { kind = "relu", name = "turn" },
  { kind = "select_token" }, { kind = "dense", features = 10, name = "last" },
]
"#;

#[test]
fn at_trained_weights_tokens_that_look_at_each_other_meet_no_kink() {
    let report = certified(ATTENTIVE, "1");
    let kinks = report["kinks"].as_array().unwrap();
    for layer in ["think.bend", "turn"] {
        assert!(kinks.iter().any(|kink| kink["layer"] == layer), "{kinks:?}");
    }
}

#[test]
fn at_trained_weights_text_meets_no_kink() {
    let dir = tempfile::tempdir().unwrap();
    let text = r#"
name = "spell"
input = [8, 27]
layers = [
  { kind = "embedding", features = 4, name = "meaning" }, { kind = "position_embedding", name = "places" },
  { kind = "multi_head_attention", heads = 1, causal = true, name = "look" },
  { kind = "dense", features = 5, name = "up" }, { kind = "relu", name = "bend" },
  { kind = "dense", features = 27, name = "last" },
]
"#;
    std::fs::write(dir.path().join("spell.toml"), text).unwrap();
    let data = ["--data", "synthetic", "--epochs", "1", "--run-dir", "r", "--quiet"];
    ok(dir.path(), &[&["train", "spell.toml"][..], &data].concat());
    let at = ["--at", "r/last.safetensors", "--batch-from", "synthetic"];
    let said = ok(dir.path(), &[&["prove", "spell.toml"][..], &at].concat());
    assert!(said.contains("certified_at"), "{said}");
}

/// Values of 2 everywhere, mixed and moved by this.
fn mixed(moved: f32) -> Vec<(&'static str, &'static [usize], Vec<f32>)> {
    vec![
        ("see.proj.weight", &[14, 14, 1, 2], vec![0.1; 392]),
        ("see.proj.bias", &[2], vec![0.0; 2]),
        ("look.qkv.weight", &[2, 6], [0.1, 0.2, 0.3, 0.4, 0.0, 0.0].repeat(2)),
        ("look.qkv.bias", &[6], vec![0.0, 0.0, 0.0, 0.0, 2.0, 3.0]),
        ("look.proj.weight", &[2, 2], vec![1.0, 0.0, 0.0, 1.0]),
        ("look.proj.bias", &[2], vec![moved, 0.0]),
        ("last.weight", &[2, 10], vec![0.0; 20]),
        ("last.bias", &[10], vec![0.0; 10]),
    ]
}

#[test]
fn a_mixture_that_ends_on_a_kink_stays_undecided() {
    let dir = with_data();
    let text = r#"
name = "mixed"
input = [28, 28, 1]
layers = [
  { kind = "patch_embed", features = 2, patch = 14, name = "see" },
  { kind = "multi_head_attention", heads = 1, name = "look" }, { kind = "relu", name = "bend" },
  { kind = "select_token" }, { kind = "dense", features = 10, name = "last" },
]
"#;
    std::fs::write(dir.path().join("mixed.toml"), text).unwrap();
    weights(&dir.path().join("on.safetensors"), &mixed(-2.0));
    let at = ["prove", "mixed.toml", "--quiet", "--batch-from", "data", "--at"];
    let message = fails(dir.path(), &[&at[..], &["on.safetensors"]].concat());
    assert!(message.contains("bend: entry [0, 0, 0] is within 2^-"), "{message}");
    assert!(!message.contains("bend: entry [0, 0, 1]"), "{message}");
    // The nearest binary32 number above.
    weights(&dir.path().join("off.safetensors"), &mixed(-1.999_999_9));
    ok(dir.path(), &[&at[..], &["off.safetensors"]].concat());
}

/// An image enlarged group by group, and between its pixels.
const GROWN: &str = r#"
name = "grown"
input = [28, 28, 1]
layers = [
  { kind = "conv2d", features = 4, kernel = 7, stride = 7, name = "see" }, { kind = "relu", name = "bend" },
  { kind = "conv_transpose2d", features = 2, kernel = 2, stride = 2, groups = 2, name = "grow" },
  { kind = "relu", name = "turn" }, { kind = "upsample", scale = [2, 3], method = "bilinear" },
  { kind = "conv2d", features = 2, kernel = 4, stride = 4 }, { kind = "relu", name = "fold" },
  { kind = "flatten" }, { kind = "dense", features = 10, name = "last" },
]
"#;

#[test]
fn at_trained_weights_groups_and_new_pixels_meet_no_kink() {
    certified(GROWN, "1");
}

#[test]
fn a_group_sees_its_own_channels() {
    let dir = with_data();
    let text = r#"
name = "groups"
input = [28, 28, 1]
layers = [
  { kind = "conv2d", features = 2, kernel = 14, stride = 14, name = "see" },
  { kind = "conv_transpose2d", features = 2, kernel = 1, groups = 2, name = "grow" },
  { kind = "relu", name = "bend" }, { kind = "flatten" }, { kind = "dense", features = 10, name = "last" },
]
"#;
    std::fs::write(dir.path().join("groups.toml"), text).unwrap();
    // 2 · 1 - 3 and 1 · 3 - 3; of both channels, the first were 2.
    let tensors: [(&str, &[usize], Vec<f32>); 6] = [
        ("see.weight", &[14, 14, 1, 2], vec![0.0; 392]),
        ("see.bias", &[2], vec![1.0, 3.0]),
        ("grow.weight", &[1, 1, 1, 2], vec![2.0, 1.0]),
        ("grow.bias", &[2], vec![-3.0, -3.0]),
        ("last.weight", &[8, 10], vec![0.0; 80]),
        ("last.bias", &[10], vec![0.0; 10]),
    ];
    weights(&dir.path().join("groups.safetensors"), &tensors);
    let at =
        ["prove", "groups.toml", "--at", "groups.safetensors", "--batch-from", "data", "--quiet"];
    let message = fails(dir.path(), &at);
    assert!(message.contains("bend: entry [0, 0, 0, 1] is 0"), "{message}");
    assert!(!message.contains("bend: entry [0, 0, 0, 0]"), "{message}");
}
