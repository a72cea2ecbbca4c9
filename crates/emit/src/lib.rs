//! From a network and options to a [`Program`]: the one place where a step
//! becomes a file.
//!
//! `emit`, `train`, `check` and `bench` all get their text here, so that what
//! is printed, executed, checked and timed is the same.

use cotangent_graph::{Graph, Precision};
use cotangent_net::Network;
use cotangent_stablehlo::{Meta, Program, What};
use cotangent_step::{Mode, StepError, StepOptions};
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
    /// A tensor too large for any executor.
    #[error(
        "at batch {batch} the step has a tensor of shape {shape:?}: 2^31 elements or more; use a smaller --batch"
    )]
    Size {
        /// The batch size.
        batch: usize,
        /// The tensor's shape.
        shape: Vec<usize>,
    },
}

/// The program `what` of `net` at `batch`. The options matter to
/// [`What::Train`] only; the program carries their text as an attribute, beside
/// the network's specification.
pub fn program(
    net: &Network,
    what: What,
    batch: usize,
    options: &StepOptions,
    precision: Precision,
) -> Result<Program, EmitError> {
    let text = (what == What::Train).then(|| options.to_string());
    let graph: Graph = match what {
        What::Train => cotangent_step::train(net, batch, options)?,
        What::Grad => return gradients(net, Mode::Training, batch, precision),
        What::Forward => cotangent_step::forward(net, batch)?,
        What::Eval => cotangent_step::eval(net, batch)?,
        What::Op => return Err(EmitError::What(what)),
    };
    assemble(net, graph, what, text, batch, precision)
}

/// The program [`What::Grad`] of `net` at `batch` in either of its meanings.
/// In evaluation, with the running statistics frozen and no masks, it says so
/// as its options.
pub fn gradients(
    net: &Network,
    mode: Mode,
    batch: usize,
    precision: Precision,
) -> Result<Program, EmitError> {
    let options = (mode == Mode::Evaluation).then(|| "evaluation".to_string());
    let graph = cotangent_step::grad(net, batch, mode)?;
    assemble(net, graph, What::Grad, options, batch, precision)
}

fn assemble(
    net: &Network,
    graph: Graph,
    what: What,
    options: Option<String>,
    batch: usize,
    precision: Precision,
) -> Result<Program, EmitError> {
    let types = graph.inputs.iter().map(|i| &i.ty).chain(graph.instructions.iter().map(|i| &i.ty));
    for ty in types {
        if ty.checked_len().is_none_or(|n| n >= 1 << 31) {
            return Err(EmitError::Size { batch, shape: ty.shape.clone() });
        }
    }
    let spec = Some(net.spec().to_toml());
    let meta = Meta { model: net.spec().name.clone(), what, batch, spec, options };
    Ok(Program { graph, meta, precision })
}

#[cfg(test)]
mod tests {
    use super::*;
    use cotangent_net::NetSpec;

    #[test]
    fn sizes_beyond_any_executor_are_refused() {
        let net = NetSpec::new("n", [1000, 1]).flatten().dense(10_000).network().unwrap();
        let sgd = "sgd".parse().unwrap();
        let at = |batch| program(&net, What::Train, batch, &sgd, Precision::F32);
        assert!(at(1000).is_ok());
        let error = at(1_000_000).unwrap_err().to_string();
        assert!(error.contains("at batch 1000000") && error.contains("--batch"), "{error}");
    }
}
