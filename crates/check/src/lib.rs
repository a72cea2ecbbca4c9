//! Is the gradient the derivative? Checks that answer by computing.
//!
//! - [`finite_differences`] compares every gradient of a graph with f64 central
//!   differences of its loss.
//! - [`kink_table`] pins the derivative taken *at* kinks, where differences
//!   have nothing to say.
//! - [`cases`] lists small graphs, one op each, over the attributes that matter;
//!   [`differentiated`] turns each into a loss with gradients.
//! - [`random_graph`] draws well-typed graphs over the whole op set,
//!   [`random_net`] whole networks over the vocabulary of layers.
//!
//! Every check can say no: `tests/mutations.rs` differentiates under
//! deliberately wrong rules and expects each to be noticed.
//!
//! ```
//! use cotangent_check::{Options, cases, differentiated, finite_differences};
//! let case = &cases()?[0];
//! let graph = differentiated(&case.forward, cotangent_vjp::rule)?;
//! let report = finite_differences(&graph, &case.inputs(&graph)?, &Options::default())?;
//! assert!(report.passed);
//! # Ok::<(), cotangent_check::CheckError>(())
//! ```
//!
//! **Architecture invariant:** derivatives are checked against the interpreter
//! alone; nothing here knows how a rule works.

mod cases;
mod decisions;
mod error;
mod finite;
mod kinks;
mod loss;
mod random;
mod random_net;
mod report;
mod sample;

pub use cases::{Case, cases};
pub use error::CheckError;
pub use finite::{Options, finite_differences, finite_differences_watched};
pub use kinks::{kink_table, kink_table_with};
pub use loss::differentiated;
pub use random::random_graph;
pub use random_net::{RandomNet, random_net};
pub use report::{KinkRow, Report, TensorReport};
pub use sample::{Fill, fill, sample_inputs};
