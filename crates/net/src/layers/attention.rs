//! Scaled dot-product attention in several heads (Vaswani et al.: *Attention
//! Is All You Need*, 2017).

use super::{Branch, InitScheme, Plan, Rule, tokens};
use crate::elaborate::Scope;
use crate::field::attributes;
use crate::toml_format::Nested;
use crate::{Init, Layer};
use cotangent_graph::{DotDims, GraphError, Op, ValueId};

attributes! {
    /// `softmax(Q Kᵀ/√d) V` in each head, then a dense layer. Queries come
    /// from the input; keys and values from it too, or from what `context`
    /// makes of it.
    MultiHeadAttention {
        /// Number of heads; it divides the features.
        heads: usize,
        ;
        /// Whether a token sees itself and those before it only.
        causal: bool = false,
        /// Whether the dense layers have biases.
        bias: bool = true,
        /// Layers that make the tokens attended to; none for self-attention.
        context: Vec<Layer> = Vec::new(),
        /// How the weights start.
        init: InitScheme = InitScheme::GlorotUniform,
    }
}

impl MultiHeadAttention {
    /// `x · W + b` for the dense layer whose weight is parameter number `k`.
    fn dense(&self, s: &mut Scope, x: ValueId, k: &mut usize) -> Result<ValueId, GraphError> {
        let weight = s.param(*k)?;
        let mut y = s.b.matmul(x, weight)?;
        *k += 1;
        if self.bias {
            let bias = s.param(*k)?;
            y = s.add_bias(y, bias)?;
            *k += 1;
        }
        Ok(y)
    }

    /// `[batch, tokens, parts·D]` as `parts` tensors `[batch, tokens, heads, D/heads]`.
    fn split(&self, s: &mut Scope, x: ValueId, parts: usize) -> Result<Vec<ValueId>, GraphError> {
        let shape = s.b.shape(x).to_vec();
        let (count, size) = (shape[1], shape[2] / parts);
        let heads = [shape[0], count, self.heads, size / self.heads];
        (0..parts)
            .map(|k| {
                let part = s.b.slice_in_dim(x, 2, k * size, (k + 1) * size)?;
                s.b.reshape(part, &heads)
            })
            .collect()
    }
}

impl Rule for MultiHeadAttention {
    fn branches(&self, _: &[usize]) -> Result<Vec<Branch>, String> {
        Ok(match self.context.is_empty() {
            true => vec![],
            false => vec![Branch::new("context_", self.context.clone())],
        })
    }

    fn nested(&self, key: &str) -> Option<Nested<'_>> {
        (key == "context").then_some(Nested::List(&self.context))
    }

    fn plan(&self, input: &[usize], branches: &[Vec<usize>]) -> Result<Plan, String> {
        let [count, size] = tokens(input)?;
        if self.heads == 0 || !size.is_multiple_of(self.heads) {
            return Err(format!(
                "{size} features do not divide into {} heads; use a divisor of {size}",
                self.heads
            ));
        }
        let context = branches.first().map(|shape| tokens(shape)).transpose()?;
        if self.causal && context.is_some() {
            return Err("causal attention is to the input's own tokens; leave out `context`".into());
        }
        let dense = |plan: Plan, [w, b]: [&'static str; 2], from: usize, to: usize| {
            plan.param(w, [from, to], self.init.init(from, to)).param_if(
                self.bias,
                b,
                to,
                Init::ZEROS,
            )
        };
        let mut plan = Plan::new(input);
        let others = match context {
            None => {
                plan = dense(plan, ["qkv.weight", "qkv.bias"], size, 3 * size);
                count
            }
            Some([others, features]) => {
                plan = dense(plan, ["kv.weight", "kv.bias"], features, 2 * size);
                plan = dense(plan, ["q.weight", "q.bias"], size, size);
                others
            }
        };
        plan = dense(plan, ["proj.weight", "proj.bias"], size, size);
        let weights: u64 = plan
            .params
            .iter()
            .filter(|(_, shape, _)| shape.len() == 2)
            .map(|(name, shape, _)| {
                let rows = if *name == "kv.weight" { others } else { count };
                (rows * shape[0]).saturating_mul(shape[1]) as u64
            })
            .sum();
        let scores = (count as u64).saturating_mul(others as u64).saturating_mul(2 * size as u64);
        plan.macs = weights.saturating_add(scores);
        Ok(plan)
    }

    fn emit(&self, s: &mut Scope, x: ValueId, context: &[ValueId]) -> Result<ValueId, GraphError> {
        let shape = s.b.shape(x).to_vec();
        let mut next = 0;
        let (q, k, v) = match context.first() {
            None => {
                let qkv = self.dense(s, x, &mut next)?;
                let parts = self.split(s, qkv, 3)?;
                (parts[0], parts[1], parts[2])
            }
            Some(&context) => {
                let kv = self.dense(s, context, &mut next)?;
                let q = self.dense(s, x, &mut next)?;
                let (q, kv) = (self.split(s, q, 1)?, self.split(s, kv, 2)?);
                (q[0], kv[0], kv[1])
            }
        };
        // 1/√d exactly: the root is taken in the step, not rounded here.
        let size = s.b.constant((shape[2] / self.heads) as i64, &[])?;
        let scale = s.b.push(Op::Rsqrt, &[size])?;
        let scale = s.b.splat(scale, q)?;
        let q = s.b.mul(q, scale)?;
        let scores = s.b.push(
            Op::DotGeneral(DotDims {
                lhs_batch: vec![0, 2],
                rhs_batch: vec![0, 2],
                lhs_contracting: vec![3],
                rhs_contracting: vec![3],
            }),
            &[q, k],
        )?;
        let scores = if self.causal { mask_future(s, scores)? } else { scores };
        let weights = s.b.push(Op::Softmax, &[scores])?;
        let mixed = s.b.push(
            Op::DotGeneral(DotDims {
                lhs_batch: vec![0, 1],
                rhs_batch: vec![0, 2],
                lhs_contracting: vec![3],
                rhs_contracting: vec![1],
            }),
            &[weights, v],
        )?;
        let tokens_first = s.b.transpose(mixed, &[0, 2, 1, 3])?;
        let joined = s.b.reshape(tokens_first, &shape)?;
        self.dense(s, joined, &mut next)
    }

    fn trick(&self) -> &'static str {
        "additive fan-in, product rule, rank-1 correction, outer product"
    }
}

/// Scores `[.., T, T]` less 1e9 where a token looks at a later one.
fn mask_future(s: &mut Scope, scores: ValueId) -> Result<ValueId, GraphError> {
    let shape = s.b.shape(scores).to_vec();
    let t = shape[shape.len() - 1];
    // Row i of the mask is the sequence of t zeros and t ones from position
    // t - 1 - i on. A table whose rows all are that sequence, 2t long, read
    // with rows of 2t - 1, moves back by one with every row.
    let ones = s.b.constant(1, &[t])?;
    let (low, high, interior) = (vec![t], vec![0], vec![0]);
    let sequence = s.b.push(Op::Pad { low, high, interior }, &[ones])?;
    let table = s.b.broadcast(sequence, &[t, 2 * t], &[1])?;
    let line = s.b.reshape(table, &[2 * t * t])?;
    let line = s.b.slice_in_dim(line, 0, t - 1, t - 1 + t * (2 * t - 1))?;
    let rows = s.b.reshape(line, &[t, 2 * t - 1])?;
    let later = s.b.slice_in_dim(rows, 1, 0, t)?;
    let penalty = s.mul_constant(later, -1_000_000_000)?;
    s.add_bias(scores, penalty)
}
