//! Sums and maxima over windows.

use super::{Case, built, data, param, plain};
use crate::CheckError;
use cotangent_graph::{Op, TensorType, Window};

fn window(size: &[usize], strides: &[usize], padding: &[(usize, usize)]) -> Window {
    Window { size: size.to_vec(), strides: strides.to_vec(), padding: padding.to_vec() }
}

pub(super) fn cases() -> Result<Vec<Case>, CheckError> {
    let mut cases = Vec::new();
    let image: &[usize] = &[2, 5, 6, 2];
    let over = |size, stride, padding| {
        window(&[1, size, size, 1], &[1, stride, stride, 1], &[(0, 0), padding, padding, (0, 0)])
    };
    for (what, w) in [
        ("apart", over(2, 2, (0, 0))),
        ("with gaps", over(2, 3, (0, 0))),
        ("overlapping", over(3, 2, (0, 0))),
        ("overlapping, padded", over(3, 2, (1, 2))),
        (
            "over all dimensions",
            window(&[2, 3, 2, 2], &[1, 1, 2, 1], &[(0, 1), (1, 0), (0, 0), (0, 1)]),
        ),
    ] {
        let sum = Op::WindowSum(w.clone());
        let dy = sum.infer(&[&TensorType::real(image)])?.shape;
        let grad = Op::WindowSumGrad { window: w.clone(), input: image.to_vec() };
        cases.push(plain(what, sum, &[param(image)])?);
        cases.push(plain(what, grad, &[param(&dy)])?);
        cases.push(plain(what, Op::MaxPool(w.clone()), &[param(image)])?);
        // Constant in its first operand between kinks, so there is a product.
        let inputs = [param(image), data(&dy)];
        cases.push(built(what, "max_pool_grad", &inputs, |b, v| {
            let back = b.push(Op::MaxPoolGrad(w), &[v[0], v[1]])?;
            b.mul(back, v[0])
        })?);
    }
    Ok(cases)
}
