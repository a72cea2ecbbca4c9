//! `from_text(to_text(p))` is `p`, constants rounded.

mod cases;

use cases::program;
use cotangent_graph::{
    Builder, ConvDims, Graph, Op, Precision, Rational, Role, TensorType, Window,
};
use cotangent_stablehlo::{LowerError, Manifest, Meta, Program, What, manifest};

const BOTH: [Precision; 2] = [Precision::F32, Precision::F64];

#[test]
fn every_op() {
    for (name, graph) in cases::all() {
        for precision in BOTH {
            let p = program(graph.clone(), precision);
            let text = p.to_text().unwrap();
            let back = Program::from_text(&text).unwrap_or_else(|e| panic!("{name}: {e}\n{text}"));
            assert_eq!(back.graph, graph.clone().rounded(precision).unwrap(), "{name}\n{text}");
            assert_eq!(back.to_text().unwrap(), text, "{name}");
        }
    }
}

/// A training step: a convolutional network's loss, its gradient, an update.
fn step(blocks: usize) -> Graph {
    let mut b = Builder::new();
    let dims = |groups| ConvDims {
        strides: vec![1, 1],
        padding: vec![(1, 1), (1, 1)],
        dilation: vec![1, 1],
        groups,
    };
    let pool = Window {
        size: vec![1, 3, 3, 1],
        strides: vec![1, 1, 1, 1],
        padding: vec![(0, 0), (1, 1), (1, 1), (0, 0)],
    };
    let x = b.input("x", Role::Data, TensorType::real([2, 5, 5, 4])).unwrap();
    let t = b.input("target", Role::Target, TensorType::real([2, 100])).unwrap();
    let rate = b.input("lr", Role::Hyper, TensorType::real([])).unwrap();
    let kernels: Vec<_> = (0..blocks)
        .map(|k| {
            let shape = [3, 3, if k % 2 == 0 { 4 } else { 1 }, 4];
            b.input(format!("block{k}.kernel"), Role::Param, TensorType::real(shape)).unwrap()
        })
        .collect();
    let mut y = x;
    for (k, &w) in kernels.iter().enumerate() {
        y = b.push(Op::Conv(dims(if k % 2 == 0 { 1 } else { 4 })), &[y, w]).unwrap();
        y = b.push(Op::Relu, &[y]).unwrap();
        y = b.push(Op::MaxPool(pool.clone()), &[y]).unwrap();
        y = b.push(Op::WindowSum(pool.clone()), &[y]).unwrap();
    }
    let logits = b.reshape(y, &[2, 100]).unwrap();
    let loss = b.push(Op::SoftmaxCrossEntropy, &[logits, t]).unwrap();
    let one = b.constant(1, &[]).unwrap();
    let gradients = cotangent_vjp::vjp(&mut b, loss, one, &kernels).unwrap();
    for (k, (&w, &dw)) in kernels.iter().zip(&gradients).enumerate() {
        let factor = b.constant_like(Rational::new(9, 10).unwrap(), w).unwrap();
        let scaled = b.mul(factor, dw).unwrap();
        let rates = b.splat(rate, w).unwrap();
        let change = b.mul(rates, scaled).unwrap();
        let new = b.sub(w, change).unwrap();
        b.output(format!("block{k}.kernel"), Role::Param, new);
    }
    b.output("loss", Role::Loss, loss);
    b.finish().unwrap()
}

#[test]
fn a_step() {
    for precision in BOTH {
        let p = program(step(5), precision);
        let text = p.to_text().unwrap();
        let back = Program::from_text(&text).unwrap();
        assert_eq!(back.graph, p.graph.rounded(precision).unwrap());
        // One function per op and operand types: two kinds of convolution.
        assert_eq!(text.matches("func.func private @conv_input_grad").count(), 2);
        assert_eq!(text.matches("func.func private @relu").count(), 1);
    }
}

#[test]
fn functions_are_read_in_any_order() {
    let text = program(step(2), Precision::F32).to_text().unwrap();
    let (head, functions) = text.split_once('\n').unwrap();
    let mut functions: Vec<&str> = functions.split_inclusive("\n  }\n").collect();
    let end = functions.pop().unwrap();
    functions.reverse();
    let reversed = format!("{head}\n{}{end}", functions.concat());
    assert_ne!(reversed, text);
    assert_eq!(Program::from_text(&reversed), Program::from_text(&text));
}

#[test]
fn constants_that_look_like_initial_values_stay() {
    let mut b = Builder::new();
    let x = b.input("x", Role::Data, TensorType::real([])).unwrap();
    // Unused, summed over no dimension, and returned: all graph constants.
    let unused = b.constant(0, &[]).unwrap();
    let summed = b.constant(0, &[]).unwrap();
    let sum = b.push(Op::ReduceSum { dims: vec![] }, &[summed]).unwrap();
    let twice = b.push(Op::ReduceSum { dims: vec![] }, &[x]).unwrap();
    let returned = b.constant(0, &[]).unwrap();
    b.output("a", Role::Logits, sum);
    b.output("b", Role::Logits, returned);
    b.output("c", Role::Logits, twice);
    let g = b.finish().unwrap();
    assert_ne!(unused, summed);
    let text = program(g.clone(), Precision::F32).to_text().unwrap();
    assert_eq!(Program::from_text(&text).unwrap().graph, g);
}

#[test]
fn a_graph_without_instructions_or_reals() {
    let empty = Builder::new().finish().unwrap();
    let mut b = Builder::new();
    let p = b.input("p", Role::Mask, TensorType::pred([2])).unwrap();
    b.output("p", Role::Mask, p);
    for g in [empty, b.finish().unwrap()] {
        let text = program(g.clone(), Precision::F32).to_text().unwrap();
        assert_eq!(Program::from_text(&text).unwrap().graph, g);
    }
}

#[test]
fn names_and_specification_survive_whatever_they_contain() {
    let odd = "[net] # \"quoted\" \\ back\n\ttab é \u{1F600} \0 \\n \\0A //";
    let mut b = Builder::new();
    let x = b.input(odd, Role::Param, TensorType::real([])).unwrap();
    b.output(odd, Role::Param, x);
    let mut p = program(b.finish().unwrap(), Precision::F64);
    p.meta = Meta {
        model: odd.into(),
        what: What::Train,
        batch: 128,
        spec: Some(odd.into()),
        options: Some(String::new()),
    };
    let text = p.to_text().unwrap();
    assert!(text.is_ascii());
    assert_eq!(Program::from_text(&text).unwrap(), p);
}

#[test]
fn constants_are_rounded_once_to_the_precision() {
    let tenth = Rational::new(1, 10).unwrap();
    let g = cases::graph(Op::Constant { value: tenth, shape: vec![] }, &[]);
    for (precision, stored) in [(Precision::F32, f64::from(0.1f32)), (Precision::F64, 0.1f64)] {
        let text = program(g.clone(), precision).to_text().unwrap();
        let back = Program::from_text(&text).unwrap();
        let value = Rational::from_f64(stored).unwrap();
        assert_eq!(back.graph.instructions[0].op, Op::Constant { value, shape: vec![] });
    }
    let large: Rational = "1e39".parse().unwrap();
    let g = cases::graph(Op::Constant { value: large, shape: vec![] }, &[]);
    let error = program(g, Precision::F32).to_text().unwrap_err().to_string();
    assert!(error.contains("overflows f32"), "{error}");
}

/// Attributes that are apart as rationals, but not as floats.
#[test]
fn constants_among_attributes_fit_after_rounding_too() {
    let clamp = Op::Clamp {
        low: "1/3".parse().unwrap(),
        high: "333333333333/999999999998".parse().unwrap(),
    };
    let normalize = Op::Normalize { dims: vec![0], eps: "1e-60".parse().unwrap() };
    let elu = Op::Elu { alpha: "1e39".parse().unwrap() };
    for (op, reason) in [(clamp, "not in order"), (normalize, "above 0"), (elu, "overflows f32")] {
        let p = |precision| program(cases::graph(op.clone(), &[TensorType::real([3])]), precision);
        let error = p(Precision::F32).to_text().unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
        assert!(p(Precision::F64).to_text().is_ok());
    }
}

#[test]
fn ops_that_differ_only_before_rounding_share_a_function() {
    let mut b = Builder::new();
    let x = b.input("x", Role::Data, TensorType::real([3])).unwrap();
    let alphas = ["1/3", "333333333333/999999999998"].map(|a| a.parse().unwrap());
    let y = alphas.map(|alpha| b.push(Op::Elu { alpha }, &[x]).unwrap());
    b.output("y", Role::Logits, y[0]);
    b.output("z", Role::Logits, y[1]);
    let p = program(b.finish().unwrap(), Precision::F32);
    let text = p.to_text().unwrap();
    assert_eq!(text.matches("func.func private").count(), 1);
    assert_eq!(Program::from_text(&text).unwrap().to_text().unwrap(), text);
}

#[test]
fn what_the_text_cannot_hold_is_refused() {
    let wide = Window { size: vec![1 << 15], strides: vec![1], padding: vec![(0, 0)] };
    let operands = [TensorType::real([1 << 15]), TensorType::real([1])];
    let pool = cases::graph(Op::MaxPoolGrad(wide), &operands);
    let batch = [TensorType::real([(1 << 24) + 1, 1]), TensorType::real([(1 << 24) + 1, 1])];
    let loss = cases::graph(Op::SoftmaxCrossEntropy, &batch);
    let rank = cases::graph(Op::Neg, &[TensorType::real(vec![1; 33])]);
    let size = cases::graph(Op::Neg, &[TensorType::real([1 << 31])]);
    for g in [pool, loss.clone(), rank, size] {
        let error = program(g, Precision::F32).to_text().unwrap_err();
        assert!(matches!(error, LowerError::TooLarge { .. }), "{error}");
    }
    // In f64 that batch size is exact.
    assert!(program(loss, Precision::F64).to_text().is_ok());
}

#[test]
fn work_is_linear_in_the_graph() {
    let mut b = Builder::new();
    let mut x = b.input("x", Role::Data, TensorType::real([8, 8])).unwrap();
    for _ in 0..50_000 {
        x = b.push(Op::Relu, &[x]).unwrap();
        x = b.add(x, x).unwrap();
    }
    b.output("y", Role::Logits, x);
    let p = program(b.finish().unwrap(), Precision::F32);
    // A second is twenty times what this takes, and a hundredth of what a
    // quadratic printer or parser would.
    let start = std::time::Instant::now();
    let text = p.to_text().unwrap();
    let printed = start.elapsed();
    let back = Program::from_text(&text).unwrap();
    assert!(start.elapsed().as_secs_f64() < 3.0, "{printed:?}, {:?}", start.elapsed());
    assert_eq!(back, p);
}

#[test]
fn the_manifest_lists_the_text_in_order() {
    let p = program(step(1), Precision::F32);
    let back = Program::from_text(&p.to_text().unwrap()).unwrap();
    let manifest = manifest(&back);
    let json = serde_json::to_string(&manifest).unwrap();
    expect_test::expect![[r#"{"model":"test","what":"op","batch":2,"inputs":[{"name":"x","shape":[2,5,5,4],"dtype":"f32","role":"data"},{"name":"target","shape":[2,100],"dtype":"f32","role":"target"},{"name":"lr","shape":[],"dtype":"f32","role":"hyper"},{"name":"block0.kernel","shape":[3,3,4,4],"dtype":"f32","role":"param"}],"outputs":[{"name":"block0.kernel","shape":[3,3,4,4],"dtype":"f32","role":"param"},{"name":"loss","shape":[],"dtype":"f32","role":"loss"}]}"#]].assert_eq(&json);
    assert_eq!(serde_json::from_str::<Manifest>(&json).unwrap(), manifest);
    let wrong = json.replace("\"hyper\"", "\"hypr\"");
    assert!(serde_json::from_str::<Manifest>(&wrong).is_err());
}

/// `reprint/mlir.mlir` is what jaxlib 0.10.2 prints of `reprint/cotangent.mlir`,
/// a training step: `str(ir.Module.parse(text))`.
#[test]
fn what_mlir_prints_of_a_text_is_the_same_program() {
    let ours = include_str!("reprint/cotangent.mlir");
    let theirs = include_str!("reprint/mlir.mlir");
    assert_ne!(ours, theirs);
    let program = Program::from_text(theirs).unwrap();
    assert_eq!(Program::from_text(ours).as_ref(), Ok(&program));
    assert_eq!(program.to_text().unwrap(), ours);
}

/// `reprint/ops.mlir` is what jaxlib 0.10.2 prints of the files of `ops/`.
#[test]
fn what_mlir_prints_of_each_op_is_the_same_program() {
    let theirs = include_str!("reprint/ops.mlir").split("// ----- ").skip(1);
    let mut count = 0;
    for (name, theirs) in theirs.map(|t| t.split_once('\n').unwrap()) {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ops").join(name);
        let ours = std::fs::read_to_string(path).unwrap();
        assert_eq!(Program::from_text(theirs), Program::from_text(&ours), "{name}");
        count += 1;
    }
    let ops = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ops");
    assert_eq!(count, std::fs::read_dir(ops).unwrap().count());
}
