//! The command, run as a user runs it.

mod common;
mod inspect;
mod prove;
mod runs;
mod training;
mod weights;
