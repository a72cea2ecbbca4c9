//! Text to syntax: modules, functions, types and attributes.
//!
//! Any layout, comments and value names are accepted; of MLIR, the forms that
//! [`crate::print`](crate::print()) writes. There is no recursion, and work is linear in the
//! text.

use crate::ast::{Attribute, Element, Function, Module, Operand, Slot, Type, Value};
use crate::cursor::Cursor;
use crate::lower::HIGHEST_RANK;
use crate::parse_op::instruction;
use crate::{ParseError, Position};
use std::collections::HashMap;

/// Parses a module.
///
/// # Errors
/// The first place that is not of a form that `emit` writes, or that names an
/// undefined value or states a type it does not have.
pub fn parse(text: &str) -> Result<Module, ParseError> {
    let mut c = Cursor::new(text);
    c.expect("module")?;
    let name = if c.peek() == Some(b'@') { c.name("@", "a module name")? } else { "" };
    let attributes = if c.eat("attributes") { dictionary(&mut c)? } else { Vec::new() };
    c.expect("{")?;
    let mut functions = Vec::new();
    while !c.eat("}") {
        functions.push(function(&mut c)?);
    }
    match c.peek() {
        None => Ok(Module { name: name.into(), attributes, functions }),
        Some(_) => c.error("the end of the text"),
    }
}

fn function(c: &mut Cursor<'_>) -> Result<Function, ParseError> {
    let at = c.position();
    if !c.eat("func.func") {
        return c.error("`func.func` or `}`");
    }
    let public = !c.eat("private");
    if public {
        c.eat("public");
    }
    let name = c.name("@", "a function name")?.to_string();
    let mut scope = Scope::default();
    let arguments = c.list("(", ")", |c| {
        let position = c.position();
        let name = c.name("%", "an argument such as `%arg0`")?;
        c.expect(":")?;
        let slot = slot(c)?;
        let value = Value::Argument(scope.values.len());
        scope.define(name, Operand { value, ty: slot.ty.clone() }, position)?;
        Ok(slot)
    })?;
    let results = if !c.eat("->") {
        Vec::new()
    } else if c.peek() == Some(b'(') {
        c.list("(", ")", slot)?
    } else {
        vec![Slot { ty: ty(c)?, attributes: Vec::new() }]
    };
    let attributes = if c.eat("attributes") { dictionary(c)? } else { Vec::new() };
    c.expect("{")?;
    let mut body = Vec::new();
    while c.peek() == Some(b'%') {
        let at = c.position();
        let name = c.name("%", "a value such as `%0`")?;
        c.expect("=")?;
        let instr = instruction(c, &scope, at)?;
        let value = Value::Result(body.len());
        scope.define(name, Operand { value, ty: instr.ty.clone() }, at)?;
        body.push(instr);
    }
    let returns = returned(c, &scope, &results)?;
    c.expect("}")?;
    Ok(Function { name, public, arguments, results, attributes, body, returns, at })
}

fn returned(
    c: &mut Cursor<'_>,
    scope: &Scope<'_>,
    results: &[Slot],
) -> Result<Vec<Operand>, ParseError> {
    let at = c.position();
    if !c.eat("return") && !c.eat("func.return") {
        return c.error("an instruction such as `%0 = ..`, or `return`");
    }
    let mut operands = Vec::new();
    if c.peek() == Some(b'%') {
        operands.push(scope.operand(c)?);
        while c.eat(",") {
            operands.push(scope.operand(c)?);
        }
        c.expect(":")?;
        for (k, operand) in operands.iter().enumerate() {
            if k > 0 {
                c.expect(",")?;
            }
            stated(c, &operand.ty)?;
        }
    }
    if operands.iter().map(|o| &o.ty).ne(results.iter().map(|r| &r.ty)) {
        let found: Vec<_> = operands.iter().map(|o| o.ty.to_string()).collect();
        let expected: Vec<_> = results.iter().map(|r| r.ty.to_string()).collect();
        return Err(ParseError::unexpected(
            at,
            format!("a return of ({})", found.join(", ")),
            format!("the function's results ({})", expected.join(", ")),
        ));
    }
    Ok(operands)
}

/// The values defined so far in a function.
#[derive(Default)]
pub(crate) struct Scope<'a> {
    values: HashMap<&'a str, Operand>,
}

impl<'a> Scope<'a> {
    fn define(&mut self, name: &'a str, operand: Operand, at: Position) -> Result<(), ParseError> {
        match self.values.insert(name, operand) {
            None => Ok(()),
            Some(_) => {
                let found = format!("a second definition of %{name}");
                Err(ParseError::unexpected(at, found, "a new name"))
            }
        }
    }

    /// `%name`, defined above.
    pub(crate) fn operand(&self, c: &mut Cursor<'_>) -> Result<Operand, ParseError> {
        let at = c.position();
        let name = c.name("%", "a value such as `%0`")?;
        self.values.get(name).cloned().ok_or_else(|| {
            ParseError::unexpected(at, format!("%{name}"), "a value defined above in this function")
        })
    }
}

/// A type that has to be `wanted`.
pub(crate) fn stated(c: &mut Cursor<'_>, wanted: &Type) -> Result<(), ParseError> {
    let at = c.position();
    let found = ty(c)?;
    if found == *wanted {
        return Ok(());
    }
    Err(ParseError::unexpected(at, found.to_string(), format!("{wanted}, the value's type")))
}

/// `tensor<2x3xf32>`
pub(crate) fn ty(c: &mut Cursor<'_>) -> Result<Type, ParseError> {
    let at = c.position();
    c.expect("tensor")?;
    c.expect("<")?;
    let mut shape = Vec::new();
    while c.peek().is_some_and(|b| b.is_ascii_digit()) {
        shape.push(c.size()?);
        if !c.eat_dimension_separator() {
            return c.error("`x` after a dimension");
        }
        if shape.len() > HIGHEST_RANK {
            let expected = format!("at most {HIGHEST_RANK} dimensions");
            return Err(ParseError::unexpected(at, "a tensor of higher rank", expected));
        }
    }
    let element = [Element::F32, Element::F64, Element::I1].into_iter().find(|e| c.eat(e.name()));
    let Some(element) = element else {
        return c.error("a dimension such as `2x`, or `f32`, `f64` or `i1`");
    };
    c.expect(">")?;
    Ok(Type { shape, element })
}

fn slot(c: &mut Cursor<'_>) -> Result<Slot, ParseError> {
    let ty = ty(c)?;
    let attributes = if c.peek() == Some(b'{') { dictionary(c)? } else { Vec::new() };
    Ok(Slot { ty, attributes })
}

/// `{name = value, ..}`, no name twice.
pub(crate) fn dictionary(c: &mut Cursor<'_>) -> Result<Vec<(String, Attribute)>, ParseError> {
    let at = c.position();
    let entries = c.list("{", "}", |c| {
        let name = c.word("an attribute's name")?.to_string();
        c.expect("=")?;
        Ok((name, attribute(c)?))
    })?;
    let mut names: Vec<&str> = entries.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    match names.windows(2).find(|w| w[0] == w[1]) {
        None => Ok(entries),
        Some(w) => Err(ParseError::unexpected(at, format!("`{}` twice", w[0]), "each name once")),
    }
}

fn attribute(c: &mut Cursor<'_>) -> Result<Attribute, ParseError> {
    match c.peek() {
        Some(b'"') => Ok(Attribute::String(c.string()?)),
        Some(b'a') => Ok(Attribute::Integers(array(c)?)),
        Some(b'-' | b'0'..=b'9') => {
            let n = c.integer()?;
            if c.eat(":") && !c.eat("i64") && !c.eat("i32") {
                return c.error("`i64`");
            }
            Ok(Attribute::Integer(n))
        }
        _ => c.error("a string, a whole number or `array<i64: ..>`"),
    }
}

/// `array<i64: 1, 2>`, or `array<i64>`
pub(crate) fn array(c: &mut Cursor<'_>) -> Result<Vec<i64>, ParseError> {
    c.expect("array")?;
    c.expect("<")?;
    c.expect("i64")?;
    if c.eat(">") {
        return Ok(Vec::new());
    }
    c.list(":", ">", Cursor::integer)
}
