//! Network specifications: what a user writes, in Rust or in TOML, and its
//! elaboration into a graph.
//!
//! A [`NetSpec`] is data. [`Network`] is the spec with every shape, parameter
//! and default worked out, or a [`SpecError`] that names the layer, the shapes
//! and the fix. [`Network::forward`] and [`Network::loss`] emit graph ops.
//!
//! **Architecture invariant:** this crate emits graph ops only, never text,
//! and nothing behind it knows which layer an op came from.
//!
//! ```
//! use cotangent_net::NetSpec;
//! let spec = NetSpec::new("digits", [28, 28, 1])
//!     .conv2d(32, 3)
//!     .relu()
//!     .max_pool(2)
//!     .flatten()
//!     .dense(10);
//! let net = spec.network()?;
//! assert_eq!(net.params().len(), 4);
//! # Ok::<(), cotangent_net::SpecError>(())
//! ```

mod blocks;
mod builder;
mod elaborate;
mod error;
mod field;
mod init;
mod json;
pub mod layers;
mod loss;
mod network;
mod number;
mod planner;
mod spec;
mod toml_format;

pub use elaborate::{Forward, Mode, Values};
pub use error::{SpecError, toml_message};
pub use init::{Init, initialize};
pub use loss::{Loss, LossPart, Losses};
pub use network::{LayerPlan, Mask, Network, Param, RULES, Stat};
pub use number::Number;
pub use spec::{Layer, LayerKind, NetSpec};
