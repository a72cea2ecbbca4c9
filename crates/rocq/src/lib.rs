//! Emitted StableHLO as data for the Rocq proofs.
//!
//! [`literal`] writes a parsed module as a Rocq definition of the type `module`
//! of `proofs/theories/Stablehlo.v`. `Printer.v` and `Pieces.v` print that definition
//! back to text ([`print_commands`]), and `proofs/unquote.awk` with `cmp` compares the text
//! with the file; so nothing in this crate has to be trusted: a literal of another module
//! prints as another file.
//!
//! ```
//! use cotangent_rocq::literal;
//! let text = "module @op attributes {} {
//!   func.func public @main(%arg0: tensor<2xf32>) -> tensor<2xf32> {
//!     %0 = stablehlo.negate %arg0 : tensor<2xf32>
//!     return %0 : tensor<2xf32>
//!   }
//! }";
//! let rocq = literal("the_step", &cotangent_stablehlo::parse(text)?)?;
//! assert!(rocq.contains("Instruction (Unary Negate) [:: Arg 0] t_2xf32"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! **Architecture invariant:** this crate knows nothing of networks, layers or
//! derivatives; what a step should be is said in Rocq.

mod literal;

pub use literal::{LiteralError, PREAMBLE, literal, print_commands};
