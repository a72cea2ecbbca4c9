//! The steps of a plan and how each divides.

use super::depthwise::Depthwise;
use super::direct::Direct;
use super::geometry::{Conv, Sliding};
use super::matmul::{Matmul, Tiling};
use super::moments::Moments;
use super::movement::{Padding, Strided};
use super::program::Program;
use crate::kernels::{covers, tiling};
use cotangent_graph::{Contraction, DotDims, Op, TensorType, Window};
use pulp::Arch;

/// An op that is not pointwise, with everything known about its operands.
#[derive(Debug, Clone)]
pub(crate) enum Whole {
    /// By the `gemm` crate, or in tiles.
    Matmul(Matmul, Option<Tiling>),
    Conv(Conv),
    ConvInputGrad(Conv),
    /// A depthwise convolution or its transpose in its image.
    Depthwise(Depthwise),
    /// A convolution, or the transpose of one in its image, without im2col.
    ConvDirect {
        direct: Direct,
        transpose: bool,
    },
    /// With or without im2col.
    ConvKernelGrad(Conv, Option<Direct>),
    WindowSum(Sliding),
    WindowSumGrad(Sliding),
    MaxPool(Sliding),
    MaxPoolGrad(Sliding),
    /// A maximum over windows that slide along more dimensions than
    /// [`Sliding`] has, or its transpose.
    MaxPoolAny {
        window: Window,
        input: Vec<usize>,
        output: Vec<usize>,
        grad: bool,
    },
    /// Of `[outer, summed, inner]` over the middle.
    Sum {
        outer: usize,
        summed: usize,
        inner: usize,
    },
    Strided(Strided),
    Pad(Padding),
    /// Rows made of one run from each operand: how many, and the runs' lengths.
    Concatenate {
        rows: usize,
        runs: Vec<usize>,
    },
    Variance(Moments),
    /// With ε.
    Normalize(Moments, f32),
    Softmax {
        rows: usize,
        classes: usize,
    },
    CrossEntropy {
        rows: usize,
        classes: usize,
    },
    /// Whatever has no kernel of its own.
    Contract {
        contraction: Contraction,
        shapes: Vec<Vec<usize>>,
        result: Vec<usize>,
    },
}

/// One pass over memory.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    /// The op, the buffers it reads and the one it writes.
    pub whole: Option<(Whole, Vec<usize>, usize)>,
    /// What follows in the same pass, range by range.
    pub program: Option<Program>,
    /// The pass divides into this many equal units ..
    pub units: usize,
    /// .. of this many elements of the result ..
    pub unit_len: usize,
    /// .. of which the program follows this many at a time.
    pub block: usize,
    /// Where units are columns of a matrix: its rows, and their length.
    pub columns: Option<(usize, usize)>,
    /// True if nothing but the program reads the op's result: it then stays in
    /// scratch, a block at a time, and never reaches its buffer.
    pub fleeting: bool,
    /// Parts that run in parallel.
    pub parts: usize,
    /// Parts whose sums over images or rows come first, and are then added up.
    pub partials: usize,
}

/// Work, in floating-point operations, below which another thread costs more
/// than it saves.
const GRAIN: usize = 100_000;
/// Columns that go to one part together.
pub(crate) const PANEL: usize = 32;
/// Elements of a result that stay in L2 until the program has followed.
const BLOCK: usize = 64 * 1024;

impl Whole {
    /// The kernel for `op`; `None` if its iteration space cannot be counted.
    pub(crate) fn new(
        op: &Op,
        shapes: &[Vec<usize>],
        result: &[usize],
        arch: Arch,
        threads: usize,
    ) -> Option<Whole> {
        let known = match op {
            Op::DotGeneral(dims) => {
                return Matmul::new(dims, &shapes[0], &shapes[1]).map(|p| {
                    let tiling = tiling(arch, &p, threads);
                    Whole::Matmul(p, tiling)
                });
            }
            Op::Conv(dims) => {
                Conv::new(dims, &shapes[0], &shapes[1], result).map(|c| Whole::conv(c, arch))
            }
            Op::ConvInputGrad { dims, .. } => {
                let c = Conv::new(dims, result, &shapes[1], &shapes[0]);
                c.map(|c| Whole::conv_input_grad(c, arch))
            }
            Op::ConvKernelGrad { dims, .. } => {
                let c = Conv::new(dims, &shapes[0], result, &shapes[1]);
                c.map(|c| Whole::conv_kernel_grad(c, arch))
            }
            Op::BroadcastInDim { dims, shape } => {
                Some(Whole::Strided(Strided::broadcast(&shapes[0], shape, dims)))
            }
            Op::Transpose { permutation } => {
                Some(Whole::Strided(Strided::transpose(&shapes[0], permutation)))
            }
            Op::Slice { starts, strides, .. } => {
                Some(Whole::Strided(Strided::slice(&shapes[0], result, starts, strides)))
            }
            Op::Pad { low, interior, .. } => {
                Some(Whole::Pad(Padding::new(&shapes[0], result, low, interior)))
            }
            Op::Concatenate { dim, .. } => {
                let runs = shapes.iter().map(|s| s[*dim..].iter().product()).collect();
                Some(Whole::Concatenate { rows: result[..*dim].iter().product(), runs })
            }
            Op::Variance { dims } => Moments::new(&shapes[0], dims).map(Whole::Variance),
            Op::Normalize { dims, eps } => {
                Moments::new(&shapes[0], dims).map(|m| Whole::Normalize(m, eps.to_f32()))
            }
            Op::ReduceSum { dims } => middle_sum(&shapes[0], dims),
            Op::WindowSum(w) => Sliding::window(w, &shapes[0], result).map(Whole::WindowSum),
            Op::WindowSumGrad { window, input } => {
                Sliding::window(window, input, &shapes[0]).map(Whole::WindowSumGrad)
            }
            Op::MaxPool(w) => Sliding::window(w, &shapes[0], result).map(Whole::MaxPool),
            Op::MaxPoolGrad(w) => {
                Sliding::window(w, &shapes[0], &shapes[1]).map(Whole::MaxPoolGrad)
            }
            Op::Softmax | Op::SoftmaxCrossEntropy => {
                let classes = shapes[0].last().copied().unwrap_or(1);
                let rows = shapes[0].iter().product::<usize>() / classes;
                Some(match op {
                    Op::Softmax => Whole::Softmax { rows, classes },
                    _ => Whole::CrossEntropy { rows, classes },
                })
            }
            _ => None,
        };
        known.or_else(|| {
            if let Op::MaxPool(w) | Op::MaxPoolGrad(w) = op {
                let grad = shapes.len() > 1;
                let output = if grad { shapes[1].clone() } else { result.to_vec() };
                let (window, input) = (w.clone(), shapes[0].clone());
                return Some(Whole::MaxPoolAny { window, input, output, grad });
            }
            let types: Vec<TensorType> =
                shapes.iter().map(|s| TensorType::real(s.clone())).collect();
            let contraction = op.contraction(&types.iter().collect::<Vec<_>>())?;
            contraction.space.iter().try_fold(1usize, |n, &d| n.checked_mul(d))?;
            Some(Whole::Contract { contraction, shapes: shapes.to_vec(), result: result.to_vec() })
        })
    }

    fn conv(c: Conv, arch: Arch) -> Whole {
        if let Some(d) = Depthwise::forward(&c) {
            return Whole::Depthwise(d);
        }
        match covers(arch, &c, c.per_out).then(|| Direct::forward(&c)).flatten() {
            Some(direct) => Whole::ConvDirect { direct, transpose: false },
            None => Whole::Conv(c),
        }
    }

    fn conv_input_grad(c: Conv, arch: Arch) -> Whole {
        if let Some(d) = Depthwise::input_grad(&c) {
            return Whole::Depthwise(d);
        }
        match covers(arch, &c, c.per_in).then(|| Direct::input_grad(&c)).flatten() {
            Some(direct) => Whole::ConvDirect { direct, transpose: true },
            None => Whole::ConvInputGrad(c),
        }
    }

    fn conv_kernel_grad(c: Conv, arch: Arch) -> Whole {
        let direct = covers(arch, &c, c.per_out).then(|| Direct::forward(&c)).flatten();
        Whole::ConvKernelGrad(c, direct)
    }

    /// Units of the result, elements of a unit, operations per unit.
    fn division(&self) -> (usize, usize, usize) {
        let work = |factors: &[usize]| factors.iter().fold(2usize, |n, &f| n.saturating_mul(f));
        match self {
            Whole::Matmul(p, Some(Tiling::Columns | Tiling::Exchanged)) => {
                (p.n.div_ceil(PANEL), PANEL, work(&[p.m, PANEL, p.k]))
            }
            Whole::Matmul(p, _) => (p.count() * p.m, p.n, work(&[p.n, p.k])),
            Whole::Conv(c) => {
                let len = c.slide.pixels() * c.outputs();
                (c.slide.outer, len, work(&[len, c.depth()]))
            }
            Whole::ConvInputGrad(c) => {
                let work = work(&[c.slide.pixels(), c.outputs(), c.depth()]);
                (c.slide.outer, c.slide.cells() * c.slide.inner, work)
            }
            Whole::ConvDirect { direct: d, .. } => {
                let len = d.output.iter().product::<usize>() * d.groups * d.per_out;
                (d.images, len, work(&[len, d.depth()]))
            }
            Whole::Depthwise(d) => {
                let len = d.to.iter().product::<usize>() * d.channels;
                (d.images, len, work(&[len, d.taps()]))
            }
            Whole::ConvKernelGrad(c, _) => (c.depth(), c.outputs(), c.outputs()),
            Whole::WindowSum(s) | Whole::MaxPool(s) => {
                let len = s.pixels() * s.inner;
                (s.outer, len, work(&[len, s.taps()]))
            }
            Whole::WindowSumGrad(s) | Whole::MaxPoolGrad(s) => {
                (s.outer, s.cells() * s.inner, work(&[s.pixels(), s.inner, s.taps()]))
            }
            Whole::Sum { outer, summed, inner } => (*outer, *inner, work(&[*summed, *inner])),
            Whole::Strided(s) => (s.rows(), s.columns(), work(&[s.columns()])),
            Whole::Pad(p) => (p.rows(), p.columns(), work(&[p.columns()])),
            Whole::Concatenate { rows, runs } => {
                let len = runs.iter().sum();
                (*rows, len, work(&[len]))
            }
            Whole::Variance(m) if m.is_split() => (1, m.groups, m.groups),
            Whole::Normalize(m, _) if m.is_split() => (m.rows, m.lanes(), work(&[m.lanes()])),
            Whole::Variance(m) => (m.outer, m.groups, work(&[2, m.slab()])),
            Whole::Normalize(m, _) => (m.outer, m.slab(), work(&[3, m.slab()])),
            Whole::Softmax { rows, classes } => (*rows, *classes, work(&[16, *classes])),
            Whole::CrossEntropy { .. } => (1, 1, 1),
            Whole::Contract { result, .. } => (1, result.iter().product(), 1),
            Whole::MaxPoolAny { input, output, grad, .. } => {
                (1, if *grad { input } else { output }.iter().product(), 1)
            }
        }
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Whole::Matmul(_, None) => "dot_general",
            Whole::Matmul(_, Some(Tiling::Rows)) => "dot_general (rows)",
            Whole::Matmul(_, Some(Tiling::Columns)) => "dot_general (columns)",
            Whole::Matmul(_, Some(Tiling::Exchanged)) => "dot_general (exchanged)",
            Whole::Conv(_) => "convolution",
            Whole::ConvDirect { transpose: false, .. } => "convolution (direct)",
            Whole::ConvDirect { transpose: true, .. } => "conv_input_grad (direct)",
            Whole::ConvInputGrad(_) => "conv_input_grad",
            Whole::Depthwise(d) if d.transpose => "conv_input_grad (depthwise)",
            Whole::Depthwise(_) => "convolution (depthwise)",
            Whole::ConvKernelGrad(c, _) if c.is_depthwise() => "conv_kernel_grad (depthwise)",
            Whole::ConvKernelGrad(_, Some(_)) => "conv_kernel_grad (direct)",
            Whole::ConvKernelGrad(_, None) => "conv_kernel_grad",
            Whole::WindowSum(_) => "window_sum",
            Whole::WindowSumGrad(_) => "window_sum_grad",
            Whole::MaxPool(_) | Whole::MaxPoolAny { grad: false, .. } => "max_pool",
            Whole::MaxPoolGrad(_) | Whole::MaxPoolAny { grad: true, .. } => "max_pool_grad",
            Whole::Sum { .. } => "reduce_sum",
            Whole::Strided(_) => "strided copy",
            Whole::Pad(_) => "pad",
            Whole::Concatenate { .. } => "concatenate",
            Whole::Variance(_) => "variance",
            Whole::Normalize(..) => "normalize",
            Whole::Softmax { .. } => "softmax",
            Whole::CrossEntropy { .. } => "softmax_cross_entropy",
            Whole::Contract { .. } => "contraction",
        }
    }
}

/// A sum whose summed dimensions (of size above 1) are consecutive.
fn middle_sum(shape: &[usize], dims: &[usize]) -> Option<Whole> {
    let summed: Vec<usize> = dims.iter().copied().filter(|&d| shape[d] > 1).collect();
    let (first, last) = match (summed.first(), summed.last()) {
        (Some(&f), Some(&l)) => (f, l),
        _ => (0, 0),
    };
    let between = (first..=last).filter(|&d| shape[d] > 1).count();
    (between == summed.len()).then(|| Whole::Sum {
        outer: shape[..first].iter().product(),
        summed: summed.iter().map(|&d| shape[d]).product(),
        inner: match summed.is_empty() {
            true => shape.iter().product(),
            false => shape[last + 1..].iter().product(),
        },
    })
}

/// The order of dimensions in which a dot_general's operands collapse: batch,
/// free, contracting; with the dimension numbers that then hold.
pub(crate) fn collapsible(
    dims: &DotDims,
    lhs_rank: usize,
    rhs_rank: usize,
) -> (Vec<usize>, Vec<usize>, DotDims) {
    let order = |batch: &[usize], contracting: &[usize], rank: usize| -> Vec<usize> {
        let free = DotDims::free(rank, batch, contracting);
        batch.iter().copied().chain(free).chain(contracting.iter().copied()).collect()
    };
    let (batch, contracting) = (dims.lhs_batch.len(), dims.lhs_contracting.len());
    let numbers = DotDims {
        lhs_batch: (0..batch).collect(),
        rhs_batch: (0..batch).collect(),
        lhs_contracting: (lhs_rank - contracting..lhs_rank).collect(),
        rhs_contracting: (rhs_rank - contracting..rhs_rank).collect(),
    };
    (
        order(&dims.lhs_batch, &dims.lhs_contracting, lhs_rank),
        order(&dims.rhs_batch, &dims.rhs_contracting, rhs_rank),
        numbers,
    )
}

impl Step {
    pub(crate) fn new(
        whole: Option<(Whole, Vec<usize>, usize)>,
        program: Option<Program>,
        threads: usize,
        read_elsewhere: bool,
    ) -> Step {
        let (ops, align, len) = match &program {
            Some(p) => (p.ops.len() + p.sums.len(), p.alignment(), p.len),
            None => (0, 1, 0),
        };
        let (units, unit_len, mut work) = match &whole {
            Some((w, ..)) => w.division(),
            None => (len.div_ceil(align), align, 0),
        };
        let columns = match &whole {
            Some((Whole::Matmul(p, Some(Tiling::Columns | Tiling::Exchanged)), ..)) => {
                Some((p.m, p.n))
            }
            _ => None,
        };
        let elements = unit_len * columns.map_or(1, |(rows, _)| rows);
        work = work.saturating_add(elements.saturating_mul(ops));
        let total = work.saturating_mul(units);
        let parts = threads.min(total / GRAIN).min(units).max(1);
        let partials = match &whole {
            Some((Whole::ConvKernelGrad(c, _), ..)) => {
                let image = c.slide.pixels().saturating_mul(c.outputs().saturating_mul(c.depth()));
                let work = image.saturating_mul(c.slide.outer);
                threads.min(work / GRAIN).min(c.slide.outer).max(1)
            }
            Some((Whole::Variance(m) | Whole::Normalize(m, _), ..)) if m.is_split() => {
                let work = m.slab().saturating_mul(4);
                threads.min(work / GRAIN).min(m.rows).max(1)
            }
            _ => 0,
        };
        let fleeting = match (&whole, &program) {
            (Some((_, _, out)), Some(p)) => {
                columns.is_none() && !read_elsewhere && !p.writes(*out) && units > 1
            }
            _ => false,
        };
        let block = match (&whole, &program) {
            _ if columns.is_some() => units,
            (Some(_), Some(_)) => (BLOCK / unit_len).clamp(1, units),
            _ => units,
        };
        Step { whole, program, units, unit_len, block, columns, fleeting, parts, partials }
    }
}
