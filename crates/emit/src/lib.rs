//! From a network and options to a [`Program`]: the one place where a step
//! becomes a file.
//!
//! `emit`, `train`, `check` and `bench` all get their text here, so that what
//! is printed, executed, checked and timed is the same.

use cotangent_graph::{Graph, Precision};
use cotangent_net::Network;
use cotangent_stablehlo::{Meta, Program, What};
use cotangent_step::{Optimizer, StepError};
use thiserror::Error;

/// Why no program can be made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EmitError {
    /// The step cannot be made.
    #[error(transparent)]
    Step(#[from] StepError),
    /// `What::Op` is not a step of a network.
    #[error("`{0}` is not a step of a network: expected train, grad, forward or eval")]
    What(What),
}

/// The program `what` of `net` at `batch`. The optimiser matters to
/// [`What::Train`] only; the program carries its text as an attribute, beside
/// the network's specification.
pub fn program(
    net: &Network,
    what: What,
    batch: usize,
    optimizer: &Optimizer,
    precision: Precision,
) -> Result<Program, EmitError> {
    let graph: Graph = match what {
        What::Train => cotangent_step::train(net, batch, optimizer)?,
        What::Grad => cotangent_step::grad(net, batch)?,
        What::Forward => cotangent_step::forward(net, batch)?,
        What::Eval => cotangent_step::eval(net, batch)?,
        What::Op => return Err(EmitError::What(what)),
    };
    let meta = Meta {
        model: net.spec().name.clone(),
        what,
        batch,
        spec: Some(net.spec().to_toml()),
        options: (what == What::Train).then(|| optimizer.to_string()),
    };
    Ok(Program { graph, meta, precision })
}
