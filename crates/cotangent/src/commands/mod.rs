//! One file per command.

pub mod bench;
pub mod bench_worker;
pub mod check;
pub mod doctor;
pub mod emit;
pub mod eval;
pub mod export;
pub mod import;
pub mod models;
pub mod predict;
pub mod prove;
pub mod show;
pub mod train;
