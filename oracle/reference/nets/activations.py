"""Pointwise activations. Where one has a kink, `where` sends the whole cotangent to
the branch that SEMANTICS.md names."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp

from oracle.reference import ops


def clamp(x, low, high):
    """Its derivative is 0 at both ends."""
    return jnp.where((x > low) & (x < high), x, jnp.where(x <= low, low, high))


def leaky_relu(x, slope):
    """The slope at 0."""
    return jnp.where(x > 0, x, slope * x)


def elu(x, alpha):
    """α at 0, from the left. The inner `where` keeps eˣ finite where it is not taken."""
    return jnp.where(x > 0, x, alpha * jnp.expm1(jnp.where(x > 0, 0, x)))


def gelu(x, stored):
    return x * (1 + jax.scipy.special.erf(x * stored(math.sqrt(0.5)))) / 2


def gelu_tanh(x, stored):
    inner = stored(math.sqrt(2 / math.pi)) * (x + stored(0.044715) * x**3)
    return x * (1 + jnp.tanh(inner)) / 2


def softplus(x):
    return jnp.logaddexp(x, 0)


def hard_sigmoid(x):
    return clamp(x + 3, 0, 6) / 6


NAMED = {
    "relu": lambda x, stored: ops.relu(x),
    "relu6": lambda x, stored: clamp(x, 0, 6),
    "gelu": gelu,
    "silu": lambda x, stored: x * jax.nn.sigmoid(x),
    "sigmoid": lambda x, stored: jax.nn.sigmoid(x),
    "tanh": lambda x, stored: jnp.tanh(x),
    "softplus": lambda x, stored: softplus(x),
    "hard_swish": lambda x, stored: x * hard_sigmoid(x),
    "hard_sigmoid": lambda x, stored: hard_sigmoid(x),
}


def activate(run, name: str, x):
    """The activation called `name`, as blocks have it: without attributes."""
    return NAMED[name](x, run.stored)


def _gelu(run, layer, x):
    return {"none": gelu, "tanh": gelu_tanh}[layer["approximate"]](x, run.stored)


LAYERS = {name: (lambda run, layer, x, name=name: activate(run, name, x)) for name in NAMED}
LAYERS |= {
    "gelu": _gelu,
    "leaky_relu": lambda run, layer, x: leaky_relu(x, run.stored(layer["slope"])),
    "elu": lambda run, layer, x: elu(x, run.stored(layer["alpha"])),
}
