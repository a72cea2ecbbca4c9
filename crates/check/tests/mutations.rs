//! The checks can say no: under each deliberately wrong rule some check of
//! that op fails.

use cotangent_check::{
    CheckError, Options, cases, differentiated, finite_differences, kink_table_with, sample_inputs,
};
use cotangent_graph::{
    Builder, Comparison, ConvDims, DotDims, Graph, Op, Role, TensorType, ValueId, Window,
};
use cotangent_vjp::{Application, Cotangents, Rule, VjpError, rule};
use std::collections::BTreeSet;

/// A wrong rule for one op, right for all others.
struct Mutation {
    what: &'static str,
    op: &'static str,
    rule: Rule,
}

/// A [`Mutation`] from a pattern of the op and a body that may use the builder
/// and the application.
macro_rules! wrong {
    ($op:literal, $what:literal, $pattern:pat => |$b:ident, $a:ident| $body:expr) => {
        Mutation {
            what: $what,
            op: $op,
            rule: |$b: &mut Builder, $a: &Application| -> Result<Cotangents, VjpError> {
                match &$a.op {
                    $pattern => $body,
                    _ => rule($b, $a),
                }
            },
        }
    };
}

/// The right cotangents with operand `k`'s replaced.
fn with(
    b: &mut Builder,
    a: &Application,
    k: usize,
    change: impl FnOnce(&mut Builder, ValueId) -> Result<ValueId, VjpError>,
) -> Result<Cotangents, VjpError> {
    let mut all = rule(b, a)?;
    if let Some(Some(right)) = all.get(k).copied() {
        all[k] = Some(change(b, right)?);
    }
    Ok(all)
}

fn negated(b: &mut Builder, a: &Application, k: usize) -> Result<Cotangents, VjpError> {
    with(b, a, k, |b, right| Ok(b.push(Op::Neg, &[right])?))
}

/// Right by a factor of 1 + 1e-5: what a check to 1e-6 must still see.
fn slightly_off(b: &mut Builder, a: &Application, k: usize) -> Result<Cotangents, VjpError> {
    with(b, a, k, |b, right| {
        let factor = cotangent_graph::Rational::new(100_001, 100_000).unwrap();
        let factor = b.constant_like(factor, right)?;
        Ok(b.mul(right, factor)?)
    })
}

/// The rule applied as if the op were `op`.
fn as_if(b: &mut Builder, a: &Application, op: Op) -> Result<Cotangents, VjpError> {
    rule(b, &Application { op, ..a.clone() })
}

/// The rectifier's rule with `direction` in its mask and the branches in
/// `order`.
fn relu_mask(
    b: &mut Builder,
    a: &Application,
    direction: Comparison,
    swapped: bool,
) -> Result<Cotangents, VjpError> {
    let zero = b.constant_like(0, a.operands[0])?;
    let on = b.compare(direction, a.operands[0], zero)?;
    let (then, otherwise) = if swapped { (zero, a.cotangent) } else { (a.cotangent, zero) };
    Ok(vec![Some(b.select(on, then, otherwise)?)])
}

/// The padding of each dimension exchanged end for end.
fn shifted(dims: &ConvDims) -> ConvDims {
    let padding = dims.padding.iter().map(|&(low, high)| (high, low)).collect();
    ConvDims { padding, ..dims.clone() }
}

/// The convolution without its dilation, padded so much less that its result
/// has the same shape.
fn undilated(dims: &ConvDims, kernel: &[usize]) -> ConvDims {
    let mut near = dims.clone();
    for (d, &cells) in kernel[..dims.strides.len()].iter().enumerate() {
        let span = (cells - 1) * (dims.dilation[d] - 1);
        near.padding[d].1 = near.padding[d].1.saturating_sub(span);
        near.dilation[d] = 1;
    }
    near
}

/// Operand `k`'s cotangent replaced where `wrong` fits its shapes, else kept.
fn or_right(
    b: &mut Builder,
    a: &Application,
    k: usize,
    wrong: impl FnOnce(&mut Builder) -> Result<ValueId, VjpError>,
) -> Result<Cotangents, VjpError> {
    with(b, a, k, |b, right| match wrong(b) {
        Ok(value) if b.ty(value) == b.ty(right) => Ok(value),
        _ => Ok(right),
    })
}

fn sum_last(b: &mut Builder, x: ValueId) -> Result<ValueId, VjpError> {
    let shape = b.shape(x).to_vec();
    let last = shape.len() - 1;
    let total = b.reduce_sum(x, &[last])?;
    Ok(b.broadcast(total, &shape, &(0..last).collect::<Vec<_>>())?)
}

/// Cross-entropy's cotangent from its parts; `mass` is whether `softmax` is
/// scaled by `Σt`, `mean` whether the sum is divided by the number of rows.
fn cross_entropy(
    b: &mut Builder,
    a: &Application,
    mass: bool,
    mean: bool,
) -> Result<Cotangents, VjpError> {
    let (z, t) = (a.operands[0], a.operands[1]);
    let mut softmax = b.push(Op::Softmax, &[z])?;
    if mass {
        let total = sum_last(b, t)?;
        softmax = b.mul(softmax, total)?;
    }
    let excess = b.sub(softmax, t)?;
    let mut scale = a.cotangent;
    if mean {
        let shape = b.shape(z);
        let rows: usize = shape[..shape.len() - 1].iter().product();
        let rows = b.constant(rows as i64, &[])?;
        scale = b.div(scale, rows)?;
    }
    let scale = b.splat(scale, z)?;
    Ok(vec![Some(b.mul(excess, scale)?), None])
}

/// Every maximal cell of a pool over the whole of a vector.
fn all_ties(b: &mut Builder, a: &Application, w: &Window) -> Result<Cotangents, VjpError> {
    let n = b.shape(a.operands[0])[0];
    if w.size != [n] || b.shape(a.result) != [1] {
        return rule(b, a);
    }
    let top = b.reshape(a.result, &[])?;
    let top = b.splat(top, a.operands[0])?;
    let ct = b.reshape(a.cotangent, &[])?;
    let ct = b.splat(ct, a.operands[0])?;
    let zero = b.constant_like(0, ct)?;
    let tied = b.compare(Comparison::Eq, a.operands[0], top)?;
    Ok(vec![Some(b.select(tied, ct, zero)?)])
}

fn mutations() -> Vec<Mutation> {
    vec![
        wrong!("add", "left sign", Op::Add => |b, a| negated(b, a, 0)),
        wrong!("add", "right dropped", Op::Add => |_b, a| Ok(vec![Some(a.cotangent), None])),
        wrong!("subtract", "sign not flipped", Op::Sub => |b, a| negated(b, a, 1)),
        wrong!("multiply", "operands kept", Op::Mul => |b, a| {
            let one = b.mul(a.cotangent, a.operands[0])?;
            let other = b.mul(a.cotangent, a.operands[1])?;
            Ok(vec![Some(one), Some(other)])
        }),
        wrong!("multiply", "one path forgotten", Op::Mul => |b, a| {
            let mut all = rule(b, a)?;
            all[1] = None;
            Ok(all)
        }),
        wrong!("divide", "sign of the denominator", Op::Div => |b, a| negated(b, a, 1)),
        wrong!("divide", "denominator not squared", Op::Div => |b, a| {
            with(b, a, 1, |b, _| {
                let scaled = b.mul(a.cotangent, a.result)?;
                Ok(b.push(Op::Neg, &[scaled])?)
            })
        }),
        wrong!("negate", "sign dropped", Op::Neg => |b, a| negated(b, a, 0)),
        wrong!("exponential", "argument for result", Op::Exp => |b, a| {
            Ok(vec![Some(b.mul(a.cotangent, a.operands[0])?)])
        }),
        wrong!("log", "times for divided by", Op::Log => |b, a| {
            Ok(vec![Some(b.mul(a.cotangent, a.operands[0])?)])
        }),
        wrong!("sqrt", "half dropped", Op::Sqrt => |b, a| {
            Ok(vec![Some(b.div(a.cotangent, a.result)?)])
        }),
        wrong!("relu", "mask negated", Op::Relu => |b, a| {
            relu_mask(b, a, Comparison::Gt, true)
        }),
        wrong!("relu", "mask >=", Op::Relu => |b, a| relu_mask(b, a, Comparison::Ge, false)),
        wrong!("relu", "no mask", Op::Relu => |_b, a| Ok(vec![Some(a.cotangent)])),
        wrong!("select", "branches exchanged", Op::Select => |b, a| {
            let right = rule(b, a)?;
            Ok(vec![None, right[2], right[1]])
        }),
        wrong!("select", "both branches", Op::Select => |_b, a| {
            Ok(vec![None, Some(a.cotangent), Some(a.cotangent)])
        }),
        wrong!("dot_general", "left sign", Op::DotGeneral(_) => |b, a| negated(b, a, 0)),
        wrong!("dot_general", "right off by 1e-5", Op::DotGeneral(_) => |b, a| {
            slightly_off(b, a, 1)
        }),
        wrong!("dot_general", "batch dimensions paired the other way", Op::DotGeneral(dims) => |b, a| {
            let mut rhs_batch = dims.rhs_batch.clone();
            rhs_batch.reverse();
            let dims = DotDims { rhs_batch, ..dims.clone() };
            or_right(b, a, 0, |b| {
                let wrong = as_if(b, a, Op::DotGeneral(dims))?;
                wrong[0].ok_or(VjpError::NotDifferentiable { op: "dot_general", operand: 0 })
            })
        }),
        wrong!("convolution", "padding reversed in the image", Op::Conv(dims) => |b, a| {
            let input = b.shape(a.operands[0])[1..=dims.strides.len()].to_vec();
            or_right(b, a, 0, |b| {
                let op = Op::ConvInputGrad { dims: shifted(dims), input };
                Ok(b.push(op, &[a.cotangent, a.operands[1]])?)
            })
        }),
        wrong!("convolution", "padding reversed in the kernel", Op::Conv(dims) => |b, a| {
            let kernel = b.shape(a.operands[1])[..dims.strides.len()].to_vec();
            or_right(b, a, 1, |b| {
                let op = Op::ConvKernelGrad { dims: shifted(dims), kernel };
                Ok(b.push(op, &[a.operands[0], a.cotangent])?)
            })
        }),
        wrong!("convolution", "dilation forgotten", Op::Conv(dims) => |b, a| {
            let near = undilated(dims, b.shape(a.operands[1]));
            let input = b.shape(a.operands[0])[1..=dims.strides.len()].to_vec();
            or_right(b, a, 0, |b| {
                let op = Op::ConvInputGrad { dims: near, input };
                Ok(b.push(op, &[a.cotangent, a.operands[1]])?)
            })
        }),
        wrong!("convolution", "image sign", Op::Conv(_) => |b, a| negated(b, a, 0)),
        wrong!("convolution", "kernel off by 1e-5", Op::Conv(_) => |b, a| slightly_off(b, a, 1)),
        wrong!("conv_input_grad", "padding reversed", Op::ConvInputGrad { dims, .. } => |b, a| {
            or_right(b, a, 0, |b| {
                Ok(b.push(Op::Conv(shifted(dims)), &[a.cotangent, a.operands[1]])?)
            })
        }),
        wrong!("conv_input_grad", "kernel sign", Op::ConvInputGrad { .. } => |b, a| {
            negated(b, a, 1)
        }),
        wrong!("conv_kernel_grad", "padding reversed", Op::ConvKernelGrad { dims, .. } => |b, a| {
            or_right(b, a, 1, |b| {
                Ok(b.push(Op::Conv(shifted(dims)), &[a.operands[0], a.cotangent])?)
            })
        }),
        wrong!("conv_kernel_grad", "image sign", Op::ConvKernelGrad { .. } => |b, a| {
            negated(b, a, 0)
        }),
        wrong!("broadcast_in_dim", "mean for sum", Op::BroadcastInDim { .. } => |b, a| {
            let copies = b.ty(a.result).len() / b.ty(a.operands[0]).len();
            with(b, a, 0, |b, right| {
                let copies = b.constant_like(copies as i64, right)?;
                Ok(b.div(right, copies)?)
            })
        }),
        wrong!("reduce_sum", "mean for sum", Op::ReduceSum { .. } => |b, a| {
            let terms = b.ty(a.operands[0]).len() / b.ty(a.result).len();
            with(b, a, 0, |b, right| {
                let terms = b.constant_like(terms as i64, right)?;
                Ok(b.div(right, terms)?)
            })
        }),
        wrong!("transpose", "permutation not inverted", Op::Transpose { permutation } => |b, a| {
            or_right(b, a, 0, |b| {
                let again = b.transpose(a.cotangent, permutation)?;
                let shape = b.shape(a.operands[0]).to_vec();
                Ok(b.reshape(again, &shape)?)
            })
        }),
        wrong!("window_sum", "padding reversed", Op::WindowSum(w) => |b, a| {
            let padding = w.padding.iter().map(|&(low, high)| (high, low)).collect();
            as_if(b, a, Op::WindowSum(Window { padding, ..w.clone() }))
        }),
        wrong!("window_sum", "mean for sum", Op::WindowSum(w) => |b, a| {
            let cells: usize = w.size.iter().product();
            with(b, a, 0, |b, right| {
                let cells = b.constant_like(cells as i64, right)?;
                Ok(b.div(right, cells)?)
            })
        }),
        wrong!("window_sum_grad", "padding reversed", Op::WindowSumGrad { window: w, input } => |b, a| {
            let padding = w.padding.iter().map(|&(low, high)| (high, low)).collect();
            let window = Window { padding, ..w.clone() };
            as_if(b, a, Op::WindowSumGrad { window, input: input.clone() })
        }),
        wrong!("reshape", "elements transposed", Op::Reshape { .. } => |b, a| {
            let reversed: Vec<usize> = (0..b.ty(a.cotangent).rank()).rev().collect();
            let turned = b.transpose(a.cotangent, &reversed)?;
            let shape = b.shape(a.operands[0]).to_vec();
            Ok(vec![Some(b.reshape(turned, &shape)?)])
        }),
        wrong!("max_pool", "spread over the window", Op::MaxPool(w) => |b, a| {
            let input = b.shape(a.operands[0]).to_vec();
            let op = Op::WindowSumGrad { window: w.clone(), input };
            Ok(vec![Some(b.push(op, &[a.cotangent])?)])
        }),
        wrong!("max_pool", "every tied cell", Op::MaxPool(w) => |b, a| all_ties(b, a, w)),
        wrong!("max_pool", "smallest cell", Op::MaxPool(w) => |b, a| {
            let minus = b.push(Op::Neg, &[a.operands[0]])?;
            Ok(vec![Some(b.push(Op::MaxPoolGrad(w.clone()), &[minus, a.cotangent])?)])
        }),
        wrong!("max_pool_grad", "not constant in its first operand", Op::MaxPoolGrad(_) => |_b, a| {
            Ok(vec![Some(a.cotangent), None])
        }),
        wrong!("softmax", "rank-1 term dropped", Op::Softmax => |b, a| {
            Ok(vec![Some(b.mul(a.cotangent, a.result)?)])
        }),
        wrong!("softmax", "sum not weighted", Op::Softmax => |b, a| {
            let total = sum_last(b, a.cotangent)?;
            let centred = b.sub(a.cotangent, total)?;
            Ok(vec![Some(b.mul(a.result, centred)?)])
        }),
        wrong!("softmax_cross_entropy", "Σt taken for 1", Op::SoftmaxCrossEntropy => |b, a| {
            cross_entropy(b, a, false, true)
        }),
        wrong!("softmax_cross_entropy", "sum for mean", Op::SoftmaxCrossEntropy => |b, a| {
            cross_entropy(b, a, true, false)
        }),
    ]
}

/// Whether some check of `op` fails under `rule`; only checks of that op are
/// made, so that nothing else can be what fails.
fn noticed(op: &str, rule: Rule) -> bool {
    let differs = cases().unwrap().iter().filter(|c| c.op == op).any(|case| {
        let graph = differentiated(&case.forward, rule).unwrap();
        let inputs = case.inputs(&graph).unwrap();
        !finite_differences(&graph, &inputs, &Options::default()).unwrap().passed
    });
    differs || kink_table_with(rule).unwrap().iter().any(|row| row.op == op && !row.passed)
}

#[test]
fn every_wrong_rule_is_noticed() {
    for mutation in mutations() {
        assert!(noticed(mutation.op, mutation.rule), "{}: {}", mutation.op, mutation.what);
    }
}

#[test]
fn the_right_rule_is_not() {
    let ops: BTreeSet<_> = mutations().iter().map(|m| m.op).collect();
    for op in ops {
        assert!(!noticed(op, rule), "{op}");
    }
}

/// The differentiable ops an op brings along. No wildcard: a new op does not
/// compile until it says here whether it needs cases and a mutation.
fn needs_a_mutation(op: &Op) -> bool {
    match op {
        Op::Constant { .. } | Op::Compare(_) => false,
        Op::Add
        | Op::Sub
        | Op::Mul
        | Op::Div
        | Op::Neg
        | Op::Exp
        | Op::Log
        | Op::Sqrt
        | Op::Relu
        | Op::Select
        | Op::DotGeneral(_)
        | Op::Conv(_)
        | Op::ConvInputGrad { .. }
        | Op::ConvKernelGrad { .. }
        | Op::BroadcastInDim { .. }
        | Op::ReduceSum { .. }
        | Op::Transpose { .. }
        | Op::WindowSum(_)
        | Op::WindowSumGrad { .. }
        | Op::Reshape { .. }
        | Op::MaxPool(_)
        | Op::MaxPoolGrad(_)
        | Op::Softmax
        | Op::SoftmaxCrossEntropy => true,
    }
}

/// Differentiable ops there are; the match above has as many `true` variants.
const DIFFERENTIABLE: usize = 24;

#[test]
fn every_differentiable_op_has_a_case_and_a_mutation() {
    let mutated: BTreeSet<&str> = mutations().iter().map(|m| m.op).collect();
    let mut tested = BTreeSet::new();
    for case in cases().unwrap() {
        let instructions = &case.forward.instructions;
        assert!(instructions.iter().any(|i| i.op.name() == case.op), "{}", case.name);
        tested.extend(instructions.iter().filter(|i| needs_a_mutation(&i.op)).map(|i| i.op.name()));
    }
    assert_eq!(tested, mutated);
    assert_eq!(mutated.len(), DIFFERENTIABLE);
}

fn one_case() -> (Graph, Vec<cotangent_interp::Value<f64>>) {
    let case = &cases().unwrap()[0];
    let graph = differentiated(&case.forward, rule).unwrap();
    let inputs = case.inputs(&graph).unwrap();
    (graph, inputs)
}

/// Names carry meaning: two gradients of one shape under each other's names.
#[test]
fn exchanged_gradients_are_noticed() {
    let case = cases().unwrap().into_iter().find(|c| c.name == "multiply").unwrap();
    let mut graph = differentiated(&case.forward, rule).unwrap();
    let inputs = case.inputs(&graph).unwrap();
    let (one, other) = (graph.outputs[1].value, graph.outputs[2].value);
    (graph.outputs[1].value, graph.outputs[2].value) = (other, one);
    assert!(!finite_differences(&graph, &inputs, &Options::default()).unwrap().passed);
}

#[test]
fn graphs_that_are_not_gradients_are_refused() {
    let (graph, inputs) = one_case();
    let refused = |g: &Graph| {
        matches!(finite_differences(g, &inputs, &Options::default()), Err(CheckError::Outputs(_)))
    };
    assert!(!refused(&graph));
    let mut without_loss = graph.clone();
    without_loss.outputs.remove(0);
    assert!(refused(&without_loss));
    let mut without_gradients = graph.clone();
    without_gradients.outputs.truncate(1);
    assert!(refused(&without_gradients));
    let mut misnamed = graph;
    misnamed.outputs[1].name = "nobody".into();
    assert!(refused(&misnamed));
}

fn relu_at(x: &[f64]) -> cotangent_check::Report {
    let mut b = Builder::new();
    let ty = TensorType::real([x.len()]);
    let a = b.input("a", Role::Param, ty).unwrap();
    let y = b.push(Op::Relu, &[a]).unwrap();
    b.output("y", Role::Logits, y);
    let graph = differentiated(&b.finish().unwrap(), rule).unwrap();
    let mut inputs = sample_inputs(&graph, 0).unwrap();
    inputs[0].real_mut().unwrap().data_mut().copy_from_slice(x);
    finite_differences(&graph, &inputs, &Options::default()).unwrap()
}

#[test]
fn samples_on_a_kink_are_skipped_and_too_many_fail() {
    let mut x = vec![1.0; 60];
    // Two coordinates of 60 and every direction: 6 of 64 samples.
    (x[3], x[7]) = (0.0, 0.0);
    let report = relu_at(&x);
    assert_eq!((report.skipped, report.samples, report.passed), (6, 64, false));
    assert!(report.tensors[0].passed, "those counted agree");
    // Near a kink a smaller step still counts.
    (x[3], x[7]) = (1e-4, -1e-5);
    let report = relu_at(&x);
    assert_eq!((report.skipped, report.passed), (0, true));
}

#[test]
fn a_nan_does_not_pass() {
    assert!(!relu_at(&[1.0, f64::NAN, 2.0]).passed);
}
