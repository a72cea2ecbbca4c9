"""Executing StableHLO text by XLA on the CPU, with no JAX tracing in between."""

from __future__ import annotations

import jax
import numpy as np
from jaxlib import _jax, xla_client

from oracle.case import Case, CaseError, check_slot

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_platforms", "cpu")


def execute(text: str, arrays: list[np.ndarray]) -> list[np.ndarray]:
    """The results of `@main` on `arrays`."""
    client = jax.devices("cpu")[0].client
    devices = _jax.DeviceList(tuple(client.local_devices()[:1]))
    program = client.compile_and_load(text, devices, xla_client.CompileOptions())
    expected = len(program.get_parameter_layouts())
    if expected != len(arrays):
        raise CaseError(f"@main takes {expected} arguments, step.json lists {len(arrays)}")
    arguments = [jax.device_put(array) for array in arrays]
    results = program.execute_sharded(arguments).disassemble_into_single_device_arrays()
    return [np.asarray(shards[0]) for shards in results]


def run(case: Case, text: str | None = None) -> dict[str, np.ndarray]:
    """The outputs of `@main` on the case's inputs, by name; `text` overrides the file's."""
    arrays = [case.arrays[slot.name] for slot in case.inputs]
    results = execute(case.text if text is None else text, arrays)
    if len(results) != len(case.outputs):
        raise CaseError(f"@main returns {len(results)} values, step.json lists {len(case.outputs)}")
    values = {}
    for slot, value in zip(case.outputs, results):
        check_slot(slot, value, "result of @main")
        values[slot.name] = value
    return values
