//! Times single ops at the shapes networks give them.
//!
//! ```text
//! cargo run --release -p cotangent-native --example time_ops -- [threads] [part of a name]
//! ```
//!
//! Prints the least time of 30 runs, and the passes of the plan.
#![allow(clippy::print_stdout)]

use cotangent_graph::{
    Builder, ConvDims, DotDims, GraphError, Op, Rational, Role, TensorType, ValueId, Window,
};
use cotangent_native::{Executor, Options};
use std::error::Error;
use std::time::Instant;

type Build = fn(&mut Builder, &[ValueId]) -> Result<ValueId, GraphError>;

/// (name, shapes of the inputs, the op)
type Case = (&'static str, &'static [&'static [usize]], Build);

fn depthwise(kernel: usize, stride: usize, groups: usize) -> ConvDims {
    let p = kernel / 2;
    ConvDims { strides: vec![stride; 2], padding: vec![(p, p); 2], dilation: vec![1; 2], groups }
}

fn heads(lhs: &[usize], rhs: &[usize], lhs_c: usize, rhs_c: usize) -> Op {
    Op::DotGeneral(DotDims {
        lhs_batch: lhs.to_vec(),
        rhs_batch: rhs.to_vec(),
        lhs_contracting: vec![lhs_c],
        rhs_contracting: vec![rhs_c],
    })
}

const IMAGE: &[usize] = &[32, 32, 32, 96];
const WIDE: &[usize] = &[128, 32, 32, 64];
const SCORES: &[usize] = &[32, 3, 65, 65];

const CASES: &[Case] = &[
    ("depthwise 3x3", &[IMAGE, &[3, 3, 1, 96]], |b, x| b.push(Op::Conv(depthwise(3, 1, 96)), x)),
    ("depthwise 3x3 input grad", &[IMAGE, &[3, 3, 1, 96]], |b, x| {
        b.push(Op::ConvInputGrad { dims: depthwise(3, 1, 96), input: vec![32, 32] }, x)
    }),
    ("depthwise 3x3 kernel grad", &[IMAGE, IMAGE], |b, x| {
        b.push(Op::ConvKernelGrad { dims: depthwise(3, 1, 96), kernel: vec![3, 3] }, x)
    }),
    ("depthwise 7x7", &[IMAGE, &[7, 7, 1, 96]], |b, x| b.push(Op::Conv(depthwise(7, 1, 96)), x)),
    ("depthwise 7x7 kernel grad", &[IMAGE, IMAGE], |b, x| {
        b.push(Op::ConvKernelGrad { dims: depthwise(7, 1, 96), kernel: vec![7, 7] }, x)
    }),
    ("depthwise 3x3 stride 2 input grad", &[&[32, 16, 16, 96], &[3, 3, 1, 96]], |b, x| {
        b.push(Op::ConvInputGrad { dims: depthwise(3, 2, 96), input: vec![32, 32] }, x)
    }),
    ("grouped 3x3, 32 groups of 4", &[&[32, 16, 16, 128], &[3, 3, 4, 128]], |b, x| {
        b.push(Op::Conv(depthwise(3, 1, 32)), x)
    }),
    ("batch norm", &[WIDE], |b, x| {
        b.push(Op::Normalize { dims: vec![0, 1, 2], eps: Rational::integer(1) }, x)
    }),
    ("batch variance", &[WIDE], |b, x| b.push(Op::Variance { dims: vec![0, 1, 2] }, x)),
    ("layer norm", &[&[32, 65, 192]], |b, x| {
        b.push(Op::Normalize { dims: vec![2], eps: Rational::integer(1) }, x)
    }),
    ("group norm", &[&[32, 32, 32, 8, 12]], |b, x| {
        b.push(Op::Normalize { dims: vec![1, 2, 4], eps: Rational::integer(1) }, x)
    }),
    ("scores, heads first", &[&[32, 3, 65, 64], &[32, 3, 65, 64]], |b, x| {
        b.push(heads(&[0, 1], &[0, 1], 3, 3), x)
    }),
    ("scores, heads after positions", &[&[32, 65, 3, 64], &[32, 65, 3, 64]], |b, x| {
        b.push(heads(&[0, 2], &[0, 2], 3, 3), x)
    }),
    ("mixture", &[SCORES, &[32, 65, 3, 64]], |b, x| b.push(heads(&[0, 1], &[0, 2], 3, 1), x)),
    ("softmax of scores", &[SCORES], |b, x| b.push(Op::Softmax, x)),
    ("cross-entropy", &[&[4096, 65], &[4096, 65]], |b, x| b.push(Op::SoftmaxCrossEntropy, x)),
    ("exp", &[IMAGE], |b, x| b.push(Op::Exp, x)),
    ("tanh", &[IMAGE], |b, x| b.push(Op::Tanh, x)),
    ("erf", &[IMAGE], |b, x| b.push(Op::Erf, x)),
    ("logistic", &[IMAGE], |b, x| b.push(Op::Logistic, x)),
    ("softplus", &[IMAGE], |b, x| b.push(Op::Softplus, x)),
    ("add", &[IMAGE, IMAGE], |b, x| b.add(x[0], x[1])),
    ("slice of channels", &[IMAGE], |b, x| b.slice_in_dim(x[0], 3, 48, 96)),
    ("pad of channels", &[&[32, 32, 32, 48]], |b, x| {
        let pad = |n| vec![0, 0, 0, n];
        b.push(Op::Pad { low: pad(48), high: pad(0), interior: pad(0) }, x)
    }),
    ("concatenation of channels", &[&[32, 32, 32, 48], &[32, 32, 32, 48]], |b, x| {
        b.concatenate(x, 3)
    }),
    ("global average", &[IMAGE], |b, x| b.mean(x[0], &[1, 2])),
    ("its broadcast", &[&[32, 96], IMAGE], |b, x| {
        let y = b.broadcast(x[0], IMAGE, &[0, 3])?;
        b.mul(y, x[1])
    }),
    ("sum over rows", &[&[32, 65, 192]], |b, x| b.reduce_sum(x[0], &[2])),
    ("max-pool 3x3 stride 2", &[IMAGE], |b, x| {
        let window = Window {
            size: vec![1, 3, 3, 1],
            strides: vec![1, 2, 2, 1],
            padding: vec![(0, 0), (1, 1), (1, 1), (0, 0)],
        };
        b.push(Op::MaxPool(window), x)
    }),
    ("heads transposed", &[&[32, 65, 3, 64]], |b, x| b.transpose(x[0], &[0, 2, 1, 3])),
    ("last two transposed", &[&[32, 3, 65, 64]], |b, x| b.transpose(x[0], &[0, 1, 3, 2])),
];

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let threads = args.next().map_or(Ok(2), |a| a.parse())?;
    let part = args.next().unwrap_or_default();
    for (name, shapes, build) in CASES.iter().filter(|c| c.0.contains(&part)) {
        let mut b = Builder::new();
        let mut x = Vec::new();
        for (k, shape) in shapes.iter().enumerate() {
            x.push(b.input(format!("x{k}"), Role::Data, TensorType::real(*shape))?);
        }
        let y = build(&mut b, &x)?;
        b.output("y", Role::Logits, y);
        let mut e = Executor::new(&b.finish()?, &Options { threads })?;
        for k in 0..x.len() {
            let data = e.input_mut(k).iter_mut().enumerate();
            data.for_each(|(i, x)| *x = ((i * 7919) % 997) as f32 / 498.0 - 1.0);
        }
        let mut least = f64::INFINITY;
        for _ in 0..30 {
            let start = Instant::now();
            e.run()?;
            least = least.min(start.elapsed().as_secs_f64() * 1e3);
        }
        println!("{name:<36}{least:9.3} ms  {} passes", e.steps());
    }
    Ok(())
}
