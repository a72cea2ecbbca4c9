//! One small graph per op and attribute that matters.

use crate::{CheckError, Fill, fill};
use cotangent_graph::{Builder, Graph, GraphError, Op, Rational, Role, TensorType, ValueId};
use cotangent_interp::Value;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

mod closed_forms;
mod pointwise;
mod products;
mod re_indexings;
mod windows;

/// A forward graph around one op, with inputs that suit it. Inputs of role
/// [`Role::Param`] are those to differentiate in.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// The op and what is special about its attributes.
    pub name: String,
    /// The op under test, by [`Op::name`].
    pub op: &'static str,
    /// The graph; its one output is the op's result.
    pub forward: Graph,
    fills: Vec<Fill>,
}

impl Case {
    /// Inputs for `graph`, which is the case's own or what
    /// [`crate::differentiated`] makes of it.
    pub fn inputs(&self, graph: &Graph) -> Result<Vec<Value<f64>>, CheckError> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.name.bytes().map(u64::from).sum());
        let fills = self.fills.iter().chain(std::iter::repeat(&Fill::Spread));
        graph.inputs.iter().zip(fills).map(|(i, &f)| fill(&i.ty, f, &mut rng)).collect()
    }
}

/// Role, fill and shape of an input.
type Spec<'a> = (Role, Fill, &'a [usize]);

fn param(shape: &[usize]) -> Spec<'_> {
    (Role::Param, Fill::Spread, shape)
}

fn positive(shape: &[usize]) -> Spec<'_> {
    (Role::Param, Fill::Positive, shape)
}

fn data(shape: &[usize]) -> Spec<'_> {
    (Role::Data, Fill::Spread, shape)
}

fn targets(shape: &[usize]) -> Spec<'_> {
    (Role::Target, Fill::Targets, shape)
}

/// A constant of an op, from text such as `1/3` or `1e-5`.
fn number(text: &str) -> Result<Rational, CheckError> {
    text.parse().map_err(|_| CheckError::Outputs(format!("`{text}` is not a number")))
}

/// A case for `op` applied to its inputs.
fn plain(what: &str, op: Op, inputs: &[Spec]) -> Result<Case, CheckError> {
    built(what, op.name(), inputs, |b, v| b.push(op, v))
}

fn built(
    what: &str,
    op: &'static str,
    inputs: &[Spec],
    build: impl FnOnce(&mut Builder, &[ValueId]) -> Result<ValueId, GraphError>,
) -> Result<Case, CheckError> {
    let mut b = Builder::new();
    let mut values = Vec::new();
    for (k, (role, _, shape)) in inputs.iter().enumerate() {
        values.push(b.input(format!("x{k}"), *role, TensorType::real(*shape))?);
    }
    let y = build(&mut b, &values)?;
    b.output("y", Role::Logits, y);
    Ok(Case {
        name: if what.is_empty() { op.to_string() } else { format!("{op}: {what}") },
        op,
        forward: b.finish()?,
        fills: inputs.iter().map(|(_, fill, _)| *fill).collect(),
    })
}

/// Every differentiable op, over the attributes that matter.
pub fn cases() -> Result<Vec<Case>, CheckError> {
    let mut cases = pointwise::cases()?;
    cases.extend(products::cases()?);
    cases.extend(re_indexings::cases()?);
    cases.extend(windows::cases()?);
    cases.extend(closed_forms::cases()?);
    Ok(cases)
}
