"""Windows over tensors. `window`, `stride` and `padding` have one entry per
dimension, or one per spatial dimension of an NHWC tensor."""

from __future__ import annotations

import itertools

import jax.numpy as jnp


def patches(x, window, stride, padding, fill):
    """`x`'s windows: a new last axis runs over the cells of each in row-major order."""
    if len(window) == x.ndim - 2:
        window, stride, padding = [1, *window, 1], [1, *stride, 1], [(0, 0), *padding, (0, 0)]
    padded = jnp.pad(x, [tuple(p) for p in padding], constant_values=fill)
    out = [(n - w) // s + 1 for n, w, s in zip(padded.shape, window, stride)]
    cells = []
    for offset in itertools.product(*map(range, window)):
        spans = (slice(o, o + (n - 1) * s + 1, s) for o, n, s in zip(offset, out, stride))
        cells.append(padded[tuple(spans)])
    return jnp.stack(cells, axis=-1)


def window_sum(x, window, stride, padding):
    return patches(x, window, stride, padding, 0.0).sum(-1)


def avg_pool(x, window, stride, padding, count_include_pad):
    """The mean over the window's cells: all, or only those inside the tensor."""
    cells = patches(x, window, stride, padding, 0.0)
    if count_include_pad:
        return cells.sum(-1) / cells.shape[-1]
    inside = patches(jnp.ones_like(x), window, stride, padding, 0.0)
    return cells.sum(-1) / inside.sum(-1)


def max_pool(x, window, stride, padding):
    """The first maximal cell in row-major order takes value and derivative alone.

    Padding is -inf, below every cell, so it never wins; `argmax` returns the first.
    """
    cells = patches(x, window, stride, padding, -jnp.inf)
    first = jnp.argmax(cells, axis=-1, keepdims=True)
    return jnp.take_along_axis(cells, first, axis=-1)[..., 0]
