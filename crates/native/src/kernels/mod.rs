//! The kernels: everything `unsafe` is here.
//!
//! A step runs in parts, each on its own range of the result and its own
//! scratch. The ranges depend on the plan alone, so results do not depend on
//! which thread runs which part.
#![allow(unsafe_code)]

mod any_window;
mod conv;
mod dense;
mod depthwise;
mod direct;
pub(crate) mod elementary;
mod lanes;
mod matmul;
mod memory;
mod moments;
mod movement;
mod pointwise;
mod rows;
mod tile;
mod window;

pub(crate) use dense::tiling;
pub(crate) use direct::covers;
pub(crate) use memory::{Arena, Slot};
pub(crate) use tile::Run;

use crate::plan::{Conv, Moments, PANEL, Step, Tiling, Whole};
use memory::Memory;
use pulp::Arch;
use rayon::ThreadPool;

/// Elements of scratch one part of `step` needs.
pub(crate) fn scratch(step: &Step) -> usize {
    let own = match &step.whole {
        Some((Whole::Conv(c) | Whole::ConvInputGrad(c), ..)) => conv::scratch(c),
        Some((Whole::Matmul(p, Some(t)), ..)) => dense::scratch(p, *t),
        Some((Whole::ConvDirect { direct, .. }, ..)) => direct::scratch(direct),
        Some((Whole::ConvKernelGrad(c, direct), ..)) => {
            let images = match direct {
                _ if c.is_depthwise() => 0,
                Some(d) => direct::copy_len(d),
                None => conv::scratch(c),
            };
            partial(c).saturating_add(images)
        }
        Some((Whole::Variance(m) | Whole::Normalize(m, _), ..)) => moments::scratch(m),
        _ => 0,
    };
    program_scratch(step)
        .saturating_add(own.next_multiple_of(16))
        .saturating_add(block(step).next_multiple_of(16))
}

/// Elements of one block of a result that never reaches its buffer.
fn block(step: &Step) -> usize {
    if step.fleeting { step.block.saturating_mul(step.unit_len) } else { 0 }
}

/// Elements of a part's sum of kernel gradients.
fn partial(c: &Conv) -> usize {
    c.depth().saturating_mul(c.outputs()).next_multiple_of(16)
}

fn program_scratch(step: &Step) -> usize {
    step.program.as_ref().map_or(0, |p| p.scratch()).next_multiple_of(16)
}

/// Runs the steps in order. They must come from a plan whose slots `arena`
/// holds, and `arena` must have scratch for as many parts as any of them has.
pub(crate) fn run(arch: Arch, steps: &[Step], arena: &mut Arena, pool: Option<&ThreadPool>) {
    let memory = arena.memory();
    let all = move || {
        for step in steps {
            // SAFETY: the plan gives every step buffers of the sizes its
            // kernels expect, distinct wherever a kernel needs that; `memory`
            // is exclusive; parts touch disjoint ranges of the results.
            unsafe { run_step(step, memory, arch) };
        }
    };
    match pool {
        Some(pool) => pool.install(all),
        None => all(),
    }
}

/// Runs `f(part)` for each part, on the threads of the current pool.
fn parallel(first: usize, end: usize, f: &(impl Fn(usize) + Sync)) {
    match end - first {
        0 => {}
        1 => f(first),
        n => {
            let middle = first + n / 2;
            rayon::join(|| parallel(first, middle, f), || parallel(middle, end, f));
        }
    }
}

/// The range of units, out of `units`, that `part` of `parts` handles.
fn share(units: usize, parts: usize, part: usize) -> (usize, usize) {
    (units * part / parts, units * (part + 1) / parts)
}

unsafe fn run_step(step: &Step, memory: Memory, arch: Arch) {
    let block = block(step);
    let offset = program_scratch(step) + block.next_multiple_of(16);
    if let Some((Whole::ConvKernelGrad(c, direct), ins, _)) = &step.whole {
        parallel(0, step.partials, &|part| {
            // SAFETY: each part adds up its own images in its own scratch.
            unsafe {
                let sums = memory.scratch(part).add(offset);
                let size = c.depth() * c.outputs();
                std::slice::from_raw_parts_mut(sums, size).fill(0.0);
                let images = share(c.slide.outer, step.partials, part);
                let ins = [memory.at(ins[0]).cast_const(), memory.at(ins[1]).cast_const()];
                let rest = sums.add(partial(c));
                match direct {
                    _ if c.is_depthwise() => depthwise::kernel_grad(arch, c, ins, sums, images),
                    Some(d) => direct::kernel_grad(arch, d, ins, sums, images, rest),
                    None => conv::kernel_grad(c, ins, sums, images, rest),
                }
            }
        });
    }
    if let Some((Whole::Variance(m) | Whole::Normalize(m, _), ins, _)) = &step.whole {
        parallel(0, step.partials, &|part| {
            // SAFETY: each part reads its own rows into its own scratch.
            unsafe {
                let (start, end) = share(m.rows, step.partials, part);
                let rows = memory.at(ins[0]).add(start * m.lanes());
                let rows = std::slice::from_raw_parts(rows, (end - start) * m.lanes());
                moments::partial(arch, m, rows, memory.scratch(part).add(offset));
            }
        });
    }
    parallel(0, step.parts, &|part| {
        // SAFETY: parts have disjoint units and their own scratch.
        unsafe {
            let scratch = memory.scratch(part);
            if let Some(program) = &step.program {
                pointwise::begin(program, memory, scratch);
            }
            let (mut unit, end) = share(step.units, step.parts, part);
            let mut first = true;
            while unit < end {
                let next = (unit + step.block).min(end);
                let memory = match &step.whole {
                    Some((.., out)) if step.fleeting => {
                        // Element `unit · unit_len` is the block's first.
                        let at = memory.scratch(part).add(program_scratch(step));
                        memory.with(*out, at.wrapping_sub(unit * step.unit_len))
                    }
                    _ => memory,
                };
                if let Some((whole, ins, out)) = &step.whole {
                    let at = Place { memory, offset, part, partials: step.partials, first };
                    compute(arch, whole, ins, *out, (unit, next), at);
                    first = false;
                }
                if let Some(p) = &step.program {
                    let (from, to) = (unit * step.unit_len, next * step.unit_len);
                    let (rows, row_len) = step.columns.unwrap_or((1, p.len));
                    for row in (0..rows).map(|r| r * row_len) {
                        let (from, to) = (row + from, row + to.min(row_len));
                        pointwise::range(arch, p, memory, scratch, from, to);
                    }
                }
                unit = next;
            }
        }
    });
    if let Some(program) = &step.program {
        // SAFETY: all parts are done.
        unsafe { pointwise::finish(program, memory, |part| memory.scratch(part), step.parts) };
    }
}

/// Where a part works.
#[derive(Clone, Copy)]
struct Place<'a> {
    memory: Memory<'a>,
    /// Start of the op's scratch in the part's.
    offset: usize,
    part: usize,
    partials: usize,
    /// True for the part's first units.
    first: bool,
}

/// Computes units `start..end` of a whole op's result.
unsafe fn compute(
    arch: Arch,
    whole: &Whole,
    ins: &[usize],
    out: usize,
    (start, end): (usize, usize),
    Place { memory, offset, part, partials, first }: Place,
) {
    let at = |k: usize| memory.at(ins[k]).cast_const();
    let out = memory.at(out);
    let range = (start, end);
    // SAFETY: `run_step`'s contract; slices are cut to the units asked for.
    unsafe {
        let scratch = memory.scratch(part).add(offset);
        let read =
            |k: usize, from: usize, len: usize| std::slice::from_raw_parts(at(k).add(from), len);
        let write = |unit_len: usize| {
            std::slice::from_raw_parts_mut(
                out.wrapping_add(start * unit_len),
                (end - start) * unit_len,
            )
        };
        // What the parts that summed first left, and the rows each had.
        let sums = |part: usize| memory.scratch(part).add(offset);
        let rows_of = |m: &Moments| {
            let rows = m.rows;
            (0..partials).map(move |part| {
                let (start, end) = share(rows, partials, part);
                end - start
            })
        };
        match whole {
            Whole::Matmul(p, None) => matmul::rows(p, at(0), at(1), out, start, end),
            Whole::Matmul(p, Some(tiling)) => {
                let range = match tiling {
                    Tiling::Rows => range,
                    _ => (start * PANEL, (end * PANEL).min(p.n)),
                };
                dense::run(arch, p, *tiling, [at(0), at(1)], out, range, scratch, first)
            }
            Whole::Conv(c) => conv::forward(c, [at(0), at(1)], out, range, scratch),
            Whole::ConvDirect { direct: d, transpose } => {
                if first {
                    match transpose {
                        true => direct::pack_reversed(arch, d, at(1), scratch),
                        false => direct::pack(arch, d, at(1), scratch),
                    }
                }
                direct::convolve(arch, d, at(0), out, range, scratch)
            }
            Whole::ConvInputGrad(c) => conv::input_grad(c, [at(0), at(1)], out, range, scratch),
            Whole::Depthwise(d) => depthwise::gather(arch, d, [at(0), at(1)], out, range),
            Whole::ConvKernelGrad(c, _) => {
                let out = write(c.outputs());
                out.fill(0.0);
                for part in 0..partials {
                    let sums = sums(part).add(start * c.outputs());
                    let sums = std::slice::from_raw_parts(sums, out.len());
                    out.iter_mut().zip(sums).for_each(|(o, x)| *o += x);
                }
            }
            Whole::WindowSum(s) => {
                window::run(arch, s, window::Action::Sum, [at(0), at(0)], out, range)
            }
            Whole::WindowSumGrad(s) => {
                window::run(arch, s, window::Action::Spread, [at(0), at(0)], out, range)
            }
            Whole::MaxPool(s) => {
                window::run(arch, s, window::Action::Max, [at(0), at(0)], out, range)
            }
            Whole::MaxPoolGrad(s) => {
                window::run(arch, s, window::Action::Route, [at(0), at(1)], out, range)
            }
            Whole::MaxPoolAny { window, input, output, grad } => {
                let (cells, windows) = (input.iter().product(), output.iter().product());
                match grad {
                    true => {
                        let (a, dy) = (read(0, 0, cells), read(1, 0, windows));
                        any_window::route(window, a, dy, write(cells), input, output)
                    }
                    false => {
                        any_window::max(window, read(0, 0, cells), write(windows), input, output)
                    }
                }
            }
            Whole::Sum { summed, inner, .. } => {
                let row = summed * inner;
                rows::sum_middle(
                    arch,
                    read(0, start * row, (end - start) * row),
                    write(*inner),
                    *summed,
                    *inner,
                )
            }
            Whole::Strided(s) => {
                movement::strided(read(0, s.offset, s.reach()), write(s.columns()), s, start)
            }
            Whole::Pad(p) => movement::pad(read(0, 0, p.len()), write(p.columns()), p, start),
            Whole::Concatenate { runs, .. } => {
                let len = runs.iter().sum();
                let mut place = 0;
                for (k, &run) in runs.iter().enumerate() {
                    let from = read(k, start * run, (end - start) * run);
                    movement::interleave(from, write(len), run, len, place);
                    place += run;
                }
            }
            Whole::Variance(m) if m.is_split() => {
                moments::split_variance(m, write(m.groups), sums, rows_of(m), scratch)
            }
            Whole::Normalize(m, eps) if m.is_split() => {
                if first {
                    moments::split_scale(m, *eps, sums, rows_of(m), scratch);
                }
                let a = read(0, start * m.lanes(), (end - start) * m.lanes());
                moments::scale_rows(arch, m, a, write(m.lanes()), scratch)
            }
            Whole::Variance(m) => {
                let a = read(0, start * m.slab(), (end - start) * m.slab());
                moments::variance(arch, m, a, write(m.groups), scratch)
            }
            Whole::Normalize(m, eps) => {
                let a = read(0, start * m.slab(), (end - start) * m.slab());
                moments::normalize(arch, m, *eps, a, write(m.slab()), scratch)
            }
            Whole::Softmax { classes, .. } => {
                let len = (end - start) * classes;
                rows::softmax(arch, read(0, start * classes, len), write(*classes), *classes)
            }
            Whole::CrossEntropy { rows, classes } => {
                let len = rows * classes;
                *out = rows::cross_entropy(arch, read(0, 0, len), read(1, 0, len), *classes);
            }
            Whole::Contract { contraction, shapes, result } => {
                let len = |s: &[usize]| s.iter().product::<usize>();
                let lhs = read(0, 0, len(&shapes[0]));
                let rhs = if ins.len() > 1 { read(1, 0, len(&shapes[1])) } else { lhs };
                let operands = [lhs, rhs];
                let out = write(len(result));
                rows::contract(contraction, &operands[..ins.len()], shapes, out, result)
            }
        }
    }
}
