//! Syntax to graph.

use crate::ast::{
    Binary, Convolution, Direction, Element, Function, Instr, Literal, Module, Operand, Operation,
    Pad, ReduceWindow, Reducer, Type, Unary, Value,
};
use crate::interface::{meta, name_and_role, refuse_unknown};
use crate::lower;
use crate::recognise::recognise;
use crate::{ParseError, Position, Program};
use cotangent_graph::{Builder, Comparison, ConvDims, DotDims, Op, Precision, ValueId, Window};
use std::collections::HashMap;

/// The program a module stands for.
///
/// # Errors
/// The first function or instruction that no graph prints as.
pub fn raise(module: &Module) -> Result<Program, ParseError> {
    let meta = meta(module)?;
    let limit = |at: Position| move |source| ParseError::Limit { at, source };
    lower::check_batch(&meta).map_err(limit(Position { line: 1, column: 1 }))?;
    let (main, privates) = functions(module)?;
    let precision = precision(main);
    let mut ops = HashMap::new();
    for function in privates {
        let op = recognise(function, precision)?;
        if ops.insert(function.name.as_str(), (op, function)).is_some() {
            let found = format!("a second @{}", function.name);
            return Err(ParseError::unexpected(function.at, found, "each name once"));
        }
    }

    let mut reader = Reader {
        builder: Builder::new(),
        main,
        precision,
        ops,
        values: Vec::with_capacity(main.body.len()),
    };
    refuse_unknown(&main.attributes, &[], main.at)?;
    for slot in &main.arguments {
        let (name, role) = name_and_role(&slot.attributes, main.at)?;
        reader.check_element(&slot.ty, main.at)?;
        lower::check_shape("input", &slot.ty.shape).map_err(limit(main.at))?;
        reader
            .builder
            .input(name, role, slot.ty.tensor())
            .map_err(|source| ParseError::Graph { at: main.at, source })?;
    }
    reader.instructions()?;
    if main.returns.len() != main.results.len() {
        let (found, expected) = (main.returns.len(), main.results.len());
        return Err(ParseError::unexpected(
            main.at,
            format!("a return of {found} values"),
            format!("{expected}, as the function's type says"),
        ));
    }
    for (operand, slot) in main.returns.iter().zip(&main.results) {
        let (name, role) = name_and_role(&slot.attributes, main.at)?;
        let value = reader.value(operand, main.at)?;
        if operand.ty != slot.ty {
            let (found, expected) = (operand.ty.to_string(), slot.ty.to_string());
            return Err(ParseError::unexpected(main.at, found, expected));
        }
        reader.builder.output(name, role, value);
    }
    let graph =
        reader.builder.finish().map_err(|source| ParseError::Graph { at: main.at, source })?;
    Ok(Program { graph, meta, precision })
}

/// `@main` and the others.
fn functions(module: &Module) -> Result<(&Function, Vec<&Function>), ParseError> {
    let (public, private): (Vec<_>, Vec<_>) = module.functions.iter().partition(|f| f.public);
    match public.as_slice() {
        [main] if main.name == "main" => Ok((main, private)),
        [] => {
            let at = Position { line: 1, column: 1 };
            Err(ParseError::unexpected(at, "a module without public function", "`@main`"))
        }
        [.., f] => {
            let found = format!("public function @{}", f.name);
            Err(ParseError::unexpected(f.at, found, "`@main` as the one public function"))
        }
    }
}

/// The precision of the first real that `@main` mentions; every other has to
/// agree with it.
fn precision(main: &Function) -> Precision {
    let types = main.arguments.iter().map(|a| &a.ty).chain(main.body.iter().map(|i| &i.ty));
    let mut reals = types.filter(|t| t.element != Element::I1);
    match reals.next().map(|t| t.element) {
        Some(Element::F64) => Precision::F64,
        _ => Precision::F32,
    }
}

/// `@main` on its way to a graph.
struct Reader<'a> {
    builder: Builder,
    main: &'a Function,
    precision: Precision,
    ops: HashMap<&'a str, (Op, &'a Function)>,
    /// The value of each instruction; `None` for the initial values of
    /// reductions and the fills of pads, which are part of those.
    values: Vec<Option<ValueId>>,
}

impl Reader<'_> {
    fn instructions(&mut self) -> Result<(), ParseError> {
        let inits = inits(self.main);
        for (instr, init) in self.main.body.iter().zip(inits) {
            self.check_element(&instr.ty, instr.at)?;
            let value = if init { None } else { Some(self.instruction(instr)?) };
            self.values.push(value);
        }
        Ok(())
    }

    fn check_element(&self, ty: &Type, at: Position) -> Result<(), ParseError> {
        let real = Element::real(self.precision);
        if ty.element == Element::I1 || ty.element == real {
            return Ok(());
        }
        let expected = format!("{}, as in the rest of @main", real.name());
        Err(ParseError::unexpected(at, ty.to_string(), expected))
    }

    fn instruction(&mut self, instr: &Instr) -> Result<ValueId, ParseError> {
        let (op, reads) = self.op(instr)?;
        let at = instr.at;
        lower::check_instruction(&op, &instr.ty.shape)
            .map_err(|source| ParseError::Limit { at, source })?;
        let operands: Vec<ValueId> = instr
            .operands
            .iter()
            .take(reads.unwrap_or(usize::MAX))
            .map(|o| self.value(o, at))
            .collect::<Result<_, _>>()?;
        let value =
            self.builder.push(op, &operands).map_err(|source| ParseError::Graph { at, source })?;
        let expected = Type::new(self.builder.ty(value), self.precision);
        if instr.ty != expected {
            let found = format!("result type {}", instr.ty);
            return Err(ParseError::unexpected(at, found, expected.to_string()));
        }
        Ok(value)
    }

    /// The graph value of an operand that is not an initial value.
    fn value(&self, operand: &Operand, at: Position) -> Result<ValueId, ParseError> {
        let value = match operand.value {
            Value::Argument(k) if k < self.main.arguments.len() => Some(ValueId(k as u32)),
            Value::Argument(_) => None,
            Value::Result(k) => self.values.get(k).copied().flatten(),
        };
        match value {
            Some(v) if Type::new(self.builder.ty(v), self.precision) == operand.ty => Ok(v),
            Some(v) => {
                let expected = Type::new(self.builder.ty(v), self.precision).to_string();
                Err(ParseError::unexpected(at, operand.ty.to_string(), expected))
            }
            None => Err(ParseError::unexpected(at, operand.to_string(), "a value defined above")),
        }
    }

    /// The op of an instruction, and how many of the operands it reads if not
    /// all of them.
    fn op(&self, instr: &Instr) -> Result<(Op, Option<usize>), ParseError> {
        let at = instr.at;
        let inside = |found: &str| {
            let found = format!("{found} in @main");
            Err(ParseError::unexpected(
                at,
                found,
                "an op of the graph; this one is only ever inside the private function of another",
            ))
        };
        let op = match &instr.operation {
            Operation::Constant(Literal::Finite(value)) => {
                Op::Constant { value: value.clone(), shape: instr.ty.shape.clone() }
            }
            Operation::Constant(Literal::NegInfinity) => {
                return Err(ParseError::unexpected(
                    at,
                    "-inf",
                    "a finite constant; -inf is only the initial value of a maximum",
                ));
            }
            Operation::Unary(Unary::Negate) => Op::Neg,
            Operation::Unary(Unary::Exponential) => Op::Exp,
            Operation::Unary(Unary::Log) => Op::Log,
            Operation::Unary(Unary::Sqrt) => Op::Sqrt,
            Operation::Unary(Unary::Rsqrt) => Op::Rsqrt,
            Operation::Unary(Unary::Tanh) => Op::Tanh,
            Operation::Unary(Unary::Logistic) => Op::Logistic,
            Operation::Unary(Unary::Erf) => Op::Erf,
            Operation::Unary(Unary::Abs) => Op::Abs,
            Operation::Unary(unary @ (Unary::ExponentialMinusOne | Unary::LogPlusOne)) => {
                return inside(unary.name());
            }
            Operation::Binary(Binary::Add) => Op::Add,
            Operation::Binary(Binary::Subtract) => Op::Sub,
            Operation::Binary(Binary::Multiply) => Op::Mul,
            Operation::Binary(Binary::Divide) => Op::Div,
            Operation::Binary(Binary::Maximum) => Op::Maximum,
            Operation::Binary(binary @ (Binary::Minimum | Binary::Atan2)) => {
                return inside(binary.name());
            }
            Operation::Compare(Direction::Eq) => Op::Compare(Comparison::Eq),
            Operation::Compare(Direction::Gt) => Op::Compare(Comparison::Gt),
            Operation::Compare(Direction::Ge) => Op::Compare(Comparison::Ge),
            Operation::Select => Op::Select,
            Operation::DotGeneral(d) => Op::DotGeneral(DotDims {
                lhs_batch: d.batching.0.clone(),
                rhs_batch: d.batching.1.clone(),
                lhs_contracting: d.contracting.0.clone(),
                rhs_contracting: d.contracting.1.clone(),
            }),
            Operation::Convolution(c) => Op::Conv(forward(c, at)?),
            Operation::BroadcastInDim(dims) => {
                Op::BroadcastInDim { shape: instr.ty.shape.clone(), dims: dims.clone() }
            }
            Operation::Reduce(Reducer::Add, dims) => {
                self.check_init(instr, Reducer::Add)?;
                return Ok((Op::ReduceSum { dims: dims.clone() }, Some(1)));
            }
            Operation::Reduce(Reducer::Maximum, _) => return inside("stablehlo.reduce of maximum"),
            Operation::ReduceWindow(reducer, w) => {
                self.check_init(instr, *reducer)?;
                let window = window(w, at)?;
                let op = match reducer {
                    Reducer::Add => Op::WindowSum(window),
                    Reducer::Maximum => Op::MaxPool(window),
                };
                return Ok((op, Some(1)));
            }
            Operation::Pad(p) => {
                self.check_init(instr, Reducer::Add)?;
                return Ok((pad(p, at)?, Some(1)));
            }
            Operation::Slice(s) => Op::Slice {
                starts: s.starts.clone(),
                limits: s.limits.clone(),
                strides: s.strides.clone(),
            },
            Operation::Concatenate(dim) => {
                Op::Concatenate { dim: *dim, count: instr.operands.len() }
            }
            Operation::Reverse(_) => return inside("stablehlo.reverse"),
            Operation::Transpose(permutation) => Op::Transpose { permutation: permutation.clone() },
            Operation::Reshape => Op::Reshape { shape: instr.ty.shape.clone() },
            Operation::Call(name) => self.callee(name, instr)?,
        };
        Ok((op, None))
    }

    /// The op of a private function, called with the types it is made for.
    fn callee(&self, name: &str, instr: &Instr) -> Result<Op, ParseError> {
        let Some((op, function)) = self.ops.get(name) else {
            let (found, expected) =
                (format!("a call of @{name}"), "a private function of the module");
            return Err(ParseError::unexpected(instr.at, found, expected));
        };
        let (found, expected) =
            (instr.operands.iter().map(|o| &o.ty), function.arguments.iter().map(|a| &a.ty));
        if found.clone().eq(expected.clone()) {
            return Ok(op.clone());
        }
        let list = |types: Vec<String>| types.join(", ");
        Err(ParseError::unexpected(
            instr.at,
            format!("a call of @{name} with ({})", list(found.map(Type::to_string).collect())),
            format!("({}), its arguments", list(expected.map(Type::to_string).collect())),
        ))
    }

    /// The initial value of a reduction has to be its neutral element, and
    /// what fills a pad that of a sum.
    fn check_init(&self, instr: &Instr, reducer: Reducer) -> Result<(), ParseError> {
        let init = match instr.operands.as_slice() {
            [_, Operand { value: Value::Result(k), ty }] if *k < self.values.len() => {
                self.main.body.get(*k).filter(|i| i.ty == *ty)
            }
            _ => None,
        };
        let scalar = Type { shape: Vec::new(), element: Element::real(self.precision) };
        let wanted = Operation::Constant(reducer.init());
        if init.is_some_and(|i| i.operation == wanted && i.ty == scalar) {
            return Ok(());
        }
        let expected = match reducer {
            Reducer::Add => "the scalar constant 0.0",
            Reducer::Maximum => "the scalar constant -inf",
        };
        Err(ParseError::unexpected(instr.at, "another initial value or fill", expected))
    }
}

/// For each instruction, whether it is a constant used, and only ever as the
/// initial value of a reduction or the fill of a pad, or minus infinity used by
/// none. No constant of a graph is used so.
fn inits(main: &Function) -> Vec<bool> {
    let mut as_init = vec![false; main.body.len()];
    let mut otherwise = vec![false; main.body.len()];
    for instr in &main.body {
        let reduces = matches!(
            instr.operation,
            Operation::Reduce(..) | Operation::ReduceWindow(..) | Operation::Pad(_)
        );
        for (position, operand) in instr.operands.iter().enumerate() {
            let uses = if reduces && position == 1 { &mut as_init } else { &mut otherwise };
            mark(uses, operand);
        }
    }
    main.returns.iter().for_each(|operand| mark(&mut otherwise, operand));
    main.body
        .iter()
        .enumerate()
        .map(|(k, i)| match &i.operation {
            Operation::Constant(Literal::NegInfinity) => !otherwise[k],
            Operation::Constant(_) => as_init[k] && !otherwise[k],
            _ => false,
        })
        .collect()
}

fn mark(uses: &mut [bool], operand: &Operand) {
    if let Value::Result(k) = operand.value
        && let Some(used) = uses.get_mut(k)
    {
        *used = true;
    }
}

/// The attributes of a forward convolution.
fn forward(c: &Convolution, at: Position) -> Result<ConvDims, ParseError> {
    let dims = ConvDims {
        strides: c.strides.clone(),
        padding: paddings(&c.padding, at)?,
        dilation: c.rhs_dilation.clone(),
        groups: c.feature_groups,
    };
    if lower::convolution(&dims) == *c {
        return Ok(dims);
    }
    Err(ParseError::unexpected(
        at,
        "a convolution that is not a forward one",
        "dim_numbers = [b, 0.., f]x[0.., i, o]->[b, 0.., f], lhs_dilate = [1..], batch_group_count = 1",
    ))
}

fn window(w: &ReduceWindow, at: Position) -> Result<Window, ParseError> {
    Ok(Window {
        size: w.size.clone(),
        strides: w.strides.clone(),
        padding: paddings(&w.padding, at)?,
    })
}

fn pad(p: &Pad, at: Position) -> Result<Op, ParseError> {
    let pairs = p.low.iter().copied().zip(p.high.iter().copied()).collect::<Vec<_>>();
    if p.low.len() != p.high.len() {
        let found = format!("{} low and {} high paddings", p.low.len(), p.high.len());
        return Err(ParseError::unexpected(at, found, "one pair per dimension"));
    }
    let (low, high) = paddings(&pairs, at)?.into_iter().unzip();
    Ok(Op::Pad { low, high, interior: p.interior.clone() })
}

fn paddings(pairs: &[(i64, i64)], at: Position) -> Result<Vec<(usize, usize)>, ParseError> {
    pairs
        .iter()
        .map(|&(low, high)| match (usize::try_from(low), usize::try_from(high)) {
            (Ok(low), Ok(high)) => Ok((low, high)),
            _ => {
                let found = format!("padding [{low}, {high}]");
                Err(ParseError::unexpected(at, found, "padding that is not negative"))
            }
        })
        .collect()
}
