//! The network as JSON with nothing left to default, for programs that are
//! not this one.

use crate::layers::{Padding, Pair};
use crate::{LayerKind, Network};
use serde_json::{Map, Value, json};

impl Network {
    /// `{"name", "input", "loss", "layers": [{"kind", "name", …}]}` with every
    /// attribute written out: pairs as lists of two, padding as
    /// `[[top, bottom], [left, right]]`.
    pub fn to_json(&self) -> Value {
        let layers: Vec<Value> = self
            .layers()
            .iter()
            .map(|l| {
                let mut object = attributes(&l.kind);
                object.insert("kind".into(), l.kind.name().into());
                object.insert("name".into(), l.name.as_str().into());
                Value::Object(object)
            })
            .collect();
        json!({
            "name": self.spec().name,
            "input": self.spec().input,
            "loss": self.spec().loss,
            "layers": layers,
        })
    }
}

fn attributes(kind: &LayerKind) -> Map<String, Value> {
    let value = match kind {
        LayerKind::Dense(l) => json!({ "features": l.features, "bias": l.bias }),
        LayerKind::Conv2d(l) => json!({
            "features": l.features,
            "kernel": l.kernel.0,
            "stride": l.stride.0,
            "padding": sides(&l.padding),
            "dilation": l.dilation.0,
            "groups": l.groups,
            "bias": l.bias,
        }),
        LayerKind::MaxPool(l) => pool(l.window, l.stride, &l.padding),
        LayerKind::AvgPool(l) => {
            let mut value = pool(l.window, l.stride, &l.padding);
            value["count_include_pad"] = l.count_include_pad.into();
            value
        }
        LayerKind::Relu(_) | LayerKind::Flatten(_) => json!({}),
    };
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn pool(window: Pair, stride: Option<Pair>, padding: &Padding) -> Value {
    json!({
        "window": window.0,
        "stride": stride.unwrap_or(window).0,
        "padding": sides(padding),
    })
}

/// A planned layer's padding is explicit.
fn sides(padding: &Padding) -> Value {
    match padding {
        Padding::Sides(sides) => json!(sides),
        Padding::All(n) => json!([[n, n], [n, n]]),
        Padding::Named(name) => json!(name),
    }
}
