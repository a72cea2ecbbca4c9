//! Appending to a graph with types inferred.

use crate::{
    Comparison, DotDims, Graph, GraphError, Input, Instruction, Op, Output, Rational, Role,
    TensorType, ValueId,
};

/// Builds a [`Graph`] one instruction at a time; every method infers the
/// result's type and refuses operands that do not fit.
#[derive(Debug, Clone, Default)]
pub struct Builder {
    graph: Graph,
}

impl Builder {
    /// An empty graph.
    pub fn new() -> Self {
        Self::default()
    }

    /// The graph so far.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The type of a value.
    pub fn ty(&self, value: ValueId) -> &TensorType {
        self.graph.ty(value)
    }

    /// The shape of a value.
    pub fn shape(&self, value: ValueId) -> &[usize] {
        &self.graph.ty(value).shape
    }

    /// Declares an input. All inputs come before the first instruction, since
    /// values are numbered inputs first.
    pub fn input(
        &mut self,
        name: impl Into<String>,
        role: Role,
        ty: TensorType,
    ) -> Result<ValueId, GraphError> {
        let name = name.into();
        if !self.graph.instructions.is_empty() {
            return Err(GraphError::Type {
                op: "input",
                reason: format!("`{name}` is declared after the first instruction"),
            });
        }
        self.graph.inputs.push(Input { name, role, ty });
        Ok(ValueId(self.graph.inputs.len() as u32 - 1))
    }

    /// Appends `op` applied to `operands`.
    pub fn push(&mut self, op: Op, operands: &[ValueId]) -> Result<ValueId, GraphError> {
        let defined = self.graph.values();
        if let Some(v) = operands.iter().find(|v| v.index() >= defined) {
            return Err(GraphError::Undefined {
                place: op.name().into(),
                value: v.0,
                defined: defined as u32,
            });
        }
        let types: Vec<&TensorType> = operands.iter().map(|&v| self.graph.ty(v)).collect();
        let ty = op.infer(&types)?;
        self.graph.instructions.push(Instruction { op, operands: operands.to_vec(), ty });
        Ok(ValueId(defined as u32))
    }

    /// Declares an output.
    pub fn output(&mut self, name: impl Into<String>, role: Role, value: ValueId) {
        self.graph.outputs.push(Output { name: name.into(), role, value });
    }

    /// The finished graph, verified.
    pub fn finish(self) -> Result<Graph, GraphError> {
        self.graph.verify()?;
        Ok(self.graph)
    }

    /// A splat constant.
    pub fn constant(
        &mut self,
        value: impl Into<Rational>,
        shape: &[usize],
    ) -> Result<ValueId, GraphError> {
        self.push(Op::Constant { value: value.into(), shape: shape.to_vec() }, &[])
    }

    /// A splat constant of the shape of `like`.
    pub fn constant_like(
        &mut self,
        value: impl Into<Rational>,
        like: ValueId,
    ) -> Result<ValueId, GraphError> {
        let shape = self.shape(like).to_vec();
        self.constant(value, &shape)
    }

    /// `a + b`
    pub fn add(&mut self, a: ValueId, b: ValueId) -> Result<ValueId, GraphError> {
        self.push(Op::Add, &[a, b])
    }

    /// `a - b`
    pub fn sub(&mut self, a: ValueId, b: ValueId) -> Result<ValueId, GraphError> {
        self.push(Op::Sub, &[a, b])
    }

    /// `a · b`
    pub fn mul(&mut self, a: ValueId, b: ValueId) -> Result<ValueId, GraphError> {
        self.push(Op::Mul, &[a, b])
    }

    /// `a / b`
    pub fn div(&mut self, a: ValueId, b: ValueId) -> Result<ValueId, GraphError> {
        self.push(Op::Div, &[a, b])
    }

    /// `a direction b`, a Pred.
    pub fn compare(
        &mut self,
        direction: Comparison,
        a: ValueId,
        b: ValueId,
    ) -> Result<ValueId, GraphError> {
        self.push(Op::Compare(direction), &[a, b])
    }

    /// `a` where `p`, else `b`.
    pub fn select(&mut self, p: ValueId, a: ValueId, b: ValueId) -> Result<ValueId, GraphError> {
        self.push(Op::Select, &[p, a, b])
    }

    /// The last dimension of `a` against the first of `b`.
    pub fn matmul(&mut self, a: ValueId, b: ValueId) -> Result<ValueId, GraphError> {
        let dims = DotDims::matmul(self.ty(a).rank());
        self.push(Op::DotGeneral(dims), &[a, b])
    }

    /// Broadcasts `a` to `shape`, its dimension `k` becoming `dims[k]`; `a`
    /// itself where nothing changes.
    pub fn broadcast(
        &mut self,
        a: ValueId,
        shape: &[usize],
        dims: &[usize],
    ) -> Result<ValueId, GraphError> {
        if self.shape(a) == shape && dims.iter().copied().eq(0..shape.len()) {
            return Ok(a);
        }
        self.push(Op::BroadcastInDim { shape: shape.to_vec(), dims: dims.to_vec() }, &[a])
    }

    /// Broadcasts the scalar `a` to the shape of `like`.
    pub fn splat(&mut self, a: ValueId, like: ValueId) -> Result<ValueId, GraphError> {
        let shape = self.shape(like).to_vec();
        self.broadcast(a, &shape, &[])
    }

    /// Sums over `dims`; `a` itself where there are none.
    pub fn reduce_sum(&mut self, a: ValueId, dims: &[usize]) -> Result<ValueId, GraphError> {
        if dims.is_empty() {
            return Ok(a);
        }
        self.push(Op::ReduceSum { dims: dims.to_vec() }, &[a])
    }

    /// Permutes dimensions; `a` itself under the identity.
    pub fn transpose(&mut self, a: ValueId, permutation: &[usize]) -> Result<ValueId, GraphError> {
        if permutation.iter().copied().eq(0..self.ty(a).rank()) {
            return Ok(a);
        }
        self.push(Op::Transpose { permutation: permutation.to_vec() }, &[a])
    }

    /// A value of its own that is `a`: its cotangents are added up before they are
    /// added to `a`'s others.
    pub fn copy(&mut self, a: ValueId) -> Result<ValueId, GraphError> {
        let shape = self.shape(a).to_vec();
        self.push(Op::Reshape { shape }, &[a])
    }

    /// Reshapes; `a` itself where the shape stays.
    pub fn reshape(&mut self, a: ValueId, shape: &[usize]) -> Result<ValueId, GraphError> {
        if self.shape(a) == shape {
            return Ok(a);
        }
        self.push(Op::Reshape { shape: shape.to_vec() }, &[a])
    }

    /// Elements `start..limit` of dimension `dim`, all of the others; `a`
    /// itself where that is everything.
    pub fn slice_in_dim(
        &mut self,
        a: ValueId,
        dim: usize,
        start: usize,
        limit: usize,
    ) -> Result<ValueId, GraphError> {
        let shape = self.shape(a).to_vec();
        if shape.get(dim) == Some(&limit) && start == 0 {
            return Ok(a);
        }
        let (mut starts, mut limits) = (vec![0; shape.len()], shape.clone());
        if let (Some(s), Some(l)) = (starts.get_mut(dim), limits.get_mut(dim)) {
            (*s, *l) = (start, limit);
        }
        self.push(Op::Slice { starts, limits, strides: vec![1; shape.len()] }, &[a])
    }

    /// The operands one after the other along `dim`; the operand itself where
    /// there is one.
    pub fn concatenate(&mut self, parts: &[ValueId], dim: usize) -> Result<ValueId, GraphError> {
        match parts {
            [a] => Ok(*a),
            _ => self.push(Op::Concatenate { dim, count: parts.len() }, parts),
        }
    }

    /// The mean over `dims`, which it drops.
    pub fn mean(&mut self, a: ValueId, dims: &[usize]) -> Result<ValueId, GraphError> {
        let count: usize = dims.iter().filter_map(|&d| self.shape(a).get(d)).product();
        let sum = self.reduce_sum(a, dims)?;
        let count = self.constant_like(count as i64, sum)?;
        self.div(sum, count)
    }
}
