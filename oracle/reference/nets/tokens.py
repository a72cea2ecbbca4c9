"""Tokens [batch, tokens, features]: how they arise, and attention between them."""

from __future__ import annotations

import jax.numpy as jnp

from oracle.reference import ops


def patch_embed(run, layer, x):
    """Each patch, in row-major order, as one vector times one matrix."""
    batch, height, width, channels = x.shape
    ph, pw = layer["patch"]
    patches = x.reshape(batch, height // ph, ph, width // pw, pw, channels)
    patches = patches.transpose(0, 1, 3, 2, 4, 5).reshape(batch, -1, ph * pw * channels)
    features = layer["features"]
    weight = run.get(layer["params"], "proj.weight", shape=(ph, pw, channels, features))
    y = patches @ weight.reshape(ph * pw * channels, features)
    return y + run.get(layer["params"], "proj.bias", shape=(features,)) if layer["bias"] else y


def class_token(run, layer, x):
    token = run.get(layer["params"], "weight", shape=x.shape[2:])
    return jnp.concatenate([jnp.broadcast_to(token, (x.shape[0], 1, token.size)), x], 1)


def position_embedding(run, layer, x):
    return x + run.get(layer["params"], "weight", shape=x.shape[1:])


def select_token(run, layer, x):
    return x[:, layer["index"]]


def embedding(run, layer, x):
    return x @ run.get(layer["params"], "weight", shape=(x.shape[-1], layer["features"]))


def multi_head_attention(run, layer, x):
    """Queries from `x`; keys and values from `x`, or from what the branch makes of it."""
    size = x.shape[-1]
    if branches := layer.get("branches"):
        context = run.sequence(branches[0], x)
        query = _project(run, layer, "q", x, size)
        key, value = jnp.split(_project(run, layer, "kv", context, 2 * size), 2, -1)
    else:
        query, key, value = jnp.split(_project(run, layer, "qkv", x, 3 * size), 3, -1)
    mixed = attention(query, key, value, layer["heads"], layer["causal"])
    return _project(run, layer, "proj", mixed, size)


def attention(query, key, value, heads: int, causal: bool):
    """`softmax(QKᵀ/√d) V` per head; head h has features h·d to (h+1)·d - 1.

    Causal: 1e9 less where a token would look at a later one.
    """
    apart = lambda t: t.reshape(*t.shape[:2], heads, -1)  # noqa: E731
    query, key, value = apart(query), apart(key), apart(value)
    size = jnp.asarray(query.shape[-1], query.dtype)
    scores = jnp.einsum("bqhd,bkhd->bhqk", query, key) / jnp.sqrt(size)
    if causal:
        count = scores.shape[-1]
        later = jnp.arange(count)[None, :] > jnp.arange(count)[:, None]
        scores = scores + jnp.where(later, jnp.asarray(-1e9, scores.dtype), 0)
    mixed = jnp.einsum("bhqk,bkhd->bqhd", ops.softmax(scores), value)
    return mixed.reshape(*mixed.shape[:2], -1)


def _project(run, layer, name: str, x, features: int):
    y = x @ run.get(layer["params"], name, "weight", shape=(x.shape[-1], features))
    return y + run.get(layer["params"], name, "bias", shape=(features,)) if layer["bias"] else y


LAYERS = {
    "patch_embed": patch_embed,
    "class_token": class_token,
    "position_embedding": position_embedding,
    "select_token": select_token,
    "embedding": embedding,
    "multi_head_attention": multi_head_attention,
}
