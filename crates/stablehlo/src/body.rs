//! Bodies of private functions: what an op that StableHLO lacks, or has only
//! in an unstable or unsupported form, is in plain StableHLO.

mod conv;
mod moments;
mod pointwise;
mod pool;
mod softmax;

pub(crate) use conv::{channels_last, spatial_first};

use crate::LowerError;
use crate::Position;
use crate::ast::{
    Attribute, Binary, Direction, Element, Instr, Literal, Operand, Operation, Pad, ReduceWindow,
    Reducer, Slice, Type, Unary, Value,
};
use cotangent_graph::{Op, Precision, Rational};

/// Name of the function attribute that holds the high padding of the forward
/// op. The bodies of the linear gradients do not depend on it (the shapes fix
/// it up to the stride's remainder), so it is kept beside them.
pub(crate) const PADDING_HIGH: &str = "cotangent.padding_high";

/// The body and attributes of the private function that prints `op`, or `None`
/// where the op is one StableHLO instruction. The operands must fit the op and
/// be within the limits of [`crate::lower`].
pub(crate) fn private(
    op: &Op,
    arguments: &[Type],
    precision: Precision,
) -> Result<Option<Private>, LowerError> {
    let mut body = Body::new(arguments);
    let mut attributes = Vec::new();
    let mut padding_high = |highs: Vec<usize>| {
        let highs = highs.into_iter().map(|n| n as i64).collect();
        attributes.push((PADDING_HIGH.to_string(), Attribute::Integers(highs)));
    };
    let result = match op {
        Op::Relu => pointwise::relu(&mut body),
        Op::ErfGrad => pointwise::erf_grad(&mut body),
        Op::Softplus => pointwise::softplus(&mut body),
        Op::Elu { alpha } => pointwise::elu(&mut body, alpha),
        Op::Clamp { low, high } => pointwise::clamp(&mut body, low, high),
        Op::Variance { dims } => moments::variance(&mut body, dims),
        Op::Normalize { dims, eps } => moments::normalize(&mut body, dims, eps),
        Op::Softmax => softmax::softmax(&mut body),
        Op::SoftmaxCrossEntropy => softmax::cross_entropy(&mut body, precision)?,
        Op::ConvInputGrad { dims, input } => {
            padding_high(dims.padding.iter().map(|p| p.1).collect());
            conv::input_grad(&mut body, dims, input)
        }
        Op::ConvKernelGrad { dims, kernel } => {
            padding_high(dims.padding.iter().map(|p| p.1).collect());
            conv::kernel_grad(&mut body, dims, kernel)
        }
        Op::WindowSumGrad { window, input } => {
            padding_high(window.padding.iter().map(|p| p.1).collect());
            pool::window_sum_grad(&mut body, window, input)
        }
        Op::MaxPoolGrad(window) => pool::max_pool_grad(&mut body, window)?,
        _ => return Ok(None),
    };
    Ok(Some(Private { attributes, instructions: body.instructions, result }))
}

/// See [`private`].
pub(crate) struct Private {
    pub(crate) attributes: Vec<(String, Attribute)>,
    pub(crate) instructions: Vec<Instr>,
    pub(crate) result: Operand,
}

/// Appends instructions, computing result types.
pub(crate) struct Body {
    arguments: Vec<Type>,
    pub(crate) instructions: Vec<Instr>,
}

impl Body {
    pub(crate) fn new(arguments: &[Type]) -> Self {
        Body { arguments: arguments.to_vec(), instructions: Vec::new() }
    }

    pub(crate) fn argument(&self, k: usize) -> Operand {
        Operand { value: Value::Argument(k), ty: self.arguments[k].clone() }
    }

    pub(crate) fn push(
        &mut self,
        operation: Operation,
        operands: &[&Operand],
        ty: Type,
    ) -> Operand {
        let value = Value::Result(self.instructions.len());
        self.instructions.push(Instr {
            operation,
            operands: operands.iter().map(|&o| o.clone()).collect(),
            ty: ty.clone(),
            at: Position::default(),
        });
        Operand { value, ty }
    }

    pub(crate) fn constant(&mut self, value: Rational, ty: Type) -> Operand {
        self.push(Operation::Constant(Literal::Finite(value)), &[], ty)
    }

    fn unary(&mut self, op: Unary, a: &Operand) -> Operand {
        self.push(Operation::Unary(op), &[a], a.ty.clone())
    }

    fn binary(&mut self, op: Binary, a: &Operand, b: &Operand) -> Operand {
        self.push(Operation::Binary(op), &[a, b], a.ty.clone())
    }

    fn broadcast(&mut self, a: &Operand, shape: &[usize], dims: &[usize]) -> Operand {
        self.push(Operation::BroadcastInDim(dims.to_vec()), &[a], a.ty.with_shape(shape))
    }

    /// The neutral element of `reducer`, a fresh scalar constant.
    fn init(&mut self, reducer: Reducer, ty: &Type) -> Operand {
        self.push(Operation::Constant(reducer.init()), &[], ty.with_shape([]))
    }

    pub(crate) fn reduce(&mut self, reducer: Reducer, a: &Operand, dims: &[usize]) -> Operand {
        let init = self.init(reducer, &a.ty);
        let kept = a.ty.shape.iter().enumerate().filter(|(d, _)| !dims.contains(d));
        let ty = a.ty.with_shape(kept.map(|(_, &n)| n).collect::<Vec<_>>());
        self.push(Operation::Reduce(reducer, dims.to_vec()), &[a, &init], ty)
    }

    pub(crate) fn reduce_window(
        &mut self,
        reducer: Reducer,
        a: &Operand,
        window: ReduceWindow,
        ty: Type,
    ) -> Operand {
        let init = self.init(reducer, &a.ty);
        self.push(Operation::ReduceWindow(reducer, window), &[a, &init], ty)
    }

    pub(crate) fn pad(&mut self, a: &Operand, with: Literal, pad: Pad, shape: &[usize]) -> Operand {
        let fill = self.push(Operation::Constant(with), &[], a.ty.with_shape([]));
        self.push(Operation::Pad(pad), &[a, &fill], a.ty.with_shape(shape))
    }

    fn slice(&mut self, a: &Operand, slice: Slice) -> Operand {
        let shape: Vec<usize> = slice
            .starts
            .iter()
            .zip(&slice.limits)
            .zip(&slice.strides)
            .map(|((&start, &limit), &stride)| (limit - start).div_ceil(stride))
            .collect();
        self.push(Operation::Slice(slice), &[a], a.ty.with_shape(shape))
    }

    fn reverse(&mut self, a: &Operand, dims: Vec<usize>) -> Operand {
        self.push(Operation::Reverse(dims), &[a], a.ty.clone())
    }

    fn reshape(&mut self, a: &Operand, shape: &[usize]) -> Operand {
        self.push(Operation::Reshape, &[a], a.ty.with_shape(shape))
    }

    fn transpose(&mut self, a: &Operand, permutation: Vec<usize>) -> Operand {
        let shape: Vec<usize> = permutation.iter().map(|&d| a.ty.shape[d]).collect();
        self.push(Operation::Transpose(permutation), &[a], a.ty.with_shape(shape))
    }
}

fn compare(body: &mut Body, direction: Direction, a: &Operand, b: &Operand) -> Operand {
    let mut ty = a.ty.clone();
    ty.element = Element::I1;
    body.push(Operation::Compare(direction), &[a, b], ty)
}

fn select(body: &mut Body, mask: &Operand, a: &Operand, b: &Operand) -> Operand {
    body.push(Operation::Select, &[mask, a, b], a.ty.clone())
}
