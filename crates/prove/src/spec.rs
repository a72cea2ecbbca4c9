//! The specification and the options as Rocq terms.

use crate::ProveError;
use cotangent_graph::{Precision, Rational};
use cotangent_net::layers::{Conv2d, Padding, Pair};
use cotangent_net::{LayerKind, Loss, Network};
use cotangent_step::{Optimizer, StepOptions};

/// The Rocq term of type `spec` for `net`, with the constants that `precision`
/// stores.
///
/// # Errors
/// A layer that the proofs do not cover, or a constant that overflows.
pub fn specification(net: &Network, precision: Precision) -> Result<String, ProveError> {
    let constant = |name: &'static str, value: &Rational| {
        let stored = stored(name, value, precision)?.as_ratio().clone();
        Ok::<_, ProveError>(format!("({})%Z {}%positive", stored.numer(), stored.denom()))
    };
    let pointwise = |function: &str| format!("Layer.Pointwise (Layer.{function})");
    let mut layers = Vec::new();
    for layer in net.layers() {
        let unsupported =
            || ProveError::Layer { layer: layer.name.clone(), kind: layer.kind.name() };
        let kind = match &layer.kind {
            LayerKind::Dense(d) => format!("Layer.Dense {} {}", d.features, d.bias),
            LayerKind::Relu(_) => pointwise("Relu"),
            LayerKind::Relu6(_) => pointwise("Relu6"),
            LayerKind::LeakyRelu(l) => {
                pointwise(&format!("LeakyRelu {}", constant("slope", l.slope.exact())?))
            }
            LayerKind::Elu(e) => pointwise(&format!("Elu {}", constant("alpha", e.alpha.exact())?)),
            LayerKind::Sigmoid(_) => pointwise("Sigmoid"),
            LayerKind::Tanh(_) => pointwise("Tanh"),
            LayerKind::Softplus(_) => pointwise("Softplus"),
            LayerKind::Silu(_) => pointwise("Silu"),
            LayerKind::HardSigmoid(_) => pointwise("HardSigmoid"),
            LayerKind::HardSwish(_) => pointwise("HardSwish"),
            LayerKind::Flatten(_) => "Layer.Flatten".into(),
            LayerKind::GlobalAvgPool(p) if !p.keep => "Layer.GlobalAvgPool".into(),
            LayerKind::Conv2d(c) => convolution(c).ok_or_else(unsupported)?,
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
                let windows = windows(p.window, p.stride, p.padding).ok_or_else(unsupported)?;
                format!("Layer.MaxPool {windows}")
            }
            LayerKind::AvgPool(p) => {
                let windows = windows(p.window, p.stride, p.padding).ok_or_else(unsupported)?;
                format!("Layer.AvgPool {windows} {}", p.count_include_pad)
            }
            LayerKind::GlobalAvgPool(_) => {
                let kind = "global_avg_pool that keeps its dimensions";
                return Err(ProveError::Layer { layer: layer.name.clone(), kind });
            }
            _ => return Err(unsupported()),
        };
        layers.push(format!("(\"{}\"%string, {kind})", layer.name));
    }
    let input: Vec<String> = net.spec().input.iter().map(usize::to_string).collect();
    let loss = match net.spec().loss {
        Loss::SoftmaxCrossEntropy => "Loss.SoftmaxCrossEntropy",
        Loss::MeanSquaredError | Loss::BinaryCrossEntropyWithLogits => {
            return Err(ProveError::Loss { loss: net.spec().loss });
        }
    };
    Ok(format!(
        "Spec \"{}\"%string [:: {}] {loss} [::\n  {}]",
        net.spec().name,
        input.join("; "),
        layers.join(";\n  ")
    ))
}

/// `None` while its padding is not resolved, which in a network it is.
fn convolution(c: &Conv2d) -> Option<String> {
    let windows = dilated_windows(c.kernel, c.stride, c.padding, c.dilation)?;
    Some(format!("Layer.Conv2d {} {windows} {} {}", c.features, c.groups, c.bias))
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

/// The Rocq term of type `optimizer`, with the constants that `precision`
/// stores.
///
/// # Errors
/// An optimiser or a feature of the step that the proofs do not cover, or a
/// constant that overflows.
pub fn optimizer(options: &StepOptions, precision: Precision) -> Result<String, ProveError> {
    let optimizer = &options.optimizer;
    let constructor = match optimizer {
        Optimizer::Sgd { .. } => "Sgd",
        Optimizer::Momentum { .. } => "Momentum",
        Optimizer::AdamW { .. } => "AdamW",
        other => return Err(ProveError::Optimizer { name: other.name() }),
    };
    let features = options.features();
    if !features.is_empty() {
        return Err(ProveError::Features { found: features.join(" ") });
    }
    let mut term = constructor.to_string();
    for (name, value) in optimizer.constants() {
        term.push_str(&format!(" {}", rational(&stored(name, value, precision)?)));
    }
    Ok(term)
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
