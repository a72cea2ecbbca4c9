//! The command, run as a user runs it.

mod at;
mod common;
mod data;
mod inspect;
mod prove;
mod runs;
mod training;
mod weights;
