//! Deliberately wrong rules, each for one op and right for all others.

use cotangent_graph::{Builder, Comparison, ConvDims, DotDims, Op, Rational, ValueId};
use cotangent_vjp::{Application, Cotangents, Rule, VjpError, rule};

/// A wrong rule.
pub struct Mutation {
    pub what: &'static str,
    pub op: &'static str,
    pub rule: Rule,
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

/// The rule applied as if the op were `op`.
fn as_if(b: &mut Builder, a: &Application, op: Op) -> Result<Cotangents, VjpError> {
    rule(b, &Application { op, ..a.clone() })
}

/// Operand `k`'s cotangent replaced where `change` fits its shape.
fn with(
    b: &mut Builder,
    a: &Application,
    k: usize,
    change: impl FnOnce(&mut Builder) -> Result<ValueId, VjpError>,
) -> Result<Cotangents, VjpError> {
    let mut all = rule(b, a)?;
    if let Some(Some(right)) = all.get(k).copied()
        && let Ok(wrong) = change(b)
        && b.ty(wrong) == b.ty(right)
    {
        all[k] = Some(wrong);
    }
    Ok(all)
}

/// With low and high padding exchanged.
fn padded_otherwise(dims: &ConvDims) -> ConvDims {
    let padding = dims.padding.iter().map(|&(low, high)| (high, low)).collect();
    ConvDims { padding, ..dims.clone() }
}

pub fn mutations() -> Vec<Mutation> {
    vec![
        wrong!("add", "the first operand's cotangent negated", Op::Add => |b, a|
            with(b, a, 0, |b| Ok(b.push(Op::Neg, &[a.cotangent])?))),
        wrong!("subtract", "no minus", Op::Sub => |b, a| as_if(b, a, Op::Add)),
        wrong!("multiply", "by the same operand", Op::Mul => |b, a|
            with(b, a, 0, |b| Ok(b.mul(a.cotangent, a.operands[0])?))),
        wrong!("divide", "divided once by the denominator", Op::Div => |b, a|
        with(b, a, 1, |b| {
            let scaled = b.mul(a.cotangent, a.result)?;
            Ok(b.push(Op::Neg, &[scaled])?)
        })),
        wrong!("negate", "no minus", Op::Neg => |_b, a| Ok(vec![Some(a.cotangent)])),
        wrong!("exponential", "by the operand", Op::Exp => |b, a|
            with(b, a, 0, |b| Ok(b.mul(a.cotangent, a.operands[0])?))),
        wrong!("log", "by the result", Op::Log => |b, a|
            with(b, a, 0, |b| Ok(b.div(a.cotangent, a.result)?))),
        wrong!("sqrt", "not halved", Op::Sqrt => |b, a|
            with(b, a, 0, |b| Ok(b.div(a.cotangent, a.result)?))),
        wrong!("rsqrt", "no minus", Op::Rsqrt => |b, a| {
            let all = rule(b, a)?;
            let Some(Some(right)) = all.first().copied() else { return Ok(all) };
            Ok(vec![Some(b.push(Op::Neg, &[right])?)])
        }),
        wrong!("tanh", "the result not squared", Op::Tanh => |b, a|
        with(b, a, 0, |b| {
            let one = b.constant_like(1, a.result)?;
            let slope = b.sub(one, a.result)?;
            Ok(b.mul(a.cotangent, slope)?)
        })),
        wrong!("logistic", "of the hyperbolic tangent", Op::Logistic => |b, a|
            as_if(b, a, Op::Tanh)),
        wrong!("softplus", "by the result", Op::Softplus => |b, a|
            with(b, a, 0, |b| Ok(b.mul(a.cotangent, a.result)?))),
        wrong!("erf", "by the result", Op::Erf => |b, a|
            with(b, a, 0, |b| Ok(b.mul(a.cotangent, a.result)?))),
        wrong!("erf_grad", "2 dropped", Op::ErfGrad => |b, a|
        with(b, a, 0, |b| {
            let slope = b.mul(a.operands[0], a.result)?;
            let negative = b.push(Op::Neg, &[slope])?;
            Ok(b.mul(a.cotangent, negative)?)
        })),
        wrong!("elu", "by the result below zero", Op::Elu { .. } => |b, a|
        with(b, a, 0, |b| {
            let zero = b.constant_like(0, a.operands[0])?;
            let on = b.compare(Comparison::Gt, a.operands[0], zero)?;
            let below = b.mul(a.cotangent, a.result)?;
            Ok(b.select(on, a.cotangent, below)?)
        })),
        wrong!("clamp", "open above", Op::Clamp { low, .. } => |b, a|
        with(b, a, 0, |b| {
            let zero = b.constant_like(0, a.operands[0])?;
            let low = b.constant_like(low.clone(), a.operands[0])?;
            let above = b.compare(Comparison::Gt, a.operands[0], low)?;
            Ok(b.select(above, a.cotangent, zero)?)
        })),
        wrong!("abs", "of relu", Op::Abs => |b, a| as_if(b, a, Op::Relu)),
        wrong!("maximum", "all to the lesser", Op::Maximum => |b, a| {
            let operands = vec![a.operands[1], a.operands[0]];
            rule(b, &Application { operands, ..a.clone() })
        }),
        wrong!("relu", "on where the operand is below zero", Op::Relu => |b, a|
        with(b, a, 0, |b| {
            let zero = b.constant_like(0, a.operands[0])?;
            let on = b.compare(Comparison::Gt, zero, a.operands[0])?;
            Ok(b.select(on, a.cotangent, zero)?)
        })),
        wrong!("select", "the other branch", Op::Select => |b, a| {
            let mut all = rule(b, a)?;
            all.swap(1, 2);
            Ok(if a.wanted[1] && a.wanted[2] { all } else { rule(b, a)? })
        }),
        wrong!("compare_eq", "also where it does not hold", Op::Select => |b, a|
            with(b, a, 1, |_| Ok(a.cotangent))),
        wrong!("compare_gt", "where it does not hold", Op::Select => |b, a|
        with(b, a, 1, |b| {
            let zero = b.constant_like(0, a.cotangent)?;
            Ok(b.select(a.operands[0], zero, a.cotangent)?)
        })),
        wrong!("compare_ge", "nowhere", Op::Select => |b, a|
            with(b, a, 2, |b| Ok(b.constant_like(0, a.cotangent)?))),
        wrong!("dot_general", "contracted over other pairs", Op::DotGeneral(dims) => |b, a| {
            let mut other = dims.clone();
            other.rhs_contracting.reverse();
            let operands: Vec<_> = a.operands.iter().map(|&v| b.ty(v).clone()).collect();
            let fits = Op::DotGeneral(other.clone()).infer(&[&operands[0], &operands[1]]).is_ok();
            as_if(b, a, Op::DotGeneral(if fits { other } else { dims.clone() }))
        }),
        wrong!("dot_general", "two dimensions of the cotangent exchanged",
            Op::DotGeneral(DotDims { .. }) => |b, a| {
            let mut order: Vec<usize> = (0..b.ty(a.cotangent).rank()).collect();
            order.reverse();
            let cotangent = b.transpose(a.cotangent, &order)?;
            if b.ty(cotangent) == b.ty(a.cotangent) {
                rule(b, &Application { cotangent, ..a.clone() })
            } else {
                rule(b, a)
            }
        }),
        wrong!("convolution", "of another convolution", Op::Conv(dims) => |b, a|
            as_if(b, a, Op::Conv(padded_otherwise(dims))).or_else(|_| rule(b, a))),
        wrong!("convolution", "the cotangent of the other operand", Op::Conv(_) => |b, a| {
            let mut all = rule(b, a)?;
            if let [Some(image), Some(kernel)] = all[..] && b.ty(image) == b.ty(kernel) {
                all.swap(0, 1);
            }
            Ok(all)
        }),
        wrong!("conv_input_grad", "of another convolution",
            Op::ConvInputGrad { dims, input } => |b, a| {
            let (dims, input) = (padded_otherwise(dims), input.clone());
            as_if(b, a, Op::ConvInputGrad { dims, input }).or_else(|_| rule(b, a))
        }),
        wrong!("conv_kernel_grad", "of another convolution",
            Op::ConvKernelGrad { dims, kernel } => |b, a| {
            let (dims, kernel) = (padded_otherwise(dims), kernel.clone());
            as_if(b, a, Op::ConvKernelGrad { dims, kernel }).or_else(|_| rule(b, a))
        }),
        wrong!("broadcast_in_dim", "summed over other dimensions",
            Op::BroadcastInDim { dims, .. } => |b, a|
            with(b, a, 0, |b| Ok(b.reduce_sum(a.cotangent, dims)?))),
        wrong!("reduce_sum", "of the mean", Op::ReduceSum { .. } => |b, a| {
            let all = rule(b, a)?;
            let Some(Some(right)) = all.first().copied() else { return Ok(all) };
            let summed = b.ty(right).len() / b.ty(a.cotangent).len();
            let summed = b.constant_like(summed as i64, right)?;
            Ok(vec![Some(b.div(right, summed)?)])
        }),
        wrong!("transpose", "the same permutation", Op::Transpose { permutation } => |b, a|
            with(b, a, 0, |b| Ok(b.transpose(a.cotangent, permutation)?))),
        wrong!("reshape", "doubled", Op::Reshape { .. } => |b, a| {
            let all = rule(b, a)?;
            let Some(Some(right)) = all.first().copied() else { return Ok(all) };
            Ok(vec![Some(b.add(right, right)?)])
        }),
        wrong!("slice", "from the other end", Op::Slice { starts, strides, .. } => |b, a| {
            let (whole, part) = (b.shape(a.operands[0]).to_vec(), b.shape(a.result).to_vec());
            let spread = |d: usize| (part[d] - 1) * strides[d] + 1;
            let pad = Op::Pad {
                low: (0..whole.len()).map(|d| whole[d] - starts[d] - spread(d)).collect(),
                high: starts.clone(),
                interior: strides.iter().map(|s| s - 1).collect(),
            };
            with(b, a, 0, |b| Ok(b.push(pad, &[a.cotangent])?))
        }),
        wrong!("pad", "from the other end", Op::Pad { low, high, interior } => |b, a| {
            let (low, high, interior) = (high.clone(), low.clone(), interior.clone());
            as_if(b, a, Op::Pad { low, high, interior })
        }),
        wrong!("concatenate", "the first part where the last is", Op::Concatenate { dim, .. } => |b, a|
        with(b, a, 0, |b| {
            let (whole, part) = (b.shape(a.cotangent)[*dim], b.shape(a.operands[0])[*dim]);
            Ok(b.slice_in_dim(a.cotangent, *dim, whole - part, whole)?)
        })),
        wrong!("window_sum", "doubled", Op::WindowSum(_) => |b, a| {
            let all = rule(b, a)?;
            let Some(Some(right)) = all.first().copied() else { return Ok(all) };
            Ok(vec![Some(b.add(right, right)?)])
        }),
        wrong!("window_sum", "of another window", Op::WindowSum(window) => |b, a| {
            let mut window = window.clone();
            window.padding.iter_mut().for_each(|p| std::mem::swap(&mut p.0, &mut p.1));
            as_if(b, a, Op::WindowSum(window)).or_else(|_| rule(b, a))
        }),
        wrong!("window_sum_grad", "the sum doubled", Op::WindowSumGrad { .. } => |b, a| {
            let all = rule(b, a)?;
            let Some(Some(right)) = all.first().copied() else { return Ok(all) };
            Ok(vec![Some(b.add(right, right)?)])
        }),
        wrong!("max_pool", "of another window", Op::MaxPool(window) => |b, a| {
            let mut window = window.clone();
            window.padding.iter_mut().for_each(|p| std::mem::swap(&mut p.0, &mut p.1));
            as_if(b, a, Op::MaxPool(window)).or_else(|_| rule(b, a))
        }),
        wrong!("max_pool_grad", "a gradient in the pooled tensor", Op::MaxPoolGrad(_) => |_b, a|
            Ok(vec![Some(a.result), None])),
        wrong!("variance", "not doubled", Op::Variance { .. } => |b, a| {
            let all = rule(b, a)?;
            let Some(Some(right)) = all.first().copied() else { return Ok(all) };
            let two = b.constant_like(2, right)?;
            Ok(vec![Some(b.div(right, two)?)])
        }),
        wrong!("normalize", "another epsilon", Op::Normalize { dims, .. } => |b, a|
            as_if(b, a, Op::Normalize { dims: dims.clone(), eps: Rational::integer(2) })),
        wrong!("softmax", "the diagonal alone", Op::Softmax => |b, a|
            with(b, a, 0, |b| Ok(b.mul(a.cotangent, a.result)?))),
        wrong!("softmax_cross_entropy", "targets taken to sum to one",
            Op::SoftmaxCrossEntropy => |b, a|
        with(b, a, 0, |b| {
            let softmax = b.push(Op::Softmax, &[a.operands[0]])?;
            let excess = b.sub(softmax, a.operands[1])?;
            let shape = b.shape(excess).to_vec();
            let rows = shape[..shape.len() - 1].iter().product::<usize>();
            let rows = b.constant(rows as i64, &[])?;
            let scale = b.div(a.cotangent, rows)?;
            let scale = b.splat(scale, excess)?;
            Ok(b.mul(excess, scale)?)
        })),
        wrong!("constant", "a factor forgotten", Op::Mul => |_b, a|
            Ok(vec![Some(a.cotangent); 2])),
    ]
}
