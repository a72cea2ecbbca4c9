//! Edits that change no value: what they compute is the same.

use crate::edits::{Edited, main_of};
use cotangent_stablehlo::ast::{Binary, Function, Instr, Module, Operand, Operation, Unary, Value};
use rand::seq::IndexedRandom;
use rand::{Rng, RngExt};

/// One edit of every kind.
pub fn edits(module: &Module, rng: &mut impl Rng) -> Vec<Edited> {
    vec![
        rename(module),
        reorder_functions(module),
        reorder(module, rng),
        dead_code(module, rng),
        compute_twice(module, rng),
        commute(module, rng),
        all_at_once(module, rng),
    ]
}

/// Everything with a name of its own under another name, but for arguments
/// and results.
fn rename(module: &Module) -> Edited {
    let mut module = module.clone();
    let new = |name: &str| format!("{name}_under_another_name");
    module.name = new(&module.name);
    for f in &mut module.functions {
        if !f.public {
            f.name = new(&f.name);
        }
        for i in &mut f.body {
            if let Operation::Call(name) = &mut i.operation {
                *name = new(name);
            }
        }
    }
    Edited::new("module and private functions renamed", module)
}

fn reorder_functions(module: &Module) -> Edited {
    let mut module = module.clone();
    module.functions.reverse();
    Edited::new("functions in reverse order", module)
}

/// `@main`'s instructions in another order that respects their uses.
fn reorder(module: &Module, rng: &mut impl Rng) -> Edited {
    let mut module = module.clone();
    let main = main_of(&mut module);
    let mut order: Vec<usize> = Vec::with_capacity(main.body.len());
    let mut placed = vec![false; main.body.len()];
    while order.len() < main.body.len() {
        let before = |o: &Operand| match o.value {
            Value::Result(n) => placed[n],
            Value::Argument(_) => true,
        };
        let ready: Vec<usize> = (0..main.body.len())
            .filter(|&k| !placed[k] && main.body[k].operands.iter().all(before))
            .collect();
        let &next = ready.choose(rng).expect("what comes first is ready");
        placed[next] = true;
        order.push(next);
    }
    let mut place = vec![0; order.len()];
    order.iter().enumerate().for_each(|(new, &old)| place[old] = new);
    let mut body: Vec<Instr> = order.iter().map(|&k| main.body[k].clone()).collect();
    body.iter_mut().flat_map(|i| &mut i.operands).for_each(|o| renumber(o, |n| place[n]));
    main.returns.iter_mut().for_each(|o| renumber(o, |n| place[n]));
    main.body = body;
    Edited::new("instructions in another order", module)
}

/// An instruction nobody uses, in front.
fn dead_code(module: &Module, rng: &mut impl Rng) -> Edited {
    let mut module = module.clone();
    let main = main_of(&mut module);
    let n = rng.random_range(0..main.arguments.len());
    let ty = main.arguments[n].ty.clone();
    let operands = vec![Operand { value: Value::Argument(n), ty: ty.clone() }];
    let (operation, at) = (Operation::Unary(Unary::Exponential), main.at);
    insert(main, 0, Instr { operation, operands, ty, at });
    Edited::new(format!("argument {n} exponentiated for nobody"), module)
}

/// An instruction with a user computed a second time, for that user.
pub fn compute_twice(module: &Module, rng: &mut impl Rng) -> Edited {
    let mut module = module.clone();
    let main = main_of(&mut module);
    let mut uses: Vec<(usize, usize, usize)> = Vec::new();
    for (i, instr) in main.body.iter().enumerate() {
        for (j, operand) in instr.operands.iter().enumerate() {
            if let Value::Result(k) = operand.value {
                uses.push((k, i, j));
            }
        }
    }
    let &(k, i, j) = uses.choose(rng).expect("some instruction uses another");
    insert(main, k, main.body[k].clone());
    // The user now refers to k + 1, as the others do.
    main.body[i + 1].operands[j].value = Value::Result(k);
    Edited::new(format!("instruction {k} computed a second time"), module)
}

/// The operands of a commutative op exchanged.
fn commute(module: &Module, rng: &mut impl Rng) -> Edited {
    let mut module = module.clone();
    let main = main_of(&mut module);
    let commutative = |i: &Instr| {
        matches!(i.operation, Operation::Binary(Binary::Add | Binary::Multiply))
            && i.operands[0] != i.operands[1]
    };
    let all: Vec<usize> = (0..main.body.len()).filter(|&k| commutative(&main.body[k])).collect();
    let &k = all.choose(rng).expect("some instruction adds or multiplies");
    main.body[k].operands.swap(0, 1);
    Edited::new(format!("operands of instruction {k} exchanged"), module)
}

pub fn all_at_once(module: &Module, rng: &mut impl Rng) -> Edited {
    let mut module = reorder_functions(&rename(module).module).module;
    for _ in 0..5 {
        module = dead_code(&module, rng).module;
        module = compute_twice(&module, rng).module;
        module = commute(&module, rng).module;
    }
    Edited::new("all of these, several times", reorder(&module, rng).module)
}

fn renumber(operand: &mut Operand, number: impl FnOnce(usize) -> usize) {
    if let Value::Result(n) = &mut operand.value {
        *n = number(*n);
    }
}

/// `new`, whose operands come before `at`, becomes instruction `at`.
fn insert(main: &mut Function, at: usize, new: Instr) {
    let moved = |n: usize| if n >= at { n + 1 } else { n };
    main.body.iter_mut().flat_map(|i| &mut i.operands).for_each(|o| renumber(o, moved));
    main.returns.iter_mut().for_each(|o| renumber(o, moved));
    main.body.insert(at, new);
}
