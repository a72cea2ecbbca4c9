//! One network per layer of the vocabulary, in TOML. The layer stands behind
//! another with parameters, so that its input gradient is checked too, and
//! before one that gives it a general cotangent.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

pub struct Subject {
    pub kind: &'static str,
    pub batch: usize,
    /// What the layer works on.
    on: On,
    /// Its attributes behind `kind = "…"`, for features that a layer keeping
    /// its shape has to keep.
    attributes: fn(&mut Draw) -> String,
}

#[derive(Clone, Copy)]
enum On {
    Tokens,
    Image,
    /// An image to cut into tokens, itself the input of the network.
    Pixels,
    /// Symbols, themselves the input of the network.
    Symbols,
}

/// What is drawn: sizes of the layer's input, and then attributes.
pub struct Draw<'a> {
    rng: &'a mut ChaCha8Rng,
    height: usize,
    width: usize,
    features: usize,
}

impl Draw<'_> {
    fn size(&mut self, low: usize, high: usize) -> usize {
        self.rng.random_range(low..=high)
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.rng.random_range(0..choices.len())]
    }

    fn number(&mut self, low: f64, high: f64) -> String {
        format!("{:.2}", self.rng.random_range(low..high))
    }

    /// A kernel or window, larger than its padding, that fits the input twice dilated.
    fn window(&mut self) -> String {
        let (height, width) = (self.size(2, 3), self.size(2, 3));
        format!("[{height}, {width}]")
    }

    fn padding(&mut self) -> &'static str {
        self.one_of(&["\"same\"", "\"valid\"", "[[1, 0], [0, 1]]"])
    }

    fn stride(&mut self) -> String {
        format!("[{}, {}]", self.size(1, 2), self.size(1, 2))
    }

    /// Layers of a branch that keeps the shape.
    fn branch(&mut self) -> String {
        let kernel = self.one_of(&[1, 3]);
        let act = self.one_of(&["tanh", "silu", "sigmoid", "softplus"]);
        let features = self.features;
        format!(
            "[{{ kind = \"conv2d\", features = {features}, kernel = {kernel} }}, {{ kind = \"{act}\" }}]"
        )
    }
}

impl Subject {
    const fn new(kind: &'static str, on: On, attributes: fn(&mut Draw) -> String) -> Self {
        // Statistics of the batch need a few examples.
        let batch = match kind.as_bytes() {
            b"batch_norm"
            | b"basic_block"
            | b"bottleneck"
            | b"inverted_residual"
            | b"mb_conv"
            | b"fused_mb_conv"
            | b"universal_inverted_bottleneck" => 4,
            _ => 2,
        };
        Subject { kind, batch, on, attributes }
    }

    /// A draw's network.
    pub fn text(&self, rng: &mut ChaCha8Rng) -> String {
        // Heads and groups divide the features. A norm over two features is a
        // step between -1 and 1, too steep for differences.
        let features = 2 * rng.random_range(2..=3);
        let (height, width) = (rng.random_range(5..=7), rng.random_range(5..=7));
        let mut d = Draw { rng, height, width, features };
        let inside = d.size(2, 5);
        let (input, first) = match self.on {
            On::Tokens => (
                format!("[{height}, {inside}]"),
                format!("{{ kind = \"dense\", features = {features} }}, "),
            ),
            On::Image => (
                format!("[{height}, {width}, {inside}]"),
                format!("{{ kind = \"conv2d\", features = {features}, kernel = 1 }}, "),
            ),
            On::Pixels => (format!("[6, {}, {inside}]", d.one_of(&[4, 6])), String::new()),
            On::Symbols => (format!("[{height}, {inside}]"), String::new()),
        };
        let kind = self.kind;
        let attributes = (self.attributes)(&mut d);
        let comma = if attributes.is_empty() { "" } else { ", " };
        let shared = match kind {
            "use" => format!("[shared]\nnet = {}\n", d.branch()),
            _ => String::new(),
        };
        format!(
            "name = \"layer\"\ninput = {input}\nlayers = [{first}{{ kind = \"{kind}\"{comma}{attributes} }}, \
             {{ kind = \"flatten\" }}, {{ kind = \"dense\", features = {} }}]\n{shared}",
            d.size(2, 4)
        )
    }
}

fn nothing(_: &mut Draw) -> String {
    String::new()
}

pub const SUBJECTS: &[Subject] = &[
    Subject::new("dense", On::Tokens, |d| {
        format!("features = {}, bias = {}", d.size(1, 5), d.one_of(&[true, false]))
    }),
    Subject::new("conv2d", On::Image, |d| {
        let groups = d.one_of(&[1, 2]);
        format!(
            "features = {}, kernel = {}, stride = {}, padding = {}, dilation = {}, groups = {groups}, bias = {}",
            2 * d.size(1, 3),
            d.window(),
            d.stride(),
            d.padding(),
            d.size(1, 2),
            d.one_of(&[true, false]),
        )
    }),
    Subject::new("depthwise_conv2d", On::Image, |d| {
        format!(
            "kernel = {}, stride = {}, padding = {}, multiplier = {}, dilation = {}, bias = {}",
            d.window(),
            d.stride(),
            d.padding(),
            d.size(1, 2),
            d.size(1, 2),
            d.one_of(&[true, false]),
        )
    }),
    Subject::new("conv_transpose2d", On::Image, |d| {
        format!(
            "features = {}, kernel = [{}, {}], padding = {}, dilation = {}, groups = {}, bias = {}, {}",
            2 * d.size(1, 2),
            d.size(2, 3),
            d.size(2, 3),
            d.one_of(&["\"same\"", "\"valid\"", "1"]),
            d.size(1, 2),
            d.one_of(&[1, 2]),
            d.one_of(&[true, false]),
            // More output than the stride has would be of nothing.
            d.one_of(&["stride = [1, 2]", "stride = 2, output_padding = [0, 1]"]),
        )
    }),
    Subject::new("batch_norm", On::Image, |d| {
        format!("eps = 1e-{}, affine = {}", d.size(2, 5), d.one_of(&[true, false]))
    }),
    Subject::new("layer_norm", On::Tokens, |d| {
        let affine = d.one_of(&["affine = false", "bias = false", "bias = true"]);
        format!("eps = 1e-{}, {affine}", d.size(2, 5))
    }),
    Subject::new("rms_norm", On::Tokens, |d| {
        format!("eps = 1e-{}, affine = {}", d.size(2, 5), d.one_of(&[true, false]))
    }),
    Subject::new("group_norm", On::Image, |d| format!("groups = {}", d.one_of(&[1, 2]))),
    Subject::new("relu", On::Tokens, nothing),
    Subject::new("relu6", On::Tokens, nothing),
    Subject::new("leaky_relu", On::Tokens, |d| format!("slope = {}", d.number(0.0, 0.5))),
    Subject::new("elu", On::Tokens, |d| format!("alpha = {}", d.number(0.2, 2.0))),
    Subject::new("gelu", On::Tokens, |d| {
        format!("approximate = {}", d.one_of(&["\"tanh\"", "\"none\""]))
    }),
    Subject::new("silu", On::Tokens, nothing),
    Subject::new("sigmoid", On::Tokens, nothing),
    Subject::new("tanh", On::Tokens, nothing),
    Subject::new("softplus", On::Tokens, nothing),
    Subject::new("hard_swish", On::Tokens, nothing),
    Subject::new("hard_sigmoid", On::Tokens, nothing),
    Subject::new("max_pool", On::Image, |d| {
        format!("window = {}, stride = {}, padding = {}", d.window(), d.stride(), d.padding())
    }),
    Subject::new("avg_pool", On::Image, |d| {
        format!(
            "window = 2, stride = {}, padding = {}, count_include_pad = {}",
            d.stride(),
            d.padding(),
            d.one_of(&[true, false])
        )
    }),
    Subject::new("global_avg_pool", On::Image, |d| format!("keep = {}", d.one_of(&[true, false]))),
    Subject::new("upsample", On::Image, |d| {
        let method = d.one_of(&["nearest", "bilinear"]);
        format!("scale = [{}, {}], method = \"{method}\"", d.size(1, 3), d.size(1, 2))
    }),
    Subject::new("flatten", On::Image, nothing),
    Subject::new("reshape", On::Image, |d| {
        format!("shape = [{}, {}]", d.width, d.height * d.features)
    }),
    Subject::new("concat", On::Image, |d| {
        format!("branches = [{}, [], {}]", d.branch(), d.branch())
    }),
    Subject::new("parallel", On::Image, |d| {
        let merge = d.one_of(&["sum", "product", "maximum"]);
        format!("branches = [{}, {}], merge = \"{merge}\"", d.branch(), d.branch())
    }),
    Subject::new("residual", On::Image, |d| {
        let shortcut = if d.size(0, 1) == 0 { "[]".into() } else { d.branch() };
        format!("layers = {}, shortcut = {shortcut}", d.branch())
    }),
    Subject::new("repeat", On::Image, |d| {
        format!("times = {}, layers = {}", d.size(1, 3), d.branch())
    }),
    Subject::new("use", On::Image, |_| {
        "net = \"net\" }, { kind = \"sigmoid\" }, { kind = \"use\", net = \"net\"".into()
    }),
    Subject::new("squeeze_excite", On::Image, |d| {
        let gate = d.one_of(&["sigmoid", "hard_sigmoid"]);
        format!("reduced = {}, activation = \"silu\", gate = \"{gate}\"", d.size(1, 3))
    }),
    Subject::new("dropout", On::Tokens, |d| format!("rate = {}", d.number(0.0, 0.7))),
    Subject::new("drop_path", On::Image, |d| format!("rate = {}", d.number(0.0, 0.7))),
    Subject::new("layer_scale", On::Tokens, |d| format!("init = {}", d.number(0.1, 1.0))),
    Subject::new("patch_embed", On::Pixels, |d| {
        format!("features = {}, patch = [{}, 2]", d.size(1, 4), d.one_of(&[2, 3]))
    }),
    Subject::new("class_token", On::Tokens, nothing),
    Subject::new("position_embedding", On::Tokens, nothing),
    Subject::new("select_token", On::Tokens, |d| format!("index = {}", d.size(0, 3))),
    Subject::new("embedding", On::Symbols, |d| format!("features = {}", d.size(1, 5))),
    Subject::new("multi_head_attention", On::Tokens, |d| {
        let context = match d.size(0, 1) {
            0 => "context = [{ kind = \"class_token\" }]".to_string(),
            _ => format!("causal = {}", d.one_of(&[true, false])),
        };
        let bias = d.one_of(&[true, false]);
        format!("heads = {}, bias = {bias}, {context}", d.one_of(&[1, 2]))
    }),
    Subject::new("transformer_block", On::Tokens, |d| {
        let act = d.one_of(&["gelu", "silu", "tanh"]);
        format!(
            "heads = {}, mlp = {}, activation = \"{act}\", causal = {}",
            d.one_of(&[1, 2]),
            d.size(2, 6),
            d.one_of(&[true, false])
        )
    }),
    Subject::new("basic_block", On::Image, |d| {
        format!("features = {}, stride = {}", d.size(2, 5), d.size(1, 2))
    }),
    Subject::new("bottleneck", On::Image, |d| {
        format!("features = {}, expansion = 2, stride = {}", d.size(2, 3), d.size(1, 2))
    }),
    Subject::new("inverted_residual", On::Image, |d| {
        format!(
            "features = {}, {}, stride = {}, activation = \"silu\", squeeze = {}, gate = \"{}\"",
            d.size(2, 5),
            d.one_of(&["expansion = 1", "expansion = 2", "hidden = 5"]),
            d.size(1, 2),
            d.size(0, 2),
            d.one_of(&["sigmoid", "hard_sigmoid"]),
        )
    }),
    Subject::new("mb_conv", On::Image, |d| {
        format!("features = {}, expansion = 2, stride = {}", d.size(2, 5), d.size(1, 2))
    }),
    Subject::new("fused_mb_conv", On::Image, |d| {
        format!("features = {}, expansion = 2, stride = {}", d.size(2, 5), d.size(1, 2))
    }),
    Subject::new("universal_inverted_bottleneck", On::Image, |d| {
        format!(
            "features = {}, expansion = 2, {}, stride = {}, activation = \"silu\"",
            d.size(2, 5),
            d.one_of(&[
                "start_kernel = 0, middle_kernel = 3",
                "start_kernel = 3, middle_kernel = 0",
                "start_kernel = 3, middle_kernel = 3",
            ]),
            d.size(1, 2)
        )
    }),
    Subject::new("convnext_block", On::Image, |d| {
        format!(
            "kernel = {}, expansion = {}, layer_scale = {}",
            d.one_of(&[3, 5]),
            d.size(1, 3),
            d.number(0.2, 1.0)
        )
    }),
];
