//! Verified deep learning in Rust: declare a network, differentiate it once,
//! print the whole train step as StableHLO, and train by executing that text.
//!
//! This crate is the facade: each module is one stage of the pipeline.
//!
//! ```
//! use cotangent::net::NetSpec;
//! use cotangent::step::{StepOptions, train};
//!
//! let net = NetSpec::new("digits", [28, 28, 1]).flatten().dense(64).relu().dense(10).network()?;
//! let step = train(&net, 32, &"adamw".parse::<StepOptions>()?)?;
//! assert_eq!(step.outputs.last().unwrap().name, "logits");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub use cotangent_check as check;
pub use cotangent_data as data;
pub use cotangent_emit as emit;
pub use cotangent_exchange as exchange;
pub use cotangent_graph as graph;
pub use cotangent_interp as interp;
pub use cotangent_native as native;
pub use cotangent_net as net;
pub use cotangent_prove as prove;
pub use cotangent_stablehlo as stablehlo;
pub use cotangent_step as step;
pub use cotangent_train as train;
pub use cotangent_vjp as vjp;
pub use cotangent_zoo as zoo;
