//! Tiny graphs, one op each, at several attribute sets.

use cotangent_graph::{
    Builder, Comparison, ConvDims, DotDims, Graph, Op, Precision, Rational, Role, TensorType,
    Window,
};
use cotangent_stablehlo::{Meta, Program, What};

/// A graph of one op, its operands the inputs.
pub fn graph(op: Op, operands: &[TensorType]) -> Graph {
    let mut b = Builder::new();
    let names = ["a", "b", "c", "d"];
    let inputs: Vec<_> = operands
        .iter()
        .zip(names)
        .map(|(ty, name)| b.input(name, Role::Data, ty.clone()).unwrap())
        .collect();
    let result = b.push(op, &inputs).unwrap();
    b.output("result", Role::Logits, result);
    b.finish().unwrap()
}

pub fn program(graph: Graph, precision: Precision) -> Program {
    let meta = Meta { model: "test".into(), what: What::Op, batch: 2, spec: None, options: None };
    Program { graph, meta, precision }
}

fn reals(shapes: &[&[usize]]) -> Vec<TensorType> {
    shapes.iter().map(|&s| TensorType::real(s)).collect()
}

/// Strides, padding, dilation, groups, image, kernel.
type Conv = (
    &'static [usize],
    &'static [(usize, usize)],
    &'static [usize],
    usize,
    &'static [usize],
    &'static [usize],
);

const CONVS: &[Conv] = &[
    (&[1, 1], &[(0, 0), (0, 0)], &[1, 1], 1, &[2, 5, 5, 3], &[3, 3, 3, 4]),
    (&[1, 1], &[(1, 1), (1, 1)], &[1, 1], 1, &[2, 5, 4, 3], &[3, 3, 3, 4]),
    (&[2, 2], &[(1, 0), (0, 1)], &[1, 1], 1, &[2, 6, 7, 3], &[3, 3, 3, 4]),
    (&[2, 3], &[(2, 1), (4, 5)], &[2, 1], 2, &[2, 8, 7, 4], &[3, 2, 2, 6]),
    (&[2, 1], &[(1, 1), (1, 1)], &[1, 2], 4, &[2, 6, 6, 4], &[3, 3, 1, 4]),
    (&[1, 2], &[(1, 1), (1, 1)], &[1, 1], 3, &[2, 5, 5, 3], &[3, 3, 1, 6]),
    (&[4, 4], &[(0, 0), (0, 0)], &[1, 1], 1, &[2, 9, 11, 3], &[4, 4, 3, 2]),
    (&[3, 2], &[(0, 0), (1, 0)], &[1, 3], 2, &[1, 7, 9, 4], &[1, 2, 2, 2]),
    (&[2], &[(1, 2)], &[2], 1, &[2, 9, 3], &[3, 3, 4]),
    (&[1, 1, 2], &[(1, 1), (0, 0), (1, 0)], &[1, 1, 1], 2, &[1, 3, 4, 5, 4], &[2, 2, 3, 2, 2]),
    (&[], &[], &[], 1, &[2, 3], &[3, 4]),
];

/// Size, strides, padding, operand.
type Pool = (&'static [usize], &'static [usize], &'static [(usize, usize)], &'static [usize]);

const POOLS: &[Pool] = &[
    (&[1, 2, 2, 1], &[1, 2, 2, 1], &[(0, 0), (0, 0), (0, 0), (0, 0)], &[2, 4, 6, 3]),
    (&[1, 3, 3, 1], &[1, 2, 2, 1], &[(0, 0), (1, 1), (1, 0), (0, 0)], &[2, 6, 5, 2]),
    (&[1, 3, 2, 1], &[1, 1, 3, 1], &[(0, 0), (0, 0), (1, 1), (0, 0)], &[1, 5, 8, 2]),
    (&[2, 1, 1], &[1, 2, 3], &[(0, 0), (0, 0), (0, 0)], &[3, 5, 4]),
    (&[1, 4, 4, 1], &[1, 4, 4, 1], &[(0, 0), (0, 0), (0, 0), (0, 0)], &[2, 4, 7, 2]),
];

/// Name and graph of every case.
pub fn all() -> Vec<(String, Graph)> {
    let mut cases = Vec::new();
    let mut add = |name: &str, op: Op, operands: Vec<TensorType>| {
        cases.push((name.to_string(), graph(op, &operands)));
    };
    for (name, value) in [("half", "1/2"), ("tenth", "1/10"), ("mask", "-1e9"), ("eps", "1e-8")] {
        let value: Rational = value.parse().unwrap();
        add(&format!("constant_{name}"), Op::Constant { value, shape: vec![2, 3] }, vec![]);
    }
    add("constant_scalar", Op::Constant { value: 3.into(), shape: vec![] }, vec![]);
    for op in [Op::Add, Op::Sub, Op::Mul, Op::Div, Op::Maximum] {
        add(op.name(), op, reals(&[&[2, 3], &[2, 3]]));
    }
    let unary = [
        Op::Neg,
        Op::Exp,
        Op::Log,
        Op::Sqrt,
        Op::Rsqrt,
        Op::Tanh,
        Op::Logistic,
        Op::Erf,
        Op::ErfGrad,
        Op::Softplus,
        Op::Relu,
        Op::Abs,
    ];
    for op in unary {
        add(op.name(), op.clone(), reals(&[&[2, 3]]));
        add(&format!("{}_scalar", op.name()), op, reals(&[&[]]));
    }
    for (name, alpha) in [("", "1"), ("_tenth", "1/10"), ("_zero", "0"), ("_negative", "-2/3")] {
        let op = Op::Elu { alpha: alpha.parse().unwrap() };
        add(&format!("elu{name}"), op.clone(), reals(&[&[2, 3]]));
        add(&format!("elu{name}_scalar"), op, reals(&[&[]]));
    }
    for (name, low, high) in [("", "0", "6"), ("_thirds", "-1/3", "1/3"), ("_below", "-3", "-2")] {
        let op = Op::Clamp { low: low.parse().unwrap(), high: high.parse().unwrap() };
        add(&format!("clamp{name}"), op.clone(), reals(&[&[2, 3]]));
        add(&format!("clamp{name}_scalar"), op, reals(&[&[]]));
    }
    for (name, c) in [("eq", Comparison::Eq), ("gt", Comparison::Gt), ("ge", Comparison::Ge)] {
        add(&format!("compare_{name}"), Op::Compare(c), reals(&[&[2, 3], &[2, 3]]));
    }
    let mut select = reals(&[&[2, 3], &[2, 3]]);
    select.insert(0, TensorType::pred([2, 3]));
    add("select", Op::Select, select);

    add("dot_general_matmul", Op::DotGeneral(DotDims::matmul(2)), reals(&[&[2, 3], &[3, 4]]));
    let batched = DotDims {
        lhs_batch: vec![0],
        rhs_batch: vec![1],
        lhs_contracting: vec![2, 1],
        rhs_contracting: vec![0, 3],
    };
    add("dot_general_batched", Op::DotGeneral(batched), reals(&[&[2, 3, 4, 5], &[4, 2, 6, 3]]));
    add("dot_general_outer", Op::DotGeneral(DotDims::default()), reals(&[&[2], &[3]]));

    for (k, &(strides, padding, dilation, groups, image, kernel)) in CONVS.iter().enumerate() {
        let s = strides.len();
        let dims = ConvDims {
            strides: strides.into(),
            padding: padding.into(),
            dilation: dilation.into(),
            groups,
        };
        let operands = reals(&[image, kernel]);
        let conv = Op::Conv(dims.clone());
        let y = conv.infer(&[&operands[0], &operands[1]]).unwrap();
        add(&format!("convolution_{k}"), conv, operands.clone());
        let input = image[1..=s].to_vec();
        let grad = Op::ConvInputGrad { dims: dims.clone(), input };
        add(&format!("conv_input_grad_{k}"), grad, vec![y.clone(), operands[1].clone()]);
        let grad = Op::ConvKernelGrad { dims, kernel: kernel[..s].to_vec() };
        add(&format!("conv_kernel_grad_{k}"), grad, vec![operands[0].clone(), y]);
    }

    let broadcast = |shape: &[usize], dims: &[usize]| Op::BroadcastInDim {
        shape: shape.to_vec(),
        dims: dims.to_vec(),
    };
    add("broadcast_in_dim_scalar", broadcast(&[2, 3], &[]), reals(&[&[]]));
    add("broadcast_in_dim_middle", broadcast(&[2, 3, 4], &[1]), reals(&[&[3]]));
    for dims in [vec![], vec![1], vec![0, 2], vec![0, 1, 2]] {
        let name = format!("reduce_sum_{}", dims.len());
        add(&name, Op::ReduceSum { dims }, reals(&[&[2, 3, 4]]));
    }
    add("reduce_sum_scalar", Op::ReduceSum { dims: vec![] }, reals(&[&[]]));
    add("transpose", Op::Transpose { permutation: vec![2, 0, 1] }, reals(&[&[2, 3, 4]]));
    add("reshape", Op::Reshape { shape: vec![6, 4] }, reals(&[&[2, 3, 4]]));
    add("reshape_to_scalar", Op::Reshape { shape: vec![] }, reals(&[&[1, 1]]));

    let slice = |starts: &[usize], limits: &[usize], strides: &[usize]| Op::Slice {
        starts: starts.to_vec(),
        limits: limits.to_vec(),
        strides: strides.to_vec(),
    };
    add("slice", slice(&[0, 1], &[2, 3], &[1, 1]), reals(&[&[2, 3]]));
    add("slice_strided", slice(&[1, 0, 2], &[5, 1, 9], &[2, 1, 3]), reals(&[&[5, 2, 9]]));
    add("slice_scalar", slice(&[], &[], &[]), reals(&[&[]]));
    let pad = |low: &[usize], high: &[usize], interior: &[usize]| Op::Pad {
        low: low.to_vec(),
        high: high.to_vec(),
        interior: interior.to_vec(),
    };
    add("pad", pad(&[0, 1], &[2, 0], &[0, 0]), reals(&[&[2, 3]]));
    add("pad_interior", pad(&[1, 0, 0], &[0, 3, 0], &[2, 1, 4]), reals(&[&[3, 2, 1]]));
    add("pad_nothing", pad(&[0], &[0], &[0]), reals(&[&[3]]));
    add("pad_scalar", pad(&[], &[], &[]), reals(&[&[]]));
    add("concatenate", Op::Concatenate { dim: 0, count: 2 }, reals(&[&[2, 3], &[1, 3]]));
    let four: &[&[usize]] = &[&[2, 3, 1], &[2, 1, 1], &[2, 3, 1], &[2, 2, 1]];
    add("concatenate_four", Op::Concatenate { dim: 1, count: 4 }, reals(four));
    add("concatenate_one", Op::Concatenate { dim: 0, count: 1 }, reals(&[&[2]]));

    for (k, dims) in [vec![0, 1, 2], vec![3], vec![0, 1, 2, 3]].into_iter().enumerate() {
        add(&format!("variance_{k}"), Op::Variance { dims: dims.clone() }, reals(&[&[2, 3, 4, 5]]));
        let eps = "1e-5".parse().unwrap();
        add(&format!("normalize_{k}"), Op::Normalize { dims, eps }, reals(&[&[2, 3, 4, 5]]));
    }
    add("variance_vector", Op::Variance { dims: vec![0] }, reals(&[&[1]]));
    // The count and ε alike.
    let eps = 3.into();
    add("normalize_rows", Op::Normalize { dims: vec![1], eps }, reals(&[&[2, 3]]));

    for (k, &(size, strides, padding, operand)) in POOLS.iter().enumerate() {
        let window = Window { size: size.into(), strides: strides.into(), padding: padding.into() };
        let operand = TensorType::real(operand);
        let sum = Op::WindowSum(window.clone());
        let y = sum.infer(&[&operand]).unwrap();
        add(&format!("window_sum_{k}"), sum, vec![operand.clone()]);
        let grad = Op::WindowSumGrad { window: window.clone(), input: operand.shape.clone() };
        add(&format!("window_sum_grad_{k}"), grad, vec![y.clone()]);
        add(&format!("max_pool_{k}"), Op::MaxPool(window.clone()), vec![operand.clone()]);
        add(&format!("max_pool_grad_{k}"), Op::MaxPoolGrad(window), vec![operand, y]);
    }
    let padded = Window { size: vec![2, 3], strides: vec![3, 2], padding: vec![(3, 4), (5, 0)] };
    add("window_sum_padded", Op::WindowSum(padded.clone()), reals(&[&[4, 5]]));
    let grad = Op::WindowSumGrad { window: padded, input: vec![4, 5] };
    add("window_sum_grad_padded", grad, reals(&[&[4, 4]]));

    add("softmax", Op::Softmax, reals(&[&[2, 3]]));
    add("softmax_vector", Op::Softmax, reals(&[&[5]]));
    add("softmax_heads", Op::Softmax, reals(&[&[2, 3, 4]]));
    add("softmax_cross_entropy", Op::SoftmaxCrossEntropy, reals(&[&[2, 3], &[2, 3]]));
    add("softmax_cross_entropy_3", Op::SoftmaxCrossEntropy, reals(&[&[2, 3, 4], &[2, 3, 4]]));
    add("softmax_cross_entropy_1", Op::SoftmaxCrossEntropy, reals(&[&[4], &[4]]));
    cases
}
