//! The embedded CPU executor: plans a graph once, runs it many times.
//!
//! Planning removes dead code, folds constants, fuses pointwise chains into the
//! ops that produce their operands, orders the passes so that parameters can be
//! updated in place, and lays all buffers out in one arena. A run allocates
//! nothing of its own (the `gemm` crate takes packing space per product, and
//! rayon now and then a queue block). Results are the same bit for bit for a
//! given number of threads.
//!
//! ```
//! use cotangent_graph::{Builder, Op, Role, TensorType};
//! use cotangent_native::{Executor, Options};
//!
//! let mut b = Builder::new();
//! let x = b.input("x", Role::Data, TensorType::real([3]))?;
//! let y = b.push(Op::Relu, &[x])?;
//! b.output("y", Role::Logits, y);
//! let mut executor = Executor::new(&b.finish()?, &Options::default())?;
//! executor.input_mut(0).copy_from_slice(&[-1.0, 0.0, 2.0]);
//! executor.run()?;
//! assert_eq!(executor.output(0), [0.0, 0.0, 2.0]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! **Architecture invariant:** nothing here differentiates or changes what a
//! graph means. `unsafe` lives in `kernels`; planning is safe code.

mod error;
mod executor;
mod kernels;
mod plan;

pub use error::NativeError;
pub use executor::{Executor, Options};
