//! Ops that move elements, and sums over dimensions.

use super::{Spec, spec};
use cotangent_graph::Op;
use serde_json::json;

pub(super) fn specs() -> Vec<Spec> {
    let broadcast = |what, shape: &[usize], dims: &[usize], from: &[usize]| {
        let op = Op::BroadcastInDim { shape: shape.to_vec(), dims: dims.to_vec() };
        spec(what, "broadcast_in_dim", op, &[from], json!({ "shape": shape, "dimensions": dims }))
    };
    let sum = |what, dims: &[usize]| {
        let op = Op::ReduceSum { dims: dims.to_vec() };
        spec(what, "reduce_sum", op, &[&[2, 3, 4]], json!({ "dimensions": dims }))
    };
    let transpose = |what, p: &[usize]| {
        let op = Op::Transpose { permutation: p.to_vec() };
        spec(what, "transpose", op, &[&[2, 3, 4]], json!({ "permutation": p }))
    };
    let slice = |what, starts: &[usize], limits: &[usize], strides: &[usize]| {
        let op = Op::Slice {
            starts: starts.to_vec(),
            limits: limits.to_vec(),
            strides: strides.to_vec(),
        };
        let attrs = json!({ "starts": starts, "limits": limits, "strides": strides });
        spec(what, "slice", op, &[&[2, 3, 4]], attrs)
    };
    let pad = |what, low: &[usize], high: &[usize], interior: &[usize]| {
        let op = Op::Pad { low: low.to_vec(), high: high.to_vec(), interior: interior.to_vec() };
        let attrs = json!({ "low": low, "high": high, "interior": interior });
        spec(what, "pad", op, &[&[2, 3, 4]], attrs)
    };
    let concatenate = |what, dim: usize, parts: &[&[usize]]| {
        let op = Op::Concatenate { dim, count: parts.len() };
        spec(what, "concatenate", op, parts, json!({ "dim": dim }))
    };
    vec![
        broadcast("scalar", &[2, 3], &[], &[]),
        broadcast("bias", &[2, 3, 4], &[2], &[4]),
        broadcast("middle", &[2, 3, 4], &[0, 2], &[2, 4]),
        sum("everything", &[0, 1, 2]),
        sum("middle", &[1]),
        sum("ends", &[0, 2]),
        transpose("swap", &[0, 2, 1]),
        transpose("cycle", &[2, 0, 1]),
        spec(
            "",
            "reshape",
            Op::Reshape { shape: vec![4, 6] },
            &[&[2, 3, 4]],
            json!({ "shape": [4, 6] }),
        ),
        slice("rows", &[1, 0, 0], &[2, 3, 4], &[1, 1, 1]),
        slice("strided", &[0, 1, 1], &[2, 3, 4], &[1, 2, 2]),
        slice("one_element", &[1, 2, 3], &[2, 3, 4], &[1, 1, 1]),
        pad("around", &[1, 0, 2], &[0, 3, 1], &[0, 0, 0]),
        pad("between", &[0, 0, 0], &[0, 0, 0], &[2, 1, 0]),
        pad("everywhere", &[1, 2, 0], &[2, 0, 1], &[1, 0, 3]),
        concatenate("rows", 0, &[&[2, 3], &[4, 3]]),
        concatenate("channels", 2, &[&[2, 3, 1], &[2, 3, 4], &[2, 3, 2]]),
        concatenate("one", 1, &[&[2, 3]]),
    ]
}
