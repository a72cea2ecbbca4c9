//! A specification with every shape worked out.

use crate::layers::Plan;
use crate::{Init, Layer, LayerKind, Loss, NetSpec, SpecError};
use cotangent_graph::TensorType;
use std::collections::{HashMap, HashSet};

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
            let reason = "a net's name is made of letters, digits, `-`, `_` and `.`";
            return Err(whole(reason.into()));
        }
        check_size("input", &spec.input).map_err(whole)?;
        if spec.layers.is_empty() {
            return Err(whole("it has no layers; add at least one, such as `dense`".into()));
        }
        let mut planner = Planner { spec: &spec, uses: HashSet::new(), planned: 0 };
        let place = Place { path: String::new(), root: String::new(), depth: 0 };
        let (layers, output) = planner.sequence(&spec.layers, "", &place, &spec.input)?;
        let (params, stats, masks) = collect(&layers).map_err(whole)?;
        if params.is_empty() {
            let reason = "it has nothing to train; add a layer with parameters, such as `dense`";
            return Err(whole(reason.into()));
        }
        if let Some(name) = spec.shared.keys().find(|name| !planner.uses.contains(*name)) {
            let reason = format!(
                "the shared net `{name}` is never used; add {{ kind = \"use\", net = \"{name}\" }}, or leave it out"
            );
            return Err(whole(reason));
        }
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

    /// Size of the output's last dimension: the number of classes.
    pub fn classes(&self) -> usize {
        self.output.last().copied().unwrap_or(0)
    }

    /// Shape of one example's output, and of its target.
    pub fn output(&self) -> &[usize] {
        &self.output
    }

    /// Type of the data input at `batch`: `[batch, ..input]`.
    pub fn data_type(&self, batch: usize) -> TensorType {
        TensorType::real([&[batch], self.spec.input.as_slice()].concat())
    }

    /// Type of the target at `batch`: that of the output, `[batch, ..output]`.
    pub fn target_type(&self, batch: usize) -> TensorType {
        TensorType::real([&[batch], self.output.as_slice()].concat())
    }

    /// The loss.
    pub fn loss_kind(&self) -> Loss {
        self.spec.loss
    }
}

/// Where a sequence of layers stands.
struct Place {
    /// Prefix of the names of its layers; empty or ending in `.`.
    path: String,
    /// Prefix of the names of its parameters.
    root: String,
    depth: usize,
}

/// Deepest nesting of layers.
const DEEPEST: usize = 48;
/// Most layers, those inside layers included.
const MOST: usize = 100_000;

struct Planner<'a> {
    spec: &'a NetSpec,
    /// Shared sub-networks used.
    uses: HashSet<String>,
    /// Layers so far.
    planned: usize,
}

impl Planner<'_> {
    /// Plans layers that follow each other; `label` begins the default names.
    fn sequence(
        &mut self,
        list: &[Layer],
        label: &str,
        place: &Place,
        input: &[usize],
    ) -> Result<(Vec<LayerPlan>, Vec<usize>), SpecError> {
        let names = names(list, label, place)?;
        let mut shape = input.to_vec();
        let mut plans = Vec::with_capacity(list.len());
        for (k, (layer, name)) in list.iter().zip(names).enumerate() {
            let plan = self.layer(layer, k + 1, &name, place, &shape)?;
            shape = plan.output.clone();
            plans.push(plan);
        }
        Ok((plans, shape))
    }

    fn layer(
        &mut self,
        layer: &Layer,
        position: usize,
        name: &str,
        place: &Place,
        input: &[usize],
    ) -> Result<LayerPlan, SpecError> {
        let path = format!("{}{name}", place.path);
        let root = format!("{}{name}", place.root);
        let fault = |reason| SpecError::Layer {
            position,
            layer: path.trim_end_matches('.').into(),
            reason,
        };
        if place.depth > DEEPEST {
            return Err(fault(format!(
                "layers are nested more than {DEEPEST} deep; a shared net must not use itself"
            )));
        }
        self.planned += 1;
        if self.planned > MOST {
            return Err(fault(format!("the net has more than {MOST} layers")));
        }
        let dotted = |name: &str| match name {
            "" => String::new(),
            name => format!("{}.", name.trim_end_matches('.')),
        };
        let rule = layer.kind.rule();
        let mut branches = Vec::new();
        let mut outputs = Vec::new();
        if let Some(net) = rule.uses() {
            let Some(shared) = self.spec.shared.get(net) else {
                let known: Vec<&str> = self.spec.shared.keys().map(String::as_str).collect();
                return Err(fault(format!(
                    "there is no shared net `{net}`; shared here: {}",
                    if known.is_empty() { "none".into() } else { known.join(", ") }
                )));
            };
            self.uses.insert(net.into());
            let inside = Place { path: dotted(&path), root: dotted(net), depth: place.depth + 1 };
            let (plans, output) = self.sequence(shared, "", &inside, input)?;
            branches.push(plans);
            outputs.push(output);
        }
        for branch in rule.branches(input).map_err(fault)? {
            let inside = Place { path: dotted(&path), root: dotted(&root), depth: place.depth + 1 };
            let (plans, output) = self.sequence(&branch.layers, &branch.label, &inside, input)?;
            branches.push(plans);
            outputs.push(output);
        }
        let Plan { kind, output, params, stats, mask, macs } =
            rule.plan(input, &outputs).map_err(fault)?;
        check_size("output", &output).map_err(fault)?;
        for (p, shape, _) in &params {
            check_size(p, shape).map_err(fault)?;
        }
        let named = |p: &str| format!("{}{p}", dotted(&root));
        Ok(LayerPlan {
            kind: kind.unwrap_or_else(|| layer.kind.clone()),
            input: input.to_vec(),
            output,
            params: params
                .into_iter()
                .map(|(p, shape, init)| Param { name: named(p), shape, init })
                .collect(),
            stats: stats
                .into_iter()
                .map(|(s, shape, initial)| Stat { name: named(s), shape, initial })
                .collect(),
            mask: mask.map(|(shape, rate)| Mask {
                name: format!("{}mask", dotted(&path)),
                shape,
                rate,
            }),
            macs,
            rule: rule.trick(),
            branches,
            name: path.trim_end_matches('.').into(),
            root: root.trim_end_matches('.').into(),
        })
    }
}

type Collected = (Vec<Param>, Vec<Stat>, Vec<Mask>);

/// Everything the layers own. A name appears twice only where a shared
/// sub-network is used twice, and then with one shape.
fn collect(layers: &[LayerPlan]) -> Result<Collected, String> {
    let (mut params, mut stats, mut masks) = (Vec::new(), Vec::new(), Vec::new());
    let mut seen = Seen::new();
    for plan in layers.iter().flat_map(LayerPlan::walk) {
        let shared = plan.name != plan.root;
        for p in &plan.params {
            if check(&seen, &p.name, plan, &p.shape)? {
                seen.insert(&p.name, (shared, &plan.name, &p.shape));
                params.push(p.clone());
            }
        }
        for s in &plan.stats {
            if check(&seen, &s.name, plan, &s.shape)? {
                seen.insert(&s.name, (shared, &plan.name, &s.shape));
                stats.push(s.clone());
            }
        }
        if let Some(m) = &plan.mask
            && check(&seen, &m.name, plan, &m.shape)?
        {
            seen.insert(&m.name, (false, &plan.name, &m.shape));
            masks.push(m.clone());
        }
    }
    Ok((params, stats, masks))
}

/// Names so far: whether shared, the place of the first owner, the shape.
type Seen<'a> = HashMap<&'a str, (bool, &'a str, &'a [usize])>;

/// Whether the name is new; an error if another layer owns it.
fn check(seen: &Seen, name: &str, plan: &LayerPlan, shape: &[usize]) -> Result<bool, String> {
    match seen.get(name) {
        None => Ok(true),
        Some((true, place, first)) if plan.name != plan.root => match *first == shape {
            true => Ok(false),
            false => Err(format!(
                "the shared parameter `{name}` has shape {first:?} at `{place}` and {shape:?} at `{}`; \
                 use the shared net on inputs of one shape",
                plan.name
            )),
        },
        Some((_, place, _)) => Err(format!(
            "`{name}` belongs to both `{place}` and `{}`; give one of them another `name`",
            plan.name
        )),
    }
}

/// Each layer's name: the given one, else its kind and ordinal.
fn names(list: &[Layer], label: &str, place: &Place) -> Result<Vec<String>, SpecError> {
    let mut ordinal: HashMap<&str, usize> = HashMap::new();
    let mut seen = HashSet::new();
    let mut names = Vec::with_capacity(list.len());
    for (k, layer) in list.iter().enumerate() {
        let kind = layer.kind.name();
        let n = ordinal.entry(kind).or_default();
        *n += 1;
        let name = layer.name.clone().unwrap_or_else(|| format!("{label}{kind}_{n}"));
        let fault = |reason: &str| SpecError::Layer {
            position: k + 1,
            layer: format!("{}{name}", place.path),
            reason: reason.into(),
        };
        // Blocks name a layer by the empty string to leave it out of the
        // names of what is inside it.
        let transparent = name.is_empty() && place.depth > 0;
        if !transparent && (name.is_empty() || !name.chars().all(is_name_char)) {
            return Err(fault("a layer's name is made of letters, digits, `-`, `_` and `.`"));
        }
        if name.starts_with('.') || name.ends_with('.') {
            return Err(fault("a layer's name does not begin or end with `.`"));
        }
        let taken = |prefix: &&&str| name.starts_with(**prefix) && place.path.is_empty();
        if let Some(prefix) = RESERVED.iter().find(taken) {
            return Err(fault(&format!(
                "names that begin with `{prefix}` are those of optimiser state; choose another"
            )));
        }
        if !transparent && !seen.insert(name.clone()) {
            return Err(fault("an earlier layer has this name; give one of them another `name`"));
        }
        names.push(name);
    }
    Ok(names)
}

/// Prefixes of the names of optimiser state, one tensor per parameter.
const RESERVED: [&str; 6] = ["m.", "v.", "momentum.", "square.", "ema.", "accumulated."];

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

/// Tensors of one example stay below 2^31 elements, so that no later size
/// computation can overflow.
fn check_size(what: &str, shape: &[usize]) -> Result<(), String> {
    let len = TensorType::real(shape).checked_len();
    match len {
        _ if shape.is_empty() => Err(format!("{what} has no dimensions")),
        Some(0) => Err(format!("{what} {shape:?} has a dimension of size 0")),
        Some(n) if n < 1 << 31 => Ok(()),
        _ => Err(format!("{what} {shape:?} has 2^31 elements or more")),
    }
}
