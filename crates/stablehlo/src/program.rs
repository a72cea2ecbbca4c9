//! A graph with what its text says about it.

use crate::{LowerError, ParseError, lower, parse, print, raise};
use cotangent_graph::{Graph, Precision};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A graph, where it comes from, and the precision it is printed at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// The graph; `@main` in the text.
    pub graph: Graph,
    /// The module's attributes.
    pub meta: Meta,
    /// The element type of reals. A text without reals has
    /// [`Precision::F32`].
    pub precision: Precision,
}

/// What a module says about its `@main`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meta {
    /// The model's name.
    pub model: String,
    /// What `@main` computes.
    pub what: What,
    /// Batch size.
    pub batch: usize,
    /// The network's specification, TOML.
    pub spec: Option<String>,
    /// The options of the step, for whoever made it.
    pub options: Option<String>,
}

/// What a program computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum What {
    /// Forward pass, loss, backward pass and optimiser.
    Train,
    /// The loss and all parameter gradients.
    Grad,
    /// The network's output.
    Forward,
    /// The network's output and the loss.
    Eval,
    /// One op, for tests.
    Op,
}

impl What {
    /// All of them.
    pub const ALL: [What; 5] = [What::Train, What::Grad, What::Forward, What::Eval, What::Op];

    /// The name in the text and the manifest.
    pub fn name(self) -> &'static str {
        match self {
            What::Train => "train",
            What::Grad => "grad",
            What::Forward => "forward",
            What::Eval => "eval",
            What::Op => "op",
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for What {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        What::ALL.into_iter().find(|w| w.name() == text).ok_or_else(|| {
            let known: Vec<_> = What::ALL.iter().map(|w| w.name()).collect();
            format!("one of {}", known.join(", "))
        })
    }
}

impl Program {
    /// The StableHLO text.
    ///
    /// # Errors
    /// The graph is not sound, a constant overflows the precision, or a size
    /// is beyond what the text form is defined for.
    pub fn to_text(&self) -> Result<String, LowerError> {
        Ok(print(&lower(self)?))
    }

    /// The program a text stands for: what [`Program::to_text`] was given,
    /// constants rounded to the precision.
    ///
    /// # Errors
    /// The text is not StableHLO, or not that of a graph; the error says where,
    /// what is there and what was expected.
    pub fn from_text(text: &str) -> Result<Program, ParseError> {
        raise(&parse(text)?)
    }
}
