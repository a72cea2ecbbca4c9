//! Dense layers, convolutions and pools.

use crate::draft::{Draft, plain, window};
use crate::{Check, Wrong};
use cotangent_check::Fill::{FanIn, Positive, Spread, Targets};
use cotangent_graph::{ConvDims, Op, ValueId};

pub fn checks() -> Vec<Check> {
    let check = |name, wrt, formula, wrong| Check { name, wrt, formula, wrong };
    let left = Wrong::Rule("convolution", "image sign");
    let right = || Wrong::Rule("convolution", "kernel off by 1e-5");
    vec![
        check("identity", "x", identity, Wrong::Formula(slightly_more)),
        check("dense: x", "x", dense, Wrong::Rule("dot_general", "left sign")),
        check("dense: W", "W", dense, Wrong::Rule("dot_general", "right off by 1e-5")),
        check("dense: b", "b", dense, Wrong::Rule("broadcast_in_dim", "mean for sum")),
        check("relu", "x", relu, Wrong::Rule("relu", "mask negated")),
        check("MLP", "*", mlp, Wrong::Rule("relu", "no mask")),
        check("flatten", "x", flatten, Wrong::Rule("reshape", "elements transposed")),
        check("residual", "x", residual, Wrong::Formula(no_shortcut)),
        check("conv2d: input", "x", conv, left),
        check("conv2d: weight", "W", conv, right()),
        check("conv2d: bias", "b", conv, Wrong::Rule("broadcast_in_dim", "mean for sum")),
        check("strided conv2d: input", "x", strided, Wrong::Formula(unstrided)),
        check("strided conv2d: weight", "W", strided, Wrong::Formula(unstrided)),
        check(
            "padded conv2d: input",
            "x",
            padded,
            Wrong::Rule("convolution", "padding reversed in the image"),
        ),
        check(
            "padded conv2d: weight",
            "W",
            padded,
            Wrong::Rule("convolution", "padding reversed in the kernel"),
        ),
        check("dilated conv2d: input", "x", dilated, Wrong::Formula(undilated)),
        check("dilated conv2d: weight", "W", dilated, Wrong::Formula(undilated)),
        check("grouped conv2d: input", "x", grouped, Wrong::Formula(shuffled)),
        check("grouped conv2d: weight", "W", grouped, Wrong::Formula(shuffled)),
        check("depthwise: input", "x", depthwise, Wrong::Formula(neighbours)),
        check("depthwise: weight", "W", depthwise, Wrong::Formula(neighbours)),
        check("depthwise: bias", "b", depthwise, Wrong::Rule("broadcast_in_dim", "mean for sum")),
        check("max-pool", "x", max_pool, Wrong::Rule("max_pool", "spread over the window")),
        check("overlapping max-pool", "x", overlapping, Wrong::Rule("max_pool", "smallest cell")),
        check("padded max-pool", "x", padded_pool, Wrong::Rule("max_pool", "smallest cell")),
        check("avg-pool", "x", avg_pool, Wrong::Rule("window_sum", "mean for sum")),
        check("avg-pool, cells inside", "x", inside, Wrong::Formula(cells_of_the_window)),
        check("global avg-pool", "x", global, Wrong::Formula(by_rows)),
    ]
}

fn matrix(d: &mut Draft) -> ValueId {
    let shape = [d.size(1, 4), d.size(2, 6)];
    d.input("x", Spread, &shape)
}

fn identity(d: &mut Draft) -> ValueId {
    matrix(d)
}

fn slightly_more(d: &mut Draft) -> ValueId {
    let x = matrix(d);
    d.times(x, "100001/100000")
}

fn dense(d: &mut Draft) -> ValueId {
    let [rows, inputs, outputs] = [d.size(2, 5), d.size(1, 6), d.size(1, 6)];
    let x = d.input("x", Spread, &[rows, inputs]);
    let w = d.input("W", FanIn, &[inputs, outputs]);
    let b = d.input("b", Spread, &[outputs]);
    d.dense(x, w, b)
}

fn relu(d: &mut Draft) -> ValueId {
    let x = matrix(d);
    d.unary(Op::Relu, x)
}

/// Two hidden layers and the loss.
fn mlp(d: &mut Draft) -> ValueId {
    let rows = d.size(2, 4);
    let sizes = [d.size(2, 5), d.size(6, 9), d.size(6, 9), d.size(2, 4)];
    let mut y = d.data("x", Spread, &[rows, sizes[0]]);
    let target = d.data("target", Targets, &[rows, sizes[3]]);
    let layers: Vec<_> = (0..3)
        .map(|k| {
            let w = d.input(&format!("W{k}"), FanIn, &sizes[k..k + 2]);
            (w, d.input(&format!("b{k}"), FanIn, &sizes[k + 1..k + 2]))
        })
        .collect();
    for (k, &(w, b)) in layers.iter().enumerate() {
        y = d.dense(y, w, b);
        if k < 2 {
            y = d.unary(Op::Relu, y);
        }
    }
    d.push(Op::SoftmaxCrossEntropy, &[y, target])
}

fn flatten(d: &mut Draft) -> ValueId {
    let shape = [d.size(2, 3), d.size(2, 3), d.size(2, 3), d.size(2, 3)];
    let x = d.input("x", Spread, &shape);
    let y = d.reshape(x, &[shape[0], shape[1] * shape[2] * shape[3]]);
    d.unary(Op::Exp, y)
}

fn residual(d: &mut Draft) -> ValueId {
    let x = matrix(d);
    let y = d.unary(Op::Tanh, x);
    d.add(x, y)
}

fn no_shortcut(d: &mut Draft) -> ValueId {
    let x = matrix(d);
    d.unary(Op::Tanh, x)
}

/// An image, a kernel and a bias. The image has `groups` times as many
/// channels as the kernel reads, the result `groups` times `multiplier`.
fn image(d: &mut Draft, groups: usize) -> [ValueId; 3] {
    let [batch, height, width] = [d.size(1, 2), d.size(5, 7), d.size(5, 7)];
    let [inputs, outputs] = [d.size(1, 2), d.size(1, 2)];
    let kernel = [d.size(2, 3), d.size(2, 3), inputs, groups * outputs];
    let x = d.input("x", Spread, &[batch, height, width, groups * inputs]);
    let w = d.input("W", FanIn, &kernel);
    [x, w, d.input("b", Spread, &[groups * outputs])]
}

fn conv(d: &mut Draft) -> ValueId {
    let [x, w, b] = image(d, 1);
    let y = d.conv(x, w, plain(1));
    d.biased(y, b)
}

/// `y` cut to the shape that `dims` would give.
fn cut(d: &mut Draft, y: ValueId, x: ValueId, w: ValueId, dims: ConvDims) -> ValueId {
    let like = d.conv(x, w, dims);
    let shape = d.shape(like);
    (1..3).fold(y, |y, k| d.slice(y, k, 0, shape[k]))
}

fn strides() -> ConvDims {
    ConvDims { strides: vec![2, 3], ..plain(1) }
}

fn strided(d: &mut Draft) -> ValueId {
    let [x, w, _] = image(d, 1);
    d.conv(x, w, strides())
}

fn unstrided(d: &mut Draft) -> ValueId {
    let [x, w, _] = image(d, 1);
    let y = d.conv(x, w, plain(1));
    cut(d, y, x, w, strides())
}

fn padded(d: &mut Draft) -> ValueId {
    let [x, w, _] = image(d, 1);
    d.conv(x, w, ConvDims { padding: vec![(2, 0), (0, 1)], ..plain(1) })
}

fn dilation() -> ConvDims {
    ConvDims { dilation: vec![2, 2], ..plain(1) }
}

fn dilated(d: &mut Draft) -> ValueId {
    let [x, w, _] = image(d, 1);
    d.conv(x, w, dilation())
}

fn undilated(d: &mut Draft) -> ValueId {
    let [x, w, _] = image(d, 1);
    let y = d.conv(x, w, plain(1));
    cut(d, y, x, w, dilation())
}

fn grouped(d: &mut Draft) -> ValueId {
    let [x, w, _] = image(d, 2);
    d.conv(x, w, plain(2))
}

/// The groups exchanged: each kernel reads the other's channels.
fn shuffled(d: &mut Draft) -> ValueId {
    let [x, w, _] = image(d, 2);
    let channels = d.shape(x)[3];
    let (one, other) = (d.slice(x, 3, 0, channels / 2), d.slice(x, 3, channels / 2, channels));
    let exchanged = d.concatenate(&[other, one], 3);
    d.conv(exchanged, w, plain(2))
}

/// One kernel per channel.
fn channelwise(d: &mut Draft) -> [ValueId; 3] {
    let [batch, height, width, channels] = [d.size(1, 2), d.size(4, 6), d.size(4, 6), d.size(2, 4)];
    let kernel = [d.size(2, 3), d.size(2, 3), 1, channels];
    let x = d.input("x", Spread, &[batch, height, width, channels]);
    let w = d.input("W", FanIn, &kernel);
    [x, w, d.input("b", Spread, &[channels])]
}

fn depthwise(d: &mut Draft) -> ValueId {
    let [x, w, b] = channelwise(d);
    let groups = d.shape(x)[3];
    let y = d.conv(x, w, plain(groups));
    d.biased(y, b)
}

/// Every kernel on the next channel.
fn neighbours(d: &mut Draft) -> ValueId {
    let [x, w, b] = channelwise(d);
    let groups = d.shape(x)[3];
    let (first, others) = (d.slice(x, 3, 0, 1), d.slice(x, 3, 1, groups));
    let x = d.concatenate(&[others, first], 3);
    let y = d.conv(x, w, plain(groups));
    d.biased(y, b)
}

fn pooled(d: &mut Draft) -> ValueId {
    let shape = [d.size(1, 2), d.size(4, 7), d.size(4, 7), d.size(1, 3)];
    d.input("x", Spread, &shape)
}

fn max_pool(d: &mut Draft) -> ValueId {
    let x = pooled(d);
    d.push(Op::MaxPool(window(2, 2, (0, 0))), &[x])
}

fn overlapping(d: &mut Draft) -> ValueId {
    let x = pooled(d);
    d.push(Op::MaxPool(window(3, 1, (0, 0))), &[x])
}

fn padded_pool(d: &mut Draft) -> ValueId {
    let x = pooled(d);
    d.push(Op::MaxPool(window(3, 2, (1, 2))), &[x])
}

fn avg_pool(d: &mut Draft) -> ValueId {
    let x = pooled(d);
    let sum = d.push(Op::WindowSum(window(2, 2, (0, 0))), &[x]);
    d.times(sum, "1/4")
}

fn inside(d: &mut Draft) -> ValueId {
    let x = pooled(d);
    let sum = d.push(Op::WindowSum(window(3, 2, (1, 1))), &[x]);
    let ones = d.number("1", x);
    let cells = d.push(Op::WindowSum(window(3, 2, (1, 1))), &[ones]);
    d.div(sum, cells)
}

fn cells_of_the_window(d: &mut Draft) -> ValueId {
    let x = pooled(d);
    let sum = d.push(Op::WindowSum(window(3, 2, (1, 1))), &[x]);
    d.times(sum, "1/9")
}

fn global(d: &mut Draft) -> ValueId {
    let shape = [d.size(1, 2), d.size(2, 4), d.size(2, 4), d.size(1, 3)];
    let x = d.input("x", Positive, &shape);
    d.mean(x, &[1, 2])
}

/// Divided by the number of rows alone.
fn by_rows(d: &mut Draft) -> ValueId {
    let shape = [d.size(1, 2), d.size(2, 4), d.size(2, 4), d.size(1, 3)];
    let x = d.input("x", Positive, &shape);
    let sum = d.sum(x, &[1, 2]);
    d.times(sum, &format!("1/{}", shape[1]))
}
