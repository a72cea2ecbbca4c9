//! What can be wrong with a text, or with a graph to be printed.

use cotangent_graph::GraphError;
use std::fmt;
use thiserror::Error;

/// A place in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Position {
    /// Line, from 1; 0 where the syntax was not parsed from text.
    pub line: usize,
    /// Column in bytes, from 1.
    pub column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// A text that is not the StableHLO of a graph.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ParseError {
    /// Something else stands where the text has to say `expected`.
    #[error("{at}: found {found}, expected {expected}")]
    Unexpected {
        /// Where.
        at: Position,
        /// What is there.
        found: String,
        /// What has to be there.
        expected: String,
    },
    /// The instruction is well-formed text, but its operands do not fit.
    #[error("{at}: {source}")]
    Graph {
        /// Where.
        at: Position,
        /// Why.
        source: GraphError,
    },
    /// A number is beyond what the text form is defined for.
    #[error("{at}: {source}")]
    Limit {
        /// Where.
        at: Position,
        /// Which.
        source: LowerError,
    },
    /// A private function's body is not the body of the op it resembles.
    #[error(
        "{at}: @{function} is not the body of {op}: instruction {index} is `{found}`, expected `{expected}`"
    )]
    Body {
        /// Where the first difference is.
        at: Position,
        /// The function.
        function: String,
        /// The op it resembles most.
        op: &'static str,
        /// Index of the first instruction that differs.
        index: usize,
        /// That instruction.
        found: String,
        /// The one that the op's body has there.
        expected: String,
    },
}

impl ParseError {
    /// Where in the text the error is.
    pub fn at(&self) -> Position {
        match self {
            ParseError::Unexpected { at, .. }
            | ParseError::Graph { at, .. }
            | ParseError::Limit { at, .. }
            | ParseError::Body { at, .. } => *at,
        }
    }

    pub(crate) fn unexpected(
        at: Position,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        ParseError::Unexpected { at, found: found.into(), expected: expected.into() }
    }
}

/// A graph that has no text.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LowerError {
    /// The graph is not sound, or a constant overflows the precision.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// A number is beyond what the text form is defined for.
    #[error("{op}: {what} is {found}, expected at most {limit}")]
    TooLarge {
        /// Op name.
        op: &'static str,
        /// Which number.
        what: &'static str,
        /// Its value.
        found: usize,
        /// The largest accepted.
        limit: usize,
    },
}
