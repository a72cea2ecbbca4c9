//! The layers of a network as rows, outermost first.

use cotangent::net::{LayerPlan, Network};
use std::collections::HashSet;

/// A layer among the others.
pub struct Row<'a> {
    /// The layer.
    pub layer: &'a LayerPlan,
    /// 1 for the outermost layers. What is inside a transparent layer is at
    /// that layer's level.
    pub level: usize,
    /// Parameters of its own.
    pub params: usize,
    /// Parameters of the layers inside it too.
    pub total_params: usize,
    /// The name of the layer it is in; empty if it is in none.
    outer: &'a str,
}

impl<'a> Row<'a> {
    /// Every layer of the network, each before those inside it. Parameters
    /// that layers share count where they are used first.
    pub fn all(net: &'a Network) -> Vec<Row<'a>> {
        let (mut rows, mut counted) = (Vec::new(), HashSet::new());
        append(&mut rows, &mut counted, net.layers(), 1, "");
        rows
    }

    /// True for a layer that blocks put around others without a name of its
    /// own, such as the addition in a residual block.
    pub fn is_transparent(&self) -> bool {
        self.layer.name == self.outer && !self.layer.branches.is_empty()
    }

    /// Its name inside the layer it is in.
    pub fn label(&self) -> &'a str {
        let inside = self.layer.name.strip_prefix(self.outer);
        match inside.map(|rest| rest.strip_prefix('.').unwrap_or(rest)) {
            // It has its block's name; only its parameters show.
            Some("") => match self.layer.params.first() {
                Some(param) => param.name.rsplit('.').next().unwrap_or_default(),
                None => self.layer.kind.name(),
            },
            Some(label) => label,
            None => &self.layer.name,
        }
    }
}

/// Appends the layers and what is inside them; returns how many parameters
/// they have that were not counted before.
fn append<'a>(
    rows: &mut Vec<Row<'a>>,
    counted: &mut HashSet<&'a str>,
    layers: &'a [LayerPlan],
    level: usize,
    outer: &'a str,
) -> usize {
    let mut sum = 0;
    for layer in layers {
        let fresh = layer.params.iter().filter(|p| counted.insert(&p.name));
        let params = fresh.map(|p| p.shape.iter().product::<usize>()).sum();
        let at = rows.len();
        rows.push(Row { layer, level, params, total_params: params, outer });
        let below = if rows[at].is_transparent() { level } else { level + 1 };
        for branch in &layer.branches {
            let inside = append(rows, counted, branch, below, &layer.name);
            rows[at].total_params += inside;
        }
        sum += rows[at].total_params;
    }
    sum
}
