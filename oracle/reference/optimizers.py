"""One update per optimiser, PyTorch's formulas (SEMANTICS.md, "Optimisers").

Each takes parameters, gradients and state by name, the learning rate, and its
constants, and returns the next parameters and state by the same names.
"""

from __future__ import annotations

import jax.numpy as jnp


def sgd(params, grads, state, lr, constants):
    decay = constants["weight_decay"]
    return {n: p - lr * (grads[n] + decay * p) for n, p in params.items()}


def momentum(params, grads, state, lr, constants):
    decay, mu = constants["weight_decay"], constants["momentum"]
    after = {}
    for n, p in params.items():
        velocity = mu * state[f"momentum.{n}"] + (grads[n] + decay * p)
        after |= {f"momentum.{n}": velocity, n: p - lr * velocity}
    return after


def adamw(params, grads, state, lr, constants):
    beta1, beta2 = constants["beta1"], constants["beta2"]
    eps, decay = constants["eps"], constants["weight_decay"]
    # The state holds βᵗ⁻¹: the step multiplies first and uses βᵗ.
    power1, power2 = state["beta1_power"] * beta1, state["beta2_power"] * beta2
    after = {"beta1_power": power1, "beta2_power": power2}
    for n, p in params.items():
        m = beta1 * state[f"m.{n}"] + (1 - beta1) * grads[n]
        v = beta2 * state[f"v.{n}"] + (1 - beta2) * grads[n] ** 2
        quotient = (m / (1 - power1)) / (jnp.sqrt(v / (1 - power2)) + eps)
        after |= {f"m.{n}": m, f"v.{n}": v, n: p - lr * decay * p - lr * quotient}
    return after


UPDATES = {"sgd": sgd, "momentum": momentum, "adamw": adamw}
