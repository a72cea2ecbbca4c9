//! dot_general as strided matrix products.

use cotangent_graph::DotDims;

/// `out[b, m, n] = Σ_k lhs[b, m, k] · rhs[b, k, n]`; `out` is row-major, the
/// operands are read by strides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Matmul {
    /// Size of each batch dimension, and its strides in lhs and rhs.
    pub batch: Vec<(usize, usize, usize)>,
    pub m: usize,
    pub n: usize,
    pub k: usize,
    /// Strides of lhs along m and k.
    pub lhs: (usize, usize),
    /// Strides of rhs along k and n.
    pub rhs: (usize, usize),
}

/// How a product is divided among threads and held in cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tiling {
    /// By rows; rhs packed whole.
    Rows,
    /// By columns; rhs packed by panels.
    Columns,
    /// By columns; lhs packed whole, the transposed product computed.
    Exchanged,
}

impl Matmul {
    /// `None` if the dimensions of some role do not collapse into one; the
    /// operand must then be transposed first.
    pub(crate) fn new(dims: &DotDims, lhs: &[usize], rhs: &[usize]) -> Option<Matmul> {
        let lhs_free = DotDims::free(lhs.len(), &dims.lhs_batch, &dims.lhs_contracting);
        let rhs_free = DotDims::free(rhs.len(), &dims.rhs_batch, &dims.rhs_contracting);
        let (m, lhs_m) = collapse(lhs, &lhs_free)?;
        let (k, lhs_k) = collapse(lhs, &dims.lhs_contracting)?;
        let (_, rhs_k) = collapse(rhs, &dims.rhs_contracting)?;
        let (n, rhs_n) = collapse(rhs, &rhs_free)?;
        let batch = dims.lhs_batch.iter().zip(&dims.rhs_batch);
        let batch = batch.map(|(&l, &r)| (lhs[l], stride(lhs, l), stride(rhs, r))).collect();
        Some(Matmul { batch, m, n, k, lhs: (lhs_m, lhs_k), rhs: (rhs_k, rhs_n) })
    }
}

impl Matmul {
    /// Number of products.
    pub(crate) fn count(&self) -> usize {
        self.batch.iter().map(|b| b.0).product()
    }

    /// Where the operands of product `index` start.
    pub(crate) fn offsets(&self, mut index: usize) -> (usize, usize) {
        let (mut lhs, mut rhs) = (0, 0);
        for &(size, left, right) in self.batch.iter().rev() {
            lhs += index % size * left;
            rhs += index % size * right;
            index /= size;
        }
        (lhs, rhs)
    }
}

fn stride(shape: &[usize], d: usize) -> usize {
    shape[d + 1..].iter().product()
}

/// Size and stride of `dims`, in that order, seen as one dimension.
fn collapse(shape: &[usize], dims: &[usize]) -> Option<(usize, usize)> {
    let dims: Vec<usize> = dims.iter().copied().filter(|&d| shape[d] > 1).collect();
    let nested = dims.windows(2).all(|w| stride(shape, w[0]) == shape[w[1]] * stride(shape, w[1]));
    let size = dims.iter().map(|&d| shape[d]).product();
    nested.then(|| (size, dims.last().map_or(1, |&d| stride(shape, d))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transposed_operands_are_strides() {
        let dims =
            DotDims { lhs_contracting: vec![0], rhs_contracting: vec![1], ..DotDims::default() };
        let m = Matmul::new(&dims, &[5, 3], &[4, 5]);
        assert_eq!(m, Some(Matmul { batch: vec![], m: 3, n: 4, k: 5, lhs: (1, 3), rhs: (1, 5) }));
    }

    #[test]
    fn scattered_dimensions_do_not_collapse() {
        let dims = DotDims {
            lhs_contracting: vec![0, 2],
            rhs_contracting: vec![0, 1],
            ..DotDims::default()
        };
        assert_eq!(Matmul::new(&dims, &[2, 3, 4], &[2, 4, 5]), None);
    }
}
