//! Layers and whole networks: `grad`, `train` and `forward`.

mod blocks;
mod combination;
mod convolution;
mod declared;
mod inputs;
mod losses;
mod odd;
mod pointwise;
mod random;
mod steps;
mod tokens;
mod zoo;

pub use inputs::integers;

use super::Result;
use super::write::Case;
use cotangent_emit::program;
use cotangent_graph::Precision;
use cotangent_net::Network;
use cotangent_stablehlo::What;
use cotangent_step::{DecayExclusion, Mode, StepOptions};
use declared::Run;
use num_traits::ToPrimitive;
use serde_json::json;

const PRECISIONS: [Precision; 2] = [Precision::F32, Precision::F64];

/// Hands every case over networks whose name begins with `only`, in both
/// precisions, to `take`, one at a time: together they do not fit the memory.
pub fn cases(
    whole_zoo: bool,
    random: u64,
    only: &str,
    take: &mut dyn FnMut(Case) -> Result<()>,
) -> Result<()> {
    let families = [
        convolution::nets(),
        pointwise::nets(),
        tokens::nets(),
        combination::nets(),
        blocks::nets(),
        losses::nets(),
        zoo::nets(whole_zoo),
        random::nets(random),
        odd::nets()?,
    ];
    for declared in families.iter().flatten().filter(|d| d.name.starts_with(only)) {
        let net = declared.network()?;
        for &run in &declared.runs {
            for precision in PRECISIONS.into_iter().filter(|&p| !spared(&declared.name, run, p)) {
                take(case(&declared.name, &net, run, declared.batch, precision)?)?;
            }
        }
    }
    if "steps".starts_with(only) { steps::cases(take) } else { Ok(()) }
}

/// Hands the f32 train steps of the networks of the zoo that `wanted` names,
/// small, to `take`.
pub fn train_steps(
    wanted: impl Fn(&str) -> bool,
    take: &mut dyn FnMut(Case) -> Result<()>,
) -> Result<()> {
    for declared in zoo::train_steps(wanted) {
        let net = declared.network()?;
        for &run in &declared.runs {
            take(case(&declared.name, &net, run, declared.batch, Precision::F32)?)?;
        }
    }
    Ok(())
}

/// Nets with a batch norm's bias before another batch norm: in training its
/// gradient cancels, all or nearly, and what is left in f32 is rounding, JAX's
/// too. They are judged in f64, and in f32 with frozen statistics.
const CANCELLING: [&str; 3] = [
    "layer/inverted_residual",
    "layer/universal_inverted_bottleneck",
    "layer/universal_inverted_bottleneck_start_only",
];

/// The larger nets of the zoo are layers and blocks that have cases of their
/// own in both precisions: of each the gradient in f64 is enough, and where it
/// is asked for the whole step in f32.
fn spared(name: &str, run: Run, precision: Precision) -> bool {
    if CANCELLING.contains(&name) {
        return matches!((run, precision), (Run::Grad { kinks: None }, Precision::F32));
    }
    // Their layers have cases of their own; in f32, what cancels by chance in
    // one of them is judged by its rounding.
    if name.starts_with("random/") {
        return precision == Precision::F32;
    }
    let large = name.starts_with("zoo/") && !name.starts_with("zoo/mnist-");
    let pair = (run, precision);
    large && matches!(pair, (Run::Grad { .. }, Precision::F32) | (Run::Train(_), Precision::F64))
}

/// What one case compares, of `net` at `batch`.
fn case(name: &str, net: &Network, run: Run, batch: usize, precision: Precision) -> Result<Case> {
    let mut attrs = json!({ "net": net.to_json() });
    let mut options: StepOptions = "sgd".parse()?;
    let mut steps = Vec::new();
    let (program, compare) = match run {
        Run::Grad { .. } => (program(net, What::Grad, batch, &options, precision)?, "grad"),
        Run::Frozen => {
            attrs["mode"] = "evaluation".into();
            (cotangent_emit::gradients(net, Mode::Evaluation, batch, precision)?, "grad")
        }
        Run::Forward => (program(net, What::Forward, batch, &options, precision)?, "value"),
        Run::Eval => (program(net, What::Eval, batch, &options, precision)?, "eval"),
        Run::Train(text) => {
            options = text.parse()?;
            attrs["optimizer"] = constants(&options);
            attrs["features"] = features(&options);
            if options.accumulate > 1 {
                steps = steps::schedule(options.accumulate);
            }
            (program(net, What::Train, batch, &options, precision)?, "train")
        }
    };
    let name = format!("{name}/{run}/{precision:?}");
    let inputs = inputs::inputs(&program.graph, net, &name, run)?;
    Ok(Case { name, program, inputs, reference: "net", compare, attrs, steps })
}

fn constants(options: &StepOptions) -> serde_json::Value {
    let mut object = json!({ "kind": options.optimizer.name() });
    for (name, value) in options.optimizer.constants() {
        object[name] = value.as_ratio().to_f64().into();
    }
    object
}

fn features(options: &StepOptions) -> serde_json::Value {
    let mut object = json!({});
    for (name, value) in [("clip", &options.clip), ("ema", &options.ema)] {
        if let Some(value) = value {
            object[name] = value.as_ratio().to_f64().into();
        }
    }
    if options.accumulate > 1 {
        object["accumulate"] = options.accumulate.into();
    }
    if options.no_decay == DecayExclusion::BiasAndNorm {
        object["no_decay"] = "bias-and-norm".into();
    }
    object
}
