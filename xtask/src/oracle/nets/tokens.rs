//! Layers on tokens: embeddings and attention.

use super::declared::Declared;

pub fn nets() -> Vec<Declared> {
    let patches = |attributes: &str| {
        format!(
            "{{ kind = \"patch_embed\", features = 4, patch = {attributes} }}, \
             {{ kind = \"flatten\" }}, {{ kind = \"dense\", features = 3 }}"
        )
    };
    let attention = |name: &str, attributes: &str| {
        let name = format!("multi_head_attention{name}");
        let layer = format!("{{ kind = \"multi_head_attention\", heads = {attributes} }}");
        Declared::tokens(&name, &layer)
    };
    vec![
        Declared::new("patch_embed", "[4, 6, 2]", &patches("[2, 3]")),
        Declared::new("patch_embed_without_bias", "[4, 6, 2]", &patches("2, bias = false")),
        Declared::tokens("class_token", r#"{ kind = "class_token" }"#),
        Declared::tokens("position_embedding", r#"{ kind = "position_embedding" }"#),
        Declared::tokens("select_token", r#"{ kind = "select_token" }"#),
        Declared::tokens("select_token_last", r#"{ kind = "select_token", index = 3 }"#),
        Declared::new(
            "embedding",
            "[4, 7]",
            r#"{ kind = "embedding", features = 5 }, { kind = "tanh" }, { kind = "dense", features = 3 }"#,
        ),
        attention("", "2"),
        attention("_causal", "3, causal = true"),
        attention("_without_bias", "1, bias = false"),
        attention(
            "_across",
            r#"2, context = [{ kind = "dense", features = 5 }, { kind = "tanh" }]"#,
        ),
        Declared::new(
            "multi_head_attention_to_other_tokens",
            "[4, 5]",
            r#"{ kind = "dense", features = 6 },
               { kind = "multi_head_attention", heads = 2, bias = false, context = [
                 { kind = "class_token" }, { kind = "layer_norm" }] },
               { kind = "dense", features = 3 }"#,
        ),
    ]
}
