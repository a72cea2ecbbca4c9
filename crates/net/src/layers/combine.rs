//! Layers made of layers: side by side, around, again, shared.

use super::{Branch, Plan, Rule, positive};
use crate::Layer;
use crate::elaborate::Scope;
use crate::field::attributes;
use crate::toml_format::Nested;
use cotangent_graph::{GraphError, Op, ValueId};
use serde::{Deserialize, Serialize};

/// How branches of [`Parallel`] come together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Merge {
    /// Their sum.
    Sum,
    /// Their product.
    Product,
    /// The greatest of them.
    Maximum,
}

attributes! {
    /// Branches that all start from the input, joined along the features. An
    /// empty branch is the input itself.
    Concat {
        /// The branches.
        branches: Vec<Vec<Layer>>,
        ;
    }
}
attributes! {
    /// Branches that all start from the input, brought together element by
    /// element; dimensions of size 1 stretch. An empty branch is the input
    /// itself.
    Parallel {
        /// The branches.
        branches: Vec<Vec<Layer>>,
        ;
        /// How they come together.
        merge: Merge = Merge::Sum,
    }
}
attributes! {
    /// The layers' output plus the input (He et al., 2016).
    Residual {
        /// The layers around which the input is added.
        layers: Vec<Layer>,
        ;
        /// Layers that bring the input to the output's shape; none by default.
        shortcut: Vec<Layer> = Vec::new(),
    }
}
attributes! {
    /// The layers several times over, each time with parameters of their own.
    Repeat {
        /// How many times.
        times: usize,
        /// The layers.
        layers: Vec<Layer>,
        ;
    }
}
attributes! {
    /// A sub-network of the net's `shared` table. Every use has the same
    /// parameters.
    Use {
        /// Its name there.
        net: String,
        ;
    }
}

/// The one shape that shapes come to when dimensions of size 1 stretch.
fn stretched(shapes: &[Vec<usize>]) -> Result<Vec<usize>, String> {
    let Some(first) = shapes.first() else {
        return Err("it has no branches; give at least one".into());
    };
    let mut whole = first.clone();
    for shape in shapes {
        let fits = shape.len() == whole.len()
            && whole.iter().zip(shape).all(|(&a, &b)| a == b || a == 1 || b == 1);
        if !fits {
            return Err(format!(
                "the branches give {}, which do not fit element by element; \
                 end each with the same shape (a `conv2d` with kernel 1 or a `dense` changes the features)",
                listed(shapes)
            ));
        }
        whole.iter_mut().zip(shape).for_each(|(a, &b)| *a = (*a).max(b));
    }
    Ok(whole)
}

fn listed(shapes: &[Vec<usize>]) -> String {
    let texts: Vec<String> = shapes.iter().map(|s| format!("{s:?}")).collect();
    texts.join(", ")
}

/// `x`, its dimensions of size 1 stretched to `shape`.
fn stretch(s: &mut Scope, x: ValueId, shape: &[usize]) -> Result<ValueId, GraphError> {
    let own = s.b.shape(x).to_vec();
    if own == shape {
        return Ok(x);
    }
    let kept: Vec<usize> = (0..own.len()).filter(|&d| own[d] == shape[d]).collect();
    let sizes: Vec<usize> = kept.iter().map(|&d| own[d]).collect();
    let dropped = s.b.reshape(x, &sizes)?;
    s.b.broadcast(dropped, shape, &kept)
}

fn numbered(branches: &[Vec<Layer>]) -> Vec<Branch> {
    let branch = |(k, layers): (usize, &Vec<Layer>)| {
        Branch::new(format!("branch{}_", k + 1), layers.clone())
    };
    branches.iter().enumerate().map(branch).collect()
}

impl Rule for Concat {
    fn branches(&self, _: &[usize]) -> Result<Vec<Branch>, String> {
        Ok(numbered(&self.branches))
    }

    fn nested(&self, key: &str) -> Option<Nested<'_>> {
        (key == "branches").then_some(Nested::Branches(&self.branches))
    }

    fn plan(&self, _: &[usize], branches: &[Vec<usize>]) -> Result<Plan, String> {
        let Some(first) = branches.first() else {
            return Err("it has no branches; give at least one".into());
        };
        let last = first.len() - 1;
        let mut features = 0usize;
        for shape in branches {
            if shape.len() != first.len() || shape[..last] != first[..last] {
                return Err(format!(
                    "the branches give {}, expected shapes that differ in the last dimension only",
                    listed(branches)
                ));
            }
            features = features.saturating_add(shape[last]);
        }
        Ok(Plan::new([&first[..last], &[features]].concat()))
    }

    fn emit(&self, s: &mut Scope, _: ValueId, values: &[ValueId]) -> Result<ValueId, GraphError> {
        let last = values.first().map_or(0, |&v| s.b.shape(v).len() - 1);
        s.b.concatenate(values, last)
    }

    fn trick(&self) -> &'static str {
        "additive fan-in, binary selection"
    }
}

impl Rule for Parallel {
    fn branches(&self, _: &[usize]) -> Result<Vec<Branch>, String> {
        Ok(numbered(&self.branches))
    }

    fn nested(&self, key: &str) -> Option<Nested<'_>> {
        (key == "branches").then_some(Nested::Branches(&self.branches))
    }

    fn plan(&self, _: &[usize], branches: &[Vec<usize>]) -> Result<Plan, String> {
        stretched(branches).map(Plan::new)
    }

    fn emit(&self, s: &mut Scope, x: ValueId, values: &[ValueId]) -> Result<ValueId, GraphError> {
        let shapes: Vec<Vec<usize>> = values.iter().map(|&v| s.b.shape(v).to_vec()).collect();
        let shape = stretched(&shapes).map_err(|e| s.fault(e))?;
        let mut total = None;
        for &value in values {
            let value = stretch(s, value, &shape)?;
            total = Some(match (total, self.merge) {
                (None, _) => value,
                (Some(t), Merge::Sum) => s.b.add(t, value)?,
                (Some(t), Merge::Product) => s.b.mul(t, value)?,
                (Some(t), Merge::Maximum) => s.b.push(Op::Maximum, &[t, value])?,
            });
        }
        Ok(total.unwrap_or(x))
    }

    fn trick(&self) -> &'static str {
        match self.merge {
            Merge::Sum => "additive fan-in",
            Merge::Product => "additive fan-in, product rule",
            Merge::Maximum => "additive fan-in, binary selection",
        }
    }
}

impl Rule for Residual {
    fn branches(&self, _: &[usize]) -> Result<Vec<Branch>, String> {
        Ok(vec![
            Branch::new("", self.layers.clone()),
            Branch::new("shortcut_", self.shortcut.clone()),
        ])
    }

    fn nested(&self, key: &str) -> Option<Nested<'_>> {
        match key {
            "layers" => Some(Nested::List(&self.layers)),
            "shortcut" => Some(Nested::List(&self.shortcut)),
            _ => None,
        }
    }

    fn plan(&self, input: &[usize], branches: &[Vec<usize>]) -> Result<Plan, String> {
        match branches {
            [body, shortcut] if body == shortcut => Ok(Plan::new(body.clone())),
            [body, shortcut] => Err(format!(
                "the layers turn {input:?} into {body:?}, the shortcut into {shortcut:?}; give a \
                 `shortcut` that ends in {body:?}, such as a `conv2d` with kernel 1 and the same stride"
            )),
            _ => Ok(Plan::new(input)),
        }
    }

    fn emit(&self, s: &mut Scope, x: ValueId, values: &[ValueId]) -> Result<ValueId, GraphError> {
        match values {
            [body, shortcut] => s.b.add(*body, *shortcut),
            _ => Ok(x),
        }
    }

    fn trick(&self) -> &'static str {
        "additive fan-in"
    }
}

impl Rule for Repeat {
    fn branches(&self, _: &[usize]) -> Result<Vec<Branch>, String> {
        const MOST: usize = 4096;
        if self.times > MOST {
            return Err(format!("`times` is {}, expected at most {MOST}", self.times));
        }
        let alone = matches!(self.layers.as_slice(), [Layer { name: None, .. }]);
        let mut all = Vec::new();
        for k in 0..positive("times", self.times)? {
            let mut ordinal = std::collections::HashMap::new();
            for layer in &self.layers {
                let n: &mut usize = ordinal.entry(layer.kind.name()).or_default();
                *n += 1;
                let name = match &layer.name {
                    _ if alone => k.to_string(),
                    Some(name) => format!("{k}.{name}"),
                    None => format!("{k}.{}_{n}", layer.kind.name()),
                };
                all.push(Layer { name: Some(name), kind: layer.kind.clone() });
            }
        }
        Ok(vec![Branch::new("", all)])
    }

    fn nested(&self, key: &str) -> Option<Nested<'_>> {
        (key == "layers").then_some(Nested::List(&self.layers))
    }

    fn plan(&self, input: &[usize], branches: &[Vec<usize>]) -> Result<Plan, String> {
        Ok(Plan::new(branches.first().map_or(input, Vec::as_slice)))
    }

    fn emit(&self, _: &mut Scope, x: ValueId, values: &[ValueId]) -> Result<ValueId, GraphError> {
        Ok(values.first().copied().unwrap_or(x))
    }

    fn trick(&self) -> &'static str {
        "chain rule"
    }
}

impl Rule for Use {
    fn uses(&self) -> Option<&str> {
        Some(&self.net)
    }

    fn plan(&self, input: &[usize], branches: &[Vec<usize>]) -> Result<Plan, String> {
        Ok(Plan::new(branches.first().map_or(input, Vec::as_slice)))
    }

    fn emit(&self, _: &mut Scope, x: ValueId, values: &[ValueId]) -> Result<ValueId, GraphError> {
        Ok(values.first().copied().unwrap_or(x))
    }

    fn trick(&self) -> &'static str {
        "chain rule, additive fan-in"
    }
}
