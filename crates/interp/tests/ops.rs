//! Each op against values worked out by hand.

use cotangent_graph::{
    Builder, Comparison, ConvDims, DotDims, Op, Rational, Role, TensorType, ValueId, Window,
};
use cotangent_interp::{
    InterpError, Scalar, Tensor, Value, evaluate, first_maximal_cells, rerun, run, run_all,
};

fn real<T>(shape: &[usize], data: Vec<T>) -> Value<T> {
    Value::Real(Tensor::new(shape, data).unwrap())
}

fn eval<T: Scalar>(op: Op, operands: &[&Value<T>]) -> Vec<T> {
    evaluate(&op, operands).unwrap().real().unwrap().data().to_vec()
}

fn vector(data: &[f64]) -> Value<f64> {
    real(&[data.len()], data.to_vec())
}

#[test]
fn pointwise_ops() {
    let (a, b) = (vector(&[1.0, -2.0, 9.0]), vector(&[2.0, 4.0, -3.0]));
    assert_eq!(eval(Op::Add, &[&a, &b]), [3.0, 2.0, 6.0]);
    assert_eq!(eval(Op::Sub, &[&a, &b]), [-1.0, -6.0, 12.0]);
    assert_eq!(eval(Op::Mul, &[&a, &b]), [2.0, -8.0, -27.0]);
    assert_eq!(eval(Op::Div, &[&a, &b]), [0.5, -0.5, -3.0]);
    assert_eq!(eval(Op::Neg, &[&a]), [-1.0, 2.0, -9.0]);
    assert_eq!(eval(Op::Exp, &[&vector(&[0.0, 1.0])]), [1.0, std::f64::consts::E]);
    assert_eq!(eval(Op::Log, &[&vector(&[1.0, std::f64::consts::E])]), [0.0, 1.0]);
    assert_eq!(eval(Op::Sqrt, &[&vector(&[0.0, 2.25])]), [0.0, 1.5]);
    assert_eq!(eval(Op::Relu, &[&vector(&[-1.0, 0.0, 3.0])]), [0.0, 0.0, 3.0]);
}

#[test]
fn compare_and_select() {
    let (a, b) = (vector(&[1.0, 2.0, 3.0]), vector(&[2.0, 2.0, 2.0]));
    for (direction, truth) in [
        (Comparison::Eq, [false, true, false]),
        (Comparison::Gt, [false, false, true]),
        (Comparison::Ge, [false, true, true]),
    ] {
        let p = evaluate(&Op::Compare(direction), &[&a, &b]).unwrap();
        assert_eq!(p.pred().unwrap().data(), truth);
        let expected: Vec<f64> =
            (0..3).map(|k| if truth[k] { 1.0 + k as f64 } else { 2.0 }).collect();
        assert_eq!(eval(Op::Select, &[&p, &a, &b]), expected);
        assert!(p.real().is_err());
    }
}

#[test]
fn constants_are_rounded_once_and_may_not_overflow() {
    let third = Op::Constant { value: Rational::new(1, 3).unwrap(), shape: vec![2] };
    assert_eq!(eval::<f32>(third.clone(), &[]), [1.0 / 3.0; 2]);
    assert_eq!(eval::<f64>(third, &[]), [1.0 / 3.0; 2]);
    let big = Op::Constant { value: "1e39".parse().unwrap(), shape: vec![] };
    assert!(matches!(evaluate::<f32>(&big, &[]), Err(InterpError::Overflow { .. })));
    assert_eq!(eval::<f64>(big, &[]), [1e39]);
}

#[test]
fn matrix_product_and_batched_product() {
    let a = real(&[2, 3], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let b = real(&[3, 2], vec![1.0, 0.0, 0.0, 1.0, 10.0, 100.0]);
    let product = Op::DotGeneral(DotDims::matmul(2));
    assert_eq!(eval(product, &[&a, &b]), [31.0, 302.0, 64.0, 605.0]);
    // Rows against rows, one dot product per batch entry.
    let rows = DotDims {
        lhs_batch: vec![0],
        rhs_batch: vec![0],
        lhs_contracting: vec![1],
        rhs_contracting: vec![1],
    };
    assert_eq!(eval(Op::DotGeneral(rows), &[&a, &a]), [14.0, 77.0]);
    // No dimension contracted: the outer product.
    let outer = Op::DotGeneral(DotDims::default());
    assert_eq!(
        eval(outer.clone(), &[&vector(&[1.0, 2.0]), &vector(&[3.0, 5.0])]),
        [3.0, 5.0, 6.0, 10.0]
    );
    assert_eq!(eval(outer, &[&real(&[], vec![3.0]), &real(&[], vec![5.0])]), [15.0]);
}

#[test]
fn re_indexings_and_sums() {
    let a = real(&[2, 3], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    assert_eq!(
        eval(Op::Transpose { permutation: vec![1, 0] }, &[&a]),
        [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]
    );
    assert_eq!(eval(Op::ReduceSum { dims: vec![0] }, &[&a]), [5.0, 7.0, 9.0]);
    assert_eq!(eval(Op::ReduceSum { dims: vec![0, 1] }, &[&a]), [21.0]);
    assert_eq!(
        eval(Op::BroadcastInDim { shape: vec![2, 2], dims: vec![0] }, &[&vector(&[7.0, 8.0])]),
        [7.0, 7.0, 8.0, 8.0]
    );
    let reshaped = evaluate(&Op::Reshape { shape: vec![3, 2] }, &[&a]).unwrap();
    assert_eq!(reshaped, real(&[3, 2], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]));
}

/// Image 1x3x3x1 holding 1..9.
fn image() -> Value<f64> {
    real(&[1, 3, 3, 1], (1..=9).map(f64::from).collect())
}

#[test]
fn convolution_is_cross_correlation() {
    let kernel = real(&[2, 2, 1, 1], vec![1.0, 10.0, 100.0, 1000.0]);
    let dims = |stride, padding, dilation| ConvDims {
        strides: vec![stride; 2],
        padding: vec![padding; 2],
        dilation: vec![dilation; 2],
        groups: 1,
    };
    let plain = Op::Conv(dims(1, (0, 0), 1));
    assert_eq!(eval(plain, &[&image(), &kernel]), [5421.0, 6532.0, 8754.0, 9865.0]);
    // Corners only: the image cells 1, 3, 7, 9.
    assert_eq!(eval(Op::Conv(dims(1, (0, 0), 2)), &[&image(), &kernel]), [9731.0]);
    // Low padding of one, stride 2: windows end at rows and columns 0 and 2.
    assert_eq!(
        eval(Op::Conv(dims(2, (1, 0), 1)), &[&image(), &kernel]),
        [1000.0, 3200.0, 7040.0, 9865.0]
    );
}

#[test]
fn depthwise_convolution_keeps_features_apart() {
    let image = real(&[1, 1, 2, 2], vec![1.0, 2.0, 3.0, 4.0]);
    let kernel = real(&[1, 2, 1, 2], vec![1.0, 10.0, 100.0, 1000.0]);
    let dims =
        ConvDims { strides: vec![1; 2], padding: vec![(0, 0); 2], dilation: vec![1; 2], groups: 2 };
    assert_eq!(eval(Op::Conv(dims), &[&image, &kernel]), [301.0, 4020.0]);
}

#[test]
fn convolution_gradients_by_hand() {
    let dims = ConvDims { strides: vec![2], padding: vec![(1, 0)], dilation: vec![1], groups: 1 };
    // Three cells, kernel of two, windows {pad, x0} and {x1, x2}.
    let (x, dy) = (real(&[1, 3, 1], vec![1.0, 2.0, 3.0]), real(&[1, 2, 1], vec![10.0, 100.0]));
    let kernel = real(&[2, 1, 1], vec![5.0, 7.0]);
    let input = Op::ConvInputGrad { dims: dims.clone(), input: vec![3] };
    assert_eq!(eval(input, &[&dy, &kernel]), [70.0, 500.0, 700.0]);
    let weight = Op::ConvKernelGrad { dims, kernel: vec![2] };
    assert_eq!(eval(weight, &[&x, &dy]), [200.0, 310.0]);
}

fn overlapping() -> Window {
    Window { size: vec![3], strides: vec![2], padding: vec![(1, 1)] }
}

#[test]
fn window_sum_and_its_transpose() {
    // Windows over 1 2 3 4: {1, 2} and {2, 3, 4}.
    assert_eq!(eval(Op::WindowSum(overlapping()), &[&vector(&[1.0, 2.0, 3.0, 4.0])]), [3.0, 9.0]);
    let back = Op::WindowSumGrad { window: overlapping(), input: vec![4] };
    assert_eq!(eval(back, &[&vector(&[10.0, 100.0])]), [10.0, 110.0, 100.0, 100.0]);
}

#[test]
fn max_pool_takes_the_first_maximum_and_sends_the_cotangent_there() {
    let pool = |x: &[f64]| eval(Op::MaxPool(overlapping()), &[&vector(x)]);
    let back =
        |x: &[f64]| eval(Op::MaxPoolGrad(overlapping()), &[&vector(x), &vector(&[10.0, 100.0])]);
    // Padding never wins, though every cell is negative.
    assert_eq!(pool(&[-5.0, -4.0, -3.0, -6.0]), [-4.0, -3.0]);
    assert_eq!(back(&[-5.0, -4.0, -3.0, -6.0]), [0.0, 10.0, 100.0, 0.0]);
    // Overlapping windows that agree on their maximum add up.
    assert_eq!(back(&[0.0, 9.0, 1.0, 2.0]), [0.0, 110.0, 0.0, 0.0]);
    // Ties: the first cell, and only it.
    assert_eq!(back(&[7.0, 7.0, 7.0, 7.0]), [10.0, 100.0, 0.0, 0.0]);
    // Row-major order in two dimensions.
    let window = Window { size: vec![2, 2], strides: vec![1, 1], padding: vec![(0, 0); 2] };
    let square = Tensor::new([2, 2], vec![0.0, 3.0, 3.0, 1.0]).unwrap();
    assert_eq!(first_maximal_cells(&window, &square).unwrap(), [1]);
    assert!(first_maximal_cells(&window, &Tensor::scalar(0.0)).is_err());
}

#[test]
fn softmax_and_cross_entropy() {
    let ln3 = 3f64.ln();
    let z = real(&[2, 2], vec![0.0, ln3, 5.0, 5.0]);
    let s = eval(Op::Softmax, &[&z]);
    for (found, expected) in s.iter().zip([0.25, 0.75, 0.5, 0.5]) {
        assert!((found - expected).abs() < 1e-15, "{s:?}");
    }
    // A hard row, and a soft one whose targets sum to 3.
    let t = real(&[2, 2], vec![1.0, 0.0, 1.0, 2.0]);
    let loss = eval(Op::SoftmaxCrossEntropy, &[&z, &t])[0];
    assert!((loss - (4f64.ln() + 3.0 * 2f64.ln()) / 2.0).abs() < 1e-15, "{loss}");
}

#[test]
fn softmax_stays_finite_in_f32() {
    let z = real(&[1, 3], vec![1e4f32, -1e4, 0.0]);
    assert_eq!(eval(Op::Softmax, &[&z]), [1.0, 0.0, 0.0]);
    let hit = real(&[1, 3], vec![1.0f32, 0.0, 0.0]);
    assert_eq!(eval(Op::SoftmaxCrossEntropy, &[&z, &hit]), [0.0]);
    let miss = real(&[1, 3], vec![0.0f32, 1.0, 0.0]);
    assert_eq!(eval(Op::SoftmaxCrossEntropy, &[&z, &miss]), [2e4]);
}

#[test]
fn sums_accumulate_in_the_element_type() {
    let x = real(&[3], vec![16_777_216f32, 1.0, 1.0]);
    assert_eq!(eval(Op::ReduceSum { dims: vec![0] }, &[&x]), [16_777_216.0]);
    let x = real(&[3], vec![16_777_216f64, 1.0, 1.0]);
    assert_eq!(eval(Op::ReduceSum { dims: vec![0] }, &[&x]), [16_777_218.0]);
}

#[test]
fn a_nan_reaches_the_result() {
    let nan = vector(&[1.0, f64::NAN, 2.0, 0.0]);
    let row = real(&[1, 4], vec![1.0, f64::NAN, 2.0, 0.0]);
    let zero = vector(&[0.0; 4]);
    for (op, operands) in [
        (Op::Relu, vec![&nan]),
        (Op::Mul, vec![&zero, &nan]),
        (Op::ReduceSum { dims: vec![0] }, vec![&nan]),
        (Op::MaxPool(overlapping()), vec![&nan]),
        (Op::Softmax, vec![&nan]),
        (Op::SoftmaxCrossEntropy, vec![&row, &row]),
    ] {
        let name = op.name();
        assert!(eval(op, &operands).iter().any(|x| x.is_nan()), "{name}");
    }
}

fn two_branches() -> (cotangent_graph::Graph, Vec<Value<f64>>) {
    let mut b = Builder::new();
    let x = b.input("x", Role::Data, TensorType::real([2])).unwrap();
    let y = b.input("y", Role::Data, TensorType::real([2])).unwrap();
    let ex = b.push(Op::Exp, &[x]).unwrap();
    let ey = b.push(Op::Neg, &[y]).unwrap();
    let sum = b.add(ex, ey).unwrap();
    b.output("sum", Role::Logits, sum);
    b.output("ex", Role::Logits, ex);
    (b.finish().unwrap(), vec![vector(&[0.0, 1.0]), vector(&[2.0, 3.0])])
}

#[test]
fn outputs_come_in_order() {
    let (graph, inputs) = two_branches();
    let e = std::f64::consts::E;
    assert_eq!(run(&graph, &inputs).unwrap(), [vector(&[-1.0, e - 3.0]), vector(&[1.0, e])]);
}

#[test]
fn rerun_recomputes_what_depends_on_the_change_and_nothing_else() {
    let (graph, mut inputs) = two_branches();
    let mut values = run_all(&graph, &inputs).unwrap();
    inputs[1] = vector(&[5.0, 7.0]);
    values[1] = inputs[1].clone();
    let recomputed = rerun(&graph, &mut values, &[ValueId(1)]).unwrap();
    assert_eq!(recomputed, [ValueId(3), ValueId(4)]);
    assert_eq!(values, run_all(&graph, &inputs).unwrap());
}

#[test]
fn bad_input_is_refused_by_name() {
    let (graph, inputs) = two_branches();
    let error = run(&graph, &inputs[..1]).unwrap_err().to_string();
    assert_eq!(error, "inputs: found 1 values, expected 2");
    let error = run(&graph, &[inputs[0].clone(), vector(&[1.0])]).unwrap_err().to_string();
    assert_eq!(error, "input `y`: found real[1], expected real[2]");
    let mut broken = graph.clone();
    broken.instructions[0].operands[0] = ValueId(9);
    assert!(matches!(run(&broken, &inputs), Err(InterpError::Graph(_))));
    assert!(matches!(evaluate(&Op::Add, &[&inputs[0]]), Err(InterpError::Graph(_))));
    assert!(Tensor::new([2, 2], vec![0.0f32; 3]).is_err());
    let none = vector(&[]);
    assert!(eval(Op::SoftmaxCrossEntropy, &[&none, &none])[0].is_nan());
    assert!(evaluate(&Op::Softmax, &[&none]).is_err());
    let mut values = run_all(&graph, &inputs).unwrap();
    assert!(rerun(&graph, &mut values[1..], &[]).is_err());
    values[0] = vector(&[1.0]);
    assert!(rerun(&graph, &mut values, &[ValueId(0)]).is_err());
}
