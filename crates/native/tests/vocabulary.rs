//! The ops beyond dense and convolutional layers against the interpreter:
//! activations, movement, moments, and the shapes real networks give them.

mod support;

use cotangent_graph::{ConvDims, DotDims, Graph, Op, Rational, Window};
use proptest::prelude::*;
use support::{Tolerance, agree, agree_on, agree_with_truth, build, executor, inputs, one};

/// The interpreter's own functions are within two units of the exact value,
/// the executor's within three (`kernels/elementary.rs`).
const NEAR: Tolerance = Tolerance::Units(5.0);
const SUMS: Tolerance = Tolerance::Roundings(64.0);

fn number(numerator: i64, denominator: i64) -> Rational {
    Rational::new(numerator, denominator).unwrap()
}

fn activations() -> Vec<(Op, Tolerance)> {
    vec![
        (Op::Rsqrt, Tolerance::Exact),
        (Op::Tanh, NEAR),
        (Op::Logistic, NEAR),
        (Op::Erf, NEAR),
        (Op::ErfGrad, NEAR),
        (Op::Softplus, NEAR),
        (Op::Elu { alpha: number(3, 2) }, NEAR),
        (Op::Clamp { low: number(-1, 3), high: number(1, 2) }, Tolerance::Exact),
        (Op::Abs, Tolerance::Exact),
    ]
}

#[test]
fn pointwise() {
    for shape in [&[][..], &[1], &[7], &[3, 5], &[2, 3, 700], &[70000]] {
        for (op, tolerance) in activations() {
            agree(&one(op, &[shape]), tolerance);
        }
        agree(&one(Op::Maximum, &[shape, shape]), Tolerance::Exact);
    }
    // On constants, which are folded.
    for (op, tolerance) in activations() {
        let g = build(&[&[3]], |b, x| {
            let c = b.constant(number(1, 3), &[3])?;
            let y = b.push(op.clone(), &[c])?;
            let z = b.push(Op::Maximum, &[y, c])?;
            b.add(z, x[0])
        });
        let tolerance = if matches!(tolerance, Tolerance::Exact) { tolerance } else { NEAR };
        agree(&g, tolerance);
    }
}

#[test]
fn special_values() {
    let specials = vec![
        f32::NAN,
        f32::INFINITY,
        f32::NEG_INFINITY,
        0.0,
        -0.0,
        1e-45,
        -1e-40,
        f32::MAX,
        f32::MIN,
        1e4,
        -1e4,
        0.5,
    ];
    for (op, tolerance) in activations() {
        agree_on(&one(op, &[&[12]]), std::slice::from_ref(&specials), tolerance);
    }
    for turn in 0..specials.len() {
        let mut other = specials.clone();
        other.rotate_left(turn);
        let g = one(Op::Maximum, &[&[12], &[12]]);
        agree_on(&g, &[specials.clone(), other], Tolerance::Exact);
    }
}

fn slice(starts: &[usize], limits: &[usize], strides: &[usize]) -> Op {
    Op::Slice { starts: starts.to_vec(), limits: limits.to_vec(), strides: strides.to_vec() }
}

fn pad(low: &[usize], high: &[usize], interior: &[usize]) -> Op {
    Op::Pad { low: low.to_vec(), high: high.to_vec(), interior: interior.to_vec() }
}

#[test]
fn slices_and_pads_of_networks() {
    let cases: Vec<(Op, &[usize])> = vec![
        (slice(&[0, 0, 0, 5], &[2, 8, 8, 9], &[1; 4]), &[2, 8, 8, 16]),
        (slice(&[0, 1, 0], &[3, 6, 7], &[1; 3]), &[3, 6, 7]),
        (slice(&[0, 0, 0], &[3, 1, 7], &[1; 3]), &[3, 6, 7]),
        (slice(&[2], &[9], &[3]), &[11]),
        (slice(&[1, 0, 2], &[4, 5, 7], &[2, 1, 3]), &[4, 5, 7]),
        (slice(&[3, 0], &[4, 2], &[1000, 5]), &[5, 3]),
        (slice(&[], &[], &[]), &[]),
        (slice(&[100, 0], &[700, 64], &[1, 1]), &[1000, 64]),
        (pad(&[0, 1, 2, 0], &[0, 2, 1, 0], &[0; 4]), &[2, 5, 6, 8]),
        (pad(&[0, 0, 0, 3], &[0, 0, 0, 4], &[0; 4]), &[2, 5, 6, 8]),
        (pad(&[0, 1, 0], &[0, 0, 0], &[0; 3]), &[3, 6, 7]),
        (pad(&[1, 0, 2], &[0, 3, 1], &[2, 1, 3]), &[3, 4, 5]),
        (pad(&[0, 0, 0], &[0, 0, 0], &[0, 1, 0]), &[2, 4, 5]),
        (pad(&[2], &[3], &[4]), &[6]),
        (pad(&[], &[], &[]), &[]),
        (pad(&[0, 100], &[50, 3], &[0, 0]), &[700, 64]),
    ];
    for (op, shape) in cases {
        agree(&one(op.clone(), &[shape]), Tolerance::Exact);
        // Followed in the same pass, and summed.
        let g = build(&[shape], |b, x| {
            let y = b.push(op.clone(), x)?;
            let z = b.push(Op::Neg, &[y])?;
            let w = b.push(Op::Relu, &[z])?;
            b.mul(w, y)
        });
        agree(&g, Tolerance::Exact);
    }
}

#[test]
fn concatenations() {
    let cases: &[(usize, &[&[usize]])] = &[
        (0, &[&[3]]),
        (0, &[&[3, 2], &[1, 2], &[4, 2]]),
        (1, &[&[3, 2], &[3, 5]]),
        (3, &[&[2, 8, 8, 16], &[2, 8, 8, 12], &[2, 8, 8, 1]]),
        (1, &[&[5, 1, 32], &[5, 16, 32]]),
        (2, &[&[20, 30, 40, 1], &[20, 30, 3, 1]]),
    ];
    for &(dim, shapes) in cases {
        agree(&one(Op::Concatenate { dim, count: shapes.len() }, shapes), Tolerance::Exact);
    }
    // The same operand twice.
    let g = build(&[&[4, 3]], |b, x| b.concatenate(&[x[0], x[0]], 1));
    agree(&g, Tolerance::Exact);
}

/// Shapes and the dimensions averaged over: batch, layer and group norms,
/// scattered dimensions, single elements, runs longer than a chunk.
const MOMENTS: &[(&[usize], &[usize])] = &[
    (&[8, 5, 6, 64], &[0, 1, 2]),
    (&[16, 16, 16, 37], &[0, 1, 2]),
    (&[3, 1, 1, 3], &[0, 1, 2]),
    (&[700, 300], &[0]),
    (&[2, 1200], &[0]),
    (&[6, 17, 96], &[2]),
    (&[300, 7], &[1]),
    (&[2, 10000], &[1]),
    (&[50000], &[0]),
    (&[1], &[0]),
    (&[4, 1, 3], &[1]),
    (&[3, 6, 5, 4, 8], &[1, 2, 4]),
    (&[2, 4, 4, 2, 96], &[1, 2, 4]),
    (&[1, 4, 4, 2, 5], &[1, 2, 4]),
    (&[4, 3, 9, 9], &[0, 2, 3]),
    (&[4, 3, 9, 9], &[2, 3]),
    (&[2, 3, 2, 3, 2], &[0, 2, 4]),
    (&[2, 3, 4, 5, 2, 3], &[1, 3, 5]),
    (&[3, 2, 4, 5], &[0, 2]),
];

#[test]
fn moments() {
    for &(shape, dims) in MOMENTS {
        let op = Op::Variance { dims: dims.to_vec() };
        agree(&one(op, &[shape]), SUMS);
        for eps in [number(1, 100_000), number(1, 10)] {
            let op = Op::Normalize { dims: dims.to_vec(), eps };
            agree(&one(op.clone(), &[shape]), SUMS);
            // The pass goes on: scale, shift, rectify, sum.
            let last = shape.len() - 1;
            let g = build(&[shape, &shape[last..]], |b, x| {
                let y = b.push(op.clone(), &x[..1])?;
                let gain = b.broadcast(x[1], shape, &[last])?;
                let y = b.mul(y, gain)?;
                let y = b.push(Op::Relu, &[y])?;
                let sum = b.reduce_sum(y, &(0..last).collect::<Vec<_>>())?;
                let sum = b.broadcast(sum, shape, &[last])?;
                b.add(y, sum)
            });
            agree(&g, Tolerance::Roundings(256.0));
        }
    }
}

/// A mean a thousand times the deviation: what one pass in f32 would lose.
#[test]
fn moments_far_from_zero() {
    for &(shape, dims) in MOMENTS {
        let variance = one(Op::Variance { dims: dims.to_vec() }, &[shape]);
        let mut x = inputs(&variance, 3);
        x[0].iter_mut().for_each(|x| *x += 1000.0);
        let truth = support::interpret(&variance, &x, f64::from);
        for threads in [1, 2, 3] {
            let mut e = executor(&variance, threads, &x);
            e.run().unwrap();
            for (want, got) in truth[0].iter().zip(e.output(0)) {
                let distance = (want - f64::from(*got)).abs();
                assert!(distance <= 1e-6 * want + 1e-7, "{shape:?} {dims:?}: {want:e}, {got:e}");
            }
        }
    }
}

fn conv(
    strides: [usize; 2],
    pads: [(usize, usize); 2],
    dilation: [usize; 2],
    c: usize,
) -> ConvDims {
    ConvDims {
        strides: strides.to_vec(),
        padding: pads.to_vec(),
        dilation: dilation.to_vec(),
        groups: c,
    }
}

fn convolutions_agree(dims: &ConvDims, image: &[usize], kernel: &[usize]) {
    let forward = one(Op::Conv(dims.clone()), &[image, kernel]);
    let out = forward.ty(forward.outputs[0].value).shape.clone();
    agree(&forward, SUMS);
    let spatial = image.len() - 2;
    let grad = Op::ConvInputGrad { dims: dims.clone(), input: image[1..=spatial].to_vec() };
    agree(&one(grad, &[&out, kernel]), SUMS);
    let grad = Op::ConvKernelGrad { dims: dims.clone(), kernel: kernel[..spatial].to_vec() };
    agree(&one(grad, &[image, &out]), SUMS);
}

#[test]
fn depthwise_and_grouped_convolutions() {
    let same = |p: usize| [(p, p); 2];
    let cases = [
        (conv([1, 1], same(1), [1, 1], 96), [2, 9, 8, 96], [3, 3, 1, 96]),
        (conv([2, 2], [(0, 1), (1, 1)], [1, 1], 40), [3, 9, 8, 40], [3, 3, 1, 40]),
        (conv([1, 1], same(3), [1, 1], 33), [2, 7, 7, 33], [7, 7, 1, 33]),
        (conv([2, 1], same(2), [1, 2], 5), [2, 9, 9, 5], [5, 3, 1, 5]),
        (conv([1, 1], same(5), [1, 1], 16), [2, 4, 4, 16], [3, 3, 1, 16]),
        (conv([3, 3], same(0), [1, 1], 24), [2, 8, 8, 24], [2, 2, 1, 24]),
        (conv([1, 1], same(0), [1, 1], 24), [2, 8, 8, 24], [1, 1, 1, 24]),
        (conv([1, 1], same(1), [1, 1], 6), [2, 5, 5, 6], [3, 3, 1, 12]),
        (conv([1, 1], same(1), [1, 1], 4), [2, 6, 6, 32], [3, 3, 8, 64]),
        (conv([2, 2], same(1), [1, 1], 8), [2, 6, 6, 32], [3, 3, 4, 32]),
    ];
    for (dims, image, kernel) in cases {
        convolutions_agree(&dims, &image, &kernel);
    }
    let line = ConvDims { strides: vec![2], padding: vec![(1, 2)], dilation: vec![1], groups: 19 };
    convolutions_agree(&line, &[3, 11, 19], &[4, 1, 19]);
}

fn attention(shapes: [&[usize]; 2], dims: DotDims) -> Graph {
    one(Op::DotGeneral(dims), &shapes)
}

/// Scores and mixtures of heads, with heads before positions and after.
#[test]
fn batched_products() {
    let dims = |lhs: &[usize], rhs: &[usize], lhs_c: usize, rhs_c: usize| DotDims {
        lhs_batch: lhs.to_vec(),
        rhs_batch: rhs.to_vec(),
        lhs_contracting: vec![lhs_c],
        rhs_contracting: vec![rhs_c],
    };
    let cases: Vec<([&[usize]; 2], DotDims)> = vec![
        ([&[4, 3, 17, 64], &[4, 3, 21, 64]], dims(&[0, 1], &[0, 1], 3, 3)),
        ([&[4, 17, 3, 64], &[4, 21, 3, 64]], dims(&[0, 2], &[0, 2], 3, 3)),
        ([&[4, 3, 17, 21], &[4, 3, 21, 64]], dims(&[0, 1], &[0, 1], 3, 2)),
        ([&[4, 3, 17, 21], &[4, 21, 3, 64]], dims(&[0, 1], &[0, 2], 3, 1)),
        ([&[4, 3, 21, 17], &[4, 3, 21, 64]], dims(&[0, 1], &[0, 1], 2, 2)),
    ];
    for (shapes, dims) in cases {
        let g = attention(shapes, dims);
        assert_eq!(executor(&g, 2, &inputs(&g, 1)).steps(), 1, "an operand is copied");
        agree(&g, SUMS);
    }
}

#[test]
fn long_rows() {
    for shape in [&[3, 4, 65, 65][..], &[2, 5000], &[7, 1], &[9, 3], &[1000, 8]] {
        agree(&one(Op::Softmax, &[shape]), NEAR_SUM);
        let loss = one(Op::SoftmaxCrossEntropy, &[shape, shape]);
        let mut x = inputs(&loss, 3);
        x[1].iter_mut().for_each(|t| *t = t.abs());
        let truth = support::interpret(&loss, &x, f64::from)[0][0];
        let mut e = executor(&loss, 2, &x);
        e.run().unwrap();
        let distance = (truth - f64::from(e.output(0)[0])).abs();
        assert!(distance <= 1e-6 * truth, "{shape:?}: {distance:e} from {truth:e}");
    }
}

/// Quotients of sums of exponentials.
const NEAR_SUM: Tolerance = Tolerance::Roundings(16.0);

/// Ops of the networks that the vocabulary is for, none of which may walk a
/// contraction point by point; and the few that do.
#[test]
fn what_has_no_kernel_of_its_own() {
    let window = |size: &[usize], step: usize, p: usize| Window {
        size: size.to_vec(),
        strides: size.iter().map(|&n| if n > 1 { step } else { 1 }).collect(),
        padding: size.iter().map(|&n| if n > 1 { (p, p) } else { (0, 0) }).collect(),
    };
    let (pool, big) = (window(&[1, 3, 3, 1], 2, 1), window(&[1, 7, 7, 1], 7, 0));
    let depthwise = conv([2, 2], [(1, 1); 2], [1, 1], 16);
    let image: &[usize] = &[2, 14, 14, 16];
    let (pooled, small): (&[usize], &[usize]) = (&[2, 7, 7, 16], &[2, 2, 2, 16]);
    let broadcast = |shape: &[usize], dims: &[usize]| Op::BroadcastInDim {
        shape: shape.to_vec(),
        dims: dims.to_vec(),
    };
    let mut fast: Vec<(Op, Vec<&[usize]>)> = vec![
        (Op::MaxPool(pool.clone()), vec![image]),
        (Op::MaxPoolGrad(pool.clone()), vec![image, pooled]),
        (Op::WindowSum(big.clone()), vec![image]),
        (Op::WindowSumGrad { window: big, input: image.to_vec() }, vec![small]),
        (Op::Conv(depthwise.clone()), vec![image, &[3, 3, 1, 16]]),
        (Op::ReduceSum { dims: vec![1, 2] }, vec![image]),
        (Op::ReduceSum { dims: vec![0, 3] }, vec![image]),
        (broadcast(image, &[0, 3]), vec![&[2, 16]]),
        (broadcast(&[2, 4, 4, 2, 8], &[0, 3]), vec![&[2, 2]]),
        (Op::Transpose { permutation: vec![0, 2, 1, 3] }, vec![image]),
        (Op::Softmax, vec![image]),
        (slice(&[0, 0, 0, 8], &[2, 14, 14, 16], &[1; 4]), vec![image]),
        (pad(&[0, 0, 0, 8], &[0; 4], &[0, 1, 1, 0]), vec![image]),
        (Op::Concatenate { dim: 3, count: 2 }, vec![image, image]),
    ];
    let grad = Op::ConvInputGrad { dims: depthwise.clone(), input: vec![14, 14] };
    fast.push((grad, vec![pooled, &[3, 3, 1, 16]]));
    let grad = Op::ConvKernelGrad { dims: depthwise, kernel: vec![3, 3] };
    fast.push((grad, vec![image, pooled]));
    for dims in [vec![0, 1, 2], vec![3], vec![0, 2], vec![1, 2], vec![0, 3]] {
        fast.push((Op::Variance { dims: dims.clone() }, vec![image]));
        fast.push((Op::Normalize { dims, eps: number(1, 1000) }, vec![image]));
    }
    let walks = |op: &Op, shapes: &[&[usize]]| {
        let g = one(op.clone(), shapes);
        executor(&g, 1, &inputs(&g, 1)).describe().contains("contraction")
    };
    for (op, shapes) in fast {
        assert!(!walks(&op, &shapes), "{op:?}");
    }
    // Windows and kernels that slide along four dimensions.
    let four: &[usize] = &[2, 2, 2, 2];
    let window = window(four, 1, 0);
    assert!(walks(&Op::WindowSum(window.clone()), &[&[3; 4]]));
    assert!(walks(&Op::WindowSumGrad { window, input: vec![3; 4] }, &[four]));
    let dims =
        ConvDims { strides: vec![1; 4], padding: vec![(0, 0); 4], dilation: vec![1; 4], groups: 1 };
    assert!(walks(&Op::Conv(dims), &[&[1, 3, 3, 3, 3, 1], &[2, 2, 2, 2, 1, 1]]));
}

/// The bits of the first output, twice in a row and from a second executor.
fn same_bits(g: &Graph) -> Result<(), TestCaseError> {
    let x = inputs(g, 5);
    for threads in [1, 2, 3] {
        let mut runs = Vec::new();
        for _ in 0..2 {
            let mut e = executor(g, threads, &x);
            for _ in 0..2 {
                e.run().unwrap();
                runs.push(e.output(0).iter().map(|x| x.to_bits()).collect::<Vec<_>>());
            }
        }
        prop_assert!(runs.windows(2).all(|w| w[0] == w[1]), "{threads} threads");
    }
    Ok(())
}

/// A shape, and for each dimension whether it is chosen.
fn shape_and_choice() -> impl Strategy<Value = (Vec<usize>, Vec<bool>)> {
    prop::collection::vec((1usize..9, any::<bool>()), 1..6).prop_map(|d| d.into_iter().unzip())
}

/// Size, start, step and count of a slice, per dimension.
fn sliced() -> impl Strategy<Value = Vec<(usize, usize, usize, usize)>> {
    let dimension = (1usize..40).prop_flat_map(|n| {
        (0..n, 1usize..4).prop_flat_map(move |(start, step)| {
            (1..=n - start).prop_map(move |len| (n, start, step, start + len))
        })
    });
    prop::collection::vec(dimension, 1..5)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn any_moments((shape, chosen) in shape_and_choice(), wide in 1usize..70) {
        let mut shape = shape;
        if let Some(last) = shape.last_mut() {
            *last *= wide;
        }
        let dims: Vec<usize> = (0..shape.len()).filter(|&d| chosen[d]).collect();
        prop_assume!(!dims.is_empty());
        let op = Op::Normalize { dims: dims.clone(), eps: number(1, 1000) };
        let g = one(op, &[&shape]);
        // Groups of few elements divide by small deviations.
        agree_with_truth(&g, Tolerance::Roundings(256.0));
        same_bits(&g)?;
        agree_with_truth(&one(Op::Variance { dims }, &[&shape]), SUMS);
    }

    #[test]
    fn any_slice_and_the_pad_that_undoes_it(dims in sliced()) {
        let shape: Vec<usize> = dims.iter().map(|d| d.0).collect();
        let of = |f: fn(&(usize, usize, usize, usize)) -> usize| -> Vec<usize> {
            dims.iter().map(f).collect()
        };
        let (starts, steps, limits) = (of(|d| d.1), of(|d| d.2), of(|d| d.3));
        let g = one(slice(&starts, &limits, &steps), &[&shape]);
        agree(&g, Tolerance::Exact);
        let part = g.ty(g.outputs[0].value).shape.clone();
        let high: Vec<usize> = (0..shape.len())
            .map(|d| shape[d] - starts[d] - ((part[d] - 1) * steps[d] + 1))
            .collect();
        let interior: Vec<usize> = steps.iter().map(|s| s - 1).collect();
        agree(&one(pad(&starts, &high, &interior), &[&part]), Tolerance::Exact);
    }

    #[test]
    fn any_depthwise_convolution(
        image in (1usize..12, 1usize..12),
        kernel in (1usize..6, 1usize..6),
        stride in (1usize..4, 1usize..4),
        dilation in (1usize..3, 1usize..3),
        pads in ((0usize..4, 0usize..4), (0usize..4, 0usize..4)),
        channels in 2usize..50,
    ) {
        let fits = |n: usize, k: usize, d: usize, (l, h): (usize, usize)| n + l + h > (k - 1) * d;
        prop_assume!(fits(image.0, kernel.0, dilation.0, pads.0));
        prop_assume!(fits(image.1, kernel.1, dilation.1, pads.1));
        let dims = conv(
            [stride.0, stride.1],
            [pads.0, pads.1],
            [dilation.0, dilation.1],
            channels,
        );
        let (image, kernel) = ([2, image.0, image.1, channels], [kernel.0, kernel.1, 1, channels]);
        convolutions_agree(&dims, &image, &kernel);
        same_bits(&one(Op::Conv(dims), &[&image, &kernel]))?;
    }

    #[test]
    fn any_concatenation(
        shape in prop::collection::vec(1usize..8, 1..4),
        dim in 0usize..4,
        sizes in prop::collection::vec(1usize..20, 1..5),
    ) {
        let dim = dim % shape.len();
        let shapes: Vec<Vec<usize>> = sizes
            .iter()
            .map(|&n| {
                let mut s = shape.clone();
                s[dim] = n;
                s
            })
            .collect();
        let shapes: Vec<&[usize]> = shapes.iter().map(Vec::as_slice).collect();
        let op = Op::Concatenate { dim, count: shapes.len() };
        agree(&one(op, &shapes), Tolerance::Exact);
    }
}
