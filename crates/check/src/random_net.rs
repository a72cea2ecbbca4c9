//! Random networks, as their authors write them.

use cotangent_net::{LayerKind, Loss, LossPart, NetSpec, Number};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::fmt::Write;

/// A network, and how it trains.
#[derive(Debug, Clone, PartialEq)]
pub struct RandomNet {
    /// The network, small: at most some thousand parameters.
    pub spec: NetSpec,
    /// Examples in a batch.
    pub batch: usize,
    /// An optimiser with constants and features, in the text form that step
    /// options have.
    pub options: String,
}

/// A network of 1 to 8 layers, some of them made of layers, over the whole
/// vocabulary but bilinear upsampling. The same seed gives the same network.
pub fn random_net(seed: u64) -> RandomNet {
    let mut author = Author { rng: ChaCha8Rng::seed_from_u64(seed), shared: Vec::new() };
    loop {
        author.shared.clear();
        if let Some(spec) = author.network(&format!("random-{seed}")) {
            let batch = author.pick(&[1, 2, 2, 3, 5, 7]);
            // One value of a feature has no variance.
            let normalised = spec.network().is_ok_and(|net| {
                let mut layers = net.layers().iter().flat_map(|layer| layer.walk());
                layers.any(|layer| matches!(layer.kind, LayerKind::BatchNorm(_)))
            });
            let batch = if normalised { batch.max(2) } else { batch };
            return RandomNet { spec, batch, options: author.options() };
        }
    }
}

struct Author {
    rng: ChaCha8Rng,
    /// Name, input and layers of each shared sub-network.
    shared: Vec<(String, Vec<usize>, String)>,
}

impl Author {
    fn network(&mut self, name: &str) -> Option<NetSpec> {
        let input = match self.pick(&[1, 2, 3, 3]) {
            1 => vec![self.size(6)],
            2 => vec![self.size(5), self.size(6)],
            // Mostly not square.
            _ => vec![self.size(7), self.size(7), self.size(3)],
        };
        let count = self.rng.random_range(1..=8);
        let (mut layers, output) = self.chain(&input, count, 2);
        // A class per pixel or token where nothing follows.
        if self.rng.random_bool(0.6) {
            let flatten = if output.len() > 1 { "{ kind = \"flatten\" }, " } else { "" };
            write!(layers, "{flatten}{{ kind = \"dense\", features = {} }}, ", self.size(4))
                .ok()?;
        }
        let loss = self.pick(&[
            "softmax_cross_entropy",
            "softmax_cross_entropy",
            "mean_squared_error",
            "binary_cross_entropy_with_logits",
        ]);
        let spec = NetSpec::from_toml(&self.text(name, &input, loss, &layers)).ok()?;
        let features = spec.network().ok()?.features();
        Some(if self.rng.random_bool(0.2) { spec.losses(self.parts(features)) } else { spec })
    }

    /// Losses of so many features.
    fn parts(&mut self, mut features: usize) -> Vec<LossPart> {
        let mut parts = Vec::new();
        while features > 0 {
            let own = self.rng.random_range(1..=features);
            let kind = self.pick(&[
                Loss::SoftmaxCrossEntropy,
                Loss::MeanSquaredError,
                Loss::BinaryCrossEntropyWithLogits,
            ]);
            let weight = self.pick(&[(1, 1), (3, 10), (2, 1)]);
            parts.push(LossPart::new(kind, own).weight(Number::ratio(weight.0, weight.1)));
            features -= own;
        }
        parts
    }

    /// `count` layers in turn, as the items of a list, and their output's shape.
    /// Layers made of layers nest `depth` deep at most.
    fn chain(&mut self, input: &[usize], count: usize, depth: usize) -> (String, Vec<usize>) {
        let (mut layers, mut shape) = (String::new(), input.to_vec());
        let mut placed = 0;
        while placed < count {
            let known = self.shared.len();
            let longer = format!("{layers}{}, ", self.layer(&shape, depth));
            match self.output(input, &longer) {
                Some(output) => {
                    (layers, shape) = (longer, output);
                    placed += 1;
                }
                None => self.shared.truncate(known),
            }
        }
        (layers, shape)
    }

    /// The shape that the layers make of the input, if they fit it and each
    /// other and are small.
    fn output(&self, input: &[usize], layers: &str) -> Option<Vec<usize>> {
        // The scales are there so that it has a parameter.
        let layers = format!("{layers}{{ kind = \"layer_scale\" }}");
        let text = self.text("part", input, "mean_squared_error", &layers);
        let net = NetSpec::from_toml(&text).and_then(|spec| spec.network()).ok()?;
        let output = net.output().to_vec();
        let small = net.param_count() <= 1500
            && net.macs() <= 30_000
            && output.iter().product::<usize>() <= 120;
        small.then_some(output)
    }

    fn text(&self, name: &str, input: &[usize], loss: &str, layers: &str) -> String {
        let mut text = format!(
            "name = \"{name}\"\ninput = {input:?}\nloss = \"{loss}\"\nlayers = [{layers}]\n"
        );
        // A later sub-network may use an earlier one.
        let mut shared = String::new();
        for (name, _, inside) in self.shared.iter().rev() {
            if [layers, &shared].iter().any(|text| text.contains(&uses(name))) {
                shared.push_str(&format!("{name} = [{inside}]\n"));
            }
        }
        if !shared.is_empty() {
            text.push_str(&format!("[shared]\n{shared}"));
        }
        text
    }

    /// A layer that may fit an input of this shape.
    fn layer(&mut self, shape: &[usize], depth: usize) -> String {
        match self.rng.random_range(0..10) {
            0 | 1 => self.activation(),
            2 if depth > 0 => self.branches(shape, depth),
            3 if depth > 0 => self.shared(shape, depth),
            4 => self.anywhere(shape),
            _ => match shape {
                [_] => self.on_a_vector(),
                [_, features] => self.on_tokens(shape, *features, depth),
                _ => self.on_an_image(shape),
            },
        }
    }

    fn activation(&mut self) -> String {
        let kind = self.pick(&[
            "relu",
            "relu",
            "relu6",
            "leaky_relu",
            "elu",
            "gelu",
            "silu",
            "sigmoid",
            "tanh",
            "softplus",
            "hard_swish",
            "hard_sigmoid",
        ]);
        let constant = match kind {
            "leaky_relu" => self.pick(&["", ", slope = 0.2", ", slope = 1.5"]),
            "elu" => self.pick(&["", ", alpha = 0.3"]),
            "gelu" => self.pick(&["", ", approximate = \"tanh\""]),
            _ => "",
        };
        format!("{{ kind = \"{kind}\"{constant} }}")
    }

    fn branches(&mut self, shape: &[usize], depth: usize) -> String {
        let mut part = |least: usize| {
            let count = self.rng.random_range(least..=2);
            self.chain(shape, count, depth - 1).0
        };
        let (a, b) = (part(1), part(0));
        match self.rng.random_range(0..5) {
            0 => format!("{{ kind = \"residual\", layers = [{a}] }}"),
            1 => format!("{{ kind = \"residual\", layers = [{a}], shortcut = [{b}] }}"),
            2 => format!("{{ kind = \"concat\", branches = [[{a}], [{b}]] }}"),
            3 => format!("{{ kind = \"repeat\", times = 2, layers = [{a}] }}"),
            _ => {
                let merge = self.pick(&["sum", "product", "maximum"]);
                format!("{{ kind = \"parallel\", merge = \"{merge}\", branches = [[{a}], [{b}]] }}")
            }
        }
    }

    /// Uses of a shared sub-network: one more of what is there, or two of a new one.
    fn shared(&mut self, shape: &[usize], depth: usize) -> String {
        let known = self.shared.iter().find(|(_, input, _)| input == shape);
        if let Some((name, ..)) = known {
            return format!("{{ {} }}", uses(name));
        }
        let count = self.rng.random_range(1..=2);
        let layers = self.chain(shape, count, depth - 1).0;
        let name = format!("part_{}", self.shared.len() + 1);
        let used = uses(&name);
        self.shared.push((name, shape.to_vec(), layers));
        let merge = self.pick(&["sum", "product"]);
        let other = self.activation();
        format!(
            "{{ kind = \"parallel\", merge = \"{merge}\", branches = [[{{ {used} }}], [{other}, {{ {used} }}]] }}"
        )
    }

    /// A layer for inputs of every rank.
    fn anywhere(&mut self, shape: &[usize]) -> String {
        // Layers that change nothing among them: a rate of 0, the shape at hand.
        let rate = self.pick(&["0", "0.1", "0.25", "0.5"]);
        let affine = self.rng.random_bool(0.7);
        let mut other = shape.to_vec();
        other.reverse();
        let kind = match self.rng.random_range(0..7) {
            0 => format!("dropout\", rate = {rate}"),
            1 => format!("drop_path\", rate = {rate}"),
            2 => "layer_scale\", init = 0.5".into(),
            3 => format!("layer_norm\", affine = {affine}, eps = 0.001"),
            4 => format!("rms_norm\", affine = {affine}"),
            5 => format!("reshape\", shape = {other:?}"),
            _ => "flatten\"".into(),
        };
        format!("{{ kind = \"{kind} }}")
    }

    fn on_a_vector(&mut self) -> String {
        if self.rng.random_bool(0.2) {
            return self.batch_norm();
        }
        self.dense()
    }

    fn dense(&mut self) -> String {
        let (features, bias) = (self.size(5), self.rng.random_bool(0.7));
        format!("{{ kind = \"dense\", features = {features}, bias = {bias} }}")
    }

    fn batch_norm(&mut self) -> String {
        let rest = self.pick(&["", ", affine = false", ", eps = 0.01, momentum = 0.2"]);
        format!("{{ kind = \"batch_norm\"{rest} }}")
    }

    fn on_tokens(&mut self, shape: &[usize], features: usize, depth: usize) -> String {
        let heads = if features.is_multiple_of(2) { self.pick(&[1, 2]) } else { 1 };
        let (causal, bias) = (self.rng.random_bool(0.4), self.rng.random_bool(0.7));
        let kind = match self.rng.random_range(0..10) {
            0 | 1 => return self.dense(),
            2 => "class_token\"".into(),
            3 => "position_embedding\"".into(),
            4 => format!("select_token\", index = {}", self.rng.random_range(0..2)),
            5 => format!("embedding\", features = {}", self.size(5)),
            6 => {
                format!("multi_head_attention\", heads = {heads}, causal = {causal}, bias = {bias}")
            }
            7 => {
                let scale =
                    self.pick(&["", ", layer_scale = 0.1", ", dropout = 0.1, drop_path = 0.2"]);
                let activation = self.activation_name();
                let mlp = self.size(4);
                format!(
                    "transformer_block\", heads = {heads}, mlp = {mlp}, causal = {causal}, activation = \"{activation}\"{scale}"
                )
            }
            8 if depth > 0 => {
                let count = self.rng.random_range(1..=2);
                let context = self.chain(shape, count, depth - 1).0;
                format!(
                    "multi_head_attention\", heads = {heads}, bias = {bias}, context = [{context}]"
                )
            }
            _ => format!("global_avg_pool\", keep = {bias}"),
        };
        format!("{{ kind = \"{kind} }}")
    }

    fn on_an_image(&mut self, shape: &[usize]) -> String {
        if self.rng.random_bool(0.3) {
            return if self.rng.random_bool(0.4) { self.batch_norm() } else { self.block() };
        }
        let channels = shape.last().copied().unwrap_or(1);
        let divisors: Vec<usize> = (1..=channels).filter(|n| channels.is_multiple_of(*n)).collect();
        let groups = self.pick(&divisors);
        let (kernel, stride, dilation) = (self.pair(3), self.pair(2), self.pair(2));
        let padding = self.pick(&["\"same\"", "\"valid\"", "1", "[[1, 0], [0, 2]]"]);
        let slide = format!("stride = {stride}, padding = {padding}");
        let bias = self.rng.random_bool(0.7);
        let kind = match self.rng.random_range(0..14) {
            0..=2 => {
                let features = groups * self.pick(&[1, 1, 2, 3]);
                format!(
                    "conv2d\", features = {features}, kernel = {kernel}, {slide}, dilation = {dilation}, groups = {groups}, bias = {bias}"
                )
            }
            3 => {
                let multiplier = self.pick(&[1, 2]);
                format!(
                    "depthwise_conv2d\", kernel = {kernel}, multiplier = {multiplier}, {slide}, bias = {bias}"
                )
            }
            4 | 5 => format!("max_pool\", window = {kernel}, {slide}"),
            6 => format!("avg_pool\", window = {kernel}, {slide}, count_include_pad = {bias}"),
            7 => format!("global_avg_pool\", keep = {bias}"),
            8 => format!("upsample\", scale = {stride}"),
            9 => format!("group_norm\", groups = {groups}, affine = {bias}"),
            10 => {
                let gate = self.pick(&["sigmoid", "hard_sigmoid"]);
                format!("squeeze_excite\", reduced = {}, gate = \"{gate}\"", self.size(3))
            }
            11 => format!(
                "patch_embed\", features = {}, patch = {stride}, bias = {bias}",
                self.size(4)
            ),
            12 => {
                let features = groups * self.pick(&[1, 2]);
                format!(
                    "conv_transpose2d\", features = {features}, kernel = {kernel}, {slide}, groups = {groups}, bias = {bias}"
                )
            }
            _ => {
                let path = self.pick(&["0", "0.2"]);
                format!(
                    "convnext_block\", kernel = 3, expansion = 2, layer_scale = 0.1, drop_path = {path}"
                )
            }
        };
        format!("{{ kind = \"{kind} }}")
    }

    /// A block with batch normalisation inside.
    fn block(&mut self) -> String {
        let (features, stride) = (self.size(4), self.pick(&[1, 1, 2]));
        let activation = self.activation_name();
        let path = self.pick(&["0", "0.2"]);
        let kind = match self.rng.random_range(0..6) {
            0 => "basic_block\"".into(),
            1 => "bottleneck\", expansion = 2".into(),
            2 => {
                let squeeze = self.pick(&[0, 2]);
                format!(
                    "inverted_residual\", expansion = 2, activation = \"{activation}\", squeeze = {squeeze}, drop_path = {path}"
                )
            }
            3 => format!("mb_conv\", expansion = 2, drop_path = {path}"),
            4 => format!("fused_mb_conv\", expansion = 2, drop_path = {path}"),
            _ => {
                let start = self.pick(&[0, 3]);
                format!(
                    "universal_inverted_bottleneck\", expansion = 2, start_kernel = {start}, activation = \"{activation}\""
                )
            }
        };
        format!("{{ kind = \"{kind}, features = {features}, stride = {stride} }}")
    }

    fn activation_name(&mut self) -> &'static str {
        self.pick(&["relu", "relu6", "gelu", "silu", "hard_swish", "sigmoid", "tanh"])
    }

    fn options(&mut self) -> String {
        let decay = self.pick(&["0", "0.01", "0.25"]);
        let optimizer = self.pick(&[
            "sgd(",
            "momentum(momentum=0.8,",
            "nesterov(momentum=0.5,",
            "adam(beta1=0.8,",
            "adamw(eps=0.001,",
            "rmsprop(alpha=0.9,eps=0.001,momentum=0.5,",
            "rmsprop(eps=0.001,",
            "lamb(eps=0.001,",
        ]);
        let mut text = format!("{optimizer}weight_decay={decay})");
        for feature in [
            " clip(norm=0.125)",
            " ema(decay=0.75)",
            " accumulate(steps=3)",
            " no_decay(bias-and-norm)",
        ] {
            if self.rng.random_bool(0.25) {
                text.push_str(feature);
            }
        }
        text
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.rng.random_range(0..of.len())]
    }

    /// 1 to `most`, mostly more than 1.
    fn size(&mut self, most: usize) -> usize {
        if self.rng.random_bool(0.1) { 1 } else { self.rng.random_range(2..=most) }
    }

    /// Downwards and across.
    fn pair(&mut self, most: usize) -> String {
        format!("[{}, {}]", self.rng.random_range(1..=most), self.rng.random_range(1..=most))
    }
}

/// The keys of a layer that uses a shared sub-network.
fn uses(name: &str) -> String {
    format!("kind = \"use\", net = \"{name}\"")
}
