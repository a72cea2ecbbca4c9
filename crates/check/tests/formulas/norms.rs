//! Normalisations, by the op and by hand.

use crate::draft::Draft;
use crate::{Check, Wrong};
use cotangent_check::Fill::{Positive, Spread};
use cotangent_graph::{Op, ValueId};

const EPS: &str = "1e-2";

pub fn checks() -> Vec<Check> {
    let check = |name, wrt, formula, wrong| Check { name, wrt, formula, wrong };
    let mean = || Wrong::Rule("normalize", "mean taken for constant");
    let variance = || Wrong::Rule("normalize", "variance taken for constant");
    let bias = || Wrong::Rule("broadcast_in_dim", "mean for sum");
    vec![
        check("batch norm: normalize", "x", batch_normalized, variance()),
        check("batch norm: centered", "x", centred, Wrong::Formula(uncentred)),
        check(
            "batch norm: inverse std",
            "x",
            inverse_std,
            Wrong::Rule("variance", "mean not subtracted"),
        ),
        check(
            "batch norm: centered times inverse std",
            "x",
            by_hand,
            Wrong::Rule("rsqrt", "half dropped"),
        ),
        check("batch norm: affine, input", "x", batch_norm, mean()),
        check("batch norm: affine, scale", "scale", batch_norm, bias()),
        check("batch norm: affine, shift", "shift", batch_norm, bias()),
        check("batch norm: evaluation, input", "x", evaluated, Wrong::Formula(batch_norm_of_data)),
        check("layer norm: input", "x", layer_norm, variance()),
        check("layer norm: scale", "scale", layer_norm, bias()),
        check("layer norm: shift", "shift", layer_norm, bias()),
        check("group norm", "x", group_norm, Wrong::Formula(instance_norm)),
        check("instance norm", "x", instance_norm, mean()),
        check("RMS norm: input", "x", rms_norm, Wrong::Formula(layer_normalized)),
        check("RMS norm: scale", "scale", rms_norm, bias()),
        check("layer scale: input", "x", layer_scale, Wrong::Formula(unscaled)),
        check("layer scale: scale", "scale", layer_scale, bias()),
        check("weight standardisation", "W", standardised, variance()),
    ]
}

fn image(d: &mut Draft) -> ValueId {
    let shape = [d.size(2, 3), d.size(2, 3), d.size(2, 3), d.size(1, 2) * 2];
    d.input("x", Spread, &shape)
}

fn affine(d: &mut Draft, channels: usize) -> [ValueId; 2] {
    [d.input("scale", Positive, &[channels]), d.input("shift", Spread, &[channels])]
}

fn normalized(d: &mut Draft, a: ValueId, dims: &[usize]) -> ValueId {
    d.push(Op::Normalize { dims: dims.to_vec(), eps: EPS.parse().unwrap() }, &[a])
}

fn batch_normalized(d: &mut Draft) -> ValueId {
    let x = image(d);
    normalized(d, x, &[0, 1, 2])
}

fn centred(d: &mut Draft) -> ValueId {
    let x = image(d);
    let mean = d.mean(x, &[0, 1, 2]);
    let mean = d.spread(mean, x, &[3]);
    d.sub(x, mean)
}

fn uncentred(d: &mut Draft) -> ValueId {
    image(d)
}

fn inverse(d: &mut Draft, x: ValueId) -> ValueId {
    let variance = d.push(Op::Variance { dims: vec![0, 1, 2] }, &[x]);
    let shifted = d.plus(variance, EPS);
    d.unary(Op::Rsqrt, shifted)
}

fn inverse_std(d: &mut Draft) -> ValueId {
    let x = image(d);
    inverse(d, x)
}

fn by_hand(d: &mut Draft) -> ValueId {
    let x = image(d);
    let mean = d.mean(x, &[0, 1, 2]);
    let mean = d.spread(mean, x, &[3]);
    let centred = d.sub(x, mean);
    let inverse = inverse(d, x);
    d.scaled(centred, inverse)
}

fn batch_norm(d: &mut Draft) -> ValueId {
    let x = image(d);
    let channels = d.shape(x)[3];
    let [scale, shift] = affine(d, channels);
    let y = normalized(d, x, &[0, 1, 2]);
    let y = d.scaled(y, scale);
    d.biased(y, shift)
}

/// An image with running statistics that are not its own.
fn with_statistics(d: &mut Draft) -> [ValueId; 3] {
    let x = image(d);
    let channels = d.shape(x)[3];
    [x, d.data("mean", Spread, &[channels]), d.data("variance", Positive, &[channels])]
}

fn evaluated(d: &mut Draft) -> ValueId {
    let [x, mean, variance] = with_statistics(d);
    let mean = d.spread(mean, x, &[3]);
    let centred = d.sub(x, mean);
    let shifted = d.plus(variance, EPS);
    let inverse = d.unary(Op::Rsqrt, shifted);
    d.scaled(centred, inverse)
}

/// The batch's own statistics in place of the running ones.
fn batch_norm_of_data(d: &mut Draft) -> ValueId {
    let [x, ..] = with_statistics(d);
    normalized(d, x, &[0, 1, 2])
}

fn tokens(d: &mut Draft) -> ValueId {
    let shape = [d.size(1, 2), d.size(2, 4), d.size(3, 6)];
    d.input("x", Spread, &shape)
}

fn layer_norm(d: &mut Draft) -> ValueId {
    let x = tokens(d);
    let channels = d.shape(x)[2];
    let [scale, shift] = affine(d, channels);
    let y = normalized(d, x, &[2]);
    let y = d.scaled(y, scale);
    d.biased(y, shift)
}

/// Two groups of channels, each normalised together with its pixels.
fn group_norm(d: &mut Draft) -> ValueId {
    let x = image(d);
    let shape = d.shape(x);
    let grouped = d.reshape(x, &[shape[0], shape[1] * shape[2], 2, shape[3] / 2]);
    let y = normalized(d, grouped, &[1, 3]);
    d.reshape(y, &shape)
}

fn instance_norm(d: &mut Draft) -> ValueId {
    let x = image(d);
    normalized(d, x, &[1, 2])
}

fn scaled_tokens(d: &mut Draft) -> [ValueId; 2] {
    let x = tokens(d);
    let channels = d.shape(x)[2];
    [x, d.input("scale", Positive, &[channels])]
}

fn rms_norm(d: &mut Draft) -> ValueId {
    let [x, scale] = scaled_tokens(d);
    let square = d.mul(x, x);
    let mean = d.mean(square, &[2]);
    let shifted = d.plus(mean, EPS);
    let inverse = d.unary(Op::Rsqrt, shifted);
    let inverse = d.spread(inverse, x, &[0, 1]);
    let y = d.mul(x, inverse);
    d.scaled(y, scale)
}

/// The mean subtracted too.
fn layer_normalized(d: &mut Draft) -> ValueId {
    let [x, scale] = scaled_tokens(d);
    let y = normalized(d, x, &[2]);
    d.scaled(y, scale)
}

fn layer_scale(d: &mut Draft) -> ValueId {
    let [x, scale] = scaled_tokens(d);
    let y = d.unary(Op::Tanh, x);
    let y = d.scaled(y, scale);
    d.add(x, y)
}

fn unscaled(d: &mut Draft) -> ValueId {
    let [x, _] = scaled_tokens(d);
    let y = d.unary(Op::Tanh, x);
    d.add(x, y)
}

fn standardised(d: &mut Draft) -> ValueId {
    let shape = [d.size(2, 3), d.size(2, 3), d.size(1, 3), d.size(1, 4)];
    let w = d.input("W", Spread, &shape);
    normalized(d, w, &[0, 1, 2])
}
