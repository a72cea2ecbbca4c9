//! Text to syntax: instructions.

use crate::ast::{
    Binary, Convolution, Dim, Direction, DotGeneral, Element, Instr, Operand, Operation, Pad,
    ReduceWindow, Reducer, Slice, Type, Unary,
};
use crate::cursor::Cursor;
use crate::parse::{Scope, array, stated, ty};
use crate::{ParseError, Position, literal};

/// What stands right of `=`.
pub(crate) fn instruction(
    c: &mut Cursor<'_>,
    scope: &Scope<'_>,
    at: Position,
) -> Result<Instr, ParseError> {
    if c.eat("\"stablehlo.reduce_window\"") {
        return reduce_window(c, scope, at);
    }
    let place = c.position();
    let name = c.word("an instruction such as `stablehlo.add`")?;
    if matches!(name, "call" | "func.call") {
        let callee = c.name("@", "a function name")?.to_string();
        let operands = c.list("(", ")", |c| scope.operand(c))?;
        return signed(c, Operation::Call(callee), operands, at);
    }
    if let Some(unary) = Unary::ALL.into_iter().find(|u| u.name() == name) {
        let operand = scope.operand(c)?;
        if unary == Unary::Erf {
            return arrow(c, Operation::Unary(unary), operand, at);
        }
        return uniform(c, Operation::Unary(unary), vec![operand], at);
    }
    if let Some(binary) = Binary::ALL.into_iter().find(|b| b.name() == name) {
        let operands = operands(c, scope, 2)?;
        return uniform(c, Operation::Binary(binary), operands, at);
    }
    match name.strip_prefix("stablehlo.").unwrap_or("") {
        "constant" => constant(c, at),
        "compare" => {
            let direction = Direction::ALL.into_iter().find(|d| c.eat(d.name()));
            let Some(direction) = direction else { return c.error("`EQ`, `GT` or `GE`") };
            c.expect(",")?;
            let operands = operands(c, scope, 2)?;
            c.expect(",")?;
            c.expect("FLOAT")?;
            signed(c, Operation::Compare(direction), operands, at)
        }
        "select" => {
            let operands = operands(c, scope, 3)?;
            c.expect(":")?;
            stated(c, &operands[0].ty)?;
            c.expect(",")?;
            let ty = alike(c, &operands[1..])?;
            Ok(Instr { operation: Operation::Select, operands, ty, at })
        }
        "dot_general" => {
            let operands = operands(c, scope, 2)?;
            c.expect(",")?;
            let batching = if c.eat("batching_dims") {
                let pair = pair(c)?;
                c.expect(",")?;
                pair
            } else {
                Default::default()
            };
            c.expect("contracting_dims")?;
            let contracting = pair(c)?;
            signed(c, Operation::DotGeneral(DotGeneral { batching, contracting }), operands, at)
        }
        "convolution" => convolution(c, scope, at),
        "broadcast_in_dim" => {
            let operand = scope.operand(c)?;
            let dims = named(c, "dims", Cursor::sizes)?;
            signed(c, Operation::BroadcastInDim(dims), vec![operand], at)
        }
        "reduce" => {
            c.expect("(")?;
            let operand = scope.operand(c)?;
            c.expect("init")?;
            c.expect(":")?;
            let init = scope.operand(c)?;
            c.expect(")")?;
            c.expect("applies")?;
            let reducer = reducer(c)?;
            c.expect("across")?;
            c.expect("dimensions")?;
            c.expect("=")?;
            let dims = c.sizes()?;
            signed(c, Operation::Reduce(reducer, dims), vec![operand, init], at)
        }
        "pad" => {
            let operands = operands(c, scope, 2)?;
            let integers = |c: &mut Cursor<'_>| c.list("[", "]", Cursor::integer);
            let low = named(c, "low", integers)?;
            let high = named(c, "high", integers)?;
            let interior = named(c, "interior", Cursor::sizes)?;
            signed(c, Operation::Pad(Pad { low, high, interior }), operands, at)
        }
        "slice" => {
            let operand = scope.operand(c)?;
            let mut slice = Slice { starts: vec![], limits: vec![], strides: vec![] };
            c.list("[", "]", |c| {
                slice.starts.push(c.size()?);
                c.expect(":")?;
                slice.limits.push(c.size()?);
                slice.strides.push(if c.eat(":") { c.size()? } else { 1 });
                Ok(())
            })?;
            signed(c, Operation::Slice(slice), vec![operand], at)
        }
        "concatenate" => {
            let mut operands = vec![scope.operand(c)?];
            c.expect(",")?;
            while c.peek() == Some(b'%') {
                operands.push(scope.operand(c)?);
                c.expect(",")?;
            }
            c.expect("dim")?;
            c.expect("=")?;
            let dim = c.size()?;
            signed(c, Operation::Concatenate(dim), operands, at)
        }
        "transpose" => {
            let operand = scope.operand(c)?;
            let permutation = named(c, "dims", Cursor::sizes)?;
            signed(c, Operation::Transpose(permutation), vec![operand], at)
        }
        "reverse" => {
            let operand = scope.operand(c)?;
            let dims = named(c, "dims", Cursor::sizes)?;
            uniform(c, Operation::Reverse(dims), vec![operand], at)
        }
        "reshape" => {
            let operand = scope.operand(c)?;
            signed(c, Operation::Reshape, vec![operand], at)
        }
        _ => Err(ParseError::unexpected(
            place,
            format!("`{}`", name.get(..40).unwrap_or(name)),
            "a StableHLO op of those that `emit` writes, or `call`",
        )),
    }
}

/// `n` operands separated by commas.
fn operands(c: &mut Cursor<'_>, scope: &Scope<'_>, n: usize) -> Result<Vec<Operand>, ParseError> {
    let mut operands = vec![scope.operand(c)?];
    while operands.len() < n {
        c.expect(",")?;
        operands.push(scope.operand(c)?);
    }
    Ok(operands)
}

/// `: (operand types) -> type`
fn signed(
    c: &mut Cursor<'_>,
    operation: Operation,
    operands: Vec<Operand>,
    at: Position,
) -> Result<Instr, ParseError> {
    c.expect(":")?;
    c.expect("(")?;
    for (k, operand) in operands.iter().enumerate() {
        if k > 0 {
            c.expect(",")?;
        }
        stated(c, &operand.ty)?;
    }
    c.expect(")")?;
    c.expect("->")?;
    let ty = ty(c)?;
    Ok(Instr { operation, operands, ty, at })
}

/// `: type`, that of every operand and of the result.
fn uniform(
    c: &mut Cursor<'_>,
    operation: Operation,
    operands: Vec<Operand>,
    at: Position,
) -> Result<Instr, ParseError> {
    c.expect(":")?;
    let ty = alike(c, &operands)?;
    Ok(Instr { operation, operands, ty, at })
}

/// `: type -> type`
fn arrow(
    c: &mut Cursor<'_>,
    operation: Operation,
    operand: Operand,
    at: Position,
) -> Result<Instr, ParseError> {
    c.expect(":")?;
    stated(c, &operand.ty)?;
    c.expect("->")?;
    let ty = ty(c)?;
    Ok(Instr { operation, operands: vec![operand], ty, at })
}

/// A type that every one of `operands` has.
fn alike(c: &mut Cursor<'_>, operands: &[Operand]) -> Result<Type, ParseError> {
    let at = c.position();
    let ty = ty(c)?;
    match operands.iter().find(|o| o.ty != ty) {
        None => Ok(ty),
        Some(o) => {
            let expected = format!("{}, the type of an operand", o.ty);
            Err(ParseError::unexpected(at, ty.to_string(), expected))
        }
    }
}

/// `, name = value`
fn named<'a, T>(
    c: &mut Cursor<'a>,
    name: &str,
    value: impl FnOnce(&mut Cursor<'a>) -> Result<T, ParseError>,
) -> Result<T, ParseError> {
    c.expect(",")?;
    c.expect(name)?;
    c.expect("=")?;
    value(c)
}

/// `= [..] x [..]`
fn pair(c: &mut Cursor<'_>) -> Result<(Vec<usize>, Vec<usize>), ParseError> {
    c.expect("=")?;
    let left = c.sizes()?;
    c.expect("x")?;
    Ok((left, c.sizes()?))
}

fn constant(c: &mut Cursor<'_>, at: Position) -> Result<Instr, ParseError> {
    c.expect("dense")?;
    c.expect("<")?;
    let place = c.position();
    let number = c.number();
    c.expect(">")?;
    c.expect(":")?;
    let ty = ty(c)?;
    let Some(literal) = literal::parse(number, ty.element) else {
        return Err(ParseError::unexpected(
            place,
            format!("`{}`", number.get(..40).unwrap_or(number)),
            format!(
                "a finite decimal such as `0.5`, or a bit pattern of {} such as `{}`; no negative zero",
                ty.element.name(),
                if ty.element == Element::F64 { "0x3FECCCCCCCCCCCCD" } else { "0x3F666666" },
            ),
        ));
    };
    Ok(Instr { operation: Operation::Constant(literal), operands: vec![], ty, at })
}

fn reducer(c: &mut Cursor<'_>) -> Result<Reducer, ParseError> {
    match Reducer::ALL.into_iter().find(|r| c.eat(&format!("stablehlo.{}", r.name()))) {
        Some(reducer) => Ok(reducer),
        None => c.error("`stablehlo.add` or `stablehlo.maximum`"),
    }
}

fn pairs(c: &mut Cursor<'_>) -> Result<Vec<(i64, i64)>, ParseError> {
    c.list("[", "]", |c| {
        c.expect("[")?;
        let low = c.integer()?;
        c.expect(",")?;
        let high = c.integer()?;
        c.expect("]")?;
        Ok((low, high))
    })
}

fn convolution(c: &mut Cursor<'_>, scope: &Scope<'_>, at: Position) -> Result<Instr, ParseError> {
    let operands = c.list("(", ")", |c| scope.operand(c))?;
    c.expect("dim_numbers")?;
    c.expect("=")?;
    let lhs = c.list("[", "]", dim)?;
    c.expect("x")?;
    let rhs = c.list("[", "]", dim)?;
    c.expect("->")?;
    let result = c.list("[", "]", dim)?;
    c.expect(",")?;
    c.expect("window")?;
    c.expect("=")?;
    c.expect("{")?;
    c.expect("stride")?;
    c.expect("=")?;
    let strides = c.sizes()?;
    let padding = named(c, "pad", pairs)?;
    let lhs_dilation = named(c, "lhs_dilate", Cursor::sizes)?;
    let rhs_dilation = named(c, "rhs_dilate", Cursor::sizes)?;
    c.expect("}")?;
    c.expect("{")?;
    let batch_groups = groups(c, "batch_group_count")?;
    c.expect(",")?;
    let feature_groups = groups(c, "feature_group_count")?;
    c.expect("}")?;
    let convolution = Convolution {
        lhs,
        rhs,
        result,
        strides,
        padding,
        lhs_dilation,
        rhs_dilation,
        batch_groups,
        feature_groups,
    };
    signed(c, Operation::Convolution(Box::new(convolution)), operands, at)
}

/// `name = n : i64`
fn groups(c: &mut Cursor<'_>, name: &str) -> Result<usize, ParseError> {
    c.expect(name)?;
    c.expect("=")?;
    let n = c.size()?;
    c.expect(":")?;
    c.expect("i64")?;
    Ok(n)
}

fn dim(c: &mut Cursor<'_>) -> Result<Dim, ParseError> {
    if c.peek().is_some_and(|b| b.is_ascii_digit()) {
        return Ok(Dim::Spatial(c.size()?));
    }
    for (name, dim) in
        [("b", Dim::Batch), ("f", Dim::Feature), ("i", Dim::Input), ("o", Dim::Output)]
    {
        if c.eat(name) {
            return Ok(dim);
        }
    }
    c.error("`b`, `f`, `i`, `o` or a spatial dimension's number")
}

fn reduce_window(c: &mut Cursor<'_>, scope: &Scope<'_>, at: Position) -> Result<Instr, ParseError> {
    let operands = c.list("(", ")", |c| scope.operand(c))?;
    c.expect("<")?;
    c.expect("{")?;
    c.expect("padding")?;
    c.expect("=")?;
    c.expect("dense")?;
    c.expect("<")?;
    // MLIR writes no list for no dimension, and one number where all are equal.
    let splat = match c.peek() {
        Some(b'-' | b'0'..=b'9') => Some(c.integer()?),
        _ => None,
    };
    let listed = if c.peek() == Some(b'[') { pairs(c)? } else { Vec::new() };
    c.expect(">")?;
    c.expect(":")?;
    c.expect("tensor")?;
    c.expect("<")?;
    let place = c.position();
    let rows = c.size()?;
    if !(c.eat_dimension_separator() && c.size()? == 2 && c.eat_dimension_separator()) {
        return c.error("a tensor of two columns");
    }
    c.expect("i64")?;
    c.expect(">")?;
    let size = named(c, "window_dimensions", sizes_array)?;
    let strides = named(c, "window_strides", sizes_array)?;
    c.expect("}")?;
    c.expect(">")?;
    let padding = splat.map_or(listed, |n| vec![(n, n); size.len()]);
    if rows != padding.len() {
        let expected = format!("{}, one row per pair of paddings", padding.len());
        return Err(ParseError::unexpected(place, rows.to_string(), expected));
    }
    let scalar =
        Type { shape: vec![], element: operands.first().map_or(Element::F32, |o| o.ty.element) };
    let reducer = region(c, &scalar)?;
    let operation = Operation::ReduceWindow(reducer, ReduceWindow { size, strides, padding });
    signed(c, operation, operands, at)
}

fn sizes_array(c: &mut Cursor<'_>) -> Result<Vec<usize>, ParseError> {
    let at = c.position();
    let list = array(c)?;
    list.into_iter()
        .map(|n| {
            usize::try_from(n).map_err(|_| {
                ParseError::unexpected(at, n.to_string(), "numbers that are not negative")
            })
        })
        .collect()
}

/// `({ ^bb0(%a: t, %b: t): %r = op %a, %b : t  stablehlo.return %r : t })`
fn region(c: &mut Cursor<'_>, scalar: &Type) -> Result<Reducer, ParseError> {
    c.expect("(")?;
    c.expect("{")?;
    c.name("^", "a block such as `^bb0`")?;
    c.expect("(")?;
    let a = c.name("%", "a block argument")?;
    c.expect(":")?;
    stated(c, scalar)?;
    c.expect(",")?;
    let at = c.position();
    let b = c.name("%", "a block argument")?;
    if a == b {
        return Err(ParseError::unexpected(at, format!("%{b}"), "another name"));
    }
    c.expect(":")?;
    stated(c, scalar)?;
    c.expect(")")?;
    c.expect(":")?;
    let r = c.name("%", "the block's result")?;
    c.expect("=")?;
    let reducer = reducer(c)?;
    same(c, a)?;
    c.expect(",")?;
    same(c, b)?;
    c.expect(":")?;
    stated(c, scalar)?;
    c.expect("stablehlo.return")?;
    same(c, r)?;
    c.expect(":")?;
    stated(c, scalar)?;
    c.expect("}")?;
    c.expect(")")?;
    Ok(reducer)
}

fn same(c: &mut Cursor<'_>, wanted: &str) -> Result<(), ParseError> {
    let at = c.position();
    let name = c.name("%", "a value")?;
    if name == wanted {
        return Ok(());
    }
    Err(ParseError::unexpected(at, format!("%{name}"), format!("%{wanted}")))
}
