//! One small graph per op and attribute that matters.

use crate::{CheckError, Fill, fill};
use cotangent_graph::{
    Builder, Comparison, ConvDims, DotDims, Graph, GraphError, Op, Role, TensorType, ValueId,
    Window,
};
use cotangent_interp::Value;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// A forward graph around one op, with inputs that suit it. Inputs of role
/// [`Role::Param`] are those to differentiate in.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// The op and what is special about its attributes.
    pub name: String,
    /// The op under test, by [`Op::name`].
    pub op: &'static str,
    /// The graph; its one output is the op's result.
    pub forward: Graph,
    fills: Vec<Fill>,
}

impl Case {
    /// Inputs for `graph`, which is the case's own or what
    /// [`crate::differentiated`] makes of it.
    pub fn inputs(&self, graph: &Graph) -> Result<Vec<Value<f64>>, CheckError> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.name.bytes().map(u64::from).sum());
        let fills = self.fills.iter().chain(std::iter::repeat(&Fill::Spread));
        graph.inputs.iter().zip(fills).map(|(i, &f)| fill(&i.ty, f, &mut rng)).collect()
    }
}

/// Role, fill and shape of an input.
type Spec<'a> = (Role, Fill, &'a [usize]);

fn param(shape: &[usize]) -> Spec<'_> {
    (Role::Param, Fill::Spread, shape)
}

fn positive(shape: &[usize]) -> Spec<'_> {
    (Role::Param, Fill::Positive, shape)
}

fn data(shape: &[usize]) -> Spec<'_> {
    (Role::Data, Fill::Spread, shape)
}

fn targets(shape: &[usize]) -> Spec<'_> {
    (Role::Target, Fill::Targets, shape)
}

/// A case for `op` applied to its inputs.
fn plain(what: &str, op: Op, inputs: &[Spec]) -> Result<Case, CheckError> {
    built(what, op.name(), inputs, |b, v| b.push(op, v))
}

fn built(
    what: &str,
    op: &'static str,
    inputs: &[Spec],
    build: impl FnOnce(&mut Builder, &[ValueId]) -> Result<ValueId, GraphError>,
) -> Result<Case, CheckError> {
    let mut b = Builder::new();
    let mut values = Vec::new();
    for (k, (role, _, shape)) in inputs.iter().enumerate() {
        values.push(b.input(format!("x{k}"), *role, TensorType::real(*shape))?);
    }
    let y = build(&mut b, &values)?;
    b.output("y", Role::Logits, y);
    Ok(Case {
        name: if what.is_empty() { op.to_string() } else { format!("{op}: {what}") },
        op,
        forward: b.finish()?,
        fills: inputs.iter().map(|(_, fill, _)| *fill).collect(),
    })
}

/// Every differentiable op, over the attributes that matter.
pub fn cases() -> Result<Vec<Case>, CheckError> {
    let mut cases = pointwise()?;
    cases.extend(products()?);
    cases.extend(convolutions()?);
    cases.extend(re_indexings()?);
    cases.extend(windows()?);
    cases.extend(closed_forms()?);
    Ok(cases)
}

fn pointwise() -> Result<Vec<Case>, CheckError> {
    let s: &[usize] = &[2, 3];
    Ok(vec![
        plain("", Op::Add, &[param(s), param(s)])?,
        plain("", Op::Sub, &[param(s), param(s)])?,
        plain("", Op::Mul, &[param(s), param(s)])?,
        plain("", Op::Div, &[param(s), positive(s)])?,
        built("both operands alike", "multiply", &[param(s)], |b, v| b.mul(v[0], v[0]))?,
        built("three paths meet", "add", &[param(s)], |b, v| {
            let square = b.mul(v[0], v[0])?;
            let sum = b.add(square, v[0])?;
            b.add(sum, v[0])
        })?,
        plain("", Op::Neg, &[param(s)])?,
        plain("", Op::Exp, &[param(s)])?,
        plain("", Op::Log, &[positive(s)])?,
        plain("", Op::Sqrt, &[positive(s)])?,
        plain("", Op::Relu, &[param(&[4, 5])])?,
        built("", "select", &[param(&[4, 5]), param(&[4, 5])], |b, v| {
            let p = b.compare(Comparison::Gt, v[0], v[1])?;
            let square = b.mul(v[0], v[0])?;
            b.select(p, square, v[1])
        })?,
        built("by data", "select", &[data(&[4, 5]), param(&[4, 5]), param(&[4, 5])], |b, v| {
            let zero = b.constant_like(0, v[0])?;
            let p = b.compare(Comparison::Ge, v[0], zero)?;
            b.select(p, v[1], v[2])
        })?,
    ])
}

fn products() -> Result<Vec<Case>, CheckError> {
    let dims = |lb: &[usize], rb: &[usize], lc: &[usize], rc: &[usize]| {
        Op::DotGeneral(DotDims {
            lhs_batch: lb.to_vec(),
            rhs_batch: rb.to_vec(),
            lhs_contracting: lc.to_vec(),
            rhs_contracting: rc.to_vec(),
        })
    };
    Ok(vec![
        plain("matrices", dims(&[], &[], &[1], &[0]), &[param(&[2, 3]), param(&[3, 4])])?,
        plain("rows with rows", dims(&[], &[], &[1], &[1]), &[param(&[2, 3]), param(&[4, 3])])?,
        plain("vectors", dims(&[], &[], &[0], &[0]), &[param(&[5]), param(&[5])])?,
        plain("outer", dims(&[], &[], &[], &[]), &[param(&[2, 3]), param(&[4])])?,
        plain("batched", dims(&[0], &[0], &[2], &[1]), &[param(&[2, 3, 4]), param(&[2, 4, 5])])?,
        plain(
            "two batch dimensions in other places",
            dims(&[3, 0], &[1, 2], &[1], &[0]),
            &[param(&[2, 3, 4, 2]), param(&[3, 2, 2, 5])],
        )?,
        plain(
            "two contractions crossed",
            dims(&[1], &[2], &[2, 0], &[0, 3]),
            &[param(&[2, 3, 4, 2]), param(&[4, 2, 3, 2])],
        )?,
    ])
}

/// What to vary of a convolution, image and kernel.
struct Conv {
    what: &'static str,
    image: &'static [usize],
    kernel: &'static [usize],
    strides: &'static [usize],
    padding: &'static [(usize, usize)],
    dilation: &'static [usize],
    groups: usize,
}

const CONVOLUTIONS: [Conv; 9] = {
    let plain = Conv {
        what: "plain",
        image: &[2, 4, 5, 2],
        kernel: &[2, 3, 2, 3],
        strides: &[1, 1],
        padding: &[(0, 0), (0, 0)],
        dilation: &[1, 1],
        groups: 1,
    };
    [
        Conv { what: "strided", strides: &[2, 3], image: &[2, 6, 7, 2], ..plain },
        Conv { what: "padded", padding: &[(1, 0), (2, 1)], ..plain },
        Conv { what: "dilated", dilation: &[2, 2], image: &[1, 5, 6, 2], ..plain },
        Conv { what: "grouped", image: &[1, 4, 4, 4], kernel: &[2, 2, 2, 6], groups: 2, ..plain },
        Conv { what: "depthwise", image: &[1, 4, 4, 3], kernel: &[3, 3, 1, 3], groups: 3, ..plain },
        Conv {
            what: "depthwise with a multiplier, strided, padded, dilated",
            image: &[2, 7, 6, 2],
            kernel: &[3, 2, 1, 4],
            strides: &[2, 1],
            padding: &[(1, 2), (0, 3)],
            dilation: &[2, 3],
            groups: 2,
        },
        Conv {
            what: "one dimension, the last cells unused",
            image: &[2, 8, 2],
            kernel: &[3, 2, 2],
            strides: &[3],
            padding: &[(1, 0)],
            dilation: &[1],
            groups: 1,
        },
        Conv {
            what: "three dimensions",
            image: &[1, 3, 4, 3, 1],
            kernel: &[2, 2, 2, 1, 2],
            strides: &[1, 2, 1],
            padding: &[(0, 0), (1, 1), (0, 1)],
            dilation: &[1, 1, 2],
            groups: 1,
        },
        plain,
    ]
};

fn convolutions() -> Result<Vec<Case>, CheckError> {
    let mut cases = Vec::new();
    for c in CONVOLUTIONS {
        let dims = ConvDims {
            strides: c.strides.to_vec(),
            padding: c.padding.to_vec(),
            dilation: c.dilation.to_vec(),
            groups: c.groups,
        };
        let conv = Op::Conv(dims.clone());
        let types = [TensorType::real(c.image), TensorType::real(c.kernel)];
        let dy = conv.infer(&[&types[0], &types[1]])?.shape;
        let spatial = c.strides.len();
        let input = Op::ConvInputGrad { dims: dims.clone(), input: c.image[1..=spatial].to_vec() };
        let kernel = Op::ConvKernelGrad { dims, kernel: c.kernel[..spatial].to_vec() };
        cases.push(plain(c.what, conv, &[param(c.image), param(c.kernel)])?);
        cases.push(plain(c.what, input, &[param(&dy), param(c.kernel)])?);
        cases.push(plain(c.what, kernel, &[param(c.image), param(&dy)])?);
    }
    Ok(cases)
}

fn re_indexings() -> Result<Vec<Case>, CheckError> {
    let broadcast = |shape: &[usize], dims: &[usize]| Op::BroadcastInDim {
        shape: shape.to_vec(),
        dims: dims.to_vec(),
    };
    let sum = |dims: &[usize]| Op::ReduceSum { dims: dims.to_vec() };
    let s: &[usize] = &[2, 3, 4];
    Ok(vec![
        plain("a scalar", broadcast(&[2, 3], &[]), &[param(&[])])?,
        plain("a bias", broadcast(&[2, 3, 4], &[2]), &[param(&[4])])?,
        plain("into the middle", broadcast(&[2, 3, 4], &[0, 2]), &[param(&[2, 4])])?,
        plain("everything", sum(&[0, 1, 2]), &[param(s)])?,
        plain("the middle", sum(&[1]), &[param(s)])?,
        plain("both ends", sum(&[0, 2]), &[param(s)])?,
        plain("swap", Op::Transpose { permutation: vec![1, 0] }, &[param(&[2, 3])])?,
        plain("cycle", Op::Transpose { permutation: vec![2, 0, 1] }, &[param(s)])?,
        plain("flatten", Op::Reshape { shape: vec![2, 12] }, &[param(s)])?,
    ])
}

fn window(size: &[usize], strides: &[usize], padding: &[(usize, usize)]) -> Window {
    Window { size: size.to_vec(), strides: strides.to_vec(), padding: padding.to_vec() }
}

fn windows() -> Result<Vec<Case>, CheckError> {
    let mut cases = Vec::new();
    let image: &[usize] = &[2, 5, 6, 2];
    let over = |size, stride, padding| {
        window(&[1, size, size, 1], &[1, stride, stride, 1], &[(0, 0), padding, padding, (0, 0)])
    };
    for (what, w) in [
        ("apart", over(2, 2, (0, 0))),
        ("with gaps", over(2, 3, (0, 0))),
        ("overlapping", over(3, 2, (0, 0))),
        ("overlapping, padded", over(3, 2, (1, 2))),
        (
            "over all dimensions",
            window(&[2, 3, 2, 2], &[1, 1, 2, 1], &[(0, 1), (1, 0), (0, 0), (0, 1)]),
        ),
    ] {
        let sum = Op::WindowSum(w.clone());
        let dy = sum.infer(&[&TensorType::real(image)])?.shape;
        let grad = Op::WindowSumGrad { window: w.clone(), input: image.to_vec() };
        cases.push(plain(what, sum, &[param(image)])?);
        cases.push(plain(what, grad, &[param(&dy)])?);
        cases.push(plain(what, Op::MaxPool(w.clone()), &[param(image)])?);
        // Constant in its first operand between kinks, so there is a product.
        let inputs = [param(image), data(&dy)];
        cases.push(built(what, "max_pool_grad", &inputs, |b, v| {
            let back = b.push(Op::MaxPoolGrad(w), &[v[0], v[1]])?;
            b.mul(back, v[0])
        })?);
    }
    Ok(cases)
}

fn closed_forms() -> Result<Vec<Case>, CheckError> {
    let cross_entropy = |what, shape: &[usize]| {
        plain(what, Op::SoftmaxCrossEntropy, &[param(shape), targets(shape)])
    };
    Ok(vec![
        plain("one row", Op::Softmax, &[param(&[5])])?,
        plain("rows", Op::Softmax, &[param(&[2, 4])])?,
        plain("attention", Op::Softmax, &[param(&[2, 2, 3])])?,
        cross_entropy("one row", &[5])?,
        cross_entropy("rows", &[3, 4])?,
        cross_entropy("two leading dimensions", &[2, 3, 4])?,
        built(
            "logits in use elsewhere",
            "softmax_cross_entropy",
            &[param(&[3, 4]), targets(&[3, 4])],
            |b, v| {
                let square = b.mul(v[0], v[0])?;
                let loss = b.push(Op::SoftmaxCrossEntropy, &[square, v[1]])?;
                let total = b.reduce_sum(v[0], &[0, 1])?;
                b.mul(loss, total)
            },
        )?,
    ])
}
