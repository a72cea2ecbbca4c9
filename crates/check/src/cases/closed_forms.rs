//! Softmax, its cross-entropy, and moments.

use super::{Case, built, number, param, plain, targets};
use crate::CheckError;
use cotangent_graph::{Builder, Op, ValueId};

pub(super) fn cases() -> Result<Vec<Case>, CheckError> {
    let cross_entropy = |what, shape: &[usize]| {
        plain(what, Op::SoftmaxCrossEntropy, &[param(shape), targets(shape)])
    };
    let mut cases = vec![
        plain("one row", Op::Softmax, &[param(&[5])])?,
        plain("rows", Op::Softmax, &[param(&[2, 4])])?,
        plain("attention", Op::Softmax, &[param(&[2, 2, 3])])?,
        cross_entropy("one row", &[5])?,
        cross_entropy("rows", &[3, 4])?,
        cross_entropy("two leading dimensions", &[2, 3, 4])?,
        built(
            "logits in use elsewhere",
            "softmax_cross_entropy",
            &[param(&[3, 4]), targets(&[3, 4])],
            |b, v| {
                let square = b.mul(v[0], v[0])?;
                let loss = b.push(Op::SoftmaxCrossEntropy, &[square, v[1]])?;
                let total = b.reduce_sum(v[0], &[0, 1])?;
                b.mul(loss, total)
            },
        )?,
    ];
    let image: &[usize] = &[2, 3, 2, 4];
    for (what, dims) in [
        ("of each channel", vec![0, 1, 2]),
        ("of each pixel", vec![3]),
        ("of each image", vec![1, 2, 3]),
        ("of everything", vec![0, 1, 2, 3]),
    ] {
        cases.push(plain(what, Op::Variance { dims: dims.clone() }, &[param(image)])?);
        for eps in ["1e-5", "1/10"] {
            let op = Op::Normalize { dims: dims.clone(), eps: number(eps)? };
            cases.push(plain(&format!("{what}, ε = {eps}"), op, &[param(image)])?);
        }
    }
    cases.push(plain("of one element", Op::Variance { dims: vec![0] }, &[param(&[1, 3])])?);
    let eps = number("1/10")?;
    let squared = |b: &mut Builder, v: &[ValueId]| {
        let y = b.push(Op::Normalize { dims: vec![1], eps }, &[v[0]])?;
        let y = b.mul(y, y)?;
        b.mul(y, v[0])
    };
    cases.push(built("argument in use elsewhere", "normalize", &[param(&[3, 4])], squared)?);
    Ok(cases)
}
