//! Graph to syntax.

use crate::ast::{
    Attribute, Binary, Convolution, Dim, Direction, DotGeneral, Function, Literal, Module, Operand,
    Operation, Pad, ReduceWindow, Reducer, Slice, Slot, Type, Unary,
};
use crate::body::{self, Body};
use crate::{LowerError, Meta, Position, Program};
use cotangent_graph::{Comparison, ConvDims, Instruction, Op, Precision, TensorType, Window};
use std::collections::HashMap;

/// Highest rank of a tensor in the text.
pub(crate) const HIGHEST_RANK: usize = 32;

/// Largest size, stride, dilation or padding in the text. The paddings of the
/// gradients are sums of products of two, and have to fit an `i64`.
const LARGEST: usize = i32::MAX as usize;

/// The syntax of a program. Constants are rounded to its precision here; an op
/// that StableHLO lacks becomes a private function and a call.
pub fn lower(program: &Program) -> Result<Module, LowerError> {
    let Program { graph, precision, .. } = program;
    graph.verify()?;
    let mut main =
        Body::new(&graph.inputs.iter().map(|i| Type::new(&i.ty, *precision)).collect::<Vec<_>>());
    for input in &graph.inputs {
        check_shape("input", &input.ty.shape)?;
    }
    let mut values: Vec<Operand> = (0..graph.inputs.len()).map(|k| main.argument(k)).collect();
    let mut private = Privates::default();
    for instruction in &graph.instructions {
        let operands: Vec<&Operand> =
            instruction.operands.iter().map(|v| &values[v.index()]).collect();
        let value = lower_instruction(&mut main, &mut private, instruction, &operands, *precision)?;
        values.push(value);
    }
    let slot = |name: &str, role: &str, ty: Type| Slot {
        ty,
        attributes: vec![string("cotangent.name", name), string("cotangent.role", role)],
    };
    let arguments = graph
        .inputs
        .iter()
        .map(|i| slot(&i.name, i.role.name(), Type::new(&i.ty, *precision)))
        .collect();
    let returns: Vec<Operand> =
        graph.outputs.iter().map(|o| values[o.value.index()].clone()).collect();
    let results = graph
        .outputs
        .iter()
        .zip(&returns)
        .map(|(o, value)| slot(&o.name, o.role.name(), value.ty.clone()))
        .collect();
    let main = Function {
        name: "main".into(),
        public: true,
        arguments,
        results,
        attributes: Vec::new(),
        body: main.instructions,
        returns,
        at: Position::default(),
    };
    let functions = std::iter::once(main).chain(private.functions).collect();
    let Meta { what, .. } = &program.meta;
    let attributes = module_attributes(&program.meta)?;
    Ok(Module { name: what.name().into(), attributes, functions })
}

/// In alphabetical order, as MLIR prints them.
fn module_attributes(meta: &Meta) -> Result<Vec<(String, Attribute)>, LowerError> {
    check_batch(meta)?;
    let mut attributes = vec![
        ("cotangent.batch".to_string(), Attribute::Integer(meta.batch as i64)),
        string("cotangent.model", &meta.model),
    ];
    attributes.extend(meta.options.as_ref().map(|o| string("cotangent.options", o)));
    attributes.extend(meta.spec.as_ref().map(|s| string("cotangent.spec", s)));
    attributes.push(string("cotangent.what", meta.what.name()));
    Ok(attributes)
}

fn string(name: &str, value: &str) -> (String, Attribute) {
    (name.into(), Attribute::String(value.into()))
}

/// The private functions so far, one per op and operand types.
#[derive(Default)]
struct Privates {
    functions: Vec<Function>,
    names: HashMap<(Op, Vec<Type>), String>,
    used: HashMap<&'static str, usize>,
}

impl Privates {
    /// The name of the function for `op`, made on first use.
    fn name(
        &mut self,
        op: &Op,
        arguments: Vec<Type>,
        precision: Precision,
    ) -> Result<Option<String>, LowerError> {
        let key = (op.clone(), arguments);
        if let Some(name) = self.names.get(&key) {
            return Ok(Some(name.clone()));
        }
        let Some(mut function) = private_function(op, &key.1, precision)? else { return Ok(None) };
        let count = self.used.entry(op.name()).or_default();
        if *count > 0 {
            function.name = format!("{}_{count}", op.name());
        }
        *count += 1;
        let name = function.name.clone();
        self.functions.push(function);
        self.names.insert(key, name.clone());
        Ok(Some(name))
    }
}

/// The private function that prints `op`; `None` for an op that is one
/// StableHLO instruction. The operands must fit the op.
pub(crate) fn private_function(
    op: &Op,
    arguments: &[Type],
    precision: Precision,
) -> Result<Option<Function>, LowerError> {
    check_op(op)?;
    arguments.iter().try_for_each(|a| check_shape(op.name(), &a.shape))?;
    let Some(private) = body::private(op, arguments, precision)? else { return Ok(None) };
    let slot = |ty: &Type| Slot { ty: ty.clone(), attributes: Vec::new() };
    Ok(Some(Function {
        name: op.name().into(),
        public: false,
        arguments: arguments.iter().map(slot).collect(),
        results: vec![slot(&private.result.ty)],
        attributes: private.attributes,
        body: private.instructions,
        returns: vec![private.result],
        at: Position::default(),
    }))
}

fn lower_instruction(
    main: &mut Body,
    private: &mut Privates,
    instruction: &Instruction,
    operands: &[&Operand],
    precision: Precision,
) -> Result<Operand, LowerError> {
    let op = &stored(&instruction.op, operands, precision)?;
    check_instruction(op, &instruction.ty.shape)?;
    let ty = Type::new(&instruction.ty, precision);
    let operation = match op {
        Op::Constant { value, .. } => Operation::Constant(Literal::Finite(value.clone())),
        Op::Add => Operation::Binary(Binary::Add),
        Op::Sub => Operation::Binary(Binary::Subtract),
        Op::Mul => Operation::Binary(Binary::Multiply),
        Op::Div => Operation::Binary(Binary::Divide),
        Op::Neg => Operation::Unary(Unary::Negate),
        Op::Exp => Operation::Unary(Unary::Exponential),
        Op::Log => Operation::Unary(Unary::Log),
        Op::Sqrt => Operation::Unary(Unary::Sqrt),
        Op::Rsqrt => Operation::Unary(Unary::Rsqrt),
        Op::Tanh => Operation::Unary(Unary::Tanh),
        Op::Logistic => Operation::Unary(Unary::Logistic),
        Op::Erf => Operation::Unary(Unary::Erf),
        Op::Abs => Operation::Unary(Unary::Abs),
        Op::Maximum => Operation::Binary(Binary::Maximum),
        Op::Compare(Comparison::Eq) => Operation::Compare(Direction::Eq),
        Op::Compare(Comparison::Gt) => Operation::Compare(Direction::Gt),
        Op::Compare(Comparison::Ge) => Operation::Compare(Direction::Ge),
        Op::Select => Operation::Select,
        Op::DotGeneral(d) => Operation::DotGeneral(DotGeneral {
            batching: (d.lhs_batch.clone(), d.rhs_batch.clone()),
            contracting: (d.lhs_contracting.clone(), d.rhs_contracting.clone()),
        }),
        Op::Conv(dims) => Operation::Convolution(Box::new(convolution(dims))),
        Op::BroadcastInDim { dims, .. } => Operation::BroadcastInDim(dims.clone()),
        Op::ReduceSum { dims } => return Ok(main.reduce(Reducer::Add, operands[0], dims)),
        Op::Transpose { permutation } => Operation::Transpose(permutation.clone()),
        Op::Slice { starts, limits, strides } => Operation::Slice(Slice {
            starts: starts.clone(),
            limits: limits.clone(),
            strides: strides.clone(),
        }),
        Op::Pad { low, high, interior } => {
            let signed = |v: &[usize]| v.iter().map(|&n| n as i64).collect();
            let pad = Pad { low: signed(low), high: signed(high), interior: interior.clone() };
            return Ok(main.pad(operands[0], Reducer::Add.init(), pad, &ty.shape));
        }
        Op::Concatenate { dim, .. } => Operation::Concatenate(*dim),
        Op::Reshape { .. } => Operation::Reshape,
        Op::WindowSum(w) => {
            return Ok(main.reduce_window(Reducer::Add, operands[0], reduce_window(w), ty));
        }
        Op::MaxPool(w) => {
            return Ok(main.reduce_window(Reducer::Maximum, operands[0], reduce_window(w), ty));
        }
        Op::Relu
        | Op::ErfGrad
        | Op::Softplus
        | Op::Elu { .. }
        | Op::Clamp { .. }
        | Op::Variance { .. }
        | Op::Normalize { .. }
        | Op::ConvInputGrad { .. }
        | Op::ConvKernelGrad { .. }
        | Op::WindowSumGrad { .. }
        | Op::MaxPoolGrad(_)
        | Op::Softmax
        | Op::SoftmaxCrossEntropy => {
            let types = operands.iter().map(|o| o.ty.clone()).collect();
            // Each of these has a private function.
            let name = private.name(op, types, precision)?.unwrap_or_default();
            Operation::Call(name)
        }
    };
    Ok(main.push(operation, operands, ty))
}

/// The op with its constants as `precision` stores them. Rounding can make two
/// bounds equal or an ε zero, so it has to fit its operands still.
fn stored(op: &Op, operands: &[&Operand], precision: Precision) -> Result<Op, LowerError> {
    let rounded = op.clone().rounded(precision)?;
    if rounded != *op {
        let types: Vec<TensorType> = operands.iter().map(|o| o.ty.tensor()).collect();
        rounded.infer(&types.iter().collect::<Vec<_>>())?;
    }
    Ok(rounded)
}

/// A forward convolution: images channels last, kernels channels last.
pub(crate) fn convolution(dims: &ConvDims) -> Convolution {
    let s = dims.strides.len();
    Convolution {
        lhs: body::channels_last(Dim::Batch, s, Dim::Feature),
        rhs: body::spatial_first(s, Dim::Input, Dim::Output),
        result: body::channels_last(Dim::Batch, s, Dim::Feature),
        strides: dims.strides.clone(),
        padding: signed(&dims.padding),
        lhs_dilation: vec![1; s],
        rhs_dilation: dims.dilation.clone(),
        batch_groups: 1,
        feature_groups: dims.groups,
    }
}

fn reduce_window(w: &Window) -> ReduceWindow {
    ReduceWindow { size: w.size.clone(), strides: w.strides.clone(), padding: signed(&w.padding) }
}

fn signed(padding: &[(usize, usize)]) -> Vec<(i64, i64)> {
    padding.iter().map(|&(low, high)| (low as i64, high as i64)).collect()
}

/// What parsing and printing alike refuse of a module's batch size.
pub(crate) fn check_batch(meta: &Meta) -> Result<(), LowerError> {
    check("module", "the batch size", meta.batch)
}

/// What parsing and printing alike refuse of an instruction.
pub(crate) fn check_instruction(op: &Op, result: &[usize]) -> Result<(), LowerError> {
    check_op(op)?;
    check_shape(op.name(), result)
}

/// What parsing and printing alike refuse of a shape.
pub(crate) fn check_shape(op: &'static str, shape: &[usize]) -> Result<(), LowerError> {
    if shape.len() > HIGHEST_RANK {
        let (found, limit) = (shape.len(), HIGHEST_RANK);
        return Err(LowerError::TooLarge { op, what: "the rank", found, limit });
    }
    shape.iter().try_for_each(|&n| check(op, "a dimension", n))
}

fn check_op(op: &Op) -> Result<(), LowerError> {
    let name = op.name();
    let pairs = |padding: &[(usize, usize)]| {
        padding.iter().try_for_each(|&(low, high)| {
            check(name, "a padding", low).and_then(|()| check(name, "a padding", high))
        })
    };
    let all = |what, list: &[usize]| list.iter().try_for_each(|&n| check(name, what, n));
    // A gradient's result is not among the arguments.
    match op {
        Op::ConvInputGrad { input: result, .. }
        | Op::ConvKernelGrad { kernel: result, .. }
        | Op::WindowSumGrad { input: result, .. } => check_shape(name, result)?,
        _ => {}
    }
    match op {
        Op::Conv(d) | Op::ConvInputGrad { dims: d, .. } | Op::ConvKernelGrad { dims: d, .. } => {
            all("a stride", &d.strides)?;
            all("a dilation", &d.dilation)?;
            pairs(&d.padding)
        }
        Op::WindowSum(w)
        | Op::MaxPool(w)
        | Op::MaxPoolGrad(w)
        | Op::WindowSumGrad { window: w, .. } => {
            all("a stride", &w.strides)?;
            all("a window size", &w.size)?;
            pairs(&w.padding)
        }
        Op::Slice { strides, .. } => all("a stride", strides),
        Op::Pad { low, high, interior } => {
            [low, high, interior].into_iter().try_for_each(|n| all("a padding", n))
        }
        _ => Ok(()),
    }
}

fn check(op: &'static str, what: &'static str, found: usize) -> Result<(), LowerError> {
    let limit = LARGEST;
    if found > limit { Err(LowerError::TooLarge { op, what, found, limit }) } else { Ok(()) }
}
