//! Activations and normalisations.

use super::declared::Declared;

pub fn nets() -> Vec<Declared> {
    let mut all = activations();
    all.extend(batch_norms());
    all.extend(other_norms());
    all
}

fn activations() -> Vec<Declared> {
    let layer = |name: &str, attributes: &str| {
        let kind = name.split("__").next().unwrap_or(name);
        Declared::vector(name, &format!("{{ kind = \"{kind}\"{attributes} }}")).batch(8)
    };
    vec![
        layer("relu", "").kinks(1.0),
        // Multiples of 6 and 3 reach the upper kinks too.
        layer("relu6", "").kinks(6.0),
        layer("leaky_relu", "").kinks(1.0),
        layer("leaky_relu__steep", ", slope = 0.3").kinks(1.0),
        layer("elu", "").kinks(1.0),
        layer("elu__steep", ", alpha = 1.5").kinks(1.0),
        layer("gelu", ""),
        layer("gelu__tanh", ", approximate = \"tanh\""),
        layer("silu", ""),
        layer("sigmoid", ""),
        layer("tanh", ""),
        layer("softplus", ""),
        layer("hard_swish", "").kinks(3.0),
        layer("hard_sigmoid", "").kinks(3.0),
    ]
}

fn batch_norms() -> Vec<Declared> {
    let layer = |name: &str, attributes: &str| {
        let layers = format!(
            "{{ kind = \"conv2d\", features = 4, kernel = 3, bias = false }}, \
             {{ kind = \"batch_norm\"{attributes} }}, {{ kind = \"relu\" }}, \
             {{ kind = \"flatten\" }}, {{ kind = \"dense\", features = 3 }}"
        );
        Declared::new(name, "[4, 3, 2]", &layers).both_modes()
    };
    let vector = r#"
        { kind = "dense", features = 5, bias = false }, { kind = "batch_norm" },
        { kind = "tanh" }, { kind = "dense", features = 3 }"#;
    vec![
        layer("batch_norm", ""),
        layer("batch_norm_constants", ", eps = 1e-3, momentum = 0.01"),
        layer("batch_norm_plain", ", affine = false"),
        Declared::new("batch_norm_of_vectors", "[6]", vector).both_modes().batch(8),
    ]
}

fn other_norms() -> Vec<Declared> {
    let tokens = |name: &str, kind: &str| Declared::tokens(name, &format!("{{ kind = {kind} }}"));
    let image = |name: &str, kind: &str| Declared::image(name, &format!("{{ kind = {kind} }}"));
    vec![
        tokens("layer_norm", "\"layer_norm\""),
        tokens("layer_norm_without_bias", "\"layer_norm\", eps = 1e-3, bias = false"),
        image("layer_norm_plain_on_image", "\"layer_norm\", affine = false"),
        tokens("rms_norm", "\"rms_norm\""),
        tokens("rms_norm_plain", "\"rms_norm\", eps = 0.1, affine = false"),
        image("group_norm", "\"group_norm\", groups = 2"),
        image("group_norm_plain", "\"group_norm\", groups = 1, eps = 1e-3, affine = false"),
    ]
}
