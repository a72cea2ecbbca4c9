//! Layers that normalise, activations made of exponentials, and how many bits they need.

use super::{Own, Tensor, certified};
use crate::common::{THEORIES, ok, with_data};
use serde_json::Value;
use std::process::Command;

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
    let text = r#"
name = "two"
input = [28, 28, 1]
layers = [
  { kind = "flatten" }, { kind = "dense", features = 1, name = "see" }, { kind = "softplus" },
  { kind = "dense", features = 1, name = "add" }, { kind = "relu", name = "bend" },
  { kind = "dense", features = 10, name = "last" },
]
"#;
    Own::new(text).certified(&[
        ("see.weight", &[784, 1], vec![0.0; 784]),
        ("see.bias", &[1], vec![0.0]),
        ("add.weight", &[1, 1], vec![1.0]),
        ("add.bias", &[1], vec![-std::f32::consts::LN_2]),
        ("last.weight", &[1, 10], vec![0.0; 10]),
        ("last.bias", &[10], vec![0.0; 10]),
    ]);
}

/// Gelu by the error function, of small numbers and of large ones.
const GELU: &str = r#"
name = "gelu"
input = [28, 28, 1]
layers = [
  { kind = "conv2d", features = 3, kernel = 7, stride = 7, name = "see" },
  { kind = "gelu" }, { kind = "conv2d", features = 3, kernel = 1 }, { kind = "gelu" },
  { kind = "max_pool", window = 2, name = "greatest" }, { kind = "flatten" },
  { kind = "dense", features = 4 }, { kind = "relu", name = "bend" },
  { kind = "dense", features = 10, name = "last" },
]
"#;

#[test]
fn at_trained_weights_gelu_meets_no_kink() {
    let report = certified(GELU, "2");
    let kinks: Vec<&Value> =
        report["kinks"].as_array().unwrap().iter().map(|k| &k["layer"]).collect();
    assert_eq!(kinks, ["greatest", "bend"]);
}

#[test]
fn gelu_of_1_is_told_from_the_nearest_number_and_of_0_is_named() {
    let text = r#"
name = "near"
input = [28, 28, 1]
layers = [
  { kind = "flatten" }, { kind = "dense", features = 4, name = "see" }, { kind = "gelu" },
  { kind = "dense", features = 4, name = "add" }, { kind = "relu", name = "bend" },
  { kind = "dense", features = 10, name = "last" },
]
"#;
    let same: Vec<f32> = (0..16).map(|k| f32::from(u8::from(k % 5 == 0))).collect();
    // 1 / 2 * (1 + erf (sqrt (1 / 2))) = 0.841345; of 20 it is 20, of -20 nearly 0.
    let tensors = |x: f32| -> [Tensor; 6] {
        [
            ("see.weight", &[784, 4], vec![0.0; 3136]),
            ("see.bias", &[4], vec![1.0, x, 20.0, -20.0]),
            ("add.weight", &[4, 4], same.clone()),
            ("add.bias", &[4], vec![-0.841_344_8, 0.0, -19.999_998, 2.0f32.powi(-60)]),
            ("last.weight", &[4, 10], vec![0.0; 40]),
            ("last.bias", &[10], vec![0.0; 10]),
        ]
    };
    let net = Own::new(text);
    net.certified(&tensors(-1.0));
    let message = net.refused(&tensors(0.0));
    assert!(message.contains("bend: entry [0, 1] is within 2^-"), "{message}");
    assert!(!["[0, 0]", "[0, 2]", "[0, 3]"].iter().any(|i| message.contains(i)), "{message}");
}

#[test]
fn an_entry_where_elu_bends_is_named() {
    let text = r#"
name = "bent"
input = [28, 28, 1]
layers = [
  { kind = "flatten" }, { kind = "dense", features = 2, name = "see" }, { kind = "elu" },
  { kind = "elu", alpha = 0.5, name = "half" }, { kind = "dense", features = 10, name = "last" },
]
"#;
    let message = Own::new(text).refused(&[
        ("see.weight", &[784, 2], vec![0.0; 1568]),
        ("see.bias", &[2], vec![-1.0, 0.0]),
        ("last.weight", &[2, 10], vec![0.0; 20]),
        ("last.bias", &[10], vec![0.0; 10]),
    ]);
    // The first, without a bend, makes a ball of 0.
    assert!(message.contains("half: entry [0, 1] is within 2^-"), "{message}");
    assert!(!message.contains("half: entry [0, 0]"), "{message}");
}

#[test]
fn a_normalised_entry_that_its_shift_puts_near_a_kink_is_named() {
    let text = r#"
name = "level"
input = [28, 28, 1]
layers = [
  { kind = "flatten" }, { kind = "dense", features = 2, name = "see" }, { kind = "layer_norm", name = "norm" },
  { kind = "relu", name = "bend" }, { kind = "dense", features = 10, name = "last" },
]
"#;
    // The mean is 2: an entry is as far above it as the other below, times its scale, which is 0.
    let message = Own::new(text).refused(&[
        ("see.weight", &[784, 2], vec![0.0; 1568]),
        ("see.bias", &[2], vec![1.0, 3.0]),
        ("norm.weight", &[2], vec![1.0, 0.0]),
        ("norm.bias", &[2], vec![0.0, 0.0]),
        ("last.weight", &[2, 10], vec![0.0; 20]),
        ("last.bias", &[10], vec![0.0; 10]),
    ]);
    assert!(message.contains("bend: entry [0, 1] is within 2^-"), "{message}");
    assert!(!message.contains("bend: entry [0, 0]"), "{message}");
}

/// `sigmoid 0 = 1/2`, and two of them are 1, times this weight.
fn halves(weight: f32) -> [Tensor<'static>; 6] {
    [
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
    let text = r#"
name = "level"
input = [28, 28, 1]
layers = [
  { kind = "flatten" }, { kind = "dense", features = 2, name = "see" }, { kind = "sigmoid" },
  { kind = "dense", features = 1, name = "add" }, { kind = "relu", name = "bend" },
  { kind = "dense", features = 10, name = "last" },
]
"#;
    let net = Own::new(text);
    let message = net.refused(&halves(1.0));
    assert!(message.contains("bend: entry [0, 0] is within 2^-2"), "{message}");
    assert!(message.contains("of 0, too close to tell"), "{message}");
    // The nearest binary32 number above.
    net.certified(&halves(1.000_000_1));
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
    assert!(text.contains("discharged 128 the_spec"), "{text}");
    // Coq does not accept the same with fewer.
    std::fs::write(&file, text.replace("discharged 128", "discharged 64")).unwrap();
    let coqc = ["-q", "-noglob", "-Q", THEORIES, "Cotangent", "At.v"];
    let output =
        Command::new("coqc").args(coqc).current_dir(dir.path().join("c")).output().unwrap();
    assert!(!output.status.success());
}
