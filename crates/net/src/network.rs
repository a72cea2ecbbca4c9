//! A specification with every shape worked out.

use crate::planner::{Planned, check_size, collect, is_name_char, plan};
use crate::{Init, Layer, LayerKind, Losses, NetSpec, SpecError};
use cotangent_graph::TensorType;

/// A parameter of a layer.
#[derive(Debug, Clone, PartialEq)]
pub struct Param {
    /// `layer.weight`, `layer.bias`.
    pub name: String,
    /// Shape.
    pub shape: Vec<usize>,
    /// How it starts.
    pub init: Init,
}

/// A running statistic of a layer: updated by the train step, read in
/// evaluation, not trained.
#[derive(Debug, Clone, PartialEq)]
pub struct Stat {
    /// `layer.running_mean`, `layer.running_var`.
    pub name: String,
    /// Shape.
    pub shape: Vec<usize>,
    /// Initial value of every element.
    pub initial: f32,
}

/// A random mask that the host draws for every training step: independent
/// elements, 0 with probability `rate`, else `1 / (1 - rate)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Mask {
    /// `layer.mask`.
    pub name: String,
    /// Shape for one example; the step's input has the batch before it.
    pub shape: Vec<usize>,
    /// Probability of 0.
    pub rate: f64,
}

/// The three rules of back-propagation and the five shapes of Jacobian that
/// its steps exploit. A layer that moves elements (flatten, reshape,
/// concatenate, take a token, take a maximum) has rows of one 1 and otherwise 0
/// in its Jacobian: a binary selection. Averaging and enlarging are
/// convolutions with a constant kernel: sparse Toeplitz.
pub const RULES: [&str; 8] = [
    "chain rule",
    "additive fan-in",
    "product rule",
    "diagonal",
    "sparse Toeplitz",
    "binary selection",
    "rank-1 correction",
    "outer product",
];

/// A layer in its place.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerPlan {
    /// Its place: names from the outermost layer inwards, joined by `.`.
    pub name: String,
    /// What the names of its parameters begin with: its place, or in a shared
    /// sub-network the place there.
    pub root: String,
    /// The layer, padding explicit.
    pub kind: LayerKind,
    /// Shape of one example coming in.
    pub input: Vec<usize>,
    /// Shape of one example going out.
    pub output: Vec<usize>,
    /// Its own parameters, in order. Those of shared sub-networks appear at
    /// every use.
    pub params: Vec<Param>,
    /// Its own running statistics.
    pub stats: Vec<Stat>,
    /// Its random mask.
    pub mask: Option<Mask>,
    /// Its own multiply-adds for one example, forward.
    pub macs: u64,
    /// Which of the [`RULES`] its own gradient uses, joined by `, `.
    pub rule: &'static str,
    /// The layers inside it: sequences that all start from its input.
    pub branches: Vec<Vec<LayerPlan>>,
}

impl LayerPlan {
    /// Whether the layer is nothing but the layers of its one branch, one after
    /// the other.
    pub fn is_sequence(&self) -> bool {
        self.kind.rule().is_block() || matches!(self.kind, LayerKind::Repeat(_))
    }

    /// Multiply-adds for one example, of the layers inside it too.
    pub fn total_macs(&self) -> u64 {
        self.branches.iter().flatten().fold(self.macs, |n, l| n.saturating_add(l.total_macs()))
    }

    /// Which of the [`RULES`] the gradient uses, of the layers inside it too.
    pub fn rules(&self) -> Vec<&'static str> {
        let all = self.walk();
        let used = |rule: &&str| all.iter().any(|l| l.rule.split(", ").any(|own| own == *rule));
        RULES.into_iter().filter(used).collect()
    }

    /// The layer and all layers inside it, outermost first.
    pub fn walk(&self) -> Vec<&LayerPlan> {
        let mut all = vec![self];
        all.extend(self.branches.iter().flatten().flat_map(|l| l.walk()));
        all
    }

    /// All layers inside it, then itself: the order of their instructions.
    pub(crate) fn in_turn(&self) -> Vec<&LayerPlan> {
        let mut all: Vec<_> = self.branches.iter().flatten().flat_map(|l| l.in_turn()).collect();
        all.push(self);
        all
    }
}

/// A network ready to be emitted at any batch size.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    spec: NetSpec,
    layers: Vec<LayerPlan>,
    output: Vec<usize>,
    params: Vec<Param>,
    stats: Vec<Stat>,
    masks: Vec<Mask>,
}

impl NetSpec {
    /// Works out every shape and parameter.
    pub fn network(&self) -> Result<Network, SpecError> {
        Network::new(self.clone())
    }
}

impl Network {
    /// Works out every shape and parameter of `spec`.
    pub fn new(spec: NetSpec) -> Result<Self, SpecError> {
        let whole = |reason: String| SpecError::Net { net: spec.name.clone(), reason };
        if spec.name.is_empty() || !spec.name.chars().all(is_name_char) {
            let reason =
                "a net's name is made of ASCII letters (a to z, A to Z), digits, `-`, `_` and `.`";
            return Err(whole(reason.into()));
        }
        check_size("input", &spec.input).map_err(whole)?;
        if spec.layers.is_empty() {
            return Err(whole("it has no layers; add at least one, such as `dense`".into()));
        }
        let Planned { layers, output, unused } = plan(&spec)?;
        let (params, stats, masks) = collect(&layers).map_err(whole)?;
        if params.is_empty() {
            let reason = "it has nothing to train; add a layer with parameters, such as `dense`";
            return Err(whole(reason.into()));
        }
        if let Some(name) = unused {
            let reason = format!(
                "the shared net `{name}` is never used; add {{ kind = \"use\", net = \"{name}\" }}, or leave it out"
            );
            return Err(whole(reason));
        }
        spec.loss.check(&output).map_err(whole)?;
        Ok(Network { spec, layers, output, params, stats, masks })
    }

    /// The specification.
    pub fn spec(&self) -> &NetSpec {
        &self.spec
    }

    /// The specification with every layer named and every padding of the
    /// outermost layers explicit.
    pub fn resolved(&self) -> NetSpec {
        let layer = |l: &LayerPlan| Layer { name: Some(l.name.clone()), kind: l.kind.clone() };
        NetSpec { layers: self.layers.iter().map(layer).collect(), ..self.spec.clone() }
    }

    /// The outermost layers in order.
    pub fn layers(&self) -> &[LayerPlan] {
        &self.layers
    }

    /// Every parameter in order, shared ones once.
    pub fn params(&self) -> &[Param] {
        &self.params
    }

    /// Every running statistic in order.
    pub fn stats(&self) -> &[Stat] {
        &self.stats
    }

    /// Every random mask in order.
    pub fn masks(&self) -> &[Mask] {
        &self.masks
    }

    /// Number of trained numbers.
    pub fn param_count(&self) -> usize {
        self.params.iter().map(|p| p.shape.iter().product::<usize>()).sum()
    }

    /// Multiply-adds for one example, forward.
    pub fn macs(&self) -> u64 {
        self.layers.iter().fold(0, |n, l| n.saturating_add(l.total_macs()))
    }

    /// The number of classes: the size of the output's last dimension, or, with
    /// several losses, the features of the first, which the answer is read from.
    pub fn classes(&self) -> usize {
        let first = self.spec.loss.parts().first().map(|p| p.features);
        first.or(self.output.last().copied()).unwrap_or(0)
    }

    /// Size of the output's last dimension.
    pub fn features(&self) -> usize {
        self.output.last().copied().unwrap_or(0)
    }

    /// Shape of one example's output, and of its target.
    pub fn output(&self) -> &[usize] {
        &self.output
    }

    /// Shape of one example's answer: of the output, its last dimension the
    /// [`Network::classes`] alone.
    pub fn answer_shape(&self) -> Vec<usize> {
        let mut shape = self.output.clone();
        if let Some(last) = shape.last_mut() {
            *last = self.classes();
        }
        shape
    }

    /// Type of the data input at `batch`: `[batch, ..input]`.
    pub fn data_type(&self, batch: usize) -> TensorType {
        TensorType::real([&[batch], self.spec.input.as_slice()].concat())
    }

    /// Type of the target at `batch`: that of the output, `[batch, ..output]`.
    pub fn target_type(&self, batch: usize) -> TensorType {
        TensorType::real([&[batch], self.output.as_slice()].concat())
    }

    /// The loss, or the losses of parts of the output.
    pub fn losses(&self) -> &Losses {
        &self.spec.loss
    }
}
