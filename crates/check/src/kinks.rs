//! The derivative taken at kinks, pinned.

use crate::{CheckError, KinkRow};
use cotangent_graph::{Builder, Comparison, GraphError, Op, Role, TensorType, ValueId, Window};
use cotangent_interp::{Tensor, Value, run};
use cotangent_vjp::{Rule, rule, vjp_with};

/// Every kink of `SEMANTICS.md` that the op set has: the gradient there, next
/// to the convention.
pub fn kink_table() -> Result<Vec<KinkRow>, CheckError> {
    kink_table_with(rule)
}

/// [`kink_table`] under another rule.
pub fn kink_table_with(rule: Rule) -> Result<Vec<KinkRow>, CheckError> {
    KINKS.iter().map(|kink| kink.row(rule)).collect()
}

/// A function of one tensor, a point on its kinks, and what must come back.
struct Kink {
    op: &'static str,
    point: &'static str,
    shape: &'static [usize],
    at: &'static [f64],
    build: fn(&mut Builder, ValueId) -> Result<ValueId, GraphError>,
    cotangent: &'static [f64],
    expected: &'static [f64],
}

impl Kink {
    fn row(&self, rule: Rule) -> Result<KinkRow, CheckError> {
        // The cotangent is an input, and inputs come before instructions, so
        // its shape is found first.
        let ty = TensorType::real(self.shape);
        let mut forward = Builder::new();
        let a = forward.input("a", Role::Param, ty.clone())?;
        let y = (self.build)(&mut forward, a)?;
        let result = forward.ty(y).clone();

        let mut b = Builder::new();
        let a = b.input("a", Role::Param, ty)?;
        let ct = b.input("cotangent", Role::Data, result.clone())?;
        let y = (self.build)(&mut b, a)?;
        let da = vjp_with(rule, &mut b, y, ct, &[a])?;
        b.output("a", Role::Grad, da[0]);
        let graph = b.finish()?;
        let at = Tensor::new(self.shape, self.at.to_vec())?;
        let cotangent = Tensor::new(result.shape, self.cotangent.to_vec())?;
        let found = run(&graph, &[Value::Real(at), Value::Real(cotangent)])?;
        let found = found[0].real()?.data().to_vec();
        Ok(KinkRow {
            op: self.op,
            point: self.point,
            expected: self.expected.to_vec(),
            passed: found == self.expected,
            found,
        })
    }
}

fn pool(size: usize, stride: usize, padding: (usize, usize)) -> Op {
    Op::MaxPool(Window { size: vec![size], strides: vec![stride], padding: vec![padding] })
}

fn pool_2d(size: usize, stride: usize, padding: (usize, usize)) -> Op {
    Op::MaxPool(Window { size: vec![size; 2], strides: vec![stride; 2], padding: vec![padding; 2] })
}

const KINKS: [Kink; 23] = [
    Kink {
        op: "relu",
        point: "a = [-1, 0, -0, 1]: 0 at 0, of either sign",
        shape: &[4],
        at: &[-1.0, 0.0, -0.0, 1.0],
        build: |b, a| b.push(Op::Relu, &[a]),
        cotangent: &[1.0, 10.0, 100.0, 1000.0],
        expected: &[0.0, 0.0, 0.0, 1000.0],
    },
    Kink {
        op: "relu",
        point: "relu(a) - relu(-a) at 0: both off",
        shape: &[1],
        at: &[0.0],
        build: |b, a| {
            let on = b.push(Op::Relu, &[a])?;
            let minus = b.push(Op::Neg, &[a])?;
            let off = b.push(Op::Relu, &[minus])?;
            b.sub(on, off)
        },
        cotangent: &[1.0],
        expected: &[0.0],
    },
    Kink {
        op: "relu",
        point: "relu(relu(a)) at [0, 2]",
        shape: &[2],
        at: &[0.0, 2.0],
        build: |b, a| {
            let once = b.push(Op::Relu, &[a])?;
            b.push(Op::Relu, &[once])
        },
        cotangent: &[1.0, 10.0],
        expected: &[0.0, 10.0],
    },
    Kink {
        op: "clamp",
        point: "clamp(a, -1, 1) at [-2, -1, 0, 1, 2]: 0 at both ends",
        shape: &[5],
        at: &[-2.0, -1.0, 0.0, 1.0, 2.0],
        build: |b, a| b.push(Op::Clamp { low: (-1).into(), high: 1.into() }, &[a]),
        cotangent: &[1.0, 10.0, 100.0, 1000.0, 10000.0],
        expected: &[0.0, 0.0, 100.0, 0.0, 0.0],
    },
    Kink {
        op: "clamp",
        point: "relu6, clamp(a, 0, 6), at [0, -0, 3, 6]: 0 at both ends",
        shape: &[4],
        at: &[0.0, -0.0, 3.0, 6.0],
        build: |b, a| b.push(Op::Clamp { low: 0.into(), high: 6.into() }, &[a]),
        cotangent: &[1.0, 10.0, 100.0, 1000.0],
        expected: &[0.0, 0.0, 100.0, 0.0],
    },
    Kink {
        op: "clamp",
        point: "hard-swish, a·clamp(a + 3, 0, 6)/6, at [-3, 0, 3]: by the product rule",
        shape: &[3],
        at: &[-3.0, 0.0, 3.0],
        build: hard_swish,
        cotangent: &[1.0, 10.0, 100.0],
        expected: &[0.0, 5.0, 100.0],
    },
    Kink {
        op: "abs",
        point: "a = [-1, 0, -0, 1]: 0 at 0, of either sign",
        shape: &[4],
        at: &[-1.0, 0.0, -0.0, 1.0],
        build: |b, a| b.push(Op::Abs, &[a]),
        cotangent: &[1.0, 10.0, 100.0, 1000.0],
        expected: &[-1.0, 0.0, 0.0, 1000.0],
    },
    Kink {
        op: "maximum",
        point: "maximum(a, 1) at [0, 1, 2]: half at the tie",
        shape: &[3],
        at: &[0.0, 1.0, 2.0],
        build: |b, a| {
            let one = b.constant_like(1, a)?;
            b.push(Op::Maximum, &[a, one])
        },
        cotangent: &[1.0, 10.0, 100.0],
        expected: &[0.0, 5.0, 100.0],
    },
    Kink {
        op: "maximum",
        point: "maximum(1, a) at [0, 1, 2]: half at the tie",
        shape: &[3],
        at: &[0.0, 1.0, 2.0],
        build: |b, a| {
            let one = b.constant_like(1, a)?;
            b.push(Op::Maximum, &[one, a])
        },
        cotangent: &[1.0, 10.0, 100.0],
        expected: &[0.0, 5.0, 100.0],
    },
    Kink {
        op: "maximum",
        point: "maximum(a, a): the halves add up",
        shape: &[2],
        at: &[0.0, 3.0],
        build: |b, a| b.push(Op::Maximum, &[a, a]),
        cotangent: &[1.0, 10.0],
        expected: &[1.0, 10.0],
    },
    Kink {
        op: "elu",
        point: "α = 1 at [0, -0, 2]: no kink, 1 at 0",
        shape: &[3],
        at: &[0.0, -0.0, 2.0],
        build: |b, a| b.push(Op::Elu { alpha: 1.into() }, &[a]),
        cotangent: &[1.0, 10.0, 100.0],
        expected: &[1.0, 10.0, 100.0],
    },
    Kink {
        op: "elu",
        point: "α = 3 at [0, -0, 2]: α at 0",
        shape: &[3],
        at: &[0.0, -0.0, 2.0],
        build: |b, a| b.push(Op::Elu { alpha: 3.into() }, &[a]),
        cotangent: &[1.0, 10.0, 100.0],
        expected: &[3.0, 30.0, 100.0],
    },
    Kink {
        op: "select",
        point: "select(a > 0, 2a, 3a) at 0: the branch taken, 3a",
        shape: &[3],
        at: &[-1.0, 0.0, 1.0],
        build: |b, a| branches(b, a, Comparison::Gt),
        cotangent: &[1.0, 1.0, 1.0],
        expected: &[3.0, 3.0, 2.0],
    },
    Kink {
        op: "select",
        point: "select(a >= 0, 2a, 3a) at 0: the branch taken, 2a",
        shape: &[3],
        at: &[-1.0, 0.0, 1.0],
        build: |b, a| branches(b, a, Comparison::Ge),
        cotangent: &[1.0, 1.0, 1.0],
        expected: &[3.0, 2.0, 2.0],
    },
    Kink {
        op: "select",
        point: "select(a = 0, 2a, 3a) at 0: the branch taken, 2a",
        shape: &[3],
        at: &[-1.0, 0.0, 1.0],
        build: |b, a| branches(b, a, Comparison::Eq),
        cotangent: &[1.0, 1.0, 1.0],
        expected: &[3.0, 2.0, 3.0],
    },
    Kink {
        op: "max_pool",
        point: "a = [7, 7, 7, 7], windows {0, 1} {2, 3}: the first of each",
        shape: &[4],
        at: &[7.0, 7.0, 7.0, 7.0],
        build: |b, a| b.push(pool(2, 2, (0, 0)), &[a]),
        cotangent: &[1.0, 10.0],
        expected: &[1.0, 0.0, 10.0, 0.0],
    },
    Kink {
        op: "max_pool",
        point: "a = [1, 5, 5, 2], one window: the first 5, and only it",
        shape: &[4],
        at: &[1.0, 5.0, 5.0, 2.0],
        build: |b, a| b.push(pool(4, 4, (0, 0)), &[a]),
        cotangent: &[1.0],
        expected: &[0.0, 1.0, 0.0, 0.0],
    },
    Kink {
        op: "max_pool",
        point: "a = [3, 3, 3, 3, 3], overlapping {0, 1, 2} {2, 3, 4}",
        shape: &[5],
        at: &[3.0, 3.0, 3.0, 3.0, 3.0],
        build: |b, a| b.push(pool(3, 2, (0, 0)), &[a]),
        cotangent: &[1.0, 10.0],
        expected: &[1.0, 0.0, 10.0, 0.0, 0.0],
    },
    Kink {
        op: "max_pool",
        point: "a = [1, 2, 9, 2, 1], overlapping {0, 1, 2} {2, 3, 4}: one cell wins twice",
        shape: &[5],
        at: &[1.0, 2.0, 9.0, 2.0, 1.0],
        build: |b, a| b.push(pool(3, 2, (0, 0)), &[a]),
        cotangent: &[1.0, 10.0],
        expected: &[0.0, 0.0, 11.0, 0.0, 0.0],
    },
    Kink {
        op: "max_pool",
        point: "a = [-4, -4, -4], padded {0} {0, 1, 2} {2}: padding never wins",
        shape: &[3],
        at: &[-4.0, -4.0, -4.0],
        build: |b, a| b.push(pool(3, 2, (2, 2)), &[a]),
        cotangent: &[1.0, 10.0, 100.0],
        expected: &[11.0, 0.0, 100.0],
    },
    Kink {
        op: "max_pool",
        point: "a = [[0, 3], [3, 0]], one window: row-major, so [0, 1] before [1, 0]",
        shape: &[2, 2],
        at: &[0.0, 3.0, 3.0, 0.0],
        build: |b, a| b.push(pool_2d(2, 2, (0, 0)), &[a]),
        cotangent: &[1.0],
        expected: &[0.0, 1.0, 0.0, 0.0],
    },
    Kink {
        op: "max_pool",
        point: "2x2 zeros, windows of 2 padded by 1: nine windows, first cell inside each",
        shape: &[2, 2],
        at: &[0.0, 0.0, 0.0, 0.0],
        build: |b, a| b.push(pool_2d(2, 1, (1, 1)), &[a]),
        cotangent: &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0],
        expected: &[27.0, 36.0, 192.0, 256.0],
    },
    Kink {
        op: "max_pool",
        point: "relu, then a pool over zeros: the first cell is chosen, and it is off",
        shape: &[4],
        at: &[-1.0, 0.0, -2.0, 3.0],
        build: |b, a| {
            let on = b.push(Op::Relu, &[a])?;
            b.push(pool(2, 2, (0, 0)), &[on])
        },
        cotangent: &[1.0, 10.0],
        expected: &[0.0, 0.0, 0.0, 10.0],
    },
];

/// `a · clamp(a + 3, 0, 6) / 6`
fn hard_swish(b: &mut Builder, a: ValueId) -> Result<ValueId, GraphError> {
    let three = b.constant_like(3, a)?;
    let six = b.constant_like(6, a)?;
    let shifted = b.add(a, three)?;
    let gate = b.push(Op::Clamp { low: 0.into(), high: 6.into() }, &[shifted])?;
    let gate = b.div(gate, six)?;
    b.mul(a, gate)
}

/// `2a` where `a direction 0`, else `3a`.
fn branches(b: &mut Builder, a: ValueId, direction: Comparison) -> Result<ValueId, GraphError> {
    let zero = b.constant_like(0, a)?;
    let two = b.constant_like(2, a)?;
    let three = b.constant_like(3, a)?;
    let p = b.compare(direction, a, zero)?;
    let (double, triple) = (b.mul(two, a)?, b.mul(three, a)?);
    b.select(p, double, triple)
}
