//! Layers and whole networks: `grad`, `train` and `forward`.

use super::Result;
use super::write::{Case, Hyper};
use cotangent_check::{Fill, fill};
use cotangent_graph::{Graph, Precision, Role, TensorType};
use cotangent_interp::{Tensor, Value};
use cotangent_net::layers::{AvgPool, Conv2d, MaxPool, Padding, Pair};
use cotangent_net::{LayerKind, NetSpec, Network};
use cotangent_stablehlo::What;
use cotangent_step::{DecayExclusion, StepOptions};
use num_traits::ToPrimitive;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::json;

const OPTIMIZERS: [&str; 4] = [
    "sgd(weight_decay=0.01)",
    "momentum(momentum=0.9,weight_decay=0.01)",
    "adamw(weight_decay=0.01)",
    "adamw(beta1=0.8,beta2=0.9,eps=0.001,weight_decay=0)",
];

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

/// Every case over networks, in both precisions.
pub fn cases() -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    let sgd: StepOptions = OPTIMIZERS[0].parse()?;
    for precision in [Precision::F32, Precision::F64] {
        for (name, spec) in layers() {
            let net = spec.network()?;
            for kinks in [false, true] {
                cases.push(case(
                    &format!("layer/{name}"),
                    &net,
                    What::Grad,
                    &sgd,
                    precision,
                    3,
                    kinks,
                )?);
            }
        }
        for model in cotangent_zoo::MODELS {
            let net = model.spec().network()?;
            let name = format!("net/{}", model.name);
            cases.push(case(&name, &net, What::Forward, &sgd, precision, 4, false)?);
            for kinks in [false, true] {
                cases.push(case(&name, &net, What::Grad, &sgd, precision, 4, kinks)?);
            }
            for optimizer in OPTIMIZERS {
                let options: StepOptions = optimizer.parse()?;
                cases.push(case(&name, &net, What::Train, &options, precision, 4, false)?);
            }
        }
        // Smooth, so that no rounding ends up on the other side of a kink.
        let net = NetSpec::new("steps", [5, 4, 2]).conv2d(3, 3).flatten().dense(3).network()?;
        for options in STEPS {
            let options: StepOptions = options.parse()?;
            let mut case = case("steps", &net, What::Train, &options, precision, 3, false)?;
            case.steps = schedule(options.accumulate);
            cases.push(case);
        }
    }
    Ok(cases)
}

/// The hyper-parameters of two updates over `accumulate` batches each, or of
/// four over one. The rates are exact in f32.
fn schedule(accumulate: usize) -> Vec<Hyper> {
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

/// One small network per layer and setting that matters.
fn layers() -> Vec<(&'static str, NetSpec)> {
    let image = || NetSpec::new("layer", [7, 6, 4]);
    let conv = |layer: Conv2d| image().layer(LayerKind::Conv2d(layer)).flatten().dense(3);
    let sides = Padding::Sides([(1, 2), (0, 1)]);
    let max = |layer: MaxPool| image().conv2d(3, 1).layer(LayerKind::MaxPool(layer)).flatten();
    let avg = |layer: AvgPool| image().conv2d(3, 1).layer(LayerKind::AvgPool(layer)).flatten();
    let no_bias = cotangent_net::layers::Dense { features: 5, bias: false };
    vec![
        ("dense", NetSpec::new("layer", [6]).dense(5)),
        (
            "dense_without_bias",
            NetSpec::new("layer", [6]).layer(LayerKind::Dense(no_bias)).dense(3),
        ),
        ("relu", NetSpec::new("layer", [6]).dense(5).relu().dense(3)),
        ("flatten", image().flatten().dense(3)),
        ("conv2d", conv(Conv2d::new(6, 3))),
        ("conv2d_input_gradient", image().conv2d(5, 3).relu().conv2d(6, 3).flatten()),
        ("conv2d_strided", conv(Conv2d { stride: Pair([2, 3]), bias: false, ..Conv2d::new(6, 3) })),
        (
            "conv2d_padded",
            conv(Conv2d { padding: sides, kernel: Pair([2, 3]), ..Conv2d::new(6, 3) }),
        ),
        ("conv2d_dilated", conv(Conv2d { dilation: Pair([2, 1]), ..Conv2d::new(6, 3) })),
        ("conv2d_grouped", conv(Conv2d { groups: 2, ..Conv2d::new(6, 3) })),
        ("conv2d_depthwise", conv(Conv2d { groups: 4, ..Conv2d::new(8, 3) })),
        (
            "conv2d_everything",
            image()
                .conv2d(4, 1)
                .layer(LayerKind::Conv2d(Conv2d {
                    stride: Pair([2, 1]),
                    padding: sides,
                    dilation: Pair([1, 2]),
                    groups: 2,
                    ..Conv2d::new(6, 3)
                }))
                .flatten(),
        ),
        ("max_pool", max(MaxPool::new(2))),
        ("max_pool_overlapping", max(MaxPool { stride: Some(Pair([2, 1])), ..MaxPool::new(3) })),
        (
            "max_pool_padded",
            max(MaxPool { stride: Some(Pair::both(2)), padding: Padding::SAME, ..MaxPool::new(3) }),
        ),
        ("avg_pool", avg(AvgPool::new(2))),
        (
            "avg_pool_padded",
            avg(AvgPool { stride: Some(Pair([2, 1])), padding: Padding::SAME, ..AvgPool::new(3) }),
        ),
        (
            "avg_pool_cells_inside",
            avg(AvgPool {
                stride: Some(Pair::both(2)),
                padding: Padding::All(1),
                count_include_pad: false,
                ..AvgPool::new(3)
            }),
        ),
    ]
}

fn case(
    name: &str,
    net: &Network,
    what: What,
    options: &StepOptions,
    precision: Precision,
    batch: usize,
    kinks: bool,
) -> Result<Case> {
    let program = cotangent_emit::program(net, what, batch, options, precision)?;
    let mut attrs = json!({ "net": net.to_json() });
    let mut name = format!("{name}/{what}");
    if what == What::Train {
        attrs["optimizer"] = constants(options);
        attrs["features"] = features(options);
        name = format!("{name}/{options}")
            .replace(['(', ')', ',', '/', ' '], "_")
            .replacen("net_", "net/", 1)
            .replacen("steps_", "steps/", 1);
    }
    let name = format!("{name}{}/{precision:?}", if kinks { "_on_kinks" } else { "" });
    Ok(Case {
        inputs: inputs(&program.graph, &name, kinks)?,
        name,
        program,
        reference: "net",
        compare: match what {
            What::Train => "train",
            What::Grad => "grad",
            _ => "value",
        },
        attrs,
        steps: vec![],
    })
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

/// Inputs by role. On kinks, parameters and data are small integers, so that
/// pre-activations are often exactly zero and windows often tie.
fn inputs(graph: &Graph, name: &str, kinks: bool) -> Result<Vec<Value<f64>>> {
    let mut rng = ChaCha8Rng::seed_from_u64(name.bytes().map(u64::from).sum());
    let mut one = |name: &str, role: Role, ty: &TensorType| -> Result<Value<f64>> {
        match role {
            Role::Param | Role::Data if kinks => integers(ty, &mut rng),
            Role::Param => Ok(fill(ty, Fill::FanIn, &mut rng)?),
            Role::Target => Ok(fill(ty, Fill::Targets, &mut rng)?),
            // β₁² and the like: between 0 and 1.
            Role::State if name.ends_with("_power") => Ok(scalar(0.81)?),
            Role::State if name.starts_with("v.") => Ok(fill(ty, Fill::Positive, &mut rng)?),
            Role::Hyper => Ok(scalar(0.05)?),
            _ => Ok(fill(ty, Fill::Spread, &mut rng)?),
        }
    };
    graph.inputs.iter().map(|i| one(&i.name, i.role, &i.ty)).collect()
}

fn scalar(x: f64) -> Result<Value<f64>> {
    // Exactly an f32, so that both precisions mean the same number.
    Ok(Tensor::new([], vec![f64::from(x as f32)])?.into())
}

/// -1, 0 or 1, mostly 0.
pub fn integers(ty: &TensorType, rng: &mut ChaCha8Rng) -> Result<Value<f64>> {
    let data = (0..ty.len()).map(|_| f64::from([-1i8, 0, 0, 1][rng.random_range(0..4)])).collect();
    Ok(Tensor::new(ty.shape.clone(), data)?.into())
}
