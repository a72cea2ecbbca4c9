//! Memory for the nodes that need it.

use super::fuse::Fusion;
use super::lower::Lowering;
use super::node::Kind;
use super::resident::{Claim, reads_in_step};
use crate::NativeError;
use crate::kernels::Slot;

#[derive(Debug)]
pub(crate) struct Buffers {
    /// Slot of each node that has one.
    pub of: Vec<Option<usize>>,
    /// True for nodes that are outputs or read outside their group.
    pub kept: Vec<bool>,
    pub slots: Vec<Slot>,
    pub arena: usize,
    pub inputs: Vec<usize>,
    pub outputs: Vec<usize>,
    pub swaps: Vec<(usize, usize)>,
}

/// Elements to a cache line: buffers start on one.
const LINE: usize = 16;

#[derive(Debug, Clone, Copy)]
struct Lifetime {
    len: usize,
    /// Positions in the order at which it is first and last touched.
    first: usize,
    last: usize,
}

pub(crate) fn assign(
    l: &Lowering,
    fusion: &Fusion,
    order: &[usize],
    claims: &[Claim],
    in_place: &[Claim],
) -> Result<Buffers, NativeError> {
    let nodes = &l.nodes;
    let end = order.len();
    let mut position = vec![end; fusion.groups.len()];
    order.iter().enumerate().for_each(|(t, &g)| position[g] = t);

    // The last position that reads each node from another group.
    let mut last_read: Vec<Option<usize>> = vec![None; nodes.len()];
    for (n, node) in nodes.iter().enumerate() {
        let Some(g) = fusion.group_of[n] else { continue };
        for m in node.operands() {
            if fusion.group_of[m] != Some(g) {
                last_read[m] = last_read[m].max(Some(position[g]));
            }
        }
    }
    let mut is_output = vec![false; nodes.len()];
    l.outputs.iter().for_each(|&n| is_output[n] = true);
    let is_claimed = |n: usize| claims.iter().any(|c| c.node == n);

    let mut of: Vec<Option<usize>> = vec![None; nodes.len()];
    let mut lifetimes: Vec<Lifetime> = Vec::new();
    let mut inputs = Vec::new();
    for (n, node) in nodes.iter().enumerate().filter(|(_, n)| matches!(n.kind, Kind::Input(_))) {
        of[n] = Some(lifetimes.len());
        inputs.push(lifetimes.len());
        lifetimes.push(Lifetime { len: node.len, first: 0, last: end });
    }
    for (t, &g) in order.iter().enumerate() {
        let group = &fusion.groups[g];
        let mut donors: Vec<usize> = group
            .members
            .iter()
            .flat_map(|&n| nodes[n].operands())
            .chain(group.whole)
            .filter(|&m| {
                let mine = Some(m) == group.whole;
                let dies = if mine { last_read[m].is_none() } else { last_read[m] == Some(t) };
                let in_step =
                    group.members.iter().all(|&n| reads_in_step(&nodes[n], m, nodes[m].len));
                let temporary = !matches!(nodes[m].kind, Kind::Input(_)) && !is_output[m];
                let elsewhere = mine || fusion.group_of[m] != Some(g);
                elsewhere && dies && in_step && temporary && nodes[m].len == group.len
            })
            .collect();
        donors.sort_unstable();
        donors.dedup();
        // The whole op's result comes first, since the others may take it over.
        let mut members = group.members.clone();
        members.sort_by_key(|&n| (Some(n) != group.whole, n));
        for n in members {
            let node = &nodes[n];
            let pointwise = matches!(node.kind, Kind::Pointwise(..));
            if pointwise && last_read[n].is_none() && !is_output[n] {
                continue;
            }
            let last = if is_output[n] { end } else { last_read[n].unwrap_or(t) };
            if let Some(c) = in_place.iter().find(|c| c.node == n) {
                of[n] = of[c.input];
                continue;
            }
            if is_claimed(n) {
                of[n] = Some(lifetimes.len());
                lifetimes.push(Lifetime { len: node.len, first: 0, last: end });
                continue;
            }
            let donor = donors.iter().position(|&m| pointwise && of[m].is_some());
            if let Some(b) = donor.and_then(|d| of[donors.swap_remove(d)]) {
                of[n] = Some(b);
                lifetimes[b].last = lifetimes[b].last.max(last);
                continue;
            }
            of[n] = Some(lifetimes.len());
            lifetimes.push(Lifetime { len: node.len, first: t, last });
        }
    }

    let (cycles, swaps) = exchange(claims, in_place, &of);
    let slot_after = |slot: usize| cycles.iter().find(|c| c.1 == slot).map_or(slot, |c| c.0);
    let outputs = l
        .outputs
        .iter()
        .enumerate()
        .map(|(o, &n)| match claims.iter().find(|c| c.output == o) {
            Some(c) => inputs[c.input],
            None => slot_after(of[n].unwrap_or_default()),
        })
        .collect();
    let (slots, arena) = place(&lifetimes)?;
    let kept = (0..nodes.len()).map(|n| is_output[n] || last_read[n].is_some()).collect();
    Ok(Buffers { of, kept, slots, arena, inputs, outputs, swaps })
}

/// Pairs (to, from): slot `to` gets what slot `from` held.
type Moves = Vec<(usize, usize)>;

/// The permutation of slots that meets every claim not met in place, as moves
/// and as a sequence of exchanges.
fn exchange(claims: &[Claim], in_place: &[Claim], of: &[Option<usize>]) -> (Moves, Moves) {
    let mut moves: Moves = claims
        .iter()
        .filter(|c| !in_place.contains(c))
        .filter_map(|c| Some((of[c.input]?, of[c.node]?)))
        .collect();
    // Close every chain into a cycle.
    let source = |moves: &Moves, to: usize| moves.iter().find(|m| m.0 == to).map(|m| m.1);
    for (start, _) in moves.clone() {
        if moves.iter().any(|m| m.1 == start) {
            continue;
        }
        let mut end = start;
        while let Some(next) = source(&moves, end) {
            end = next;
        }
        moves.push((end, start));
    }
    let mut swaps = Vec::new();
    let mut done = Vec::new();
    for &(start, _) in &moves {
        let mut at = start;
        while !done.contains(&at) {
            done.push(at);
            match source(&moves, at) {
                Some(next) if next != start => {
                    swaps.push((at, next));
                    at = next;
                }
                _ => break,
            }
        }
    }
    (moves, swaps)
}

/// Offsets such that buffers alive together do not overlap: the largest
/// first, each at the lowest free place.
fn place(lifetimes: &[Lifetime]) -> Result<(Vec<Slot>, usize), NativeError> {
    let mut by_size: Vec<usize> = (0..lifetimes.len()).collect();
    by_size.sort_by_key(|&b| (std::cmp::Reverse(lifetimes[b].len), b));
    let mut slots = vec![Slot { offset: 0, len: 0 }; lifetimes.len()];
    let mut placed: Vec<usize> = Vec::new();
    let mut arena = 0usize;
    for b in by_size {
        let me = lifetimes[b];
        let mut others: Vec<(usize, usize)> = placed
            .iter()
            .filter(|&&o| lifetimes[o].first <= me.last && me.first <= lifetimes[o].last)
            .map(|&o| (slots[o].offset, slots[o].offset + slots[o].len))
            .collect();
        others.sort_unstable();
        let mut offset = 0usize;
        for (start, end) in others {
            if offset + me.len <= start {
                break;
            }
            offset = offset.max(end.next_multiple_of(LINE));
        }
        slots[b] = Slot { offset, len: me.len };
        let end = offset.checked_add(me.len).and_then(|e| e.checked_next_multiple_of(LINE));
        let fits = end.filter(|e| e.checked_mul(8).is_some_and(|b| b <= isize::MAX as usize));
        arena = arena.max(fits.ok_or(NativeError::Memory { bytes: usize::MAX })?);
        placed.push(b);
    }
    Ok((slots, arena))
}
