//! Means and variances over some dimensions, brought to one shape.

/// `[outer, rows, groups, inner]`, averaged over `rows` and `inner`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moments {
    pub outer: usize,
    pub rows: usize,
    pub groups: usize,
    pub inner: usize,
}

impl Moments {
    /// `None` if the dimensions averaged over are more scattered than that;
    /// the operand must then be transposed first.
    pub(crate) fn new(shape: &[usize], dims: &[usize]) -> Option<Moments> {
        // Runs of dimensions alike, kept and averaged in turn.
        let mut runs: Vec<usize> = vec![1];
        let mut averaged = false;
        for (d, &n) in shape.iter().enumerate().filter(|(_, n)| **n > 1) {
            if dims.contains(&d) != averaged {
                runs.push(1);
                averaged = !averaged;
            }
            if let Some(last) = runs.last_mut() {
                *last *= n;
            }
        }
        let (outer, rows, groups, inner) = match runs[..] {
            [outer] => (outer, 1, 1, 1),
            [outer, inner] => (outer, 1, 1, inner),
            [outer, rows, groups] => (outer, rows, groups, 1),
            [outer, rows, groups, inner] => (outer, rows, groups, inner),
            _ => return None,
        };
        Some(Moments { outer, rows, groups, inner })
    }

    /// Elements under one outer index.
    pub(crate) fn slab(&self) -> usize {
        self.rows * self.lanes()
    }

    /// Elements of a row.
    pub(crate) fn lanes(&self) -> usize {
        self.groups * self.inner
    }

    /// True if moments are best taken of every element of a row apart.
    pub(crate) fn by_lanes(&self) -> bool {
        self.rows > 1 && (self.outer == 1 || self.inner < 64)
    }

    /// True if the rows are divided among threads, before what they found is
    /// joined.
    pub(crate) fn is_split(&self) -> bool {
        self.rows > 1 && self.outer == 1
    }

    /// Elements averaged.
    pub(crate) fn count(&self) -> usize {
        self.rows * self.inner
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn norms_of_networks_need_no_transpose() {
        let m = |outer, rows, groups, inner| Some(Moments { outer, rows, groups, inner });
        assert_eq!(Moments::new(&[8, 4, 4, 6], &[0, 1, 2]), m(1, 128, 6, 1));
        assert_eq!(Moments::new(&[8, 5, 6], &[2]), m(40, 1, 1, 6));
        assert_eq!(Moments::new(&[8, 4, 4, 2, 3], &[1, 2, 4]), m(8, 16, 2, 3));
        assert_eq!(Moments::new(&[1, 1], &[0]), m(1, 1, 1, 1));
        // Averaged, kept, averaged, kept, averaged.
        assert_eq!(Moments::new(&[2, 3, 2, 3, 2], &[0, 2, 4]), None);
    }
}
