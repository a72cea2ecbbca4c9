//! What a check found.

use serde::Serialize;

/// The outcome of [`crate::finite_differences`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The loss at the point checked.
    pub loss: f64,
    /// One entry per gradient, in output order.
    pub tensors: Vec<TensorReport>,
    /// Samples taken, over all tensors.
    pub samples: usize,
    /// Samples not counted because a decision of the graph changed within
    /// every step tried.
    pub skipped: usize,
    /// The bound on every error.
    pub tolerance: f64,
    /// True if every tensor passed and few enough samples were skipped.
    pub passed: bool,
}

impl Report {
    /// The largest error of any tensor; NaN if some error is.
    pub fn worst_error(&self) -> f64 {
        let errors = self.tensors.iter().flat_map(|t| [t.error, t.direction_error]);
        errors.fold(0.0, |worst: f64, e| if e.is_nan() { e } else { worst.max(e) })
    }
}

/// One gradient against finite differences.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TensorReport {
    /// The parameter.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Coordinates and directions sampled.
    pub samples: usize,
    /// Of these, how many were not counted.
    pub skipped: usize,
    /// Euclidean norm of the whole gradient.
    pub gradient_norm: f64,
    /// Relative error over the coordinates counted; see
    /// [`crate::finite_differences`].
    pub error: f64,
    /// Relative error over the random directions counted.
    pub direction_error: f64,
    /// True if both errors are below the tolerance and something was counted.
    pub passed: bool,
}

/// The gradient at one kink, against the convention of `SEMANTICS.md`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KinkRow {
    /// The op.
    pub op: &'static str,
    /// Where, and under which cotangent.
    pub point: &'static str,
    /// The gradient by the convention.
    pub expected: Vec<f64>,
    /// The gradient found.
    pub found: Vec<f64>,
    /// True if they are equal.
    pub passed: bool,
}
