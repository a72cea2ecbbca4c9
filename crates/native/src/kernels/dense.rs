//! Matrix products in register tiles, where one operand is small enough to
//! stay packed in cache: dense layers at training batch sizes.

use super::direct::blocks;
use super::tile::{Run, Tile, VECTORS, shape, tile};
use crate::plan::{Matmul, Tiling};
use pulp::Arch;

/// Steps of the contracted dimension multiplied before the next are packed.
const DEPTH: usize = 512;
/// At least the elements of a tile.
const TILE: usize = 16 * 32;

/// Scratch elements: the packed operand, then one tile.
pub(super) fn scratch(p: &Matmul, tiling: Tiling) -> usize {
    TILE + match tiling {
        Tiling::Rows => p.k * p.n + p.k * 16,
        Tiling::Columns => p.k.min(DEPTH) * 32,
        Tiling::Exchanged => p.k * p.m.next_multiple_of(32),
    }
}

/// Computes rows (for [`Tiling::Rows`]) or columns `start..end` of `lhs · rhs`.
///
/// # Safety
/// Buffers hold what `p` describes; nobody else may touch that part of `out`;
/// `scratch` holds [`scratch`] elements, and unless `first` is true still has
/// what the last call left there.
#[allow(clippy::too_many_arguments)]
pub(super) unsafe fn run(
    arch: Arch,
    p: &Matmul,
    tiling: Tiling,
    [lhs, rhs]: [*const f32; 2],
    out: *mut f32,
    range: (usize, usize),
    scratch: *mut f32,
    first: bool,
) {
    let Some((lanes, most)) = shape(arch) else { return };
    let t = Product { arch, p, lhs, rhs, out, scratch, lanes, most };
    // SAFETY: passed on.
    unsafe {
        match tiling {
            Tiling::Rows => t.rows(range, first),
            Tiling::Columns => t.columns(range),
            Tiling::Exchanged => t.exchanged(range, first),
        }
    }
}

struct Product<'a> {
    arch: Arch,
    p: &'a Matmul,
    lhs: *const f32,
    rhs: *const f32,
    out: *mut f32,
    scratch: *mut f32,
    lanes: usize,
    most: usize,
}

/// Splits `start..end` into panels of a tile's columns.
fn panels(start: usize, end: usize, lanes: usize, mut f: impl FnMut(usize, usize)) {
    let mut column = start;
    while column < end {
        let columns = (end - column).min(VECTORS * lanes);
        f(column, columns);
        column += columns;
    }
}

impl Product<'_> {
    /// All of rhs packed once, lhs packed one block of rows at a time.
    unsafe fn rows(&self, (start, end): (usize, usize), first: bool) {
        let Matmul { n, k, lhs: (row, step), .. } = *self.p;
        let packed = self.scratch.wrapping_add(k * 16);
        let runs = [Run { offset: 0, len: k }];
        // SAFETY: rows and columns inside the operands; the panel of column
        // `j` starts at `j · k` of the packing.
        unsafe {
            if first {
                panels(0, n, self.lanes, |column, columns| {
                    self.pack(column, columns, 0, k, packed.add(column * k));
                });
            }
            blocks(end - start, self.most, |from, rows| {
                let from = start + from;
                let (mut a, mut a_row, mut a_step) = (self.lhs.add(from * row), row, step);
                if step != 1 {
                    for t in 0..k {
                        for i in 0..rows {
                            *self.scratch.add(t * 16 + i) = *a.add(t * step + i * row);
                        }
                    }
                    (a, a_row, a_step) = (self.scratch.cast_const(), 1, 16);
                }
                panels(0, n, self.lanes, |column, columns| {
                    let t = Tile {
                        a,
                        a_row,
                        a_step,
                        b: packed.add(column * k),
                        b_step: columns,
                        runs: &runs,
                        out: self.out.wrapping_add(from * n + column),
                        out_row: n,
                        accumulate: false,
                    };
                    tile(self.arch, rows, columns / self.lanes, t);
                });
            });
        }
    }

    /// Panels of rhs packed one at a time, a block of depth at a time.
    unsafe fn columns(&self, (start, end): (usize, usize)) {
        let Matmul { m, n, k, lhs: (row, step), .. } = *self.p;
        let mut depth = 0;
        while depth < k {
            let len = DEPTH.min(k - depth);
            let runs = [Run { offset: 0, len }];
            panels(start, end, self.lanes, |column, columns| {
                // SAFETY: as `rows`; the panel holds `len · columns` elements.
                unsafe {
                    self.pack(column, columns, depth, len, self.scratch);
                    blocks(m, self.most, |from, rows| {
                        let t = Tile {
                            a: self.lhs.add(from * row + depth * step),
                            a_row: row,
                            a_step: step,
                            b: self.scratch,
                            b_step: columns,
                            runs: &runs,
                            out: self.out.wrapping_add(from * n + column),
                            out_row: n,
                            accumulate: depth > 0,
                        };
                        tile(self.arch, rows, columns / self.lanes, t);
                    });
                }
            });
            depth += len;
        }
    }

    /// The transposed product: lhs packed once, rhs read in place, and each
    /// tile turned on its way out. For rhs contiguous along the depth.
    unsafe fn exchanged(&self, (start, end): (usize, usize), first: bool) {
        let Matmul { m, n, k, lhs: (row, step), rhs: (rhs_step, rhs_row), .. } = *self.p;
        let packed = self.scratch.wrapping_add(TILE);
        let runs = [Run { offset: 0, len: k }];
        // SAFETY: as `rows`, with lhs in the place of rhs.
        unsafe {
            if first {
                panels(0, m, self.lanes, |i, columns| {
                    let panel = packed.add(i * k);
                    for t in 0..k {
                        for j in 0..columns {
                            *panel.add(t * columns + j) = *self.lhs.add((i + j) * row + t * step);
                        }
                    }
                });
            }
            blocks(end - start, self.most, |from, rows| {
                let from = start + from;
                panels(0, m, self.lanes, |i, columns| {
                    let t = Tile {
                        a: self.rhs.add(from * rhs_row),
                        a_row: rhs_row,
                        a_step: rhs_step,
                        b: packed.add(i * k),
                        b_step: columns,
                        runs: &runs,
                        out: self.scratch,
                        out_row: columns,
                        accumulate: false,
                    };
                    tile(self.arch, rows, columns / self.lanes, t);
                    for j in 0..columns {
                        let to = self.out.add((i + j) * n + from);
                        for r in 0..rows {
                            *to.add(r) = *self.scratch.add(r * columns + j);
                        }
                    }
                });
            });
        }
    }

    /// Packs `columns` columns of rhs, steps `depth..depth + len`.
    unsafe fn pack(
        &self,
        column: usize,
        columns: usize,
        depth: usize,
        len: usize,
        panel: *mut f32,
    ) {
        let (step, _) = self.p.rhs;
        for t in 0..len {
            // SAFETY: the caller's ranges; rhs has unit column stride here.
            unsafe {
                let from = self.rhs.add((depth + t) * step + column);
                std::ptr::copy_nonoverlapping(from, panel.add(t * columns), columns);
            }
        }
    }
}

/// How to run `p` in tiles, if that is the better way.
pub(crate) fn tiling(arch: Arch, p: &Matmul, threads: usize) -> Option<Tiling> {
    /// Elements that stay in L2, packed, beside what streams past them.
    const PACKED: usize = 256 * 1024;
    let (lanes, _) = shape(arch)?;
    if p.count() > 1 || p.m.saturating_mul(p.n).saturating_mul(p.k) < 1 << 20 {
        return None;
    }
    if p.rhs.1 == 1 && p.n.is_multiple_of(lanes) {
        if p.k.saturating_mul(p.n) <= PACKED / 4 && p.m >= 64 * threads {
            return Some(Tiling::Rows);
        }
        if p.n >= 64 * threads && p.m <= 512 {
            return Some(Tiling::Columns);
        }
        if p.k.saturating_mul(p.n) <= PACKED && p.m >= 64 * threads {
            return Some(Tiling::Rows);
        }
    }
    let exchange = p.rhs.0 == 1 && p.m.is_multiple_of(lanes) && p.n >= 64 * threads;
    (exchange && p.k.saturating_mul(p.m) <= PACKED).then_some(Tiling::Exchanged)
}
