"""Executing StableHLO text by XLA on the CPU, with no JAX tracing in between."""

from __future__ import annotations

from collections.abc import Callable

import jax
import numpy as np
from jaxlib import _jax, xla_client

from oracle.case import Case, CaseError, check_slot

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_platforms", "cpu")


# For results that need no fast code: XLA's older emitters, in one part and without LLVM's
# passes, compile in a fraction of the time.
FAST_TO_COMPILE = {
    "xla_backend_optimization_level": 0,
    "xla_llvm_disable_expensive_passes": True,
    "xla_cpu_use_fusion_emitters": False,
    "xla_cpu_parallel_codegen_split_count": 1,
}


def execute(text: str, arrays: list[np.ndarray]) -> list[np.ndarray]:
    """The results of `@main` on `arrays`, once."""
    return load(text, fast_to_compile=True)(arrays)


def load(text: str, fast_to_compile=False) -> Callable[[list[np.ndarray]], list[np.ndarray]]:
    """`@main`, ready to run on its arguments."""
    client = jax.devices("cpu")[0].client
    devices = _jax.DeviceList(tuple(client.local_devices()[:1]))
    options = xla_client.CompileOptions()
    if fast_to_compile:
        options.env_option_overrides = list(FAST_TO_COMPILE.items())
    program = client.compile_and_load(text, devices, options)
    expected = len(program.get_parameter_layouts())

    def main(arrays: list[np.ndarray]) -> list[np.ndarray]:
        if expected != len(arrays):
            raise CaseError(f"@main takes {expected} arguments, step.json lists {len(arrays)}")
        arguments = [jax.device_put(array) for array in arrays]
        results = program.execute_sharded(arguments).disassemble_into_single_device_arrays()
        return [np.asarray(shards[0]) for shards in results]

    return main


def parse(text: str) -> None:
    """Reads and verifies `text` as XLA would before compiling it."""
    _jax.mlir.mlir_module_to_xla_computation(text, use_tuple_args=False, return_tuple=False)


def run(case: Case, text: str | None = None) -> dict[str, np.ndarray]:
    """The outputs of `@main` after the case's last step, by name; `text` overrides the file's.

    From step to step, what is resident is handed on, and data and targets are moved on by
    one place in row-major order.
    """
    main = load(case.text if text is None else text, fast_to_compile=case.dtype == "f64")
    resident, values = set(case.names("param", "stat", "state", "ema")), {}
    moving, arrays = case.names("data", "target"), dict(case.arrays)
    for number, hyper in enumerate(case.steps):
        moved = {n: np.roll(case.arrays[n].ravel(), number) for n in moving if number > 0}
        arrays |= {n: a.reshape(case.arrays[n].shape) for n, a in moved.items()}
        arrays |= {n: np.asarray(v, case.arrays[n].dtype) for n, v in hyper.items()}
        results = main([arrays[slot.name] for slot in case.inputs])
        if len(results) != len(case.outputs):
            raise CaseError(
                f"@main returns {len(results)} values, step.json lists {len(case.outputs)}"
            )
        for slot, value in zip(case.outputs, results):
            check_slot(slot, value, "result of @main")
            values[slot.name] = value
        arrays |= {n: v for n, v in values.items() if n in resident}
    return values
