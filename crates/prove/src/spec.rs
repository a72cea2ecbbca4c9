//! The specification and the options as Rocq terms.

use crate::ProveError;
use cotangent_graph::{Precision, Rational};
use cotangent_net::layers::{
    Conv2d, ConvTranspose2d, GeluForm, Interpolation, Merge, MultiHeadAttention, Padding, Pair,
};
use cotangent_net::{LayerKind, LayerPlan, Loss, LossPart, Losses, Network};
use cotangent_step::{DecayExclusion, Optimizer, StepOptions};
use std::collections::HashMap;

/// The constants of gelu. They are written here once more, so that a network
/// with other ones has no certificate.
const ROOT_HALF: &str = "0.70710678118654752440084436210485";
const ROOT_2_BY_PI: &str = "0.79788456080286535587989211986876";

/// What clipping adds to the norm of the gradient, once more too.
const CLIP_EPS: &str = "1e-6";

/// Lines of a chain in one definition.
const PART_LINES: usize = 500;

/// The Rocq term of type `spec` for `net`, with the constants that `precision`
/// stores.
///
/// # Errors
/// A layer that the proofs do not cover, or a constant that overflows.
pub fn specification(net: &Network, precision: Precision) -> Result<String, ProveError> {
    Ok(written(net, precision, usize::MAX)?.1)
}

/// The same for Coq to read: definitions of parts of long chains, and the term over them.
/// Coq compiles one definition in time that is quadratic in its strings.
pub(crate) fn specification_in_parts(
    net: &Network,
    precision: Precision,
) -> Result<(Vec<String>, String), ProveError> {
    written(net, precision, PART_LINES)
}

fn written(
    net: &Network,
    precision: Precision,
    part_lines: usize,
) -> Result<(Vec<String>, String), ProveError> {
    let loss = losses(net.losses(), precision)?;
    let mut chains = Chains { precision, part_lines, parts: Vec::new() };
    let layers = chains.in_turn(net.layers(), &mut Written::default(), 1)?;
    let (name, input) = (&net.spec().name, shape(&net.spec().input));
    Ok((chains.parts, format!("Spec \"{name}\"%string {input} {loss}\n  {layers}")))
}

/// The Rocq term of type `Loss.t`.
fn losses(losses: &Losses, precision: Precision) -> Result<String, ProveError> {
    let kind = |loss| match loss {
        Loss::SoftmaxCrossEntropy => "Loss.SoftmaxCrossEntropy",
        Loss::MeanSquaredError => "Loss.MeanSquaredError",
        Loss::BinaryCrossEntropyWithLogits => "Loss.BinaryCrossEntropyWithLogits",
    };
    let parts = match losses {
        Losses::Whole(loss) => return Ok(kind(*loss).into()),
        Losses::Parts(parts) => parts,
    };
    let part = |part: &LossPart| {
        let weight = stored("weight", part.weight.exact(), precision)?.as_ratio().clone();
        Ok::<_, ProveError>(format!(
            "Loss.Part {} {} ({})%Z {}%positive",
            kind(part.kind),
            part.features,
            weight.numer(),
            weight.denom()
        ))
    };
    let parts = parts.iter().map(part).collect::<Result<Vec<_>, _>>()?;
    Ok(format!("(Loss.Parts {})", list(&parts)))
}

/// The Rocq list of these terms.
fn list(terms: &[String]) -> String {
    format!("[:: {}]", terms.join("; "))
}

/// The Rocq list of these dimensions.
fn shape(dims: &[usize]) -> String {
    list(&dims.iter().map(usize::to_string).collect::<Vec<_>>())
}

/// How far a specification is written. Later uses of a shared sub-network are
/// written from where its first use began, so that they come out the same.
#[derive(Debug, Clone, Default)]
struct Written {
    /// Number of parameters so far.
    params: usize,
    /// Number of running statistics so far.
    stats: usize,
    /// Shared sub-networks so far, and how far it was when each was first used.
    shared: HashMap<String, Written>,
    /// Within a later use: the layers are named by their places, since their
    /// parameters have names already.
    again: bool,
}

/// Writes layers as terms of type `chain`.
struct Chains {
    precision: Precision,
    /// Longer chains are put together from parts.
    part_lines: usize,
    /// Definitions of the parts so far.
    parts: Vec<String>,
}

impl Chains {
    /// The layers, indented `depth` times.
    fn in_turn(
        &mut self,
        layers: &[LayerPlan],
        so_far: &mut Written,
        depth: usize,
    ) -> Result<String, ProveError> {
        let mut items = Vec::new();
        for layer in layers {
            items.extend(self.nexts(layer, so_far, depth)?);
        }
        Ok(self.listed(&items, depth))
    }

    /// What the layer adds to a chain: itself, or the layers it consists of.
    fn nexts(
        &mut self,
        layer: &LayerPlan,
        so_far: &mut Written,
        depth: usize,
    ) -> Result<Vec<String>, ProveError> {
        if let LayerKind::Use(shared) = &layer.kind {
            if let Some(first) = so_far.shared.get(&shared.net) {
                return Ok(vec![self.again(layer, first.clone(), depth)?]);
            }
            so_far.shared.insert(shared.net.clone(), so_far.clone());
        }
        if layer.is_sequence() || matches!(layer.kind, LayerKind::Use(_)) {
            let mut items = Vec::new();
            for part in layer.branches.iter().flatten() {
                items.extend(self.nexts(part, so_far, depth)?);
            }
            return Ok(items);
        }
        // A mask is of a place, as every use has its own.
        let by_place = so_far.again || layer.mask.is_some();
        let name = if by_place { &layer.name } else { &layer.root };
        if let LayerKind::MultiHeadAttention(attention) = &layer.kind
            && !attention.context.is_empty()
        {
            return self.attention(layer, attention, name, so_far, depth);
        }
        let joining = match &layer.kind {
            LayerKind::Residual(_) => "Sum",
            LayerKind::Concat(_) => "Concat",
            LayerKind::Parallel(p) => match p.merge {
                Merge::Sum => "Sum",
                Merge::Product => "Product",
                Merge::Maximum => "Maximum",
            },
            _ => {
                so_far.params += layer.params.len();
                so_far.stats += layer.stats.len();
                let kind = single(layer, self.precision)?;
                return Ok(vec![format!("Next \"{name}\"%string ({kind})")]);
            }
        };
        let mut items = Vec::new();
        for branch in &layer.branches {
            items.push(format!("Branch {}", self.in_turn(branch, so_far, depth + 1)?));
        }
        items.push(format!("Join \"{name}\"%string {joining}"));
        Ok(items)
    }

    /// Attention to a context: keys and values in one branch, queries in another.
    fn attention(
        &mut self,
        layer: &LayerPlan,
        attention: &MultiHeadAttention,
        name: &str,
        so_far: &mut Written,
        depth: usize,
    ) -> Result<Vec<String>, ProveError> {
        let features = layer.input.last().copied().unwrap_or(1);
        let dense = |part: &str, features: usize| {
            let part = if name.is_empty() { part.into() } else { format!("{name}.{part}") };
            format!(
                "Next \"{part}\"%string (Layer.Token (Token.Dense {features} {}))",
                attention.bias
            )
        };
        let mut context = Vec::new();
        for inside in layer.branches.iter().flatten() {
            context.extend(self.nexts(inside, so_far, depth + 1)?);
        }
        context.push(dense("kv", 2 * features));
        so_far.params += layer.params.len();
        Ok(vec![
            format!("Branch {}", self.listed(&context, depth + 1)),
            format!("Branch {}", self.listed(&[dense("q", features)], depth + 1)),
            format!("Join \"{name}\"%string (Attend {})", attention.heads),
            dense("proj", features),
        ])
    }

    /// A later use of a shared sub-network.
    fn again(
        &mut self,
        layer: &LayerPlan,
        mut first: Written,
        depth: usize,
    ) -> Result<String, ProveError> {
        first.again = true;
        let (params, stats) = (first.params, first.stats);
        let inside: Vec<LayerPlan> = layer.branches.concat();
        Ok(format!("Again {params} {stats} {}", self.in_turn(&inside, &mut first, depth + 1)?))
    }

    /// The term of type `chain` of these items, one to a line.
    fn listed(&mut self, items: &[String], depth: usize) -> String {
        let sequence = |items: &[String]| {
            let indent = format!("\n{}", "  ".repeat(depth));
            format!("[::{indent}{}]", items.join(&format!(";{indent}")))
        };
        if items.is_empty() {
            return "(in_turn [::])".into();
        }
        let cut = cuts(items, self.part_lines);
        if cut.len() <= 1 {
            return format!("(in_turn {})", sequence(items));
        }
        let mut names = Vec::new();
        for part in cut {
            let name = format!("layers_{}", self.parts.len());
            let part = sequence(part);
            self.parts.push(format!("Definition {name} : seq (chain -> chain) := {part}."));
            names.push(name);
        }
        format!("(in_turn ({})%SEQ)", names.join(" ++ "))
    }
}

/// The items in runs of at most this many lines, but of at least one item.
fn cuts(items: &[String], lines: usize) -> Vec<&[String]> {
    let mut runs = Vec::new();
    let (mut from, mut so_far) = (0, 0);
    for (k, item) in items.iter().enumerate() {
        let more = item.lines().count();
        if k > from && so_far + more > lines {
            runs.push(&items[from..k]);
            (from, so_far) = (k, 0);
        }
        so_far += more;
    }
    runs.push(&items[from..]);
    runs
}

/// The term of type `Layer.t` of a layer that holds no layers.
fn single(layer: &LayerPlan, precision: Precision) -> Result<String, ProveError> {
    let constant = |name: &'static str, value: &Rational| {
        let stored = stored(name, value, precision)?.as_ratio().clone();
        Ok::<_, ProveError>(format!("({})%Z {}%positive", stored.numer(), stored.denom()))
    };
    let decimal = |name: &'static str, digits: &str| {
        let parsed = digits.parse::<Rational>();
        constant(name, &parsed.map_err(|_| ProveError::Constant { name, value: digits.into() })?)
    };
    let pointwise = |function: &str| format!("Layer.Pointwise (Layer.{function})");
    let token = |layer: &str| format!("Layer.Token (Token.{layer})");
    let uncovered = |kind: &'static str| ProveError::Layer { layer: layer.name.clone(), kind };
    Ok(match &layer.kind {
        LayerKind::Dense(d) => {
            let dense = format!("Dense {} {}", d.features, d.bias);
            if layer.input.len() == 1 { format!("Layer.{dense}") } else { token(&dense) }
        }
        LayerKind::Relu(_) => pointwise("Relu"),
        LayerKind::Relu6(_) => pointwise("Relu6"),
        LayerKind::LeakyRelu(l) => {
            pointwise(&format!("LeakyRelu {}", constant("slope", l.slope.exact())?))
        }
        LayerKind::Elu(e) => pointwise(&format!("Elu {}", constant("alpha", e.alpha.exact())?)),
        LayerKind::Gelu(g) => match g.approximate {
            GeluForm::None => pointwise(&format!("Gelu {}", decimal("√½", ROOT_HALF)?)),
            GeluForm::Tanh => {
                let (cubic, scale) =
                    (decimal("0.044715", "0.044715")?, decimal("√(2/π)", ROOT_2_BY_PI)?);
                pointwise(&format!("GeluTanh {cubic} {scale}"))
            }
        },
        LayerKind::Sigmoid(_) => pointwise("Sigmoid"),
        LayerKind::Tanh(_) => pointwise("Tanh"),
        LayerKind::Softplus(_) => pointwise("Softplus"),
        LayerKind::Silu(_) => pointwise("Silu"),
        LayerKind::HardSigmoid(_) => pointwise("HardSigmoid"),
        LayerKind::HardSwish(_) => pointwise("HardSwish"),
        LayerKind::Flatten(_) => "Layer.Flatten".into(),
        LayerKind::GlobalAvgPool(p) if !p.keep && layer.input.len() == 3 => {
            "Layer.GlobalAvgPool".into()
        }
        LayerKind::GlobalAvgPool(p) => token(&format!("Average {}", p.keep)),
        LayerKind::Reshape(r) => token(&format!("Reshape {}", shape(&r.shape))),
        LayerKind::LayerScale(_) => token("Scale"),
        LayerKind::Embedding(e) => token(&format!("Embedding {}", e.features)),
        LayerKind::PositionEmbedding(_) => token("Position"),
        LayerKind::ClassToken(_) => token("Class"),
        LayerKind::SelectToken(t) => token(&format!("Select {}", t.index)),
        LayerKind::Upsample(u) if u.method == Interpolation::Nearest => {
            token(&format!("Upsample {} {}", u.scale.0[0], u.scale.0[1]))
        }
        LayerKind::Upsample(u) => {
            let [rows, columns] = u.scale.0.map(|factor| interpolation(factor, precision));
            format!("Layer.Bilinear {} {}", rows?, columns?)
        }
        LayerKind::MultiHeadAttention(a) => {
            format!("Layer.Attention {} {} {}", a.heads, a.causal, a.bias)
        }
        LayerKind::Conv2d(c) => convolution(c).ok_or_else(|| uncovered("conv2d"))?,
        LayerKind::DepthwiseConv2d(c) => {
            let channels = layer.input.last().copied().unwrap_or(1);
            convolution(&c.grouped(channels)).ok_or_else(|| uncovered("depthwise_conv2d"))?
        }
        LayerKind::ConvTranspose2d(c) => {
            transposed(c).ok_or_else(|| uncovered("conv_transpose2d"))?
        }
        LayerKind::BatchNorm(n) => {
            let eps = constant("eps", n.eps.exact())?;
            let momentum = constant("momentum", n.momentum.exact())?;
            format!("Layer.BatchNorm {eps} {momentum} {}", n.affine)
        }
        LayerKind::LayerNorm(n) => {
            let (eps, shift) = (constant("eps", n.eps.exact())?, n.affine && n.bias);
            format!("Layer.LayerNorm {eps} {} {shift}", n.affine)
        }
        LayerKind::RmsNorm(n) => {
            format!("Layer.RmsNorm {} {}", constant("eps", n.eps.exact())?, n.affine)
        }
        LayerKind::GroupNorm(n) => {
            let eps = constant("eps", n.eps.exact())?;
            format!("Layer.GroupNorm {} {eps} {}", n.groups, n.affine)
        }
        LayerKind::MaxPool(p) => {
            let windows = windows(p.window, p.stride, p.padding);
            format!("Layer.MaxPool {}", windows.ok_or_else(|| uncovered("max_pool"))?)
        }
        LayerKind::AvgPool(p) => {
            let windows = windows(p.window, p.stride, p.padding);
            let windows = windows.ok_or_else(|| uncovered("avg_pool"))?;
            format!("Layer.AvgPool {windows} {}", p.count_include_pad)
        }
        LayerKind::Dropout(d) => format!("Layer.Dropout {}", probability(d.rate.exact())),
        LayerKind::DropPath(d) => format!("Layer.DropPath {}", probability(d.rate.exact())),
        other => return Err(uncovered(other.name())),
    })
}

/// The weights of the pixel in which each of `factor` new ones lies, and of its
/// neighbour.
fn interpolation(factor: usize, precision: Precision) -> Result<String, ProveError> {
    let whole = 2 * factor as i64;
    let weight = |n: i64| {
        let exact = Rational::new(n, whole).unwrap_or_else(|| Rational::integer(0));
        let ratio = stored("weight", &exact, precision)?.as_ratio().clone();
        Ok::<_, ProveError>(format!("(({})%Z, {}%positive)", ratio.numer(), ratio.denom()))
    };
    let mut weights = Vec::with_capacity(factor);
    for j in 0..factor as i64 {
        // From centre to centre, in units of 1/(2·factor).
        let distance = (2 * j + 1 - factor as i64).abs();
        weights.push(format!(
            "Bilinear.Weights {} {}",
            weight(whole - distance)?,
            weight(distance)?
        ));
    }
    Ok(list(&weights))
}

/// As it is declared: no step stores it.
fn probability(rate: &Rational) -> String {
    let ratio = rate.as_ratio();
    format!("({})%Z {}%positive", ratio.numer(), ratio.denom())
}

/// `None` while its padding is not resolved, which in a network it is.
fn convolution(c: &Conv2d) -> Option<String> {
    let windows = dilated_windows(c.kernel, c.stride, c.padding, c.dilation)?;
    Some(format!("Layer.Conv2d {} {windows} {} {}", c.features, c.groups, c.bias))
}

/// `None` while its padding is not resolved, which in a network it is.
fn transposed(c: &ConvTranspose2d) -> Option<String> {
    let windows = dilated_windows(c.kernel, c.stride, c.padding, c.dilation)?;
    let [rows, columns] = c.output_padding.0;
    let term = format!("{} {windows} {rows} {columns} {} {}", c.features, c.groups, c.bias);
    Some(format!("Layer.ConvTranspose2d {term}"))
}

/// Downwards and across; `None` while the padding is not resolved.
fn windows(size: Pair, stride: Pair, padding: Padding) -> Option<String> {
    dilated_windows(size, stride, padding, Pair::both(1))
}

fn dilated_windows(size: Pair, stride: Pair, padding: Padding, dilation: Pair) -> Option<String> {
    let Padding::Sides(sides) = padding else { return None };
    let window = |d: usize| {
        let (low, high) = sides[d];
        let (size, stride, dilation) = (size.0[d], stride.0[d], dilation.0[d]);
        format!("(Layer.Window {size} {stride} {low} {high} {dilation})")
    };
    Some(format!("{} {}", window(0), window(1)))
}

/// The Rocq terms of types `optimizer` and `features`, with the constants that
/// `precision` stores.
///
/// # Errors
/// A constant overflows.
pub fn train(options: &StepOptions, precision: Precision) -> Result<String, ProveError> {
    Ok(format!("({}) {}", optimizer(&options.optimizer, precision)?, features(options, precision)?))
}

fn optimizer(optimizer: &Optimizer, precision: Precision) -> Result<String, ProveError> {
    let constructor = match optimizer {
        Optimizer::Sgd { .. } => "Sgd",
        Optimizer::Momentum { .. } => "Momentum",
        Optimizer::Nesterov { .. } => "Nesterov",
        Optimizer::Adam { .. } => "Adam",
        Optimizer::AdamW { .. } => "AdamW",
        Optimizer::RmsProp { .. } => "RmsProp",
        Optimizer::Lamb { .. } => "Lamb",
    };
    let mut term = constructor.to_string();
    for (name, value) in optimizer.constants() {
        term.push_str(&format!(" {}", rational(&stored(name, value, precision)?)));
    }
    Ok(term)
}

fn features(options: &StepOptions, precision: Precision) -> Result<String, ProveError> {
    if options.features().is_empty() {
        return Ok("plain".into());
    }
    let stored =
        |name, value: &Rational| Ok::<_, ProveError>(rational(&stored(name, value, precision)?));
    let some = |term: String| format!("Some {term}");
    let none = || "None".to_string();
    let accumulate = match options.accumulate {
        1 => none(),
        // At most 2²⁴, so exact.
        steps => some(stored("accumulate", &Rational::integer(steps as i64))?),
    };
    let clip = match &options.clip {
        None => none(),
        Some(largest) => {
            let eps = CLIP_EPS.parse::<Rational>();
            let eps =
                eps.map_err(|_| ProveError::Constant { name: "eps", value: CLIP_EPS.into() })?;
            some(format!("({}, {})", stored("clip", largest)?, stored("eps", &eps)?))
        }
    };
    let ema = match &options.ema {
        None => none(),
        Some(decay) => some(stored("ema", decay)?),
    };
    let spared = options.no_decay == DecayExclusion::BiasAndNorm;
    Ok(format!(
        "{{| accumulate := {accumulate}; clip := {clip}; ema := {ema}; spared := {spared} |}}"
    ))
}

/// The number that `precision` stores for `value`.
fn stored(
    name: &'static str,
    value: &Rational,
    precision: Precision,
) -> Result<Rational, ProveError> {
    let overflow = || ProveError::Constant { name, value: value.to_string() };
    value.rounded(precision).ok_or_else(overflow)
}

/// Numerator and denominator.
fn rational(value: &Rational) -> String {
    let ratio = value.as_ratio();
    format!("(Over ({})%Z {}%positive)", ratio.numer(), ratio.denom())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_have_so_many_lines_but_at_least_an_item() {
        let sizes = |items: &[&str]| -> Vec<usize> {
            let items: Vec<String> = items.iter().map(|item| item.to_string()).collect();
            cuts(&items, 3).iter().map(|run| run.len()).collect()
        };
        assert_eq!(sizes(&["a", "b", "c"]), [3]);
        assert_eq!(sizes(&["a", "b", "c", "d"]), [3, 1]);
        assert_eq!(sizes(&["a\nb", "c\nd", "e"]), [1, 2]);
        assert_eq!(sizes(&["a\nb\nc\nd", "e"]), [1, 1]);
        assert_eq!(sizes(&["a", "b\nc\nd\ne", "f"]), [1, 1, 1]);
    }

    /// What is shown to the user is what Coq is given.
    #[test]
    fn the_parts_are_the_specification() {
        let tanh = "{ kind = 'tanh' }, ".repeat(40);
        let toml = format!(
            "name = 'n'\ninput = [2]\nlayers = [{tanh} {{ kind = 'residual', layers = [{tanh} \
             {{ kind = 'dense', features = 2 }}] }}, {tanh}]"
        );
        let net = cotangent_net::NetSpec::from_toml(&toml).unwrap().network().unwrap();
        let (parts, mut term) = written(&net, Precision::F32, 16).unwrap();
        assert!(parts.len() > 8, "{parts:#?}");
        let spliced = |term: &str| term.replace(" ++ ", "").replace("[::", "").replace(']', "");
        // Last first: a part may name those before it.
        for (k, part) in parts.iter().enumerate().rev() {
            let opening = format!("Definition layers_{k} : seq (chain -> chain) := [::");
            let items = part.strip_prefix(&opening).unwrap().strip_suffix("].").unwrap();
            let name = format!("layers_{k}");
            let found = term
                .match_indices(&name)
                .find(|(at, _)| !term[at + name.len()..].starts_with(|c: char| c.is_ascii_digit()));
            let at = found.unwrap().0;
            term.replace_range(at..at + name.len(), items);
        }
        let plain = |text: &str| -> String {
            let text = spliced(text).replace("(in_turn (", "(in_turn ").replace(")%SEQ)", ")");
            text.chars().filter(|c| !c.is_whitespace() && *c != ';').collect()
        };
        assert_eq!(plain(&term), plain(&specification(&net, Precision::F32).unwrap()));
    }
}
