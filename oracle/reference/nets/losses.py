"""The losses, each a mean as SEMANTICS.md says."""

from __future__ import annotations

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
