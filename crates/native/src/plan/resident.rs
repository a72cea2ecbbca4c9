//! Values that stay from run to run: which output becomes which input, and
//! whether its buffer can be overwritten in place.

use super::fuse::Fusion;
use super::lower::Lowering;
use super::node::{Access, Arg, Kind, Node};
use crate::NativeError;
use cotangent_graph::Graph;

/// Input `input` is to hold node `node` after the run. A node is claimed at
/// most once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Claim {
    pub input: usize,
    pub output: usize,
    pub node: usize,
}

/// Pairs resident outputs with their inputs, and copies values wherever one
/// buffer would have to be in two places.
pub(crate) fn claim(graph: &Graph, l: &mut Lowering) -> Result<Vec<Claim>, NativeError> {
    let mut pairs = Vec::new();
    for (o, output) in graph.outputs.iter().enumerate().filter(|(_, o)| o.role.is_resident()) {
        let same = graph.inputs.iter().position(|i| i.name == output.name && i.role == output.role);
        let Some(i) = same else { continue };
        let (expected, found) = (&graph.inputs[i].ty, graph.ty(output.value));
        if expected != found {
            return Err(NativeError::Resident {
                name: output.name.clone(),
                role: output.role.to_string(),
                found: found.to_string(),
                expected: expected.to_string(),
            });
        }
        pairs.push((i, o));
    }
    // Inputs are the first nodes, in order.
    let unchanged = |l: &Lowering, i: usize, o: usize| l.outputs[o] == i;
    let replaced: Vec<usize> =
        pairs.iter().filter(|&&(i, o)| !unchanged(l, i, o)).map(|p| p.0).collect();
    let mut claims: Vec<Claim> = Vec::new();
    for &(input, output) in &pairs {
        let mut node = l.outputs[output];
        if node == input {
            continue;
        }
        let taken = claims.iter().any(|c| c.node == node);
        let foreign = matches!(l.nodes[node].kind, Kind::Input(q) if !replaced.contains(&q));
        if taken || foreign {
            node = l.copy_of(node);
            l.outputs[output] = node;
        }
        claims.push(Claim { input, output, node });
    }
    for o in 0..graph.outputs.len() {
        let resident = pairs.iter().any(|p| p.1 == o);
        let node = l.outputs[o];
        if !resident && matches!(l.nodes[node].kind, Kind::Input(q) if replaced.contains(&q)) {
            l.outputs[o] = l.copy_of(node);
        }
    }
    Ok(claims)
}

/// A claim that could be met by overwriting its input, if every other reader
/// of that input comes first.
#[derive(Debug)]
pub(crate) struct Overwrite {
    pub claim: Claim,
    /// Pairs (reader, writer) of groups.
    pub edges: Vec<(usize, usize)>,
}

pub(crate) fn overwrites(claims: &[Claim], nodes: &[Node], fusion: &Fusion) -> Vec<Overwrite> {
    // The readers of each input; inputs are the first nodes.
    let inputs = nodes.iter().take_while(|n| matches!(n.kind, Kind::Input(_))).count();
    let mut readers = vec![Vec::new(); inputs];
    for (n, node) in nodes.iter().enumerate() {
        for m in node.operands().filter(|&m| m < inputs) {
            readers[m].push(n);
        }
    }
    let mut list = Vec::new();
    for &claim in claims {
        let pointwise = matches!(nodes[claim.node].kind, Kind::Pointwise(..));
        let moved = claims.iter().any(|c| c.node == claim.input);
        let Some(writer) = fusion.group_of[claim.node].filter(|_| pointwise && !moved) else {
            continue;
        };
        let mut edges = Vec::new();
        let mut possible = true;
        for &n in &readers[claim.input] {
            let Some(g) = fusion.group_of[n] else { continue };
            if g == writer {
                possible &= reads_in_step(&nodes[n], claim.input, nodes[claim.input].len);
            } else if !edges.contains(&(g, writer)) {
                edges.push((g, writer));
            }
        }
        if possible {
            list.push(Overwrite { claim, edges });
        }
    }
    list
}

/// True if `node` reads `operand` only at the index it computes.
pub(crate) fn reads_in_step(node: &Node, operand: usize, len: usize) -> bool {
    match &node.kind {
        Kind::Pointwise(_, args) => args.iter().all(|a| match a {
            Arg::Node(m, access) => *m != operand || *access == Access::plain(len),
            Arg::Const(_) => true,
        }),
        Kind::SumLeading(_) => true,
        Kind::Input(_) | Kind::Whole(..) => !node.reads(operand),
    }
}

/// The claims whose readers all come first; `kept` as [`Fusion::schedule`]
/// returns it for all edges in order.
pub(crate) fn in_place(overwrites: &[Overwrite], kept: &[bool]) -> Vec<Claim> {
    let mut rest = kept;
    let mut list = Vec::new();
    for o in overwrites {
        let (mine, others) = rest.split_at(o.edges.len());
        rest = others;
        if mine.iter().all(|&k| k) {
            list.push(o.claim);
        }
    }
    list
}
