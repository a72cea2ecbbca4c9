//! Typed SSA over dense tensors with static shapes: what a network is once the
//! layers are gone.
//!
//! A [`Graph`] is a list of inputs, a list of instructions and a list of
//! outputs. Inputs are values `0..n`; instruction `k` defines value `n + k`
//! and reads only earlier values. Every op ([`Op`]) has, written beside it,
//! its meaning; its shape rule is [`Op::infer`]; and if it is linear in each
//! operand its meaning *is* its [`Contraction`], obtained from
//! [`Op::contraction`]:
//!
//! ```text
//! out[f(r)] += Π_k a_k[g_k(r)]      for r in a box
//! ```
//!
//! with affine, partial index maps (an index out of range contributes
//! nothing). The vector-Jacobian product of a contraction is the same
//! contraction with the roles of two maps exchanged, so one rule differentiates
//! dot_general, convolution, broadcasting, sums and transposition alike.
//!
//! **Architecture invariant:** this crate knows nothing of layers, of
//! derivatives, of text, or of how anything is executed. Constants are exact
//! rationals ([`Rational`]); they are rounded once, when the graph is printed
//! or executed at a [`Precision`].

mod attributes;
mod builder;
mod contraction;
mod error;
mod graph;
mod infer;
mod op;
mod rational;
mod types;
mod verify;

pub use attributes::{ConvDims, DotDims, Window};
pub use builder::Builder;
pub use contraction::{Contraction, IndexExpr};
pub use error::GraphError;
pub use graph::{Graph, Input, Instruction, Output, Role, ValueId};
pub use op::{Comparison, Op};
pub use rational::{Precision, Rational};
pub use types::{ElementType, TensorType};
