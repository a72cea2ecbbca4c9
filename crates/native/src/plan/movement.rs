//! Ops that only move elements: strided reads, and zeros put between.

/// Result index `r` reads the operand at `offset + r · strides`. Dimensions
/// that step alike are merged, so that the last is as long as it can be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Strided {
    pub shape: Vec<usize>,
    pub strides: Vec<usize>,
    pub offset: usize,
}

impl Strided {
    fn new(shape: &[usize], strides: &[usize], offset: usize) -> Strided {
        let mut s = Strided { shape: vec![], strides: vec![], offset };
        for (&n, &stride) in shape.iter().zip(strides).filter(|(n, _)| **n > 1) {
            match (s.shape.last_mut(), s.strides.last_mut()) {
                (Some(size), Some(last)) if *last == n * stride => {
                    *size *= n;
                    *last = stride;
                }
                _ => {
                    s.shape.push(n);
                    s.strides.push(stride);
                }
            }
        }
        if s.shape.is_empty() {
            (s.shape, s.strides) = (vec![1], vec![1]);
        }
        s
    }

    pub(crate) fn broadcast(from: &[usize], shape: &[usize], dims: &[usize]) -> Strided {
        let mut strides = vec![0; shape.len()];
        for (&d, stride) in dims.iter().zip(row_major(from)) {
            strides[d] = stride;
        }
        Strided::new(shape, &strides, 0)
    }

    pub(crate) fn transpose(from: &[usize], permutation: &[usize]) -> Strided {
        let strides = row_major(from);
        let shape: Vec<usize> = permutation.iter().map(|&d| from[d]).collect();
        let strides: Vec<usize> = permutation.iter().map(|&d| strides[d]).collect();
        Strided::new(&shape, &strides, 0)
    }

    pub(crate) fn slice(
        from: &[usize],
        shape: &[usize],
        starts: &[usize],
        steps: &[usize],
    ) -> Strided {
        let whole = row_major(from);
        let offset = starts.iter().zip(&whole).map(|(start, stride)| start * stride).sum();
        // A dimension of one element takes no step, whatever its size.
        let steps = shape.iter().zip(steps).map(|(&n, &step)| if n > 1 { step } else { 0 });
        let strides: Vec<usize> = steps.zip(&whole).map(|(step, stride)| step * stride).collect();
        Strided::new(shape, &strides, offset)
    }

    /// Length of the last dimension.
    pub(crate) fn columns(&self) -> usize {
        self.shape.last().copied().unwrap_or(1)
    }

    /// Rows of the last dimension.
    pub(crate) fn rows(&self) -> usize {
        self.shape.iter().product::<usize>() / self.columns()
    }

    /// Elements from the first read to the last.
    pub(crate) fn reach(&self) -> usize {
        1 + self.shape.iter().zip(&self.strides).map(|(n, s)| (n - 1) * s).sum::<usize>()
    }
}

/// The operand among zeros. Dimensions without zeros are merged into the one
/// before, where that has none between neighbours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Padding {
    /// Sizes of the operand and of the result.
    pub operand: Vec<usize>,
    pub result: Vec<usize>,
    /// Zeros before, and the distance of neighbours.
    pub low: Vec<usize>,
    pub step: Vec<usize>,
}

impl Padding {
    pub(crate) fn new(
        operand: &[usize],
        result: &[usize],
        low: &[usize],
        interior: &[usize],
    ) -> Padding {
        let mut p = Padding { operand: vec![1], result: vec![1], low: vec![0], step: vec![1] };
        for d in 0..operand.len() {
            // One element has no neighbours.
            let step = if operand[d] > 1 { interior[d] + 1 } else { 1 };
            let last = p.operand.len() - 1;
            if operand[d] == result[d] && p.step[last] == 1 {
                p.operand[last] *= operand[d];
                p.result[last] *= result[d];
                p.low[last] *= operand[d];
            } else {
                p.operand.push(operand[d]);
                p.result.push(result[d]);
                p.low.push(low[d]);
                p.step.push(step);
            }
        }
        p
    }

    /// Length of a row of the result.
    pub(crate) fn columns(&self) -> usize {
        self.result.last().copied().unwrap_or(1)
    }

    /// Rows of the result.
    pub(crate) fn rows(&self) -> usize {
        self.result[..self.result.len() - 1].iter().product()
    }

    /// Elements of the operand.
    pub(crate) fn len(&self) -> usize {
        self.operand.iter().product()
    }
}

/// The stride of each dimension.
fn row_major(shape: &[usize]) -> Vec<usize> {
    (0..shape.len()).map(|d| shape[d + 1..].iter().product()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_together_is_copied_together() {
        // Channels 2..5 of an image.
        let s = Strided::slice(&[2, 4, 4, 8], &[2, 4, 4, 3], &[0, 0, 0, 2], &[1; 4]);
        assert_eq!(s, Strided { shape: vec![32, 3], strides: vec![8, 1], offset: 2 });
        // All but the first of each sequence.
        let s = Strided::slice(&[2, 5, 8], &[2, 4, 8], &[0, 1, 0], &[1; 3]);
        assert_eq!(s, Strided { shape: vec![2, 32], strides: vec![40, 1], offset: 8 });
        // Heads before positions.
        let s = Strided::transpose(&[2, 5, 3, 8], &[0, 2, 1, 3]);
        assert_eq!(s.shape, [2, 3, 5, 8]);
    }

    #[test]
    fn unpadded_dimensions_are_merged() {
        let p = Padding::new(&[2, 3, 4], &[2, 5, 4], &[0, 1, 0], &[0; 3]);
        assert_eq!((p.operand, p.result, p.low), (vec![2, 12], vec![2, 20], vec![0, 4]));
    }
}
