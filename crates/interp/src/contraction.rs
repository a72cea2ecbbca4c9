//! The one loop that runs every contraction.

use crate::{Scalar, Tensor};
use cotangent_graph::{Contraction, IndexExpr};

/// `out[result(r)] += Π_k operand_k[operands[k](r)]` over the box; a point at
/// which an index is out of range contributes nothing. One or two operands.
pub(crate) fn contract<T: Scalar>(
    contraction: &Contraction,
    operands: &[&Tensor<T>],
    result_shape: &[usize],
) -> Tensor<T> {
    // The empty product: a missing second operand is the scalar one.
    let one = Tensor::scalar(T::one());
    let operand = |k: usize| operands.get(k).copied().unwrap_or(&one);
    let (a, b) = (operand(0), operand(1));
    let mut out = vec![T::zero(); result_shape.iter().product()];
    if let Some(nest) = LoopNest::plan(contraction, [result_shape, a.shape(), b.shape()]) {
        let mut point = vec![0; nest.sizes.len()];
        nest.run(0, nest.start, &mut point, &mut out, a.data(), b.data());
    }
    Tensor::of_len(result_shape, out)
}

/// A contraction as nested loops over linear positions in the result and the
/// two operands.
struct LoopNest {
    /// Trip count per depth.
    sizes: Vec<i64>,
    /// Per depth, how far one trip moves in the result and each operand.
    strides: Vec<[i64; 3]>,
    /// Positions at the origin of the box; may be out of range there.
    start: [i64; 3],
    /// Range conditions, at the outermost depth that determines them.
    guards: Vec<Vec<Guard>>,
}

/// `0 ≤ offset + Σ coefficients[depth] · r[depth] < size`
struct Guard {
    coefficients: Vec<i64>,
    offset: i64,
    size: i64,
}

impl LoopNest {
    /// `None` if some index is out of range everywhere.
    fn plan(contraction: &Contraction, shapes: [&[usize]; 3]) -> Option<LoopNest> {
        let rank = contraction.space.len();
        let none = Vec::new();
        let maps: [&Vec<IndexExpr>; 3] = [
            &contraction.result,
            contraction.operands.first().unwrap_or(&none),
            contraction.operands.get(1).unwrap_or(&none),
        ];
        let mut strides = vec![[0i64; 3]; rank];
        let mut start = [0i64; 3];
        for (k, (map, shape)) in maps.iter().zip(shapes).enumerate() {
            let mut step = 1;
            for (expr, &size) in map.iter().zip(shape).rev() {
                start[k] += expr.offset * step;
                expr.terms.iter().for_each(|&(d, c)| strides[d][k] += c * step);
                step *= size as i64;
            }
        }

        // Long strides outside, short ones inside; the sum has any order.
        let mut order: Vec<usize> = (0..rank).collect();
        let reach = |d: usize| strides[d].iter().map(|s| s.abs()).sum::<i64>();
        order.sort_by_key(|&d| (contraction.space[d] > 1, -reach(d)));
        let mut nest = LoopNest {
            sizes: order.iter().map(|&d| contraction.space[d] as i64).collect(),
            strides: order.iter().map(|&d| strides[d]).collect(),
            start,
            guards: order.iter().map(|_| Vec::new()).collect(),
        };
        if rank == 0 {
            nest.sizes.push(1);
            nest.strides.push([0; 3]);
            nest.guards.push(Vec::new());
        }

        for (expr, &size) in maps.iter().zip(shapes).flat_map(|(m, s)| m.iter().zip(s)) {
            let mut coefficients = vec![0; nest.sizes.len()];
            for &(d, c) in &expr.terms {
                coefficients[order.iter().position(|&o| o == d)?] += c;
            }
            let extremes = || coefficients.iter().zip(&nest.sizes).map(|(c, n)| c * (n - 1));
            let lowest = expr.offset + extremes().filter(|&e| e < 0).sum::<i64>();
            let highest = expr.offset + extremes().filter(|&e| e > 0).sum::<i64>();
            if lowest >= 0 && highest < size as i64 {
                continue;
            }
            let depth = coefficients.iter().rposition(|&c| c != 0)?;
            nest.guards[depth].push(Guard { coefficients, offset: expr.offset, size: size as i64 });
        }
        Some(nest)
    }

    /// The trips at `depth` for which every index completed there is in range.
    fn range(&self, depth: usize, point: &[i64]) -> (i64, i64) {
        let (mut low, mut high) = (0, self.sizes[depth]);
        for guard in &self.guards[depth] {
            let outer = guard.coefficients[..depth].iter().zip(point);
            let mut at = guard.offset + outer.map(|(c, r)| c * r).sum::<i64>();
            let mut step = guard.coefficients[depth];
            if step < 0 {
                (at, step) = (guard.size - 1 - at, -step);
            }
            // Euclidean division by a positive number rounds down.
            low = low.max(-at.div_euclid(step));
            high = high.min((guard.size - 1 - at).div_euclid(step) + 1);
        }
        (low, high)
    }

    fn run<T: Scalar>(
        &self,
        depth: usize,
        start: [i64; 3],
        point: &mut [i64],
        out: &mut [T],
        a: &[T],
        b: &[T],
    ) {
        let (low, high) = self.range(depth, point);
        let strides = self.strides[depth];
        let at = |r: i64| [0, 1, 2].map(|k| start[k] + r * strides[k]);
        if depth + 1 < self.sizes.len() {
            for r in low..high {
                point[depth] = r;
                self.run(depth + 1, at(r), point, out, a, b);
            }
        } else if low < high {
            let trips = (high - low) as usize;
            let [o, i, j] = at(low).map(|x| x as usize);
            match strides {
                // A row of the result gains a multiple of a row: the common
                // case, as slices so that it compiles to vector code.
                [1, 0, 1] => add_scaled(&mut out[o..o + trips], a[i], &b[j..j + trips]),
                [1, 1, 0] => add_scaled(&mut out[o..o + trips], b[j], &a[i..i + trips]),
                _ => {
                    for r in low..high {
                        let [o, i, j] = at(r).map(|x| x as usize);
                        out[o] += a[i] * b[j];
                    }
                }
            }
        }
    }
}

fn add_scaled<T: Scalar>(out: &mut [T], factor: T, row: &[T]) {
    for (o, &x) in out.iter_mut().zip(row) {
        *o += factor * x;
    }
}
