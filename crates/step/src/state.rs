//! What a step hands on to the next beside the parameters.

use cotangent_graph::Role;

/// A tensor that a train step carries from one call to the next, and the value
/// it starts from.
#[derive(Debug, Clone, PartialEq)]
pub struct StateTensor {
    /// Name, such as `momentum.P` for parameter P.
    pub name: String,
    /// Shape.
    pub shape: Vec<usize>,
    /// [`Role::State`] or [`Role::Ema`].
    pub role: Role,
    /// The value it starts from.
    pub initial: Initial,
}

/// The value a [`StateTensor`] starts from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Initial {
    /// Every element is this number.
    Splat(f32),
    /// The initial value of the network's parameter at this position.
    Param(usize),
}

impl StateTensor {
    /// State that starts at 0.
    pub(crate) fn zeros(name: String, shape: &[usize]) -> Self {
        let initial = Initial::Splat(0.0);
        StateTensor { name, shape: shape.to_vec(), role: Role::State, initial }
    }

    /// A scalar that starts at 1.
    pub(crate) fn power(name: &str) -> Self {
        let initial = Initial::Splat(1.0);
        StateTensor { name: name.into(), shape: vec![], role: Role::State, initial }
    }

    /// The initial elements, given those of the network's parameters, in order.
    /// Empty if the parameter it starts from is not among them.
    pub fn initial_values<T: Clone + From<f32>>(&self, params: &[Vec<T>]) -> Vec<T> {
        match self.initial {
            Initial::Splat(x) => vec![x.into(); self.shape.iter().product()],
            Initial::Param(k) => params.get(k).cloned().unwrap_or_default(),
        }
    }
}
