//! Blocks of the literature.

use super::declared::{Declared, Run};

/// A block on an image [5, 4, 8], then the mean over all positions and a dense
/// layer.
fn image(name: &str, block: &str) -> Declared {
    let layers = format!(
        "{{ kind = {block} }}, {{ kind = \"global_avg_pool\" }}, {{ kind = \"dense\", features = 3 }}"
    );
    Declared::new(name, "[5, 4, 8]", &layers).batch(4)
}

/// The train step, where the first of two blocks has to pass the gradient on.
fn twice(name: &str, block: &str) -> Declared {
    image(name, &format!("{block} }}, {{ kind = {block}")).both_modes()
}

pub fn nets() -> Vec<Declared> {
    let mut all = vec![
        image("squeeze_excite", r#""squeeze_excite", reduced = 3"#),
        image(
            "squeeze_excite_hard",
            r#""squeeze_excite", reduced = 3, activation = "silu", gate = "hard_sigmoid""#,
        ),
        twice("basic_block", r#""basic_block", features = 8"#),
        image("basic_block_strided", r#""basic_block", features = 6, stride = 2"#),
        twice("bottleneck", r#""bottleneck", features = 2"#),
        image(
            "bottleneck_strided",
            r#""bottleneck", features = 4, expansion = 2, stride = 2, groups = 2"#,
        ),
    ];
    all.extend(mobile());
    all.extend(modern());
    all
}

fn mobile() -> Vec<Declared> {
    vec![
        twice(
            "inverted_residual",
            r#""inverted_residual", features = 8, expansion = 2, activation = "hard_swish", drop_path = 0.2"#,
        ),
        image("inverted_residual_plain", r#""inverted_residual", features = 8, expansion = 1"#),
        image(
            "inverted_residual_squeezed",
            r#""inverted_residual", features = 6, hidden = 12, kernel = 5, stride = 2, activation = "hard_swish", squeeze = 4, gate = "hard_sigmoid", eps = 1e-3, momentum = 0.01"#,
        ),
        twice("mb_conv", r#""mb_conv", features = 8, expansion = 2, drop_path = 0.2"#),
        image("mb_conv_first", r#""mb_conv", features = 4, expansion = 1"#),
        image(
            "mb_conv_strided",
            r#""mb_conv", features = 4, expansion = 3, kernel = 5, stride = 2, squeeze_ratio = 0"#,
        ),
        twice("fused_mb_conv", r#""fused_mb_conv", features = 8, expansion = 2, drop_path = 0.2"#),
        image("fused_mb_conv_plain", r#""fused_mb_conv", features = 8, expansion = 1"#),
        image(
            "fused_mb_conv_strided",
            r#""fused_mb_conv", features = 6, expansion = 2, stride = 2"#,
        ),
        twice(
            "universal_inverted_bottleneck",
            r#""universal_inverted_bottleneck", features = 8, expansion = 2, start_kernel = 3, activation = "silu", drop_path = 0.2"#,
        ),
        image(
            "universal_inverted_bottleneck_start_only",
            r#""universal_inverted_bottleneck", features = 6, expansion = 2.5, start_kernel = 5, middle_kernel = 0, stride = 2, activation = "silu""#,
        ),
        image(
            "universal_inverted_bottleneck_middle_only",
            r#""universal_inverted_bottleneck", features = 6, expansion = 1.5, middle_kernel = 5, stride = 2, activation = "silu""#,
        ),
        image(
            "universal_inverted_bottleneck_neither",
            r#""universal_inverted_bottleneck", features = 8, expansion = 3, middle_kernel = 0"#,
        ),
    ]
}

fn modern() -> Vec<Declared> {
    let tokens = |name: &str, attributes: &str| {
        Declared::tokens(name, &format!("{{ kind = \"transformer_block\", heads = {attributes} }}"))
    };
    let masked = Run::Train("momentum(momentum=0.9,weight_decay=0.01)");
    vec![
        image(
            "convnext_block",
            r#""convnext_block", kernel = 3, layer_scale = 0.5, drop_path = 0.2"#,
        )
        .run(masked)
        .run(Run::Frozen),
        image(
            "convnext_block_unscaled",
            r#""convnext_block", expansion = 2, layer_scale = 0, eps = 1e-3"#,
        ),
        tokens("transformer_block", "2"),
        tokens(
            "transformer_block_causal",
            "3, causal = true, mlp = 8, activation = \"relu\", eps = 1e-3",
        ),
        tokens("transformer_block_regular", "2, dropout = 0.2, drop_path = 0.3, layer_scale = 0.5")
            .run(masked)
            .run(Run::Frozen),
    ]
}
