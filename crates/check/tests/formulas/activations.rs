//! Functions of single elements, and softmax.

use crate::draft::Draft;
use crate::{Check, Wrong};
use cotangent_check::Fill::Spread;
use cotangent_graph::{Comparison, Op, ValueId};

pub fn checks() -> Vec<Check> {
    let check = |name, formula, wrong| Check { name, wrt: "x", formula, wrong };
    vec![
        check("GELU", gelu, Wrong::Rule("erf", "2/√π dropped")),
        check("GELU, tanh", gelu_tanh, Wrong::Formula(gelu)),
        check("quick GELU", quick_gelu, Wrong::Formula(silu)),
        check("SiLU", silu, Wrong::Rule("logistic", "one factor")),
        check("hard-swish", hard_swish, Wrong::Rule("clamp", "upper bound forgotten")),
        check("hard-sigmoid", hard_sigmoid, Wrong::Rule("clamp", "lower bound forgotten")),
        check("relu6", relu6, Wrong::Formula(clipped_at_5)),
        check("leaky relu", leaky, Wrong::Rule("select", "branches exchanged")),
        check("ELU", elu, Wrong::Rule("elu", "result for slope")),
        check("softplus", softplus, Wrong::Rule("softplus", "of -a")),
        check("log-sigmoid", log_sigmoid, Wrong::Rule("negate", "sign dropped")),
        check("mish", mish, Wrong::Rule("tanh", "not squared")),
        check("softsign", softsign, Wrong::Rule("abs", "sign dropped")),
        check("maxout", maxout, Wrong::Rule("maximum", "the lesser")),
        check("softmax", softmax, Wrong::Rule("softmax", "rank-1 term dropped")),
        check("log-softmax", log_softmax, Wrong::Rule("exponential", "argument for result")),
        check("softmax at a temperature", tempered, Wrong::Formula(softmax)),
    ]
}

/// Arguments in -6..6: on every side of every kink.
fn wide(d: &mut Draft) -> ValueId {
    let shape = [d.size(3, 5), d.size(5, 7)];
    let x = d.input("x", Spread, &shape);
    d.times(x, "6")
}

/// `x/2 · (1 + erf(x/√2))`, 1/√2 rounded to ten digits.
fn gelu(d: &mut Draft) -> ValueId {
    let x = wide(d);
    let scaled = d.times(x, "0.7071067812");
    let erf = d.unary(Op::Erf, scaled);
    let gate = d.plus(erf, "1");
    let half = d.times(x, "1/2");
    d.mul(half, gate)
}

/// `x/2 · (1 + tanh(√(2/π) · (x + 0.044715 x³)))`
fn gelu_tanh(d: &mut Draft) -> ValueId {
    let x = wide(d);
    let square = d.mul(x, x);
    let inner = d.times(square, "0.044715");
    let inner = d.plus(inner, "1");
    let inner = d.mul(x, inner);
    let inner = d.times(inner, "0.7978845608");
    let tanh = d.unary(Op::Tanh, inner);
    let gate = d.plus(tanh, "1");
    let half = d.times(x, "1/2");
    d.mul(half, gate)
}

fn quick_gelu(d: &mut Draft) -> ValueId {
    let x = wide(d);
    let scaled = d.times(x, "1.702");
    let gate = d.unary(Op::Logistic, scaled);
    d.mul(x, gate)
}

fn silu(d: &mut Draft) -> ValueId {
    let x = wide(d);
    let gate = d.unary(Op::Logistic, x);
    d.mul(x, gate)
}

fn clamp(d: &mut Draft, a: ValueId, high: i64) -> ValueId {
    d.unary(Op::Clamp { low: 0.into(), high: high.into() }, a)
}

fn gate(d: &mut Draft, x: ValueId) -> ValueId {
    let shifted = d.plus(x, "3");
    let clamped = clamp(d, shifted, 6);
    d.times(clamped, "1/6")
}

fn hard_swish(d: &mut Draft) -> ValueId {
    let x = wide(d);
    let gate = gate(d, x);
    d.mul(x, gate)
}

fn hard_sigmoid(d: &mut Draft) -> ValueId {
    let x = wide(d);
    gate(d, x)
}

fn relu6(d: &mut Draft) -> ValueId {
    let x = wide(d);
    let twice = d.times(x, "2");
    clamp(d, twice, 6)
}

fn clipped_at_5(d: &mut Draft) -> ValueId {
    let x = wide(d);
    let twice = d.times(x, "2");
    clamp(d, twice, 5)
}

fn leaky(d: &mut Draft) -> ValueId {
    let x = wide(d);
    let zero = d.number("0", x);
    let on = d.push(Op::Compare(Comparison::Gt), &[x, zero]);
    let small = d.times(x, "1/100");
    d.select(on, x, small)
}

fn elu(d: &mut Draft) -> ValueId {
    let x = wide(d);
    d.unary(Op::Elu { alpha: "3/2".parse().unwrap() }, x)
}

fn softplus(d: &mut Draft) -> ValueId {
    let x = wide(d);
    d.unary(Op::Softplus, x)
}

/// `-softplus(-x)`
fn log_sigmoid(d: &mut Draft) -> ValueId {
    let x = wide(d);
    let minus = d.times(x, "-1");
    let y = d.unary(Op::Softplus, minus);
    d.unary(Op::Neg, y)
}

/// `x · tanh(softplus(x))`
fn mish(d: &mut Draft) -> ValueId {
    let x = wide(d);
    let y = d.unary(Op::Softplus, x);
    let y = d.unary(Op::Tanh, y);
    d.mul(x, y)
}

/// `x / (1 + |x|)`
fn softsign(d: &mut Draft) -> ValueId {
    let x = wide(d);
    let size = d.unary(Op::Abs, x);
    let scale = d.plus(size, "1");
    d.div(x, scale)
}

/// The greater of two halves of the channels.
fn maxout(d: &mut Draft) -> ValueId {
    let shape = [d.size(3, 5), 2 * d.size(2, 4)];
    let x = d.input("x", Spread, &shape);
    let (low, high) = (d.slice(x, 1, 0, shape[1] / 2), d.slice(x, 1, shape[1] / 2, shape[1]));
    d.push(Op::Maximum, &[low, high])
}

fn softmax(d: &mut Draft) -> ValueId {
    let x = wide(d);
    d.unary(Op::Softmax, x)
}

/// `x - log Σ exp(x)`
fn log_softmax(d: &mut Draft) -> ValueId {
    let x = wide(d);
    let e = d.unary(Op::Exp, x);
    let sum = d.sum(e, &[1]);
    let log = d.unary(Op::Log, sum);
    let log = d.spread(log, x, &[0]);
    d.sub(x, log)
}

fn tempered(d: &mut Draft) -> ValueId {
    let x = wide(d);
    let cool = d.times(x, "1/4");
    d.unary(Op::Softmax, cool)
}
