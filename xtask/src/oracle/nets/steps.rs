//! Consecutive train steps of one small network.

use super::super::write::{Case, Hyper};
use super::declared::Run;
use super::{PRECISIONS, Result, case};
use cotangent_net::NetSpec;
use cotangent_step::StepOptions;

/// Consecutive steps with everything carried: each optimiser, each feature,
/// and all at once.
const STEPS: [&str; 16] = [
    "sgd(weight_decay=0.01)",
    "momentum(weight_decay=0.01)",
    "nesterov(weight_decay=0.01)",
    "nesterov(momentum=0.5)",
    "adam(weight_decay=0.01)",
    "adamw(weight_decay=0.01)",
    "rmsprop(weight_decay=0.01)",
    "rmsprop(alpha=0.9,eps=0.001,momentum=0.8)",
    "lamb(weight_decay=0.01)",
    "lamb(weight_decay=0.25) no_decay(bias-and-norm)",
    "sgd clip(norm=0.125)",
    "momentum clip(norm=1000)",
    "adam(weight_decay=0.25) no_decay(bias-and-norm)",
    "adamw ema(decay=0.75)",
    "momentum accumulate(steps=2)",
    "adamw clip(norm=0.125) ema(decay=0.75) accumulate(steps=3) no_decay(bias-and-norm)",
];

/// A case for each of [`STEPS`].
pub fn cases(take: &mut dyn FnMut(Case) -> Result<()>) -> Result<()> {
    // Smooth, so that no rounding ends up on the other side of a kink.
    let net = NetSpec::new("steps", [5, 4, 2]).conv2d(3, 3).flatten().dense(3).network()?;
    for text in STEPS {
        let options: StepOptions = text.parse()?;
        for precision in PRECISIONS {
            let mut case = case("steps", &net, Run::Train(text), 3, precision)?;
            case.steps = schedule(options.accumulate);
            take(case)?;
        }
    }
    Ok(())
}

/// The hyper-parameters of two updates over `accumulate` batches each, or of
/// four over one. The rates are exact in f32.
pub fn schedule(accumulate: usize) -> Vec<Hyper> {
    let steps = if accumulate > 1 { 2 * accumulate } else { 4 };
    let hyper = |k: usize| {
        let mut hyper = vec![("lr", [0.0625, 0.03125, 0.09375][k % 3])];
        if accumulate > 1 {
            hyper.push(("apply", f64::from(u8::from((k + 1).is_multiple_of(accumulate)))));
        }
        hyper
    };
    (0..steps).map(hyper).collect()
}
