"""References: forwards in plain JAX, written from SEMANTICS.md and the StableHLO
specification, never from the emitter. JAX differentiates them."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from oracle.case import Case, CaseError
from oracle.reference import nets, ops

Tensors = dict[str, np.ndarray]

FAST_TO_COMPILE = {
    "xla_backend_optimization_level": 0,
    "xla_llvm_disable_expensive_passes": True,
}


def evaluate(case: Case, dtype: str) -> Tensors:
    """The reference's outputs by name, computed in `dtype` from the case's inputs.

    Inputs of an f32 case are widened exactly for the f64 truth. Constants are
    first rounded to the *case's* dtype, as the printed file stores them.
    """
    compute = {"f32": jnp.float32, "f64": jnp.float64}[dtype]
    stored = np.float32 if case.dtype == "f32" else np.float64
    arrays = {s.name: jnp.asarray(case.arrays[s.name], compute) for s in case.inputs}
    if case.reference == "net":
        outputs = nets.program(case, lambda constant: float(stored(constant)))
    elif case.reference in ops.OPS:
        outputs = ops.program(case)
    else:
        raise CaseError(f"no reference {case.reference!r}; there are net, {', '.join(ops.OPS)}")
    # The f64 truth needs no fast code; the f32 reference must be JAX as it comes.
    options = FAST_TO_COMPILE if dtype == "f64" else None
    compiled = jax.jit(outputs, compiler_options=options)
    return {name: np.asarray(value) for name, value in compiled(arrays).items()}
