//! Tensor types.

use std::fmt;

/// What a tensor's elements are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ElementType {
    /// A real number; f32 or f64 once a [`crate::Precision`] is chosen.
    Real,
    /// A truth value (StableHLO's `i1`), the result of a comparison. Never
    /// differentiated.
    Pred,
}

/// A static shape and an element type. Rank 0 is a scalar.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TensorType {
    /// Dimension sizes, outermost first (row-major).
    pub shape: Vec<usize>,
    /// Element type.
    pub element: ElementType,
}

impl TensorType {
    /// A tensor of reals.
    pub fn real(shape: impl Into<Vec<usize>>) -> Self {
        TensorType { shape: shape.into(), element: ElementType::Real }
    }

    /// A tensor of truth values.
    pub fn pred(shape: impl Into<Vec<usize>>) -> Self {
        TensorType { shape: shape.into(), element: ElementType::Pred }
    }

    /// Number of dimensions.
    pub fn rank(&self) -> usize {
        self.shape.len()
    }

    /// Number of elements, or `None` where it does not fit a `usize`.
    pub fn checked_len(&self) -> Option<usize> {
        self.shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d))
    }

    /// Number of elements (1 for a scalar). Types inside a verified [`crate::Graph`]
    /// never overflow; for others this saturates.
    pub fn len(&self) -> usize {
        self.checked_len().unwrap_or(usize::MAX)
    }

    /// True if some dimension is zero.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// True if the elements are reals.
    pub fn is_real(&self) -> bool {
        self.element == ElementType::Real
    }
}

impl fmt::Display for TensorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let element = match self.element {
            ElementType::Real => "real",
            ElementType::Pred => "pred",
        };
        write!(f, "{element}{:?}", self.shape)
    }
}
