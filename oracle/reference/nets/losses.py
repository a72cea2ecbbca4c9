"""The losses, each a mean as SEMANTICS.md says."""

from __future__ import annotations

import itertools

import jax.numpy as jnp

from oracle.reference import ops
from oracle.reference.nets.activations import softplus


def mean_squared_error(output, target):
    return ((output - target) ** 2).mean()


def binary_cross_entropy_with_logits(logits, target):
    """`-t·log σ(z) - (1-t)·log(1 - σ(z))`, with `-log σ(z) = log(1 + e⁻ᶻ)`."""
    return (target * softplus(-logits) + (1 - target) * softplus(logits)).mean()


LOSSES = {
    "softmax_cross_entropy": ops.softmax_cross_entropy,
    "mean_squared_error": mean_squared_error,
    "binary_cross_entropy_with_logits": binary_cross_entropy_with_logits,
}


def of(spec):
    """The loss of the network `spec`, a function of output and target; None where there is no
    reference for it."""
    if "losses" not in spec:
        return LOSSES.get(spec["loss"])
    parts = spec["losses"]
    if any(part["kind"] not in LOSSES for part in parts):
        return None

    def total(output, target):
        """Each part's loss of the columns that come next, times its weight."""
        ends = list(itertools.accumulate(part["features"] for part in parts))
        if ends[-1] != output.shape[-1]:
            raise ValueError(f"losses of {ends[-1]} features, an output of {output.shape[-1]}")
        pairs = zip(jnp.split(output, ends[:-1], axis=-1), jnp.split(target, ends[:-1], axis=-1))
        return sum(part["weight"] * LOSSES[part["kind"]](*pair) for part, pair in zip(parts, pairs))

    return total
