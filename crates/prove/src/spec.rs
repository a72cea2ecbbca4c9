//! The specification and the options as Rocq terms.

use crate::ProveError;
use cotangent_graph::{Precision, Rational};
use cotangent_net::{LayerKind, Loss, Network};
use cotangent_step::{Optimizer, StepOptions};

/// The Rocq term of type `spec` for `net`.
///
/// # Errors
/// A layer that the proofs do not cover.
pub fn specification(net: &Network) -> Result<String, ProveError> {
    let mut layers = Vec::new();
    for layer in net.layers() {
        let kind = match &layer.kind {
            LayerKind::Dense(d) => format!("Layer.Dense {} {}", d.features, d.bias),
            LayerKind::Relu(_) => "Layer.Relu".into(),
            LayerKind::Flatten(_) => "Layer.Flatten".into(),
            other => {
                return Err(ProveError::Layer { layer: layer.name.clone(), kind: other.name() });
            }
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
        let stored = value
            .rounded(precision)
            .ok_or_else(|| ProveError::Constant { name, value: value.to_string() })?;
        term.push_str(&format!(" {}", rational(&stored)));
    }
    Ok(term)
}

/// Numerator and denominator.
fn rational(value: &Rational) -> String {
    let ratio = value.as_ratio();
    format!("(Over ({})%Z {}%positive)", ratio.numer(), ratio.denom())
}
