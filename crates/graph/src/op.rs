//! The ops and what each means.

use crate::{ConvDims, DotDims, GraphError, Precision, Rational, Window};

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
    /// `(a)`: `1/√a`; smooth where `a > 0`.
    Rsqrt,
    /// `(a)`: hyperbolic tangent.
    Tanh,
    /// `(a)`: the logistic function `1/(1 + e⁻ᵃ)`, the sigmoid.
    Logistic,
    /// `(a)`: the error function `2/√π · ∫₀ᵃ exp(-t²) dt`.
    Erf,
    /// `(a)`: the derivative of [`Op::Erf`], `2/√π · exp(-a²)`.
    ErfGrad,
    /// `(a)`: `log(1 + eᵃ)`, finite wherever `a` is.
    Softplus,
    /// `(a)`: `a` where `a > 0`, else `α·(eᵃ - 1)`; smooth where `a ≠ 0`, and
    /// everywhere if `α = 1`; derivative α at 0.
    Elu {
        /// α
        alpha: Rational,
    },
    /// `(a)`: `max(a, 0)`; smooth where `a ≠ 0`; derivative 0 at 0.
    Relu,
    /// `(a)`: `min(max(a, low), high)`, `low < high`; smooth where `a` is
    /// neither; derivative 0 at both.
    Clamp {
        /// Least result.
        low: Rational,
        /// Greatest result.
        high: Rational,
    },
    /// `(a)`: `|a|`; smooth where `a ≠ 0`; derivative 0 at 0.
    Abs,
    /// `(a, b)`: the greater; smooth where `a ≠ b`; derivative one half in
    /// each where they are equal.
    Maximum,

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
    /// `(a)`: every `strides[d]`-th element from `starts[d]` to before
    /// `limits[d]`, per dimension.
    Slice {
        /// First index per dimension.
        starts: Vec<usize>,
        /// Bound on the index per dimension, above the start.
        limits: Vec<usize>,
        /// Step per dimension, each ≥ 1.
        strides: Vec<usize>,
    },
    /// `(a)`: `a` among zeros: `low[d]` before, `high[d]` after and
    /// `interior[d]` between neighbours, per dimension.
    Pad {
        /// Zeros before.
        low: Vec<usize>,
        /// Zeros after.
        high: Vec<usize>,
        /// Zeros between neighbours.
        interior: Vec<usize>,
    },
    /// `(a, b, ..)`, `count` operands: one after the other along `dim`.
    Concatenate {
        /// The dimension in which they follow each other.
        dim: usize,
        /// Number of operands, ≥ 1.
        count: usize,
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

    /// `(a)`: the mean of `(a - mean a)²` over `dims`, which it drops: the
    /// biased variance.
    Variance {
        /// Dimensions averaged over, increasing strictly.
        dims: Vec<usize>,
    },
    /// `(a)`: `(a - mean a) / √(variance a + ε)`, mean and biased variance
    /// over `dims`, ε > 0 (Ioffe, Szegedy: *Batch Normalization*, 2015; Ba,
    /// Kiros, Hinton: *Layer Normalization*, 2016).
    Normalize {
        /// Dimensions averaged over, increasing strictly.
        dims: Vec<usize>,
        /// ε
        eps: Rational,
    },

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
            Op::Rsqrt => "rsqrt",
            Op::Tanh => "tanh",
            Op::Logistic => "logistic",
            Op::Erf => "erf",
            Op::ErfGrad => "erf_grad",
            Op::Softplus => "softplus",
            Op::Elu { .. } => "elu",
            Op::Relu => "relu",
            Op::Clamp { .. } => "clamp",
            Op::Abs => "abs",
            Op::Maximum => "maximum",
            Op::Compare(_) => "compare",
            Op::Select => "select",
            Op::DotGeneral(_) => "dot_general",
            Op::Conv(_) => "convolution",
            Op::ConvInputGrad { .. } => "conv_input_grad",
            Op::ConvKernelGrad { .. } => "conv_kernel_grad",
            Op::BroadcastInDim { .. } => "broadcast_in_dim",
            Op::ReduceSum { .. } => "reduce_sum",
            Op::Transpose { .. } => "transpose",
            Op::Slice { .. } => "slice",
            Op::Pad { .. } => "pad",
            Op::Concatenate { .. } => "concatenate",
            Op::WindowSum(_) => "window_sum",
            Op::WindowSumGrad { .. } => "window_sum_grad",
            Op::Reshape { .. } => "reshape",
            Op::MaxPool(_) => "max_pool",
            Op::MaxPoolGrad(_) => "max_pool_grad",
            Op::Variance { .. } => "variance",
            Op::Normalize { .. } => "normalize",
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
            | Op::Rsqrt
            | Op::Tanh
            | Op::Logistic
            | Op::Erf
            | Op::ErfGrad
            | Op::Softplus
            | Op::Elu { .. }
            | Op::Relu
            | Op::Clamp { .. }
            | Op::Abs
            | Op::Slice { .. }
            | Op::Pad { .. }
            | Op::Variance { .. }
            | Op::Normalize { .. }
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
            | Op::Maximum
            | Op::Compare(_)
            | Op::DotGeneral(_)
            | Op::Conv(_)
            | Op::ConvInputGrad { .. }
            | Op::ConvKernelGrad { .. }
            | Op::MaxPoolGrad(_)
            | Op::SoftmaxCrossEntropy => 2,
            Op::Select => 3,
            Op::Concatenate { count, .. } => *count,
        }
    }

    /// The constants among the op's attributes.
    pub(crate) fn constants_mut(&mut self) -> Vec<&mut Rational> {
        match self {
            Op::Constant { value, .. } => vec![value],
            Op::Elu { alpha } => vec![alpha],
            Op::Clamp { low, high } => vec![low, high],
            Op::Normalize { eps, .. } => vec![eps],
            _ => vec![],
        }
    }

    /// The same op with its constants as `precision` stores them.
    pub fn rounded(mut self, precision: Precision) -> Result<Self, GraphError> {
        let op = self.name();
        let stored = match precision {
            Precision::F32 => "f32",
            Precision::F64 => "f64",
        };
        for value in self.constants_mut() {
            *value = value.rounded(precision).ok_or_else(|| GraphError::Type {
                op,
                reason: format!("{value} overflows {stored}"),
            })?;
        }
        Ok(self)
    }
}
