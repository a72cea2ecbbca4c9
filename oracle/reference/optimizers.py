"""One update per optimiser, PyTorch's formulas (SEMANTICS.md, "Optimisers").

Each takes parameters, gradients and state by name, the learning rate, and its
constants, and returns the next parameters and state by the same names. With
`no_decay` among the constants, parameters of rank 0 and 1 do not decay.
"""

from __future__ import annotations

import jax.numpy as jnp


def sgd(params, grads, state, lr, constants):
    return {n: p - lr * (grads[n] + _decay(p, constants) * p) for n, p in params.items()}


def momentum(params, grads, state, lr, constants):
    mu, after = constants["momentum"], {}
    for n, p in params.items():
        velocity = mu * state[f"momentum.{n}"] + (grads[n] + _decay(p, constants) * p)
        after |= {f"momentum.{n}": velocity, n: p - lr * velocity}
    return after


def nesterov(params, grads, state, lr, constants):
    mu, after = constants["momentum"], {}
    for n, p in params.items():
        g = grads[n] + _decay(p, constants) * p
        velocity = mu * state[f"momentum.{n}"] + g
        after |= {f"momentum.{n}": velocity, n: p - lr * (g + mu * velocity)}
    return after


def rmsprop(params, grads, state, lr, constants):
    alpha, eps, mu, after = constants["alpha"], constants["eps"], constants["momentum"], {}
    for n, p in params.items():
        g = grads[n] + _decay(p, constants) * p
        v = alpha * state[f"v.{n}"] + (1 - alpha) * g**2
        change = g / (jnp.sqrt(v) + eps)
        after[f"v.{n}"] = v
        if mu > 0:
            change = mu * state[f"momentum.{n}"] + change
            after[f"momentum.{n}"] = change
        after[n] = p - lr * change
    return after


def adam(params, grads, state, lr, constants):
    grads = {n: grads[n] + _decay(p, constants) * p for n, p in params.items()}
    after, quotients = _moments(params, grads, state, constants)
    return after | {n: p - lr * quotients[n] for n, p in params.items()}


def adamw(params, grads, state, lr, constants):
    after, quotients = _moments(params, grads, state, constants)
    for n, p in params.items():
        after[n] = p - lr * _decay(p, constants) * p - lr * quotients[n]
    return after


def lamb(params, grads, state, lr, constants):
    """You et al. 2020, algorithm 2, with the identity for φ's clipping."""
    after, quotients = _moments(params, grads, state, constants)
    for n, p in params.items():
        r = quotients[n] + _decay(p, constants) * p
        size, step = jnp.linalg.norm(jnp.ravel(p)), jnp.linalg.norm(jnp.ravel(r))
        trust = jnp.where((size > 0) & (step > 0), size / step, 1)
        after[n] = p - lr * trust * r
    return after


def _decay(p, constants):
    excluded = constants.get("no_decay") is not None and jnp.ndim(p) <= 1
    return 0 if excluded else constants["weight_decay"]


def _moments(params, grads, state, constants):
    """Adam's next state, and `m̂ / (√v̂ + ε)` of each parameter."""
    beta1, beta2, eps = constants["beta1"], constants["beta2"], constants["eps"]
    # The state holds βᵗ⁻¹: the step multiplies first and uses βᵗ.
    power1, power2 = state["beta1_power"] * beta1, state["beta2_power"] * beta2
    after, quotients = {"beta1_power": power1, "beta2_power": power2}, {}
    for n in params:
        m = beta1 * state[f"m.{n}"] + (1 - beta1) * grads[n]
        v = beta2 * state[f"v.{n}"] + (1 - beta2) * grads[n] ** 2
        after |= {f"m.{n}": m, f"v.{n}": v}
        quotients[n] = (m / (1 - power1)) / (jnp.sqrt(v / (1 - power2)) + eps)
    return after, quotients


UPDATES = {
    "sgd": sgd,
    "momentum": momentum,
    "nesterov": nesterov,
    "adam": adam,
    "adamw": adamw,
    "rmsprop": rmsprop,
    "lamb": lamb,
}
