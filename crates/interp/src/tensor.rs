//! Tensors and the scalars they hold.

use crate::InterpError;
use cotangent_graph::{Rational, TensorType};
use num_traits::Float;
use std::fmt::Debug;
use std::ops::AddAssign;

/// An element type the interpreter runs in.
pub trait Scalar: Float + AddAssign + Debug + Send + Sync + 'static {
    /// The type's name in error messages.
    const NAME: &'static str;

    /// The exact constant, rounded once.
    fn from_rational(value: &Rational) -> Self;

    /// An element count; exact up to 2^24.
    fn from_count(n: usize) -> Self;

    /// The value widened to f64.
    fn widen(self) -> f64;

    /// The error function.
    fn erf(self) -> Self;

    /// `2/√π`, the error function's derivative at 0.
    fn two_over_root_pi() -> Self;
}

impl Scalar for f32 {
    const NAME: &'static str = "f32";

    fn from_rational(value: &Rational) -> Self {
        value.to_f32()
    }

    fn from_count(n: usize) -> Self {
        n as f32
    }

    fn widen(self) -> f64 {
        self.into()
    }

    fn erf(self) -> Self {
        libm::erff(self)
    }

    fn two_over_root_pi() -> Self {
        std::f32::consts::FRAC_2_SQRT_PI
    }
}

impl Scalar for f64 {
    const NAME: &'static str = "f64";

    fn from_rational(value: &Rational) -> Self {
        value.to_f64()
    }

    fn from_count(n: usize) -> Self {
        n as f64
    }

    fn widen(self) -> f64 {
        self
    }

    fn erf(self) -> Self {
        libm::erf(self)
    }

    fn two_over_root_pi() -> Self {
        std::f64::consts::FRAC_2_SQRT_PI
    }
}

/// A dense tensor, elements in row-major order.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor<T> {
    shape: Vec<usize>,
    data: Vec<T>,
}

impl<T> Tensor<T> {
    /// A tensor of `shape` with these elements; an error if their number is
    /// not the product of the dimensions.
    pub fn new(shape: impl Into<Vec<usize>>, data: Vec<T>) -> Result<Self, InterpError> {
        let shape = shape.into();
        match shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d)) {
            Some(n) if n == data.len() => Ok(Tensor { shape, data }),
            _ => Err(InterpError::Count {
                place: format!("elements of a tensor of shape {shape:?}"),
                found: data.len(),
                expected: shape.iter().fold(1usize, |n, &d| n.saturating_mul(d)),
            }),
        }
    }

    /// For results whose length follows from the op's shape rule.
    pub(crate) fn of_len(shape: &[usize], data: Vec<T>) -> Self {
        debug_assert_eq!(shape.iter().product::<usize>(), data.len());
        Tensor { shape: shape.to_vec(), data }
    }

    /// A rank-0 tensor.
    pub fn scalar(value: T) -> Self {
        Tensor { shape: Vec::new(), data: vec![value] }
    }

    /// Dimension sizes, outermost first.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Elements in row-major order.
    pub fn data(&self) -> &[T] {
        &self.data
    }

    /// Elements in row-major order, to change in place.
    pub fn data_mut(&mut self) -> &mut [T] {
        &mut self.data
    }

    /// The elements.
    pub fn into_data(self) -> Vec<T> {
        self.data
    }

    pub(crate) fn map<U>(&self, f: impl Fn(&T) -> U) -> Tensor<U> {
        Tensor { shape: self.shape.clone(), data: self.data.iter().map(f).collect() }
    }

    pub(crate) fn zip<U>(&self, other: &Tensor<T>, f: impl Fn(&T, &T) -> U) -> Tensor<U> {
        let data = self.data.iter().zip(&other.data).map(|(a, b)| f(a, b)).collect();
        Tensor { shape: self.shape.clone(), data }
    }
}

/// What an SSA value holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<T> {
    /// Reals.
    Real(Tensor<T>),
    /// Truth values.
    Pred(Tensor<bool>),
}

impl<T> Value<T> {
    /// The value's type.
    pub fn ty(&self) -> TensorType {
        match self {
            Value::Real(t) => TensorType::real(t.shape.clone()),
            Value::Pred(t) => TensorType::pred(t.shape.clone()),
        }
    }

    /// True if the value is of this type.
    pub fn has_type(&self, ty: &TensorType) -> bool {
        match self {
            Value::Real(t) => ty.is_real() && t.shape == ty.shape,
            Value::Pred(t) => !ty.is_real() && t.shape == ty.shape,
        }
    }

    /// The reals, or an error if these are truth values.
    pub fn real(&self) -> Result<&Tensor<T>, InterpError> {
        match self {
            Value::Real(t) => Ok(t),
            Value::Pred(t) => Err(mismatch(TensorType::pred(t.shape()), "reals")),
        }
    }

    /// The reals, to change in place, or an error if these are truth values.
    pub fn real_mut(&mut self) -> Result<&mut Tensor<T>, InterpError> {
        match self {
            Value::Real(t) => Ok(t),
            Value::Pred(t) => Err(mismatch(TensorType::pred(t.shape()), "reals")),
        }
    }

    /// The truth values, or an error if these are reals.
    pub fn pred(&self) -> Result<&Tensor<bool>, InterpError> {
        match self {
            Value::Pred(t) => Ok(t),
            Value::Real(t) => Err(mismatch(TensorType::real(t.shape()), "truth values")),
        }
    }
}

fn mismatch(found: TensorType, expected: &str) -> InterpError {
    let place = "value".into();
    InterpError::Type { place, found: found.to_string(), expected: expected.into() }
}

impl<T> From<Tensor<T>> for Value<T> {
    fn from(t: Tensor<T>) -> Self {
        Value::Real(t)
    }
}
