//! A module as the text of a Rocq definition.

use cotangent_stablehlo::ast::{
    Attribute, Binary, Convolution, Dim, Direction, DotGeneral, Element, Function, Instr, Module,
    Operand, Operation, Pad, ReduceWindow, Reducer, Slice, Slot, Type, Unary, Value, Written,
};
use std::collections::BTreeMap;
use std::fmt::Write;
use thiserror::Error;

/// Why a module has no Rocq definition.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LiteralError {
    /// An op that the proofs do not cover yet.
    #[error("@{function}, instruction {index}: the proofs do not cover {op}")]
    Uncovered {
        /// The function.
        function: String,
        /// Position in its body.
        index: usize,
        /// The instruction, as the text spells it.
        op: &'static str,
    },
}

/// What a file of definitions begins with.
pub const PREAMBLE: &str = "\
From mathcomp Require Import all_ssreflect.
From Coq Require Import NArith ZArith String.
From Cotangent Require Import Ir Stablehlo Literals.
Local Open Scope string_scope.
Local Open Scope N_scope.
";

/// The commands that print the module `name` into `file.out`, as string
/// literals for `proofs/unquote.awk`; after `Require Import Pieces`.
pub fn print_commands(name: &str, file: &str) -> String {
    format!(
        "Local Open Scope piece_scope.\nSet Printing Depth 1000000.\n\
         Redirect \"{file}\" Eval vm_compute in pieces {name}.\n"
    )
}

/// Instructions in one definition: long lists parse slowly.
const CHUNK: usize = 100;

/// `Definition name : module := ..`, after definitions of its parts. It has to
/// follow [`PREAMBLE`].
///
/// # Errors
/// An op that the proofs do not cover.
pub fn literal(name: &str, module: &Module) -> Result<String, LiteralError> {
    let mut out = String::new();
    define_types(&mut out, module);
    let mut functions = Vec::new();
    for (k, f) in module.functions.iter().enumerate() {
        let constant = format!("{name}_function_{k}");
        define_function(&mut out, &constant, f)?;
        functions.push(constant);
    }
    let attributes = attributes(&module.attributes);
    let (module, functions) = (string(&module.name), list(&functions));
    line(
        &mut out,
        &format!("Definition {name} : module :=\n  Module {module} {attributes}\n  {functions}."),
    );
    Ok(out)
}

/// Writing to a string cannot fail.
fn line(out: &mut String, text: &str) {
    let _ = writeln!(out, "{text}");
}

/// One constant per type that occurs.
fn define_types(out: &mut String, module: &Module) {
    let mut types = BTreeMap::new();
    for f in &module.functions {
        let slots = f.arguments.iter().chain(&f.results).map(|s| &s.ty);
        for ty in slots.chain(f.body.iter().map(|i| &i.ty)) {
            types.entry(type_name(ty)).or_insert(ty);
        }
    }
    for (name, ty) in types {
        let (shape, element) = (list(&ty.shape), element(ty.element));
        line(out, &format!("Definition {name} : type := Tensor {shape} {element}."));
    }
}

fn define_function(out: &mut String, name: &str, f: &Function) -> Result<(), LiteralError> {
    let mut chunks = Vec::new();
    for (k, chunk) in f.body.chunks(CHUNK).enumerate() {
        let constant = format!("{name}_body_{k}");
        let mut lines = Vec::new();
        for (index, i) in chunk.iter().enumerate() {
            let uncovered = |op| LiteralError::Uncovered {
                function: f.name.clone(),
                index: k * CHUNK + index,
                op,
            };
            lines.push(instruction(i).map_err(uncovered)?);
        }
        let lines = lines.join(";\n  ");
        line(out, &format!("Definition {constant} : seq instruction := [::\n  {lines}]."));
        chunks.push(constant);
    }
    let body = if chunks.is_empty() {
        "[::]".to_string()
    } else {
        format!("({})%SEQ", chunks.join(" ++ "))
    };
    let slots = |slots: &[Slot]| list(&slots.iter().map(slot).collect::<Vec<_>>());
    let returns: Vec<_> = f.returns.iter().map(value).collect();
    let parts = [
        format!("Definition {name} : function := Function {} {}", string(&f.name), f.public),
        slots(&f.arguments),
        slots(&f.results),
        attributes(&f.attributes),
        body,
        format!("{}.", list(&returns)),
    ];
    line(out, &parts.join("\n  "));
    Ok(())
}

fn instruction(i: &Instr) -> Result<String, &'static str> {
    let operands: Vec<_> = i.operands.iter().map(value).collect();
    let operation = operation(&i.operation, i.ty.element)?;
    Ok(format!("Instruction {operation} {} {}", list(&operands), type_name(&i.ty)))
}

fn operation(operation: &Operation, element: Element) -> Result<String, &'static str> {
    Ok(match operation {
        Operation::Constant(literal) => match literal.written(element) {
            Written::Decimal { numerator, bits } => {
                format!("(Constant (Decimal {} {bits}))", integer(numerator))
            }
            Written::Pattern(bits) => format!("(Constant (Pattern 0x{bits:X}))"),
        },
        Operation::Unary(op) => format!("(Unary {})", unary_name(*op)),
        Operation::Binary(op) => format!("(Binary {})", binary_name(*op)),
        Operation::Compare(direction) => format!("(Compare {})", direction_name(*direction)),
        Operation::Select => "Select".into(),
        Operation::DotGeneral(DotGeneral { batching, contracting }) => {
            let (b, c) = (batching, contracting);
            let lists = [list(&b.0), list(&b.1), list(&c.0), list(&c.1)];
            format!("(DotGeneral (DotDims {}))", lists.join(" "))
        }
        Operation::BroadcastInDim(dims) => format!("(BroadcastInDim {})", list(dims)),
        Operation::Reduce(reducer, dims) => {
            format!("(Reduce {} {})", reducer_name(*reducer), list(dims))
        }
        Operation::Transpose(dims) => format!("(Transpose {})", list(dims)),
        Operation::Reshape => "ReshapeOp".into(),
        Operation::Call(name) => format!("(Call {})", string(name)),
        Operation::Convolution(c) => convolution(c).ok_or("stablehlo.convolution")?,
        Operation::ReduceWindow(reducer, w) => {
            let windows = slide(w).ok_or("stablehlo.reduce_window")?;
            format!("(ReduceWindow {} {windows})", reducer_name(*reducer))
        }
        Operation::Pad(p) => format!("(Pad {})", pad(p).ok_or("stablehlo.pad")?),
        Operation::Concatenate(dim) => format!("(Concatenate {dim})"),
        Operation::Slice(s) => format!("(Slice {})", slice(s).ok_or("stablehlo.slice")?),
        Operation::Reverse(dims) => format!("(Reverse {})", list(dims)),
    })
}

/// `None` where the attributes contradict each other: a dimension without
/// number, lists of different lengths.
fn convolution(c: &Convolution) -> Option<String> {
    let numbers = |dims: &[Dim], first, second| {
        let at = |dim| dims.iter().position(|&d| d == dim);
        let spatial = (0..c.strides.len()).map(|k| at(Dim::Spatial(k)));
        let spatial: Vec<usize> = spatial.collect::<Option<_>>()?;
        let whole = dims.len() == spatial.len() + 2;
        let (first, second) = (at(first)?, at(second)?);
        whole.then(|| format!("(ConvNumbers {first} {second} {})", list(&spatial)))
    };
    let lengths = [c.padding.len(), c.lhs_dilation.len(), c.rhs_dilation.len()];
    if lengths != [c.strides.len(); 3] {
        return None;
    }
    let windows = c.strides.iter().zip(&c.padding).zip(c.lhs_dilation.iter().zip(&c.rhs_dilation));
    let windows = windows.map(|((stride, &(low, high)), (lhs, rhs))| {
        format!("ConvWindow {stride} {} {} {lhs} {rhs}", integer(low), integer(high))
    });
    Some(format!(
        "(Convolution (ConvDims {} {} {} {} {} {}))",
        numbers(&c.lhs, Dim::Batch, Dim::Feature)?,
        numbers(&c.rhs, Dim::Input, Dim::Output)?,
        numbers(&c.result, Dim::Batch, Dim::Feature)?,
        list(&windows.collect::<Vec<_>>()),
        c.batch_groups,
        c.feature_groups
    ))
}

/// One entry per dimension; `None` where the lists have different lengths.
fn slide(w: &ReduceWindow) -> Option<String> {
    let same = w.strides.len() == w.size.len() && w.padding.len() == w.size.len();
    let one = |((size, stride), &(low, high)): ((&usize, &usize), &(i64, i64))| {
        format!("SlideDim {size} {stride} {} {}", integer(low), integer(high))
    };
    let dims = w.size.iter().zip(&w.strides).zip(&w.padding).map(one);
    same.then(|| list(&dims.collect::<Vec<_>>()))
}

/// One entry per dimension; `None` where the lists have different lengths.
fn pad(p: &Pad) -> Option<String> {
    let same = p.high.len() == p.low.len() && p.interior.len() == p.low.len();
    let one = |((&low, &high), interior): ((&i64, &i64), &usize)| {
        format!("PadDim {} {} {interior}", integer(low), integer(high))
    };
    let dims = p.low.iter().zip(&p.high).zip(&p.interior).map(one);
    same.then(|| list(&dims.collect::<Vec<_>>()))
}

/// One entry per dimension; `None` where the lists have different lengths.
fn slice(s: &Slice) -> Option<String> {
    let same = s.limits.len() == s.starts.len() && s.strides.len() == s.starts.len();
    let one = |((start, limit), stride): ((&usize, &usize), &usize)| {
        format!("SliceDim {start} {limit} {stride}")
    };
    let dims = s.starts.iter().zip(&s.limits).zip(&s.strides).map(one);
    same.then(|| list(&dims.collect::<Vec<_>>()))
}

fn reducer_name(reducer: Reducer) -> &'static str {
    match reducer {
        Reducer::Add => "ReduceAdd",
        Reducer::Maximum => "ReduceMaximum",
    }
}

fn unary_name(op: Unary) -> &'static str {
    match op {
        Unary::Negate => "Negate",
        Unary::Exponential => "Exponential",
        Unary::Log => "Logarithm",
        Unary::Sqrt => "SquareRoot",
        Unary::ExponentialMinusOne => "ExponentialMinusOne",
        Unary::LogPlusOne => "LogarithmPlusOne",
        Unary::Rsqrt => "ReciprocalRoot",
        Unary::Tanh => "HyperbolicTangent",
        Unary::Logistic => "Sigmoid",
        Unary::Abs => "AbsoluteValue",
        Unary::Erf => "ErrorFunction",
    }
}

fn binary_name(op: Binary) -> &'static str {
    match op {
        Binary::Add => "Addition",
        Binary::Subtract => "Subtraction",
        Binary::Multiply => "Multiplication",
        Binary::Divide => "Division",
        Binary::Maximum => "Maximum",
        Binary::Minimum => "Minimum",
        Binary::Atan2 => "Arctangent2",
    }
}

fn direction_name(direction: Direction) -> &'static str {
    match direction {
        Direction::Eq => "EQ",
        Direction::Gt => "GT",
        Direction::Ge => "GE",
    }
}

fn value(operand: &Operand) -> String {
    match operand.value {
        Value::Argument(k) => format!("Arg {k}"),
        Value::Result(k) => format!("Res {k}"),
    }
}

fn slot(slot: &Slot) -> String {
    format!("Slot {} {}", type_name(&slot.ty), attributes(&slot.attributes))
}

fn attributes(list_of: &[(String, Attribute)]) -> String {
    let pair =
        |(name, value): &(String, Attribute)| format!("({}, {})", string(name), attribute(value));
    list(&list_of.iter().map(pair).collect::<Vec<_>>())
}

fn attribute(value: &Attribute) -> String {
    match value {
        Attribute::String(text) => format!("AString {}", string(text)),
        Attribute::Integer(n) => format!("AInteger {}", integer(*n)),
        Attribute::Integers(numbers) => {
            let numbers: Vec<_> = numbers.iter().map(|&n| integer(n)).collect();
            format!("AIntegers {}%Z", list(&numbers))
        }
    }
}

/// `t_2x3xf32`
fn type_name(ty: &Type) -> String {
    let dims: String = ty.shape.iter().map(|d| format!("{d}x")).collect();
    format!("t_{dims}{}", ty.element.name())
}

fn element(element: Element) -> &'static str {
    match element {
        Element::F32 => "F32",
        Element::F64 => "F64",
        Element::I1 => "I1",
    }
}

fn integer(n: i64) -> String {
    if n < 0 { format!("({n})") } else { n.to_string() }
}

fn string(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

fn list<T: ToString>(items: &[T]) -> String {
    match items {
        [] => "[::]".into(),
        items => {
            let items: Vec<_> = items.iter().map(T::to_string).collect();
            format!("[:: {}]", items.join("; "))
        }
    }
}
