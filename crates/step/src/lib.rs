//! The steps made from a network: `train`, `grad`, `forward`, `eval`.
//!
//! Each is one [`Graph`]: pure, static, complete. [`train`] is forward, loss,
//! backward and optimiser fused in one function,
//!
//! ```text
//! (params, state, x, target, lr) -> (params', state', loss, logits)
//! ```
//!
//! with every resident result named as the argument it replaces.
//! [`StepOptions`] say which optimiser, and which features around it: clipping,
//! a moving average of the parameters, accumulation over micro-batches.

mod norm;
mod optimizer;
mod options;
mod state;
mod update;

pub use optimizer::Optimizer;
pub use options::{DecayExclusion, StepOptions};
pub use state::{Initial, StateTensor};

use cotangent_graph::{Builder, Graph, GraphError, Role, TensorType, ValueId};
use cotangent_net::Network;
use cotangent_vjp::{VjpError, vjp};
use thiserror::Error;

/// Why a step cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StepError {
    /// The batch size is out of range.
    #[error("batch size {0}: expected 1 to 1048576")]
    Batch(usize),
    /// An option is out of range.
    #[error("{0}")]
    Options(String),
    /// The network and the graph do not fit each other.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// Something in the network has no gradient.
    #[error(transparent)]
    Vjp(#[from] VjpError),
}

/// `(params, x) -> logits`, for evaluation and prediction.
pub fn forward(net: &Network, batch: usize) -> Result<Graph, StepError> {
    let mut step = Step::new(net, batch)?;
    let x = step.data()?;
    let logits = net.forward(&mut step.b, &step.params, x)?;
    step.b.output("logits", Role::Logits, logits);
    Ok(step.b.finish()?)
}

/// `(params, x, target) -> (loss, logits)`. A target row of zeros adds nothing
/// to the loss, so a short last batch is padded with them.
pub fn eval(net: &Network, batch: usize) -> Result<Graph, StepError> {
    let mut step = Step::new(net, batch)?;
    let (x, target) = (step.data()?, step.target()?);
    let (loss, logits) = step.loss(x, target)?;
    step.b.output("loss", Role::Loss, loss);
    step.b.output("logits", Role::Logits, logits);
    Ok(step.b.finish()?)
}

/// `(params, x, target) -> (gradient of the loss in each parameter, loss)`.
pub fn grad(net: &Network, batch: usize) -> Result<Graph, StepError> {
    let mut step = Step::new(net, batch)?;
    let (x, target) = (step.data()?, step.target()?);
    let (loss, _) = step.loss(x, target)?;
    let grads = step.gradients(loss)?;
    for (param, grad) in net.params().zip(grads) {
        step.b.output(&param.name, Role::Grad, grad);
    }
    step.b.output("loss", Role::Loss, loss);
    Ok(step.b.finish()?.without_dead_code())
}

/// `(params, state, x, target, lr) -> (params', state', loss, logits)`; a step
/// that accumulates has the input `apply` behind `lr`.
pub fn train(net: &Network, batch: usize, options: &StepOptions) -> Result<Graph, StepError> {
    options.check().map_err(StepError::Options)?;
    let mut step = Step::new(net, batch)?;
    let carried = options.state(net);
    let mut state = Vec::new();
    for tensor in &carried {
        let ty = TensorType::real(tensor.shape.clone());
        state.push(step.b.input(&tensor.name, tensor.role, ty)?);
    }
    let (x, target) = (step.data()?, step.target()?);
    let lr = step.hyper("lr")?;
    let apply = if options.accumulate > 1 { Some(step.hyper("apply")?) } else { None };
    let (loss, logits) = step.loss(x, target)?;
    let grads = step.gradients(loss)?;
    let read = update::Read { params: &step.params, grads: &grads, state: &state, lr, apply };
    let updated = options.update(&mut step.b, &read)?;
    for (param, value) in net.params().zip(updated.params) {
        step.b.output(&param.name, Role::Param, value);
    }
    for (tensor, value) in carried.iter().zip(updated.state) {
        step.b.output(&tensor.name, tensor.role, value);
    }
    step.b.output("loss", Role::Loss, loss);
    step.b.output("logits", Role::Logits, logits);
    Ok(step.b.finish()?.without_dead_code())
}

/// A step under construction: its parameters are declared.
struct Step<'a> {
    net: &'a Network,
    batch: usize,
    b: Builder,
    params: Vec<ValueId>,
}

impl<'a> Step<'a> {
    fn new(net: &'a Network, batch: usize) -> Result<Self, StepError> {
        if !(1..=1 << 20).contains(&batch) {
            return Err(StepError::Batch(batch));
        }
        let mut b = Builder::new();
        let params = net
            .params()
            .map(|p| b.input(&p.name, Role::Param, TensorType::real(p.shape.clone())))
            .collect::<Result<_, _>>()?;
        Ok(Step { net, batch, b, params })
    }

    fn data(&mut self) -> Result<ValueId, StepError> {
        Ok(self.b.input("x", Role::Data, self.net.data_type(self.batch))?)
    }

    fn target(&mut self) -> Result<ValueId, StepError> {
        Ok(self.b.input("target", Role::Target, self.net.target_type(self.batch))?)
    }

    /// A scalar that may change from step to step.
    fn hyper(&mut self, name: &str) -> Result<ValueId, StepError> {
        Ok(self.b.input(name, Role::Hyper, TensorType::real([]))?)
    }

    /// Loss and logits.
    fn loss(&mut self, x: ValueId, target: ValueId) -> Result<(ValueId, ValueId), StepError> {
        let logits = self.net.forward(&mut self.b, &self.params, x)?;
        Ok((self.net.loss(&mut self.b, logits, target)?, logits))
    }

    fn gradients(&mut self, loss: ValueId) -> Result<Vec<ValueId>, StepError> {
        let one = self.b.constant(1, &[])?;
        Ok(vjp(&mut self.b, loss, one, &self.params)?)
    }
}
