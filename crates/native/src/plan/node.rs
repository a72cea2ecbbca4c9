//! Nodes: what remains of a graph once constants, reshapes and broadcasts are
//! ways of reading operands.

use crate::kernels::elementary;
use cotangent_graph::{Comparison, Op};
use pulp::Scalar;

/// How a pointwise operand is read: at linear index `i` of the result, element
/// `(i / inner) % count`. Every broadcast of consecutive dimensions is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Access {
    pub inner: usize,
    pub count: usize,
}

impl Access {
    pub(crate) fn plain(len: usize) -> Self {
        Access { inner: 1, count: len }
    }

    /// `self` read through `outer`; `inner · count` divides the length of what
    /// `outer` reads, which makes the two divisions one.
    pub(crate) fn through(self, outer: Access) -> Self {
        if self.count == 1 {
            return Access { inner: 1, count: 1 };
        }
        Access { inner: self.inner * outer.inner, count: self.count }
    }
}

/// An operand of a pointwise node. Constants are kept as bits so that nodes
/// can be hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Arg {
    Const(u32),
    Node(usize, Access),
}

/// What a pointwise node computes at each index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Pointwise {
    Copy,
    Add,
    Sub,
    Mul,
    Div,
    Neg,
    Exp,
    Log,
    Sqrt,
    Rsqrt,
    Tanh,
    Logistic,
    Erf,
    ErfGrad,
    Softplus,
    /// `(a, α)`
    Elu,
    Relu,
    /// `(a, low, high)`
    Clamp,
    Abs,
    Maximum,
    /// `(a, b, x, y)`: `x` where `a direction b`, else `y`.
    Select(Comparison),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// Input of the graph, by position.
    Input(usize),
    Pointwise(Pointwise, Vec<Arg>),
    /// `out[j] = Σ a[i]` over `i ≡ j mod count`: a sum over leading dimensions.
    SumLeading(usize),
    /// Any other op, on operands in memory, with their shapes.
    Whole(Op, Vec<usize>, Vec<Vec<usize>>),
}

#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub kind: Kind,
    pub shape: Vec<usize>,
    pub len: usize,
}

impl Node {
    /// The nodes it reads.
    pub(crate) fn operands(&self) -> impl Iterator<Item = usize> + '_ {
        let (args, whole): (&[Arg], &[usize]) = match &self.kind {
            Kind::Input(_) => (&[], &[]),
            Kind::Pointwise(_, args) => (args, &[]),
            Kind::SumLeading(a) => (&[], std::slice::from_ref(a)),
            Kind::Whole(_, operands, _) => (&[], operands),
        };
        let nodes = args.iter().filter_map(|a| match a {
            Arg::Node(n, _) => Some(*n),
            Arg::Const(_) => None,
        });
        nodes.chain(whole.iter().copied())
    }

    /// True if it reads node `n`.
    pub(crate) fn reads(&self, n: usize) -> bool {
        self.operands().any(|m| m == n)
    }
}

impl Pointwise {
    /// The function on constants.
    pub(crate) fn apply(self, a: &[f32]) -> f32 {
        match self {
            Pointwise::Copy => a[0],
            Pointwise::Add => a[0] + a[1],
            Pointwise::Sub => a[0] - a[1],
            Pointwise::Mul => a[0] * a[1],
            Pointwise::Div => a[0] / a[1],
            Pointwise::Neg => -a[0],
            Pointwise::Exp => a[0].exp(),
            Pointwise::Log => a[0].ln(),
            Pointwise::Sqrt => a[0].sqrt(),
            Pointwise::Rsqrt => 1.0 / a[0].sqrt(),
            Pointwise::Tanh => a[0].tanh(),
            Pointwise::Logistic => elementary::logistic(Scalar, a[0]),
            Pointwise::Erf => elementary::erf(Scalar, a[0]),
            Pointwise::ErfGrad => elementary::erf_grad(Scalar, a[0]),
            Pointwise::Softplus => elementary::softplus(Scalar, a[0]),
            Pointwise::Elu => elementary::elu(Scalar, a[0], a[1]),
            Pointwise::Relu => elementary::relu(Scalar, a[0]),
            Pointwise::Clamp => elementary::clamp(Scalar, a[0], a[1], a[2]),
            Pointwise::Abs => a[0].abs(),
            Pointwise::Maximum => elementary::maximum(Scalar, a[0], a[1]),
            Pointwise::Select(direction) => {
                if holds(direction, a[0], a[1]) {
                    a[2]
                } else {
                    a[3]
                }
            }
        }
    }
}

pub(crate) fn holds(direction: Comparison, a: f32, b: f32) -> bool {
    match direction {
        Comparison::Eq => a == b,
        Comparison::Gt => a > b,
        Comparison::Ge => a >= b,
    }
}
