"""Executing StableHLO text by XLA on the CPU, with no JAX tracing in between."""

from __future__ import annotations

import jax
import numpy as np
from jaxlib import _jax, xla_client

from oracle.case import Case, CaseError, check_slot

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_platforms", "cpu")


def run(case: Case, text: str | None = None) -> dict[str, np.ndarray]:
    """The outputs of `@main` on the case's inputs, by name; `text` overrides the file's."""
    client = jax.devices("cpu")[0].client
    devices = _jax.DeviceList(tuple(client.local_devices()[:1]))
    program = client.compile_and_load(
        case.text if text is None else text, devices, xla_client.CompileOptions()
    )
    expected = len(program.get_parameter_layouts())
    if expected != len(case.inputs):
        raise CaseError(f"@main takes {expected} arguments, step.json lists {len(case.inputs)}")
    arguments = [jax.device_put(case.arrays[slot.name]) for slot in case.inputs]
    results = program.execute_sharded(arguments).disassemble_into_single_device_arrays()
    if len(results) != len(case.outputs):
        raise CaseError(f"@main returns {len(results)} values, step.json lists {len(case.outputs)}")
    values = {}
    for slot, shards in zip(case.outputs, results):
        value = np.asarray(shards[0])
        check_slot(slot, value, "result of @main")
        values[slot.name] = value
    return values
