//! Layers on tokens.

use super::{Own, Tensor, certified};
use crate::common::ok;

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
    // Two features of five tokens: (1, 0) first, then (2, 1), each twice as much in the
    // end, and its place added to the second before.
    let message = Own::new(text).refused(&[
        ("see.proj.weight", &[14, 14, 1, 2], vec![0.0; 392]),
        ("see.proj.bias", &[2], vec![2.0, 1.0]),
        ("first.weight", &[2], vec![1.0, 0.0]),
        ("places.weight", &[5, 2], vec![0.0, 0.0, 0.0, 1.0, 0.0, 2.0, 0.0, 3.0, 0.0, 4.0]),
        ("less.gamma", &[2], vec![2.0, 2.0]),
        ("turn.weight", &[2, 2], vec![1.0, 0.0, 0.0, 1.0]),
        ("turn.bias", &[2], vec![-3.0, -8.0]),
        ("last.weight", &[2, 10], vec![0.0; 20]),
        ("last.bias", &[10], vec![0.0; 10]),
    ]);
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
fn mixed(moved: f32) -> [Tensor<'static>; 8] {
    [
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
    let text = r#"
name = "mixed"
input = [28, 28, 1]
layers = [
  { kind = "patch_embed", features = 2, patch = 14, name = "see" },
  { kind = "multi_head_attention", heads = 1, name = "look" }, { kind = "relu", name = "bend" },
  { kind = "select_token" }, { kind = "dense", features = 10, name = "last" },
]
"#;
    let net = Own::new(text);
    let message = net.refused(&mixed(-2.0));
    assert!(message.contains("bend: entry [0, 0, 0] is within 2^-"), "{message}");
    assert!(!message.contains("bend: entry [0, 0, 1]"), "{message}");
    // The nearest binary32 number above.
    net.certified(&mixed(-1.999_999_9));
}

/// Tokens that look at twice as many others, half as long, which meet a kink of their own.
const LISTENING: &str = r#"
name = "listening"
input = [28, 28, 1]
layers = [
  { kind = "patch_embed", features = 4, patch = 14, name = "see" }, { kind = "position_embedding", name = "places" },
  { kind = "residual", name = "look", layers = [{ kind = "multi_head_attention", heads = 2, name = "at", context = [
    { kind = "reshape", shape = [8, 2] }, { kind = "dense", features = 3 }, { kind = "relu", name = "hear" }] }] },
  { kind = "dense", features = 3 }, { kind = "relu", name = "turn" },
  { kind = "multi_head_attention", heads = 1, bias = false, name = "back", context = [{ kind = "class_token" }] },
  { kind = "dense", features = 2 }, { kind = "relu", name = "bend" },
  { kind = "select_token" }, { kind = "dense", features = 10, name = "last" },
]
"#;

#[test]
fn at_trained_weights_tokens_that_look_at_a_context_meet_no_kink() {
    let report = certified(LISTENING, "2");
    let kinks = report["kinks"].as_array().unwrap();
    for layer in ["look.at.hear", "turn", "bend"] {
        assert!(kinks.iter().any(|kink| kink["layer"] == layer), "{kinks:?}");
    }
}

#[test]
fn a_mixture_of_a_context_that_ends_on_a_kink_stays_undecided() {
    let text = r#"
name = "heard"
input = [28, 28, 1]
layers = [
  { kind = "patch_embed", features = 2, patch = 14, name = "see" },
  { kind = "multi_head_attention", heads = 1, name = "look", context = [{ kind = "dense", features = 2, name = "hear" }] },
  { kind = "relu", name = "bend" },
  { kind = "select_token" }, { kind = "dense", features = 10, name = "last" },
]
"#;
    // Tokens of 1 that hear 2 and 3, whatever they see, moved by this.
    let heard = |moved: f32| -> [Tensor; 12] {
        let one = vec![1.0, 0.0, 0.0, 1.0];
        [
            ("see.proj.weight", &[14, 14, 1, 2], vec![0.0; 392]),
            ("see.proj.bias", &[2], vec![1.0; 2]),
            ("look.hear.weight", &[2, 2], vec![0.0; 4]),
            ("look.hear.bias", &[2], vec![2.0, 3.0]),
            ("look.kv.weight", &[2, 4], vec![0.1, 0.2, 1.0, 0.0, 0.3, 0.4, 0.0, 1.0]),
            ("look.kv.bias", &[4], vec![0.0; 4]),
            ("look.q.weight", &[2, 2], one.clone()),
            ("look.q.bias", &[2], vec![0.0; 2]),
            ("look.proj.weight", &[2, 2], one),
            ("look.proj.bias", &[2], vec![moved, moved]),
            ("last.weight", &[2, 10], vec![0.0; 20]),
            ("last.bias", &[10], vec![0.0; 10]),
        ]
    };
    let net = Own::new(text);
    for (moved, on) in [(-2.0, 0), (-3.0, 1)] {
        let message = net.refused(&heard(moved));
        assert!(message.contains(&format!("bend: entry [0, 3, {on}] is within 2^-")), "{message}");
        assert!(!message.contains(&format!("bend: entry [0, 3, {}]", 1 - on)), "{message}");
    }
    // What tokens of 1 would hear of themselves.
    net.certified(&heard(-1.0));
}
