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
