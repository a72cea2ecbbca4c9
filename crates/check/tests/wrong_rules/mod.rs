//! Deliberately wrong rules, for checks that must notice each of them.

use cotangent_graph::{Builder, Op, Rational, ValueId};
use cotangent_vjp::{Application, Cotangents, Rule, VjpError, rule};

/// A wrong rule for one op, right for all others.
pub struct Mutation {
    pub what: &'static str,
    pub op: &'static str,
    pub rule: Rule,
}

/// A [`Mutation`] from a pattern of the op and a body that may use the builder
/// and the application.
macro_rules! wrong {
    ($op:literal, $what:literal, $pattern:pat => |$b:ident, $a:ident| $body:expr) => {
        Mutation {
            what: $what,
            op: $op,
            rule: |$b: &mut Builder, $a: &Application| -> Result<Cotangents, VjpError> {
                match &$a.op {
                    $pattern => $body,
                    _ => rule($b, $a),
                }
            },
        }
    };
}

/// The right cotangents with operand `k`'s replaced.
fn with(
    b: &mut Builder,
    a: &Application,
    k: usize,
    change: impl FnOnce(&mut Builder, ValueId) -> Result<ValueId, VjpError>,
) -> Result<Cotangents, VjpError> {
    let mut all = rule(b, a)?;
    if let Some(Some(right)) = all.get(k).copied() {
        all[k] = Some(change(b, right)?);
    }
    Ok(all)
}

fn negated(b: &mut Builder, a: &Application, k: usize) -> Result<Cotangents, VjpError> {
    with(b, a, k, |b, right| Ok(b.push(Op::Neg, &[right])?))
}

/// Right by a factor of 1 + 1e-5: what a check to 1e-6 must still see.
fn slightly_off(b: &mut Builder, a: &Application, k: usize) -> Result<Cotangents, VjpError> {
    with(b, a, k, |b, right| {
        let factor = Rational::new(100_001, 100_000).unwrap();
        let factor = b.constant_like(factor, right)?;
        Ok(b.mul(right, factor)?)
    })
}

/// The rule applied as if the op were `op`.
fn as_if(b: &mut Builder, a: &Application, op: Op) -> Result<Cotangents, VjpError> {
    rule(b, &Application { op, ..a.clone() })
}

/// Operand `k`'s cotangent replaced where `wrong` fits its shapes, else kept.
fn or_right(
    b: &mut Builder,
    a: &Application,
    k: usize,
    wrong: impl FnOnce(&mut Builder) -> Result<ValueId, VjpError>,
) -> Result<Cotangents, VjpError> {
    with(b, a, k, |b, right| match wrong(b) {
        Ok(value) if b.ty(value) == b.ty(right) => Ok(value),
        _ => Ok(right),
    })
}

mod closed_forms;
mod linear;
mod pointwise;

/// Every wrong rule.
pub fn all() -> Vec<Mutation> {
    let mut all = pointwise::wrong();
    all.extend(linear::wrong());
    all.extend(closed_forms::wrong());
    all
}
