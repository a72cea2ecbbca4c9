//! The embedded CPU executor: plans a graph once, runs it many times.
//!
//! Planning removes dead code, folds constants, reads broadcasts in place,
//! fuses pointwise chains and sums over leading dimensions into the ops that
//! produce their operands, orders the passes so that parameters can be updated
//! where they lie, and lays all buffers out in one arena. [`Executor::describe`]
//! shows the result.
//!
//! Dense layers and convolutions whose sizes suit it run in register tiles,
//! convolutions without im2col; depthwise ones have a kernel of their own; all
//! other products go to the `gemm` crate, after im2col where they are
//! convolutions. Only windows and kernels that slide along more than three
//! dimensions walk their index space point by point. A run allocates nothing of
//! its own (`gemm` takes packing space per product, and rayon a queue block
//! every 63 runs). Results are the same bit for bit for a given number of
//! threads on a given kind of machine.
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
