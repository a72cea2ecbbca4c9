//! Small networks over every layer and loss: forward, gradient and train step.

use crate::batch::{certify, emitted, refuses};
use crate::coq::Theories;
use cotangent_net::NetSpec;
use cotangent_prove::{Subject, kinks};
use cotangent_stablehlo::What;

/// Its layers, and what follows them in the file; part of its certificate; the
/// layers with kinks.
struct Net {
    input: &'static str,
    layers: &'static str,
    says: &'static str,
    kinks: &'static [&'static str],
}

const NETS: [Net; 14] = [
    // Values that the forward step leaves out must not get in the way.
    Net {
        input: "[2]",
        layers: r#"[{ kind = "dense", features = 3 }]"#,
        says: "Layer.Dense 3 true",
        kinks: &[],
    },
    // Every normalisation: statistics of the batch, of the features, of groups
    // of them, with and without scales; the forward pass reads running ones.
    Net {
        input: "[3, 3, 2]",
        layers: r#"[
          { kind = "conv2d", features = 4, kernel = 2, bias = false }, { kind = "batch_norm" },
          { kind = "silu" }, { kind = "group_norm", groups = 2 },
          { kind = "batch_norm", eps = 0.001, momentum = 0.01, affine = false },
          { kind = "flatten" }, { kind = "layer_norm" }, { kind = "dense", features = 3 },
          { kind = "layer_norm", bias = false }, { kind = "rms_norm" },
          { kind = "dense", features = 2 }, { kind = "batch_norm" } ]"#,
        says: "Layer.BatchNorm",
        kinks: &[],
    },
    // Residual blocks with and without a projection, branches that are
    // multiplied, a repeated layer, a depthwise convolution.
    Net {
        input: "[4, 4, 2]",
        layers: r#"[
          { kind = "basic_block", features = 3, stride = 2 },
          { kind = "basic_block", features = 3 },
          { kind = "repeat", times = 2, layers = [
            { kind = "residual", layers = [{ kind = "depthwise_conv2d", kernel = 3 }, { kind = "tanh" }] } ] },
          { kind = "parallel", merge = "product", branches = [
            [{ kind = "sigmoid" }], [], [{ kind = "batch_norm" }] ] },
          { kind = "global_avg_pool" }, { kind = "dense", features = 2 } ]"#,
        says: "Branch",
        kinks: &[
            "basic_block_1.act1",
            "basic_block_1.act2",
            "basic_block_2.act1",
            "basic_block_2.act2",
        ],
    },
    // A maximum of branches, which may nowhere meet, and branches that stretch
    // to the others' shape.
    Net {
        input: "[4, 4, 2]",
        layers: r#"[
          { kind = "parallel", merge = "maximum", branches = [
            [{ kind = "conv2d", features = 2, kernel = 3 }, { kind = "batch_norm" }],
            [{ kind = "conv2d", features = 2, kernel = 1 }], [] ] },
          { kind = "parallel", merge = "product", branches = [
            [], [{ kind = "conv2d", features = 2, kernel = 4, padding = "valid" }] ] },
          { kind = "parallel", branches = [
            [{ kind = "conv2d", features = 3, kernel = [4, 1], padding = "valid" }],
            [{ kind = "conv2d", features = 1, kernel = [1, 4], padding = "valid" }] ] },
          { kind = "flatten" }, { kind = "dense", features = 2 } ]"#,
        says: "Maximum",
        kinks: &["parallel_1"],
    },
    // Sub-networks that share their parameters, one inside the other.
    Net {
        input: "[4, 4, 1]",
        layers: r#"[
          { kind = "parallel", merge = "product", branches = [
            [{ kind = "use", net = "eye" }],
            [{ kind = "tanh" }, { kind = "use", net = "eye" }],
            [{ kind = "use", net = "lens" }, { kind = "use", net = "lens" }] ] },
          { kind = "flatten" }, { kind = "dense", features = 2 } ]
          [shared]
          eye = [{ kind = "use", net = "lens" }, { kind = "conv2d", features = 1, kernel = 3 },
            { kind = "relu" }, { kind = "use", net = "lens" }]
          lens = [{ kind = "conv2d", features = 1, kernel = 2, bias = false }]"#,
        says: "Again 0 0",
        kinks: &["eye.relu_1", "parallel_1.branch2_use_1.relu_1"],
    },
    // Convolutions with groups, strides, dilation and padding, and both
    // gradients of one.
    Net {
        input: "[5, 5, 2]",
        layers: r#"[
          { kind = "conv2d", features = 4, kernel = 3, stride = 2, groups = 2 }, { kind = "relu" },
          { kind = "conv2d", features = 6, kernel = [1, 2], dilation = [1, 2], groups = 2, bias = false },
          { kind = "global_avg_pool" }, { kind = "dense", features = 2 } ]"#,
        says: "Layer.Conv2d 4",
        kinks: &["relu_1"],
    },
    // Transposed ones with padding, output padding, strides, dilation and
    // groups, and both gradients of one.
    Net {
        input: "[2, 3, 2]",
        layers: r#"[
          { kind = "conv_transpose2d", features = 4, kernel = 3, stride = 2, padding = 1, output_padding = [1, 0] },
          { kind = "relu" },
          { kind = "conv_transpose2d", features = 6, kernel = [1, 2], dilation = [1, 2], groups = 2, bias = false },
          { kind = "conv_transpose2d", features = 2, kernel = 2, padding = "same" },
          { kind = "conv_transpose2d", features = 2, kernel = 1, groups = 2, stride = [1, 2] },
          { kind = "global_avg_pool" }, { kind = "dense", features = 2 } ]"#,
        says: "Layer.ConvTranspose2d 4",
        kinks: &["relu_1"],
    },
    // Layers that change nothing, beside branches that use their input twice.
    Net {
        input: "[2, 2, 1]",
        layers: r#"[
          { kind = "conv2d", features = 2, kernel = 1 },
          { kind = "parallel", branches = [
            [{ kind = "upsample", scale = 1 }, { kind = "silu" }], [{ kind = "silu" }] ] },
          { kind = "flatten" },
          { kind = "parallel", branches = [
            [{ kind = "reshape", shape = [8] }, { kind = "silu" }], [{ kind = "silu" }],
            [{ kind = "flatten" }, { kind = "silu" }, { kind = "dense", features = 8 }] ] },
          { kind = "parallel", branches = [
            [{ kind = "dropout", rate = 0 }, { kind = "silu" }], [{ kind = "silu" }],
            [{ kind = "drop_path", rate = 0 }, { kind = "silu" }] ] },
          { kind = "dense", features = 2 } ]"#,
        says: "Branch",
        kinks: &[],
    },
    // Images enlarged by interpolation, by even and by odd factors, one row of
    // pixels among them.
    Net {
        input: "[1, 3, 1]",
        layers: r#"[
          { kind = "conv2d", features = 2, kernel = 2 },
          { kind = "upsample", scale = [2, 1], method = "bilinear" }, { kind = "tanh" },
          { kind = "upsample", scale = [3, 4], method = "bilinear" },
          { kind = "flatten" }, { kind = "dense", features = 2 } ]"#,
        says: "Layer.Bilinear",
        kinks: &[],
    },
    // Pools whose windows overlap, with padding that counts and that does not.
    Net {
        input: "[5, 4, 1]",
        layers: r#"[
          { kind = "conv2d", features = 2, kernel = 1 },
          { kind = "max_pool", window = 3, stride = 2, padding = 1 },
          { kind = "avg_pool", window = 2, stride = 1, padding = 1 },
          { kind = "avg_pool", window = 2, padding = "same", count_include_pad = false },
          { kind = "flatten" }, { kind = "dense", features = 2 } ]"#,
        says: "Layer.MaxPool",
        kinks: &["max_pool_1"],
    },
    // Layers on tokens: a dense layer, learned scales, positions and tokens,
    // patches, means with and without their dimensions, one token of several.
    Net {
        input: "[4, 3, 2]",
        layers: r#"[
          { kind = "patch_embed", features = 4, patch = [2, 1] }, { kind = "class_token" },
          { kind = "position_embedding" }, { kind = "layer_scale", init = 0.5 },
          { kind = "dense", features = 3 }, { kind = "tanh" },
          { kind = "embedding", features = 2 }, { kind = "reshape", shape = [1, 7, 2] },
          { kind = "upsample", scale = [2, 1] }, { kind = "upsample", scale = [1, 3] },
          { kind = "layer_scale" }, { kind = "global_avg_pool", keep = true },
          { kind = "reshape", shape = [2, 1] }, { kind = "dense", features = 3, bias = false },
          { kind = "parallel", branches = [
            [{ kind = "select_token", index = 1 }], [{ kind = "global_avg_pool" }] ] },
          { kind = "dense", features = 2 } ]"#,
        says: "Token.Select 1",
        kinks: &[],
    },
    // Masks of elements and of examples, arguments of the steps that train; a
    // rate of 0 has none.
    Net {
        input: "[3, 2, 1]",
        layers: r#"[
          { kind = "conv2d", features = 2, kernel = 1 }, { kind = "dropout", rate = 0.25 },
          { kind = "residual", layers = [
            { kind = "tanh" }, { kind = "batch_norm" }, { kind = "drop_path", rate = 0.1 } ] },
          { kind = "flatten" }, { kind = "dropout", rate = 0 }, { kind = "dense", features = 3 },
          { kind = "dropout", rate = 0.5 }, { kind = "dense", features = 2 } ]"#,
        says: "Layer.DropPath",
        kinks: &[],
    },
    // Attention in one head and in two, with and without biases, also causal.
    Net {
        input: "[3, 4]",
        layers: r#"[
          { kind = "multi_head_attention", heads = 1, bias = false },
          { kind = "transformer_block", heads = 2, mlp = 3, causal = true },
          { kind = "select_token", index = 2 }, { kind = "dense", features = 2 } ]"#,
        says: "Layer.Attention 2 true true",
        kinks: &[],
    },
    // Attention to what layers make of the input: to other tokens, with other
    // features, one inside the other, with and without biases.
    Net {
        input: "[3, 4]",
        layers: r#"[
          { kind = "multi_head_attention", heads = 2, context = [
            { kind = "class_token" }, { kind = "dense", features = 3 }, { kind = "relu" } ] },
          { kind = "multi_head_attention", heads = 4, bias = false, name = "far", context = [
            { kind = "reshape", shape = [6, 2] },
            { kind = "multi_head_attention", heads = 1, context = [{ kind = "batch_norm" }] },
            { kind = "leaky_relu" } ] },
          { kind = "multi_head_attention", heads = 1, context = [{ kind = "reshape", shape = [1, 12] }] },
          { kind = "select_token", index = 2 }, { kind = "dense", features = 2 } ]"#,
        says: "Attend 4",
        kinks: &["multi_head_attention_1.context_relu_1", "far.context_leaky_relu_1"],
    },
];

fn spec(input: &str, loss: &str, layers: &str) -> NetSpec {
    let text = format!("name = \"net\"\ninput = {input}\nloss = \"{loss}\"\nlayers = {layers}\n");
    NetSpec::from_toml(&text).unwrap()
}

#[test]
fn every_layer() {
    let mut subjects = Vec::new();
    for net in NETS {
        let spec = spec(net.input, "softmax_cross_entropy", net.layers);
        let mut bent: Vec<String> =
            kinks(&spec.network().unwrap()).into_iter().map(|kink| kink.layer).collect();
        bent.dedup();
        assert_eq!(bent, net.kinks);
        for what in [What::Forward, What::Grad, What::Train] {
            let subject = emitted(&spec, what, 2, "adamw");
            let stated = subject.stated().unwrap();
            assert!(stated.contains(net.says), "{stated}");
            subjects.push(subject);
        }
    }
    certify(&Theories::find(&["Main"]), "layers", &subjects, 15);
}

/// Longer than one definition of a certificate, and so is a branch of it.
#[test]
fn a_long_chain_is_in_parts() {
    let tanh = r#"{ kind = "tanh" }, "#;
    let layers = format!(
        r#"[{}{{ kind = "residual", layers = [{}{{ kind = "dense", features = 2 }}] }}]"#,
        tanh.repeat(550),
        tanh.repeat(550)
    );
    let subject = emitted(&spec("[2]", "mean_squared_error", &layers), What::Forward, 1, "sgd");
    let certificate = subject.certificate().unwrap();
    assert_eq!(certificate.matches("++").count(), 2, "{certificate}");
    certify(&Theories::find(&["Main"]), "long_chain", &[subject], 1);
}

/// Keys for values, a query for a key, one weight for another.
#[test]
fn what_looks_at_a_context_is_told_apart() {
    // As many tokens there as here, so that all have one shape.
    const LAYERS: &str = r#"[
      { kind = "multi_head_attention", heads = 2, context = [{ kind = "tanh" }], name = "look" },
      { kind = "flatten" }, { kind = "dense", features = 2 } ]"#;
    let subject = emitted(&spec("[3, 4]", "mean_squared_error", LAYERS), What::Grad, 2, "sgd");
    let pairs = [
        ("[0:2, 0:3, 0:4]", "[0:2, 0:3, 4:8]"),
        ("%15, %9, batching", "%9, %15, batching"),
        ("look.q.weight", "look.proj.weight"),
    ];
    let others = pairs.map(|(a, b)| {
        let exchanged = subject.text.replacen(a, "\0", 1).replacen(b, a, 1).replacen('\0', b, 1);
        assert_ne!(exchanged, subject.text, "{a} is not there: {}", subject.text);
        exchanged
    });
    refuses(&Theories::find(&["Main"]), "told_apart", &subject, &others);
}

/// Of classes, and of the classes of every pixel.
#[test]
fn every_loss() {
    const HEAD: &str = r#"{ kind = "conv2d", features = 3, kernel = 1 }, { kind = "tanh" }"#;
    const FLAT: &str = r#", { kind = "flatten" }, { kind = "dense", features = 2 }"#;
    let mut subjects: Vec<Subject> = Vec::new();
    for (loss, says) in [
        ("softmax_cross_entropy", "Loss.SoftmaxCrossEntropy"),
        ("mean_squared_error", "Loss.MeanSquaredError"),
        ("binary_cross_entropy_with_logits", "Loss.BinaryCrossEntropyWithLogits"),
    ] {
        for (rest, what) in [("", What::Grad), (FLAT, What::Train)] {
            let spec = spec("[3, 2, 1]", loss, &format!("[{HEAD}{rest}]"));
            let subject = emitted(&spec, what, 2, "adamw");
            let stated = subject.stated().unwrap();
            assert!(stated.contains(says), "{stated}");
            subjects.push(subject);
        }
    }
    certify(&Theories::find(&["Main"]), "losses", &subjects, 6);
}

/// Two heads and their losses, side by side; other weights, other features and
/// a loss less are other steps, told by text and by specification.
#[test]
fn several_losses() {
    const HEADS: &str = r#"[
        { kind = "dense", features = 3 }, { kind = "tanh" }, { kind = "dense", features = 4 }]"#;
    let with = |losses: &str| {
        let text = spec("[3]", "mean_squared_error", HEADS).to_toml();
        let text = text.replace("loss = \"mean_squared_error\"", &format!("losses = [{losses}]"));
        emitted(&NetSpec::from_toml(&text).unwrap(), What::Grad, 2, "sgd")
    };
    let softmax = r#"{ kind = "softmax_cross_entropy", features = 2 }"#;
    let squares = r#"{ kind = "mean_squared_error", features = 2, weight = 0.25 }"#;
    let subject = with(&format!("{softmax}, {squares}"));
    let stated = subject.stated().unwrap();
    let says = "(Loss.Parts [:: Loss.Part Loss.SoftmaxCrossEntropy 2 (1)%Z 1%positive; \
                Loss.Part Loss.MeanSquaredError 2 (1)%Z 4%positive])";
    assert!(stated.contains(says), "{stated}");
    let all = with(r#"{ kind = "mean_squared_error", features = 4, weight = 3 }"#);
    certify(&Theories::find(&["Main"]), "several_losses", &[subject, all], 2);
    let subject = with(&format!("{softmax}, {squares}"));
    let others = [
        // The weights exchanged.
        format!(
            "{}, {}",
            softmax.replace("2 }", "2, weight = 0.25 }"),
            squares.replace("0.25", "1")
        ),
        // The features exchanged.
        format!("{squares}, {softmax}"),
        // A loss less.
        softmax.replace('2', "4"),
        // Another loss, another share.
        format!(
            "{}, {squares}",
            softmax.replace("softmax", "binary").replace("py", "py_with_logits")
        ),
        format!("{}, {}", softmax.replace('2', "3"), squares.replace("= 2,", "= 1,")),
    ];
    let others = others.map(|losses| with(&losses).text);
    refuses(&Theories::find(&["Main"]), "other_losses", &subject, &others);
}
