//! Values that stay from run to run, and the ways in which overwriting them
//! too early would show.

mod support;

use cotangent_graph::{
    Builder, Comparison, DotDims, Graph, GraphError, Op, Role, TensorType, ValueId,
};
use cotangent_native::{Executor, NativeError, Options};
use support::{data, executor, interpret};

/// Runs `graph` three times on the executor, and three times on the
/// interpreter with the resident outputs fed back by hand; all outputs of all
/// runs must be equal.
fn follows(graph: &Graph) {
    for threads in [1, 2] {
        // Small integers, so that sums are exact in any order.
        let mut inputs = support::inputs(graph, 11);
        inputs.iter_mut().flatten().for_each(|x| *x = (*x * 2.0).round());
        let mut e = executor(graph, threads, &inputs);
        for run in 0..3 {
            let expected = interpret(graph, &inputs, |x| x);
            e.run().unwrap();
            for (k, o) in graph.outputs.iter().enumerate() {
                let context = format!("run {run}, output `{}`\n{}", o.name, e.describe());
                assert_eq!(expected[k], e.output(k), "{context}");
                let input = graph.inputs.iter().position(|i| i.name == o.name && i.role == o.role);
                if let Some(i) = input.filter(|_| o.role.is_resident()) {
                    assert_eq!(expected[k], e.input_mut(i), "{context}");
                    inputs[i].copy_from_slice(&expected[k]);
                }
            }
            for (k, i) in graph.inputs.iter().enumerate().filter(|(_, i)| !i.role.is_resident()) {
                assert_eq!(inputs[k], e.input(k), "run {run} changed input `{}`", i.name);
            }
        }
    }
}

/// Parameters `a`, `b`, `c` of 6 elements, data `x` of 6; `f` gives the
/// outputs as (name, role, value).
fn graph(
    f: impl Fn(&mut Builder, [ValueId; 4]) -> Result<Vec<(&'static str, Role, ValueId)>, GraphError>,
) -> Graph {
    let mut b = Builder::new();
    let mut input = |n: &str, r| b.input(n, r, TensorType::real([6])).unwrap();
    let values = [
        input("a", Role::Param),
        input("b", Role::Param),
        input("c", Role::State),
        input("x", Role::Data),
    ];
    for (name, role, value) in f(&mut b, values).unwrap() {
        b.output(name, role, value);
    }
    b.finish().unwrap()
}

const P: Role = Role::Param;

#[test]
fn plain_update() {
    follows(&graph(|b, [a, _, _, x]| Ok(vec![("a", P, b.add(a, x)?)])));
}

#[test]
fn swapped_and_rotated() {
    follows(&graph(|_, [a, b, ..]| Ok(vec![("a", P, b), ("b", P, a)])));
    follows(&graph(|b, [v, w, s, x]| {
        Ok(vec![("a", P, w), ("b", P, v), ("c", Role::State, b.mul(s, x)?)])
    }));
    // a ← b ← c ← fresh.
    follows(&graph(|b, [_, w, s, x]| {
        Ok(vec![("a", P, w), ("b", P, s), ("c", Role::State, b.mul(s, x)?)])
    }));
    // A longer cycle.
    follows(&graph(|_, [v, w, s, _]| Ok(vec![("a", P, w), ("b", P, s), ("c", Role::State, v)])));
}

#[test]
fn unchanged_and_shared() {
    follows(&graph(|_, [a, ..]| Ok(vec![("a", P, a)])));
    // b is unchanged and also becomes a.
    follows(&graph(|_, [_, b, ..]| Ok(vec![("a", P, b), ("b", P, b)])));
    // Data becomes a parameter.
    follows(&graph(|_, [.., x]| Ok(vec![("a", P, x), ("b", P, x)])));
    // One value three times, resident and not.
    follows(&graph(|b, [a, _, _, x]| {
        let y = b.add(a, x)?;
        Ok(vec![("g", Role::Grad, y), ("a", P, y), ("b", P, y), ("h", Role::Grad, y)])
    }));
}

/// A value that becomes a parameter by exchanging buffers, and is an output
/// under another name as well.
#[test]
fn exchanged_and_returned() {
    follows(&graph(|b, [a, _, _, x]| {
        let (m, n) = (b.reshape(a, &[6, 1])?, b.reshape(x, &[1, 6])?);
        let m = b.matmul(m, n)?;
        // Σa · x, which is neither a nor x.
        let y = b.push(Op::ReduceSum { dims: vec![0] }, &[m])?;
        Ok(vec![("g", Role::Grad, y), ("a", P, y), ("h", Role::Grad, y)])
    }));
}

#[test]
fn old_value_read_late() {
    // The old value is an output beside the new one.
    follows(&graph(|b, [a, _, _, x]| Ok(vec![("a", P, b.add(a, x)?), ("old", Role::Grad, a)])));
    // The old value is read with the new one.
    follows(&graph(|b, [a, _, _, x]| {
        let new = b.add(a, x)?;
        let both = b.mul(new, a)?;
        Ok(vec![("a", P, new), ("y", Role::Grad, both)])
    }));
    // ... by ops that cannot share its pass.
    follows(&graph(|b, [a, _, _, x]| {
        let new = b.add(a, x)?;
        let (m, n) = (b.reshape(new, &[2, 3])?, b.reshape(a, &[3, 2])?);
        let product = b.matmul(m, n)?;
        let t = b.transpose(n, &[1, 0])?;
        let late = b.mul(t, m)?;
        Ok(vec![("a", P, new), ("y", Role::Grad, product), ("z", Role::Grad, late)])
    }));
    // ... by an op that needs the new value too, and so comes after it.
    follows(&graph(|b, [a, _, _, x]| {
        let new = b.add(a, x)?;
        let (m, n) = (b.reshape(new, &[2, 3])?, b.reshape(a, &[3, 2])?);
        Ok(vec![("a", P, new), ("y", Role::Grad, b.matmul(m, n)?)])
    }));
    // The old value broadcast into its own update.
    follows(&graph(|b, [a, _, _, x]| {
        let m = b.reshape(a, &[2, 3])?;
        let s = b.reduce_sum(m, &[0])?;
        let s = b.broadcast(s, &[2, 3], &[1])?;
        let s = b.reshape(s, &[6])?;
        let s = b.mul(s, x)?;
        Ok(vec![("a", P, b.sub(a, s)?)])
    }));
    // Two updates that each read the other's old value.
    follows(&graph(|b, [v, w, s, x]| {
        let (p, q) = (b.add(v, w)?, b.mul(v, w)?);
        let r = b.sub(p, q)?;
        Ok(vec![("a", P, p), ("b", P, q), ("c", Role::State, b.mul(r, s)?), ("x'", Role::Grad, x)])
    }));
    // An op that is not pointwise updates a parameter.
    follows(&graph(|b, [a, _, _, x]| {
        let (m, n) = (b.reshape(a, &[6, 1])?, b.reshape(x, &[1, 6])?);
        let m = b.matmul(m, n)?;
        Ok(vec![("a", P, b.push(Op::ReduceSum { dims: vec![0] }, &[m])?)])
    }));
}

/// The transpose of `a` times `x`, so that every row of the result reads all
/// rows of `a`; large enough to be computed and followed up in several blocks.
fn crosswise(b: &mut Builder, a: ValueId, x: ValueId) -> Result<ValueId, GraphError> {
    let dims = DotDims { lhs_contracting: vec![0], rhs_contracting: vec![0], ..DotDims::default() };
    let y = b.push(Op::DotGeneral(dims), &[a, x])?;
    // Back to small integers, which stay exact.
    let (zero, one) = (b.constant_like(0, y)?, b.constant_like(1, y)?);
    let on = b.compare(Comparison::Gt, y, zero)?;
    b.select(on, one, zero)
}

#[test]
fn a_product_is_not_overwritten_by_what_follows_it() {
    let square = || TensorType::real([300, 300]);
    // The update of `a` follows the product that reads all of `a`.
    let mut b = Builder::new();
    let a = b.input("a", P, square()).unwrap();
    let x = b.input("x", Role::Data, square()).unwrap();
    let y = crosswise(&mut b, a, x).unwrap();
    b.output("a", P, y);
    follows(&b.finish().unwrap());
    // The same for a temporary value that the product is the last to read.
    let mut b = Builder::new();
    let a = b.input("a", Role::Data, square()).unwrap();
    let x = b.input("x", Role::Data, square()).unwrap();
    let t = b.mul(a, a).unwrap();
    let t = b.transpose(t, &[1, 0]).unwrap();
    let y = crosswise(&mut b, t, x).unwrap();
    let y = b.transpose(y, &[1, 0]).unwrap();
    b.output("y", Role::Logits, y);
    follows(&b.finish().unwrap());
}

#[test]
fn constants_and_unused_inputs() {
    follows(&graph(|b, [a, ..]| {
        let c = b.constant(3, &[6])?;
        let d = b.constant(3, &[2, 2])?;
        let y = b.mul(a, c)?;
        Ok(vec![("a", P, c), ("y", Role::Grad, y), ("d", Role::Grad, d), ("c", Role::State, c)])
    }));
    follows(&graph(|b, _| Ok(vec![("one", Role::Loss, b.constant(1, &[])?)])));
    follows(&graph(|_, _| Ok(vec![])));
}

#[test]
fn resident_means_one_buffer() {
    let g = graph(|b, [a, w, _, x]| Ok(vec![("a", P, b.add(a, x)?), ("b", P, b.mul(w, a)?)]));
    let mut e = executor(&g, 1, &support::inputs(&g, 1));
    for _ in 0..3 {
        e.run().unwrap();
        for k in 0..2 {
            let out = e.output(k).as_ptr();
            assert_eq!(out, e.input_mut(k).as_ptr());
        }
    }
    // a is updated in place: the pass that reads it for b comes first.
    let before = e.input(0).as_ptr();
    e.run().unwrap();
    assert_eq!(before, e.input(0).as_ptr());
}

#[test]
fn an_executor_can_move_to_another_thread() {
    let g = graph(|b, [a, _, _, x]| Ok(vec![("a", P, b.add(a, x)?)]));
    let inputs = support::inputs(&g, 1);
    let mut e = executor(&g, 2, &inputs);
    let e = std::thread::spawn(move || {
        e.run().unwrap();
        e
    });
    let sum: Vec<f32> = inputs[0].iter().zip(&inputs[3]).map(|(a, x)| a + x).collect();
    assert_eq!(e.join().unwrap().output(0), sum);
}

#[test]
fn inputs_start_as_zeros() {
    let g = graph(|b, [a, _, _, x]| Ok(vec![("y", Role::Grad, b.add(a, x)?)]));
    let mut e = Executor::new(&g, &Options { threads: 1 }).unwrap();
    e.run().unwrap();
    assert_eq!(e.output(0), [0.0; 6]);
    e.input_mut(0).copy_from_slice(&data(6, 1));
    e.run().unwrap();
    assert_eq!(e.output(0), data(6, 1));
}

#[test]
fn refuses_what_it_cannot_hold() {
    let mut b = Builder::new();
    b.input("p", Role::Mask, TensorType::pred([2])).unwrap();
    let g = b.finish().unwrap();
    let refused = Executor::new(&g, &Options::default());
    assert!(matches!(refused.err(), Some(NativeError::Pred { what: "input", .. })));

    let g = graph(|b, [a, _, _, x]| {
        Ok(vec![("p", Role::Mask, b.compare(cotangent_graph::Comparison::Gt, a, x)?)])
    });
    let refused = Executor::new(&g, &Options::default());
    assert!(matches!(refused.err(), Some(NativeError::Pred { what: "output", .. })));

    let g = graph(|b, [a, ..]| Ok(vec![("a", P, b.reshape(a, &[2, 3])?)]));
    let refused = Executor::new(&g, &Options::default());
    assert!(matches!(refused.err(), Some(NativeError::Resident { .. })));

    let g = graph(|b, [a, ..]| {
        let huge =
            b.push(Op::BroadcastInDim { shape: vec![6, 1 << 25, 1 << 20], dims: vec![0] }, &[a])?;
        Ok(vec![("y", Role::Grad, huge)])
    });
    let refused = Executor::new(&g, &Options::default());
    assert!(matches!(refused.err(), Some(NativeError::Memory { .. })));

    let mut g = graph(|b, [a, _, _, x]| Ok(vec![("y", Role::Grad, b.add(a, x)?)]));
    g.outputs[0].value = ValueId(99);
    let refused = Executor::new(&g, &Options::default());
    assert!(matches!(refused.err(), Some(NativeError::Graph(_))));

    let huge: cotangent_graph::Rational = "1e39".parse().unwrap();
    let g = graph(|b, [a, ..]| {
        let c = b.constant(huge.clone(), &[6])?;
        Ok(vec![("y", Role::Grad, b.mul(a, c)?)])
    });
    let refused = Executor::new(&g, &Options::default());
    assert!(matches!(refused.err(), Some(NativeError::Constant { .. })));
}
