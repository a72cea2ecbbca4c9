//! The TOML form of a specification.

use crate::{Layer, LayerKind, Loss, NetSpec, SpecError};
use std::fmt::Write;
use toml::{Table, Value};

impl NetSpec {
    /// Reads a specification. Unknown keys and kinds are errors that name the
    /// nearest known one.
    pub fn from_toml(text: &str) -> Result<Self, SpecError> {
        let table: Table =
            text.parse().map_err(|e: toml::de::Error| SpecError::Syntax(e.to_string()))?;
        let place = "the net";
        check_keys(place, &table, &["name", "input", "loss", "layers"])?;
        let input = required(place, &table, "input", "[28, 28, 1]")?;
        let layers = required(place, &table, "layers", "[{ kind = \"dense\", features = 10 }]")?;
        let loss = match table.get("loss") {
            None => Loss::default(),
            Some(v) => {
                let name = v.as_str().unwrap_or_default();
                check_known(place, "loss", name, &Loss::NAMES)?;
                typed(place, "loss", v)?
            }
        };
        let layers =
            layers.as_array().ok_or_else(|| key(place, "`layers` must be a list of tables"))?;
        Ok(NetSpec {
            name: typed(place, "name", required(place, &table, "name", "\"my-net\"")?)?,
            input: typed(place, "input", input)?,
            loss,
            layers: layers.iter().enumerate().map(layer).collect::<Result<_, _>>()?,
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
        let _ = writeln!(text, "loss = {}", value_of(&self.loss));
        let _ = writeln!(text, "layers = [");
        for layer in &self.layers {
            let mut pairs = vec![format!("kind = \"{}\"", layer.kind.name())];
            if let Some(name) = &layer.name {
                pairs.push(format!("name = {}", Value::from(name.as_str())));
            }
            if let Value::Table(table) = value_of(&layer.kind) {
                let others = table.iter().filter(|(k, _)| *k != "kind");
                pairs.extend(others.map(|(k, v)| format!("{k} = {v}")));
            }
            let _ = writeln!(text, "  {{ {} }},", pairs.join(", "));
        }
        text.push_str("]\n");
        text
    }
}

fn value_of(x: &impl serde::Serialize) -> Value {
    // Specifications are plain data: names, numbers, lists.
    Value::try_from(x).unwrap_or_else(|_| Value::Table(Table::new()))
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
    let kind = Value::Table(table)
        .try_into::<LayerKind>()
        .map_err(|e| key(&place, &e.message().replace('\n', " ")))?;
    Ok(Layer { name, kind })
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
    v.clone().try_into().map_err(|e| key(place, &format!("`{name} = {v}`: {}", e.message())))
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
