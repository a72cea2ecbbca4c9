//! Softmax, its cross-entropy, and moments.

use super::{Draw, Spec, ratio, spec};
use cotangent_graph::Op;
use serde_json::json;

pub(super) fn specs() -> Vec<Spec> {
    let cross_entropy = |what, draw| {
        spec(what, "softmax_cross_entropy", Op::SoftmaxCrossEntropy, &[&[4, 5], &[4, 5]], json!({}))
            .drawn(draw)
    };
    let mut specs = vec![
        spec("rows", "softmax", Op::Softmax, &[&[3, 5]], json!({ "axis": -1 })),
        spec("attention", "softmax", Op::Softmax, &[&[2, 3, 4]], json!({ "axis": -1 })),
        cross_entropy("soft_targets", Draw::Targets),
        cross_entropy("huge_logits", Draw::Huge),
    ];
    let image: &[usize] = &[3, 2, 4, 5];
    for (what, dims) in [
        ("channels", vec![0, 1, 2]),
        ("last", vec![3]),
        ("pixels", vec![1, 2]),
        ("everything", vec![0, 1, 2, 3]),
    ] {
        let op = Op::Variance { dims: dims.clone() };
        specs.push(spec(what, "variance", op, &[image], json!({ "dimensions": dims })));
        for (size, eps) in [("large", (1, 10)), ("small", (1, 100_000))] {
            let (eps, value) = ratio(eps);
            let op = Op::Normalize { dims: dims.clone(), eps };
            let attrs = json!({ "dimensions": dims, "eps": value });
            specs.push(spec(&format!("{what}_{size}_eps"), "normalize", op, &[image], attrs));
        }
    }
    let (eps, value) = ratio((1, 100_000));
    let far = Op::Normalize { dims: vec![1], eps };
    let attrs = json!({ "dimensions": [1], "eps": value });
    specs.push(spec("far", "normalize", far, &[&[4, 7]], attrs).drawn(Draw::Far));
    specs
}
