//! Attention, and what a vision transformer has around it.

use crate::draft::{Draft, plain};
use crate::{Check, Wrong};
use cotangent_check::Fill::{FanIn, Spread};
use cotangent_graph::{ConvDims, Op, ValueId};

pub fn checks() -> Vec<Check> {
    let check = |name, wrt, formula, wrong| Check { name, wrt, formula, wrong };
    let rank_1 = || Wrong::Rule("softmax", "rank-1 term dropped");
    let unscaled = || Wrong::Formula(unscaled_heads);
    vec![
        check("attention: Q", "Q", attention, rank_1()),
        check("attention: K", "K", attention, Wrong::Rule("softmax", "sum not weighted")),
        check("attention: V", "V", attention, Wrong::Formula(unweighted)),
        check("masked attention: Q", "Q", masked, Wrong::Formula(attention)),
        check("masked attention: K", "K", masked, Wrong::Formula(attention)),
        check("masked attention: V", "V", masked, Wrong::Formula(attention)),
        check("multi-head attention: input", "x", heads, rank_1()),
        check("multi-head attention: W_Q", "W_Q", heads, unscaled()),
        check("multi-head attention: W_K", "W_K", heads, unscaled()),
        check("multi-head attention: W_V", "W_V", heads, Wrong::Formula(one_head)),
        check("multi-head attention: W_O", "W_O", heads, Wrong::Formula(one_head)),
        check("patch embedding: input", "x", patches, Wrong::Formula(patches_by_columns)),
        check("patch embedding: weight", "W", patches, Wrong::Formula(patches_by_columns)),
        check(
            "patch embedding: bias",
            "b",
            patches,
            Wrong::Rule("broadcast_in_dim", "mean for sum"),
        ),
        check(
            "class token",
            "token",
            class_token,
            Wrong::Rule("concatenate", "the parts in the other order"),
        ),
        check(
            "position embedding",
            "position",
            position,
            Wrong::Rule("broadcast_in_dim", "mean for sum"),
        ),
        check(
            "transformer block",
            "*",
            block,
            Wrong::Rule("normalize", "variance taken for constant"),
        ),
    ]
}

/// Queries, keys and values `[batch, tokens, channels]`; as many keys as
/// queries, so that a causal mask fits.
fn qkv(d: &mut Draft) -> [ValueId; 3] {
    let shape = [d.size(1, 2), d.size(2, 4), d.size(2, 4)];
    ["Q", "K", "V"].map(|name| d.input(name, Spread, &shape))
}

/// `softmax(Q·Kᵀ/√d + mask)·V`, 1/√d by rsqrt.
fn attend(d: &mut Draft, [q, k, v]: [ValueId; 3], scaled: bool, mask: Option<ValueId>) -> ValueId {
    let mut scores = d.batched(1, (q, 2), (k, 2));
    if scaled {
        let width = d.shape(q)[2].to_string();
        let width = d.number(&width, scores);
        let scale = d.unary(Op::Rsqrt, width);
        scores = d.mul(scores, scale);
    }
    if let Some(mask) = mask {
        scores = d.add(scores, mask);
    }
    let weights = d.unary(Op::Softmax, scores);
    d.batched(1, (weights, 2), (v, 1))
}

fn attention(d: &mut Draft) -> ValueId {
    let qkv = qkv(d);
    attend(d, qkv, true, None)
}

/// The mean of the values.
fn unweighted(d: &mut Draft) -> ValueId {
    let [_, _, v] = qkv(d);
    let mean = d.mean(v, &[1]);
    d.spread(mean, v, &[0, 2])
}

/// No token attends to a later one: -1e9 is added there.
fn masked(d: &mut Draft) -> ValueId {
    let [q, k, v] = qkv(d);
    let [batch, tokens] = [d.shape(q)[0], d.shape(q)[1]];
    let rows = (0..tokens).map(|row| {
        let seen = d.push(Op::Constant { value: 0.into(), shape: vec![batch, 1, row + 1] }, &[]);
        let mask = "-1e9".parse().unwrap();
        let later = vec![batch, 1, tokens - row - 1];
        if row + 1 == tokens {
            return seen;
        }
        let later = d.push(Op::Constant { value: mask, shape: later }, &[]);
        d.concatenate(&[seen, later], 2)
    });
    let rows: Vec<_> = rows.collect();
    let mask = d.concatenate(&rows, 1);
    attend(d, [q, k, v], true, Some(mask))
}

/// Tokens and the four projections of two heads.
fn projections(d: &mut Draft) -> (ValueId, [ValueId; 4]) {
    let [batch, tokens, width] = [d.size(1, 2), d.size(2, 4), 2 * d.size(1, 3)];
    let x = d.input("x", Spread, &[batch, tokens, width]);
    (x, ["W_Q", "W_K", "W_V", "W_O"].map(|name| d.input(name, Spread, &[width, width])))
}

/// `[batch, tokens, channels]` to `[batch · heads, tokens, channels / heads]`.
fn split(d: &mut Draft, a: ValueId, heads: usize) -> ValueId {
    let [batch, tokens, width] = d.shape(a)[..] else { panic!("not tokens") };
    let a = d.reshape(a, &[batch, tokens, heads, width / heads]);
    let a = d.transpose(a, &[0, 2, 1, 3]);
    d.reshape(a, &[batch * heads, tokens, width / heads])
}

fn multi_head(
    d: &mut Draft,
    x: ValueId,
    [q, k, v, o]: [ValueId; 4],
    heads: usize,
    scaled: bool,
) -> ValueId {
    let shape = d.shape(x);
    let [batch, tokens, width] = shape[..] else { panic!("not tokens") };
    let parts = [q, k, v].map(|w| {
        let projected = d.matmul(x, w);
        split(d, projected, heads)
    });
    let y = attend(d, parts, scaled, None);
    let y = d.reshape(y, &[batch, heads, tokens, width / heads]);
    let y = d.transpose(y, &[0, 2, 1, 3]);
    let y = d.reshape(y, &shape);
    d.matmul(y, o)
}

fn heads(d: &mut Draft) -> ValueId {
    let (x, weights) = projections(d);
    multi_head(d, x, weights, 2, true)
}

fn unscaled_heads(d: &mut Draft) -> ValueId {
    let (x, weights) = projections(d);
    multi_head(d, x, weights, 2, false)
}

fn one_head(d: &mut Draft) -> ValueId {
    let (x, weights) = projections(d);
    multi_head(d, x, weights, 1, true)
}

/// An image of whole patches, and a kernel with the patch's size.
fn patched(d: &mut Draft) -> ([ValueId; 3], usize) {
    let (patch, channels, width) = (d.size(1, 3), d.size(1, 2), d.size(2, 4));
    let shape = [d.size(1, 2), patch * d.size(2, 3), patch * d.size(2, 3), channels];
    let x = d.input("x", Spread, &shape);
    let w = d.input("W", FanIn, &[patch, patch, channels, width]);
    ([x, w, d.input("b", Spread, &[width])], patch)
}

fn embedded(d: &mut Draft, by_columns: bool) -> ValueId {
    let ([x, w, b], patch) = patched(d);
    let y = d.conv(x, w, ConvDims { strides: vec![patch; 2], ..plain(1) });
    let mut y = d.biased(y, b);
    let [batch, rows, columns, width] = d.shape(y)[..] else { panic!("not an image") };
    if by_columns {
        y = d.transpose(y, &[0, 2, 1, 3]);
    }
    d.reshape(y, &[batch, rows * columns, width])
}

/// A convolution with stride its kernel's size; the cells are the tokens.
fn patches(d: &mut Draft) -> ValueId {
    embedded(d, false)
}

fn patches_by_columns(d: &mut Draft) -> ValueId {
    embedded(d, true)
}

/// One learnt token before the others of each example.
fn class_token(d: &mut Draft) -> ValueId {
    let [batch, tokens, width] = [d.size(1, 3), d.size(2, 4), d.size(2, 4)];
    let x = d.data("x", Spread, &[batch, tokens, width]);
    let token = d.input("token", Spread, &[width]);
    let first = d.slice(x, 1, 0, 1);
    let token = d.spread(token, first, &[2]);
    d.concatenate(&[token, x], 1)
}

fn position(d: &mut Draft) -> ValueId {
    let [batch, tokens, width] = [d.size(2, 3), d.size(2, 4), d.size(2, 4)];
    let x = d.data("x", Spread, &[batch, tokens, width]);
    let position = d.input("position", Spread, &[tokens, width]);
    let position = d.spread(position, x, &[1, 2]);
    d.add(x, position)
}

/// `y = x + attention(norm(x)); y + mlp(norm(y))`
fn block(d: &mut Draft) -> ValueId {
    let (x, weights) = projections(d);
    let width = d.shape(x)[2];
    let wide = d.size(3, 5);
    let (up, up_bias) = (d.input("W1", FanIn, &[width, wide]), d.input("b1", Spread, &[wide]));
    let (down, down_bias) = (d.input("W2", FanIn, &[wide, width]), d.input("b2", Spread, &[width]));
    let norm = || Op::Normalize { dims: vec![2], eps: "1e-2".parse().unwrap() };
    let normed = d.unary(norm(), x);
    let attended = multi_head(d, normed, weights, 2, true);
    let y = d.add(x, attended);
    let normed = d.unary(norm(), y);
    let hidden = d.dense(normed, up, up_bias);
    let gate = d.unary(Op::Erf, hidden);
    let hidden = d.mul(hidden, gate);
    let out = d.dense(hidden, down, down_bias);
    d.add(y, out)
}
