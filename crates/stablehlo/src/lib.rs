//! The text form of a graph: StableHLO, printed and parsed.
//!
//! ```text
//! Program ──lower──▶ ast::Module ──print──▶ text
//! Program ◀──raise── ast::Module ◀──parse── text
//! ```
//!
//! `from_text(to_text(p))` is `p` with its constants rounded to the precision.
//! An op that is one StableHLO instruction prints as that instruction. Every
//! other op prints as a call of a private function, one per op and operand
//! types, whose body is plain StableHLO that stays finite wherever the op is.
//! Reading, such a function is recognised by its body alone: names carry no
//! meaning, and a body that differs in one instruction is refused.
//!
//! `@main` carries the name and role of every argument and result as
//! attributes, and the module carries the specification it was made from, so a
//! file can be executed, resumed and checked alone; the [`Manifest`] is derived
//! from it.
//!
//! ```
//! use cotangent_graph::{Builder, Op, Precision, Role, TensorType};
//! use cotangent_stablehlo::{Meta, Program, What};
//!
//! let mut b = Builder::new();
//! let x = b.input("x", Role::Data, TensorType::real([2, 3]))?;
//! let y = b.push(Op::Relu, &[x])?;
//! b.output("y", Role::Logits, y);
//! let meta = Meta {
//!     model: "rectifier".into(),
//!     what: What::Forward,
//!     batch: 2,
//!     spec: None,
//!     options: None,
//! };
//! let program = Program { graph: b.finish()?, meta, precision: Precision::F32 };
//! let text = program.to_text()?;
//! assert!(text.contains("%0 = call @relu(%arg0) : (tensor<2x3xf32>) -> tensor<2x3xf32>"));
//! assert_eq!(Program::from_text(&text)?, program);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! **Architecture invariant:** this crate knows nothing of layers, derivatives
//! or execution. [`ast`] mirrors the text one to one and [`print()`] is a plain
//! recursion over it, so that a printer elsewhere can reproduce the bytes.

pub mod ast;
mod body;
mod cursor;
mod error;
mod interface;
mod literal;
mod lower;
mod manifest;
mod parse;
mod parse_op;
mod print;
mod program;
mod raise;
mod recognise;

pub use error::{LowerError, ParseError, Position};
pub use lower::lower;
pub use manifest::{Dtype, Entry, Manifest, manifest};
pub use parse::parse;
pub use print::print;
pub use program::{Meta, Program, What};
pub use raise::raise;
