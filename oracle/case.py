"""Reading a case folder. Nothing in a case is trusted: each claim is checked."""

from __future__ import annotations

import dataclasses
import json
import pathlib

import numpy as np
from safetensors.numpy import load_file

DTYPES = {"f32": np.float32, "f64": np.float64}


class CaseError(Exception):
    """A case folder that is not what its manifest says it is."""


@dataclasses.dataclass(frozen=True)
class Slot:
    """One argument or result of `@main`, as the manifest lists it."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    role: str


@dataclasses.dataclass(frozen=True)
class Case:
    """A program, its inputs in `@main`'s order, and what to compare it with."""

    name: str
    text: str
    inputs: list[Slot]
    outputs: list[Slot]
    arrays: dict[str, np.ndarray]
    reference: str
    compare: str
    attrs: dict
    dtype: str
    engines: dict[str, dict[str, np.ndarray]]

    @property
    def steps(self) -> list[dict[str, float]]:
        """The hyper-parameters of each consecutive step, beside those of the inputs."""
        steps = self.attrs.get("steps", [{}])
        if not steps or not all(isinstance(hyper, dict) for hyper in steps):
            raise CaseError(f"attrs.steps is {steps!r}, expected one object per step")
        return steps

    def names(self, *roles: str) -> list[str]:
        """Names of the inputs that have one of the roles, in order."""
        return [s.name for s in self.inputs if s.role in roles]


def find(cases_dir: pathlib.Path) -> list[pathlib.Path]:
    """Every folder under `cases_dir` that holds a `case.json`, sorted."""
    return sorted(p.parent for p in cases_dir.rglob("case.json"))


def load(folder: pathlib.Path, root: pathlib.Path) -> Case:
    """Read one case folder; its name is its path below `root`."""
    about = _json(folder / "case.json")
    manifest = _json(folder / "step.json")
    try:
        slots = {
            side: [Slot(s["name"], tuple(s["shape"]), s["dtype"], s["role"]) for s in manifest[side]]
            for side in ("inputs", "outputs")
        }
        reference, compare, dtype = about["reference"], about["compare"], about["dtype"]
    except (KeyError, TypeError) as error:
        raise CaseError(f"case.json or step.json lacks {error}") from error
    if dtype not in DTYPES:
        raise CaseError(f"dtype is {dtype!r}, expected one of {sorted(DTYPES)}")
    for side, listed in slots.items():
        names = [s.name for s in listed]
        if len(set(names)) != len(names):
            raise CaseError(f"step.json lists an {side[:-1]} twice: {names}")
    if not slots["outputs"]:
        raise CaseError("step.json lists no outputs: there is nothing to compare")
    arrays = load_file(folder / "inputs.safetensors")
    for slot in slots["inputs"]:
        check_slot(slot, arrays.get(slot.name), "inputs.safetensors")
    engines = {
        path.name.split(".")[1]: load_file(path)
        for path in sorted(folder.glob("outputs.*.safetensors"))
    }
    return Case(
        name=str(folder.relative_to(root)),
        text=(folder / "step.mlir").read_text(),
        inputs=slots["inputs"],
        outputs=slots["outputs"],
        arrays=arrays,
        reference=reference,
        compare=compare,
        attrs=about.get("attrs", {}),
        dtype=dtype,
        engines=engines,
    )


def check_slot(slot: Slot, array: np.ndarray | None, where: str) -> None:
    """Raise unless `array` exists with the shape and dtype that `slot` states."""
    if array is None:
        raise CaseError(f"{where} has no tensor {slot.name!r}, which step.json lists")
    want = DTYPES.get(slot.dtype)
    if array.shape != slot.shape or array.dtype != want:
        raise CaseError(
            f"{where}: {slot.name!r} is {array.dtype}{list(array.shape)}, "
            f"step.json says {slot.dtype}{list(slot.shape)}"
        )


def _json(path: pathlib.Path) -> dict:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise CaseError(f"cannot read {path.name}: {error}") from error
