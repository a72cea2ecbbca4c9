//! From a specification to planned layers: shapes, names, what each one owns.

use crate::layers::Plan;
use crate::network::{LayerPlan, Mask, Param, Stat};
use crate::{Layer, NetSpec, SpecError};
use cotangent_graph::TensorType;
use std::collections::{HashMap, HashSet};

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
/// Longest name of a layer. Names are columns of tables, and parts of longer
/// ones.
const LONGEST_NAME: usize = 255;
/// Most layers, those inside layers included.
const MOST: usize = 100_000;

/// The layers of a network, as [`plan`] finds them.
pub(crate) struct Planned {
    pub layers: Vec<LayerPlan>,
    /// Shape of the last one's output.
    pub output: Vec<usize>,
    /// A shared sub-network that no layer uses.
    pub unused: Option<String>,
}

/// Works out the shapes and names of all layers.
pub(crate) fn plan(spec: &NetSpec) -> Result<Planned, SpecError> {
    let mut planner = Planner { spec, uses: HashSet::new(), within: Vec::new(), planned: 0 };
    let place = Place { path: String::new(), root: String::new(), depth: 0 };
    let (layers, output) = planner.sequence(&spec.layers, "", &place, &spec.input)?;
    let unused = spec.shared.keys().find(|name| !planner.uses.contains(*name)).cloned();
    Ok(Planned { layers, output, unused })
}

struct Planner<'a> {
    spec: &'a NetSpec,
    /// Shared sub-networks used.
    uses: HashSet<String>,
    /// Shared sub-networks that the layer is in, outermost first.
    within: Vec<String>,
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
            return Err(fault(format!("layers are nested more than {DEEPEST} deep")));
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
            if let Some(k) = self.within.iter().position(|outer| outer == net) {
                let cycle: Vec<&str> = self.within[k..].iter().map(String::as_str).collect();
                return Err(fault(format!(
                    "the shared net `{net}` uses itself ({} > {net}); leave one of these uses out",
                    cycle.join(" > ")
                )));
            }
            self.uses.insert(net.into());
            self.within.push(net.into());
            let inside = Place { path: dotted(&path), root: dotted(net), depth: place.depth + 1 };
            let (plans, output) = self.sequence(shared, "", &inside, input)?;
            self.within.pop();
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

pub(crate) type Collected = (Vec<Param>, Vec<Stat>, Vec<Mask>);

/// Everything the layers own, in the order of their instructions. A name appears twice only where a shared
/// sub-network is used twice, and then with one shape.
pub(crate) fn collect(layers: &[LayerPlan]) -> Result<Collected, String> {
    let (mut params, mut stats, mut masks) = (Vec::new(), Vec::new(), Vec::new());
    let mut seen = Seen::new();
    for plan in layers.iter().flat_map(LayerPlan::in_turn) {
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
            return Err(fault(
                "a layer's name is made of the letters a to z and A to Z, digits, `-`, `_` and `.`",
            ));
        }
        if name.len() > LONGEST_NAME {
            let (length, start) = (name.len(), &name[..32]);
            return Err(SpecError::Layer {
                position: k + 1,
                layer: format!("{}{start}…", place.path),
                reason: format!(
                    "its name has {length} characters, expected at most {LONGEST_NAME}; shorten it"
                ),
            });
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

pub(crate) fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

/// Tensors of one example stay below 2^31 elements, so that no later size
/// computation can overflow.
pub(crate) fn check_size(what: &str, shape: &[usize]) -> Result<(), String> {
    let len = TensorType::real(shape).checked_len();
    match len {
        _ if shape.is_empty() => Err(format!("{what} has no dimensions")),
        Some(0) => Err(format!("{what} {shape:?} has a dimension of size 0")),
        Some(n) if n < 1 << 31 => Ok(()),
        _ => Err(format!("{what} {shape:?} has 2^31 elements or more")),
    }
}
