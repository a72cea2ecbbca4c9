//! Syntax to text.

use crate::ast::{
    Attribute, Convolution, Dim, Element, Function, Instr, Literal, Module, Operand, Operation,
    ReduceWindow, Reducer, Slot, Type, Unary, Value, Written,
};
use crate::literal;
use std::fmt::{self, Display, Write};

/// The text of a module.
pub fn print(module: &Module) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = write_module(&mut out, module);
    out
}

/// The text of one instruction, without its line's indentation.
pub(crate) fn instruction(k: usize, i: &Instr) -> String {
    let mut out = String::new();
    let _ = write_instr(&mut out, k, i);
    out
}

/// The text of a `return`.
pub(crate) fn returned(operands: &[Operand]) -> String {
    let mut out = String::new();
    let _ = write_return(&mut out, operands);
    out
}

fn write_module(out: &mut String, m: &Module) -> fmt::Result {
    writeln!(out, "module @{} attributes {} {{", m.name, Attributes(&m.attributes))?;
    for f in &m.functions {
        write_function(out, f)?;
    }
    out.write_str("}\n")
}

fn write_function(out: &mut String, f: &Function) -> fmt::Result {
    let visibility = if f.public { "public" } else { "private" };
    write!(out, "  func.func {visibility} @{}(", f.name)?;
    for (k, a) in f.arguments.iter().enumerate() {
        let comma = if k == 0 { "" } else { ", " };
        write!(out, "{comma}%arg{k}: {a}")?;
    }
    out.write_char(')')?;
    match f.results.as_slice() {
        [] => {}
        [one] if one.attributes.is_empty() => write!(out, " -> {one}")?,
        many => write!(out, " -> ({})", Commas(many))?,
    }
    if !f.attributes.is_empty() {
        write!(out, " attributes {}", Attributes(&f.attributes))?;
    }
    out.write_str(" {\n")?;
    for (k, i) in f.body.iter().enumerate() {
        out.write_str("    ")?;
        write_instr(out, k, i)?;
        out.write_char('\n')?;
    }
    out.write_str("    ")?;
    write_return(out, &f.returns)?;
    out.write_str("\n  }\n")
}

fn write_return(out: &mut String, operands: &[Operand]) -> fmt::Result {
    out.write_str("return")?;
    if !operands.is_empty() {
        write!(out, " {} : {}", Commas(operands), Commas(&types(operands)))?;
    }
    Ok(())
}

fn types(operands: &[Operand]) -> Vec<&Type> {
    operands.iter().map(|o| &o.ty).collect()
}

/// How an instruction states its types.
enum Signature {
    /// The result's, since all are alike.
    Result,
    /// The operand's and the result's, around an arrow.
    Arrow,
    /// Those of a select: the predicate's and the branches'.
    Select,
    /// All of them, as a function type.
    Function,
}

fn write_instr(out: &mut String, k: usize, i: &Instr) -> fmt::Result {
    let operands = Commas(&i.operands);
    write!(out, "%{k} = ")?;
    let signature = match &i.operation {
        Operation::Constant(literal) => {
            out.write_str("stablehlo.constant dense<")?;
            write_literal(out, literal, i.ty.element)?;
            out.write_char('>')?;
            Signature::Result
        }
        Operation::Unary(op) => {
            write!(out, "{} {operands}", op.name())?;
            if *op == Unary::Erf { Signature::Arrow } else { Signature::Result }
        }
        Operation::Binary(op) => {
            write!(out, "{} {operands}", op.name())?;
            Signature::Result
        }
        Operation::Compare(direction) => {
            write!(out, "stablehlo.compare {}, {operands}, FLOAT", direction.name())?;
            Signature::Function
        }
        Operation::Select => {
            write!(out, "stablehlo.select {operands}")?;
            Signature::Select
        }
        Operation::DotGeneral(d) => {
            write!(out, "stablehlo.dot_general {operands}, ")?;
            if !d.batching.0.is_empty() || !d.batching.1.is_empty() {
                let (l, r) = &d.batching;
                write!(out, "batching_dims = [{}] x [{}], ", Commas(l), Commas(r))?;
            }
            let (l, r) = &d.contracting;
            write!(out, "contracting_dims = [{}] x [{}]", Commas(l), Commas(r))?;
            Signature::Function
        }
        Operation::Convolution(c) => {
            write_convolution(out, c, &i.operands)?;
            Signature::Function
        }
        Operation::BroadcastInDim(dims) => {
            write!(out, "stablehlo.broadcast_in_dim {operands}, dims = [{}]", Commas(dims))?;
            Signature::Function
        }
        Operation::Reduce(reducer, dims) => {
            out.write_str("stablehlo.reduce(")?;
            write_inits(out, &i.operands)?;
            let (op, dims) = (reducer.name(), Commas(dims));
            write!(out, ") applies stablehlo.{op} across dimensions = [{dims}]")?;
            Signature::Function
        }
        Operation::ReduceWindow(reducer, w) => {
            write_reduce_window(out, *reducer, w, &i.operands, i.ty.element)?;
            Signature::Function
        }
        Operation::Pad(p) => {
            write!(out, "stablehlo.pad {operands}, low = [{}]", Commas(&p.low))?;
            write!(out, ", high = [{}], interior = [{}]", Commas(&p.high), Commas(&p.interior))?;
            Signature::Function
        }
        Operation::Slice(s) => {
            write!(out, "stablehlo.slice {operands} [")?;
            for (d, ((start, limit), stride)) in
                s.starts.iter().zip(&s.limits).zip(&s.strides).enumerate()
            {
                let comma = if d == 0 { "" } else { ", " };
                write!(out, "{comma}{start}:{limit}")?;
                if *stride != 1 {
                    write!(out, ":{stride}")?;
                }
            }
            out.write_char(']')?;
            Signature::Function
        }
        Operation::Concatenate(dim) => {
            write!(out, "stablehlo.concatenate {operands}, dim = {dim}")?;
            Signature::Function
        }
        Operation::Transpose(permutation) => {
            write!(out, "stablehlo.transpose {operands}, dims = [{}]", Commas(permutation))?;
            Signature::Function
        }
        Operation::Reverse(dims) => {
            write!(out, "stablehlo.reverse {operands}, dims = [{}]", Commas(dims))?;
            Signature::Result
        }
        Operation::Reshape => {
            write!(out, "stablehlo.reshape {operands}")?;
            Signature::Function
        }
        Operation::Call(name) => {
            write!(out, "call @{name}({operands})")?;
            Signature::Function
        }
    };
    let types = types(&i.operands);
    match (signature, types.as_slice()) {
        (Signature::Arrow, [operand]) => write!(out, " : {operand} -> {}", i.ty),
        (Signature::Select, [predicate, ..]) => write!(out, " : {predicate}, {}", i.ty),
        (Signature::Function, types) => write!(out, " : ({}) -> {}", Commas(types), i.ty),
        _ => write!(out, " : {}", i.ty),
    }
}

fn write_inits(out: &mut String, operands: &[Operand]) -> fmt::Result {
    match operands {
        [operand, init] => write!(out, "{operand} init: {init}"),
        other => write!(out, "{}", Commas(other)),
    }
}

fn write_convolution(out: &mut String, c: &Convolution, operands: &[Operand]) -> fmt::Result {
    write!(out, "stablehlo.convolution({}) dim_numbers = ", Commas(operands))?;
    write!(out, "[{}]x[{}]->[{}]", Commas(&c.lhs), Commas(&c.rhs), Commas(&c.result))?;
    write!(out, ", window = {{stride = [{}], pad = ", Commas(&c.strides))?;
    write_pairs(out, &c.padding)?;
    write!(
        out,
        ", lhs_dilate = [{}], rhs_dilate = [{}]}} ",
        Commas(&c.lhs_dilation),
        Commas(&c.rhs_dilation)
    )?;
    write!(
        out,
        "{{batch_group_count = {} : i64, feature_group_count = {} : i64}}",
        c.batch_groups, c.feature_groups
    )
}

fn write_reduce_window(
    out: &mut String,
    reducer: Reducer,
    w: &ReduceWindow,
    operands: &[Operand],
    element: Element,
) -> fmt::Result {
    write!(out, "\"stablehlo.reduce_window\"({}) <{{padding = dense<", Commas(operands))?;
    if !w.padding.is_empty() {
        write_pairs(out, &w.padding)?;
    }
    writeln!(
        out,
        "> : tensor<{}x2xi64>, window_dimensions = {}, window_strides = {}}}> ({{",
        w.padding.len(),
        Array(&w.size),
        Array(&w.strides)
    )?;
    let (op, scalar) = (reducer.name(), Type { shape: Vec::new(), element });
    write!(
        out,
        "    ^bb0(%a: {scalar}, %b: {scalar}):\n      %r = stablehlo.{op} %a, %b : {scalar}\n      \
         stablehlo.return %r : {scalar}\n    }})"
    )
}

fn write_pairs(out: &mut String, pairs: &[(i64, i64)]) -> fmt::Result {
    out.write_char('[')?;
    for (k, (low, high)) in pairs.iter().enumerate() {
        let comma = if k == 0 { "" } else { ", " };
        write!(out, "{comma}[{low}, {high}]")?;
    }
    out.write_char(']')
}

fn write_literal(out: &mut String, literal: &Literal, element: Element) -> fmt::Result {
    match (literal.written(element), element) {
        (Written::Decimal { numerator, bits }, _) => {
            out.write_str(&literal::decimal(numerator, bits))
        }
        (Written::Pattern(bits), Element::F64) => write!(out, "0x{bits:016X}"),
        (Written::Pattern(bits), _) => write!(out, "0x{bits:08X}"),
    }
}

/// Items separated by `, `.
struct Commas<'a, T>(&'a [T]);

impl<T: Display> Display for Commas<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (k, item) in self.0.iter().enumerate() {
            if k > 0 {
                f.write_str(", ")?;
            }
            item.fmt(f)?;
        }
        Ok(())
    }
}

/// `array<i64: 1, 2>`
struct Array<'a, T>(&'a [T]);

impl<T: Display> Display for Array<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let colon = if self.0.is_empty() { "" } else { ": " };
        write!(f, "array<i64{colon}{}>", Commas(self.0))
    }
}

struct Attributes<'a>(&'a [(String, Attribute)]);

impl Display for Attributes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('{')?;
        for (k, (name, value)) in self.0.iter().enumerate() {
            let comma = if k == 0 { "" } else { ", " };
            write!(f, "{comma}{name} = ")?;
            match value {
                Attribute::String(text) => write_string(f, text)?,
                Attribute::Integer(n) => write!(f, "{n} : i64")?,
                Attribute::Integers(list) => write!(f, "{}", Array(list))?,
            }
        }
        f.write_char('}')
    }
}

fn write_string(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for byte in text.bytes() {
        match byte {
            b'\n' => f.write_str("\\n")?,
            b'"' | b'\\' => write!(f, "\\{}", char::from(byte))?,
            b' '..=b'~' => f.write_char(char::from(byte))?,
            _ => write!(f, "\\{byte:02X}")?,
        }
    }
    f.write_char('"')
}

impl Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.ty)?;
        if self.attributes.is_empty() {
            return Ok(());
        }
        write!(f, " {}", Attributes(&self.attributes))
    }
}

impl Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tensor<")?;
        for d in &self.shape {
            write!(f, "{d}x")?;
        }
        write!(f, "{}>", self.element.name())
    }
}

impl Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.value {
            Value::Argument(k) => write!(f, "%arg{k}"),
            Value::Result(k) => write!(f, "%{k}"),
        }
    }
}

impl Display for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Dim::Batch => f.write_char('b'),
            Dim::Feature => f.write_char('f'),
            Dim::Input => f.write_char('i'),
            Dim::Output => f.write_char('o'),
            Dim::Spatial(d) => write!(f, "{d}"),
        }
    }
}
