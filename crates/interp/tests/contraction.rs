//! The contraction loop against the definition, evaluated point by point.

use cotangent_graph::{ConvDims, DotDims, IndexExpr, Op, TensorType, Window};
use cotangent_interp::{Tensor, Value, evaluate};
use proptest::prelude::*;

/// The linear position `map` gives at `point`, if every index is in range.
fn position(map: &[IndexExpr], point: &[usize], shape: &[usize]) -> Option<usize> {
    map.iter().zip(shape).try_fold(0, |position, (expr, &size)| {
        let terms = expr.terms.iter().map(|&(d, c)| c * point[d] as i64);
        let index = usize::try_from(expr.offset + terms.sum::<i64>()).ok()?;
        (index < size).then_some(position * size + index)
    })
}

/// `op` by the definition in `Contraction`'s documentation, in exact integers.
fn by_definition(op: &Op, operands: &[(Vec<usize>, Vec<i64>)]) -> Vec<i64> {
    let types: Vec<TensorType> =
        operands.iter().map(|(s, _)| TensorType::real(s.clone())).collect();
    let types: Vec<&TensorType> = types.iter().collect();
    let shape = op.infer(&types).unwrap().shape;
    let contraction = op.contraction(&types).unwrap();
    let mut out = vec![0; shape.iter().product()];
    for n in 0..contraction.space.iter().product() {
        let mut rest = n;
        let mut point = vec![0; contraction.space.len()];
        for d in (0..point.len()).rev() {
            point[d] = rest % contraction.space[d];
            rest /= contraction.space[d];
        }
        let factors = contraction.operands.iter().zip(operands);
        let product = factors
            .map(|(map, (shape, data))| position(map, &point, shape).map(|p| data[p]))
            .try_fold(1, |product, factor| Some(product * factor?));
        if let (Some(p), Some(x)) = (position(&contraction.result, &point, &shape), product) {
            out[p] += x;
        }
    }
    out
}

/// Small integers, all distinct from their neighbours: exact in f32.
fn integers(shape: &[usize], seed: i64) -> (Vec<usize>, Vec<i64>) {
    let n: usize = shape.iter().product();
    (shape.to_vec(), (0..n as i64).map(|k| (k * 7 + seed * 3) % 19 - 9).collect())
}

fn agrees(op: &Op, operands: &[(Vec<usize>, Vec<i64>)]) {
    let expected = by_definition(op, operands);
    let values: Vec<Value<f32>> = operands
        .iter()
        .map(|(s, d)| Tensor::new(s.clone(), d.iter().map(|&x| x as f32).collect()).unwrap().into())
        .collect();
    let found = evaluate(op, &values.iter().collect::<Vec<_>>()).unwrap();
    let found: Vec<i64> = found.real().unwrap().data().iter().map(|&x| x as i64).collect();
    assert_eq!(found, expected, "{op:?}");
}

fn shape_of(op: &Op, operands: &[&[usize]]) -> Option<Vec<usize>> {
    let types: Vec<TensorType> = operands.iter().map(|s| TensorType::real(*s)).collect();
    op.infer(&types.iter().collect::<Vec<_>>()).ok().map(|t| t.shape)
}

proptest! {
    #[test]
    fn convolutions(
        batch in 1usize..3, height in 3usize..7, width in 3usize..7,
        kernel in (1usize..4, 1usize..4), strides in (1usize..4, 1usize..4),
        padding in ((0usize..3, 0usize..3), (0usize..3, 0usize..3)),
        dilation in (1usize..3, 1usize..3), groups in 1usize..4,
        features in (1usize..3, 1usize..3), seed in 0i64..100,
    ) {
        let dims = ConvDims {
            strides: vec![strides.0, strides.1],
            padding: vec![padding.0, padding.1],
            dilation: vec![dilation.0, dilation.1],
            groups,
        };
        let image = [batch, height, width, features.0 * groups];
        let weight = [kernel.0, kernel.1, features.0, features.1 * groups];
        let conv = Op::Conv(dims.clone());
        let out = shape_of(&conv, &[&image, &weight]);
        prop_assume!(out.is_some());
        let x = integers(&image, seed);
        let w = integers(&weight, seed + 1);
        let dy = integers(&out.unwrap(), seed + 2);
        agrees(&conv, &[x.clone(), w.clone()]);
        let input = vec![height, width];
        agrees(&Op::ConvInputGrad { dims: dims.clone(), input }, &[dy.clone(), w]);
        agrees(&Op::ConvKernelGrad { dims, kernel: vec![kernel.0, kernel.1] }, &[x, dy]);
    }

    #[test]
    fn windows(
        input in (1usize..7, 1usize..7), size in (1usize..4, 1usize..4),
        strides in (1usize..4, 1usize..4),
        padding in ((0usize..4, 0usize..4), (0usize..4, 0usize..4)), seed in 0i64..100,
    ) {
        let window = Window {
            size: vec![size.0, size.1],
            strides: vec![strides.0, strides.1],
            padding: vec![padding.0, padding.1],
        };
        let input = vec![input.0, input.1];
        let sum = Op::WindowSum(window.clone());
        let out = shape_of(&sum, &[&input]);
        prop_assume!(out.is_some());
        agrees(&sum, &[integers(&input, seed)]);
        agrees(&Op::WindowSumGrad { window, input }, &[integers(&out.unwrap(), seed)]);
    }

    #[test]
    fn dot_products(
        sizes in (1usize..4, 1usize..5, 1usize..5, 1usize..5), seed in 0i64..100,
    ) {
        let (b, m, k, n) = sizes;
        // Batch and contracting dimensions in places that differ left and right.
        let dims = DotDims {
            lhs_batch: vec![2],
            rhs_batch: vec![0],
            lhs_contracting: vec![0, 3],
            rhs_contracting: vec![2, 1],
        };
        let (lhs, rhs) = (integers(&[k, m, b, n], seed), integers(&[b, n, k, m], seed + 1));
        agrees(&Op::DotGeneral(dims), &[lhs, rhs]);
        let plain = Op::DotGeneral(DotDims::matmul(2));
        agrees(&plain, &[integers(&[m, k], seed), integers(&[k, n], seed)]);
    }

    #[test]
    fn re_indexings(sizes in (1usize..5, 1usize..5, 1usize..5), seed in 0i64..100) {
        let (a, b, c) = sizes;
        let x = || vec![integers(&[a, b, c], seed)];
        agrees(&Op::Transpose { permutation: vec![2, 0, 1] }, &x());
        agrees(&Op::ReduceSum { dims: vec![0, 2] }, &x());
        agrees(&Op::BroadcastInDim { shape: vec![a, 3, b, c, 2], dims: vec![0, 2, 3] }, &x());
    }
}

/// The convolution of the textbooks, written without index maps.
#[test]
fn convolution_agrees_with_the_textbook_sum() {
    let (h, w, groups, cin, cout) = (6, 5, 2, 3, 2);
    let (strides, low, dilation, k) = ([2, 1], [1, 2], [1, 2], [3, 2]);
    let dims = ConvDims {
        strides: strides.to_vec(),
        padding: vec![(1, 0), (2, 1)],
        dilation: dilation.to_vec(),
        groups,
    };
    let image = integers(&[2, h, w, cin * groups], 1);
    let kernel = integers(&[k[0], k[1], cin, cout * groups], 2);
    let conv = Op::Conv(dims);
    let shape = shape_of(&conv, &[&image.0, &kernel.0]).unwrap();
    let mut expected = Vec::new();
    for b in 0..2 {
        for y in 0..shape[1] {
            for x in 0..shape[2] {
                for o in 0..cout * groups {
                    let mut sum = 0;
                    for (i, j, c) in (0..k[0])
                        .flat_map(|i| (0..k[1]).flat_map(move |j| (0..cin).map(move |c| (i, j, c))))
                    {
                        let (row, column) =
                            (y * strides[0] + i * dilation[0], x * strides[1] + j * dilation[1]);
                        let (Some(row), Some(column)) =
                            (row.checked_sub(low[0]), column.checked_sub(low[1]))
                        else {
                            continue;
                        };
                        if row < h && column < w {
                            let feature = o / cout * cin + c;
                            sum += image.1[((b * h + row) * w + column) * cin * groups + feature]
                                * kernel.1[((i * k[1] + j) * cin + c) * cout * groups + o];
                        }
                    }
                    expected.push(sum);
                }
            }
        }
    }
    assert_eq!(by_definition(&conv, &[image.clone(), kernel.clone()]), expected);
    agrees(&conv, &[image, kernel]);
}
