//! Pointwise passes: straight-line code over tiles that stay in L1.

use super::node::{Access, Arg, Kind, Node, Pointwise};

/// Elements of a tile: 4 KiB.
pub(crate) const TILE: usize = 1024;
/// Elements of a replicated scalar; at least any vector register.
pub(crate) const SPLAT: usize = 16;

/// Where an argument of a tile operation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// A buffer, read at the index computed.
    Memory(usize),
    /// An operand of [`Program::operands`], which is broadcast.
    Operand(usize),
    /// A scalar of [`Program::splats`].
    Splat(usize),
    /// A scratch tile.
    Tile(usize),
}

/// Where a tile operation writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    Memory(usize),
    Tile(usize),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Splat {
    Const(f32),
    /// The one element of a buffer.
    Buffer(usize),
}

/// A broadcast operand, neither scalar nor read index by index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Operand {
    pub buffer: usize,
    pub access: Access,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Micro {
    pub op: Pointwise,
    pub args: [Source; 4],
    pub to: Target,
}

/// A sum over leading dimensions of a value of the pass.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sum {
    pub of: Source,
    pub buffer: usize,
    pub count: usize,
    /// Elements of each part's accumulator, a multiple of `count`.
    pub width: usize,
    /// Where the accumulators start, in elements after the tiles.
    pub offset: usize,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Program {
    pub len: usize,
    /// Elements per tile, at most [`TILE`].
    pub tile_len: usize,
    /// Tiles do not cross multiples of this, where above [`TILE`]; else 0.
    pub split: usize,
    pub operands: Vec<Operand>,
    pub splats: Vec<Splat>,
    pub ops: Vec<Micro>,
    /// Tiles copied to buffers at the end.
    pub stores: Vec<(usize, usize)>,
    pub sums: Vec<Sum>,
    pub tiles: usize,
}

impl Program {
    /// Compiles `members` (pointwise nodes and leading sums, in order).
    /// `buffer_of` gives the buffer of a node that has one.
    pub(crate) fn compile(
        nodes: &[Node],
        members: &[usize],
        len: usize,
        buffer_of: &[Option<usize>],
    ) -> Program {
        let mut p = Program { len, ..Program::default() };
        let pointwise: Vec<usize> = members
            .iter()
            .copied()
            .filter(|&n| matches!(nodes[n].kind, Kind::Pointwise(..)))
            .collect();
        let mut place: Vec<Option<Source>> = vec![None; nodes.len()];
        let mut last_use = vec![0; nodes.len()];
        for (k, &n) in pointwise.iter().enumerate() {
            nodes[n].operands().for_each(|m| last_use[m] = k);
        }
        for &n in members {
            if let Kind::SumLeading(a) = nodes[n].kind {
                last_use[a] = usize::MAX;
            }
        }
        let mut free: Vec<usize> = Vec::new();
        for (k, &n) in pointwise.iter().enumerate() {
            let Kind::Pointwise(op, args) = &nodes[n].kind else { continue };
            let mut sources = [Source::Tile(0); 4];
            for (slot, arg) in sources.iter_mut().zip(args) {
                *slot = p.source(arg, len, &place, buffer_of);
            }
            let mut dying: Vec<usize> = nodes[n]
                .operands()
                .filter(|&m| last_use[m] == k)
                .filter_map(|m| match place[m] {
                    Some(Source::Tile(t)) => Some(t),
                    _ => None,
                })
                .collect();
            dying.sort_unstable();
            dying.dedup();
            free.extend(dying);
            let direct = buffer_of[n].filter(|&b| {
                !members.iter().any(|&m| {
                    let later = match nodes[m].kind {
                        Kind::SumLeading(_) => true,
                        _ => m > n,
                    };
                    later && nodes[m].operands().any(|o| o != n && buffer_of[o] == Some(b))
                })
            });
            let to = match direct {
                Some(b) => Target::Memory(b),
                None => Target::Tile(free.pop().unwrap_or_else(|| {
                    p.tiles += 1;
                    p.tiles - 1
                })),
            };
            place[n] = Some(match to {
                Target::Memory(b) => Source::Memory(b),
                Target::Tile(t) => Source::Tile(t),
            });
            if let (Some(b), Target::Tile(t)) = (buffer_of[n], to) {
                p.stores.push((t, b));
                // Its tile is read at the end, so it is never freed.
                last_use[n] = usize::MAX;
            }
            p.ops.push(Micro { op: *op, args: sources, to });
        }
        let mut offset = 0;
        for &n in members {
            let (Kind::SumLeading(a), Some(buffer)) = (&nodes[n].kind, buffer_of[n]) else {
                continue;
            };
            let count = nodes[n].len;
            let arg = Arg::Node(*a, Access::plain(nodes[*a].len));
            let of = p.source(&arg, len, &place, buffer_of);
            let width = if count <= TILE { TILE / count * count } else { count };
            p.sums.push(Sum { of, buffer, count, width, offset });
            offset += width.next_multiple_of(SPLAT);
        }
        p.choose_tile();
        p
    }

    fn source(
        &mut self,
        arg: &Arg,
        len: usize,
        place: &[Option<Source>],
        buffer_of: &[Option<usize>],
    ) -> Source {
        let (n, access) = match arg {
            Arg::Const(c) => return self.splat(Splat::Const(f32::from_bits(*c))),
            Arg::Node(n, access) => (*n, *access),
        };
        if let Some(source) = place[n] {
            return source;
        }
        // Every node read from outside its group has a buffer.
        let buffer = buffer_of[n].unwrap_or(usize::MAX);
        if access == Access::plain(len) {
            return Source::Memory(buffer);
        }
        if access.count == 1 {
            return self.splat(Splat::Buffer(buffer));
        }
        let operand = Operand { buffer, access };
        let known = self.operands.iter().position(|o| *o == operand);
        Source::Operand(known.unwrap_or_else(|| {
            self.operands.push(operand);
            self.operands.len() - 1
        }))
    }

    fn splat(&mut self, splat: Splat) -> Source {
        let same = |s: &Splat| match (s, splat) {
            (Splat::Const(a), Splat::Const(b)) => a.to_bits() == b.to_bits(),
            (a, b) => *a == b,
        };
        let known = self.splats.iter().position(same);
        Source::Splat(known.unwrap_or_else(|| {
            self.splats.push(splat);
            self.splats.len() - 1
        }))
    }

    /// Tiles that hold whole rows let a row vector be laid out once.
    fn choose_tile(&mut self) {
        let rows = self.operands.iter().filter(|o| o.access.inner == 1).map(|o| o.access.count);
        let sums = self.sums.iter().map(|s| s.count);
        let periods: Vec<usize> = rows.chain(sums).filter(|&c| c > 1).collect();
        let common = periods.iter().try_fold(1usize, |a, &b| {
            let l = a / gcd(a, b) * b;
            (l <= TILE).then_some(l)
        });
        self.tile_len = common.map_or(TILE, |c| TILE / c * c);
        self.split = periods.iter().copied().find(|&c| c > TILE).unwrap_or(0);
    }

    /// True if a value of the pass is stored in `buffer`.
    pub(crate) fn writes(&self, buffer: usize) -> bool {
        self.ops.iter().any(|m| m.to == Target::Memory(buffer))
            || self.stores.iter().any(|s| s.1 == buffer)
    }

    /// Ranges that start at multiples of this keep tiles aligned with rows.
    pub(crate) fn alignment(&self) -> usize {
        if self.split > 0 { self.split } else { self.tile_len }
    }

    /// Scratch elements one part needs.
    pub(crate) fn scratch(&self) -> usize {
        self.sums_at() + self.sums.iter().map(|s| s.width.next_multiple_of(SPLAT)).sum::<usize>()
    }

    /// Offset of the tiles in a part's scratch, after the splats.
    pub(crate) fn tiles_at(&self) -> usize {
        self.splats.len() * SPLAT
    }

    /// Offset of the operands' tiles: one laid out once, one for odd phases.
    pub(crate) fn operands_at(&self) -> usize {
        self.tiles_at() + self.tiles * TILE
    }

    /// Offset of the accumulators.
    pub(crate) fn sums_at(&self) -> usize {
        self.operands_at() + self.operands.len() * 2 * TILE
    }
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}
