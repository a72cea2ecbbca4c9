//! The rule of every op. Each states the Jacobian it multiplies by.

use crate::{Application, Cotangents, VjpError, linear};
use cotangent_graph::{Builder, Comparison, Op, ValueId};

/// The vector-Jacobian product of `application.op`: instructions that compute,
/// for each operand wanted, the cotangent times the op's derivative in it.
pub fn rule(b: &mut Builder, application: &Application) -> Result<Cotangents, VjpError> {
    let Application { op, operands, result, cotangent: ct, wanted } = application;
    let (ct, result) = (*ct, *result);
    let arg = |k: usize| operands[k];
    match op {
        Op::Constant { .. } => Ok(vec![]),
        // Comparisons are locally constant; their result carries no cotangent.
        Op::Compare(_) => Ok(vec![None, None]),

        Op::Add => Ok(vec![Some(ct), Some(ct)]),
        Op::Sub => Ok(vec![Some(ct), want(wanted[1], || Ok(b.push(Op::Neg, &[ct])?))?]),
        Op::Neg => Ok(vec![Some(b.push(Op::Neg, &[ct])?)]),
        // The product rule.
        Op::Mul => Ok(vec![
            want(wanted[0], || Ok(b.mul(ct, arg(1))?))?,
            want(wanted[1], || Ok(b.mul(ct, arg(0))?))?,
        ]),
        // d(a/b) = da/b - (a/b)·db/b
        Op::Div => Ok(vec![
            want(wanted[0], || Ok(b.div(ct, arg(1))?))?,
            want(wanted[1], || {
                let scaled = b.mul(ct, result)?;
                let quotient = b.div(scaled, arg(1))?;
                Ok(b.push(Op::Neg, &[quotient])?)
            })?,
        ]),

        // Diagonal Jacobians: one multiplication by the derivative.
        Op::Exp => Ok(vec![Some(b.mul(ct, result)?)]),
        Op::Log => Ok(vec![Some(b.div(ct, arg(0))?)]),
        // √' = 1 / (2√)
        Op::Sqrt => {
            let twice = b.add(result, result)?;
            Ok(vec![Some(b.div(ct, twice)?)])
        }
        // rsqrt' = -rsqrt / (2a)
        Op::Rsqrt => {
            let scaled = b.mul(ct, result)?;
            let twice = b.add(arg(0), arg(0))?;
            let quotient = b.div(scaled, twice)?;
            Ok(vec![Some(b.push(Op::Neg, &[quotient])?)])
        }
        // tanh' = 1 - tanh²
        Op::Tanh => {
            let one = b.constant_like(1, result)?;
            let square = b.mul(result, result)?;
            let slope = b.sub(one, square)?;
            Ok(vec![Some(b.mul(ct, slope)?)])
        }
        // σ' = σ·(1 - σ)
        Op::Logistic => {
            let one = b.constant_like(1, result)?;
            let rest = b.sub(one, result)?;
            let slope = b.mul(result, rest)?;
            Ok(vec![Some(b.mul(ct, slope)?)])
        }
        Op::Erf => {
            let slope = b.push(Op::ErfGrad, &[arg(0)])?;
            Ok(vec![Some(b.mul(ct, slope)?)])
        }
        // (c·exp(-a²))' = -2a · c·exp(-a²)
        Op::ErfGrad => {
            let twice = b.add(arg(0), arg(0))?;
            let slope = b.mul(twice, result)?;
            let negative = b.push(Op::Neg, &[slope])?;
            Ok(vec![Some(b.mul(ct, negative)?)])
        }
        Op::Softplus => {
            let slope = b.push(Op::Logistic, &[arg(0)])?;
            Ok(vec![Some(b.mul(ct, slope)?)])
        }
        // 1 where a > 0, else α·eᵃ, which is the result plus α.
        Op::Elu { alpha } => {
            let zero = b.constant_like(0, arg(0))?;
            let on = b.compare(Comparison::Gt, arg(0), zero)?;
            let alpha = b.constant_like(alpha.clone(), result)?;
            let slope = b.add(result, alpha)?;
            let below = b.mul(ct, slope)?;
            Ok(vec![Some(b.select(on, ct, below)?)])
        }
        // 1 between the bounds, else 0: zero at both kinks.
        Op::Clamp { low, high } => {
            let zero = b.constant_like(0, arg(0))?;
            let low = b.constant_like(low.clone(), arg(0))?;
            let high = b.constant_like(high.clone(), arg(0))?;
            let above = b.compare(Comparison::Gt, arg(0), low)?;
            let below = b.compare(Comparison::Gt, high, arg(0))?;
            let kept = b.select(below, ct, zero)?;
            Ok(vec![Some(b.select(above, kept, zero)?)])
        }
        // The sign of a; zero at the kink.
        Op::Abs => {
            let zero = b.constant_like(0, arg(0))?;
            let positive = b.compare(Comparison::Gt, arg(0), zero)?;
            let negative = b.compare(Comparison::Gt, zero, arg(0))?;
            let opposite = b.push(Op::Neg, &[ct])?;
            let rest = b.select(negative, opposite, zero)?;
            Ok(vec![Some(b.select(positive, ct, rest)?)])
        }
        // All to the greater; half to each where they are equal.
        Op::Maximum => {
            let zero = b.constant_like(0, ct)?;
            let two = b.constant_like(2, ct)?;
            let half = b.div(ct, two)?;
            let tie = b.compare(Comparison::Eq, arg(0), arg(1))?;
            let mut share = |wanted, greater, lesser| {
                want(wanted, || {
                    let on = b.compare(Comparison::Gt, greater, lesser)?;
                    let rest = b.select(tie, half, zero)?;
                    Ok(b.select(on, ct, rest)?)
                })
            };
            Ok(vec![share(wanted[0], arg(0), arg(1))?, share(wanted[1], arg(1), arg(0))?])
        }
        // 1 where a > 0, else 0: zero at the kink.
        Op::Relu => {
            let zero = b.constant_like(0, arg(0))?;
            let on = b.compare(Comparison::Gt, arg(0), zero)?;
            Ok(vec![Some(b.select(on, ct, zero)?)])
        }
        Op::Select => {
            let zero = b.constant_like(0, ct)?;
            Ok(vec![
                None,
                want(wanted[1], || Ok(b.select(arg(0), ct, zero)?))?,
                want(wanted[2], || Ok(b.select(arg(0), zero, ct)?))?,
            ])
        }

        Op::DotGeneral(_)
        | Op::Conv(_)
        | Op::ConvInputGrad { .. }
        | Op::ConvKernelGrad { .. }
        | Op::BroadcastInDim { .. }
        | Op::ReduceSum { .. }
        | Op::Transpose { .. }
        | Op::Slice { .. }
        | Op::Pad { .. }
        | Op::Concatenate { .. }
        | Op::WindowSum(_)
        | Op::WindowSumGrad { .. } => linear::rule(b, application),

        Op::Reshape { .. } => {
            let shape = b.shape(arg(0)).to_vec();
            Ok(Application::one(b.reshape(ct, &shape)?))
        }

        // Binary selection: each window's cotangent goes to its first maximum.
        Op::MaxPool(window) => {
            Ok(vec![Some(b.push(Op::MaxPoolGrad(window.clone()), &[arg(0), ct])?)])
        }
        Op::MaxPoolGrad(_) if wanted[1] => {
            Err(VjpError::NotDifferentiable { op: op.name(), operand: 1 })
        }
        // The choice of cell is locally constant.
        Op::MaxPoolGrad(_) => Ok(vec![None, None]),

        // Rank-1 corrections, one per moment: with r = 1/√(σ² + ε),
        // da = r·(ct - mean(ct) - x̂·mean(ct·x̂)).
        Op::Normalize { dims, eps } => {
            let shape = b.shape(arg(0)).to_vec();
            let kept: Vec<usize> = (0..shape.len()).filter(|d| !dims.contains(d)).collect();
            let variance = b.push(Op::Variance { dims: dims.clone() }, &[arg(0)])?;
            let eps = b.constant_like(eps.clone(), variance)?;
            let shifted = b.add(variance, eps)?;
            let scale = b.push(Op::Rsqrt, &[shifted])?;
            let scale = b.broadcast(scale, &shape, &kept)?;
            let mean = b.mean(ct, dims)?;
            let mean = b.broadcast(mean, &shape, &kept)?;
            let along = b.mul(ct, result)?;
            let along = b.mean(along, dims)?;
            let along = b.broadcast(along, &shape, &kept)?;
            let along = b.mul(result, along)?;
            let centred = b.sub(ct, mean)?;
            let rest = b.sub(centred, along)?;
            Ok(vec![Some(b.mul(scale, rest)?)])
        }
        // da = 2·(a - mean a)·ct / N
        Op::Variance { dims } => {
            let shape = b.shape(arg(0)).to_vec();
            let kept: Vec<usize> = (0..shape.len()).filter(|d| !dims.contains(d)).collect();
            let count: usize = dims.iter().map(|&d| shape[d]).product();
            let mean = b.mean(arg(0), dims)?;
            let mean = b.broadcast(mean, &shape, &kept)?;
            let centred = b.sub(arg(0), mean)?;
            let twice = b.add(ct, ct)?;
            let count = b.constant_like(count as i64, ct)?;
            let share = b.div(twice, count)?;
            let share = b.broadcast(share, &shape, &kept)?;
            Ok(vec![Some(b.mul(centred, share)?)])
        }

        // Rank-1 correction to a diagonal: J = diag(s) - s sᵀ.
        Op::Softmax => {
            let weighted = b.mul(ct, result)?;
            let total = sum_last(b, weighted)?;
            let centred = b.sub(ct, total)?;
            Ok(vec![Some(b.mul(result, centred)?)])
        }
        // ((Σ_c t) · softmax(z) - t) / B
        Op::SoftmaxCrossEntropy => {
            if wanted[1] {
                return Err(VjpError::NotDifferentiable { op: op.name(), operand: 1 });
            }
            let (z, t) = (arg(0), arg(1));
            let softmax = b.push(Op::Softmax, &[z])?;
            let mass = sum_last(b, t)?;
            let expected = b.mul(mass, softmax)?;
            let excess = b.sub(expected, t)?;
            let (classes, all) = (b.shape(z).last().copied().unwrap_or(1), b.ty(z).len());
            let rows = b.constant((all / classes) as i64, &[])?;
            let scale = b.div(ct, rows)?;
            let scale = b.splat(scale, z)?;
            Ok(vec![Some(b.mul(excess, scale)?), None])
        }
    }
}

/// The sum over the last dimension, broadcast back over it.
fn sum_last(b: &mut Builder, a: ValueId) -> Result<ValueId, VjpError> {
    let shape = b.shape(a).to_vec();
    let last = shape.len() - 1;
    let total = b.reduce_sum(a, &[last])?;
    let kept: Vec<usize> = (0..last).collect();
    Ok(b.broadcast(total, &shape, &kept)?)
}

/// Builds a cotangent only where it is wanted.
pub(crate) fn want(
    wanted: bool,
    build: impl FnOnce() -> Result<ValueId, VjpError>,
) -> Result<Option<ValueId>, VjpError> {
    wanted.then(build).transpose()
}
