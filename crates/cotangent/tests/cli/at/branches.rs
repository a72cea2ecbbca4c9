//! Branches: set beside each other, multiplied, added, and the greatest of them.

use super::{Own, Tensor, certified};

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
    let message = Own::new(text).refused(&[
        ("concat_1.one.weight", &[28, 28, 1, 1], vec![0.0; 784]),
        ("concat_1.one.bias", &[1], vec![0.5]),
        ("concat_1.two.weight", &[28, 28, 1, 2], vec![0.0; 1568]),
        ("concat_1.two.bias", &[2], vec![-1.0, 0.0]),
        ("last.weight", &[3, 10], vec![0.0; 30]),
        ("last.bias", &[10], vec![0.0; 10]),
    ]);
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
    let message = Own::new(text).refused(&[
        ("see.weight", &[784, 2], vec![0.0; 1568]),
        ("see.bias", &[2], vec![1.0, 2.0]),
        ("meet.other.weight", &[2, 2], vec![0.0, 1.0, 0.0, 0.0]),
        ("meet.other.bias", &[2], vec![0.5, 1.0]),
        ("last.weight", &[2, 10], vec![0.0; 20]),
        ("last.bias", &[10], vec![0.0; 10]),
    ]);
    assert!(message.contains("meet: at [0, 1] a branch equals the maximum"), "{message}");
    assert!(!message.contains("meet: at [0, 0]"), "{message}");
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
    let tensors: [Tensor; 8] = [
        ("see.weight", &[2, 2, 1, 2], vec![0.0, 0.3, 0.0, 0.7, 0.0, 0.11, 0.0, 0.53]),
        ("see.bias", &[2], vec![-1.0, 0.25]),
        ("excite.conv_reduce.weight", &[1, 1, 2, 1], vec![1.0; 2]),
        ("excite.conv_reduce.bias", &[1], vec![1.0]),
        ("excite.conv_expand.weight", &[1, 1, 1, 2], vec![0.5; 2]),
        ("excite.conv_expand.bias", &[2], vec![0.0; 2]),
        ("last.weight", &[8, 10], vec![0.0; 80]),
        ("last.bias", &[10], vec![0.0; 10]),
    ];
    Own::new(&quiet("{ kind = 'relu', name = 'bend' },")).certified(&tensors);
    // The same numbers, tied.
    let message = Own::new(&quiet("")).refused(&tensors);
    assert!(
        message.contains("most: the greatest cells of the window at [0, 0, 0] are tied"),
        "{message}"
    );
}
