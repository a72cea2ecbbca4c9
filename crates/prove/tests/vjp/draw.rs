//! Random attributes and shapes for every op that the proofs cover.

use cotangent_graph::{
    Builder, Comparison, DotDims, GraphError, Op, Rational, Role, TensorType, ValueId, Window,
};
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::ops::Range;

/// The ops, and `compare` with `select`.
pub const OPS: [&str; 37] = [
    "constant",
    "add",
    "subtract",
    "multiply",
    "divide",
    "negate",
    "exponential",
    "log",
    "sqrt",
    "rsqrt",
    "tanh",
    "logistic",
    "softplus",
    "erf",
    "erf_grad",
    "elu",
    "relu",
    "clamp",
    "abs",
    "maximum",
    "select",
    "dot_general",
    "broadcast_in_dim",
    "reduce_sum",
    "transpose",
    "reshape",
    "pad",
    "slice",
    "concatenate",
    "variance",
    "normalize",
    "softmax",
    "softmax_cross_entropy",
    "window_sum",
    "window_sum_grad",
    "max_pool",
    "max_pool_grad",
];

/// From the inputs to the result.
type Build = dyn Fn(&mut Builder, &[ValueId]) -> Result<ValueId, GraphError>;

/// One application of an op.
pub struct Application {
    inputs: Vec<Vec<usize>>,
    build: Box<Build>,
    /// Positions of the inputs to differentiate in.
    pub wrt: Vec<usize>,
}

/// A graph with the op's operands and the cotangent of its result as inputs,
/// and that result.
pub struct Forward {
    pub builder: Builder,
    pub output: ValueId,
    pub cotangent: ValueId,
}

impl Application {
    /// The graph of the forward pass.
    pub fn forward(&self) -> Result<Forward, GraphError> {
        let build = |cotangent: Option<&TensorType>| {
            let mut b = Builder::new();
            let mut values = Vec::new();
            for (k, shape) in self.inputs.iter().enumerate() {
                values.push(b.input(
                    format!("x{k}"),
                    Role::Param,
                    TensorType::real(shape.clone()),
                )?);
            }
            let ct = cotangent.map(|ty| b.input("ct", Role::Data, ty.clone())).transpose()?;
            let output = (self.build)(&mut b, &values)?;
            Ok((b, output, ct))
        };
        let (b, output, _) = build(None)?;
        match build(Some(b.ty(output)))? {
            (builder, output, Some(cotangent)) => Ok(Forward { builder, output, cotangent }),
            _ => unreachable!("the cotangent was declared"),
        }
    }
}

/// The `k`-th application of `op`; the same for the same `k`.
pub fn application(op: &str, k: u64) -> Application {
    let seed =
        op.bytes().fold(k, |seed, byte| seed.wrapping_mul(257).wrapping_add(u64::from(byte)));
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    loop {
        let mut drawn = draw(op, &mut rng);
        drawn.wrt.retain(|_| rng.random_bool(0.8));
        let small = |b: &Builder| b.graph().instructions.iter().all(|i| i.ty.len() < 1 << 28);
        if !drawn.wrt.is_empty() && drawn.forward().is_ok_and(|f| small(&f.builder)) {
            return drawn;
        }
    }
}

/// Equal sizes are likely, so that dimensions can be taken for each other.
fn dims(rng: &mut ChaCha8Rng, n: usize) -> Vec<usize> {
    let sizes = [1, 2, 2, 2, 3, 3, 4, 5, 8, 12, 128];
    match rng.random_range(0..4) {
        0 => vec![2; n],
        _ => (0..n).map(|_| *sizes.choose(rng).unwrap_or(&1)).collect(),
    }
}

fn shape(rng: &mut ChaCha8Rng, least_rank: usize) -> Vec<usize> {
    let rank = rng.random_range(least_rank..=4);
    dims(rng, rank)
}

/// `op` applied to all inputs, differentiated in all of them.
fn plain(inputs: Vec<Vec<usize>>, op: Op) -> Application {
    let wrt = (0..inputs.len()).collect();
    Application { inputs, build: Box::new(move |b, v| b.push(op.clone(), v)), wrt }
}

fn draw(op: &str, rng: &mut ChaCha8Rng) -> Application {
    match op {
        "constant" => constant(rng),
        "add" => binary(Op::Add, rng),
        "subtract" => binary(Op::Sub, rng),
        "multiply" => binary(Op::Mul, rng),
        "divide" => binary(Op::Div, rng),
        "negate" => plain(vec![shape(rng, 0)], Op::Neg),
        "exponential" => plain(vec![shape(rng, 0)], Op::Exp),
        "log" => plain(vec![shape(rng, 0)], Op::Log),
        "sqrt" => plain(vec![shape(rng, 0)], Op::Sqrt),
        "rsqrt" => plain(vec![shape(rng, 0)], Op::Rsqrt),
        "tanh" => plain(vec![shape(rng, 0)], Op::Tanh),
        "logistic" => plain(vec![shape(rng, 0)], Op::Logistic),
        "softplus" => plain(vec![shape(rng, 0)], Op::Softplus),
        "erf" => plain(vec![shape(rng, 0)], Op::Erf),
        "erf_grad" => plain(vec![shape(rng, 0)], Op::ErfGrad),
        "elu" => {
            let alpha = ratio(1..12, rng);
            plain(vec![shape(rng, 0)], Op::Elu { alpha })
        }
        "relu" => plain(vec![shape(rng, 0)], Op::Relu),
        "clamp" => {
            let (low, high) = (ratio(-9..1, rng), ratio(1..10, rng));
            plain(vec![shape(rng, 0)], Op::Clamp { low, high })
        }
        "abs" => plain(vec![shape(rng, 0)], Op::Abs),
        "maximum" => binary(Op::Maximum, rng),
        "select" => select(rng),
        "dot_general" => dot_general(rng),
        "broadcast_in_dim" => {
            let shape = shape(rng, 0);
            let dims = subset(shape.len(), rng);
            let operand = dims.iter().map(|&d| shape[d]).collect();
            plain(vec![operand], Op::BroadcastInDim { shape, dims })
        }
        "reduce_sum" => {
            let operand = shape(rng, 0);
            let dims = subset(operand.len(), rng);
            plain(vec![operand], Op::ReduceSum { dims })
        }
        "transpose" => {
            let rank = rng.random_range(0..=5);
            let permutation = order(rank, rng);
            plain(vec![dims(rng, rank)], Op::Transpose { permutation })
        }
        "reshape" => reshape(rng),
        "pad" => {
            let operand = shape(rng, 0);
            let n = operand.len();
            let mut up_to = |most: usize| (0..n).map(|_| rng.random_range(0..=most)).collect();
            let (low, high, interior) = (up_to(3), up_to(3), up_to(2));
            plain(vec![operand], Op::Pad { low, high, interior })
        }
        "slice" => slice(rng),
        "concatenate" => concatenate(rng),
        "variance" => {
            let operand = shape(rng, 0);
            let dims = subset(operand.len(), rng);
            plain(vec![operand], Op::Variance { dims })
        }
        "normalize" => {
            let operand = shape(rng, 0);
            let dims = subset(operand.len(), rng);
            let eps = ratio(1..5, rng);
            plain(vec![operand], Op::Normalize { dims, eps })
        }
        "softmax" => plain(vec![shape(rng, 1)], Op::Softmax),
        "softmax_cross_entropy" => {
            let logits = shape(rng, 1);
            let op = plain(vec![logits.clone(), logits], Op::SoftmaxCrossEntropy);
            // Targets have no gradient.
            Application { wrt: vec![0], ..op }
        }
        "max_pool" => {
            let (window, image) = window(rng);
            plain(vec![image], Op::MaxPool(window))
        }
        "window_sum" => {
            let (window, image) = window(rng);
            plain(vec![image], Op::WindowSum(window))
        }
        "window_sum_grad" => {
            let (window, image) = window(rng);
            let out = pooled(&window, &image);
            plain(vec![out], Op::WindowSumGrad { window, input: image })
        }
        "max_pool_grad" => {
            let (window, image) = window(rng);
            let out = pooled(&window, &image);
            let op = plain(vec![image, out], Op::MaxPoolGrad(window));
            // Cotangents have no gradient.
            Application { wrt: vec![0], ..op }
        }
        other => panic!("{other} is no op of the slice"),
    }
}

/// Of two inputs, of one used twice, or of one that meets itself through
/// another path.
fn binary(op: Op, rng: &mut ChaCha8Rng) -> Application {
    let s = shape(rng, 0);
    match rng.random_range(0..5) {
        0 => Application {
            inputs: vec![s],
            build: Box::new(move |b, v| b.push(op.clone(), &[v[0], v[0]])),
            wrt: vec![0],
        },
        1 => Application {
            inputs: vec![s.clone(), s],
            build: Box::new(move |b, v| {
                let first = b.push(op.clone(), v)?;
                b.push(op.clone(), &[v[1], first])
            }),
            wrt: vec![0, 1],
        },
        _ => plain(vec![s.clone(), s], op),
    }
}

/// Any window, and a shape that it may fit.
fn window(rng: &mut ChaCha8Rng) -> (Window, Vec<usize>) {
    let rank = rng.random_range(0..=4);
    let mut up_to = |most: usize| (0..rank).map(|_| rng.random_range(1..=most)).collect();
    let (size, strides): (Vec<usize>, Vec<usize>) = (up_to(3), up_to(3));
    let padding = size.iter().map(|&k| (rng.random_range(0..k), rng.random_range(0..k))).collect();
    (Window { size, strides, padding }, dims(rng, rank))
}

/// The shape of a pool, or the image's where none fits.
fn pooled(window: &Window, image: &[usize]) -> Vec<usize> {
    let ty = TensorType::real(image.to_vec());
    Op::MaxPool(window.clone()).infer(&[&ty]).map_or(image.to_vec(), |ty| ty.shape)
}

/// One of `numerators` over a small number.
fn ratio(numerators: Range<i64>, rng: &mut ChaCha8Rng) -> Rational {
    let denominator = rng.random_range(1..12);
    Rational::new(rng.random_range(numerators), denominator).expect("not over zero")
}

fn constant(rng: &mut ChaCha8Rng) -> Application {
    let s = shape(rng, 0);
    let constant = Op::Constant { value: ratio(-9..10, rng), shape: s.clone() };
    let with = *[None, Some(Op::Add), Some(Op::Mul), Some(Op::Div)].choose(rng).as_ref().unwrap();
    let with = with.clone();
    let build = move |b: &mut Builder, v: &[ValueId]| {
        let c = b.push(constant.clone(), &[])?;
        match &with {
            // Does not depend on the input, whose gradient is zero.
            None => Ok(c),
            Some(op) => b.push(op.clone(), &[v[0], c]),
        }
    };
    Application { inputs: vec![s], build: Box::new(build), wrt: vec![0] }
}

/// `a` compared with `b`, selecting `x` or `y`; all four may be one value.
fn select(rng: &mut ChaCha8Rng) -> Application {
    let s = shape(rng, 0);
    let direction = *[Comparison::Eq, Comparison::Gt, Comparison::Ge].choose(rng).unwrap();
    let n = rng.random_range(1..=4);
    let roles: Vec<usize> = match n {
        4 => vec![0, 1, 2, 3],
        n => (0..4).map(|_| rng.random_range(0..n)).collect(),
    };
    let build = move |b: &mut Builder, v: &[ValueId]| {
        let at = |k: usize| v[roles[k]];
        let p = b.compare(direction, at(0), at(1))?;
        b.select(p, at(2), at(3))
    };
    Application { inputs: vec![s; n], build: Box::new(build), wrt: (0..n).collect() }
}

/// Up to two batch, contracting and free dimensions on either side, anywhere.
fn dot_general(rng: &mut ChaCha8Rng) -> Application {
    let mut sizes = |most: usize| {
        let n = rng.random_range(0..=most);
        dims(rng, n)
    };
    let (batch, contracting, left, right) = (sizes(2), sizes(2), sizes(2), sizes(2));
    let mut side = |free: &[usize]| {
        let rank = batch.len() + contracting.len() + free.len();
        let places = order(rank, rng);
        let mut shape = vec![0; rank];
        let sizes = batch.iter().chain(&contracting).chain(free);
        places.iter().zip(sizes).for_each(|(&place, &size)| shape[place] = size);
        let (b, rest) = places.split_at(batch.len());
        (shape, b.to_vec(), rest[..contracting.len()].to_vec())
    };
    let (lhs, lhs_batch, lhs_contracting) = side(&left);
    let (rhs, rhs_batch, rhs_contracting) = side(&right);
    let op = Op::DotGeneral(DotDims { lhs_batch, rhs_batch, lhs_contracting, rhs_contracting });
    if lhs == rhs && rng.random_bool(0.5) {
        let build = move |b: &mut Builder, v: &[ValueId]| b.push(op.clone(), &[v[0], v[0]]);
        return Application { inputs: vec![lhs], build: Box::new(build), wrt: vec![0] };
    }
    plain(vec![lhs, rhs], op)
}

/// Any part of any tensor, by any strides.
fn slice(rng: &mut ChaCha8Rng) -> Application {
    let operand = shape(rng, 0);
    let (mut starts, mut limits, mut strides) = (Vec::new(), Vec::new(), Vec::new());
    for &n in &operand {
        let start = rng.random_range(0..n);
        starts.push(start);
        limits.push(rng.random_range(start + 1..=n));
        strides.push(rng.random_range(1..=3));
    }
    plain(vec![operand], Op::Slice { starts, limits, strides })
}

/// One to four operands along any dimension; equal ones may be one value.
fn concatenate(rng: &mut ChaCha8Rng) -> Application {
    let shape = shape(rng, 1);
    let dim = rng.random_range(0..shape.len());
    let count = rng.random_range(1..=4);
    let op = Op::Concatenate { dim, count };
    if rng.random_bool(0.3) {
        let inputs = rng.random_range(1..=count);
        let values: Vec<usize> = (0..count).map(|_| rng.random_range(0..inputs)).collect();
        let build = move |b: &mut Builder, v: &[ValueId]| {
            let operands: Vec<ValueId> = values.iter().map(|&k| v[k]).collect();
            b.push(op.clone(), &operands)
        };
        let wrt = (0..inputs).collect();
        return Application { inputs: vec![shape; inputs], build: Box::new(build), wrt };
    }
    let parts = dims(rng, count);
    let inputs = parts.iter().map(|&n| {
        let mut part = shape.clone();
        part[dim] = n;
        part
    });
    plain(inputs.collect(), op)
}

/// The prime factors of a size, dealt to new dimensions.
fn reshape(rng: &mut ChaCha8Rng) -> Application {
    let from = shape(rng, 0);
    let mut rest: usize = from.iter().product();
    let rank = if rest == 1 { rng.random_range(0..=3) } else { rng.random_range(1..=5) };
    let mut to = vec![1; rank];
    let mut prime = 2;
    while rest > 1 {
        if rest.is_multiple_of(prime) {
            to[rng.random_range(0..rank)] *= prime;
            rest /= prime;
        } else {
            prime += 1;
        }
    }
    plain(vec![from], Op::Reshape { shape: to })
}

fn order(n: usize, rng: &mut ChaCha8Rng) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    order.shuffle(rng);
    order
}

fn subset(n: usize, rng: &mut ChaCha8Rng) -> Vec<usize> {
    (0..n).filter(|_| rng.random_bool(0.5)).collect()
}
