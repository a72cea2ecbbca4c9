//! Which nodes run in one pass, and in which order passes run.

use super::node::{Access, Arg, Kind, Node};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Nodes that run in one pass: at most one whole op, whose result the
/// pointwise nodes and leading sums follow while it is in cache.
#[derive(Debug, Clone, Default)]
pub(crate) struct Group {
    /// In increasing order, which is an order of evaluation.
    pub members: Vec<usize>,
    /// The whole op among them.
    pub whole: Option<usize>,
    /// Elements the pass runs over.
    pub len: usize,
}

#[derive(Debug)]
pub(crate) struct Fusion {
    pub groups: Vec<Group>,
    /// The group of each node; `None` for inputs and dead nodes.
    pub group_of: Vec<Option<usize>>,
}

/// Nodes that some output depends on.
pub(crate) fn live(nodes: &[Node], outputs: &[usize]) -> Vec<bool> {
    let mut live = vec![false; nodes.len()];
    let mut stack = outputs.to_vec();
    while let Some(n) = stack.pop() {
        if !std::mem::replace(&mut live[n], true) {
            stack.extend(nodes[n].operands());
        }
    }
    live
}

/// Greedily grows groups in program order; a node joins the groups of the
/// operands it reads index by index, unless that would make a cycle.
pub(crate) fn fuse(nodes: &[Node], live: &[bool]) -> Fusion {
    let mut f = Fusion { groups: Vec::new(), group_of: vec![None; nodes.len()] };
    for (n, node) in nodes.iter().enumerate().filter(|(n, _)| live[*n]) {
        let candidates = match &node.kind {
            Kind::Input(_) => continue,
            Kind::Whole(..) => vec![],
            Kind::Pointwise(_, args) => args
                .iter()
                .filter_map(|a| match a {
                    Arg::Node(m, access) if *access == Access::plain(node.len) => Some(*m),
                    _ => None,
                })
                .collect(),
            Kind::SumLeading(a) => vec![*a],
        };
        let len = match &node.kind {
            Kind::SumLeading(a) => nodes[*a].len,
            _ => node.len,
        };
        let home = f.groups.len();
        f.groups.push(Group { members: vec![n], whole: None, len });
        f.group_of[n] = Some(home);
        if matches!(node.kind, Kind::Whole(..)) {
            f.groups[home].whole = Some(n);
        }
        for c in candidates {
            if let Some(g) = f.group_of[c]
                && !matches!(nodes[c].kind, Kind::SumLeading(_))
                && f.groups[g].len == len
            {
                f.try_merge(nodes, g, n);
            }
        }
    }
    f
}

impl Fusion {
    /// Merges group `g` with the group of `n` if the result is one pass.
    fn try_merge(&mut self, nodes: &[Node], g: usize, n: usize) {
        let Some(home) = self.group_of[n] else { return };
        if home == g || (self.groups[g].whole.is_some() && self.groups[home].whole.is_some()) {
            return;
        }
        if !self.reads_in_step(nodes, g, home) || self.would_cycle(nodes, g, home) {
            return;
        }
        let (into, from) = (g.min(home), g.max(home));
        let moved = std::mem::take(&mut self.groups[from]);
        for &m in &moved.members {
            self.group_of[m] = Some(into);
        }
        let group = &mut self.groups[into];
        group.members.extend(moved.members);
        group.members.sort_unstable();
        group.whole = group.whole.or(moved.whole);
    }

    /// True if what members of the two groups read of each other, they read
    /// index by index.
    fn reads_in_step(&self, nodes: &[Node], g: usize, h: usize) -> bool {
        let inside = |m: usize| self.group_of[m] == Some(g) || self.group_of[m] == Some(h);
        let stepwise = |m: usize, access: Access| {
            access == Access::plain(nodes[m].len) && !matches!(nodes[m].kind, Kind::SumLeading(_))
        };
        self.groups[g].members.iter().chain(&self.groups[h].members).all(|&n| {
            match &nodes[n].kind {
                Kind::Input(_) => true,
                Kind::Pointwise(_, args) => args.iter().all(|a| match a {
                    Arg::Node(m, access) => !inside(*m) || stepwise(*m, *access),
                    Arg::Const(_) => true,
                }),
                Kind::SumLeading(a) => !inside(*a) || stepwise(*a, Access::plain(nodes[*a].len)),
                Kind::Whole(_, operands, _) => !operands.iter().any(|&m| inside(m)),
            }
        })
    }

    /// True if something outside the two groups depends on one of them and is
    /// read by one of them.
    fn would_cycle(&self, nodes: &[Node], g: usize, h: usize) -> bool {
        // Nothing reads a group that is new, and it may read nothing else.
        let (old, new) = (g.min(h), g.max(h));
        let is_new = self.groups[new].members.len() == 1 && new + 1 == self.groups.len();
        if is_new && self.reads(nodes, new).all(|r| r == old) {
            return false;
        }
        let mut seen = vec![false; self.groups.len()];
        let mut stack: Vec<usize> = Vec::new();
        for k in [g, h] {
            stack.extend(self.reads(nodes, k).filter(|&r| r != g && r != h));
        }
        while let Some(k) = stack.pop() {
            if k == g || k == h {
                return true;
            }
            if !std::mem::replace(&mut seen[k], true) {
                stack.extend(self.reads(nodes, k));
            }
        }
        false
    }

    /// The other groups that group `k` reads.
    pub(crate) fn reads<'a>(
        &'a self,
        nodes: &'a [Node],
        k: usize,
    ) -> impl Iterator<Item = usize> + 'a {
        let operands = self.groups[k].members.iter().flat_map(|&n| nodes[n].operands());
        operands.filter_map(|m| self.group_of[m]).filter(move |&m| m != k)
    }

    /// An order of the groups in which every group follows those it reads.
    /// `overwrites` lists pairs (reader, writer): the reader should come first
    /// where dependencies allow; the result says for which pairs it does.
    pub(crate) fn schedule(
        &self,
        nodes: &[Node],
        overwrites: &[(usize, usize)],
    ) -> (Vec<usize>, Vec<bool>) {
        let count = self.groups.len();
        let mut before: Vec<Vec<usize>> = (0..count)
            .map(|k| {
                let mut r: Vec<usize> = self.reads(nodes, k).collect();
                r.sort_unstable();
                r.dedup();
                r
            })
            .collect();
        let kept: Vec<bool> = overwrites
            .iter()
            .map(|&(reader, writer)| {
                let free = !depends(&before, reader, writer);
                if free && !before[writer].contains(&reader) {
                    before[writer].push(reader);
                }
                free
            })
            .collect();
        let mut waiting: Vec<usize> = before.iter().map(Vec::len).collect();
        let mut after = vec![Vec::new(); count];
        for (k, list) in before.iter().enumerate() {
            list.iter().for_each(|&b| after[b].push(k));
        }
        // The pass that could have started first in program order goes first.
        let key = |k: usize| Reverse((self.groups[k].members[0], k));
        let used = |k: &usize| !self.groups[*k].members.is_empty();
        let mut ready: BinaryHeap<_> =
            (0..count).filter(used).filter(|&k| waiting[k] == 0).map(key).collect();
        let mut order = Vec::new();
        while let Some(Reverse((_, k))) = ready.pop() {
            order.push(k);
            for &next in &after[k] {
                waiting[next] -= 1;
                if waiting[next] == 0 {
                    ready.push(key(next));
                }
            }
        }
        (order, kept)
    }
}

/// True if `a` must come after `b`.
fn depends(before: &[Vec<usize>], a: usize, b: usize) -> bool {
    let mut seen = vec![false; before.len()];
    let mut stack = vec![a];
    while let Some(k) = stack.pop() {
        if k == b {
            return true;
        }
        if !std::mem::replace(&mut seen[k], true) {
            stack.extend(&before[k]);
        }
    }
    false
}
