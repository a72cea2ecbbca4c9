"""What surrounds the optimiser in a train step (SEMANTICS.md, "Optimisers")."""

from __future__ import annotations

import jax.numpy as jnp

from oracle.case import CaseError
from oracle.reference import optimizers

KNOWN = {"clip", "clip_eps", "ema", "accumulate", "no_decay"}


def update(params, grads, state, hyper, optimizer, features):
    """The next parameters and state by name, after one micro-batch.

    `state` is everything carried beside the parameters; `hyper` has `lr` and, if
    `features` has `accumulate`, `apply`, which is a number and not traced.
    """
    if unknown := features.keys() - KNOWN:
        raise CaseError(f"no reference for the features {sorted(unknown)}")
    after = {}
    if (count := features.get("accumulate", 1)) > 1:
        sums = {n: state[f"accumulated.{n}"] + g for n, g in grads.items()}
        if hyper["apply"] == 0:
            return params | state | {f"accumulated.{n}": s for n, s in sums.items()}
        grads = {n: s / count for n, s in sums.items()}
        after |= {f"accumulated.{n}": jnp.zeros_like(s) for n, s in sums.items()}
    if (largest := features.get("clip")) is not None:
        norm = jnp.linalg.norm(jnp.concatenate([g.ravel() for g in grads.values()]))
        factor = jnp.minimum(1, largest / (norm + features["clip_eps"]))
        grads = {n: g * factor for n, g in grads.items()}
    constants = optimizer | {"no_decay": features.get("no_decay")}
    after |= optimizers.UPDATES[optimizer["kind"]](params, grads, state, hyper["lr"], constants)
    if (d := features.get("ema")) is not None:
        after |= {f"ema.{n}": d * state[f"ema.{n}"] + (1 - d) * after[n] for n in params}
    return after
