//! Reverse mode as a graph transform: graph in, graph out, once, when the step
//! is made. Nothing is differentiated at run time.
//!
//! [`vjp`] walks a graph backwards from one value and appends, for every op it
//! meets, the instructions of that op's vector-Jacobian product ([`rule`]).
//! The three rules of back-propagation are in this file: the chain rule is the
//! walk, additive fan-in is [`Cotangents::add`], the product rule is the rule
//! of [`Op::Mul`] and of the contractions.
//!
//! **Architecture invariant:** one rule per op, a pure function from
//! instruction to instructions; no rule sees a layer.
//!
//! ```
//! use cotangent_graph::{Builder, Op, Role, TensorType};
//! let mut b = Builder::new();
//! let x = b.input("x", Role::Data, TensorType::real([3]))?;
//! let y = b.mul(x, x)?;
//! let dy = b.constant(1, &[3])?;
//! let dx = cotangent_vjp::vjp(&mut b, y, dy, &[x])?;
//! b.output("dx", Role::Grad, dx[0]); // dx = dy·x + dy·x
//! # b.finish()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod linear;
mod rules;

pub use rules::rule;

use cotangent_graph::{Builder, GraphError, Op, ValueId};
use thiserror::Error;

/// Why a graph has no gradient here.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum VjpError {
    /// The op has no rule in one of the operands that matter.
    #[error("{op} has no vector-Jacobian product in operand {operand}")]
    NotDifferentiable {
        /// Op name.
        op: &'static str,
        /// Operand position.
        operand: usize,
    },
    /// The cotangent does not have the type of the value it belongs to.
    #[error("the cotangent has type {found}, expected {expected}")]
    Cotangent {
        /// Type given.
        found: String,
        /// Type of the value.
        expected: String,
    },
    /// A rule built something ill-typed.
    #[error(transparent)]
    Graph(#[from] GraphError),
}

/// One instruction of the forward graph with the cotangent of its result.
#[derive(Debug, Clone)]
pub struct Application {
    /// The op.
    pub op: Op,
    /// Its operands.
    pub operands: Vec<ValueId>,
    /// Its result.
    pub result: ValueId,
    /// The result's cotangent.
    pub cotangent: ValueId,
    /// Which operands' cotangents are wanted.
    pub wanted: Vec<bool>,
}

impl Application {
    /// The cotangents of a one-operand op.
    fn one(cotangent: ValueId) -> Cotangents {
        vec![Some(cotangent)]
    }
}

/// The cotangent of each operand; `None` where it is zero or not wanted.
pub type Cotangents = Vec<Option<ValueId>>;

/// A vector-Jacobian product: appends instructions, returns one entry per
/// operand.
pub type Rule = fn(&mut Builder, &Application) -> Result<Cotangents, VjpError>;

/// Appends to `b` the product of `cotangent` with the Jacobian of `output` in
/// each of `wrt`; returns those products, in order (a zero constant where
/// `output` does not depend on the value).
pub fn vjp(
    b: &mut Builder,
    output: ValueId,
    cotangent: ValueId,
    wrt: &[ValueId],
) -> Result<Vec<ValueId>, VjpError> {
    vjp_with(rule, b, output, cotangent, wrt)
}

/// [`vjp`] under other rules. Checks of checks use it: a deliberately wrong
/// rule must be noticed.
pub fn vjp_with(
    rule: Rule,
    b: &mut Builder,
    output: ValueId,
    cotangent: ValueId,
    wrt: &[ValueId],
) -> Result<Vec<ValueId>, VjpError> {
    if b.ty(cotangent) != b.ty(output) {
        return Err(VjpError::Cotangent {
            found: b.ty(cotangent).to_string(),
            expected: b.ty(output).to_string(),
        });
    }
    let active = depends_on(b, wrt, output);
    let inputs = b.graph().inputs.len();
    let mut adjoint: Vec<Option<ValueId>> = vec![None; output.index() + 1];
    adjoint[output.index()] = Some(cotangent);
    for k in (inputs..=output.index()).rev() {
        let (true, Some(cotangent)) = (active[k], adjoint[k]) else { continue };
        let instruction = b.graph().instructions[k - inputs].clone();
        let wanted: Vec<bool> = instruction.operands.iter().map(|v| active[v.index()]).collect();
        let application = Application {
            op: instruction.op,
            operands: instruction.operands,
            result: ValueId(k as u32),
            cotangent,
            wanted,
        };
        let cotangents = rule(b, &application)?;
        for (j, &operand) in application.operands.iter().enumerate() {
            let (true, Some(new)) = (application.wanted[j], cotangents[j]) else { continue };
            // Additive fan-in: paths that meet in a value add their cotangents.
            adjoint[operand.index()] = Some(match adjoint[operand.index()] {
                None => new,
                Some(old) => b.add(old, new)?,
            });
        }
    }
    wrt.iter()
        .map(|&v| match adjoint.get(v.index()).copied().flatten() {
            Some(d) if active[v.index()] => Ok(d),
            _ => Ok(b.constant_like(0, v)?),
        })
        .collect()
}

/// For every value up to `output`, whether it depends on one of `wrt`.
fn depends_on(b: &Builder, wrt: &[ValueId], output: ValueId) -> Vec<bool> {
    let graph = b.graph();
    let inputs = graph.inputs.len();
    let mut active = vec![false; output.index() + 1];
    for v in wrt {
        if let Some(a) = active.get_mut(v.index()) {
            *a = true;
        }
    }
    for k in inputs..active.len() {
        let operands = &graph.instructions[k - inputs].operands;
        active[k] |=
            operands.iter().any(|v| active[v.index()]) && graph.ty(ValueId(k as u32)).is_real();
    }
    active
}
