//! Random edits of an emitted module: single changes of one instruction, one
//! operand, one constant, one result or one name, which leave it well typed.

use cotangent_graph::Rational;
use cotangent_stablehlo::ast::{
    Attribute, Binary, Direction, Function, Instr, Literal, Module, Operand, Operation, Slot,
    Unary, Value,
};
use rand::seq::IndexedRandom;
use rand::{Rng, RngExt};

/// A module and what was done to it.
#[derive(Debug, Clone)]
pub struct Edited {
    pub what: String,
    /// The instruction of `@main` that was changed.
    pub instruction: Option<usize>,
    pub module: Module,
}

impl Edited {
    pub fn new(what: impl Into<String>, module: Module) -> Self {
        Edited { what: what.into(), instruction: None, module }
    }
}

/// The public function.
pub fn main_of(module: &mut Module) -> &mut Function {
    let main = module.functions.iter_mut().find(|f| f.public);
    main.expect("every module has a public function")
}

/// One random edit of `@main`; `None` where the place drawn admits none.
pub fn edit(original: &Module, rng: &mut impl Rng) -> Option<Edited> {
    let mut module = original.clone();
    let callees = callees(original);
    let main = main_of(&mut module);
    let (count, results) = (main.body.len(), main.returns.len());
    let mut place = None;
    let what = match rng.random_range(0..8) {
        0..=5 => {
            let k = rng.random_range(0..count);
            let values = values(main, k);
            let what = instruction(&mut main.body[k], &values, &callees, rng)?;
            place = Some(k);
            format!("instruction {k}: {what}")
        }
        6 => {
            let k = rng.random_range(0..results);
            let other = another(&main.returns[k], &values(main, count), rng)?;
            let what = format!("result {k}: {:?} for {:?}", other.value, main.returns[k].value);
            main.returns[k] = other;
            what
        }
        _ => {
            let (a, b) = (rng.random_range(0..results), rng.random_range(0..results));
            if main.returns[a].ty != main.returns[b].ty {
                return None;
            }
            main.returns.swap(a, b);
            format!("results {a} and {b} exchanged")
        }
    };
    (module != *original).then_some(Edited { what, instruction: place, module })
}

/// Edits of every instruction of every private function, and of what the
/// functions return, under the functions' own names. They need not be well
/// typed: whatever is not the body printed for an op is refused.
pub fn bodies(original: &Module, rng: &mut impl Rng) -> Vec<Edited> {
    let mut edits: Vec<Edited> = Vec::new();
    for (n, f) in original.functions.iter().enumerate().filter(|(_, f)| !f.public) {
        let mut add = |what: String, change: &mut dyn FnMut(&mut Function) -> bool| {
            let mut module = original.clone();
            let new = change(&mut module.functions[n]) && module != *original;
            let new = new && !edits.iter().any(|e| e.module == module);
            if new {
                edits.push(Edited::new(format!("@{}, {what}", f.name), module));
            }
            new
        };
        for k in 0..f.body.len() {
            // Three attempts, which may come to nothing; a body may be one instruction.
            let mut attempt = || {
                add(format!("instruction {k} changed"), &mut |f| {
                    let values = values(f, k);
                    instruction(&mut f.body[k], &values, &[], rng).is_some()
                })
            };
            let _ = (0..4).find(|_| (0..3).filter(|_| attempt()).count() > 0);
        }
        add("the last instruction left out".into(), &mut |f| {
            let (last, values) = (f.body.len() - 1, values(f, f.body.len() - 1));
            f.body.pop();
            let ty = &f.returns[0].ty;
            let other = values.into_iter().rev().find(|v| v.ty == *ty);
            other.map(|other| f.returns[0] = other).is_some() && last > 0
        });
        add("another value returned".into(), &mut |f| {
            let other = another(&f.returns[0], &values(f, f.body.len()), rng);
            other.map(|other| f.returns[0] = other).is_some()
        });
    }
    edits
}

/// Names of the private functions with the types of arguments and result.
fn callees(module: &Module) -> Vec<(String, Vec<Slot>, Vec<Slot>)> {
    let private = module.functions.iter().filter(|f| !f.public);
    private.map(|f| (f.name.clone(), f.arguments.clone(), f.results.clone())).collect()
}

/// The values that instruction `k` may use.
fn values(f: &Function, k: usize) -> Vec<Operand> {
    let arguments = f
        .arguments
        .iter()
        .enumerate()
        .map(|(n, a)| Operand { value: Value::Argument(n), ty: a.ty.clone() });
    let results = f.body[..k]
        .iter()
        .enumerate()
        .map(|(n, i)| Operand { value: Value::Result(n), ty: i.ty.clone() });
    arguments.chain(results).collect()
}

/// Another value of the same type.
fn another(operand: &Operand, values: &[Operand], rng: &mut impl Rng) -> Option<Operand> {
    let fit: Vec<&Operand> =
        values.iter().filter(|v| v.ty == operand.ty && v.value != operand.value).collect();
    fit.choose(rng).map(|v| (*v).clone())
}

fn instruction(
    i: &mut Instr,
    values: &[Operand],
    callees: &[(String, Vec<Slot>, Vec<Slot>)],
    rng: &mut impl Rng,
) -> Option<String> {
    // Half of the edits change what is computed, half what it is computed from.
    if rng.random_bool(0.5) && !i.operands.is_empty() {
        let k = rng.random_range(0..i.operands.len());
        let other = another(&i.operands[k], values, rng)?;
        let what = format!("operand {k}: {:?} for {:?}", other.value, i.operands[k].value);
        i.operands[k] = other;
        return Some(what);
    }
    let before = format!("{:?}", i.operation);
    match &mut i.operation {
        Operation::Constant(Literal::Finite(value)) => *value = changed(value, rng)?,
        Operation::Unary(op) => *op = other_than(*op, &Unary::ALL, rng)?,
        Operation::Binary(op) => {
            // An exchange changes nothing in a commutative op.
            if matches!(op, Binary::Subtract | Binary::Divide) && rng.random_bool(0.3) {
                i.operands.swap(0, 1);
                return Some("operands exchanged".into());
            }
            *op = other_than(*op, &Binary::ALL, rng)?;
        }
        Operation::Compare(direction) => {
            if rng.random_bool(0.5) {
                i.operands.swap(0, 1);
                return Some("operands exchanged".into());
            }
            *direction = other_than(*direction, &Direction::ALL, rng)?;
        }
        Operation::Select => {
            i.operands.swap(1, 2);
            return Some("branches exchanged".into());
        }
        Operation::DotGeneral(d) => {
            // Fits only where the two dimensions are of one size.
            let (lhs, rhs) = &mut d.contracting;
            let side = if rng.random_bool(0.5) { lhs } else { rhs };
            side.iter_mut().for_each(|dim| *dim = 1 - *dim % 2);
        }
        Operation::BroadcastInDim(dims) | Operation::Reduce(_, dims) if dims.len() == 1 => {
            dims[0] = 1 - dims[0] % 2;
        }
        Operation::Convolution(c) => {
            // The window moves by one cell, where there is padding to give.
            let d = rng.random_range(0..c.padding.len());
            let (low, high) = &mut c.padding[d];
            let by = if *high > 0 { 1 } else { -1 };
            (*low, *high) = (*low + by, *high - by);
        }
        Operation::ReduceWindow(_, w) => {
            let (low, high) = &mut w.padding[rng.random_range(0..w.size.len())];
            let by = if *high > 0 { 1 } else { -1 };
            (*low, *high) = (*low + by, *high - by);
        }
        Operation::Pad(p) => {
            let d = rng.random_range(0..p.low.len());
            let by = if p.high[d] > 0 { 1 } else { -1 };
            (p.low[d], p.high[d]) = (p.low[d] + by, p.high[d] - by);
        }
        Operation::Slice(s) => {
            let d = rng.random_range(0..s.starts.len());
            let there = |n: usize| if s.starts[d] > 0 { n - 1 } else { n + 1 };
            (s.starts[d], s.limits[d]) = (there(s.starts[d]), there(s.limits[d]));
        }
        Operation::Reverse(dims) => {
            dims.pop()?;
        }
        Operation::Call(name) => {
            let (_, arguments, results) = callees.iter().find(|(n, ..)| n == name)?;
            let alike = callees.iter().filter(|(_, a, r)| a == arguments && r == results);
            let alike: Vec<&String> = alike.map(|(n, ..)| n).filter(|n| *n != name).collect();
            *name = (*alike.choose(rng)?).clone();
        }
        _ => return None,
    }
    Some(format!("{:?} for {before}", i.operation))
}

fn other_than<T: Copy + PartialEq>(this: T, all: &[T], rng: &mut impl Rng) -> Option<T> {
    let others: Vec<T> = all.iter().copied().filter(|x| *x != this).collect();
    others.choose(rng).copied()
}

/// More by one, negated or halved.
fn changed(value: &Rational, rng: &mut impl Rng) -> Option<Rational> {
    let ratio = value.as_ratio();
    let (two, one) = (Rational::integer(2), Rational::integer(1));
    let ratio = match rng.random_range(0..3) {
        0 => ratio + one.as_ratio(),
        1 => -ratio,
        _ => ratio / two.as_ratio(),
    };
    format!("{}/{}", ratio.numer(), ratio.denom()).parse().ok()
}

/// Two arguments, or two results, of one type, whose names (or roles) differ.
#[derive(Debug, Clone, Copy)]
pub struct Exchange<'a> {
    attribute: &'a str,
    pub of_results: bool,
    slots: (usize, usize),
}

fn slots(f: &mut Function, of_results: bool) -> &mut [Slot] {
    if of_results { &mut f.results } else { &mut f.arguments }
}

impl Exchange<'_> {
    pub fn of(self, original: &Module) -> Edited {
        let Exchange { attribute, of_results, slots: (a, b) } = self;
        let mut module = original.clone();
        let slots = slots(main_of(&mut module), of_results);
        let (x, y) = (of(&slots[a], attribute), of(&slots[b], attribute));
        set(&mut slots[a], attribute, y);
        set(&mut slots[b], attribute, x);
        let of_what = if of_results { "results" } else { "arguments" };
        Edited::new(format!("{attribute} of {of_what} {a} and {b} exchanged"), module)
    }
}

/// All such pairs.
pub fn exchanges<'a>(original: &Module, attribute: &'a str) -> Vec<Exchange<'a>> {
    let mut module = original.clone();
    let mut found = Vec::new();
    for of_results in [false, true] {
        let slots = slots(main_of(&mut module), of_results);
        for (a, x) in slots.iter().enumerate() {
            for (b, y) in slots.iter().enumerate().skip(a + 1) {
                if x.ty == y.ty && of(x, attribute) != of(y, attribute) {
                    found.push(Exchange { attribute, of_results, slots: (a, b) });
                }
            }
        }
    }
    found
}

/// The module with each of them exchanged.
pub fn exchanged_attributes(original: &Module, attribute: &str) -> Vec<Edited> {
    exchanges(original, attribute).into_iter().map(|pair| pair.of(original)).collect()
}

fn of(slot: &Slot, attribute: &str) -> Option<Attribute> {
    slot.attributes.iter().find(|(name, _)| name == attribute).map(|(_, value)| value.clone())
}

fn set(slot: &mut Slot, attribute: &str, value: Option<Attribute>) {
    slot.attributes.retain(|(name, _)| name != attribute);
    slot.attributes.extend(value.map(|value| (attribute.to_string(), value)));
}
