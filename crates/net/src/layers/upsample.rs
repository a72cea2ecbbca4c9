//! Enlarging an image by whole factors.

use super::sizes::image;
use super::{Pair, Plan, Rule};
use crate::elaborate::Scope;
use crate::field::attributes;
use cotangent_graph::{GraphError, Rational, ValueId};
use serde::{Deserialize, Serialize};

/// Where the new pixels come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Interpolation {
    /// The pixel they lie in.
    Nearest,
    /// The two nearest pixels in each direction, weighted by distance between
    /// pixel centres (`align_corners = False` in PyTorch).
    Bilinear,
}

attributes! {
    /// An image enlarged.
    Upsample {
        /// Factor for height and width.
        scale: Pair,
        ;
        /// Where the new pixels come from.
        method: Interpolation = Interpolation::Nearest,
    }
}

/// Largest factor; bilinear interpolation emits a few instructions for each
/// step of it.
const LARGEST: usize = 64;

impl Rule for Upsample {
    fn plan(&self, input: &[usize], _: &[Vec<usize>]) -> Result<Plan, String> {
        let [h, w, channels] = image(input)?;
        let [sh, sw] = self.scale.0;
        if !self.scale.is_positive() || sh > LARGEST || sw > LARGEST {
            return Err(format!("`scale` must be between 1 and {LARGEST}"));
        }
        let size = |n: usize, s: usize| n.checked_mul(s).ok_or("the output is too large");
        let output = [size(h, sh)?, size(w, sw)?, channels];
        let reads = match self.method {
            Interpolation::Nearest => 0,
            Interpolation::Bilinear => 4,
        };
        Ok(Plan::new(output).macs(&[output[0], output[1], channels, reads]))
    }

    fn emit(&self, s: &mut Scope, x: ValueId, _: &[ValueId]) -> Result<ValueId, GraphError> {
        if self.scale.0.iter().all(|&factor| factor == 1) {
            return s.b.copy(x);
        }
        let mut x = x;
        for (k, &factor) in self.scale.0.iter().enumerate() {
            if factor > 1 {
                x = match self.method {
                    Interpolation::Nearest => nearest(s, x, k + 1, factor)?,
                    Interpolation::Bilinear => linear(s, x, k + 1, factor)?,
                };
            }
        }
        Ok(x)
    }

    fn trick(&self) -> &'static str {
        "sparse Toeplitz"
    }
}

/// Each element of dimension `dim` `factor` times.
fn nearest(s: &mut Scope, x: ValueId, dim: usize, factor: usize) -> Result<ValueId, GraphError> {
    let shape = s.b.shape(x).to_vec();
    let mut spread = shape.clone();
    spread.insert(dim + 1, factor);
    let dims: Vec<usize> = (0..spread.len()).filter(|&d| d != dim + 1).collect();
    let spread = s.b.broadcast(x, &spread, &dims)?;
    let mut joined = shape;
    joined[dim] *= factor;
    s.b.reshape(spread, &joined)
}

/// Output `factor·i + j` lies at `i + (j + ½)/factor - ½` of the input; beyond
/// the borders the border pixel repeats.
fn linear(s: &mut Scope, x: ValueId, dim: usize, factor: usize) -> Result<ValueId, GraphError> {
    let shape = s.b.shape(x).to_vec();
    let n = shape[dim];
    // Each element's neighbours before and after it.
    let (first, last) = (s.b.slice_in_dim(x, dim, 0, 1)?, s.b.slice_in_dim(x, dim, n - 1, n)?);
    let (before, after) = match n {
        1 => (x, x),
        _ => {
            let (head, tail) =
                (s.b.slice_in_dim(x, dim, 0, n - 1)?, s.b.slice_in_dim(x, dim, 1, n)?);
            (s.b.concatenate(&[first, head], dim)?, s.b.concatenate(&[tail, last], dim)?)
        }
    };
    let mut apart = shape.clone();
    apart.insert(dim + 1, 1);
    let mut phases = Vec::with_capacity(factor);
    for j in 0..factor {
        // The offset from the centre of pixel i, in units of 1/(2·factor).
        let offset = 2 * j as i64 + 1 - factor as i64;
        let neighbour = if offset < 0 { before } else { after };
        let weight =
            |n: i64| Rational::new(n, 2 * factor as i64).unwrap_or_else(|| Rational::integer(0));
        let value = match offset.abs() {
            0 => x,
            distance => {
                let near = s.mul_constant(x, weight(2 * factor as i64 - distance))?;
                let far = s.mul_constant(neighbour, weight(distance))?;
                s.b.add(near, far)?
            }
        };
        phases.push(s.b.reshape(value, &apart)?);
    }
    let side_by_side = s.b.concatenate(&phases, dim + 1)?;
    let mut joined = shape;
    joined[dim] *= factor;
    s.b.reshape(side_by_side, &joined)
}
