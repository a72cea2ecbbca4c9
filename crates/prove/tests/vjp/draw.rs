//! Random attributes and shapes for every op.

use cotangent_graph::{
    Builder, Comparison, ConvDims, DotDims, GraphError, Op, Rational, Role, TensorType, ValueId,
    Window,
};
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::ops::Range;

/// Draws an application of one op.
type Drawer = fn(&mut ChaCha8Rng) -> Application;

/// [`OPS`] and [`name`] of one list. The match has no default: an op that the
/// list lacks does not compile.
macro_rules! ops {
    ($($name:literal: $pattern:pat => $draw:expr,)+) => {
        /// Every op by its name, and how it is drawn.
        pub const OPS: &[(&str, Drawer)] = &[$(($name, $draw)),+];

        /// The name that an op has in [`OPS`].
        pub fn name(op: &Op) -> &'static str {
            match op {
                $($pattern => $name,)+
            }
        }
    };
}

ops! {
    "dot_general": Op::DotGeneral(_) => dot_general,
    "convolution": Op::Conv(_) => conv,
    "conv_input_grad": Op::ConvInputGrad { .. } => conv_input_grad,
    "conv_kernel_grad": Op::ConvKernelGrad { .. } => conv_kernel_grad,
    "broadcast_in_dim": Op::BroadcastInDim { .. } => broadcast_in_dim,
    "reduce_sum": Op::ReduceSum { .. } => |rng| over_some(|dims, _| Op::ReduceSum { dims }, rng),
    "transpose": Op::Transpose { .. } => transpose,
    "constant": Op::Constant { .. } => constant,
    "add": Op::Add => |rng| binary(Op::Add, rng),
    "subtract": Op::Sub => |rng| binary(Op::Sub, rng),
    "multiply": Op::Mul => |rng| binary(Op::Mul, rng),
    "divide": Op::Div => |rng| binary(Op::Div, rng),
    "negate": Op::Neg => |rng| unary(Op::Neg, rng),
    "exponential": Op::Exp => |rng| unary(Op::Exp, rng),
    "log": Op::Log => |rng| unary(Op::Log, rng),
    "sqrt": Op::Sqrt => |rng| unary(Op::Sqrt, rng),
    "rsqrt": Op::Rsqrt => |rng| unary(Op::Rsqrt, rng),
    "tanh": Op::Tanh => |rng| unary(Op::Tanh, rng),
    "logistic": Op::Logistic => |rng| unary(Op::Logistic, rng),
    "softplus": Op::Softplus => |rng| unary(Op::Softplus, rng),
    "erf": Op::Erf => |rng| unary(Op::Erf, rng),
    "erf_grad": Op::ErfGrad => |rng| unary(Op::ErfGrad, rng),
    "elu": Op::Elu { .. } => elu,
    "relu": Op::Relu => |rng| unary(Op::Relu, rng),
    "clamp": Op::Clamp { .. } => clamp,
    "abs": Op::Abs => |rng| unary(Op::Abs, rng),
    "maximum": Op::Maximum => |rng| binary(Op::Maximum, rng),
    // What compares has no gradient but that of what selects by it.
    "compare_eq": Op::Compare(Comparison::Eq) => |rng| select(Comparison::Eq, rng),
    "compare_gt": Op::Compare(Comparison::Gt) => |rng| select(Comparison::Gt, rng),
    "compare_ge": Op::Compare(Comparison::Ge) => |rng| select(Comparison::Ge, rng),
    "select": Op::Select => select_by_any,
    "reshape": Op::Reshape { .. } => reshape,
    "pad": Op::Pad { .. } => pad,
    "slice": Op::Slice { .. } => slice,
    "concatenate": Op::Concatenate { .. } => concatenate,
    "variance": Op::Variance { .. } => |rng| over_some(|dims, _| Op::Variance { dims }, rng),
    "normalize": Op::Normalize { .. } =>
        |rng| over_some(|dims, rng| Op::Normalize { dims, eps: ratio(1..5, rng) }, rng),
    "softmax": Op::Softmax => |rng| plain(vec![shape(rng, 1)], Op::Softmax),
    "softmax_cross_entropy": Op::SoftmaxCrossEntropy => cross_entropy,
    "window_sum": Op::WindowSum(_) => window_sum,
    "window_sum_grad": Op::WindowSumGrad { .. } => window_sum_grad,
    "max_pool": Op::MaxPool(_) => max_pool,
    "max_pool_grad": Op::MaxPoolGrad(_) => max_pool_grad,
}

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

/// The `k`-th application of the op of this name; the same for the same `k`.
pub fn application(op: &str, k: u64) -> Application {
    let drawer = OPS.iter().find(|(name, _)| *name == op).map(|(_, drawer)| drawer);
    let drawer = drawer.unwrap_or_else(|| panic!("{op} is not in OPS"));
    let seed =
        op.bytes().fold(k, |seed, byte| seed.wrapping_mul(257).wrapping_add(u64::from(byte)));
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    loop {
        let mut drawn = drawer(&mut rng);
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

fn unary(op: Op, rng: &mut ChaCha8Rng) -> Application {
    plain(vec![shape(rng, 0)], op)
}

fn elu(rng: &mut ChaCha8Rng) -> Application {
    let alpha = ratio(1..12, rng);
    unary(Op::Elu { alpha }, rng)
}

fn clamp(rng: &mut ChaCha8Rng) -> Application {
    let (low, high) = (ratio(-9..1, rng), ratio(1..10, rng));
    unary(Op::Clamp { low, high }, rng)
}

/// An op over some of the dimensions.
fn over_some(op: impl Fn(Vec<usize>, &mut ChaCha8Rng) -> Op, rng: &mut ChaCha8Rng) -> Application {
    let operand = shape(rng, 0);
    let dims = subset(operand.len(), rng);
    let op = op(dims, rng);
    plain(vec![operand], op)
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

fn broadcast_in_dim(rng: &mut ChaCha8Rng) -> Application {
    let shape = shape(rng, 0);
    let dims = subset(shape.len(), rng);
    let operand = dims.iter().map(|&d| shape[d]).collect();
    plain(vec![operand], Op::BroadcastInDim { shape, dims })
}

fn transpose(rng: &mut ChaCha8Rng) -> Application {
    let rank = rng.random_range(0..=5);
    let permutation = order(rank, rng);
    plain(vec![dims(rng, rank)], Op::Transpose { permutation })
}

fn pad(rng: &mut ChaCha8Rng) -> Application {
    let operand = shape(rng, 0);
    let n = operand.len();
    let mut up_to = |most: usize| (0..n).map(|_| rng.random_range(0..=most)).collect();
    let (low, high, interior) = (up_to(3), up_to(3), up_to(2));
    plain(vec![operand], Op::Pad { low, high, interior })
}

/// Targets have no gradient.
fn cross_entropy(rng: &mut ChaCha8Rng) -> Application {
    let logits = shape(rng, 1);
    let op = plain(vec![logits.clone(), logits], Op::SoftmaxCrossEntropy);
    Application { wrt: vec![0], ..op }
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

fn window_sum(rng: &mut ChaCha8Rng) -> Application {
    let (window, image) = window(rng);
    plain(vec![image], Op::WindowSum(window))
}

fn window_sum_grad(rng: &mut ChaCha8Rng) -> Application {
    let (window, image) = window(rng);
    let out = pooled(&window, &image);
    plain(vec![out], Op::WindowSumGrad { window, input: image })
}

fn max_pool(rng: &mut ChaCha8Rng) -> Application {
    let (window, image) = window(rng);
    plain(vec![image], Op::MaxPool(window))
}

/// Cotangents have no gradient.
fn max_pool_grad(rng: &mut ChaCha8Rng) -> Application {
    let (window, image) = window(rng);
    let out = pooled(&window, &image);
    let op = plain(vec![image, out], Op::MaxPoolGrad(window));
    Application { wrt: vec![0], ..op }
}

/// A convolution, and the shapes of its image, of its kernel and of its result.
struct Convolution {
    dims: ConvDims,
    image: Vec<usize>,
    kernel: Vec<usize>,
    result: Vec<usize>,
}

/// Up to three spatial dimensions with any strides, padding and dilation, in up
/// to three groups; or all sizes are equal.
fn convolution(rng: &mut ChaCha8Rng) -> Convolution {
    let spatial = rng.random_range(0..=3);
    loop {
        let equal = rng.random_bool(0.3);
        let mut up_to = |most: usize| rng.random_range(1..=most);
        let groups = if equal { 1 } else { up_to(3) };
        let mut size = |most: usize| if equal { 2 } else { up_to(most) };
        let (batch, inputs, outputs) = (size(3), size(3), size(3));
        let sizes: Vec<usize> = (0..spatial).map(|_| size(7)).collect();
        let cells: Vec<usize> = (0..spatial).map(|_| size(3)).collect();
        let mut each = |most: usize| (0..spatial).map(|_| up_to(most)).collect::<Vec<_>>();
        let (strides, dilation) = (each(3), each(3));
        let padding = each(4).into_iter().zip(each(4)).map(|(low, high)| (low - 1, high - 1));
        let dims = ConvDims { strides, padding: padding.collect(), dilation, groups };
        let image = [&[batch], &sizes[..], &[groups * inputs]].concat();
        let kernel = [&cells[..], &[inputs, groups * outputs]].concat();
        let types = [&image, &kernel].map(|shape| TensorType::real(shape.clone()));
        if let Ok(ty) = Op::Conv(dims.clone()).infer(&[&types[0], &types[1]]) {
            return Convolution { dims, image, kernel, result: ty.shape };
        }
    }
}

/// Of two inputs, or of one used twice where it fits.
fn bilinear(inputs: [Vec<usize>; 2], op: Op, rng: &mut ChaCha8Rng) -> Application {
    let [left, right] = inputs;
    if left == right && rng.random_bool(0.5) {
        let build = move |b: &mut Builder, v: &[ValueId]| b.push(op.clone(), &[v[0], v[0]]);
        return Application { inputs: vec![left], build: Box::new(build), wrt: vec![0] };
    }
    plain(vec![left, right], op)
}

fn conv(rng: &mut ChaCha8Rng) -> Application {
    let Convolution { dims, image, kernel, .. } = convolution(rng);
    bilinear([image, kernel], Op::Conv(dims), rng)
}

fn conv_input_grad(rng: &mut ChaCha8Rng) -> Application {
    let Convolution { dims, image, kernel, result } = convolution(rng);
    let input = image[1..image.len() - 1].to_vec();
    bilinear([result, kernel], Op::ConvInputGrad { dims, input }, rng)
}

fn conv_kernel_grad(rng: &mut ChaCha8Rng) -> Application {
    let Convolution { dims, image, kernel, result } = convolution(rng);
    let kernel = kernel[..kernel.len() - 2].to_vec();
    bilinear([image, result], Op::ConvKernelGrad { dims, kernel }, rng)
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

fn select_by_any(rng: &mut ChaCha8Rng) -> Application {
    let direction = *[Comparison::Eq, Comparison::Gt, Comparison::Ge].choose(rng).unwrap();
    select(direction, rng)
}

/// `a` compared with `b`, selecting `x` or `y`; all four may be one value.
fn select(direction: Comparison, rng: &mut ChaCha8Rng) -> Application {
    let s = shape(rng, 0);
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
    bilinear([lhs, rhs], op, rng)
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
