//! Ops with a closed form: pools, moments, softmax.

use super::{Mutation, with};
use cotangent_graph::{Builder, Comparison, Op, Rational, ValueId, Window};
use cotangent_vjp::{Application, Cotangents, VjpError, rule};

fn sum_last(b: &mut Builder, x: ValueId) -> Result<ValueId, VjpError> {
    let shape = b.shape(x).to_vec();
    let last = shape.len() - 1;
    let total = b.reduce_sum(x, &[last])?;
    Ok(b.broadcast(total, &shape, &(0..last).collect::<Vec<_>>())?)
}

/// Cross-entropy's cotangent from its parts; `mass` is whether `softmax` is
/// scaled by `Σt`, `mean` whether the sum is divided by the number of rows.
fn cross_entropy(
    b: &mut Builder,
    a: &Application,
    mass: bool,
    mean: bool,
) -> Result<Cotangents, VjpError> {
    let (z, t) = (a.operands[0], a.operands[1]);
    let mut softmax = b.push(Op::Softmax, &[z])?;
    if mass {
        let total = sum_last(b, t)?;
        softmax = b.mul(softmax, total)?;
    }
    let excess = b.sub(softmax, t)?;
    let mut scale = a.cotangent;
    if mean {
        let shape = b.shape(z);
        let rows: usize = shape[..shape.len() - 1].iter().product();
        let rows = b.constant(rows as i64, &[])?;
        scale = b.div(scale, rows)?;
    }
    let scale = b.splat(scale, z)?;
    Ok(vec![Some(b.mul(excess, scale)?), None])
}

/// Every maximal cell of a pool over the whole of a vector.
fn all_ties(b: &mut Builder, a: &Application, w: &Window) -> Result<Cotangents, VjpError> {
    let n = b.shape(a.operands[0])[0];
    if w.size != [n] || b.shape(a.result) != [1] {
        return rule(b, a);
    }
    let top = b.reshape(a.result, &[])?;
    let top = b.splat(top, a.operands[0])?;
    let ct = b.reshape(a.cotangent, &[])?;
    let ct = b.splat(ct, a.operands[0])?;
    let zero = b.constant_like(0, ct)?;
    let tied = b.compare(Comparison::Eq, a.operands[0], top)?;
    Ok(vec![Some(b.select(tied, ct, zero)?)])
}

/// The cotangent of a normalisation with or without the corrections for its
/// mean and its variance.
fn normalized(
    b: &mut Builder,
    a: &Application,
    dims: &[usize],
    eps: &Rational,
    mean: bool,
    variance: bool,
) -> Result<Cotangents, VjpError> {
    let shape = b.shape(a.operands[0]).to_vec();
    let kept: Vec<usize> = (0..shape.len()).filter(|d| !dims.contains(d)).collect();
    let spread = b.push(Op::Variance { dims: dims.to_vec() }, &[a.operands[0]])?;
    let eps = b.constant_like(eps.clone(), spread)?;
    let shifted = b.add(spread, eps)?;
    let scale = b.push(Op::Rsqrt, &[shifted])?;
    let scale = b.broadcast(scale, &shape, &kept)?;
    let mut rest = a.cotangent;
    if mean {
        let mean = b.mean(a.cotangent, dims)?;
        let mean = b.broadcast(mean, &shape, &kept)?;
        rest = b.sub(rest, mean)?;
    }
    if variance {
        let along = b.mul(a.cotangent, a.result)?;
        let along = b.mean(along, dims)?;
        let along = b.broadcast(along, &shape, &kept)?;
        let along = b.mul(a.result, along)?;
        rest = b.sub(rest, along)?;
    }
    Ok(vec![Some(b.mul(scale, rest)?)])
}

/// Wrong rules of ops with a closed form.
pub(super) fn wrong() -> Vec<Mutation> {
    vec![
        wrong!("max_pool", "spread over the window", Op::MaxPool(w) => |b, a| {
            let input = b.shape(a.operands[0]).to_vec();
            let op = Op::WindowSumGrad { window: w.clone(), input };
            Ok(vec![Some(b.push(op, &[a.cotangent])?)])
        }),
        wrong!("max_pool", "every tied cell", Op::MaxPool(w) => |b, a| all_ties(b, a, w)),
        wrong!("max_pool", "smallest cell", Op::MaxPool(w) => |b, a| {
            let minus = b.push(Op::Neg, &[a.operands[0]])?;
            Ok(vec![Some(b.push(Op::MaxPoolGrad(w.clone()), &[minus, a.cotangent])?)])
        }),
        wrong!("max_pool_grad", "not constant in its first operand", Op::MaxPoolGrad(_) => |_b, a| {
            Ok(vec![Some(a.cotangent), None])
        }),
        wrong!("softmax", "rank-1 term dropped", Op::Softmax => |b, a| {
            Ok(vec![Some(b.mul(a.cotangent, a.result)?)])
        }),
        wrong!("softmax", "sum not weighted", Op::Softmax => |b, a| {
            let total = sum_last(b, a.cotangent)?;
            let centred = b.sub(a.cotangent, total)?;
            Ok(vec![Some(b.mul(a.result, centred)?)])
        }),
        wrong!("softmax_cross_entropy", "Σt taken for 1", Op::SoftmaxCrossEntropy => |b, a| {
            cross_entropy(b, a, false, true)
        }),
        wrong!("softmax_cross_entropy", "sum for mean", Op::SoftmaxCrossEntropy => |b, a| {
            cross_entropy(b, a, true, false)
        }),
        wrong!("variance", "2 dropped", Op::Variance { .. } => |b, a| {
            with(b, a, 0, |b, right| {
                let two = b.constant_like(2, right)?;
                Ok(b.div(right, two)?)
            })
        }),
        wrong!("variance", "mean not subtracted", Op::Variance { dims } => |b, a| {
            let shape = b.shape(a.operands[0]).to_vec();
            let kept: Vec<usize> = (0..shape.len()).filter(|d| !dims.contains(d)).collect();
            let count: usize = dims.iter().map(|&d| shape[d]).product();
            let ct = b.broadcast(a.cotangent, &shape, &kept)?;
            let twice = b.add(a.operands[0], a.operands[0])?;
            let product = b.mul(twice, ct)?;
            let count = b.constant_like(count as i64, product)?;
            Ok(vec![Some(b.div(product, count)?)])
        }),
        wrong!("normalize", "mean taken for constant", Op::Normalize { dims, eps } => |b, a| {
            normalized(b, a, dims, eps, false, true)
        }),
        wrong!("normalize", "variance taken for constant", Op::Normalize { dims, eps } => |b, a| {
            normalized(b, a, dims, eps, true, false)
        }),
        wrong!("normalize", "ε forgotten", Op::Normalize { dims, .. } => |b, a| {
            normalized(b, a, dims, &Rational::integer(0), true, true)
        }),
    ]
}
