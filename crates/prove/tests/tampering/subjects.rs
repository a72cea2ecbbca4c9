//! The steps that are tampered with.

use cotangent_graph::Precision;
use cotangent_net::layers::{
    AvgPool, BatchNorm, ClassToken, Conv2d, ConvTranspose2d, Dense, DropPath, Dropout, Elu, Gelu,
    GeluForm, GlobalAvgPool, GroupNorm, HardSwish, Interpolation, LayerScale, LeakyRelu, MaxPool,
    Merge, MultiHeadAttention, Padding, Pair, Parallel, PositionEmbedding, Relu, Relu6, Reshape,
    Residual, RmsNorm, SelectToken, Sigmoid, Softplus, Tanh, Upsample, Use,
};
use cotangent_net::{Layer, LayerKind, Loss, LossPart, NetSpec, Number};
use cotangent_prove::Subject;
use cotangent_rocq::{PREAMBLE, literal};
use cotangent_stablehlo::ast::Module;
use cotangent_stablehlo::{Program, What, parse};
use cotangent_step::StepOptions;

/// An emitted step and what its certificate says.
pub struct Step {
    pub name: String,
    pub program: Program,
    pub module: Module,
    pub layers: Vec<String>,
    certificate: String,
}

impl Step {
    pub fn new(net: &NetSpec, what: What, optimizer: &str, batch: usize) -> Self {
        let network = net.network().unwrap();
        let options: StepOptions = optimizer.parse().unwrap();
        let precision = if what == What::Grad { Precision::F64 } else { Precision::F32 };
        let program = cotangent_emit::program(&network, what, batch, &options, precision).unwrap();
        let text = program.to_text().unwrap();
        let of_what = if what == What::Grad { "grad" } else { options.optimizer.name() };
        Step {
            name: format!("{}_{of_what}", net.name.replace('-', "_")),
            program: Program::from_text(&text).unwrap(),
            module: parse(&text).unwrap(),
            layers: network
                .layers()
                .iter()
                .flat_map(|l| l.walk())
                // The first use of a shared layer goes by its root; attention to a
                // context consists of the layers that its parameters name.
                .flat_map(|l| {
                    let inside = l.params.iter().filter_map(|p| p.name.rsplit_once('.'));
                    let inside = inside.map(|(layer, _)| layer.to_string());
                    [l.name.clone(), l.root.clone()].into_iter().chain(inside).collect::<Vec<_>>()
                })
                .collect(),
            certificate: Subject::read(text).unwrap().certificate().unwrap(),
        }
    }

    /// Whether an argument or a result of the step has the name.
    pub fn has_slot(&self, name: &str) -> bool {
        self.program.graph.input(name).is_some() || self.program.graph.output(name).is_some()
    }

    /// The definitions of the certificate: specification, options, kinks.
    pub fn definitions(&self) -> &str {
        let (_, rest) = self.certificate.split_once("Local Open Scope N_scope.").unwrap();
        rest.split("(** It defines").next().unwrap()
    }

    /// The certificate about another module, in one file.
    pub fn certificate(&self, module: &Module) -> String {
        let step = literal("the_step", module).unwrap();
        self.certificate.replace("Load Step.", &format!("{PREAMBLE}{step}"))
    }
}

fn list(kinds: Vec<LayerKind>) -> Vec<Layer> {
    kinds.into_iter().map(Layer::new).collect()
}

/// Small networks, each with steps of every kind, some of other layers, with
/// two steps each, and some of other optimisers and with features. In two of
/// them, all dimensions are equal, so that the type does not tell one from
/// another.
pub fn steps() -> Vec<Step> {
    let square = NetSpec::new("square", [3]).dense(3).relu().dense(3);
    let unbiased = LayerKind::Dense(Dense { bias: false, ..Dense::new(2) });
    let deep = NetSpec::new("deep", [2]).dense(2).relu().layer(unbiased).relu().dense(2);
    let image = NetSpec::new("image", [2, 2, 1]).flatten().dense(3).relu().dense(2);
    let curved = NetSpec::new("curved", [2])
        .dense(2)
        .layer(Elu { alpha: Number::ratio(1, 2) })
        .dense(2)
        .layer(LeakyRelu { slope: Number::ratio(1, 10) })
        .layer(Sigmoid::new())
        .dense(3)
        .layer(Tanh::new())
        .layer(Softplus::new())
        .silu()
        .gelu()
        .layer(Gelu { approximate: GeluForm::Tanh })
        .layer(HardSwish::new())
        .layer(Relu6::new())
        .dense(2);
    let linear = cotangent_zoo::find("mnist-linear").unwrap().spec();
    // Padding, groups, strides and dilation; the second layer has a gradient in
    // its input too.
    let grouped = Conv2d { groups: 2, padding: Padding::All(1), ..Conv2d::new(2, Pair::both(2)) };
    let strided = Conv2d {
        stride: Pair([2, 1]),
        dilation: Pair([1, 2]),
        padding: Padding::Sides([(1, 0), (0, 1)]),
        groups: 2,
        ..Conv2d::new(4, Pair::both(2))
    };
    let windows = NetSpec::new("windows", [3, 3, 2])
        .layer(grouped)
        .relu()
        .layer(strided)
        .relu()
        .flatten()
        .dense(2);
    let means = NetSpec::new("means", [3, 2, 1]).conv2d(3, 2).relu().global_avg_pool().dense(2);
    // Windows that overlap, with padding and with strides.
    let greatest = MaxPool {
        stride: Pair([2, 1]),
        padding: Padding::Sides([(0, 0), (1, 0)]),
        ..MaxPool::new(Pair([1, 2]))
    };
    let mean = AvgPool {
        stride: Pair::both(1),
        padding: Padding::All(1),
        count_include_pad: false,
        ..AvgPool::new(Pair::both(2))
    };
    let strided = AvgPool {
        stride: Pair([3, 2]),
        padding: Padding::Sides([(0, 0), (1, 1)]),
        ..AvgPool::new(Pair([3, 2]))
    };
    let pools = NetSpec::new("pools", [3, 3, 1])
        .conv2d(2, 1)
        .layer(greatest)
        .layer(mean)
        .layer(strided)
        .flatten()
        .dense(2);
    // The first has every attribute, the second keeps the image's size.
    let apart = ConvTranspose2d {
        stride: Pair([2, 1]),
        dilation: Pair([1, 2]),
        padding: Padding::Sides([(1, 0), (0, 1)]),
        output_padding: Pair([1, 0]),
        groups: 2,
        ..ConvTranspose2d::new(4, Pair::both(2))
    };
    let beside = ConvTranspose2d {
        padding: Padding::Sides([(1, 0), (0, 1)]),
        ..ConvTranspose2d::new(4, Pair::both(2))
    };
    let enlarged = NetSpec::new("enlarged", [2, 2, 2])
        .layer(apart)
        .relu()
        .layer(Upsample { method: Interpolation::Bilinear, scale: Pair([2, 1]) })
        .layer(beside)
        .global_avg_pool()
        .dense(2);
    let nets = [(square, 3), (deep, 2), (image, 2), (linear, 2), (windows, 2)];
    let mut steps = Vec::new();
    for (net, batch) in nets {
        steps.push(Step::new(&net, What::Grad, "sgd", batch));
        for optimizer in ["sgd(weight_decay=0.25)", "momentum", "adamw"] {
            steps.push(Step::new(&net, What::Train, optimizer, batch));
        }
    }
    let normal = NetSpec::new("normal", [3, 3, 1])
        .conv2d(4, 3)
        .batch_norm()
        .layer(GroupNorm { affine: false, ..GroupNorm::new(2) })
        .flatten()
        .layer_norm()
        .dense(3)
        .layer(RmsNorm::new())
        .dense(2);
    let branched = NetSpec::new("branched", [3])
        .layer(Residual::new(list(vec![Dense::new(3).into(), Tanh::new().into()])))
        .layer(Parallel {
            merge: Merge::Product,
            ..Parallel::new(vec![
                list(vec![Sigmoid::new().into()]),
                list(vec![Dense::new(3).into()]),
            ])
        })
        .layer(Residual {
            shortcut: list(vec![Dense::new(2).into()]),
            ..Residual::new(list(vec![Dense::new(2).into(), Relu::new().into()]))
        });
    // Branches that stretch and meet, and share a layer.
    let lens = || Use::new("lens".into()).into();
    let met = NetSpec::new("met", [2, 2, 1])
        .share("lens", list(vec![Conv2d::new(1, Pair::both(2)).into()]))
        .layer(Parallel {
            merge: Merge::Maximum,
            ..Parallel::new(vec![
                list(vec![lens()]),
                list(vec![
                    Conv2d { padding: Padding::VALID, ..Conv2d::new(1, Pair([2, 1])) }.into(),
                ]),
                list(vec![Tanh::new().into(), lens()]),
            ])
        })
        .flatten()
        .dense(2);
    // A number for every place and channel; masks for each and for examples.
    let scored = NetSpec::new("scored", [2, 2, 1])
        .conv2d(2, 1)
        .layer(Tanh::new())
        .layer(Dropout { rate: Number::ratio(1, 4) })
        .layer(DropPath { rate: Number::ratio(1, 2) })
        .conv2d(2, 1)
        .loss(Loss::BinaryCrossEntropyWithLogits);
    // Losses that could be of each other's features.
    let supervised = NetSpec::new("supervised", [3])
        .dense(2)
        .concat(vec![list(vec![Dense::new(2).into()]), list(vec![Dense::new(2).into()])])
        .losses([
            LossPart::new(Loss::SoftmaxCrossEntropy, 2),
            LossPart::new(Loss::MeanSquaredError, 2).weight(Number::ratio(1, 4)),
        ]);
    // As many tokens as heads, and as features in a head.
    let tokens = NetSpec::new("tokens", [2, 2])
        .layer(ClassToken::new())
        .layer(PositionEmbedding::new())
        .layer(Dense::new(3))
        .layer(LayerScale::new())
        .layer(SelectToken { index: 1 })
        .layer(Reshape::new(vec![1, 3]))
        .layer(GlobalAvgPool::new())
        .dense(2);
    let heads = NetSpec::new("heads", [2, 4])
        .layer(MultiHeadAttention { causal: true, ..MultiHeadAttention::new(2) })
        .layer(MultiHeadAttention { bias: false, ..MultiHeadAttention::new(1) })
        .layer(GlobalAvgPool::new())
        .dense(2);
    // Running statistics that two uses update in turn, after another layer's.
    let eye = || Use::new("eye".into()).into();
    let twice = NetSpec::new("twice", [2, 2, 1])
        .share("eye", list(vec![Conv2d::new(1, Pair::both(2)).into(), BatchNorm::new().into()]))
        .batch_norm()
        .layer(Residual::new(list(vec![eye(), Tanh::new().into()])))
        .layer(Residual::new(list(vec![eye()])))
        .flatten()
        .dense(2);
    // As many tokens there as here, so that queries have the keys' shape.
    let across = NetSpec::new("across", [2, 4])
        .layer(MultiHeadAttention {
            context: list(vec![Dense::new(4).into(), Relu::new().into()]),
            ..MultiHeadAttention::new(2)
        })
        .layer(GlobalAvgPool::new())
        .dense(2);
    let nets = [
        curved, means, pools, enlarged, normal, branched, met, scored, supervised, tokens, heads,
        across, twice,
    ];
    for net in nets {
        steps.push(Step::new(&net, What::Grad, "sgd", 2));
        steps.push(Step::new(&net, What::Train, "adamw", 2));
    }
    let small = |name: &str| NetSpec::new(name, [2]).dense(2).layer(Tanh::new()).dense(2);
    for (name, optimizer) in [
        ("still", "rmsprop(eps=0.125)"),
        ("ahead", "nesterov(momentum=0.5,weight_decay=0.25)"),
        ("moving", "rmsprop(momentum=0.5,weight_decay=0.25,eps=0.125)"),
        ("coupled", "adam(weight_decay=0.25)"),
        (
            "featured",
            "momentum(weight_decay=0.25) clip(norm=0.125) ema(decay=0.75) no_decay(bias-and-norm)",
        ),
        ("trusting", "lamb(weight_decay=0.25,eps=0.125)"),
        ("gathering", "adamw accumulate(steps=3) clip(norm=0.125) ema(decay=0.75)"),
    ] {
        steps.push(Step::new(&small(name), What::Train, optimizer, 2));
    }
    steps
}

/// One step of each network; of those with every step, of another kind each.
pub fn some_steps() -> Vec<Step> {
    const WITH_ALL: usize = 5;
    let chosen = |&(k, _): &(usize, Step)| match k / 4 {
        net if net < WITH_ALL => k % 4 == net % 4,
        _ => k % 2 == 0,
    };
    steps().into_iter().enumerate().filter(chosen).map(|(_, step)| step).collect()
}

/// The steps without an optimiser.
pub fn gradients() -> Vec<Step> {
    steps().into_iter().filter(|step| step.name.ends_with("_grad")).collect()
}
