"""The train step in JAX: one jitted function with donated parameters and state."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import lax

from oracle.peers import constants
from oracle.peers.batch import draw

VERSION = jax.__version__


def configure(threads: int) -> None:
    """Threads follow from the process's affinity, which is set already."""
    jax.config.update("jax_platforms", "cpu")


def variants(spec: dict) -> list[str]:
    """One: XLA chooses layouts itself, NCHW measures the same as NHWC."""
    return ["jit, donated buffers"]


def build(spec: dict, batch: int, optimizer: str, variant: str):
    """A function that runs one step and waits for its results."""
    update = step_function(spec, optimizer)
    params, x, target = draw(spec, batch)
    params = [jnp.asarray(p) for p in params]
    carry = [params, init(params, optimizer)]
    x, target = jnp.asarray(x), jnp.asarray(target)
    compiled = jax.jit(update, donate_argnums=(0, 1))

    def step():
        *carry[:], loss, logits = compiled(*carry, x, target)
        jax.block_until_ready((carry, loss, logits))
        return loss, logits

    return step


def init(params: list, optimizer: str):
    zeros = lambda: [jnp.zeros_like(p) for p in params]  # noqa: E731
    if optimizer == "adamw":
        return zeros(), zeros(), jnp.float32(1), jnp.float32(1)
    return zeros() if optimizer == "momentum" else ()


def step_function(spec: dict, optimizer: str):
    """`(params, state, x, target) -> (params', state', loss, logits)`."""

    def objective(params, x, target):
        logits = _forward(spec, params, x)
        return -(target * jax.nn.log_softmax(logits)).sum() / logits.shape[0], logits

    def update(params, state, x, target):
        differentiate = jax.value_and_grad(objective, has_aux=True)
        (loss, logits), grads = differentiate(params, x, target)
        params, state = _UPDATES[optimizer](params, grads, state)
        return params, state, loss, logits

    return update


def _forward(spec: dict, params: list, x):
    supply = iter(params)
    for layer in spec["layers"]:
        kind = layer["kind"]
        if kind == "relu":
            x = jax.nn.relu(x)
        elif kind == "flatten":
            x = x.reshape(x.shape[0], -1)
        elif kind == "dense":
            x = x @ next(supply)
            x = x + next(supply) if layer["bias"] else x
        elif kind == "conv2d":
            x = lax.conv_general_dilated(
                x,
                next(supply),
                layer["stride"],
                [tuple(p) for p in layer["padding"]],
                rhs_dilation=layer["dilation"],
                feature_group_count=layer["groups"],
                dimension_numbers=("NHWC", "HWIO", "NHWC"),
            )
            x = x + next(supply) if layer["bias"] else x
        elif kind in ("max_pool", "avg_pool"):
            x = _pool(layer, x)
        else:
            raise ValueError(f"no JAX peer for a layer of kind {kind!r}")
    return x


def _pool(layer: dict, x):
    geometry = (
        (1, *layer["window"], 1),
        (1, *layer["stride"], 1),
        ((0, 0), *map(tuple, layer["padding"]), (0, 0)),
    )
    if layer["kind"] == "max_pool":
        return lax.reduce_window(x, -jnp.inf, lax.max, *geometry)
    sums = lax.reduce_window(x, 0.0, lax.add, *geometry)
    if layer["count_include_pad"]:
        return sums / (layer["window"][0] * layer["window"][1])
    return sums / lax.reduce_window(jnp.ones_like(x), 0.0, lax.add, *geometry)


def _sgd(params, grads, state):
    return [p - constants.LR * g for p, g in zip(params, grads)], state


def _momentum(params, grads, state):
    state = [constants.MOMENTUM * v + g for v, g in zip(state, grads)]
    return [p - constants.LR * v for p, v in zip(params, state)], state


def _adamw(params, grads, state):
    m, v, power1, power2 = state
    b1, b2, lr = constants.BETA1, constants.BETA2, constants.LR
    power1, power2 = power1 * b1, power2 * b2
    m = [b1 * a + (1 - b1) * g for a, g in zip(m, grads)]
    v = [b2 * a + (1 - b2) * g * g for a, g in zip(v, grads)]
    after = [
        p * (1 - lr * constants.WEIGHT_DECAY["adamw"])
        - lr * (a / (1 - power1)) / (jnp.sqrt(b / (1 - power2)) + constants.EPS)
        for p, a, b in zip(params, m, v)
    ]
    return after, (m, v, power1, power2)


_UPDATES = {"sgd": _sgd, "momentum": _momentum, "adamw": _adamw}
