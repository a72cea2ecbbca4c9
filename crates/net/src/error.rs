//! What can be wrong with a specification.

use thiserror::Error;

/// A specification that is not a network.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SpecError {
    /// The text is not TOML.
    #[error("not a TOML file: {0}")]
    Syntax(String),
    /// Lists and tables within one another, deeper than they are read.
    #[error(
        "line {line}: lists and tables are nested more than {DEEPEST} deep; put inner layers into \
         a sub-network under [shared], and {{ kind = \"use\", net = \"NAME\" }} in their place"
    )]
    Depth {
        /// The line.
        line: usize,
    },
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

/// How deep the TOML reader goes.
const DEEPEST: usize = 80;

/// What the TOML reader says, without the names of Rust's types.
pub fn toml_message(error: &toml::de::Error) -> String {
    let whole = |text: String, ty| text.replace(ty, "expected a whole number, 0 or more");
    let types = ["expected usize", "expected u64", "expected u32"];
    types.into_iter().fold(error.message().to_string(), whole)
}
