//! One op on values.

use crate::contraction::contract;
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
        // Written so that a NaN passes.
        Op::Relu => unary(|a| if a <= T::zero() { T::zero() } else { a })?,
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
        | Op::WindowSum(_)
        | Op::WindowSumGrad { .. } => {
            return Err(InterpError::Graph(GraphError::Type {
                op: op.name(),
                reason: "the op has no contraction to run".into(),
            }));
        }
    }))
}
