//! Runs a [`Program`] over ranges of indices.

use super::elementary;
use super::lanes::{abs, neg, select};
use super::memory::Memory;
use crate::plan::{Micro, Operand, Pointwise, Program, SPLAT, Source, Splat, Sum, TILE, Target};
use cotangent_graph::Comparison;
use pulp::{Arch, Simd, WithSimd};

/// An argument: `step` is 1, or 0 for a replicated scalar.
#[derive(Clone, Copy)]
struct In {
    at: *const f32,
    step: usize,
}

/// Fills a part's splats and row operands and clears its accumulators.
///
/// # Safety
/// `scratch` must point to `program.scratch()` elements that nobody else
/// touches; the program's buffers must lie in `memory`.
pub(super) unsafe fn begin(program: &Program, memory: Memory, scratch: *mut f32) {
    // SAFETY: every offset below is inside `program.scratch()`, and broadcast
    // operands have `access.count` elements, by construction of the program.
    unsafe {
        for (k, splat) in program.splats.iter().enumerate() {
            let value = match *splat {
                Splat::Const(c) => c,
                Splat::Buffer(b) => *memory.at(b),
            };
            std::slice::from_raw_parts_mut(scratch.add(k * SPLAT), SPLAT).fill(value);
        }
        for (k, o) in program.operands.iter().enumerate() {
            let count = o.access.count;
            if o.access.inner == 1 && count <= TILE {
                let tile = scratch.add(program.operands_at() + 2 * k * TILE);
                for row in 0..TILE / count {
                    std::ptr::copy_nonoverlapping(
                        memory.at(o.buffer),
                        tile.add(row * count),
                        count,
                    );
                }
            }
        }
        let sums = scratch.add(program.sums_at());
        let len = program.scratch() - program.sums_at();
        std::slice::from_raw_parts_mut(sums, len).fill(0.0);
    }
}

/// Runs the program on indices `start..end`.
///
/// # Safety
/// As [`begin`], which must have run on this scratch; nobody else may touch
/// the stored buffers in this range.
pub(super) unsafe fn range(
    arch: Arch,
    program: &Program,
    memory: Memory,
    scratch: *mut f32,
    start: usize,
    end: usize,
) {
    arch.dispatch(Range { program, memory, scratch, start, end });
}

struct Range<'a> {
    program: &'a Program,
    memory: Memory<'a>,
    scratch: *mut f32,
    start: usize,
    end: usize,
}

impl WithSimd for Range<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let p = self.program;
        let mut at = self.start;
        while at < self.end {
            let mut n = p.tile_len.min(self.end - at);
            if p.split > 0 {
                n = n.min(p.split - at % p.split);
            }
            // SAFETY: `range`'s contract; `at + n` stays within the range.
            unsafe { self.tile(simd, at, n) };
            at += n;
        }
    }
}

impl Range<'_> {
    #[inline(always)]
    unsafe fn tile<S: Simd>(&self, simd: S, at: usize, n: usize) {
        let p = self.program;
        // SAFETY: tiles hold TILE ≥ n elements; buffers hold `len ≥ at + n`.
        unsafe {
            for (k, o) in p.operands.iter().enumerate() {
                if !self.laid_out(o, at, n) {
                    self.gather(k, o, at, n);
                }
            }
            for m in &p.ops {
                let to = match m.to {
                    Target::Memory(b) => self.memory.at(b).wrapping_add(at),
                    Target::Tile(t) => self.scratch.add(p.tiles_at() + t * TILE),
                };
                let a = [0, 1, 2, 3].map(|k| self.resolve(m.args[k], at, n));
                apply(simd, m, a, to, n);
            }
            for s in &p.sums {
                self.accumulate(simd, s, at, n);
            }
            for &(t, b) in &p.stores {
                let from = self.scratch.add(p.tiles_at() + t * TILE);
                std::ptr::copy_nonoverlapping(from, self.memory.at(b).wrapping_add(at), n);
            }
        }
    }

    /// True if the operand's elements for this tile lie in order somewhere.
    #[inline(always)]
    fn laid_out(&self, o: &Operand, at: usize, n: usize) -> bool {
        let count = o.access.count;
        let width = if count <= TILE { TILE / count * count } else { count };
        o.access.inner == 1 && at % count + n <= width
    }

    #[inline(always)]
    unsafe fn resolve(&self, source: Source, at: usize, n: usize) -> In {
        let p = self.program;
        // SAFETY: as in `tile`.
        unsafe {
            match source {
                Source::Memory(b) => In { at: self.memory.at(b).wrapping_add(at), step: 1 },
                Source::Tile(t) => In { at: self.scratch.add(p.tiles_at() + t * TILE), step: 1 },
                Source::Splat(k) => In { at: self.scratch.add(k * SPLAT), step: 0 },
                Source::Operand(k) => {
                    let o = &p.operands[k];
                    let tile = self.scratch.add(p.operands_at() + 2 * k * TILE);
                    let at = match self.laid_out(o, at, n) {
                        true if o.access.count <= TILE => tile.add(at % o.access.count),
                        true => self.memory.at(o.buffer).add(at % o.access.count),
                        false => tile.add(TILE),
                    };
                    In { at, step: 1 }
                }
            }
        }
    }

    #[inline(never)]
    unsafe fn gather(&self, k: usize, o: &Operand, at: usize, n: usize) {
        // SAFETY: `(i / inner) % count` is below the operand's `count`.
        unsafe {
            let tile = self.scratch.add(self.program.operands_at() + (2 * k + 1) * TILE);
            let tile = std::slice::from_raw_parts_mut(tile, n);
            let data = std::slice::from_raw_parts(self.memory.at(o.buffer), o.access.count);
            let inner = o.access.inner;
            let mut done = 0;
            while done < n {
                let i = at + done;
                let run = (inner - i % inner).min(n - done);
                tile[done..done + run].fill(data[(i / inner) % o.access.count]);
                done += run;
            }
        }
    }

    #[inline(always)]
    unsafe fn accumulate<S: Simd>(&self, simd: S, s: &Sum, at: usize, n: usize) {
        // SAFETY: `phase + run ≤ width`, the accumulator's length.
        unsafe {
            let of = self.resolve(s.of, at, n);
            let sums = self.scratch.add(self.program.sums_at() + s.offset);
            let mut done = 0;
            while done < n {
                let phase = (at + done) % s.count;
                let run = (s.width - phase).min(n - done);
                let to = sums.add(phase);
                let sum = In { at: to, step: 1 };
                let x = In { at: of.at.add(done * of.step), step: of.step };
                binary(simd, Pointwise::Add, sum, x, to, run);
                done += run;
            }
        }
    }
}

/// Adds the parts' accumulators, in order, into the sums' buffers.
///
/// # Safety
/// `scratch(part)` must be the scratch [`begin`] and [`range`] used for each
/// of `parts`, and nobody else may touch the buffers.
pub(super) unsafe fn finish(
    program: &Program,
    memory: Memory,
    scratch: impl Fn(usize) -> *mut f32,
    parts: usize,
) {
    for s in &program.sums {
        // SAFETY: accumulators hold `width` elements, a multiple of `count`.
        unsafe {
            let out = std::slice::from_raw_parts_mut(memory.at(s.buffer), s.count);
            out.fill(0.0);
            for part in 0..parts {
                let sums = scratch(part).add(program.sums_at() + s.offset);
                for row in std::slice::from_raw_parts(sums, s.width).chunks_exact(s.count) {
                    out.iter_mut().zip(row).for_each(|(o, x)| *o += x);
                }
            }
        }
    }
}

/// `to[i] = f(args[i])` for `i < n`: vectors, then the rest one by one.
/// Loads come before the store of the same index, so `to` may be an argument.
macro_rules! pass {
    ($simd:ident, $n:ident, $to:ident, [$($x:ident),+], $vector:expr, $scalar:expr) => {{
        let lanes = S::F32_LANES;
        let mut i = 0;
        while i + lanes <= $n {
            $(let $x = $x.at.add(i * $x.step).cast::<S::f32s>().read_unaligned();)+
            $to.add(i).cast::<S::f32s>().write_unaligned($vector);
            i += lanes;
        }
        while i < $n {
            $(let $x = *$x.at.add(i * $x.step);)+
            *$to.add(i) = $scalar;
            i += 1;
        }
    }};
}

/// As `pass`, but the rest fills a vector too: a function whose value depends
/// on how its sums are rounded then gives the same wherever an index falls.
macro_rules! alike {
    ($n:ident, $to:ident, [$($x:ident),+], $vector:expr) => {{
        let lanes = S::F32_LANES;
        let mut i = 0;
        while i + lanes <= $n {
            $(let $x = $x.at.add(i * $x.step).cast::<S::f32s>().read_unaligned();)+
            $to.add(i).cast::<S::f32s>().write_unaligned($vector);
            i += lanes;
        }
        if i < $n {
            let mut rest = [0.0f32; SPLAT];
            $(
                let from = $x.at.add(i * $x.step);
                std::ptr::copy_nonoverlapping(from, rest.as_mut_ptr(), $n - i);
                let $x = rest.as_ptr().cast::<S::f32s>().read_unaligned();
            )+
            rest.as_mut_ptr().cast::<S::f32s>().write_unaligned($vector);
            std::ptr::copy_nonoverlapping(rest.as_ptr(), $to.add(i), $n - i);
        }
    }};
}

#[inline(always)]
unsafe fn apply<S: Simd>(s: S, m: &Micro, a: [In; 4], to: *mut f32, n: usize) {
    let [x, y, v, w] = a;
    // SAFETY: arguments and `to` hold `n` elements (SPLAT where step is 0).
    unsafe {
        match m.op {
            Pointwise::Copy => pass!(s, n, to, [x], x, x),
            Pointwise::Add | Pointwise::Sub | Pointwise::Mul | Pointwise::Div => {
                binary(s, m.op, x, y, to, n)
            }
            Pointwise::Neg => pass!(s, n, to, [x], neg(s, x), -x),
            Pointwise::Sqrt => pass!(s, n, to, [x], s.sqrt_f32s(x), x.sqrt()),
            Pointwise::Rsqrt => {
                let one = s.splat_f32s(1.0);
                pass!(s, n, to, [x], s.div_f32s(one, s.sqrt_f32s(x)), 1.0 / x.sqrt())
            }
            Pointwise::Log => (0..n).for_each(|i| *to.add(i) = (*x.at.add(i * x.step)).ln()),
            Pointwise::Exp => alike!(n, to, [x], elementary::exp(s, x)),
            Pointwise::Tanh => alike!(n, to, [x], elementary::tanh(s, x)),
            Pointwise::Logistic => alike!(n, to, [x], elementary::logistic(s, x)),
            Pointwise::Erf => alike!(n, to, [x], elementary::erf(s, x)),
            Pointwise::ErfGrad => alike!(n, to, [x], elementary::erf_grad(s, x)),
            Pointwise::Softplus => alike!(n, to, [x], elementary::softplus(s, x)),
            Pointwise::Elu => alike!(n, to, [x, y], elementary::elu(s, x, y)),
            Pointwise::Relu => alike!(n, to, [x], elementary::relu(s, x)),
            Pointwise::Clamp => alike!(n, to, [x, y, v], elementary::clamp(s, x, y, v)),
            Pointwise::Abs => pass!(s, n, to, [x], abs(s, x), x.abs()),
            Pointwise::Maximum => alike!(n, to, [x, y], elementary::maximum(s, x, y)),
            Pointwise::Select(Comparison::Eq) => pass!(
                s,
                n,
                to,
                [x, y, v, w],
                select(s, s.equal_f32s(x, y), v, w),
                if x == y { v } else { w }
            ),
            Pointwise::Select(Comparison::Gt) => pass!(
                s,
                n,
                to,
                [x, y, v, w],
                select(s, s.greater_than_f32s(x, y), v, w),
                if x > y { v } else { w }
            ),
            Pointwise::Select(Comparison::Ge) => pass!(
                s,
                n,
                to,
                [x, y, v, w],
                select(s, s.greater_than_or_equal_f32s(x, y), v, w),
                if x >= y { v } else { w }
            ),
        }
    }
}

#[inline(always)]
unsafe fn binary<S: Simd>(s: S, op: Pointwise, x: In, y: In, to: *mut f32, n: usize) {
    // SAFETY: as `apply`.
    unsafe {
        match op {
            Pointwise::Sub => pass!(s, n, to, [x, y], s.sub_f32s(x, y), x - y),
            Pointwise::Mul => pass!(s, n, to, [x, y], s.mul_f32s(x, y), x * y),
            Pointwise::Div => pass!(s, n, to, [x, y], s.div_f32s(x, y), x / y),
            _ => pass!(s, n, to, [x, y], s.add_f32s(x, y), x + y),
        }
    }
}
