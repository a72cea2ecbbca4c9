//! The command, run as a user runs it.

mod common;
mod inspect;
mod runs;
mod training;
