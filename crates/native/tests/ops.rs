//! Every op at several attribute sets against the interpreter in f32.
//!
//! Tolerances: pointwise ops, data movement and pooling compute the same
//! operations in the same order, so they are exact; exponentials are within a
//! unit of the exact value here and there. Contractions add the same products
//! in another order, partly with fused multiply-adds; a sum of k terms of
//! magnitude 1 then differs by a few roundings of the largest partial sum, for
//! which 64 roundings of the largest result is ample at these sizes.

mod support;

use cotangent_graph::{Comparison, ConvDims, DotDims, Op, Rational, Window};
use support::{Tolerance, agree, agree_on, build, inputs, one};

const SUMS: Tolerance = Tolerance::Roundings(64.0);
const EXP: Tolerance = Tolerance::Units(2.0);

#[test]
fn pointwise() {
    for shape in [&[][..], &[1], &[7], &[3, 5], &[2, 3, 700], &[70000]] {
        for op in [Op::Add, Op::Sub, Op::Mul, Op::Div] {
            agree(&one(op, &[shape, shape]), Tolerance::Exact);
        }
        for op in [Op::Neg, Op::Log, Op::Sqrt, Op::Relu] {
            agree(&one(op, &[shape]), Tolerance::Exact);
        }
        agree(&one(Op::Exp, &[shape]), EXP);
        for direction in [Comparison::Eq, Comparison::Gt, Comparison::Ge] {
            let g = build(&[shape, shape, shape, shape], |b, x| {
                let p = b.compare(direction, x[0], x[1])?;
                b.select(p, x[2], x[3])
            });
            agree(&g, Tolerance::Exact);
        }
    }
}

#[test]
fn special_values() {
    let specials =
        vec![f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.0, -0.0, 1e-45, -1e-40, f32::MAX];
    let other = vec![0.0, -0.0, f32::NAN, 1.0, -1.0, 1e-45, 1e-40, f32::MIN];
    for op in [Op::Neg, Op::Log, Op::Sqrt, Op::Relu] {
        agree_on(&one(op, &[&[8]]), std::slice::from_ref(&specials), Tolerance::Exact);
    }
    agree_on(&one(Op::Exp, &[&[8]]), std::slice::from_ref(&specials), EXP);
    for op in [Op::Add, Op::Sub, Op::Mul, Op::Div] {
        agree_on(&one(op, &[&[8], &[8]]), &[specials.clone(), other.clone()], Tolerance::Exact);
    }
    let pool = Window { size: vec![2], strides: vec![1], padding: vec![(1, 0)] };
    agree_on(
        &one(Op::MaxPool(pool.clone()), &[&[8]]),
        std::slice::from_ref(&specials),
        Tolerance::Exact,
    );
    let dy = vec![1.0; 8];
    agree_on(&one(Op::MaxPoolGrad(pool), &[&[8], &[8]]), &[specials, dy], Tolerance::Exact);
}

#[test]
fn broadcasts() {
    let cases: &[(&[usize], &[usize], &[usize])] = &[
        (&[], &[3, 4], &[]),
        (&[4], &[3, 4], &[1]),
        (&[3], &[3, 4], &[0]),
        (&[3], &[2, 3, 4], &[1]),
        (&[2, 4], &[2, 3, 4], &[0, 2]),
        (&[1, 4], &[1, 4], &[0, 1]),
        (&[10], &[1000, 10], &[1]),
        (&[1500], &[7, 1500], &[1]),
        (&[3, 1], &[3, 1, 5], &[0, 1]),
    ];
    for &(from, to, dims) in cases {
        let op = Op::BroadcastInDim { shape: to.to_vec(), dims: dims.to_vec() };
        agree(&one(op.clone(), &[from]), Tolerance::Exact);
        // As the operand of a pointwise op, and of another broadcast.
        let g = build(&[from, to], |b, x| {
            let y = b.push(op.clone(), &[x[0]])?;
            let z = b.mul(y, x[1])?;
            let mut shape = to.to_vec();
            shape.insert(0, 2);
            shape.push(3);
            let dims: Vec<usize> = (1..=to.len()).collect();
            let twice = b.broadcast(y, &shape, &dims)?;
            let z = b.broadcast(z, &shape, &dims)?;
            b.add(twice, z)
        });
        agree(&g, Tolerance::Exact);
    }
}

#[test]
fn sums() {
    let cases: &[(&[usize], &[usize])] = &[
        (&[7], &[0]),
        (&[128, 10], &[0]),
        (&[128, 10], &[1]),
        (&[128, 10], &[0, 1]),
        (&[5, 6, 7], &[1]),
        (&[5, 6, 7], &[0, 2]),
        (&[4, 9, 9, 32], &[0, 1, 2]),
        (&[3, 2000], &[0]),
        (&[300, 1030], &[1]),
        (&[1, 5, 1], &[0, 2]),
        (&[2, 3], &[]),
    ];
    for &(shape, dims) in cases {
        agree(&one(Op::ReduceSum { dims: dims.to_vec() }, &[shape]), SUMS);
    }
}

#[test]
fn movement() {
    let cases: &[(&[usize], &[usize])] = &[
        (&[3, 5], &[1, 0]),
        (&[2, 3, 4], &[2, 0, 1]),
        (&[2, 3, 4], &[0, 2, 1]),
        (&[2, 1, 4], &[1, 0, 2]),
        (&[200, 300], &[1, 0]),
        (&[], &[]),
    ];
    for &(shape, permutation) in cases {
        let op = Op::Transpose { permutation: permutation.to_vec() };
        agree(&one(op, &[shape]), Tolerance::Exact);
    }
    agree(&one(Op::Reshape { shape: vec![6, 2] }, &[&[3, 4]]), Tolerance::Exact);
    let constant = Op::Constant { value: Rational::new(1, 3).unwrap(), shape: vec![2, 3] };
    agree(&one(constant, &[]), Tolerance::Exact);
}

#[test]
fn dot_general() {
    let d = |lb: &[usize], rb: &[usize], lc: &[usize], rc: &[usize]| {
        Op::DotGeneral(DotDims {
            lhs_batch: lb.to_vec(),
            rhs_batch: rb.to_vec(),
            lhs_contracting: lc.to_vec(),
            rhs_contracting: rc.to_vec(),
        })
    };
    let cases: Vec<(Op, &[usize], &[usize])> = vec![
        (d(&[], &[], &[1], &[0]), &[3, 4], &[4, 5]),
        (d(&[], &[], &[0], &[0]), &[4, 3], &[4, 5]),
        (d(&[], &[], &[1], &[1]), &[3, 4], &[5, 4]),
        (d(&[], &[], &[0], &[1]), &[4, 3], &[5, 4]),
        (d(&[], &[], &[1], &[0]), &[128, 200], &[200, 130]),
        (d(&[], &[], &[0], &[0]), &[128, 200], &[128, 130]),
        (d(&[], &[], &[1], &[1]), &[128, 200], &[130, 200]),
        (d(&[], &[], &[], &[]), &[3], &[2, 2]),
        (d(&[], &[], &[0], &[0]), &[50], &[50]),
        (d(&[], &[], &[1], &[0]), &[1, 50], &[50, 40]),
        (d(&[], &[], &[1], &[0]), &[40, 50], &[50, 1]),
        (d(&[0], &[0], &[2], &[1]), &[2, 3, 4], &[2, 4, 5]),
        (d(&[1], &[2], &[2], &[0]), &[3, 2, 4], &[4, 5, 2]),
        (d(&[0, 1], &[0, 1], &[3], &[3]), &[2, 3, 4, 5], &[2, 3, 6, 5]),
        (d(&[], &[], &[0, 2], &[0, 1]), &[2, 3, 4], &[2, 4, 5]),
        (d(&[], &[], &[2, 0], &[0, 1]), &[2, 3, 4], &[4, 2, 5]),
        (d(&[], &[], &[1], &[1]), &[3, 4, 2], &[5, 4, 6]),
        (d(&[1], &[1], &[0], &[2]), &[7, 2, 3], &[3, 2, 7]),
    ];
    for (op, lhs, rhs) in cases {
        agree(&one(op, &[lhs, rhs]), SUMS);
    }
}

/// Products large enough for every way of tiling them, followed by a bias, a
/// rectifier and sums over rows, which then run on parts of rows.
#[test]
fn products_in_tiles() {
    let cases: &[(usize, usize, usize)] =
        &[(128, 80, 512), (33, 1100, 208), (600, 64, 48), (700, 128, 192), (32, 200, 416)];
    for &(m, k, n) in cases {
        for (lc, rc) in [(1, 0), (0, 0), (1, 1), (0, 1)] {
            let dims = DotDims {
                lhs_contracting: vec![lc],
                rhs_contracting: vec![rc],
                ..DotDims::default()
            };
            let lhs = if lc == 1 { [m, k] } else { [k, m] };
            let rhs = if rc == 0 { [k, n] } else { [n, k] };
            let op = Op::DotGeneral(dims);
            agree(&one(op.clone(), &[&lhs, &rhs]), SUMS);
            let g = build(&[&lhs, &rhs, &[n]], |b, x| {
                let y = b.push(op.clone(), &x[..2])?;
                let bias = b.broadcast(x[2], &[m, n], &[1])?;
                let z = b.add(y, bias)?;
                let z = b.push(Op::Relu, &[z])?;
                let sums = b.reduce_sum(z, &[0])?;
                let sums = b.broadcast(sums, &[m, n], &[1])?;
                b.add(z, sums)
            });
            agree(&g, Tolerance::Roundings(256.0));
        }
    }
}

/// (strides, padding, dilation, groups, image, kernel)
type ConvCase = (
    &'static [usize],
    &'static [(usize, usize)],
    &'static [usize],
    usize,
    &'static [usize],
    &'static [usize],
);

const CONVS: &[ConvCase] = &[
    (&[1, 1], &[(1, 1), (1, 1)], &[1, 1], 1, &[3, 7, 6, 2], &[3, 3, 2, 5]),
    (&[1, 1], &[(1, 1), (1, 1)], &[1, 1], 1, &[5, 9, 9, 1], &[3, 3, 1, 32]),
    (&[1, 1], &[(1, 1), (1, 1)], &[1, 1], 1, &[5, 14, 14, 32], &[3, 3, 32, 32]),
    (&[1, 1], &[(1, 1), (1, 1)], &[1, 1], 1, &[2, 8, 30, 16], &[3, 3, 16, 24]),
    (&[2, 2], &[(0, 1), (1, 2)], &[1, 1], 1, &[2, 8, 9, 3], &[3, 2, 3, 4]),
    (&[1, 2], &[(2, 2), (0, 0)], &[2, 1], 1, &[2, 8, 9, 3], &[3, 2, 3, 4]),
    (&[1, 1], &[(2, 2), (4, 0)], &[2, 2], 1, &[2, 8, 9, 3], &[3, 2, 3, 4]),
    (&[3, 3], &[(0, 0), (0, 0)], &[1, 1], 1, &[2, 8, 8, 3], &[1, 1, 3, 4]),
    (&[1, 1], &[(0, 0), (0, 0)], &[1, 1], 1, &[4, 8, 8, 16], &[1, 1, 16, 32]),
    (&[1, 1], &[(0, 0), (0, 0)], &[1, 1], 2, &[4, 5, 5, 6], &[1, 1, 3, 4]),
    (&[1, 1], &[(1, 1), (1, 1)], &[1, 1], 3, &[2, 5, 5, 6], &[3, 3, 2, 9]),
    (&[2, 1], &[(1, 1), (1, 1)], &[1, 2], 20, &[3, 9, 9, 20], &[3, 3, 1, 20]),
    (&[1, 1], &[(1, 1), (1, 1)], &[1, 1], 4, &[2, 5, 5, 4], &[3, 3, 1, 8]),
    (&[1, 1], &[(3, 3), (3, 3)], &[1, 1], 1, &[2, 2, 2, 2], &[3, 3, 2, 3]),
    (&[2], &[(1, 0)], &[1], 1, &[3, 11, 4], &[4, 4, 6]),
    (&[1, 2, 1], &[(1, 1), (0, 1), (1, 0)], &[1, 1, 2], 1, &[2, 4, 5, 6, 3], &[2, 3, 2, 3, 4]),
    (&[], &[], &[], 1, &[3, 4], &[4, 5]),
    (&[1; 4], &[(1, 0); 4], &[1; 4], 1, &[2, 3, 2, 3, 2, 2], &[2, 2, 2, 2, 2, 3]),
];

#[test]
fn convolutions_and_their_transposes() {
    for &(strides, padding, dilation, groups, image, kernel) in CONVS {
        let dims = ConvDims {
            strides: strides.to_vec(),
            padding: padding.to_vec(),
            dilation: dilation.to_vec(),
            groups,
        };
        let forward = one(Op::Conv(dims.clone()), &[image, kernel]);
        let out = forward.ty(forward.outputs[0].value).shape.clone();
        agree(&forward, SUMS);
        let input = image[1..image.len() - 1].to_vec();
        agree(&one(Op::ConvInputGrad { dims: dims.clone(), input }, &[&out, kernel]), SUMS);
        let size = kernel[..kernel.len() - 2].to_vec();
        agree(&one(Op::ConvKernelGrad { dims, kernel: size }, &[image, &out]), SUMS);
    }
}

#[test]
fn windows() {
    let w = |size: &[usize], strides: &[usize], padding: &[(usize, usize)]| Window {
        size: size.to_vec(),
        strides: strides.to_vec(),
        padding: padding.to_vec(),
    };
    let no = (0, 0);
    let cases: Vec<(Window, &[usize])> = vec![
        (w(&[1, 2, 2, 1], &[1, 2, 2, 1], &[no; 4]), &[3, 8, 8, 32]),
        (w(&[1, 2, 2, 1], &[1, 2, 2, 1], &[no; 4]), &[3, 7, 9, 5]),
        (w(&[1, 3, 3, 1], &[1, 2, 2, 1], &[no, (1, 1), (1, 1), no]), &[2, 9, 8, 20]),
        (w(&[1, 3, 2, 1], &[1, 1, 1, 1], &[no, (2, 1), (0, 1), no]), &[2, 5, 6, 17]),
        (w(&[1, 1, 3, 3], &[1, 1, 2, 1], &[no, no, (1, 1), (1, 1)]), &[2, 3, 6, 7]),
        (w(&[3], &[2], &[(1, 1)]), &[11]),
        (w(&[1, 1], &[1, 1], &[no; 2]), &[3, 4]),
        (w(&[1, 2, 2, 2, 1], &[1, 2, 1, 2, 1], &[no; 5]), &[2, 4, 3, 4, 3]),
        (w(&[2, 2, 2, 2], &[1, 2, 1, 1], &[(1, 0), no, (0, 1), no]), &[3, 4, 3, 2]),
    ];
    for (window, shape) in cases {
        let sum = one(Op::WindowSum(window.clone()), &[shape]);
        let out = sum.ty(sum.outputs[0].value).shape.clone();
        agree(&sum, SUMS);
        let grad = Op::WindowSumGrad { window: window.clone(), input: shape.to_vec() };
        agree(&one(grad, &[&out]), SUMS);
        agree(&one(Op::MaxPool(window.clone()), &[shape]), Tolerance::Exact);
        let grad = one(Op::MaxPoolGrad(window), &[shape, &out]);
        agree(&grad, Tolerance::Exact);
        // Ties: coarse values, many of them equal.
        let mut coarse = inputs(&grad, 3);
        coarse[0].iter_mut().for_each(|x| *x = (*x * 2.0).round());
        agree_on(&grad, &coarse, Tolerance::Exact);
    }
}

/// Windows and strides that dwarf the tensor must neither overflow nor take
/// forever.
#[test]
fn absurd_attributes() {
    let huge = 1usize << 40;
    for rank in [2, 4] {
        let window = Window {
            size: vec![huge; rank],
            strides: vec![huge; rank],
            padding: vec![(huge - 1, huge - 1); rank],
        };
        let shape = vec![2; rank];
        let g = one(Op::MaxPool(window), &[&shape]);
        let mut e = support::executor(&g, 1, &inputs(&g, 1));
        e.run().unwrap();
    }
    let dims = ConvDims {
        strides: vec![huge; 3],
        padding: vec![(huge, huge); 3],
        dilation: vec![1; 3],
        groups: 1,
    };
    let g = one(Op::Conv(dims), &[&[1, 1, 1, 1, 16], &[1, 1, 1, 16, 16]]);
    let mut e = support::executor(&g, 1, &inputs(&g, 1));
    e.run().unwrap();
    assert!(e.output(0).iter().any(|&x| x != 0.0));
}

#[test]
fn softmax_and_cross_entropy() {
    for shape in [&[10][..], &[128, 10], &[3, 4, 33], &[5, 1], &[2000, 10]] {
        agree(&one(Op::Softmax, &[shape]), Tolerance::Roundings(8.0));
        agree(&one(Op::SoftmaxCrossEntropy, &[shape, shape]), SUMS);
    }
    let g = one(Op::SoftmaxCrossEntropy, &[&[2, 3], &[2, 3]]);
    let huge = vec![1e4, -1e4, 0.0, -1e4, -1e4, 1e4];
    agree_on(&g, &[huge, vec![0.0, 1.0, 0.0, 0.2, 0.3, 0.5]], Tolerance::Exact);
}
