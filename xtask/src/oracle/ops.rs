//! One program per op and attribute set: its value and its vector-Jacobian
//! product with a given cotangent.

use super::Result;
use super::nets::integers;
use super::write::Case;
use cotangent_check::{Fill, fill};
use cotangent_graph::{Builder, Comparison, Op, Precision, Rational, Role, TensorType, ValueId};
use cotangent_interp::{Tensor, Value};
use cotangent_stablehlo::{Meta, Program, What};
use cotangent_vjp::vjp;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value as Json, json};

mod closed_forms;
mod pointwise;
mod products;
mod re_indexings;
mod windows;

type Shape = Vec<usize>;
type Sides = [(usize, usize); 2];

/// How the inputs of a case are drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Draw {
    Spread,
    Positive,
    /// The operands in -8..8.
    Wide,
    /// The operands in -1e4..1e4.
    Far,
    /// Small integers: zeros for relu, bounds for clamp, ties for maxima.
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
    let mut specs = pointwise::specs();
    specs.extend(products::specs());
    specs.extend(re_indexings::specs());
    specs.extend(windows::specs());
    specs.extend(closed_forms::specs());
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

/// A constant of an op, and the nearest double for the reference, which rounds
/// it to the file's element type.
fn ratio((numerator, denominator): (i64, i64)) -> (Rational, f64) {
    // Denominators here are written down above 0.
    let value = Rational::new(numerator, denominator).unwrap_or(numerator.into());
    let nearest = value.to_f64();
    (value, nearest)
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
                Draw::Wide if k < self.operands.len() => {
                    scaled(&fill(&i.ty, Fill::Spread, &mut rng)?, 8.0)?
                }
                Draw::Far if k < self.operands.len() => {
                    scaled(&fill(&i.ty, Fill::Spread, &mut rng)?, 1e4)?
                }
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
