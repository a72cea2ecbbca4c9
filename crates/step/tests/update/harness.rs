//! Steps run by the interpreter beside a formula written out for single
//! numbers, and every wrong variant of the step, which must be noticed.

use cotangent_graph::{Graph, Instruction, Op, Rational, Role};
use cotangent_interp::{Tensor, Value};
use cotangent_net::{NetSpec, Network};
use cotangent_step::{StepOptions, train};
use std::collections::BTreeMap;

/// Everything resident, by name.
pub type World = BTreeMap<String, Vec<f64>>;

/// The parameters of [`tiny`].
pub const PARAMS: [&str; 2] = ["dense_1.weight", "dense_1.bias"];

/// A net whose gradient is known: one number in, three classes out.
pub fn tiny() -> Network {
    NetSpec::new("tiny", [1]).dense(3).network().unwrap()
}

/// `z = xw + b`; `dL/db = (Σt)·softmax(z) - t`, `dL/dw = x·dL/db`.
fn gradients(world: &World, x: f64, t: [f64; 3]) -> World {
    let (w, b) = (&world[PARAMS[0]], &world[PARAMS[1]]);
    let e: Vec<f64> = w.iter().zip(b).map(|(w, b)| (x * w + b).exp()).collect();
    let (sum, mass): (f64, f64) = (e.iter().sum(), t.iter().sum());
    let db: Vec<f64> = e.iter().zip(t).map(|(e, t)| mass * e / sum - t).collect();
    let dw = db.iter().map(|d| x * d).collect();
    [(PARAMS[0].to_string(), dw), (PARAMS[1].to_string(), db)].into()
}

/// What a step does to a world: given the gradients, the learning rate, and
/// whether this micro-batch updates.
pub type Formula<'a> = &'a dyn Fn(&mut World, &World, f64, bool);

/// A start, and the batches that follow.
struct Scenario {
    weight: [f64; 3],
    bias: [f64; 3],
    batches: [(f64, [f64; 3]); 6],
}

const HARD: [(f64, [f64; 3]); 6] = [
    (1.7, [0.0, 1.0, 0.0]),
    (-0.6, [0.3, 0.3, 0.9]),
    (2.5, [0.0, 0.0, 1.5]),
    (0.8, [1.0, 0.0, 0.0]),
    (-1.9, [0.0, 1.2, 0.0]),
    (0.4, [0.5, 0.1, 0.4]),
];

fn scenarios() -> [Scenario; 3] {
    let easy = HARD.map(|(x, t)| (x, t.map(|t| t * 0.01)));
    let nothing = HARD.map(|(x, _)| (x, [0.0; 3]));
    [
        Scenario { weight: [0.3, -0.2, 0.5], bias: [0.1, 0.7, -0.4], batches: HARD },
        // Small gradients, at parameters that are 0.
        Scenario { weight: [0.0; 3], bias: [0.0; 3], batches: easy },
        // No gradient at all.
        Scenario { weight: [0.4, 0.1, -0.3], bias: [0.2, -0.1, 0.6], batches: nothing },
    ]
}

const LR: f64 = 0.1;

/// The step of `options` follows `formula`, and no wrong variant of it does.
pub fn follows(options: &str, formula: Formula) {
    let options: StepOptions = options.parse().unwrap();
    // A batch is one example twice, so that a missing division by its size is
    // noticed.
    let graph = train(&tiny(), 2, &options).unwrap();
    assert_eq!(difference(&graph, &options, formula), None, "{options}");
    let unnoticed: Vec<String> = mutants(&graph)
        .into_iter()
        .filter(|(_, mutant)| difference(mutant, &options, formula).is_none())
        .map(|(what, _)| what)
        .collect();
    assert_eq!(unnoticed, [""; 0], "{options}: wrong steps that nobody noticed");
}

/// The first place where the graph leaves the formula.
fn difference(graph: &Graph, options: &StepOptions, formula: Formula) -> Option<String> {
    scenarios().iter().enumerate().find_map(|(k, s)| {
        let params = vec![s.weight.to_vec(), s.bias.to_vec()];
        let state = options.state(&tiny());
        let mut found: World =
            state.iter().map(|s| (s.name.clone(), s.initial_values(&params))).collect();
        found.extend(PARAMS.map(String::from).into_iter().zip(params));
        let mut expected = found.clone();
        for (step, &(x, t)) in s.batches.iter().enumerate() {
            let apply = (step + 1) % options.accumulate == 0;
            let gradients = gradients(&expected, x, t);
            formula(&mut expected, &gradients, LR, apply);
            run(graph, &mut found, x, t, apply);
            for (name, expected) in &expected {
                let found = found.get(name).unwrap_or_else(|| panic!("no {name}"));
                let close = |(f, e): (&f64, &f64)| (f - e).abs() <= 1e-12 * (1.0 + e.abs());
                if found.len() != expected.len() || !found.iter().zip(expected).all(close) {
                    return Some(format!(
                        "scenario {k}, step {step}: {name} is {found:?}, expected {expected:?}"
                    ));
                }
            }
            assert_eq!(found.len(), expected.len(), "{:?}", found.keys());
        }
        None
    })
}

/// One step by the interpreter.
fn run(graph: &Graph, world: &mut World, x: f64, t: [f64; 3], apply: bool) {
    let value = |input: &cotangent_graph::Input| {
        let data = match (input.role, &*input.name) {
            (Role::Data, _) => vec![x; 2],
            (Role::Target, _) => [t, t].concat(),
            (Role::Hyper, "lr") => vec![LR],
            (Role::Hyper, "apply") => vec![f64::from(u8::from(apply))],
            (_, name) => world[name].clone(),
        };
        Value::Real(Tensor::new(input.ty.shape.clone(), data).unwrap())
    };
    let inputs: Vec<Value<f64>> = graph.inputs.iter().map(value).collect();
    let outputs = cotangent_interp::run(graph, &inputs).unwrap();
    for (output, value) in graph.outputs.iter().zip(outputs) {
        let Value::Real(value) = value else { panic!("{} is a truth value", output.name) };
        if output.role.is_resident() {
            world.insert(output.name.clone(), value.data().to_vec());
        }
    }
}

/// The graph with one instruction wrong, for each that can be.
fn mutants(graph: &Graph) -> Vec<(String, Graph)> {
    let mutant = |k: usize| {
        let mut wrong = graph.clone();
        if !spoil(&mut wrong.instructions[k]) {
            return None;
        }
        let what = format!("%{} {:?}", graph.result(k).0, graph.instructions[k].op);
        Some((what, wrong))
    };
    (0..graph.instructions.len()).filter_map(mutant).collect()
}

/// Makes the instruction compute something else; false if it is left alone.
fn spoil(instruction: &mut Instruction) -> bool {
    let operands = &mut instruction.operands;
    match &mut instruction.op {
        op @ Op::Add => *op = Op::Sub,
        op @ Op::Sub => *op = Op::Add,
        op @ Op::Mul => *op = Op::Div,
        op @ Op::Div => *op = Op::Mul,
        op @ Op::Sqrt => *op = Op::Neg,
        Op::Compare(_) => operands.swap(0, 1),
        Op::Select => operands.swap(1, 2),
        Op::Constant { value, .. } if *value == Rational::integer(0) => *value = 1000.into(),
        Op::Constant { value, .. } => {
            *value = Rational::from_f64(value.to_f64() * 1.5).unwrap();
        }
        _ => return false,
    }
    true
}
