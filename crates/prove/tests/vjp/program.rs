//! A graph as a Rocq term of type `prog`, for ops that no StableHLO text is
//! raised to yet. Contractions come from `Op::contraction`.

use cotangent_graph::{Comparison, Graph, IndexExpr, Instruction, Op, Rational, TensorType};

/// A value of the graph: one of the program, or a comparison of two.
enum Bound {
    Value(usize),
    Compare(&'static str, usize, usize),
}

/// The program and the values of the graph's outputs.
pub struct Program {
    pub text: String,
    pub outputs: Vec<usize>,
}

pub fn program(graph: &Graph) -> Program {
    let mut bounds: Vec<Bound> = (0..graph.inputs.len()).map(Bound::Value).collect();
    let mut lines = Vec::new();
    for instruction in &graph.instructions {
        let operands: Vec<&Bound> =
            instruction.operands.iter().map(|v| &bounds[v.index()]).collect();
        if let (Op::Compare(direction), [Bound::Value(a), Bound::Value(b)]) =
            (&instruction.op, operands.as_slice())
        {
            bounds.push(Bound::Compare(comparison(*direction), *a, *b));
            continue;
        }
        let types: Vec<&TensorType> = instruction.operands.iter().map(|v| graph.ty(*v)).collect();
        let value = graph.inputs.len() + lines.len();
        lines.push(format!("({value}, {})", op(instruction, &operands, &types)));
        bounds.push(Bound::Value(value));
    }
    let output = |bound: &Bound| match bound {
        Bound::Value(value) => *value,
        Bound::Compare(..) => panic!("a comparison is no result"),
    };
    Program {
        text: format!("[:: {}]", lines.join(";\n  ")).replace("[:: ]", "[::]"),
        outputs: graph.outputs.iter().map(|o| output(&bounds[o.value.index()])).collect(),
    }
}

fn op(instruction: &Instruction, operands: &[&Bound], types: &[&TensorType]) -> String {
    let Instruction { op, ty, .. } = instruction;
    let result = shape(&ty.shape);
    let value = |k: usize| match operands[k] {
        Bound::Value(value) => *value,
        Bound::Compare(..) => panic!("{} of a comparison", op.name()),
    };
    let unary = |name: &str| format!("Una {result} {name} {}", value(0));
    let binary = |name: &str| format!("Bin {result} {name} {} {}", value(0), value(1));
    if let Some(contraction) = op.contraction(types) {
        let views = contraction.operands.iter().enumerate().map(|(k, map)| {
            format!("View {} {} {}", value(k), shape(&types[k].shape), index_map(map))
        });
        let (space, map) = (shape(&contraction.space), index_map(&contraction.result));
        return format!("Contract {space} {result} {map} {}", list(views));
    }
    match op {
        Op::Constant { value, .. } => format!("Const {result} {}", rational(value)),
        Op::Add => binary("Add"),
        Op::Sub => binary("Sub"),
        Op::Mul => binary("Mul"),
        Op::Div => binary("Div"),
        Op::Maximum => binary("Max"),
        Op::Neg => unary("Neg"),
        Op::Exp => unary("Exp"),
        Op::Log => unary("Log"),
        Op::Sqrt => unary("Sqrt"),
        Op::Rsqrt => unary("Rsqrt"),
        Op::Tanh => unary("Tanh"),
        Op::Logistic => unary("Logistic"),
        Op::Softplus => unary("Softplus"),
        Op::Relu => unary("Relu"),
        Op::Abs => unary("Abs"),
        Op::Elu { alpha } => unary(&format!("(Elu {})", rational(alpha))),
        Op::Clamp { low, high } => unary(&format!("(Clamp {} {})", rational(low), rational(high))),
        Op::Select => match operands[0] {
            Bound::Compare(c, a, b) => {
                format!("Sel {result} {c} {a} {b} {} {}", value(1), value(2))
            }
            Bound::Value(_) => panic!("a selection by a real"),
        },
        Op::Reshape { .. } => format!("Reshape {} {result} {}", shape(&types[0].shape), value(0)),
        Op::Softmax => format!("Softmax {result} {}", value(0)),
        Op::SoftmaxCrossEntropy => {
            format!("SoftmaxCrossEntropy {} {} {}", shape(&types[0].shape), value(0), value(1))
        }
        Op::MaxPool(window) | Op::MaxPoolGrad(window) => {
            let (image, rank) = (shape(&types[0].shape), window.size.len());
            let cells = (0..rank).map(|d| IndexExpr {
                terms: vec![(d, window.strides[d] as i64), (rank + d, 1)],
                offset: -(window.padding[d].0 as i64),
            });
            let map = index_map(&cells.collect::<Vec<_>>());
            let size = shape(&window.size);
            if matches!(op, Op::MaxPool(_)) {
                format!("MaxPool {image} {result} {size} {map} {}", value(0))
            } else {
                let out = shape(&types[1].shape);
                format!("MaxPoolGrad {image} {out} {size} {map} {} {}", value(0), value(1))
            }
        }
        other => panic!("{} is no op of the proofs", other.name()),
    }
}

fn comparison(direction: Comparison) -> &'static str {
    match direction {
        Comparison::Eq => "CEq",
        Comparison::Gt => "CGt",
        Comparison::Ge => "CGe",
    }
}

fn index_map(map: &[IndexExpr]) -> String {
    list(map.iter().map(|form| {
        let terms = form.terms.iter().map(|(d, coefficient)| format!("({d}, ({coefficient})%Z)"));
        format!("Aff ({})%Z {}", form.offset, list(terms))
    }))
}

fn rational(value: &Rational) -> String {
    let ratio = value.as_ratio();
    format!("({})%Z {}%positive", ratio.numer(), ratio.denom())
}

/// `[:: 2; 3]`
pub fn shape(dims: &[usize]) -> String {
    list(dims.iter().map(usize::to_string))
}

fn list(items: impl Iterator<Item = String>) -> String {
    let items: Vec<String> = items.collect();
    if items.is_empty() { "[::]".into() } else { format!("[:: {}]", items.join("; ")) }
}
