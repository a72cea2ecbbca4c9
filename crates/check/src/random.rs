//! Random well-typed graphs.

use crate::{CheckError, Fill, fill};
use cotangent_graph::{
    Builder, Comparison, ConvDims, DotDims, Graph, Op, Rational, Role, TensorType, ValueId, Window,
};
use cotangent_interp::{Value, evaluate};
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A forward graph of `size` instructions over the whole op set, and inputs at
/// which all its values are moderate: finite, at most 30 in magnitude, and
/// away from the poles of division, logarithm and square root. Every real
/// value that nothing reads is an output. The same seed gives the same graph.
pub fn random_graph(seed: u64, size: usize) -> Result<(Graph, Vec<Value<f64>>), CheckError> {
    let mut growth = Growth { rng: ChaCha8Rng::seed_from_u64(seed), nodes: Vec::new() };
    for shape in [vec![2, 3], vec![2, 3], vec![3], vec![1, 4, 5, 2], vec![1, 4, 5, 2]] {
        growth.input(Role::Param, Fill::Spread, shape)?;
    }
    while growth.instructions() < size {
        growth.attempt()?;
    }
    growth.finish()
}

/// A value with what made it: an input's role, or an op and its operands.
struct Node {
    value: Value<f64>,
    ty: TensorType,
    made: Made,
}

enum Made {
    Input(Role),
    By(Op, Vec<usize>),
}

struct Growth {
    rng: ChaCha8Rng,
    nodes: Vec<Node>,
}

impl Growth {
    fn instructions(&self) -> usize {
        self.nodes.iter().filter(|n| matches!(n.made, Made::By(..))).count()
    }

    fn input(&mut self, role: Role, how: Fill, shape: Vec<usize>) -> Result<usize, CheckError> {
        let ty = TensorType::real(shape);
        let value = fill(&ty, how, &mut self.rng)?;
        self.nodes.push(Node { value, ty, made: Made::Input(role) });
        Ok(self.nodes.len() - 1)
    }

    /// Adds `op` if it fits its operands and its value is moderate.
    fn push(&mut self, op: Op, operands: &[usize]) -> Result<Option<usize>, CheckError> {
        let types: Vec<&TensorType> = operands.iter().map(|&k| &self.nodes[k].ty).collect();
        let Ok(ty) = op.infer(&types) else { return Ok(None) };
        let values: Vec<&Value<f64>> = operands.iter().map(|&k| &self.nodes[k].value).collect();
        let value = evaluate(&op, &values)?;
        if let Value::Real(t) = &value
            && !t.data().iter().all(|x| x.abs() <= 30.0)
        {
            return Ok(None);
        }
        self.nodes.push(Node { value, ty, made: Made::By(op, operands.to_vec()) });
        Ok(Some(self.nodes.len() - 1))
    }

    /// A value whose elements all satisfy `holds`, recent ones more often.
    fn real(&mut self, holds: impl Fn(&TensorType, &[f64]) -> bool) -> Option<usize> {
        let fits = |&k: &usize| match &self.nodes[k].value {
            Value::Real(t) => holds(&self.nodes[k].ty, t.data()),
            Value::Pred(_) => false,
        };
        let found: Vec<usize> = (0..self.nodes.len()).filter(fits).collect();
        let recent = &found[found.len().saturating_sub(6)..];
        let pool = if self.rng.random_bool(0.7) { recent } else { &found };
        pool.choose(&mut self.rng).copied()
    }

    fn of_rank(&mut self, low: usize, high: usize) -> Option<usize> {
        self.real(|ty, _| (low..=high).contains(&ty.rank()))
    }

    fn partner(&mut self, k: usize) -> Option<usize> {
        let ty = self.nodes[k].ty.clone();
        self.real(|other, _| *other == ty)
    }

    fn shape(&self, k: usize) -> Vec<usize> {
        self.nodes[k].ty.shape.clone()
    }

    /// Tries one op; adds nothing where it does not fit.
    fn attempt(&mut self) -> Result<(), CheckError> {
        let Some(a) = self.of_rank(0, 5) else { return Ok(()) };
        match self.rng.random_range(0..27) {
            0 => self.pair(Op::Add, a)?,
            1 => self.pair(Op::Sub, a)?,
            2 | 3 => self.pair(Op::Mul, a)?,
            4 => {
                let ty = self.nodes[a].ty.clone();
                let away = |t: &TensorType, x: &[f64]| *t == ty && x.iter().all(|x| x.abs() > 0.3);
                match self.real(away) {
                    Some(b) => self.push(Op::Div, &[a, b])?,
                    None => None,
                }
            }
            5 => self.push(Op::Neg, &[a])?,
            6 => self.push(Op::Exp, &[a])?,
            7 => match self.real(|_, x| x.iter().all(|&x| x > 0.3)) {
                Some(a) => {
                    let ops = [Op::Log, Op::Sqrt, Op::Rsqrt];
                    let op = ops[self.rng.random_range(0..ops.len())].clone();
                    self.push(op, &[a])?
                }
                None => None,
            },
            8 | 9 => self.push(Op::Relu, &[a])?,
            10 => self.choice(a)?,
            11 => {
                let shape = self.shape(a);
                let value = Rational::new(self.rng.random_range(-5..=5), 4).unwrap_or(1.into());
                match self.push(Op::Constant { value, shape }, &[])? {
                    Some(c) => self.pair_with(Op::Mul, a, c)?,
                    None => None,
                }
            }
            12 | 13 => self.dot(a)?,
            14 | 15 => self.convolution()?,
            16 => self.broadcast(a)?,
            17 => {
                let dims = (0..self.nodes[a].ty.rank()).filter(|_| self.rng.random_bool(0.4));
                let dims = dims.collect();
                self.push(Op::ReduceSum { dims }, &[a])?
            }
            18 => {
                let mut permutation: Vec<usize> = (0..self.nodes[a].ty.rank()).collect();
                for k in (1..permutation.len()).rev() {
                    permutation.swap(k, self.rng.random_range(0..=k));
                }
                self.push(Op::Transpose { permutation }, &[a])?
            }
            19 => {
                let shape = self.shape(a);
                let at = self.rng.random_range(0..=shape.len());
                let tail = shape[at..].iter().product();
                let shape = shape[..at].iter().copied().chain([tail]).collect();
                self.push(Op::Reshape { shape }, &[a])?
            }
            20 => self.window(a)?,
            21 => {
                let ops = [Op::Tanh, Op::Logistic, Op::Erf, Op::ErfGrad, Op::Softplus];
                let op = ops[self.rng.random_range(0..ops.len())].clone();
                self.push(op, &[a])?
            }
            22 => self.piecewise(a)?,
            23 => self.pair(Op::Maximum, a)?,
            24 => self.moment(a)?,
            25 => self.re_index(a)?,
            _ => self.closed_form(a)?,
        };
        Ok(())
    }

    /// A number of quarters.
    fn quarters(&mut self, low: i64, high: i64) -> Rational {
        Rational::new(self.rng.random_range(low..=high), 4).unwrap_or(1.into())
    }

    fn piecewise(&mut self, a: usize) -> Result<Option<usize>, CheckError> {
        let op = match self.rng.random_range(0..3) {
            0 => Op::Abs,
            1 => Op::Elu { alpha: self.quarters(1, 6) },
            _ => Op::Clamp { low: self.quarters(-4, 0), high: self.quarters(1, 4) },
        };
        self.push(op, &[a])
    }

    fn moment(&mut self, a: usize) -> Result<Option<usize>, CheckError> {
        let dims = (0..self.nodes[a].ty.rank()).filter(|_| self.rng.random_bool(0.6)).collect();
        let op = match self.rng.random_bool(0.5) {
            true => Op::Variance { dims },
            // Large enough that a variance near zero is no pole.
            false => Op::Normalize { dims, eps: self.quarters(1, 4) },
        };
        self.push(op, &[a])
    }

    fn re_index(&mut self, a: usize) -> Result<Option<usize>, CheckError> {
        let shape = self.shape(a);
        match self.rng.random_range(0..3) {
            0 => {
                let starts: Vec<usize> =
                    shape.iter().map(|&n| self.rng.random_range(0..n)).collect();
                let ends = starts.iter().zip(&shape);
                let limits = ends.map(|(&start, &n)| self.rng.random_range(start + 1..=n));
                let limits = limits.collect();
                let strides = shape.iter().map(|_| self.rng.random_range(1..=3)).collect();
                self.push(Op::Slice { starts, limits, strides }, &[a])
            }
            1 if shape.iter().product::<usize>() <= 40 => {
                let mut pick =
                    || shape.iter().map(|_| self.rng.random_range(0..=2)).collect::<Vec<_>>();
                let (low, high) = (pick(), pick());
                let interior = pick().into_iter().map(|n| n / 2).collect();
                self.push(Op::Pad { low, high, interior }, &[a])
            }
            1 => Ok(None),
            _ if shape.is_empty() => Ok(None),
            _ => {
                let dim = self.rng.random_range(0..shape.len());
                let Some(b) = self.partner(a) else { return Ok(None) };
                self.push(Op::Concatenate { dim, count: 2 }, &[a, b])
            }
        }
    }

    fn pair(&mut self, op: Op, a: usize) -> Result<Option<usize>, CheckError> {
        match self.partner(a) {
            Some(b) => self.pair_with(op, a, b),
            None => Ok(None),
        }
    }

    fn pair_with(&mut self, op: Op, a: usize, b: usize) -> Result<Option<usize>, CheckError> {
        self.push(op, &[a, b])
    }

    fn choice(&mut self, a: usize) -> Result<Option<usize>, CheckError> {
        let direction = [Comparison::Eq, Comparison::Gt, Comparison::Ge];
        let direction = direction[self.rng.random_range(0..3)];
        let (Some(b), Some(c)) = (self.partner(a), self.partner(a)) else { return Ok(None) };
        match self.push(Op::Compare(direction), &[a, b])? {
            Some(p) => self.push(Op::Select, &[p, b, c]),
            None => Ok(None),
        }
    }

    /// Pairs dimensions of equal size as batch or contracting ones.
    fn dot(&mut self, a: usize) -> Result<Option<usize>, CheckError> {
        let Some(b) = self.of_rank(0, 3) else { return Ok(None) };
        let (lhs, rhs) = (self.shape(a), self.shape(b));
        let mut dims = DotDims::default();
        for (l, &size) in lhs.iter().enumerate() {
            let taken = |r: &usize| dims.rhs_batch.contains(r) || dims.rhs_contracting.contains(r);
            let Some(r) = (0..rhs.len()).find(|r| rhs[*r] == size && !taken(r)) else { continue };
            match self.rng.random_range(0..3) {
                0 => {
                    dims.lhs_batch.push(l);
                    dims.rhs_batch.push(r);
                }
                1 => {
                    dims.lhs_contracting.push(l);
                    dims.rhs_contracting.push(r);
                }
                _ => {}
            }
        }
        // Outer products of big operands make everything after them slow.
        let types = [&self.nodes[a].ty, &self.nodes[b].ty];
        let small = Op::DotGeneral(dims.clone()).infer(&types).is_ok_and(|t| t.len() <= 400);
        if small { self.push(Op::DotGeneral(dims), &[a, b]) } else { Ok(None) }
    }

    /// A convolution or one of its gradients, over a fresh kernel or cotangent.
    fn convolution(&mut self) -> Result<Option<usize>, CheckError> {
        let Some(image) = self.of_rank(3, 4) else { return Ok(None) };
        let shape = self.shape(image);
        let spatial = shape.len() - 2;
        let features = shape[spatial + 1];
        let groups = if self.rng.random_bool(0.5) { features } else { 1 };
        let mut pick = |low: usize, high: usize| -> Vec<usize> {
            (0..spatial).map(|_| self.rng.random_range(low..=high)).collect()
        };
        let (strides, dilation, mut kernel) = (pick(1, 2), pick(1, 2), pick(1, 3));
        let padding = pick(0, 2).into_iter().zip(pick(0, 2)).collect();
        let window = kernel.clone();
        let dims = ConvDims { strides, padding, dilation, groups };
        kernel.extend([features / groups, groups * self.rng.random_range(1..=2)]);
        let conv = Op::Conv(dims.clone());
        let Ok(ty) = conv.infer(&[&self.nodes[image].ty, &TensorType::real(kernel.clone())]) else {
            return Ok(None);
        };
        if ty.len() > 400 || features > 8 {
            return Ok(None);
        }
        if self.rng.random_bool(0.3) {
            let dy = self.input(Role::Param, Fill::Spread, ty.shape)?;
            return self.push(Op::ConvKernelGrad { dims, kernel: window }, &[image, dy]);
        }
        let kernel = self.input(Role::Param, Fill::FanIn, kernel)?;
        match self.push(conv, &[image, kernel])? {
            Some(y) if self.rng.random_bool(0.5) => {
                let input = shape[1..=spatial].to_vec();
                self.push(Op::ConvInputGrad { dims, input }, &[y, kernel])
            }
            other => Ok(other),
        }
    }

    fn broadcast(&mut self, a: usize) -> Result<Option<usize>, CheckError> {
        let mut shape = self.shape(a);
        if shape.len() > 3 || shape.iter().product::<usize>() > 100 {
            return Ok(None);
        }
        let at = self.rng.random_range(0..=shape.len());
        shape.insert(at, self.rng.random_range(1..=3));
        let dims = (0..shape.len()).filter(|&d| d != at).collect();
        self.push(Op::BroadcastInDim { shape, dims }, &[a])
    }

    fn window(&mut self, a: usize) -> Result<Option<usize>, CheckError> {
        let shape = self.shape(a);
        let mut window = Window { size: vec![], strides: vec![], padding: vec![] };
        for &d in &shape {
            let size = self.rng.random_range(1..=d.min(3));
            window.size.push(size);
            window.strides.push(self.rng.random_range(1..=2));
            let pad = |rng: &mut ChaCha8Rng| rng.random_range(0..size);
            window.padding.push((pad(&mut self.rng), pad(&mut self.rng)));
        }
        if self.rng.random_bool(0.5) {
            let Some(y) = self.push(Op::MaxPool(window.clone()), &[a])? else { return Ok(None) };
            if self.rng.random_bool(0.7) {
                return Ok(Some(y));
            }
            // Not differentiable in its cotangent, so that one is data.
            let dy = self.input(Role::Data, Fill::Spread, self.shape(y))?;
            return match self.push(Op::MaxPoolGrad(window), &[a, dy])? {
                Some(back) => self.pair_with(Op::Mul, back, a),
                None => Ok(None),
            };
        }
        match self.push(Op::WindowSum(window.clone()), &[a])? {
            Some(y) if self.rng.random_bool(0.5) => {
                self.push(Op::WindowSumGrad { window, input: shape }, &[y])
            }
            other => Ok(other),
        }
    }

    fn closed_form(&mut self, a: usize) -> Result<Option<usize>, CheckError> {
        if self.nodes[a].ty.rank() == 0 {
            return Ok(None);
        }
        if self.rng.random_bool(0.6) {
            return self.push(Op::Softmax, &[a]);
        }
        let targets = self.input(Role::Target, Fill::Targets, self.shape(a))?;
        self.push(Op::SoftmaxCrossEntropy, &[a, targets])
    }

    /// The graph with inputs first, and the inputs' values.
    fn finish(self) -> Result<(Graph, Vec<Value<f64>>), CheckError> {
        let mut b = Builder::new();
        let mut renamed = vec![ValueId(0); self.nodes.len()];
        let mut inputs = Vec::new();
        let mut read = vec![false; self.nodes.len()];
        for (k, node) in self.nodes.iter().enumerate() {
            match &node.made {
                Made::Input(role) => {
                    renamed[k] = b.input(format!("x{k}"), *role, node.ty.clone())?;
                    inputs.push(node.value.clone());
                }
                Made::By(_, operands) => operands.iter().for_each(|&o| read[o] = true),
            }
        }
        for (k, node) in self.nodes.iter().enumerate() {
            if let Made::By(op, operands) = &node.made {
                let operands: Vec<ValueId> = operands.iter().map(|&o| renamed[o]).collect();
                renamed[k] = b.push(op.clone(), &operands)?;
                if !read[k] && node.ty.is_real() {
                    b.output(format!("y{k}"), Role::Logits, renamed[k]);
                }
            }
        }
        Ok((b.finish()?, inputs))
    }
}
