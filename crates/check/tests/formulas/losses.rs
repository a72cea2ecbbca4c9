//! Losses: formulas whose result is one number.

use crate::draft::Draft;
use crate::{Check, Wrong};
use cotangent_check::Fill::{Spread, Targets};
use cotangent_graph::{Op, ValueId};

pub fn checks() -> Vec<Check> {
    let check = |name, formula, wrong| Check { name, wrt: "z", formula, wrong };
    let mass = || Wrong::Rule("softmax_cross_entropy", "Σt taken for 1");
    let mean = || Wrong::Rule("softmax_cross_entropy", "sum for mean");
    vec![
        check("softmax cross-entropy", cross_entropy, mass()),
        check("per-pixel cross-entropy", per_pixel, mean()),
        check("label smoothing", smoothed, Wrong::Formula(cross_entropy)),
        check("binary cross-entropy with logits", binary, Wrong::Rule("softplus", "of -a")),
        check("mean squared error", squared, Wrong::Formula(absolute)),
        check("mean absolute error", absolute, Wrong::Rule("abs", "sign dropped")),
        check("Huber", huber, Wrong::Formula(squared)),
        check("Euclidean norm", norm, Wrong::Rule("sqrt", "half dropped")),
    ]
}

/// Logits and targets, alike.
fn rows(d: &mut Draft) -> [ValueId; 2] {
    let shape = [d.size(2, 4), d.size(2, 5)];
    [d.input("z", Spread, &shape), d.data("t", Targets, &shape)]
}

fn cross_entropy(d: &mut Draft) -> ValueId {
    let [z, t] = rows(d);
    d.push(Op::SoftmaxCrossEntropy, &[z, t])
}

fn per_pixel(d: &mut Draft) -> ValueId {
    let shape = [d.size(1, 2), d.size(2, 3), d.size(2, 3), d.size(2, 4)];
    let (z, t) = (d.input("z", Spread, &shape), d.data("t", Targets, &shape));
    d.push(Op::SoftmaxCrossEntropy, &[z, t])
}

/// Targets `9/10·t + 1/10·(1/C)`.
fn smoothed(d: &mut Draft) -> ValueId {
    let [z, t] = rows(d);
    let classes = d.shape(z)[1];
    let kept = d.times(t, "9/10");
    let smooth = d.plus(kept, &format!("1/{}", 10 * classes));
    d.push(Op::SoftmaxCrossEntropy, &[z, smooth])
}

fn mean(d: &mut Draft, a: ValueId) -> ValueId {
    let all: Vec<usize> = (0..d.shape(a).len()).collect();
    d.mean(a, &all)
}

/// `softplus(z) - t·z`
fn binary(d: &mut Draft) -> ValueId {
    let [z, t] = rows(d);
    let plus = d.unary(Op::Softplus, z);
    let hit = d.mul(t, z);
    let loss = d.sub(plus, hit);
    mean(d, loss)
}

fn squared(d: &mut Draft) -> ValueId {
    let [z, t] = rows(d);
    let error = d.sub(z, t);
    let square = d.mul(error, error);
    mean(d, square)
}

fn absolute(d: &mut Draft) -> ValueId {
    let [z, t] = rows(d);
    let error = d.sub(z, t);
    let size = d.unary(Op::Abs, error);
    mean(d, size)
}

/// `e²/2` up to 1/2, then `|e|/2 - 1/8`: with `c = clamp(e, -1/2, 1/2)` that is
/// `c·(e - c/2)`.
fn huber(d: &mut Draft) -> ValueId {
    let [z, t] = rows(d);
    let error = d.sub(z, t);
    let (low, high) = ("-1/2".parse().unwrap(), "1/2".parse().unwrap());
    let clamped = d.unary(Op::Clamp { low, high }, error);
    let half = d.times(clamped, "1/2");
    let rest = d.sub(error, half);
    let loss = d.mul(clamped, rest);
    mean(d, loss)
}

fn norm(d: &mut Draft) -> ValueId {
    let [z, _] = rows(d);
    let square = d.mul(z, z);
    let sum = d.sum(square, &[0, 1]);
    d.unary(Op::Sqrt, sum)
}
