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
pub use cotangent_net::Mode;
use cotangent_net::{Forward, Network, Values};
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

/// `(params, statistics, x) -> logits`, for evaluation and prediction.
pub fn forward(net: &Network, batch: usize) -> Result<Graph, StepError> {
    let mut step = Step::new(net, batch)?;
    step.stats(Mode::Evaluation)?;
    let x = step.data()?;
    let logits = step.forward(x, Mode::Evaluation)?.logits;
    step.b.output("logits", Role::Logits, logits);
    Ok(step.b.finish()?)
}

/// `(params, statistics, x, target) -> (loss, logits)`. No row depends on
/// another, so what rows that fill up a short batch add to the loss can be
/// taken off it; under softmax cross-entropy a target row of zeros adds nothing.
pub fn eval(net: &Network, batch: usize) -> Result<Graph, StepError> {
    let mut step = Step::new(net, batch)?;
    step.stats(Mode::Evaluation)?;
    let (x, target) = (step.data()?, step.target()?);
    let logits = step.forward(x, Mode::Evaluation)?.logits;
    let loss = net.loss(&mut step.b, logits, target)?;
    step.b.output("loss", Role::Loss, loss);
    step.b.output("logits", Role::Logits, logits);
    Ok(step.b.finish()?)
}

/// `(params, x, target, masks) -> (gradient of the loss in each parameter,
/// loss)`; in [`Mode::Evaluation`], which trains with frozen statistics and
/// without masks, `(params, statistics, x, target)`.
pub fn grad(net: &Network, batch: usize, mode: Mode) -> Result<Graph, StepError> {
    let mut step = Step::new(net, batch)?;
    step.stats(mode)?;
    let (x, target) = (step.data()?, step.target()?);
    step.masks(mode)?;
    let logits = step.forward(x, mode)?.logits;
    let loss = net.loss(&mut step.b, logits, target)?;
    let grads = step.gradients(loss)?;
    for (param, grad) in net.params().iter().zip(grads) {
        step.b.output(&param.name, Role::Grad, grad);
    }
    step.b.output("loss", Role::Loss, loss);
    Ok(step.b.finish()?.without_dead_code())
}

/// `(params, state, statistics, x, target, masks, lr) -> (params', state',
/// statistics', loss, logits)`; a step that accumulates has the input `apply`
/// behind `lr`.
pub fn train(net: &Network, batch: usize, options: &StepOptions) -> Result<Graph, StepError> {
    options.check().map_err(StepError::Options)?;
    let mut step = Step::new(net, batch)?;
    let carried = options.state(net);
    let mut state = Vec::new();
    for tensor in &carried {
        let ty = TensorType::real(tensor.shape.clone());
        state.push(step.b.input(&tensor.name, tensor.role, ty)?);
    }
    step.read_stats()?;
    let (x, target) = (step.data()?, step.target()?);
    step.masks(Mode::Training)?;
    let lr = step.hyper("lr")?;
    let apply = if options.accumulate > 1 { Some(step.hyper("apply")?) } else { None };
    let Forward { logits, stats } = step.forward(x, Mode::Training)?;
    let loss = net.loss(&mut step.b, logits, target)?;
    let grads = step.gradients(loss)?;
    let read = update::Read { params: &step.params, grads: &grads, state: &state, lr, apply };
    let updated = options.update(&mut step.b, &read)?;
    for (param, value) in net.params().iter().zip(updated.params) {
        step.b.output(&param.name, Role::Param, value);
    }
    for (tensor, value) in carried.iter().zip(updated.state) {
        step.b.output(&tensor.name, tensor.role, value);
    }
    for (stat, value) in net.stats().iter().zip(stats) {
        step.b.output(&stat.name, Role::Stat, value);
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
    stats: Vec<ValueId>,
    masks: Vec<ValueId>,
}

impl<'a> Step<'a> {
    fn new(net: &'a Network, batch: usize) -> Result<Self, StepError> {
        if !(1..=1 << 20).contains(&batch) {
            return Err(StepError::Batch(batch));
        }
        let mut b = Builder::new();
        let params = net
            .params()
            .iter()
            .map(|p| b.input(&p.name, Role::Param, TensorType::real(p.shape.clone())))
            .collect::<Result<_, _>>()?;
        Ok(Step { net, batch, b, params, stats: Vec::new(), masks: Vec::new() })
    }

    /// Declares the running statistics where the network reads them.
    fn stats(&mut self, mode: Mode) -> Result<(), StepError> {
        if mode == Mode::Evaluation { self.read_stats() } else { Ok(()) }
    }

    fn read_stats(&mut self) -> Result<(), StepError> {
        for s in self.net.stats() {
            let ty = TensorType::real(s.shape.clone());
            self.stats.push(self.b.input(&s.name, Role::Stat, ty)?);
        }
        Ok(())
    }

    /// Declares the random masks where the network reads them.
    fn masks(&mut self, mode: Mode) -> Result<(), StepError> {
        if mode == Mode::Evaluation {
            return Ok(());
        }
        for m in self.net.masks() {
            let ty = TensorType::real([&[self.batch], m.shape.as_slice()].concat());
            self.masks.push(self.b.input(&m.name, Role::Mask, ty)?);
        }
        Ok(())
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

    fn forward(&mut self, x: ValueId, mode: Mode) -> Result<Forward, StepError> {
        let values = Values { params: &self.params, stats: &self.stats, masks: &self.masks };
        Ok(self.net.forward(&mut self.b, values, x, mode)?)
    }

    fn gradients(&mut self, loss: ValueId) -> Result<Vec<ValueId>, StepError> {
        let one = self.b.constant(1, &[])?;
        Ok(vjp(&mut self.b, loss, one, &self.params)?)
    }
}
