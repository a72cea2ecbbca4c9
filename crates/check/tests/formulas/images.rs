//! Resampling, skips and gates over images.

use crate::draft::{Draft, plain, window};
use crate::{Check, Wrong};
use cotangent_check::Fill::{FanIn, Spread};
use cotangent_graph::{ConvDims, Op, ValueId};

pub fn checks() -> Vec<Check> {
    let check = |name, wrt, formula, wrong| Check { name, wrt, formula, wrong };
    let order = || Wrong::Rule("concatenate", "the parts in the other order");
    vec![
        check("bilinear upsample", "x", bilinear, Wrong::Formula(bilinear_shifted)),
        check("nearest upsample", "x", nearest, Wrong::Formula(bilinear)),
        check("concat: first", "x", concat, order()),
        check("concat: second", "y", concat, Wrong::Rule("concatenate", "the second part lost")),
        check("U-Net skip: input", "x", unet, Wrong::Formula(unet_without_skip)),
        check("U-Net skip: down", "down", unet, Wrong::Rule("relu", "no mask")),
        check("U-Net skip: up", "up", unet, Wrong::Rule("convolution", "kernel off by 1e-5")),
        check(
            "squeeze-excite: input",
            "x",
            squeeze_excite,
            Wrong::Formula(gate_taken_for_constant),
        ),
        check("squeeze-excite: W1", "W1", squeeze_excite, Wrong::Rule("relu", "no mask")),
        check("squeeze-excite: W2", "W2", squeeze_excite, Wrong::Rule("logistic", "one factor")),
        check("inverted residual", "*", inverted, Wrong::Rule("clamp", "upper bound forgotten")),
        check(
            "transposed conv2d: input",
            "x",
            transposed,
            Wrong::Rule("conv_input_grad", "padding reversed"),
        ),
        check(
            "transposed conv2d: weight",
            "W",
            transposed,
            Wrong::Rule("conv_input_grad", "kernel sign"),
        ),
        check("crop", "x", crop, Wrong::Rule("slice", "placed at the start")),
        check("zero padding", "x", zero_padded, Wrong::Rule("pad", "the ends exchanged")),
        check("space to depth", "x", space_to_depth, Wrong::Rule("reshape", "elements transposed")),
        check("channel shuffle", "x", shuffle, Wrong::Rule("reshape", "elements transposed")),
        check("every other pixel", "x", subsampled, Wrong::Rule("slice", "strides forgotten")),
    ]
}

fn image(d: &mut Draft) -> ValueId {
    let shape = [d.size(1, 2), d.size(2, 4), d.size(2, 4), d.size(1, 3)];
    d.input("x", Spread, &shape)
}

/// `a` and `b` taking turns along `dim`.
fn interleaved(d: &mut Draft, a: ValueId, b: ValueId, dim: usize) -> ValueId {
    let mut shape = d.shape(a);
    shape.insert(dim + 1, 1);
    let (a, b) = (d.reshape(a, &shape), d.reshape(b, &shape));
    let both = d.concatenate(&[a, b], dim + 1);
    shape.remove(dim + 1);
    shape[dim] *= 2;
    d.reshape(both, &shape)
}

/// Twice as many cells along `dim`: 3/4 of the nearest cell, 1/4 of the next
/// nearest, the edge standing for what lies beyond it.
fn doubled(d: &mut Draft, x: ValueId, dim: usize, shifted: bool) -> ValueId {
    let n = d.shape(x)[dim];
    let (first, but_last) = (d.slice(x, dim, 0, 1), d.slice(x, dim, 0, n - 1));
    let (but_first, last) = (d.slice(x, dim, 1, n), d.slice(x, dim, n - 1, n));
    let mut before = d.concatenate(&[first, but_last], dim);
    let mut after = d.concatenate(&[but_first, last], dim);
    if shifted {
        (before, after) = (after, before);
    }
    let near = d.times(x, "3/4");
    let (before, after) = (d.times(before, "1/4"), d.times(after, "1/4"));
    let (even, odd) = (d.add(near, before), d.add(near, after));
    interleaved(d, even, odd, dim)
}

fn bilinear(d: &mut Draft) -> ValueId {
    let x = image(d);
    let y = doubled(d, x, 1, false);
    doubled(d, y, 2, false)
}

fn bilinear_shifted(d: &mut Draft) -> ValueId {
    let x = image(d);
    let y = doubled(d, x, 1, true);
    doubled(d, y, 2, false)
}

/// Every cell twice in both directions.
fn repeated(d: &mut Draft, x: ValueId) -> ValueId {
    let y = interleaved(d, x, x, 1);
    interleaved(d, y, y, 2)
}

fn nearest(d: &mut Draft) -> ValueId {
    let x = image(d);
    repeated(d, x)
}

fn concat(d: &mut Draft) -> ValueId {
    let [batch, height, width] = [d.size(1, 2), d.size(2, 3), d.size(2, 3)];
    let [one, other] = [d.size(1, 3), d.size(1, 3)];
    let x = d.input("x", Spread, &[batch, height, width, one]);
    let y = d.input("y", Spread, &[batch, height, width, other]);
    let both = d.concatenate(&[x, y], 3);
    d.mul(both, both)
}

/// An image, a kernel for its half, a kernel for the joined image.
fn unet_inputs(d: &mut Draft) -> [ValueId; 3] {
    let [batch, height, width] = [d.size(1, 2), 2 * d.size(2, 3), 2 * d.size(2, 3)];
    let [channels, deep, out] = [d.size(1, 2), d.size(1, 2), d.size(1, 2)];
    let x = d.input("x", Spread, &[batch, height, width, channels]);
    let down = d.input("down", FanIn, &[3, 3, channels, deep]);
    [x, down, d.input("up", FanIn, &[3, 3, channels + deep, out])]
}

fn same() -> ConvDims {
    ConvDims { padding: vec![(1, 1), (1, 1)], ..plain(1) }
}

/// Pooled, convolved and doubled again.
fn deep(d: &mut Draft, x: ValueId, down: ValueId) -> ValueId {
    let half = d.push(Op::MaxPool(window(2, 2, (0, 0))), &[x]);
    let y = d.conv(half, down, same());
    let y = d.unary(Op::Relu, y);
    repeated(d, y)
}

/// What was pooled, doubled again and joined with the image, convolved.
fn unet(d: &mut Draft) -> ValueId {
    let [x, down, up] = unet_inputs(d);
    let y = deep(d, x, down);
    let joined = d.concatenate(&[y, x], 3);
    d.conv(joined, up, same())
}

fn unet_without_skip(d: &mut Draft) -> ValueId {
    let [x, down, up] = unet_inputs(d);
    let y = deep(d, x, down);
    let nothing = d.number("0", x);
    let joined = d.concatenate(&[y, nothing], 3);
    d.conv(joined, up, same())
}

fn gates(d: &mut Draft) -> [ValueId; 3] {
    let [channels, few] = [d.size(2, 4), d.size(2, 4)];
    let shape = [d.size(1, 2), d.size(2, 3), d.size(2, 3), channels];
    let x = d.input("x", Spread, &shape);
    let w1 = d.input("W1", Spread, &[channels, few]);
    [x, w1, d.input("W2", Spread, &[few, channels])]
}

/// `x · σ(relu(mean(x)·W1)·W2)`, one gate per example and channel.
fn squeeze_excite(d: &mut Draft) -> ValueId {
    let [x, w1, w2] = gates(d);
    let squeezed = d.mean(x, &[1, 2]);
    let hidden = d.matmul(squeezed, w1);
    let hidden = d.unary(Op::Relu, hidden);
    let gate = d.matmul(hidden, w2);
    let gate = d.unary(Op::Logistic, gate);
    let gate = d.spread(gate, x, &[0, 3]);
    d.mul(x, gate)
}

/// A gate of one half, whatever the image.
fn gate_taken_for_constant(d: &mut Draft) -> ValueId {
    let [x, ..] = gates(d);
    d.times(x, "1/2")
}

/// Expanded, convolved channel by channel, projected, added: MobileNetV2's
/// block, its relu6 scaled to have both kinks in range.
fn inverted(d: &mut Draft) -> ValueId {
    let [batch, size, channels] = [d.size(1, 2), d.size(3, 4), d.size(1, 2)];
    let wide = 2 * channels;
    let x = d.data("x", Spread, &[batch, size, size, channels]);
    let expand = d.input("expand", Spread, &[1, 1, channels, wide]);
    let depthwise = d.input("depthwise", Spread, &[3, 3, 1, wide]);
    let project = d.input("project", FanIn, &[1, 1, wide, channels]);
    let clamp = || Op::Clamp { low: 0.into(), high: "1/2".parse().unwrap() };
    let y = d.conv(x, expand, plain(1));
    let y = d.unary(clamp(), y);
    let y = d.conv(y, depthwise, ConvDims { groups: wide, ..same() });
    let y = d.unary(clamp(), y);
    let y = d.conv(y, project, plain(1));
    d.add(x, y)
}

/// A convolution's transpose as a forward op: images grow by the stride.
fn transposed(d: &mut Draft) -> ValueId {
    let [batch, size, inputs, outputs] = [d.size(1, 2), d.size(2, 4), d.size(1, 3), d.size(1, 3)];
    let x = d.input("x", Spread, &[batch, size, size, inputs]);
    let w = d.input("W", FanIn, &[3, 3, outputs, inputs]);
    let dims = ConvDims { strides: vec![2, 2], padding: vec![(0, 1), (1, 0)], ..plain(1) };
    d.push(Op::ConvInputGrad { dims, input: vec![2 * size, 2 * size] }, &[x, w])
}

fn crop(d: &mut Draft) -> ValueId {
    let x = image(d);
    let shape = d.shape(x);
    let y = d.slice(x, 1, 1, shape[1]);
    d.slice(y, 2, 1, shape[2])
}

fn zero_padded(d: &mut Draft) -> ValueId {
    let x = image(d);
    let (low, high) = (vec![0, 1, 0, 0], vec![0, 0, 2, 0]);
    d.push(Op::Pad { low, high, interior: vec![0; 4] }, &[x])
}

/// Squares of 2 by 2 pixels into channels.
fn space_to_depth(d: &mut Draft) -> ValueId {
    let [batch, rows, columns, channels] = [d.size(1, 2), d.size(1, 3), d.size(1, 3), d.size(1, 3)];
    let x = d.input("x", Spread, &[batch, 2 * rows, 2 * columns, channels]);
    let y = d.reshape(x, &[batch, rows, 2, columns, 2, channels]);
    let y = d.transpose(y, &[0, 1, 3, 2, 4, 5]);
    d.reshape(y, &[batch, rows, columns, 4 * channels])
}

/// Channels of two groups taking turns.
fn shuffle(d: &mut Draft) -> ValueId {
    let [batch, height, width, half] = [d.size(1, 2), d.size(2, 3), d.size(2, 3), d.size(3, 4)];
    let x = d.input("x", Spread, &[batch, height, width, 2 * half]);
    let y = d.reshape(x, &[batch, height, width, 2, half]);
    let y = d.transpose(y, &[0, 1, 2, 4, 3]);
    d.reshape(y, &[batch, height, width, 2 * half])
}

fn subsampled(d: &mut Draft) -> ValueId {
    let shape = [d.size(1, 2), d.size(3, 6), d.size(3, 6), d.size(1, 2)];
    let x = d.input("x", Spread, &shape);
    let strides = vec![1, 2, 2, 1];
    let starts = vec![0, 1, 0, 0];
    d.push(Op::Slice { starts, limits: shape.to_vec(), strides }, &[x])
}
