//! The network as JSON with nothing left to default, for programs that are
//! not this one.

use crate::{LayerPlan, Losses, Network};
use serde_json::{Value, json};

impl Network {
    /// `{"name", "input", "loss", "layers": [..]}`, or `"losses": [{"kind",
    /// "features", "weight"}, ..]` where there are several. A layer is its attributes,
    /// defaults written out and paddings explicit, with `kind`, `name` (its
    /// place) and `params` (the name its parameters carry, another one in a
    /// shared sub-network). Layers that hold layers have `branches`, a list of
    /// lists; blocks stay blocks.
    pub fn to_json(&self) -> Value {
        let spec = self.spec();
        let mut value = json!({
            "name": spec.name,
            "input": spec.input,
            "layers": self.layers().iter().map(layer).collect::<Vec<_>>(),
        });
        match &spec.loss {
            Losses::Whole(loss) => value["loss"] = json!(loss),
            Losses::Parts(parts) => value["losses"] = json!(parts),
        }
        value
    }
}

fn layer(plan: &LayerPlan) -> Value {
    let rule = plan.kind.rule();
    let mut attributes = plan.kind.write();
    attributes.retain(|key, _| rule.nested(key).is_none());
    let mut value = serde_json::to_value(&attributes).unwrap_or_else(|_| json!({}));
    value["kind"] = plan.kind.name().into();
    value["name"] = plan.name.as_str().into();
    value["params"] = plan.root.as_str().into();
    if !rule.is_block() && !plan.branches.is_empty() {
        let branches = plan.branches.iter().map(|b| b.iter().map(layer).collect::<Vec<_>>());
        value["branches"] = branches.collect::<Vec<_>>().into();
    }
    value
}
