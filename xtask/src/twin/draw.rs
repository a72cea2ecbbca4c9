//! Random modules of one op.

use cotangent_graph::Rational;
use cotangent_stablehlo::Position;
use cotangent_stablehlo::ast::{
    Binary, Convolution, Dim, Direction, DotGeneral, Element, Function, Instr, Literal, Module,
    Operand, Operation, Pad, ReduceWindow, Reducer, Slice, Slot, Type, Unary, Value,
};
use rand::RngExt;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// What a case is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Constant,
    Negate,
    Sqrt,
    Rsqrt,
    Abs,
    Add,
    Subtract,
    Multiply,
    Divide,
    Maximum,
    Minimum,
    CompareEq,
    CompareGt,
    CompareGe,
    Select,
    Dot,
    Broadcast,
    ReduceAdd,
    ReduceMaximum,
    Transpose,
    Reshape,
    CallRelu,
    Convolution,
    Reverse,
    WindowAdd,
    WindowMaximum,
    Pad,
    Slice,
    Concatenate,
    /// Padding with minus infinity, compared and selected by.
    Bounded,
}

/// All of them.
pub const FORMS: &[Form] = &[
    Form::Constant,
    Form::Negate,
    Form::Sqrt,
    Form::Rsqrt,
    Form::Abs,
    Form::Add,
    Form::Subtract,
    Form::Multiply,
    Form::Divide,
    Form::Maximum,
    Form::Minimum,
    Form::CompareEq,
    Form::CompareGt,
    Form::CompareGe,
    Form::Select,
    Form::Dot,
    Form::Broadcast,
    Form::ReduceAdd,
    Form::ReduceMaximum,
    Form::Transpose,
    Form::Reshape,
    Form::CallRelu,
    Form::Convolution,
    Form::Reverse,
    Form::WindowAdd,
    Form::WindowMaximum,
    Form::Pad,
    Form::Slice,
    Form::Concatenate,
    Form::Bounded,
];

/// How the cells of an argument are drawn.
#[derive(Clone, Copy)]
enum Cells {
    Small,
    /// Squares, so that roots are exact.
    Squares,
    /// Powers of four, so that reciprocal roots are exact.
    PowersOfFour,
    /// Powers of two and their negatives, so that quotients are exact.
    Powers,
}

/// `@main` in the making.
struct Draw<'a> {
    rng: &'a mut ChaCha8Rng,
    element: Element,
    arguments: Vec<Type>,
    inputs: Vec<Vec<i64>>,
    body: Vec<Instr>,
}

impl Draw<'_> {
    fn below(&mut self, n: usize) -> usize {
        self.rng.random_range(0..n)
    }

    /// Up to four dimensions of up to three, but not many cells.
    fn shape(&mut self) -> Vec<usize> {
        let rank = self.below(5);
        (0..rank).map(|_| 1 + self.below(3)).collect()
    }

    fn real(&self, shape: &[usize]) -> Type {
        Type { shape: shape.to_vec(), element: self.element }
    }

    fn argument(&mut self, shape: &[usize], cells: Cells) -> Operand {
        let ty = self.real(shape);
        let count: usize = shape.iter().product();
        let cell = |rng: &mut ChaCha8Rng| match cells {
            Cells::Small => rng.random_range(-4..=4),
            Cells::Squares => [0, 1, 4, 9, 16, 25][rng.random_range(0..6)],
            Cells::PowersOfFour => [1, 4, 16, 64, 256][rng.random_range(0..5)],
            Cells::Powers => [1, -1, 2, -2, 4, -8][rng.random_range(0..6)],
        };
        self.inputs.push((0..count).map(|_| cell(self.rng)).collect());
        self.arguments.push(ty.clone());
        Operand { value: Value::Argument(self.arguments.len() - 1), ty }
    }

    fn push(&mut self, operation: Operation, operands: &[&Operand], ty: Type) -> Operand {
        let operands = operands.iter().map(|&o| o.clone()).collect();
        let value = Value::Result(self.body.len());
        self.body.push(Instr { operation, operands, ty: ty.clone(), at: Position::default() });
        Operand { value, ty }
    }

    fn shuffled(&mut self, n: usize) -> Vec<usize> {
        let mut dims: Vec<usize> = (0..n).collect();
        dims.shuffle(self.rng);
        dims
    }

    /// Some of the dimensions below `n`, in order.
    fn some_dims(&mut self, n: usize) -> Vec<usize> {
        (0..n).filter(|_| self.rng.random_bool(0.5)).collect()
    }

    /// Any finite number of the element type, as likely short as long.
    fn number(&mut self) -> Literal {
        let value = match self.below(4) {
            0 => Rational::new(self.rng.random_range(-2000..2000), 1 << self.below(9)),
            1 => Some(Rational::integer(self.rng.random_range(-3..=3))),
            _ => loop {
                let bits: u64 = self.rng.random();
                let x = match self.element {
                    Element::F64 => f64::from_bits(bits),
                    _ => f64::from(f32::from_bits(bits as u32)),
                };
                // XLA may flush what is below the normal numbers of f32.
                if x.is_finite() && x.abs() > 1e-37 {
                    break Rational::from_f64(x);
                }
            },
        };
        Literal::Finite(value.unwrap_or(Rational::integer(0)))
    }

    fn unary(&mut self, op: Unary, cells: Cells) -> Operand {
        let shape = self.shape();
        let a = self.argument(&shape, cells);
        self.push(Operation::Unary(op), &[&a], a.ty.clone())
    }

    fn binary(&mut self, op: Binary, second: Cells) -> Operand {
        let shape = self.shape();
        let (a, b) = (self.argument(&shape, Cells::Small), self.argument(&shape, second));
        self.push(Operation::Binary(op), &[&a, &b], a.ty.clone())
    }

    fn compare(&mut self, direction: Direction, shape: &[usize]) -> Operand {
        let (a, b) = (self.argument(shape, Cells::Small), self.argument(shape, Cells::Small));
        let ty = Type { shape: shape.to_vec(), element: Element::I1 };
        self.push(Operation::Compare(direction), &[&a, &b], ty)
    }

    fn dot(&mut self) -> Operand {
        let sizes = |rng: &mut ChaCha8Rng, n: usize| -> Vec<usize> {
            (0..rng.random_range(0..=n)).map(|_| rng.random_range(1..=3)).collect()
        };
        let (batch, left, right, summed) =
            (sizes(self.rng, 2), sizes(self.rng, 2), sizes(self.rng, 2), sizes(self.rng, 2));
        // Where batch, free and contracting dimensions go in an operand.
        let mut operand = |free: &[usize]| {
            let all = [batch.as_slice(), free, summed.as_slice()].concat();
            let place = self.shuffled(all.len());
            let mut shape = vec![0; all.len()];
            place.iter().zip(&all).for_each(|(&d, &n)| shape[d] = n);
            let batching = place[..batch.len()].to_vec();
            let contracting = place[batch.len() + free.len()..].to_vec();
            let mut kept: Vec<usize> = place[batch.len()..batch.len() + free.len()].to_vec();
            kept.sort_unstable();
            let kept: Vec<usize> = kept.iter().map(|&d| shape[d]).collect();
            (self.argument(&shape, Cells::Small), batching, contracting, kept)
        };
        let (a, lb, lc, lk) = operand(&left);
        let (b, rb, rc, rk) = operand(&right);
        let ty = self.real(&[batch, lk, rk].concat());
        let dims = DotGeneral { batching: (lb, rb), contracting: (lc, rc) };
        self.push(Operation::DotGeneral(dims), &[&a, &b], ty)
    }

    /// Dimensions of size 1 may grow.
    fn broadcast(&mut self) -> Operand {
        let result = self.shape();
        let mut dims = self.shuffled(result.len());
        let keep = self.below(result.len() + 1);
        dims.truncate(keep);
        let shape: Vec<usize> =
            dims.iter().map(|&d| if self.below(4) == 0 { 1 } else { result[d] }).collect();
        let a = self.argument(&shape, Cells::Small);
        let ty = self.real(&result);
        self.push(Operation::BroadcastInDim(dims), &[&a], ty)
    }

    fn reduce(&mut self, reducer: Reducer) -> Operand {
        let shape = self.shape();
        let dims = self.some_dims(shape.len());
        let a = self.argument(&shape, Cells::Small);
        let scalar = self.real(&[]);
        let init = self.push(Operation::Constant(reducer.init()), &[], scalar);
        let kept = (0..shape.len()).filter(|d| !dims.contains(d)).map(|d| shape[d]);
        let ty = self.real(&kept.collect::<Vec<_>>());
        self.push(Operation::Reduce(reducer, dims), &[&a, &init], ty)
    }

    fn transpose(&mut self) -> Operand {
        let shape = self.shape();
        let permutation = self.shuffled(shape.len());
        let ty = self.real(&permutation.iter().map(|&d| shape[d]).collect::<Vec<_>>());
        let a = self.argument(&shape, Cells::Small);
        self.push(Operation::Transpose(permutation), &[&a], ty)
    }

    /// Neighbouring dimensions are merged, and ones put in.
    fn reshape(&mut self) -> Operand {
        let shape = self.shape();
        let mut result: Vec<usize> = vec![1];
        for &n in &shape {
            match result.last_mut() {
                Some(last) if self.rng.random_bool(0.5) => *last *= n,
                _ => result.push(n),
            }
        }
        let a = self.argument(&shape, Cells::Small);
        let ty = self.real(&result);
        self.push(Operation::Reshape, &[&a], ty)
    }

    /// The dimensions in any order.
    fn in_some_order(&mut self, dims: &[(Dim, usize)]) -> (Vec<Dim>, Vec<usize>) {
        let order = self.shuffled(dims.len());
        order.into_iter().map(|d| dims[d]).unzip()
    }

    /// Padding may crop, and groups be of features or of the batch.
    fn convolution(&mut self) -> Operand {
        let groups = 1 + self.below(3);
        let (batch_groups, feature_groups) =
            if self.rng.random_bool(0.5) { (groups, 1) } else { (1, groups) };
        let batch = 1 + self.below(2);
        let inputs = 1 + self.below(2);
        let outputs = groups * (1 + self.below(2));
        let mut lhs =
            vec![(Dim::Batch, batch * batch_groups), (Dim::Feature, inputs * feature_groups)];
        let mut rhs = vec![(Dim::Input, inputs), (Dim::Output, outputs)];
        let mut result = vec![(Dim::Batch, batch), (Dim::Feature, outputs)];
        let mut c = Convolution {
            lhs: Vec::new(),
            rhs: Vec::new(),
            result: Vec::new(),
            strides: Vec::new(),
            padding: Vec::new(),
            lhs_dilation: Vec::new(),
            rhs_dilation: Vec::new(),
            batch_groups,
            feature_groups,
        };
        for d in 0..self.below(4) {
            let window = loop {
                let (size, kernel) = (1 + self.below(4), 1 + self.below(3));
                let (stride, dilation) =
                    (1 + self.below(3), [1 + self.below(3), 1 + self.below(3)]);
                let padding = (self.rng.random_range(-2..=3), self.rng.random_range(-2..=3));
                let span = |n: usize, apart: usize| ((n - 1) * apart + 1) as i64;
                let padded = span(size, dilation[0]) + padding.0 + padding.1;
                let room = padded - span(kernel, dilation[1]);
                if room >= 0 {
                    break (size, kernel, stride, dilation, padding, room as usize / stride + 1);
                }
            };
            let (size, kernel, stride, [lhs_dilation, rhs_dilation], padding, count) = window;
            lhs.push((Dim::Spatial(d), size));
            rhs.push((Dim::Spatial(d), kernel));
            result.push((Dim::Spatial(d), count));
            c.strides.push(stride);
            c.padding.push(padding);
            c.lhs_dilation.push(lhs_dilation);
            c.rhs_dilation.push(rhs_dilation);
        }
        let (lhs, rhs, result) =
            (self.in_some_order(&lhs), self.in_some_order(&rhs), self.in_some_order(&result));
        (c.lhs, c.rhs, c.result) = (lhs.0, rhs.0, result.0);
        let (a, b) = (self.argument(&lhs.1, Cells::Small), self.argument(&rhs.1, Cells::Small));
        let ty = self.real(&result.1);
        self.push(Operation::Convolution(Box::new(c)), &[&a, &b], ty)
    }

    fn reverse(&mut self) -> Operand {
        let shape = self.shape();
        let dims = self.some_dims(shape.len());
        let a = self.argument(&shape, Cells::Small);
        self.push(Operation::Reverse(dims), &[&a], a.ty.clone())
    }

    /// Padding may crop, but every window has a cell of the operand.
    fn window(&mut self, reducer: Reducer) -> Operand {
        let shape = self.shape();
        let (mut w, mut result) =
            (ReduceWindow { size: vec![], strides: vec![], padding: vec![] }, Vec::new());
        for &n in &shape {
            let (size, stride, (low, high), count) = loop {
                let (size, stride) = (1 + self.below(3), 1 + self.below(3));
                let padding = (self.rng.random_range(-2..=2), self.rng.random_range(-2..=2));
                let room = n as i64 + padding.0 + padding.1 - size as i64;
                let last = room / stride as i64 * stride as i64 - padding.0;
                if room >= 0 && padding.0 < size as i64 && last < n as i64 {
                    break (size, stride, padding, room as usize / stride + 1);
                }
            };
            w.size.push(size);
            w.strides.push(stride);
            w.padding.push((low, high));
            result.push(count);
        }
        let a = self.argument(&shape, Cells::Small);
        let (scalar, ty) = (self.real(&[]), self.real(&result));
        let init = self.push(Operation::Constant(reducer.init()), &[], scalar);
        self.push(Operation::ReduceWindow(reducer, w), &[&a, &init], ty)
    }

    /// Some padding, between cells too, or cropping; and the padded shape.
    fn padding(&mut self, shape: &[usize]) -> (Pad, Vec<usize>) {
        let (mut pad, mut result) =
            (Pad { low: vec![], high: vec![], interior: vec![] }, Vec::new());
        for &n in shape {
            let (low, high, interior, size) = loop {
                let (low, high) = (self.rng.random_range(-2..=2), self.rng.random_range(-2..=2));
                let interior = self.below(3);
                let size = (n + (n - 1) * interior) as i64 + low + high;
                if size > 0 {
                    break (low, high, interior, size as usize);
                }
            };
            pad.low.push(low);
            pad.high.push(high);
            pad.interior.push(interior);
            result.push(size);
        }
        (pad, result)
    }

    fn slice(&mut self, a: &Operand) -> Operand {
        let (mut slice, mut result) =
            (Slice { starts: vec![], limits: vec![], strides: vec![] }, Vec::new());
        for &n in &a.ty.shape {
            let start = self.below(n);
            let (limit, stride) = (start + 1 + self.below(n - start), 1 + self.below(3));
            slice.starts.push(start);
            slice.limits.push(limit);
            slice.strides.push(stride);
            result.push((limit - start).div_ceil(stride));
        }
        let ty = self.real(&result);
        self.push(Operation::Slice(slice), &[a], ty)
    }

    /// One to four operands, along any dimension.
    fn concatenate(&mut self) -> Operand {
        let mut shape = self.shape();
        if shape.is_empty() {
            shape.push(1);
        }
        let dim = self.below(shape.len());
        let count = 1 + self.below(4);
        let mut part = || {
            shape[dim] = 1 + self.below(3);
            self.argument(&shape, Cells::Small)
        };
        let parts: Vec<Operand> = (0..count).map(|_| part()).collect();
        shape[dim] = parts.iter().map(|p| p.ty.shape[dim]).sum();
        let ty = self.real(&shape);
        self.push(Operation::Concatenate(dim), &parts.iter().collect::<Vec<_>>(), ty)
    }

    /// Two operands between minus infinities, the greater of them or the lesser,
    /// and a comparison of slices of that with one of them.
    fn bounded(&mut self) -> Operand {
        let shape = self.shape();
        let (pad, result) = self.padding(&shape);
        let (real, scalar) = (self.real(&result), self.real(&[]));
        let mut operand = || {
            // The one a cell further on than the other, where there is room.
            let mut pad = pad.clone();
            if let Some(d) = (0..shape.len()).find(|&d| pad.high[d] > 0) {
                let by = self.below(2) as i64;
                (pad.low[d], pad.high[d]) = (pad.low[d] + by, pad.high[d] - by);
            }
            let a = self.argument(&shape, Cells::Small);
            let fill = self.push(Operation::Constant(Reducer::Maximum.init()), &[], scalar.clone());
            self.push(Operation::Pad(pad), &[&a, &fill], real.clone())
        };
        let (a, b) = (operand(), operand());
        let directions = [Direction::Eq, Direction::Gt, Direction::Ge];
        let truths = |ty: &Type| Type { shape: ty.shape.clone(), element: Element::I1 };
        let first = directions[self.below(3)];
        let p = self.push(Operation::Compare(first), &[&a, &b], truths(&real));
        let chosen = self.push(Operation::Select, &[&p, &a, &b], real.clone());
        let starts = self.rng.clone();
        let left = self.slice(&chosen);
        *self.rng = starts;
        let right = self.slice(&b);
        let second = directions[self.below(3)];
        let ty = truths(&left.ty);
        self.push(Operation::Compare(second), &[&left, &right], ty)
    }

    fn function(&self, name: &str, public: bool, result: &Operand) -> Function {
        let slot = |ty: &Type| Slot { ty: ty.clone(), attributes: Vec::new() };
        Function {
            name: name.into(),
            public,
            arguments: self.arguments.iter().map(slot).collect(),
            results: vec![slot(&result.ty)],
            attributes: Vec::new(),
            body: self.body.clone(),
            returns: vec![result.clone()],
            at: Position::default(),
        }
    }
}

/// A module and integers for its arguments.
pub fn draw(form: Form, rng: &mut ChaCha8Rng) -> (Module, Vec<Vec<i64>>) {
    let element = if rng.random_bool(0.5) { Element::F32 } else { Element::F64 };
    let mut d = Draw { rng, element, arguments: Vec::new(), inputs: Vec::new(), body: Vec::new() };
    let mut privates = Vec::new();
    let result = match form {
        Form::Constant => {
            let shape = d.shape();
            let (ty, number) = (d.real(&shape), d.number());
            d.push(Operation::Constant(number), &[], ty)
        }
        Form::Negate => d.unary(Unary::Negate, Cells::Small),
        Form::Sqrt => d.unary(Unary::Sqrt, Cells::Squares),
        Form::Rsqrt => d.unary(Unary::Rsqrt, Cells::PowersOfFour),
        Form::Abs => d.unary(Unary::Abs, Cells::Small),
        Form::Add => d.binary(Binary::Add, Cells::Small),
        Form::Subtract => d.binary(Binary::Subtract, Cells::Small),
        Form::Multiply => d.binary(Binary::Multiply, Cells::Small),
        Form::Divide => d.binary(Binary::Divide, Cells::Powers),
        Form::Maximum => d.binary(Binary::Maximum, Cells::Small),
        Form::Minimum => d.binary(Binary::Minimum, Cells::Small),
        Form::CompareEq | Form::CompareGt | Form::CompareGe => {
            let direction = match form {
                Form::CompareEq => Direction::Eq,
                Form::CompareGt => Direction::Gt,
                _ => Direction::Ge,
            };
            let shape = d.shape();
            d.compare(direction, &shape)
        }
        Form::Select => {
            let shape = d.shape();
            let p = d.compare(Direction::Gt, &shape);
            let (a, b) = (d.argument(&shape, Cells::Small), d.argument(&shape, Cells::Small));
            d.push(Operation::Select, &[&p, &a, &b], a.ty.clone())
        }
        Form::Dot => d.dot(),
        Form::Broadcast => d.broadcast(),
        Form::ReduceAdd => d.reduce(Reducer::Add),
        Form::ReduceMaximum => d.reduce(Reducer::Maximum),
        Form::Transpose => d.transpose(),
        Form::Reshape => d.reshape(),
        Form::Convolution => d.convolution(),
        Form::Reverse => d.reverse(),
        Form::WindowAdd => d.window(Reducer::Add),
        Form::WindowMaximum => d.window(Reducer::Maximum),
        Form::Pad => {
            let shape = d.shape();
            let fill = d.argument(&[], Cells::Small);
            let a = d.argument(&shape, Cells::Small);
            let (pad, result) = d.padding(&shape);
            let ty = d.real(&result);
            d.push(Operation::Pad(pad), &[&a, &fill], ty)
        }
        Form::Slice => {
            let shape = d.shape();
            let a = d.argument(&shape, Cells::Small);
            d.slice(&a)
        }
        Form::Concatenate => d.concatenate(),
        Form::Bounded => d.bounded(),
        Form::CallRelu => {
            let shape = d.shape();
            let a = d.argument(&shape, Cells::Small);
            let zero = Operation::Constant(Literal::Finite(Rational::integer(0)));
            let zero = d.push(zero, &[], a.ty.clone());
            let y = d.push(Operation::Binary(Binary::Maximum), &[&a, &zero], a.ty.clone());
            privates.push(d.function("relu", false, &y));
            d.body.clear();
            d.push(Operation::Call("relu".into()), &[&a], a.ty.clone())
        }
    };
    let mut functions = vec![d.function("main", true, &result)];
    functions.extend(privates);
    (Module { name: "twin".into(), attributes: Vec::new(), functions }, d.inputs)
}
