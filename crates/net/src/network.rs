//! A specification with every shape worked out, and its elaboration.

use crate::layers::Plan;
use crate::{Init, Layer, LayerKind, Loss, NetSpec, SpecError};
use cotangent_graph::{Builder, GraphError, Op, TensorType, ValueId};
use std::collections::{HashMap, HashSet};

/// A parameter of a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Param {
    /// `layer.weight`, `layer.bias`.
    pub name: String,
    /// Shape.
    pub shape: Vec<usize>,
    /// How it starts.
    pub init: Init,
}

/// A layer in its place.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerPlan {
    /// Unique name.
    pub name: String,
    /// The layer, every default resolved and padding explicit.
    pub kind: LayerKind,
    /// Shape of one example coming in.
    pub input: Vec<usize>,
    /// Shape of one example going out.
    pub output: Vec<usize>,
    /// Parameters, in order.
    pub params: Vec<Param>,
    /// Multiply-adds for one example, forward.
    pub macs: u64,
    /// Which of the rules and tricks of back-propagation its gradient uses.
    pub rule: &'static str,
}

/// A network ready to be emitted at any batch size.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    spec: NetSpec,
    layers: Vec<LayerPlan>,
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
        let names = names(&spec)?;
        let mut shape = spec.input.clone();
        let mut layers = Vec::with_capacity(spec.layers.len());
        for (k, (layer, name)) in spec.layers.iter().zip(names).enumerate() {
            let place = |reason| SpecError::Layer { position: k + 1, layer: name.clone(), reason };
            let Plan { kind, output, params, macs } =
                layer.kind.rule().plan(&shape).map_err(place)?;
            check_size("output", &output).map_err(place)?;
            for (p, shape, _) in &params {
                check_size(p, shape).map_err(place)?;
            }
            let params = params
                .into_iter()
                .map(|(p, shape, init)| Param { name: format!("{name}.{p}"), shape, init })
                .collect();
            let rule = kind.rule().trick();
            layers.push(LayerPlan {
                name,
                kind,
                input: shape,
                output: output.clone(),
                params,
                macs,
                rule,
            });
            shape = output;
        }
        if shape.len() != 1 {
            return Err(whole(format!(
                "its output is {shape:?}, but softmax_cross_entropy takes one vector of logits per example; \
                 end with `flatten` and `dense`"
            )));
        }
        if layers.iter().all(|l| l.params.is_empty()) {
            let reason = "it has nothing to train; add a layer with parameters, such as `dense`";
            return Err(whole(reason.into()));
        }
        Ok(Network { spec, layers })
    }

    /// The specification.
    pub fn spec(&self) -> &NetSpec {
        &self.spec
    }

    /// The specification with every default written out and every padding
    /// explicit.
    pub fn resolved(&self) -> NetSpec {
        let layer = |l: &LayerPlan| Layer { name: Some(l.name.clone()), kind: l.kind.clone() };
        NetSpec { layers: self.layers.iter().map(layer).collect(), ..self.spec.clone() }
    }

    /// The layers in order.
    pub fn layers(&self) -> &[LayerPlan] {
        &self.layers
    }

    /// Every parameter in order.
    pub fn params(&self) -> impl Iterator<Item = &Param> {
        self.layers.iter().flat_map(|l| &l.params)
    }

    /// Number of trained numbers.
    pub fn param_count(&self) -> usize {
        self.params().map(|p| p.shape.iter().product::<usize>()).sum()
    }

    /// Number of logits per example.
    pub fn classes(&self) -> usize {
        self.layers.last().and_then(|l| l.output.last()).copied().unwrap_or(0)
    }

    /// Type of the data input at `batch`: `[batch, ..input]`.
    pub fn data_type(&self, batch: usize) -> TensorType {
        TensorType::real([&[batch], self.spec.input.as_slice()].concat())
    }

    /// Type of the target at `batch`: `[batch, classes]`.
    pub fn target_type(&self, batch: usize) -> TensorType {
        TensorType::real([batch, self.classes()])
    }

    /// Emits the layers: `params` are the parameters in order, `x` the data;
    /// returns the logits, `[batch, classes]`.
    pub fn forward(
        &self,
        b: &mut Builder,
        params: &[ValueId],
        x: ValueId,
    ) -> Result<ValueId, GraphError> {
        let mut rest = params;
        let mut x = x;
        for layer in &self.layers {
            let (own, others) =
                rest.split_at_checked(layer.params.len()).ok_or_else(|| GraphError::Arity {
                    op: "network",
                    found: params.len(),
                    expected: self.params().count(),
                })?;
            x = layer.kind.rule().emit(b, own, x)?;
            rest = others;
        }
        Ok(x)
    }

    /// Emits the loss of `logits` against `target`, a scalar.
    pub fn loss(
        &self,
        b: &mut Builder,
        logits: ValueId,
        target: ValueId,
    ) -> Result<ValueId, GraphError> {
        match self.spec.loss {
            Loss::SoftmaxCrossEntropy => b.push(Op::SoftmaxCrossEntropy, &[logits, target]),
        }
    }
}

/// Each layer's name: the given one, else its kind and ordinal.
fn names(spec: &NetSpec) -> Result<Vec<String>, SpecError> {
    let mut ordinal: HashMap<&str, usize> = HashMap::new();
    let mut seen = HashSet::new();
    let mut names = Vec::with_capacity(spec.layers.len());
    for (k, layer) in spec.layers.iter().enumerate() {
        let kind = layer.kind.name();
        let n = ordinal.entry(kind).or_default();
        *n += 1;
        let name = layer.name.clone().unwrap_or_else(|| format!("{kind}_{n}"));
        let place = |reason: &str| SpecError::Layer {
            position: k + 1,
            layer: name.clone(),
            reason: reason.into(),
        };
        if name.is_empty() || !name.chars().all(is_name_char) {
            return Err(place("a layer's name is made of letters, digits, `-`, `_` and `.`"));
        }
        if RESERVED.iter().any(|prefix| name.starts_with(prefix)) {
            return Err(place(
                "names that begin with `m.`, `v.` or `momentum.` are those of optimiser state; choose another",
            ));
        }
        if !seen.insert(name.clone()) {
            return Err(place("an earlier layer has this name; give one of them another `name`"));
        }
        names.push(name);
    }
    Ok(names)
}

/// Prefixes of the names of optimiser state, one tensor per parameter.
const RESERVED: [&str; 3] = ["m.", "v.", "momentum."];

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
