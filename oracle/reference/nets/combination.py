"""Shapes, masks, scales, and layers made of layers. `branches` start from one input."""

from __future__ import annotations

import functools
import operator

import jax.numpy as jnp


def maximum(a, b):
    """One half of the cotangent to each where they are equal."""
    larger = jnp.where(a > b, a, b)
    return jnp.where(a == b, (a + b) / 2, larger)


MERGES = {"sum": operator.add, "product": operator.mul, "maximum": maximum}


def concat(run, layer, x):
    return jnp.concatenate([run.sequence(branch, x) for branch in layer["branches"]], -1)


def parallel(run, layer, x):
    values = [run.sequence(branch, x) for branch in layer["branches"]]
    return functools.reduce(MERGES[layer["merge"]], values)


def residual(run, layer, x):
    body, shortcut = layer["branches"]
    return run.sequence(body, x) + run.sequence(shortcut, x)


def one_branch(run, layer, x):
    """`repeat` has its layers as often as it repeats them, `use` the shared ones."""
    (layers,) = layer["branches"]
    return run.sequence(layers, x)


LAYERS = {
    "flatten": lambda run, layer, x: x.reshape(x.shape[0], -1),
    "reshape": lambda run, layer, x: x.reshape(x.shape[0], *layer["shape"]),
    "dropout": lambda run, layer, x: run.masked(x, layer["rate"], layer["name"]),
    "drop_path": lambda run, layer, x: run.masked(x, layer["rate"], layer["name"]),
    "layer_scale": lambda run, layer, x: x * run.get(layer["params"], "gamma", shape=x.shape[-1:]),
    "concat": concat,
    "parallel": parallel,
    "residual": residual,
    "repeat": one_branch,
    "use": one_branch,
}
