//! From graph values to nodes: constants, reshapes and broadcasts disappear
//! into the way operands are read.

use super::matmul::Matmul;
use super::moments::Moments;
use super::node::{Access, Arg, Kind, Node, Pointwise, holds};
use super::step::collapsible;
use crate::NativeError;
use cotangent_graph::{Comparison, DotDims, Graph, Op, Rational, TensorType};
use std::collections::HashMap;

/// A graph value during lowering.
#[derive(Debug, Clone)]
enum Lowered {
    Const(f32),
    View(usize, Access),
    Pred(Comparison, Arg, Arg),
}

/// The nodes of a graph, and the node of each output.
#[derive(Debug, Default)]
pub(crate) struct Lowering {
    pub nodes: Vec<Node>,
    pub outputs: Vec<usize>,
    known: HashMap<Kind, Vec<usize>>,
}

pub(crate) fn lower(graph: &Graph) -> Result<Lowering, NativeError> {
    let mut l = Lowering::default();
    let mut values: Vec<Lowered> = Vec::with_capacity(graph.values());
    for (k, input) in graph.inputs.iter().enumerate() {
        let n = l.node(Kind::Input(k), &input.ty.shape);
        values.push(Lowered::View(n, Access::plain(input.ty.len())));
    }
    for (index, i) in graph.instructions.iter().enumerate() {
        let args: Vec<&Lowered> = i.operands.iter().map(|v| &values[v.index()]).collect();
        let types = graph.operand_types(i);
        let lowered = l.instruction(index, &i.op, &args, &types, &i.ty)?;
        values.push(lowered);
    }
    for o in &graph.outputs {
        let n = l.materialise(&values[o.value.index()], &graph.ty(o.value).shape);
        l.outputs.push(n);
    }
    Ok(l)
}

impl Lowering {
    /// The node of this kind and shape, made if there is none yet.
    pub(crate) fn node(&mut self, kind: Kind, shape: &[usize]) -> usize {
        let len = shape.iter().product();
        if let Some(same) = self.known.get(&kind)
            && let Some(&n) = same.iter().find(|&&n| self.nodes[n].len == len)
        {
            return n;
        }
        let n = self.nodes.len();
        self.known.entry(kind.clone()).or_default().push(n);
        self.nodes.push(Node { kind, shape: shape.to_vec(), len });
        n
    }

    /// A node that is not shared with any other: its buffer can be given away.
    pub(crate) fn copy_of(&mut self, n: usize) -> usize {
        let node = &self.nodes[n];
        let arg = Arg::Node(n, Access::plain(node.len));
        let copy = Node { kind: Kind::Pointwise(Pointwise::Copy, vec![arg]), ..node.clone() };
        self.nodes.push(copy);
        self.nodes.len() - 1
    }

    fn instruction(
        &mut self,
        index: usize,
        op: &Op,
        args: &[&Lowered],
        types: &[&TensorType],
        ty: &TensorType,
    ) -> Result<Lowered, NativeError> {
        let len = ty.len();
        Ok(match op {
            Op::Constant { value, .. } => constant(index, value)?,
            Op::Reshape { .. } => args[0].clone(),
            Op::Transpose { permutation } if keeps_order(&types[0].shape, permutation) => {
                args[0].clone()
            }
            Op::BroadcastInDim { shape, dims } => match (args[0], broadcast_access(shape, dims)) {
                (Lowered::View(n, access), Some(outer)) => Lowered::View(*n, access.through(outer)),
                (Lowered::View(..), None) => self.whole(op, args, types, ty),
                (other, _) => other.clone(),
            },
            Op::Compare(direction) => {
                let (a, b) = (as_arg(args[0]), as_arg(args[1]));
                match (a, b) {
                    (Some(a), Some(b)) => Lowered::Pred(*direction, a, b),
                    _ => args[0].clone(),
                }
            }
            Op::Select => match args[0] {
                Lowered::Pred(direction, a, b) => {
                    let a = self.rectified(*direction, *a, *b);
                    self.select(*direction, a, *b, args[1], args[2], len)
                }
                _ => args[1].clone(),
            },
            Op::ReduceSum { dims } if dims.is_empty() => args[0].clone(),
            Op::ReduceSum { dims } => {
                let n = self.materialise(args[0], &types[0].shape);
                Lowered::View(self.reduce_sum(n, &types[0].shape, dims), Access::plain(len))
            }
            Op::Variance { dims } | Op::Normalize { dims, .. } => {
                let n = self.materialise(args[0], &types[0].shape);
                Lowered::View(
                    self.moments(op, n, dims, &types[0].shape, &ty.shape),
                    Access::plain(len),
                )
            }
            op => match pointwise(op) {
                Some((p, constants)) => {
                    let constants = constants.into_iter().map(|c| constant(index, c));
                    let constants = constants.collect::<Result<Vec<_>, _>>()?;
                    let args: Vec<&Lowered> = args.iter().copied().chain(&constants).collect();
                    self.pointwise(p, &args, len)
                }
                None => self.whole(op, args, types, ty),
            },
        })
    }

    /// `relu(a) > 0` is `a > 0`; reading the former lets `a` go early.
    fn rectified(&self, direction: Comparison, a: Arg, b: Arg) -> Arg {
        let rectified = Kind::Pointwise(Pointwise::Relu, vec![a]);
        if let (Comparison::Gt, Arg::Node(_, access)) = (direction, a)
            && b == Arg::Const(0f32.to_bits())
            && let Some(&n) = self.known.get(&rectified).and_then(|found| found.first())
            && access == Access::plain(self.nodes[n].len)
        {
            return Arg::Node(n, access);
        }
        a
    }

    fn select(
        &mut self,
        direction: Comparison,
        a: Arg,
        b: Arg,
        x: &Lowered,
        y: &Lowered,
        len: usize,
    ) -> Lowered {
        let (Some(x), Some(y)) = (as_arg(x), as_arg(y)) else { return x.clone() };
        if let (Arg::Const(a), Arg::Const(b)) = (a, b) {
            let chosen = if holds(direction, f32::from_bits(a), f32::from_bits(b)) { x } else { y };
            return match chosen {
                Arg::Const(c) => Lowered::Const(f32::from_bits(c)),
                Arg::Node(n, access) => Lowered::View(n, access),
            };
        }
        self.pointwise_args(Pointwise::Select(direction), vec![a, b, x, y], len)
    }

    fn pointwise(&mut self, p: Pointwise, args: &[&Lowered], len: usize) -> Lowered {
        let args: Vec<Arg> = args.iter().filter_map(|a| as_arg(a)).collect();
        // Exact identities only: x + 0 would lose the sign of zero.
        if let (Pointwise::Mul | Pointwise::Div, [Arg::Node(n, access), Arg::Const(c)]) =
            (p, args.as_slice())
            && *c == 1f32.to_bits()
        {
            return Lowered::View(*n, *access);
        }
        if let (Pointwise::Mul, [Arg::Const(c), Arg::Node(n, access)]) = (p, args.as_slice())
            && *c == 1f32.to_bits()
        {
            return Lowered::View(*n, *access);
        }
        let constants: Option<Vec<f32>> = args
            .iter()
            .map(|a| match a {
                Arg::Const(c) => Some(f32::from_bits(*c)),
                Arg::Node(..) => None,
            })
            .collect();
        match constants {
            Some(c) => Lowered::Const(p.apply(&c)),
            None => self.pointwise_args(p, args, len),
        }
    }

    /// Computes at the smallest size that determines the result: where all
    /// operands are read alike, on what they read, and the result is read so.
    fn pointwise_args(&mut self, p: Pointwise, mut args: Vec<Arg>, len: usize) -> Lowered {
        let mut shared: Option<Access> = None;
        let mut alike = true;
        for a in &args {
            if let Arg::Node(_, access) = a
                && access.count > 1
            {
                alike &= shared.is_none_or(|s| s == *access);
                shared = Some(*access);
            }
        }
        let read = shared.unwrap_or(Access { inner: 1, count: 1 });
        if !alike || read.count == len {
            let n = self.node(Kind::Pointwise(p, args), &[len]);
            return Lowered::View(n, Access::plain(len));
        }
        for a in &mut args {
            if let Arg::Node(_, access) = a {
                access.inner = 1;
            }
        }
        let n = self.node(Kind::Pointwise(p, args), &[read.count]);
        Lowered::View(n, read)
    }

    fn whole(
        &mut self,
        op: &Op,
        args: &[&Lowered],
        types: &[&TensorType],
        ty: &TensorType,
    ) -> Lowered {
        let operands: Vec<usize> =
            args.iter().zip(types).map(|(a, t)| self.materialise(a, &t.shape)).collect();
        let shapes = types.iter().map(|t| t.shape.clone()).collect();
        let kind = match op {
            Op::DotGeneral(dims) => self.dot_general(dims, operands, shapes),
            op => Kind::Whole(op.clone(), operands, shapes),
        };
        let n = self.node(kind, &ty.shape);
        Lowered::View(n, Access::plain(ty.len()))
    }

    /// Sums over each run of consecutive dimensions in turn, the last first, so
    /// that what remains can follow in another op's pass.
    fn reduce_sum(&mut self, a: usize, shape: &[usize], dims: &[usize]) -> usize {
        let kept = |dims: &[usize]| -> Vec<usize> {
            (0..shape.len()).filter(|d| !dims.contains(d)).map(|d| shape[d]).collect()
        };
        if sums_leading(shape, dims) {
            return self.node(Kind::SumLeading(a), &kept(dims));
        }
        let last = dims.len() - 1;
        let first = (0..last).rfind(|&k| (dims[k] + 1..dims[k + 1]).any(|d| shape[d] > 1));
        let (rest, run) = dims.split_at(first.map_or(0, |k| k + 1));
        let op = Op::ReduceSum { dims: run.to_vec() };
        let partial = kept(run);
        let n = self.node(Kind::Whole(op, vec![a], vec![shape.to_vec()]), &partial);
        if rest.is_empty() { n } else { self.reduce_sum(n, &partial, rest) }
    }

    /// A variance or normalize, on a transposed copy where the dimensions
    /// averaged over are too scattered for one kernel.
    fn moments(
        &mut self,
        op: &Op,
        a: usize,
        dims: &[usize],
        shape: &[usize],
        result: &[usize],
    ) -> usize {
        if Moments::new(shape, dims).is_some() {
            return self.node(Kind::Whole(op.clone(), vec![a], vec![shape.to_vec()]), result);
        }
        let kept = (0..shape.len()).filter(|d| !dims.contains(d));
        let permutation: Vec<usize> = kept.chain(dims.iter().copied()).collect();
        let moved: Vec<usize> = permutation.iter().map(|&d| shape[d]).collect();
        let a = self.transpose(a, shape, &permutation);
        let last = (shape.len() - dims.len()..shape.len()).collect();
        match op {
            Op::Normalize { eps, .. } => {
                let op = Op::Normalize { dims: last, eps: eps.clone() };
                let n = self.node(Kind::Whole(op, vec![a], vec![moved.clone()]), &moved);
                let mut back = vec![0; shape.len()];
                permutation.iter().enumerate().for_each(|(to, &from)| back[from] = to);
                self.transpose(n, &moved, &back)
            }
            _ => {
                let op = Op::Variance { dims: last };
                self.node(Kind::Whole(op, vec![a], vec![moved]), result)
            }
        }
    }

    fn transpose(&mut self, a: usize, shape: &[usize], permutation: &[usize]) -> usize {
        let moved: Vec<usize> = permutation.iter().map(|&d| shape[d]).collect();
        let op = Op::Transpose { permutation: permutation.to_vec() };
        self.node(Kind::Whole(op, vec![a], vec![shape.to_vec()]), &moved)
    }

    /// A dot_general whose operands are matrices, transposed first if need be.
    fn dot_general(
        &mut self,
        dims: &DotDims,
        mut operands: Vec<usize>,
        mut shapes: Vec<Vec<usize>>,
    ) -> Kind {
        if Matmul::new(dims, &shapes[0], &shapes[1]).is_some() {
            return Kind::Whole(Op::DotGeneral(dims.clone()), operands, shapes);
        }
        let (lhs, rhs, dims) = collapsible(dims, shapes[0].len(), shapes[1].len());
        for (k, permutation) in [lhs, rhs].into_iter().enumerate() {
            if !keeps_order(&shapes[k], &permutation) {
                operands[k] = self.transpose(operands[k], &shapes[k], &permutation);
            }
            shapes[k] = permutation.iter().map(|&d| shapes[k][d]).collect();
        }
        Kind::Whole(Op::DotGeneral(dims), operands, shapes)
    }

    /// The node that holds every element of `a` in order.
    fn materialise(&mut self, a: &Lowered, shape: &[usize]) -> usize {
        let len: usize = shape.iter().product();
        match (a, as_arg(a)) {
            (Lowered::View(n, access), _) if *access == Access::plain(len) => *n,
            (_, Some(arg)) => self.node(Kind::Pointwise(Pointwise::Copy, vec![arg]), shape),
            // Truth values never leave comparisons; `Executor::new` checks the
            // outputs, the shape rules all other uses.
            (_, None) => self.node(Kind::Pointwise(Pointwise::Copy, vec![Arg::Const(0)]), shape),
        }
    }
}

fn as_arg(a: &Lowered) -> Option<Arg> {
    match a {
        Lowered::Const(c) => Some(Arg::Const(c.to_bits())),
        Lowered::View(n, access) => Some(Arg::Node(*n, *access)),
        Lowered::Pred(..) => None,
    }
}

fn constant(index: usize, value: &Rational) -> Result<Lowered, NativeError> {
    let c = value.to_f32();
    match c.is_finite() {
        true => Ok(Lowered::Const(c)),
        false => Err(NativeError::Constant { index, value: value.to_string() }),
    }
}

/// The function of a pointwise op, and the constants it takes after the op's
/// operands.
fn pointwise(op: &Op) -> Option<(Pointwise, Vec<&Rational>)> {
    let function = match op {
        Op::Add => Pointwise::Add,
        Op::Sub => Pointwise::Sub,
        Op::Mul => Pointwise::Mul,
        Op::Div => Pointwise::Div,
        Op::Neg => Pointwise::Neg,
        Op::Exp => Pointwise::Exp,
        Op::Log => Pointwise::Log,
        Op::Sqrt => Pointwise::Sqrt,
        Op::Rsqrt => Pointwise::Rsqrt,
        Op::Tanh => Pointwise::Tanh,
        Op::Logistic => Pointwise::Logistic,
        Op::Erf => Pointwise::Erf,
        Op::ErfGrad => Pointwise::ErfGrad,
        Op::Softplus => Pointwise::Softplus,
        Op::Elu { alpha } => return Some((Pointwise::Elu, vec![alpha])),
        Op::Relu => Pointwise::Relu,
        Op::Clamp { low, high } => return Some((Pointwise::Clamp, vec![low, high])),
        Op::Abs => Pointwise::Abs,
        Op::Maximum => Pointwise::Maximum,
        _ => return None,
    };
    Some((function, vec![]))
}

/// True if the permutation moves only dimensions of size 1.
fn keeps_order(shape: &[usize], permutation: &[usize]) -> bool {
    let moved: Vec<usize> = permutation.iter().copied().filter(|&d| shape[d] > 1).collect();
    moved.windows(2).all(|w| w[0] < w[1])
}

/// The access of a broadcast whose mapped dimensions are consecutive, apart
/// from those of size 1.
fn broadcast_access(shape: &[usize], dims: &[usize]) -> Option<Access> {
    let mapped: Vec<usize> = dims.iter().copied().filter(|&d| shape[d] > 1).collect();
    let (Some(&first), Some(&last)) = (mapped.first(), mapped.last()) else {
        return Some(Access { inner: 1, count: 1 });
    };
    let between = (first..=last).filter(|&d| shape[d] > 1).count();
    (between == mapped.len()).then(|| Access {
        inner: shape[last + 1..].iter().product(),
        count: mapped.iter().map(|&d| shape[d]).product(),
    })
}

/// True if every kept dimension (of size above 1) comes after every summed one.
fn sums_leading(shape: &[usize], dims: &[usize]) -> bool {
    let last = dims.iter().copied().filter(|&d| shape[d] > 1).max().unwrap_or(0);
    (0..last).all(|d| shape[d] == 1 || dims.contains(&d))
}
