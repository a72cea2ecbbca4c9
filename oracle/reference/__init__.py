"""References: forwards in plain JAX, written from SEMANTICS.md and the StableHLO
specification, never from the emitter. JAX differentiates them."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from oracle.case import Case, CaseError
from oracle.reference import nets, ops
from oracle.xla import FAST_TO_COMPILE

Tensors = dict[str, np.ndarray]


def evaluate(case: Case, dtype: str, draws: int = 1) -> list[Tensors]:
    """The reference's outputs by key, computed in `dtype`: on the case's own inputs
    first, then on `draws - 1` shuffles of them.

    A shuffle permutes the elements within each input, so the values, their
    distribution and their kinks stay, and rounding falls differently.

    Inputs of an f32 case are widened exactly for the f64 truth. Constants are
    first rounded to the *case's* dtype, as the printed file stores them.
    """
    compute = {"f32": jnp.float32, "f64": jnp.float64}[dtype]
    stored = np.float32 if case.dtype == "f32" else np.float64
    rounded = lambda constant: float(stored(constant))  # noqa: E731
    if case.reference == "net":
        outputs = nets.program(case, rounded)
    elif case.reference in ops.OPS:
        outputs = ops.program(case, rounded)
    else:
        raise CaseError(f"no reference {case.reference!r}; there are net, {', '.join(ops.OPS)}")
    # Unrolled, several steps take XLA minutes to compile; their gradient is compiled alone.
    if len(case.steps) == 1:
        # The f64 truth needs no fast code; the f32 reference must be JAX as it comes.
        options = FAST_TO_COMPILE if dtype == "f64" else None
        outputs = jax.jit(outputs, compiler_options=options)
    rng = np.random.default_rng(0)  # the same shuffles in both precisions
    results = []
    for draw in range(draws):
        arrays = {s.name: case.arrays[s.name] for s in case.inputs}
        if draw > 0:
            arrays = {n: rng.permuted(a.ravel()).reshape(a.shape) for n, a in arrays.items()}
        arrays = {n: jnp.asarray(a, compute) for n, a in arrays.items()}
        results.append({name: np.asarray(value) for name, value in outputs(arrays).items()})
    return results
