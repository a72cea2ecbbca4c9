//! Certificates: a step's file, the specification it was made from, and a
//! theorem that Coq checks about the two.
//!
//! The proofs travel with the program ([`library`]) and are compiled once; a
//! certificate is a directory that Coq alone can check again. Nothing here is
//! trusted: what is printed comes from Coq, and the file is compared with what
//! Coq prints.
//!
//! **Architecture invariant:** this crate writes definitions and runs Coq; it
//! decides nothing about networks or derivatives.

mod at;
mod certificate;
mod error;
mod followed;
mod library;
mod spec;
mod theorem;
mod toolchain;
mod verdict;

pub use at::{Argument, AtVerdict};
pub use certificate::{Directory, Subject};
pub use error::ProveError;
pub use library::{Library, THEORIES, Theory};
pub use spec::{specification, train};
pub use theorem::{kinks, theorem};
pub use toolchain::{Coq, VERSION, install_command};
pub use verdict::{ALLOWED_AXIOMS, Kink, Limits, Verdict};
