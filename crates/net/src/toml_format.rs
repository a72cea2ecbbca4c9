//! The TOML form of a specification.

use crate::{Layer, LayerKind, Loss, LossPart, Losses, NetSpec, Number, SpecError, toml_message};
use std::collections::BTreeMap;
use std::fmt::Write;
use toml::{Table, Value};

impl NetSpec {
    /// Reads a specification. Unknown keys and kinds are errors that name the
    /// nearest known one.
    pub fn from_toml(text: &str) -> Result<Self, SpecError> {
        let table: Table = text.parse().map_err(|e: toml::de::Error| match e.message() {
            m if m.contains("recurs") => SpecError::Depth { line: line(text, &e) },
            m if m.contains("too large") || m.contains("as i128") => {
                let found = e.span().and_then(|span| text.get(span)).unwrap_or_default();
                key(
                    &format!("line {}", line(text, &e)),
                    &format!("found {found}, expected a whole number from -2^63 to 2^63 - 1"),
                )
            }
            _ => SpecError::Syntax(e.to_string()),
        })?;
        let place = "the net";
        check_keys(place, &table, &["name", "input", "loss", "losses", "layers", "shared"])?;
        let input = required(place, &table, "input", "[28, 28, 1]")?;
        let list = required(place, &table, "layers", "[{ kind = \"dense\", features = 10 }]")?;
        let loss = match (table.get("loss"), table.get("losses")) {
            (None, None) => Losses::default(),
            (Some(v), None) => kind_of_loss(place, "loss", v)?.into(),
            (None, Some(v)) => losses(v)?,
            (Some(_), Some(_)) => {
                let reason = "found `loss` and `losses`, expected one of them: `loss` is of the \
                              whole output, `losses` of its parts; leave one out";
                return Err(key(place, reason));
            }
        };
        Ok(NetSpec {
            name: typed(place, "name", required(place, &table, "name", "\"my-net\"")?)?,
            input: typed(place, "input", input)?,
            loss,
            layers: layers(list)?,
            shared: table.get("shared").map(shared).transpose()?.unwrap_or_default(),
        })
    }

    /// Writes the specification, one line per layer; reading it back gives an
    /// equal one.
    pub fn to_toml(&self) -> String {
        let mut text = String::new();
        let input: Vec<String> = self.input.iter().map(usize::to_string).collect();
        // Writing to a String cannot fail.
        let _ = writeln!(text, "name = {}", Value::from(self.name.as_str()));
        let _ = writeln!(text, "input = [{}]", input.join(", "));
        match &self.loss {
            Losses::Whole(loss) => {
                let _ = writeln!(text, "loss = {}", Value::from(loss.name()));
            }
            Losses::Parts(parts) => write_losses(&mut text, parts),
        }
        let _ = write!(text, "layers = ");
        write_layers(&mut text, &self.layers, "");
        text.push('\n');
        if !self.shared.is_empty() {
            let _ = writeln!(text, "\n[shared]");
        }
        for (name, layers) in &self.shared {
            let _ = write!(text, "{} = ", quoted_key(name));
            write_layers(&mut text, layers, "");
            text.push('\n');
        }
        text
    }
}

/// One line per loss; weights of 1 are left out.
fn write_losses(text: &mut String, parts: &[LossPart]) {
    text.push_str("losses = [\n");
    for part in parts {
        let (kind, features) = (Value::from(part.kind.name()), part.features);
        let _ = write!(text, "  {{ kind = {kind}, features = {features}");
        if part.weight != Number::from(1) {
            let weight = Value::try_from(&part.weight).unwrap_or(Value::Float(1.0));
            let _ = write!(text, ", weight = {weight}");
        }
        text.push_str(" },\n");
    }
    text.push_str("]\n");
}

/// Reads the losses of parts of the output.
fn losses(value: &Value) -> Result<Losses, SpecError> {
    let example = "[{ kind = \"softmax_cross_entropy\", features = 10 }]";
    let tables = || key("the net", &format!("`losses` must be a list of tables such as {example}"));
    let list = value.as_array().ok_or_else(tables)?;
    let part = |(k, value): (usize, &Value)| {
        let place = format!("loss {}", k + 1);
        let table = value.as_table().ok_or_else(tables)?;
        check_keys(&place, table, &LossPart::KEYS)?;
        let kind = required(&place, table, "kind", "\"softmax_cross_entropy\"")?;
        let kind = kind_of_loss(&place, "kind", kind)?;
        let features = typed(&place, "features", required(&place, table, "features", "10")?)?;
        let part = LossPart::new(kind, features);
        Ok(match table.get("weight") {
            None => part,
            Some(weight) => part.weight(typed(&place, "weight", weight)?),
        })
    };
    Ok(Losses::Parts(list.iter().enumerate().map(part).collect::<Result<_, SpecError>>()?))
}

fn kind_of_loss(place: &str, name: &str, value: &Value) -> Result<Loss, SpecError> {
    check_known(place, "loss", value.as_str().unwrap_or_default(), &Loss::NAMES)?;
    typed(place, name, value)
}

/// A key as TOML wants it: bare where that is possible.
fn quoted_key(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    match !name.is_empty() && name.chars().all(bare) {
        true => name.into(),
        false => Value::from(name).to_string(),
    }
}

fn write_layers(text: &mut String, layers: &[Layer], indent: &str) {
    if layers.is_empty() {
        text.push_str("[]");
        return;
    }
    text.push_str("[\n");
    for layer in layers {
        let _ = write!(text, "{indent}  {{ ");
        for (k, (key, value)) in pairs(layer).into_iter().enumerate() {
            let _ = write!(text, "{}{key} = ", if k > 0 { ", " } else { "" });
            write_value(text, layer, &key, &value, &format!("{indent}  "));
        }
        text.push_str(" },\n");
    }
    let _ = write!(text, "{indent}]");
}

/// Nested layers over several lines, everything else on one.
fn write_value(text: &mut String, layer: &Layer, key: &str, value: &Value, indent: &str) {
    let branches = layer.kind.rule().nested(key);
    match branches {
        Some(Nested::List(layers)) => write_layers(text, layers, indent),
        Some(Nested::Branches(branches)) => {
            text.push('[');
            for (k, layers) in branches.iter().enumerate() {
                text.push_str(if k > 0 { ", " } else { "" });
                write_layers(text, layers, indent);
            }
            text.push(']');
        }
        None => {
            let _ = write!(text, "{value}");
        }
    }
}

/// Layers inside a layer's attribute.
pub(crate) enum Nested<'a> {
    /// One sequence.
    List(&'a [Layer]),
    /// Several.
    Branches(&'a [Vec<Layer>]),
}

/// Kind, name, and the attributes that are not at their defaults.
fn pairs(layer: &Layer) -> Vec<(String, Value)> {
    let kind = layer.kind.name();
    let mut pairs = vec![("kind".to_string(), Value::from(kind))];
    pairs.extend(layer.name.iter().map(|n| ("name".to_string(), Value::from(n.as_str()))));
    let table = layer.kind.write();
    for (key, value) in &table {
        let mut without = table.clone();
        without.remove(key);
        // An attribute that reads the same when left out is at its default.
        let default =
            LayerKind::read(kind, &without).is_some_and(|k| k.as_ref() == Ok(&layer.kind));
        if !default {
            pairs.push((key.clone(), value.clone()));
        }
    }
    pairs
}

/// The layer as a TOML table.
pub(crate) fn table(layer: &Layer) -> Table {
    pairs(layer).into_iter().collect()
}

/// Reads a list of layers.
pub(crate) fn layers(value: &Value) -> Result<Vec<Layer>, SpecError> {
    let list =
        value.as_array().ok_or_else(|| key("the net", "`layers` must be a list of tables"))?;
    list.iter().enumerate().map(layer).collect()
}

fn shared(value: &Value) -> Result<BTreeMap<String, Vec<Layer>>, SpecError> {
    let table = value
        .as_table()
        .ok_or_else(|| key("the net", "`shared` must be a table of lists of layers"))?;
    table
        .iter()
        .map(|(name, list)| {
            let place = |e: SpecError| key(&format!("shared net `{name}`"), &e.to_string());
            Ok((name.clone(), layers(list).map_err(place)?))
        })
        .collect()
}

fn layer((k, value): (usize, &Value)) -> Result<Layer, SpecError> {
    let place = format!("layer {}", k + 1);
    let mut table = value.as_table().cloned().ok_or_else(|| {
        key(&place, "found a bare value, expected a table such as { kind = \"relu\" }")
    })?;
    let kind = required(&place, &table, "kind", "\"dense\"")?
        .as_str()
        .ok_or_else(|| key(&place, "`kind` must be a string"))?
        .to_string();
    let kinds: Vec<&str> = LayerKind::VOCABULARY.iter().map(|(name, _)| *name).collect();
    check_known(&place, "layer", &kind, &kinds)?;
    let place = format!("layer {} ({kind})", k + 1);
    let own = LayerKind::VOCABULARY.iter().find(|(name, _)| *name == kind).map_or(&[][..], |v| v.1);
    check_keys(&place, &table, &[&["kind", "name"], own].concat())?;
    let name = table.remove("name").map(|v| typed(&place, "name", &v)).transpose()?;
    match LayerKind::read(&kind, &table) {
        Some(read) => Ok(Layer { name, kind: read.map_err(|e| key(&place, &e))? }),
        None => Err(key(&place, "unknown layer")),
    }
}

fn key(place: &str, reason: &str) -> SpecError {
    SpecError::Key { place: place.into(), reason: reason.into() }
}

fn required<'a>(
    place: &str,
    table: &'a Table,
    name: &str,
    example: &str,
) -> Result<&'a Value, SpecError> {
    table.get(name).ok_or_else(|| {
        key(place, &format!("`{name}` is missing; write for example `{name} = {example}`"))
    })
}

fn typed<T: serde::de::DeserializeOwned>(
    place: &str,
    name: &str,
    v: &Value,
) -> Result<T, SpecError> {
    v.clone()
        .try_into()
        .map_err(|e| key(place, &format!("`{name} = {v}`: {}", not_none(name, toml_message(&e)))))
}

/// The message about the key `name`, whose least number may be 1.
pub(crate) fn not_none(name: &str, message: String) -> String {
    match ["features", "groups"].contains(&name) {
        true => message.replace("a whole number, 0 or more", "a whole number, 1 or more"),
        false => message,
    }
}

fn check_keys(place: &str, table: &Table, known: &[&str]) -> Result<(), SpecError> {
    table.keys().try_for_each(|k| check_known(place, "key", k, known))
}

/// Refuses a name that is not known, and suggests the nearest.
fn check_known(place: &str, what: &str, name: &str, known: &[&str]) -> Result<(), SpecError> {
    if known.contains(&name) {
        return Ok(());
    }
    let nearest = known
        .iter()
        .map(|k| (strsim::damerau_levenshtein(&name.to_lowercase(), k), *k))
        .min()
        .filter(|(distance, k)| *distance <= 1 + k.len() / 3)
        .map_or(".".to_string(), |(_, k)| format!("; did you mean `{k}`?"));
    Err(key(place, &format!("unknown {what} `{name}`{nearest} Known here: {}", known.join(", "))))
}

/// The line of the error, from 1.
fn line(text: &str, error: &toml::de::Error) -> usize {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    before.matches('\n').count() + 1
}
