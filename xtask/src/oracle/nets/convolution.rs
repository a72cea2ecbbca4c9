//! Dense layers, convolutions, pooling and upsampling.

use super::declared::Declared;

pub fn nets() -> Vec<Declared> {
    let mut all = dense();
    all.extend(convolutions());
    all.extend(transposed());
    all.extend(windows());
    all.extend(upsampling());
    all
}

fn dense() -> Vec<Declared> {
    let dense = "{ kind = \"dense\", features = 5 }";
    vec![
        Declared::new("dense", "[6]", dense),
        Declared::vector("dense_without_bias", r#"{ kind = "dense", features = 4, bias = false }"#),
        Declared::tokens("dense_on_tokens", dense),
    ]
}

/// A convolution on an image [7, 6, 4], behind a 1x1 convolution if `inner`.
fn convolution(name: &str, inner: bool, kind: &str, attributes: &str) -> Declared {
    let first = if inner { r#"{ kind = "conv2d", features = 4, kernel = 1 }, "# } else { "" };
    let rest = r#"{ kind = "flatten" }, { kind = "dense", features = 3 }"#;
    let layers = format!("{first}{{ kind = \"{kind}\", {attributes} }}, {rest}");
    Declared::new(&format!("{kind}{name}"), "[7, 6, 4]", &layers)
}

fn convolutions() -> Vec<Declared> {
    let conv = |name, inner, attributes| convolution(name, inner, "conv2d", attributes);
    let depthwise = |name, attributes| convolution(name, true, "depthwise_conv2d", attributes);
    vec![
        conv("", true, "features = 6, kernel = 3"),
        conv("_first", false, "features = 6, kernel = 3"),
        conv("_strided", true, "features = 6, kernel = 3, stride = [2, 3], bias = false"),
        conv("_valid", true, "features = 6, kernel = [3, 2], padding = \"valid\""),
        conv("_padded", true, "features = 6, kernel = [2, 3], padding = [[1, 2], [0, 1]]"),
        conv("_dilated", true, "features = 6, kernel = 3, dilation = [2, 1]"),
        conv("_grouped", true, "features = 6, kernel = 3, groups = 2"),
        conv("_of_each_channel", true, "features = 8, kernel = 3, groups = 4"),
        conv(
            "_everything",
            true,
            "features = 6, kernel = 3, stride = [2, 1], padding = [[1, 2], [0, 1]], dilation = [1, 2], groups = 2",
        ),
        depthwise("", "kernel = 3"),
        depthwise("_strided", "kernel = [3, 2], stride = 2, padding = 1, bias = false"),
        depthwise("_multiplied", "kernel = 3, multiplier = 2, dilation = [2, 1]"),
    ]
}

fn transposed() -> Vec<Declared> {
    let layer = |name: &str, attributes: &str| {
        let layer =
            format!("{{ kind = \"conv_transpose2d\", features = 6, kernel = {attributes} }}");
        Declared::image(&format!("conv_transpose2d{name}"), &layer).batch(2)
    };
    vec![
        layer("", "3"),
        layer("_strided", "[3, 2], stride = 2, bias = false"),
        layer("_same", "[4, 3], stride = 2, padding = \"same\""),
        layer(
            "_cropped",
            "3, stride = [2, 3], padding = [[1, 0], [2, 1]], output_padding = [1, 2]",
        ),
        layer(
            "_dilated_and_grouped",
            "3, stride = [1, 2], padding = 1, dilation = [2, 1], groups = 2",
        ),
    ]
}

fn windows() -> Vec<Declared> {
    let pool = |name: &str, attributes: &str| {
        let name = name.to_string();
        Declared::image(&name, &format!("{{ kind = {attributes} }}"))
    };
    let max =
        |name, attributes: &str| pool(name, &format!("\"max_pool\", {attributes}")).kinks(1.0);
    let avg = |name, attributes: &str| pool(name, &format!("\"avg_pool\", {attributes}"));
    vec![
        max("max_pool", "window = 2"),
        max("max_pool_overlapping", "window = 3, stride = [2, 1]"),
        max("max_pool_same", "window = 3, stride = 2, padding = \"same\""),
        max("max_pool_padded", "window = [3, 2], stride = 1, padding = [[2, 0], [0, 1]]"),
        avg("avg_pool", "window = 2"),
        avg("avg_pool_same", "window = 3, stride = [2, 1], padding = \"same\""),
        avg(
            "avg_pool_cells_inside",
            "window = 3, stride = 2, padding = 1, count_include_pad = false",
        ),
        Declared::new(
            "global_avg_pool",
            "[5, 4, 3]",
            r#"{ kind = "conv2d", features = 4, kernel = 3 }, { kind = "global_avg_pool" }, { kind = "dense", features = 3 }"#,
        ),
        Declared::new(
            "global_avg_pool_of_tokens",
            "[4, 5]",
            r#"{ kind = "dense", features = 6 }, { kind = "global_avg_pool" }, { kind = "dense", features = 3 }"#,
        ),
        pool("global_avg_pool_kept", "\"global_avg_pool\", keep = true"),
    ]
}

fn upsampling() -> Vec<Declared> {
    let layer = |name: &str, attributes: &str| {
        Declared::image(name, &format!("{{ kind = \"upsample\", scale = {attributes} }}")).batch(2)
    };
    vec![
        layer("upsample_nearest", "[2, 3]"),
        layer("upsample_bilinear", "2, method = \"bilinear\""),
        layer("upsample_bilinear_odd", "[3, 1], method = \"bilinear\""),
    ]
}
