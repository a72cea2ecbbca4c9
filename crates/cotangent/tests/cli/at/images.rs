//! Images that grow.

use super::{Own, certified};

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
    let text = r#"
name = "gaps"
input = [28, 28, 1]
layers = [
  { kind = "conv2d", features = 1, kernel = 14, stride = 14, name = "see" },
  { kind = "conv_transpose2d", features = 2, kernel = 2, stride = 3, name = "grow" },
  { kind = "relu", name = "bend" }, { kind = "flatten" }, { kind = "dense", features = 10, name = "last" },
]
"#;
    let message = Own::new(text).refused(&[
        ("see.weight", &[14, 14, 1, 1], vec![0.0; 196]),
        ("see.bias", &[1], vec![1.0]),
        ("grow.weight", &[2, 2, 2, 1], vec![1.0; 8]),
        ("grow.bias", &[2], vec![0.5, 0.0]),
        ("last.weight", &[50, 10], vec![0.0; 500]),
        ("last.bias", &[10], vec![0.0; 10]),
    ]);
    // Two copies of two cells, three apart: rows 0, 1, 3 and 4.
    assert!(message.contains("bend: entry [0, 0, 2, 1] is 0"), "{message}");
    assert!(!message.contains("bend: entry [0, 0, 1, "), "{message}");
    assert!(!message.contains("bend: entry [0, 0, 3, "), "{message}");
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
    let text = r#"
name = "groups"
input = [28, 28, 1]
layers = [
  { kind = "conv2d", features = 2, kernel = 14, stride = 14, name = "see" },
  { kind = "conv_transpose2d", features = 2, kernel = 1, groups = 2, name = "grow" },
  { kind = "relu", name = "bend" }, { kind = "flatten" }, { kind = "dense", features = 10, name = "last" },
]
"#;
    // 2 · 1 - 3 and 1 · 3 - 3; of both channels, the first were 2.
    let message = Own::new(text).refused(&[
        ("see.weight", &[14, 14, 1, 2], vec![0.0; 392]),
        ("see.bias", &[2], vec![1.0, 3.0]),
        ("grow.weight", &[1, 1, 1, 2], vec![2.0, 1.0]),
        ("grow.bias", &[2], vec![-3.0, -3.0]),
        ("last.weight", &[8, 10], vec![0.0; 80]),
        ("last.bias", &[10], vec![0.0; 10]),
    ]);
    assert!(message.contains("bend: entry [0, 0, 0, 1] is 0"), "{message}");
    assert!(!message.contains("bend: entry [0, 0, 0, 0]"), "{message}");
}
