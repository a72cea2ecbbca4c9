//! Writing a formula down: inputs at shapes drawn at random, then ops.

use cotangent_check::{Fill, fill};
use cotangent_graph::{
    Builder, ConvDims, DotDims, Graph, Op, Rational, Role, TensorType, ValueId, Window,
};
use cotangent_interp::Value;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Declares its inputs, applies ops, and returns its result.
pub type Formula = fn(&mut Draft) -> ValueId;

/// A formula with the shapes and values of one draw.
pub struct Draft {
    b: Builder,
    rng: ChaCha8Rng,
    wrt: &'static str,
    values: Vec<Value<f64>>,
    result: ValueId,
}

impl Draft {
    /// The draw of `seed`, to be differentiated in the input named `wrt`, or
    /// in all parameters where that is `*`.
    pub fn new(seed: u64, wrt: &'static str, formula: Formula) -> Self {
        let rng = ChaCha8Rng::seed_from_u64(seed);
        let mut draft =
            Draft { b: Builder::new(), rng, wrt, values: Vec::new(), result: ValueId(0) };
        draft.result = formula(&mut draft);
        draft
    }

    /// The formula, its result the one output.
    pub fn forward(&self) -> Graph {
        let mut graph = self.b.graph().clone();
        assert!(graph.inputs.iter().any(|i| i.role == Role::Param), "no input {}", self.wrt);
        graph.outputs.push(cotangent_graph::Output {
            name: "y".into(),
            role: Role::Logits,
            value: self.result,
        });
        graph
    }

    /// The draw's values, and some for the inputs that `graph` has besides.
    pub fn inputs(&self, graph: &Graph) -> Vec<Value<f64>> {
        let mut rng = self.rng.clone();
        let others = graph.inputs.iter().skip(self.values.len());
        let others = others.map(|i| fill(&i.ty, Fill::Spread, &mut rng).unwrap());
        self.values.iter().cloned().chain(others).collect()
    }

    /// A size.
    pub fn size(&mut self, low: usize, high: usize) -> usize {
        self.rng.random_range(low..=high)
    }

    /// A parameter, or data that a check may differentiate in by name.
    pub fn input(&mut self, name: &str, how: Fill, shape: &[usize]) -> ValueId {
        let role = if self.wrt == name || self.wrt == "*" { Role::Param } else { Role::Data };
        self.declare(name, role, how, shape)
    }

    /// Data that no check differentiates in.
    pub fn data(&mut self, name: &str, how: Fill, shape: &[usize]) -> ValueId {
        self.declare(name, Role::Data, how, shape)
    }

    fn declare(&mut self, name: &str, role: Role, how: Fill, shape: &[usize]) -> ValueId {
        let ty = TensorType::real(shape);
        self.values.push(fill(&ty, how, &mut self.rng).unwrap());
        self.b.input(name, role, ty).unwrap()
    }

    pub fn shape(&self, a: ValueId) -> Vec<usize> {
        self.b.shape(a).to_vec()
    }

    pub fn push(&mut self, op: Op, operands: &[ValueId]) -> ValueId {
        self.b.push(op, operands).unwrap()
    }

    pub fn add(&mut self, a: ValueId, b: ValueId) -> ValueId {
        self.push(Op::Add, &[a, b])
    }

    pub fn sub(&mut self, a: ValueId, b: ValueId) -> ValueId {
        self.push(Op::Sub, &[a, b])
    }

    pub fn mul(&mut self, a: ValueId, b: ValueId) -> ValueId {
        self.push(Op::Mul, &[a, b])
    }

    pub fn div(&mut self, a: ValueId, b: ValueId) -> ValueId {
        self.push(Op::Div, &[a, b])
    }

    pub fn unary(&mut self, op: Op, a: ValueId) -> ValueId {
        self.push(op, &[a])
    }

    /// The number `text` in the shape of `like`.
    pub fn number(&mut self, text: &str, like: ValueId) -> ValueId {
        let value: Rational = text.parse().unwrap();
        self.b.constant_like(value, like).unwrap()
    }

    /// `a` times the number `text`.
    pub fn times(&mut self, a: ValueId, text: &str) -> ValueId {
        let factor = self.number(text, a);
        self.mul(a, factor)
    }

    /// `a` plus the number `text`.
    pub fn plus(&mut self, a: ValueId, text: &str) -> ValueId {
        let term = self.number(text, a);
        self.add(a, term)
    }

    pub fn matmul(&mut self, a: ValueId, b: ValueId) -> ValueId {
        self.b.matmul(a, b).unwrap()
    }

    /// A product over `batch` leading dimensions of both, contracting one
    /// dimension of each.
    pub fn batched(
        &mut self,
        batch: usize,
        (a, over_a): (ValueId, usize),
        (b, over_b): (ValueId, usize),
    ) -> ValueId {
        let dims = DotDims {
            lhs_batch: (0..batch).collect(),
            rhs_batch: (0..batch).collect(),
            lhs_contracting: vec![over_a],
            rhs_contracting: vec![over_b],
        };
        self.push(Op::DotGeneral(dims), &[a, b])
    }

    /// `a`, one number per index of dimensions `dims`, in the shape of `like`.
    pub fn spread(&mut self, a: ValueId, like: ValueId, dims: &[usize]) -> ValueId {
        let shape = self.shape(like);
        self.b.broadcast(a, &shape, dims).unwrap()
    }

    /// `bias`, one number per channel, added.
    pub fn biased(&mut self, a: ValueId, bias: ValueId) -> ValueId {
        let last = self.shape(a).len() - 1;
        let bias = self.spread(bias, a, &[last]);
        self.add(a, bias)
    }

    /// `scale`, one number per channel, multiplied by.
    pub fn scaled(&mut self, a: ValueId, scale: ValueId) -> ValueId {
        let last = self.shape(a).len() - 1;
        let scale = self.spread(scale, a, &[last]);
        self.mul(a, scale)
    }

    pub fn dense(&mut self, x: ValueId, weight: ValueId, bias: ValueId) -> ValueId {
        let y = self.matmul(x, weight);
        self.biased(y, bias)
    }

    pub fn conv(&mut self, x: ValueId, kernel: ValueId, dims: ConvDims) -> ValueId {
        self.push(Op::Conv(dims), &[x, kernel])
    }

    pub fn mean(&mut self, a: ValueId, dims: &[usize]) -> ValueId {
        self.b.mean(a, dims).unwrap()
    }

    pub fn sum(&mut self, a: ValueId, dims: &[usize]) -> ValueId {
        self.b.reduce_sum(a, dims).unwrap()
    }

    pub fn reshape(&mut self, a: ValueId, shape: &[usize]) -> ValueId {
        self.b.reshape(a, shape).unwrap()
    }

    pub fn transpose(&mut self, a: ValueId, permutation: &[usize]) -> ValueId {
        self.b.transpose(a, permutation).unwrap()
    }

    pub fn slice(&mut self, a: ValueId, dim: usize, start: usize, limit: usize) -> ValueId {
        self.b.slice_in_dim(a, dim, start, limit).unwrap()
    }

    pub fn concatenate(&mut self, parts: &[ValueId], dim: usize) -> ValueId {
        self.b.concatenate(parts, dim).unwrap()
    }

    pub fn select(&mut self, p: ValueId, a: ValueId, b: ValueId) -> ValueId {
        self.push(Op::Select, &[p, a, b])
    }
}

/// Stride 1, no padding, no dilation, in two dimensions.
pub fn plain(groups: usize) -> ConvDims {
    ConvDims { strides: vec![1, 1], padding: vec![(0, 0), (0, 0)], dilation: vec![1, 1], groups }
}

/// A window over the two middle dimensions.
pub fn window(size: usize, stride: usize, padding: (usize, usize)) -> Window {
    Window {
        size: vec![1, size, size, 1],
        strides: vec![1, stride, stride, 1],
        padding: vec![(0, 0), padding, padding, (0, 0)],
    }
}
