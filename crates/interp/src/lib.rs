//! The executable meaning of every op, in f32 and f64.
//!
//! Plain loops, one meaning per op: whatever has a
//! [`Contraction`](cotangent_graph::Contraction) runs through the one
//! contraction loop, everything else has its own few lines. Sums accumulate in
//! the element type, constants are rounded once from their exact value, and a
//! NaN that reaches an op reaches its result.
//!
//! ```
//! use cotangent_graph::{Builder, Op, Role, TensorType};
//! use cotangent_interp::{Tensor, Value, run};
//!
//! let mut b = Builder::new();
//! let x = b.input("x", Role::Data, TensorType::real([3]))?;
//! let y = b.push(Op::Relu, &[x])?;
//! b.output("y", Role::Logits, y);
//! let graph = b.finish()?;
//! let x = Value::Real(Tensor::new([3], vec![-1.0f64, 0.0, 2.0])?);
//! assert_eq!(run(&graph, &[x])?[0].real()?.data(), [0.0, 0.0, 2.0]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! **Architecture invariant:** no planning, no fusion, no threads. This crate
//! is what the executors are compared with, so it stays simple enough to be
//! believed by reading.

mod contraction;
mod error;
mod evaluate;
mod moments;
mod pool;
mod run;
mod softmax;
mod tensor;

pub use error::InterpError;
pub use evaluate::evaluate;
pub use pool::first_maximal_cells;
pub use run::{rerun, run, run_all};
pub use tensor::{Scalar, Tensor, Value};
