//! Functions of single elements.

use super::{Draw, Spec, ratio, spec};
use cotangent_graph::Op;
use serde_json::json;

pub(super) fn specs() -> Vec<Spec> {
    let s: &[usize] = &[3, 5];
    let mut specs = vec![
        spec("", "add", Op::Add, &[s, s], json!({})),
        spec("", "sub", Op::Sub, &[s, s], json!({})),
        spec("", "mul", Op::Mul, &[s, s], json!({})),
        spec("", "div", Op::Div, &[s, s], json!({})).drawn(Draw::Positive),
        spec("", "neg", Op::Neg, &[s], json!({})),
        spec("", "exp", Op::Exp, &[s], json!({})),
        spec("", "log", Op::Log, &[s], json!({})).drawn(Draw::Positive),
        spec("", "sqrt", Op::Sqrt, &[s], json!({})).drawn(Draw::Positive),
        spec("", "relu", Op::Relu, &[s], json!({})),
        spec("on_kinks", "relu", Op::Relu, &[&[6, 7]], json!({})).drawn(Draw::Kinks),
        spec("", "rsqrt", Op::Rsqrt, &[s], json!({})).drawn(Draw::Positive),
        spec("", "maximum", Op::Maximum, &[s, s], json!({})),
        spec("on_kinks", "maximum", Op::Maximum, &[&[6, 7], &[6, 7]], json!({})).drawn(Draw::Kinks),
        spec("on_kinks", "abs", Op::Abs, &[&[6, 7]], json!({})).drawn(Draw::Kinks),
    ];
    for (name, op) in [
        ("tanh", Op::Tanh),
        ("logistic", Op::Logistic),
        ("erf", Op::Erf),
        ("erf_grad", Op::ErfGrad),
        ("softplus", Op::Softplus),
        ("abs", Op::Abs),
    ] {
        specs.push(spec("", name, op.clone(), &[&[6, 7]], json!({})));
        specs.push(spec("wide", name, op.clone(), &[&[6, 7]], json!({})).drawn(Draw::Wide));
        specs.push(spec("scalar", name, op, &[&[]], json!({})));
    }
    for (name, op) in [("tanh", Op::Tanh), ("logistic", Op::Logistic), ("softplus", Op::Softplus)] {
        specs.push(spec("far", name, op, &[&[6, 7]], json!({})).drawn(Draw::Far));
    }
    for (what, alpha) in [("1", (1, 1)), ("tenth", (1, 10)), ("3", (3, 1)), ("negative", (-1, 2))] {
        let (alpha, value) = ratio(alpha);
        let op = Op::Elu { alpha };
        let attrs = json!({ "alpha": value });
        let one = |what: String, draw| {
            spec(&what, "elu", op.clone(), &[&[6, 7]], attrs.clone()).drawn(draw)
        };
        specs.push(one(what.into(), Draw::Wide));
        specs.push(one(format!("{what}_on_kinks"), Draw::Kinks));
        specs.push(one(format!("{what}_far"), Draw::Far));
    }
    for (what, low, high) in [
        ("one", (-1, 1), (1, 1)),
        ("relu6", (0, 1), (6, 1)),
        ("thirds", (-1, 3), (1, 3)),
        ("below", (-4, 1), (-1, 1)),
    ] {
        let ((low, least), (high, most)) = (ratio(low), ratio(high));
        let op = Op::Clamp { low, high };
        let attrs = json!({ "low": least, "high": most });
        let name = format!("{what}_on_kinks");
        specs.push(spec(what, "clamp", op.clone(), &[&[6, 7]], attrs.clone()).drawn(Draw::Wide));
        specs.push(spec(&name, "clamp", op, &[&[6, 7]], attrs).drawn(Draw::Kinks));
    }
    specs
}
