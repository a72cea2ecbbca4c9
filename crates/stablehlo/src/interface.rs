//! What the attributes of a module and of `@main` say.

use crate::ast::{Attribute, Module};
use crate::{Meta, ParseError, Position, What};
use cotangent_graph::Role;

/// The module's attributes.
pub(crate) fn meta(module: &Module) -> Result<Meta, ParseError> {
    let at = Position { line: 1, column: 1 };
    let known = [
        "cotangent.batch",
        "cotangent.model",
        "cotangent.options",
        "cotangent.spec",
        "cotangent.what",
    ];
    refuse_unknown(&module.attributes, &known, at)?;
    let text = |name| string(&module.attributes, name, at);
    let wanted = |name| {
        move || ParseError::unexpected(at, "a module without it", format!("`{name} = \"..\"`"))
    };
    let what = text("cotangent.what")?.ok_or_else(wanted("cotangent.what"))?;
    let what = what.parse::<What>().map_err(|known| {
        ParseError::unexpected(at, format!("cotangent.what = \"{what}\""), known)
    })?;
    let batch = match find(&module.attributes, "cotangent.batch") {
        Some(Attribute::Integer(n)) => usize::try_from(*n).ok(),
        _ => None,
    };
    let batch = batch.ok_or_else(|| {
        ParseError::unexpected(at, "no usable `cotangent.batch`", "`cotangent.batch = N : i64`")
    })?;
    Ok(Meta {
        model: text("cotangent.model")?.ok_or_else(wanted("cotangent.model"))?,
        what,
        batch,
        spec: text("cotangent.spec")?,
        options: text("cotangent.options")?,
    })
}

/// The name and role of an argument or result of `@main`.
pub(crate) fn name_and_role(
    attributes: &[(String, Attribute)],
    at: Position,
) -> Result<(String, Role), ParseError> {
    refuse_unknown(attributes, &["cotangent.name", "cotangent.role"], at)?;
    let (name, role) =
        (string(attributes, "cotangent.name", at)?, string(attributes, "cotangent.role", at)?);
    let (Some(name), Some(role)) = (name, role) else {
        return Err(ParseError::unexpected(
            at,
            "an argument or result of @main without name or role",
            "`{cotangent.name = \"..\", cotangent.role = \"..\"}` on each",
        ));
    };
    let role = role.parse::<Role>().map_err(|reason| {
        ParseError::unexpected(at, format!("cotangent.role of `{name}`: {reason}"), "a role")
    })?;
    Ok((name, role))
}

/// Attributes that are not ours may mean something to who executes the text, such
/// as how an argument is laid out or shared: none is left alone.
pub(crate) fn refuse_unknown(
    attributes: &[(String, Attribute)],
    known: &[&str],
    at: Position,
) -> Result<(), ParseError> {
    let Some((name, _)) = attributes.iter().find(|(n, _)| !known.contains(&n.as_str())) else {
        return Ok(());
    };
    let expected = match known {
        [] => "no attribute here".into(),
        _ => format!("one of {}", known.join(", ")),
    };
    Err(ParseError::unexpected(at, format!("attribute `{name}`"), expected))
}

fn find<'a>(attributes: &'a [(String, Attribute)], name: &str) -> Option<&'a Attribute> {
    attributes.iter().find(|(n, _)| n == name).map(|(_, value)| value)
}

fn string(
    attributes: &[(String, Attribute)],
    name: &str,
    at: Position,
) -> Result<Option<String>, ParseError> {
    match find(attributes, name) {
        None => Ok(None),
        Some(Attribute::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(ParseError::unexpected(at, format!("`{name}` of another kind"), "a string")),
    }
}
