//! Planning: a graph becomes a list of steps over buffers in one arena.
//!
//! [`reciprocal`] divides by a scalar once; [`lower`] turns values into
//! [nodes](node), so that constants, reshapes and broadcasts cost nothing;
//! [`fuse`] decides which nodes run in one pass and in which order; [`buffers`]
//! gives them memory, in place where the old value's last use permits;
//! [`program`] compiles pointwise nodes; [`step`] picks the kernel of every
//! other op. All of it is safe code.

mod buffers;
mod depthwise;
mod direct;
mod fuse;
mod geometry;
mod lower;
mod matmul;
mod moments;
mod movement;
mod node;
mod program;
mod reciprocal;
mod resident;
mod step;

pub(crate) use depthwise::Depthwise;
pub(crate) use direct::Direct;
pub(crate) use geometry::{Conv, Sliding};
pub(crate) use matmul::{Matmul, Tiling};
pub(crate) use moments::Moments;
pub(crate) use movement::{Padding, Strided};
pub(crate) use node::Pointwise;
pub(crate) use program::{Micro, Operand, Program, SPLAT, Source, Splat, Sum, TILE, Target};
pub(crate) use step::{PANEL, Step, Whole};

use crate::NativeError;
use crate::kernels::Slot;
use cotangent_graph::{ElementType, Graph};
use node::Kind;
use pulp::Arch;

/// What an executor needs to know.
#[derive(Debug)]
pub(crate) struct Plan {
    pub steps: Vec<Step>,
    pub slots: Vec<Slot>,
    /// Elements of the arena.
    pub arena: usize,
    /// Slot of each input.
    pub inputs: Vec<usize>,
    /// Slot of each output once the swaps are done.
    pub outputs: Vec<usize>,
    /// Slots to exchange, in order, after the last step.
    pub swaps: Vec<(usize, usize)>,
}

pub(crate) fn plan(graph: &Graph, threads: usize, arch: Arch) -> Result<Plan, NativeError> {
    graph.verify()?;
    no_truth_values(graph)?;
    let graph = reciprocal::divide_once(graph)?.without_dead_code();
    let mut lowering = lower::lower(&graph)?;
    let claims = resident::claim(&graph, &mut lowering)?;
    let nodes = &lowering.nodes;
    let live = fuse::live(nodes, &lowering.outputs);
    let fusion = fuse::fuse(nodes, &live);
    let overwrites = resident::overwrites(&claims, nodes, &fusion);
    let pairs: Vec<(usize, usize)> = overwrites.iter().flat_map(|o| o.edges.clone()).collect();
    let (order, kept) = fusion.schedule(nodes, &pairs);
    let in_place = resident::in_place(&overwrites, &kept);
    let b = buffers::assign(&lowering, &fusion, &order, &claims, &in_place)?;

    let mut steps = Vec::new();
    for &g in &order {
        let group = &fusion.groups[g];
        let whole = match group.whole.map(|n| (n, &nodes[n])) {
            Some((n, node)) => {
                let Kind::Whole(op, operands, shapes) = &node.kind else { continue };
                let Some(whole) = Whole::new(op, shapes, &node.shape, arch, threads) else {
                    return Err(NativeError::Unsupported {
                        op: op.name(),
                        shape: node.shape.clone(),
                    });
                };
                let ins = operands.iter().filter_map(|&m| b.of[m]).collect();
                b.of[n].map(|out| (whole, ins, out))
            }
            None => None,
        };
        let rest: Vec<usize> =
            group.members.iter().copied().filter(|&n| Some(n) != group.whole).collect();
        let program = (!rest.is_empty()).then(|| Program::compile(nodes, &rest, group.len, &b.of));
        let read_elsewhere = group.whole.is_some_and(|n| b.kept[n]);
        steps.push(Step::new(whole, program, threads, read_elsewhere));
    }
    Ok(Plan {
        steps,
        slots: b.slots,
        arena: b.arena,
        inputs: b.inputs,
        outputs: b.outputs,
        swaps: b.swaps,
    })
}

fn no_truth_values(graph: &Graph) -> Result<(), NativeError> {
    let inputs = graph.inputs.iter().map(|i| ("input", &i.name, &i.ty));
    let outputs = graph.outputs.iter().map(|o| ("output", &o.name, graph.ty(o.value)));
    for (what, name, ty) in inputs.chain(outputs) {
        if ty.element == ElementType::Pred {
            return Err(NativeError::Pred { what, name: name.clone(), ty: ty.to_string() });
        }
    }
    Ok(())
}
