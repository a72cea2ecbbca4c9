//! What can be wrong with a specification.

use thiserror::Error;

/// A specification that is not a network.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SpecError {
    /// The text is not TOML.
    #[error("not a TOML file: {0}")]
    Syntax(String),
    /// A key is missing, unknown or of the wrong type.
    #[error("{place}: {reason}")]
    Key {
        /// Where: the file's top level, or a layer.
        place: String,
        /// What was found, what was expected, the nearest known name.
        reason: String,
    },
    /// A layer does not fit what comes before it.
    #[error("layer {position} ({layer}): {reason}")]
    Layer {
        /// Position in the list, from 1.
        position: usize,
        /// The layer's name.
        layer: String,
        /// Both shapes and the fix.
        reason: String,
    },
    /// The network as a whole does not make sense.
    #[error("net `{net}`: {reason}")]
    Net {
        /// The network's name.
        net: String,
        /// What is wrong and the fix.
        reason: String,
    },
}

/// What the TOML reader says, without the names of Rust's types.
pub fn toml_message(error: &toml::de::Error) -> String {
    let whole = |text: String, ty| text.replace(ty, "expected a whole number, 0 or more");
    let types = ["expected usize", "expected u64", "expected u32"];
    types.into_iter().fold(error.message().to_string(), whole)
}
