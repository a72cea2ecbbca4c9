//! One program per op and attribute set: its value and its vector-Jacobian
//! product with a given cotangent.

use super::Result;
use super::nets::integers;
use super::write::Case;
use cotangent_check::{Fill, fill};
use cotangent_graph::{
    Builder, Comparison, ConvDims, DotDims, Op, Precision, Role, TensorType, ValueId, Window,
};
use cotangent_interp::{Tensor, Value};
use cotangent_stablehlo::{Meta, Program, What};
use cotangent_vjp::vjp;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value as Json, json};

type Shape = Vec<usize>;
type Sides = [(usize, usize); 2];

/// How the inputs of a case are drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Draw {
    Spread,
    Positive,
    /// Small integers: zeros for relu, ties for max-pool.
    Kinks,
    /// Second operand: targets with masses other than one.
    Targets,
    /// As `Targets`, with logits of 1e4.
    Huge,
}

struct Spec {
    name: String,
    reference: &'static str,
    op: Op,
    operands: Vec<Shape>,
    attrs: Json,
    draw: Draw,
}

/// Every op case, in both precisions.
pub fn cases() -> Result<Vec<Case>> {
    let mut specs = pointwise();
    specs.extend(products());
    specs.extend(convolutions());
    specs.extend(re_indexings());
    specs.extend(windows());
    specs.extend(closed_forms());
    let mut cases = Vec::new();
    for precision in [Precision::F32, Precision::F64] {
        for spec in &specs {
            cases.push(spec.case(precision)?);
        }
        for (name, direction) in
            [("GT", Comparison::Gt), ("GE", Comparison::Ge), ("EQ", Comparison::Eq)]
        {
            cases.push(compare_select(name, direction, precision)?);
        }
    }
    Ok(cases)
}

fn spec(what: &str, reference: &'static str, op: Op, operands: &[&[usize]], attrs: Json) -> Spec {
    let name =
        if what.is_empty() { format!("op/{reference}") } else { format!("op/{reference}_{what}") };
    let operands = operands.iter().map(|s| s.to_vec()).collect();
    Spec { name, reference, op, operands, attrs, draw: Draw::Spread }
}

impl Spec {
    fn drawn(mut self, draw: Draw) -> Self {
        self.draw = draw;
        self
    }

    fn case(&self, precision: Precision) -> Result<Case> {
        let differentiable =
            if self.op == Op::SoftmaxCrossEntropy { 1 } else { self.operands.len() };
        let wanted: Vec<usize> = (0..differentiable).collect();
        let program =
            program(&self.operands, &wanted, precision, |b, v| Ok(b.push(self.op.clone(), v)?))?;
        let name = format!("{}/{precision:?}", self.name);
        let mut rng = ChaCha8Rng::seed_from_u64(name.bytes().map(u64::from).sum());
        let inputs = program.graph.inputs.iter().enumerate().map(|(k, i)| {
            Ok(match self.draw {
                Draw::Kinks => integers(&i.ty, &mut rng)?,
                Draw::Positive => fill(&i.ty, Fill::Positive, &mut rng)?,
                Draw::Targets | Draw::Huge if k == 1 => fill(&i.ty, Fill::Targets, &mut rng)?,
                Draw::Huge if k == 0 => scaled(&fill(&i.ty, Fill::Spread, &mut rng)?, 1e4)?,
                _ => fill(&i.ty, Fill::Spread, &mut rng)?,
            })
        });
        let inputs = inputs.collect::<Result<_>>()?;
        Ok(Case {
            name,
            program,
            inputs,
            reference: self.reference,
            compare: "grad",
            attrs: self.attrs.clone(),
            steps: vec![],
        })
    }
}

fn scaled(value: &Value<f64>, factor: f64) -> Result<Value<f64>> {
    let tensor = value.real()?;
    let data = tensor.data().iter().map(|x| x * factor).collect();
    Ok(Tensor::new(tensor.shape().to_vec(), data)?.into())
}

/// The program of `build` and its product with the input `cotangent` in the
/// operands `wanted`.
fn program(
    operands: &[Shape],
    wanted: &[usize],
    precision: Precision,
    build: impl Fn(&mut Builder, &[ValueId]) -> Result<ValueId>,
) -> Result<Program> {
    let declare = |b: &mut Builder| -> Result<Vec<ValueId>> {
        let mut values = Vec::new();
        for (k, shape) in operands.iter().enumerate() {
            values.push(b.input(format!("x{k}"), Role::Data, TensorType::real(shape.clone()))?);
        }
        Ok(values)
    };
    // Inputs come first, so the result's type is found on a scratch graph.
    let mut scratch = Builder::new();
    let values = declare(&mut scratch)?;
    let result = build(&mut scratch, &values)?;
    let ty = scratch.ty(result).clone();

    let mut b = Builder::new();
    let values = declare(&mut b)?;
    let cotangent = b.input("cotangent", Role::Data, ty)?;
    let result = build(&mut b, &values)?;
    let wrt: Vec<ValueId> = wanted.iter().map(|&k| values[k]).collect();
    let gradients = vjp(&mut b, result, cotangent, &wrt)?;
    b.output("value", Role::Data, result);
    for (&k, d) in wanted.iter().zip(gradients) {
        b.output(format!("d_x{k}"), Role::Grad, d);
    }
    let meta = Meta { model: "op".into(), what: What::Op, batch: 1, spec: None, options: None };
    Ok(Program { graph: b.finish()?.without_dead_code(), meta, precision })
}

fn compare_select(name: &str, direction: Comparison, precision: Precision) -> Result<Case> {
    let operands = vec![vec![4, 5]; 4];
    let program = program(&operands, &[2, 3], precision, |b, v| {
        let p = b.compare(direction, v[0], v[1])?;
        Ok(b.select(p, v[2], v[3])?)
    })?;
    let name = format!("op/compare_select_{name}/{precision:?}");
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let inputs =
        program.graph.inputs.iter().map(|i| integers(&i.ty, &mut rng)).collect::<Result<_>>()?;
    // The operands of the reference go by position: x0, x1, x2, x3.
    let direction = name.split(['_', '/']).nth(3).unwrap_or_default().to_string();
    Ok(Case {
        name,
        program,
        inputs,
        reference: "compare_select",
        compare: "grad",
        attrs: json!({ "direction": direction }),
        steps: vec![],
    })
}

fn pointwise() -> Vec<Spec> {
    let s: &[usize] = &[3, 5];
    vec![
        spec("", "add", Op::Add, &[s, s], json!({})),
        spec("", "sub", Op::Sub, &[s, s], json!({})),
        spec("", "mul", Op::Mul, &[s, s], json!({})),
        spec("", "div", Op::Div, &[s, s], json!({})).drawn(Draw::Positive),
        spec("", "neg", Op::Neg, &[s], json!({})),
        spec("", "exp", Op::Exp, &[s], json!({})),
        spec("", "log", Op::Log, &[s], json!({})).drawn(Draw::Positive),
        spec("", "sqrt", Op::Sqrt, &[s], json!({})).drawn(Draw::Positive),
        spec("", "relu", Op::Relu, &[s], json!({})),
        spec("on_kinks", "relu", Op::Relu, &[&[6, 7]], json!({})).drawn(Draw::Kinks),
    ]
}

fn products() -> Vec<Spec> {
    let dot = |what,
               lb: &[usize],
               rb: &[usize],
               lc: &[usize],
               rc: &[usize],
               l: &[usize],
               r: &[usize]| {
        let dims = DotDims {
            lhs_batch: lb.to_vec(),
            rhs_batch: rb.to_vec(),
            lhs_contracting: lc.to_vec(),
            rhs_contracting: rc.to_vec(),
        };
        let attrs = json!({
            "lhs_batching": lb, "rhs_batching": rb, "lhs_contracting": lc, "rhs_contracting": rc,
        });
        spec(what, "dot_general", Op::DotGeneral(dims), &[l, r], attrs)
    };
    vec![
        dot("matrices", &[], &[], &[1], &[0], &[3, 4], &[4, 5]),
        dot("rows_with_rows", &[], &[], &[1], &[1], &[3, 4], &[5, 4]),
        dot("columns", &[], &[], &[0], &[0], &[4, 3], &[4, 5]),
        dot("vectors", &[], &[], &[0], &[0], &[6], &[6]),
        dot("outer", &[], &[], &[], &[], &[2, 3], &[4]),
        dot("batched", &[0], &[0], &[2], &[1], &[2, 3, 4], &[2, 4, 5]),
        dot(
            "batch_dimensions_elsewhere",
            &[3, 0],
            &[1, 2],
            &[1],
            &[0],
            &[2, 3, 4, 5],
            &[3, 5, 2, 2],
        ),
        dot("two_contractions_crossed", &[1], &[2], &[2, 0], &[0, 3], &[2, 3, 4, 2], &[4, 2, 3, 2]),
    ]
}

fn convolutions() -> Vec<Spec> {
    let conv =
        |what, image: [usize; 4], kernel: [usize; 4], s: [usize; 2], p: Sides, d: [usize; 2], g| {
            let dims = ConvDims {
                strides: s.to_vec(),
                padding: p.to_vec(),
                dilation: d.to_vec(),
                groups: g,
            };
            let attrs = json!({ "stride": s, "padding": p, "dilation": d, "groups": g });
            spec(what, "convolution", Op::Conv(dims), &[&image, &kernel], attrs)
        };
    let (one, none) = ([1, 1], [(0, 0); 2]);
    vec![
        conv("plain", [2, 5, 6, 3], [3, 2, 3, 4], one, none, one, 1),
        conv("same", [2, 5, 6, 3], [3, 3, 3, 4], one, [(1, 1); 2], one, 1),
        conv("strided", [2, 6, 7, 2], [2, 3, 2, 3], [2, 3], none, one, 1),
        conv("padded", [2, 4, 5, 2], [2, 3, 2, 3], one, [(1, 0), (2, 1)], one, 1),
        conv("padded_beyond_the_kernel", [1, 3, 3, 1], [2, 2, 1, 2], one, [(3, 2), (0, 4)], one, 1),
        conv("dilated", [1, 6, 7, 2], [2, 3, 2, 3], one, none, [2, 2], 1),
        conv("strided_last_cells_unused", [1, 8, 9, 1], [2, 3, 1, 2], [3, 4], none, one, 1),
        conv("pointwise_strided", [2, 5, 5, 3], [1, 1, 3, 4], [2, 2], none, one, 1),
        conv("grouped", [2, 4, 5, 4], [2, 2, 2, 6], one, [(1, 0), (0, 1)], one, 2),
        conv("depthwise", [2, 5, 5, 3], [3, 3, 1, 3], one, [(1, 1); 2], one, 3),
        conv(
            "depthwise_multiplier_everything",
            [2, 7, 6, 2],
            [3, 2, 1, 4],
            [2, 1],
            [(1, 2), (0, 3)],
            [2, 3],
            2,
        ),
        conv(
            "grouped_strided_dilated",
            [2, 9, 8, 6],
            [3, 2, 2, 9],
            [2, 3],
            [(2, 1), (1, 2)],
            [1, 2],
            3,
        ),
    ]
}

fn re_indexings() -> Vec<Spec> {
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
    ]
}

fn windows() -> Vec<Spec> {
    let mut specs = Vec::new();
    let over = |size: [usize; 2], stride: [usize; 2], p: Sides| {
        (
            vec![1, size[0], size[1], 1],
            vec![1, stride[0], stride[1], 1],
            vec![(0, 0), p[0], p[1], (0, 0)],
        )
    };
    let all = (vec![2, 3, 2, 2], vec![1, 1, 2, 1], vec![(0, 1), (1, 0), (0, 0), (0, 1)]);
    for (what, (size, strides, padding)) in [
        ("apart", over([2, 2], [2, 2], [(0, 0); 2])),
        ("with_gaps", over([2, 1], [3, 2], [(0, 0); 2])),
        ("overlapping", over([3, 2], [1, 1], [(0, 0); 2])),
        ("overlapping_padded", over([3, 3], [2, 1], [(1, 2), (2, 0)])),
        ("over_all_dimensions", all),
    ] {
        let attrs = json!({ "window": size, "stride": strides, "padding": padding });
        let window = Window { size, strides, padding };
        let shape: &[usize] = &[2, 6, 7, 3];
        let (sum, max) = (Op::WindowSum(window.clone()), Op::MaxPool(window));
        specs.push(spec(what, "window_sum", sum, &[shape], attrs.clone()));
        specs.push(spec(what, "max_pool", max.clone(), &[shape], attrs.clone()));
        let ties = format!("{what}_ties");
        specs.push(spec(&ties, "max_pool", max, &[shape], attrs).drawn(Draw::Kinks));
    }
    specs
}

fn closed_forms() -> Vec<Spec> {
    let cross_entropy = |what, draw| {
        spec(what, "softmax_cross_entropy", Op::SoftmaxCrossEntropy, &[&[4, 5], &[4, 5]], json!({}))
            .drawn(draw)
    };
    vec![
        spec("rows", "softmax", Op::Softmax, &[&[3, 5]], json!({ "axis": -1 })),
        spec("attention", "softmax", Op::Softmax, &[&[2, 3, 4]], json!({ "axis": -1 })),
        cross_entropy("soft_targets", Draw::Targets),
        cross_entropy("huge_logits", Draw::Huge),
    ]
}
