//! The VJP of a contraction is that contraction with two maps exchanged: for
//! every linear op, the op its rule emits has exactly the exchanged index maps.

use cotangent_graph::{Builder, Contraction, ConvDims, DotDims, Op, Role, TensorType, Window};
use cotangent_vjp::{Application, rule};

/// Differentiates `op` in operand `k` and returns the contraction of what the
/// rule appended, with its operands in the forward op's positions, next to the
/// exchange of the forward contraction. Also returns how many instructions
/// the rule appended.
fn emitted_and_expected(
    op: Op,
    operands: &[&[usize]],
    k: usize,
) -> (Contraction, Contraction, usize) {
    let mut b = Builder::new();
    let values: Vec<_> = operands
        .iter()
        .enumerate()
        .map(|(i, s)| b.input(format!("a{i}"), Role::Data, TensorType::real(*s)).unwrap())
        .collect();
    let types: Vec<TensorType> = operands.iter().map(|s| TensorType::real(*s)).collect();
    let result_type = op.infer(&types.iter().collect::<Vec<_>>()).unwrap();
    let ct = b.input("ct", Role::Data, result_type).unwrap();
    let result = b.push(op.clone(), &values).unwrap();
    let before = b.graph().instructions.len();
    let wanted = (0..values.len()).map(|j| j == k).collect();
    let application =
        Application { op: op.clone(), operands: values.clone(), result, cotangent: ct, wanted };
    let cotangents = rule(&mut b, &application).unwrap();
    let d = cotangents[k].unwrap();
    assert_eq!(b.ty(d), b.ty(values[k]));
    let appended = b.graph().instructions.len() - before;
    let instruction = b.graph().definition(d).unwrap().clone();
    let mut emitted = instruction.op.contraction(&b.graph().operand_types(&instruction)).unwrap();
    // Put the maps where the forward op has them: the cotangent at k.
    let place = |v| if v == ct { k } else { values.iter().position(|&w| w == v).unwrap() };
    let mut maps = emitted.operands.clone();
    for (map, &v) in emitted.operands.iter().zip(&instruction.operands) {
        maps[place(v)] = map.clone();
    }
    emitted.operands = maps;
    let expected = op.contraction(&types.iter().collect::<Vec<_>>()).unwrap().transposed(k);
    (emitted, expected, appended)
}

/// Equal up to the order of the iteration dimensions.
fn assert_same(emitted: &Contraction, expected: &Contraction) {
    let signature = |c: &Contraction| {
        let mut dims: Vec<_> = (0..c.space.len())
            .map(|d| {
                let uses = c.operands.iter().chain([&c.result]).map(|map| {
                    map.iter()
                        .map(|e| e.terms.iter().filter(|t| t.0 == d).map(|t| t.1).sum::<i64>())
                        .collect::<Vec<_>>()
                });
                (c.space[d], uses.collect::<Vec<_>>())
            })
            .collect();
        dims.sort();
        let offsets: Vec<Vec<i64>> = c
            .operands
            .iter()
            .chain([&c.result])
            .map(|map| map.iter().map(|e| e.offset).collect())
            .collect();
        (dims, offsets)
    };
    assert_eq!(signature(emitted), signature(expected));
}

fn check(op: Op, operands: &[&[usize]]) {
    for k in 0..operands.len() {
        let (emitted, expected, appended) = emitted_and_expected(op.clone(), operands, k);
        assert_eq!(appended, 1, "{op:?} in operand {k}");
        assert_same(&emitted, &expected);
    }
}

#[test]
fn matrix_product() {
    check(Op::DotGeneral(DotDims::matmul(2)), &[&[4, 3], &[3, 5]]);
}

#[test]
fn batched_product() {
    let dims = DotDims {
        lhs_batch: vec![0],
        rhs_batch: vec![0],
        lhs_contracting: vec![2],
        rhs_contracting: vec![1],
    };
    check(Op::DotGeneral(dims), &[&[2, 4, 3], &[2, 3, 5]]);
}

#[test]
fn convolutions_are_each_others_products() {
    let dims = ConvDims {
        strides: vec![2, 1],
        padding: vec![(1, 2), (0, 1)],
        dilation: vec![1, 2],
        groups: 2,
    };
    let (x, w): (&[usize], &[usize]) = (&[2, 7, 6, 4], &[3, 2, 2, 6]);
    let y =
        Op::Conv(dims.clone()).infer(&[&TensorType::real(x), &TensorType::real(w)]).unwrap().shape;
    check(Op::Conv(dims.clone()), &[x, w]);
    check(Op::ConvInputGrad { dims: dims.clone(), input: vec![7, 6] }, &[&y, w]);
    check(Op::ConvKernelGrad { dims, kernel: vec![3, 2] }, &[x, &y]);
}

#[test]
fn reindexings() {
    check(Op::BroadcastInDim { shape: vec![4, 5, 3], dims: vec![0, 2] }, &[&[4, 3]]);
    check(Op::ReduceSum { dims: vec![0, 2] }, &[&[4, 5, 3]]);
    check(Op::Transpose { permutation: vec![2, 0, 1] }, &[&[4, 5, 3]]);
    let window = Window { size: vec![1, 3], strides: vec![1, 2], padding: vec![(0, 0), (1, 1)] };
    check(Op::WindowSum(window.clone()), &[&[2, 6]]);
    check(Op::WindowSumGrad { window, input: vec![2, 6] }, &[&[2, 3]]);
}

#[test]
fn the_comparison_can_say_no() {
    let (emitted, _, _) =
        emitted_and_expected(Op::Transpose { permutation: vec![2, 0, 1] }, &[&[4, 5, 3]], 0);
    let (_, other, _) =
        emitted_and_expected(Op::Transpose { permutation: vec![1, 2, 0] }, &[&[4, 5, 3]], 0);
    assert!(std::panic::catch_unwind(|| assert_same(&emitted, &other)).is_err());
}
