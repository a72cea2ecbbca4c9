//! Rows of weights that meet zeros only.
//!
//! A certificate at a point need not fix them: reading a number takes Coq a
//! twentieth of a millisecond, and most of what comes out of a rectifier is 0.
//! Where values are rounded, after a batch norm, a 0 may stand for a small number:
//! there all rows are fixed. Masks are left out: no kink may depend on one.
//! Nothing here is trusted: a row that is wrongly left open leaves values open,
//! which Coq then reports.

use cotangent::graph::{Graph, Op, ValueId};
use cotangent::interp::{Tensor, Value, run_all};
use cotangent::net::Network;
use cotangent::step::forward;

/// For each parameter, whether a row of it can stay open; empty where none can.
pub fn unmet_rows(net: &Network, params: &[&[f32]], batch: usize, x: &[f32]) -> Vec<Vec<bool>> {
    values(net, params, batch, x)
        .map(|(graph, values)| {
            let rows = |param| unmet(&graph, &values, ValueId(param as u32)).unwrap_or_default();
            (0..params.len()).map(rows).collect()
        })
        .unwrap_or_else(|| vec![Vec::new(); params.len()])
}

/// The forward pass in binary32, all of it.
fn values(
    net: &Network,
    params: &[&[f32]],
    batch: usize,
    x: &[f32],
) -> Option<(Graph, Vec<Value<f32>>)> {
    let graph = forward(net, batch).ok()?;
    if !graph.instructions.iter().all(|i| is_exact(&i.op)) {
        return None;
    }
    let arguments = params.iter().copied().chain([x]);
    let inputs: Option<Vec<Value<f32>>> = graph
        .inputs
        .iter()
        .zip(arguments)
        .map(|(input, data)| {
            Some(Value::Real(Tensor::new(input.ty.shape.clone(), data.to_vec()).ok()?))
        })
        .collect();
    let values = run_all(&graph, &inputs?).ok()?;
    Some((graph, values))
}

/// Whether Coq computes it without rounding.
fn is_exact(op: &Op) -> bool {
    matches!(
        op,
        Op::Constant { .. }
            | Op::Add
            | Op::Relu
            | Op::DotGeneral(_)
            | Op::Conv(_)
            | Op::BroadcastInDim { .. }
            | Op::Reshape { .. }
            | Op::MaxPool(_)
    )
}

/// The rows of the matrix `param` that are multiplied by zeros only, if all that is
/// done with it is `x · param`.
fn unmet(graph: &Graph, values: &[Value<f32>], param: ValueId) -> Option<Vec<bool>> {
    let mut users = graph.instructions.iter().filter(|i| i.operands.contains(&param));
    let (user, None) = (users.next()?, users.next()) else { return None };
    let [left, right] = user.operands[..] else { return None };
    let Op::DotGeneral(dims) = &user.op else { return None };
    let plain = right == param && dims.lhs_contracting == [1] && dims.rhs_contracting == [0];
    let x = values[left.index()].real().ok()?;
    let [_, n] = x.shape()[..] else { return None };
    plain.then(|| (0..n).map(|k| x.data().iter().skip(k).step_by(n).all(|&z| z == 0.0)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use cotangent::net::{NetSpec, Number};

    fn open(net: NetSpec) -> Vec<Vec<bool>> {
        let net = net.network().unwrap();
        let params: Vec<Vec<f32>> =
            net.params().iter().map(|p| vec![1.0; p.shape.iter().product()]).collect();
        let params: Vec<&[f32]> = params.iter().map(Vec::as_slice).collect();
        unmet_rows(&net, &params, 2, &[0.0, 1.0, 0.0, 2.0])
    }

    #[test]
    fn rows_that_meet_zeros_are_open() {
        let rows = open(NetSpec::new("plain", [2]).dense(3).relu().dense(2));
        assert_eq!(rows, [vec![true, false], vec![], vec![false; 3], vec![]]);
    }

    #[test]
    fn masks_behind_all_kinks_change_nothing() {
        let late = NetSpec::new("late", [2]).dense(3).relu().dropout(Number::ratio(1, 2)).dense(2);
        assert_eq!(open(late), [vec![true, false], vec![], vec![false; 3], vec![]]);
    }

    #[test]
    fn none_is_open_where_values_are_rounded() {
        let rows = open(NetSpec::new("normed", [2]).dense(3).batch_norm().relu().dense(2));
        assert!(rows.iter().all(Vec::is_empty), "{rows:?}");
    }
}
