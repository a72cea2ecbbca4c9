//! Round trips of random graphs, and of ops with random attributes.

use cotangent_graph::{Builder, Graph, Op, Precision, Rational, Role, TensorType};
use cotangent_stablehlo::{Meta, Program, What};
use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestCaseError};

/// Printed, parsed and printed again at both precisions.
fn survives(graph: &Graph) -> Result<(), TestCaseError> {
    for precision in [Precision::F32, Precision::F64] {
        let meta =
            Meta { model: "test".into(), what: What::Op, batch: 2, spec: None, options: None };
        let text = Program { graph: graph.clone(), meta, precision }.to_text().unwrap();
        let back = Program::from_text(&text);
        let back = back.map_err(|e| TestCaseError::fail(format!("{e}\n{text}")))?;
        prop_assert_eq!(&back.graph, &graph.clone().rounded(precision).unwrap(), "{}", text);
        prop_assert_eq!(back.to_text().unwrap(), text);
    }
    Ok(())
}

fn shape(rank: std::ops::RangeInclusive<usize>) -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(1usize..5, rank)
}

/// A shape, and some of its dimensions, at least one.
fn shape_and_dims() -> impl Strategy<Value = (Vec<usize>, Vec<usize>)> {
    let some = |rank: usize| prop::sample::subsequence((0..rank).collect::<Vec<_>>(), 1..=rank);
    shape(1..=5).prop_flat_map(move |s| (Just(s.clone()), some(s.len())))
}

/// Numbers that both precisions store apart, if they are apart at all.
fn number() -> impl Strategy<Value = Rational> {
    (-5000i64..5000, 1i64..50).prop_map(|(n, d)| Rational::new(n, d).unwrap())
}

fn round_trip(op: Op, operands: &[Vec<usize>]) -> Result<(), TestCaseError> {
    let mut b = Builder::new();
    let mut values = Vec::new();
    for (k, shape) in operands.iter().enumerate() {
        let ty = TensorType::real(shape.clone());
        values.push(b.input(format!("x{k}"), Role::Data, ty).unwrap());
    }
    let y = b.push(op, &values).unwrap();
    b.output("y", Role::Logits, y);
    survives(&b.finish().unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(200),
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn graphs(seed: u64, size in 1usize..30) {
        survives(&cotangent_check::random_graph(seed, size).unwrap().0)?;
    }

    #[test]
    fn elu(shape in shape(0..=4), alpha in number()) {
        round_trip(Op::Elu { alpha }, &[shape])?;
    }

    #[test]
    fn clamp(shape in shape(0..=4), one in number(), other in number()) {
        prop_assume!(one != other);
        let (low, high) = if one < other { (one, other) } else { (other, one) };
        round_trip(Op::Clamp { low, high }, &[shape])?;
    }

    #[test]
    fn moments((shape, dims) in shape_and_dims(), eps in number()) {
        round_trip(Op::Variance { dims: dims.clone() }, std::slice::from_ref(&shape))?;
        prop_assume!(eps > Rational::integer(0));
        round_trip(Op::Normalize { dims, eps }, &[shape])?;
    }

    #[test]
    fn slices(bounds in prop::collection::vec((0usize..4, 1usize..5, 0usize..3, 1usize..4), 0..=4)) {
        let shape: Vec<usize> = bounds.iter().map(|b| b.0 + b.1 + b.2).collect();
        let op = Op::Slice {
            starts: bounds.iter().map(|b| b.0).collect(),
            limits: bounds.iter().map(|b| b.0 + b.1).collect(),
            strides: bounds.iter().map(|b| b.3).collect(),
        };
        round_trip(op, &[shape])?;
    }

    #[test]
    fn pads(sizes in prop::collection::vec((1usize..4, 0usize..3, 0usize..3, 0usize..3), 0..=4)) {
        let op = Op::Pad {
            low: sizes.iter().map(|s| s.1).collect(),
            high: sizes.iter().map(|s| s.2).collect(),
            interior: sizes.iter().map(|s| s.3).collect(),
        };
        round_trip(op, &[sizes.iter().map(|s| s.0).collect()])?;
    }

    #[test]
    fn concatenations(shape in shape(1..=4), dim: prop::sample::Index, sizes in prop::collection::vec(1usize..5, 1..=4)) {
        let dim = dim.index(shape.len());
        let part = |&size: &usize| {
            let mut part = shape.clone();
            part[dim] = size;
            part
        };
        let parts: Vec<Vec<usize>> = sizes.iter().map(part).collect();
        round_trip(Op::Concatenate { dim, count: parts.len() }, &parts)?;
    }
}
