//! Using weights: scores on a data set, classes of images and pixels.

use crate::engine::Step;
use crate::feed::Batch;
use crate::score::{Scoring, argmax};
use crate::setup::check_fit;
use crate::{Execution, Scores, TrainError, Weights};
use cotangent_data::Dataset;
use cotangent_graph::{Precision, Role};
use cotangent_net::{Loss, Network};
use cotangent_stablehlo::What;
use cotangent_step::{Optimizer, StepOptions};
use serde::Serialize;
use std::collections::HashMap;

/// What a network answers at one place: to an image, or after a character.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Prediction {
    /// The class with the largest probability.
    pub class: usize,
    /// One per class: under cross-entropy they sum to 1, under binary
    /// cross-entropy each is of its own. Empty under the mean squared error,
    /// whose outputs are none.
    pub probabilities: Vec<f32>,
}

/// Loss and accuracy of `weights` ([`Weights::params`]) on the test split of
/// `dataset`.
///
/// # Errors
/// The weights or the data do not fit the network, or the loss is not finite.
pub fn evaluate(
    net: &Network,
    weights: &Weights,
    dataset: &Dataset,
    batch: usize,
    execution: Execution,
) -> Result<Scores, TrainError> {
    check_fit(net, dataset)?;
    let batch = batch.min(dataset.test().len());
    let mut step = load(net, What::Eval, batch, weights, execution)?;
    let mut buffers = Batch::new(net, dataset, batch);
    let mut scoring = Scoring { eval: &mut step, batch: &mut buffers, rows: batch, net, dataset };
    let scores = scoring.score(dataset.test())?;
    match scores.loss.is_finite() {
        true => Ok(scores),
        false => Err(overflow(weights, net, "the loss on the test split")),
    }
}

/// Weights are finite, so what is not was made of numbers too large.
fn overflow(weights: &Weights, net: &Network, what: &'static str) -> TrainError {
    let (path, model) = (weights.path().into(), net.spec().name.clone());
    TrainError::Overflow { path, model, what }
}

/// Answers to `inputs`, one after the other, row-major in the network's input shape and encoded as in
/// training ([`Encoding::normalize`](cotangent_data::Encoding::normalize)): one for each, or one for
/// each of its positions where the network answers at every one.
///
/// # Errors
/// The weights do not fit the network, `inputs` is not a whole number of
/// inputs, or a logit is not finite.
pub fn predict(
    net: &Network,
    weights: &Weights,
    inputs: &[f32],
    execution: Execution,
) -> Result<Vec<Prediction>, TrainError> {
    let loss = net.losses().first();
    answers(net, weights, inputs, execution, |logits| prediction(logits, loss))
}

/// As [`predict`], the classes alone: all that a network is asked for that answers at every pixel.
///
/// # Errors
/// As [`predict`].
pub fn predict_classes(
    net: &Network,
    weights: &Weights,
    inputs: &[f32],
    execution: Execution,
) -> Result<Vec<usize>, TrainError> {
    answers(net, weights, inputs, execution, argmax)
}

/// What `answer` makes of the logits of every position of every input, of the
/// classes alone.
fn answers<T>(
    net: &Network,
    weights: &Weights,
    inputs: &[f32],
    execution: Execution,
    answer: impl Fn(&[f32]) -> T,
) -> Result<Vec<T>, TrainError> {
    let size: usize = net.spec().input.iter().product();
    if !inputs.len().is_multiple_of(size) {
        let (n, input) = (inputs.len(), &net.spec().input);
        let reason = format!("found {n} numbers, expected a multiple of {size}, one per {input:?}");
        return Err(TrainError::Invalid { what: "inputs", reason });
    }
    let batch = (inputs.len() / size).clamp(1, 64);
    let mut step = load(net, What::Forward, batch, weights, execution)?;
    let logits_each: usize = net.output().iter().product();
    let mut predictions = Vec::new();
    for chunk in inputs.chunks(batch * size) {
        let x = step.input_mut(Role::Data);
        x[..chunk.len()].copy_from_slice(chunk);
        x[chunk.len()..].fill(0.0);
        step.run()?;
        let logits = step.output(Role::Logits);
        let used = &logits[..(chunk.len() / size * logits_each).min(logits.len())];
        if !used.iter().all(|x| x.is_finite()) {
            return Err(overflow(weights, net, "the scores of an input"));
        }
        let rows = used.chunks_exact(net.features());
        predictions.extend(rows.map(|row| answer(&row[..net.classes()])));
    }
    Ok(predictions)
}

/// The forward or eval step of `net`, through its text, with the weights in
/// place.
fn load(
    net: &Network,
    what: What,
    batch: usize,
    weights: &Weights,
    execution: Execution,
) -> Result<Step, TrainError> {
    let params = weights.params(net)?;
    // Neither step has an optimiser.
    let none = StepOptions::from(Optimizer::Sgd { weight_decay: 0.into() });
    let text = cotangent_emit::program(net, what, batch, &none, Precision::F32)?.to_text()?;
    let (inputs, outputs): (&[Role], &[Role]) = match what {
        What::Eval => (&[Role::Data, Role::Target], &[Role::Loss, Role::Logits]),
        _ => (&[Role::Data], &[Role::Logits]),
    };
    let mut step = Step::compile(what.name(), &text, execution, inputs, outputs)?;
    let values: HashMap<&str, &[f32]> = params.into_iter().collect();
    step.set_resident(|name, _| Ok(values.get(name).copied().unwrap_or_default()))?;
    Ok(step)
}

/// What the loss takes the logits for: softmax, the largest logit taken off
/// first so that it stays finite; or the logistic function of each; or no
/// probabilities.
fn prediction(logits: &[f32], loss: Loss) -> Prediction {
    let class = argmax(logits);
    let exp = |x: f32| f64::from(x - logits[class]).exp();
    let sum: f64 = logits.iter().map(|&x| exp(x)).sum();
    let logistic = |x: f32| 1.0 / (1.0 + (-f64::from(x)).exp());
    let probabilities = match loss {
        Loss::SoftmaxCrossEntropy => logits.iter().map(|&x| (exp(x) / sum) as f32).collect(),
        Loss::BinaryCrossEntropyWithLogits => logits.iter().map(|&x| logistic(x) as f32).collect(),
        Loss::MeanSquaredError => Vec::new(),
    };
    Prediction { class, probabilities }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_stay_finite_and_sum_to_one() {
        let p = prediction(&[1e4, -1e4, 1e4], Loss::SoftmaxCrossEntropy);
        assert_eq!((p.class, p.probabilities), (0, vec![0.5, 0.0, 0.5]));
        let p = prediction(&[1e4, -1e4, 0.0], Loss::BinaryCrossEntropyWithLogits);
        assert_eq!((p.class, p.probabilities), (0, vec![1.0, 0.0, 0.5]));
    }
}
