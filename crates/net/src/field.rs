//! Attributes of layers: how each type reads and writes as a TOML value, and
//! the macro that declares a layer with its attributes.

use crate::layers::{Activation, GeluForm, InitScheme, Interpolation, Merge, Padding, Pair};
use crate::number::Number;
use crate::toml_format;
use crate::{Layer, toml_message};
use serde::{Serialize, de::DeserializeOwned};
use toml::Value;

/// A type an attribute can have.
pub(crate) trait Field: Sized {
    /// Reads the value; the error says what was found and what was expected.
    fn read(value: &Value) -> Result<Self, String>;

    /// The value as it is written.
    fn write(&self) -> Value;
}

/// Types that read and write through serde.
trait Plain: Serialize + DeserializeOwned {}

impl Plain for usize {}
impl Plain for bool {}
impl Plain for String {}
impl Plain for Vec<usize> {}
impl Plain for Number {}
impl Plain for Pair {}
impl Plain for Padding {}
impl Plain for Activation {}
impl Plain for GeluForm {}
impl Plain for InitScheme {}
impl Plain for Interpolation {}
impl Plain for Merge {}

impl<T: Plain> Field for T {
    fn read(value: &Value) -> Result<Self, String> {
        value.clone().try_into().map_err(|e| toml_message(&e).replace('\n', " "))
    }

    fn write(&self) -> Value {
        // Attributes are plain data: names, numbers, lists.
        Value::try_from(self).unwrap_or(Value::Boolean(false))
    }
}

impl Field for Vec<Layer> {
    fn read(value: &Value) -> Result<Self, String> {
        toml_format::layers(value).map_err(|e| e.to_string())
    }

    fn write(&self) -> Value {
        Value::Array(self.iter().map(toml_format::table).map(Value::Table).collect())
    }
}

impl Field for Vec<Vec<Layer>> {
    fn read(value: &Value) -> Result<Self, String> {
        let list = value.as_array().ok_or("expected a list of lists of layers")?;
        let branch = |(k, v)| Vec::<Layer>::read(v).map_err(|e| format!("branch {}: {e}", k + 1));
        list.iter().enumerate().map(branch).collect()
    }

    fn write(&self) -> Value {
        Value::Array(self.iter().map(Field::write).collect())
    }
}

/// Declares a layer's attributes: those that have to be given, then those with
/// a default. An attribute that is an `Option` is absent by default.
macro_rules! attributes {
    (
        $(#[$doc:meta])*
        $name:ident {
            $($(#[$rdoc:meta])* $required:ident: $rty:ty,)*
            ;
            $($(#[$odoc:meta])* $optional:ident: $oty:ty = $default:expr,)*
        }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name {
            $($(#[$rdoc])* pub $required: $rty,)*
            $($(#[$odoc])* pub $optional: $oty,)*
        }

        impl $name {
            pub(crate) const KEYS: &'static [&'static str] =
                &[$(stringify!($required),)* $(stringify!($optional),)*];

            /// With every other attribute at its default.
            #[allow(clippy::new_without_default)]
            pub fn new($($required: $rty),*) -> Self {
                $name { $($required,)* $($optional: $default,)* }
            }

            #[allow(unused_mut, unused_variables)]
            pub(crate) fn read(table: &toml::Table) -> Result<Self, String> {
                let mut layer = Self::new($($crate::field::required(table, stringify!($required))?),*);
                $(
                    if let Some(value) = $crate::field::optional(table, stringify!($optional))? {
                        layer.$optional = value;
                    }
                )*
                Ok(layer)
            }

            /// Every attribute, defaults included.
            #[allow(unused_mut)]
            pub(crate) fn write(&self) -> toml::Table {
                let mut table = toml::Table::new();
                $(table.insert(stringify!($required).into(), $crate::field::Field::write(&self.$required));)*
                $(table.insert(stringify!($optional).into(), $crate::field::Field::write(&self.$optional));)*
                table
            }
        }
    };
}
pub(crate) use attributes;

pub(crate) fn required<T: Field>(table: &toml::Table, key: &str) -> Result<T, String> {
    optional(table, key)?.ok_or_else(|| format!("`{key}` is missing"))
}

pub(crate) fn optional<T: Field>(table: &toml::Table, key: &str) -> Result<Option<T>, String> {
    let read =
        |v: &Value| T::read(v).map_err(|e| format!("`{key}`: {}", toml_format::not_none(key, e)));
    table.get(key).map(read).transpose()
}
