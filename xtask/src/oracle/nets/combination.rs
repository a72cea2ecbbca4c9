//! Shapes, masks, scales, and layers made of layers.

use super::declared::Declared;

pub fn nets() -> Vec<Declared> {
    let conv = |features: usize, kernel: usize| {
        format!("{{ kind = \"conv2d\", features = {features}, kernel = {kernel} }}")
    };
    let (a, b) = (conv(4, 3), conv(4, 1));
    let parallel = |name: &str, merge: &str| {
        let layer = format!("{{ kind = \"parallel\", branches = [[{a}], [{b}], []]{merge} }}");
        Declared::image(name, &layer)
    };
    let shared = |name: &str, layers: &str, net: &str| {
        let head = "{ kind = \"flatten\" }, { kind = \"dense\", features = 3 }";
        let declared = Declared::new(name, "[4, 3, 2]", &format!("{layers}, {head}"));
        declared.line(&format!("[shared]\ntwice = [{net}]"))
    };
    vec![
        Declared::image("flatten", r#"{ kind = "tanh" }"#),
        Declared::image(
            "reshape",
            r#"{ kind = "reshape", shape = [10, 2, 4] }, { kind = "conv2d", features = 2, kernel = 2 }"#,
        ),
        Declared::image(
            "concat",
            &format!(
                "{{ kind = \"concat\", branches = [[{}], [], [{b}, {{ kind = \"tanh\" }}]] }}",
                conv(2, 3)
            ),
        ),
        parallel("parallel_sum", ""),
        parallel("parallel_product", ", merge = \"product\""),
        parallel("parallel_maximum", ", merge = \"maximum\"").kinks(1.0),
        Declared::image(
            "parallel_stretched",
            &format!(
                "{{ kind = \"parallel\", merge = \"product\", branches = [[{{ kind = \"global_avg_pool\", keep = true }}, {b}], [{a}]] }}"
            ),
        ),
        Declared::image(
            "residual",
            &format!("{{ kind = \"residual\", layers = [{a}, {{ kind = \"relu\" }}] }}"),
        ),
        Declared::image(
            "residual_projected",
            &format!(
                "{{ kind = \"residual\", layers = [{}, {{ kind = \"tanh\" }}], shortcut = [{}] }}",
                conv(5, 3),
                conv(5, 1)
            ),
        ),
        Declared::image(
            "repeat",
            &format!("{{ kind = \"repeat\", times = 3, layers = [{b}, {{ kind = \"tanh\" }}] }}"),
        ),
        Declared::image(
            "repeat_of_one",
            &format!("{{ kind = \"repeat\", times = 2, layers = [{b}] }}"),
        ),
        shared(
            "use_twice",
            "{ kind = \"use\", net = \"twice\" }, { kind = \"relu\" }, { kind = \"use\", net = \"twice\" }",
            r#"{ kind = "conv2d", features = 2, kernel = 3 }, { kind = "tanh" }"#,
        ),
        // The second use updates the statistics that the first one left.
        shared(
            "use_twice_with_statistics",
            "{ kind = \"use\", net = \"twice\" }, { kind = \"use\", net = \"twice\" }",
            r#"{ kind = "conv2d", features = 2, kernel = 3, bias = false }, { kind = "batch_norm" },
               { kind = "silu" }, { kind = "dropout", rate = 0.5 }"#,
        )
        .both_modes(),
        Declared::vector("dropout", r#"{ kind = "dropout", rate = 0.4 }"#).both_modes(),
        Declared::image("drop_path", r#"{ kind = "drop_path", rate = 0.25 }"#).both_modes(),
        Declared::vector("dropout_of_nothing", r#"{ kind = "dropout", rate = 0 }"#),
        Declared::tokens("layer_scale", r#"{ kind = "layer_scale", init = 0.1 }"#),
    ]
}
