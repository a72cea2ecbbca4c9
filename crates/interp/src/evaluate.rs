//! One op on values.

use crate::contraction::contract;
use crate::moments::{normalize, variance};
use crate::pool::{max_pool, max_pool_grad};
use crate::softmax::{softmax, softmax_cross_entropy};
use crate::{InterpError, Scalar, Tensor, Value};
use cotangent_graph::{Comparison, GraphError, Op, TensorType};

/// The value of `op` applied to `operands`; an error if they do not fit it.
pub fn evaluate<T: Scalar>(op: &Op, operands: &[&Value<T>]) -> Result<Value<T>, InterpError> {
    let types: Vec<TensorType> = operands.iter().map(|v| v.ty()).collect();
    let types: Vec<&TensorType> = types.iter().collect();
    let shape = op.infer(&types)?.shape;
    if let Some(contraction) = op.contraction(&types) {
        let tensors = operands.iter().map(|v| v.real()).collect::<Result<Vec<_>, _>>()?;
        return Ok(Value::Real(contract(&contraction, &tensors, &shape)));
    }
    let real = |k: usize| operands[k].real();
    let unary = |f: fn(T) -> T| Ok::<_, InterpError>(real(0)?.map(|&a| f(a)));
    let binary = |f: fn(T, T) -> T| Ok::<_, InterpError>(real(0)?.zip(real(1)?, |&a, &b| f(a, b)));
    Ok(Value::Real(match op {
        Op::Constant { value, .. } => {
            let c = T::from_rational(value);
            if !c.is_finite() {
                let value = value.to_string();
                return Err(InterpError::Overflow { value, precision: T::NAME });
            }
            Tensor::of_len(&shape, vec![c; shape.iter().product()])
        }
        Op::Add => binary(|a, b| a + b)?,
        Op::Sub => binary(|a, b| a - b)?,
        Op::Mul => binary(|a, b| a * b)?,
        Op::Div => binary(|a, b| a / b)?,
        Op::Neg => unary(|a| -a)?,
        Op::Exp => unary(T::exp)?,
        Op::Log => unary(T::ln)?,
        Op::Sqrt => unary(T::sqrt)?,
        Op::Rsqrt => unary(|a| a.sqrt().recip())?,
        Op::Tanh => unary(T::tanh)?,
        Op::Logistic => unary(logistic)?,
        Op::Erf => unary(T::erf)?,
        Op::ErfGrad => unary(|a| T::two_over_root_pi() * (-(a * a)).exp())?,
        Op::Softplus => unary(|a| positive(a) + (-a.abs()).exp().ln_1p())?,
        Op::Elu { alpha } => {
            let alpha = T::from_rational(alpha);
            real(0)?.map(|&a| if a <= T::zero() { alpha * a.exp_m1() } else { a })
        }
        Op::Clamp { low, high } => {
            let (low, high) = (T::from_rational(low), T::from_rational(high));
            real(0)?.map(|&a| match a {
                a if a < low => low,
                a if a > high => high,
                a => a,
            })
        }
        Op::Abs => unary(T::abs)?,
        // A NaN on either side passes.
        Op::Maximum => binary(|a, b| if a >= b || a.is_nan() { a } else { b })?,
        // Written so that a NaN passes.
        Op::Relu => unary(positive)?,
        Op::Compare(direction) => {
            return Ok(Value::Pred(match direction {
                Comparison::Eq => real(0)?.zip(real(1)?, |a, b| a == b),
                Comparison::Gt => real(0)?.zip(real(1)?, |a, b| a > b),
                Comparison::Ge => real(0)?.zip(real(1)?, |a, b| a >= b),
            }));
        }
        Op::Select => {
            let branches = real(1)?.data().iter().zip(real(2)?.data());
            let chosen = operands[0].pred()?.data().iter().zip(branches);
            Tensor::of_len(&shape, chosen.map(|(&p, (&a, &b))| if p { a } else { b }).collect())
        }
        Op::Reshape { .. } => Tensor::of_len(&shape, real(0)?.data().to_vec()),
        Op::Concatenate { dim, .. } => {
            let parts = operands.iter().map(|v| v.real()).collect::<Result<Vec<_>, _>>()?;
            concatenate(*dim, &parts, &shape)
        }
        Op::Variance { dims } => variance(dims, real(0)?),
        Op::Normalize { dims, eps } => normalize(dims, T::from_rational(eps), real(0)?),
        Op::MaxPool(window) => max_pool(window, real(0)?, &shape),
        Op::MaxPoolGrad(window) => max_pool_grad(window, real(0)?, real(1)?),
        Op::Softmax => softmax(real(0)?),
        Op::SoftmaxCrossEntropy => softmax_cross_entropy(real(0)?, real(1)?),
        Op::DotGeneral(_)
        | Op::Conv(_)
        | Op::ConvInputGrad { .. }
        | Op::ConvKernelGrad { .. }
        | Op::BroadcastInDim { .. }
        | Op::ReduceSum { .. }
        | Op::Transpose { .. }
        | Op::Slice { .. }
        | Op::Pad { .. }
        | Op::WindowSum(_)
        | Op::WindowSumGrad { .. } => {
            return Err(InterpError::Graph(GraphError::Type {
                op: op.name(),
                reason: "the op has no contraction to run".into(),
            }));
        }
    }))
}

fn positive<T: Scalar>(a: T) -> T {
    if a <= T::zero() { T::zero() } else { a }
}

/// By the exponential that does not overflow.
fn logistic<T: Scalar>(a: T) -> T {
    let e = (-a.abs()).exp();
    let numerator = if a >= T::zero() { T::one() } else { e };
    numerator / (T::one() + e)
}

fn concatenate<T: Scalar>(dim: usize, parts: &[&Tensor<T>], shape: &[usize]) -> Tensor<T> {
    let rows: usize = shape[..dim].iter().product();
    let mut out = Vec::with_capacity(shape.iter().product());
    for row in 0..rows {
        for part in parts {
            let len: usize = part.shape()[dim..].iter().product();
            out.extend_from_slice(&part.data()[row * len..(row + 1) * len]);
        }
    }
    Tensor::of_len(shape, out)
}
