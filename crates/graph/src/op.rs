//! The ops and what each means.

use crate::{ConvDims, DotDims, Rational, Window};

/// Direction of [`Op::Compare`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `a = b`
    Eq,
    /// `a > b`
    Gt,
    /// `a ≥ b`
    Ge,
}

/// One operation. Operands are listed beside each variant in order; unless
/// said otherwise they are reals, pointwise ops want equal shapes, and the
/// result is real.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Op {
    /// `()`: every element is the exact `value`.
    Constant {
        /// The value.
        value: Rational,
        /// The result's shape.
        shape: Vec<usize>,
    },

    /// `(a, b)`: `a + b`.
    Add,
    /// `(a, b)`: `a - b`.
    Sub,
    /// `(a, b)`: `a · b`.
    Mul,
    /// `(a, b)`: `a / b`; smooth where `b ≠ 0`.
    Div,
    /// `(a)`: `-a`.
    Neg,
    /// `(a)`: `eᵃ`.
    Exp,
    /// `(a)`: natural logarithm; smooth where `a > 0`.
    Log,
    /// `(a)`: square root; smooth where `a > 0`.
    Sqrt,
    /// `(a)`: `max(a, 0)`; smooth where `a ≠ 0`; derivative 0 at 0.
    Relu,

    /// `(a, b)`: truth of `a direction b`; the result is [`crate::ElementType::Pred`].
    Compare(Comparison),
    /// `(p, a, b)`: `a` where the Pred `p` holds, else `b`.
    Select,

    /// `(lhs, rhs)`: sums products over the contracting dimensions.
    DotGeneral(DotDims),
    /// `(image, kernel)`: cross-correlation, as StableHLO's `convolution`.
    Conv(ConvDims),
    /// `(cotangent, kernel)`: the transpose of [`Op::Conv`] in its image.
    ConvInputGrad {
        /// Of the convolution transposed.
        dims: ConvDims,
        /// Spatial sizes of that convolution's image.
        input: Vec<usize>,
    },
    /// `(image, cotangent)`: the transpose of [`Op::Conv`] in its kernel.
    ConvKernelGrad {
        /// Of the convolution transposed.
        dims: ConvDims,
        /// Spatial sizes of that convolution's kernel.
        kernel: Vec<usize>,
    },
    /// `(a)`: `a`'s dimension `k` becomes dimension `dims[k]` of `shape`;
    /// the value does not depend on the others. `dims` increases strictly.
    BroadcastInDim {
        /// The result's shape.
        shape: Vec<usize>,
        /// Where each operand dimension goes.
        dims: Vec<usize>,
    },
    /// `(a)`: sums over `dims` (increasing strictly) and drops them.
    ReduceSum {
        /// Dimensions summed.
        dims: Vec<usize>,
    },
    /// `(a)`: result dimension `k` is `a`'s dimension `permutation[k]`.
    Transpose {
        /// A permutation of the dimensions.
        permutation: Vec<usize>,
    },
    /// `(a)`: sum over each window, padding counting as 0.
    WindowSum(Window),
    /// `(cotangent)`: the transpose of [`Op::WindowSum`].
    WindowSumGrad {
        /// Of the window sum transposed.
        window: Window,
        /// Shape of that window sum's operand.
        input: Vec<usize>,
    },
    /// `(a)`: the same elements in row-major order under another shape.
    Reshape {
        /// The result's shape.
        shape: Vec<usize>,
    },

    /// `(a)`: maximum over the cells of each window that lie inside `a`; every
    /// window has one. Smooth where one cell of the window is the strict
    /// maximum (precisely: `SEMANTICS.md`).
    MaxPool(Window),
    /// `(a, cotangent)`: sends each cotangent to the first maximal cell of its
    /// window in row-major order, and adds.
    MaxPoolGrad(Window),

    /// `(a)`: `exp(a) / Σ exp(a)` over the last dimension.
    Softmax,
    /// `(logits, targets)`, shapes `[.., C]` alike: the scalar
    /// `-(1/B) Σ_b Σ_c t_bc · log softmax(z_b)_c`, `B` the product of the
    /// leading dimensions. Targets are not differentiated.
    SoftmaxCrossEntropy,
}

impl Op {
    /// The op's name as the StableHLO text and error messages give it.
    pub fn name(&self) -> &'static str {
        match self {
            Op::Constant { .. } => "constant",
            Op::Add => "add",
            Op::Sub => "subtract",
            Op::Mul => "multiply",
            Op::Div => "divide",
            Op::Neg => "negate",
            Op::Exp => "exponential",
            Op::Log => "log",
            Op::Sqrt => "sqrt",
            Op::Relu => "relu",
            Op::Compare(_) => "compare",
            Op::Select => "select",
            Op::DotGeneral(_) => "dot_general",
            Op::Conv(_) => "convolution",
            Op::ConvInputGrad { .. } => "conv_input_grad",
            Op::ConvKernelGrad { .. } => "conv_kernel_grad",
            Op::BroadcastInDim { .. } => "broadcast_in_dim",
            Op::ReduceSum { .. } => "reduce_sum",
            Op::Transpose { .. } => "transpose",
            Op::WindowSum(_) => "window_sum",
            Op::WindowSumGrad { .. } => "window_sum_grad",
            Op::Reshape { .. } => "reshape",
            Op::MaxPool(_) => "max_pool",
            Op::MaxPoolGrad(_) => "max_pool_grad",
            Op::Softmax => "softmax",
            Op::SoftmaxCrossEntropy => "softmax_cross_entropy",
        }
    }

    /// Number of operands.
    pub fn arity(&self) -> usize {
        match self {
            Op::Constant { .. } => 0,
            Op::Neg
            | Op::Exp
            | Op::Log
            | Op::Sqrt
            | Op::Relu
            | Op::BroadcastInDim { .. }
            | Op::ReduceSum { .. }
            | Op::Transpose { .. }
            | Op::WindowSum(_)
            | Op::WindowSumGrad { .. }
            | Op::Reshape { .. }
            | Op::MaxPool(_)
            | Op::Softmax => 1,
            Op::Add
            | Op::Sub
            | Op::Mul
            | Op::Div
            | Op::Compare(_)
            | Op::DotGeneral(_)
            | Op::Conv(_)
            | Op::ConvInputGrad { .. }
            | Op::ConvKernelGrad { .. }
            | Op::MaxPoolGrad(_)
            | Op::SoftmaxCrossEntropy => 2,
            Op::Select => 3,
        }
    }
}
