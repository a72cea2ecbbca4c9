"""The tolerances of SEMANTICS.md, "Comparing with a reference", and nothing else.

All norms are Euclidean and computed in f64. `scale` of a tensor is
`‖ref‖ + 1e-6 · max over the case's tensors of ‖ref‖`, so that tensors which are
exactly zero have one.
"""

from __future__ import annotations

import dataclasses

import numpy as np

Tensors = dict[str, np.ndarray]

F64_RELATIVE = 1e-9
F32_FACTOR = 4.0
F32_RELATIVE = 1e-7
F32_CONDITION = 1e-4


@dataclasses.dataclass(frozen=True)
class Finding:
    """One tensor's distance from the truth beside the distance allowed."""

    case: str
    who: str
    tensor: str
    measured: float
    allowed: float
    note: str = ""

    @property
    def ok(self) -> bool:
        return not self.note and self.measured <= self.allowed

    @property
    def ratio(self) -> float:
        return self.measured / self.allowed if self.allowed else np.inf * (self.measured > 0)

    def __str__(self) -> str:
        detail = self.note or f"measured {self.measured:.3e}, allowed {self.allowed:.3e}"
        return f"{self.case}: {self.who}: {self.tensor}: {detail}"


def scales(truth: Tensors) -> dict[str, float]:
    norms = {name: _norm(value) for name, value in truth.items()}
    floor = 1e-6 * max(norms.values(), default=0.0)
    return {name: norm + floor for name, norm in norms.items()}


def allowances(dtype: str, truth: list[Tensors], rounded: list[Tensors]) -> dict[str, float]:
    """Allowed distance per tensor of the first draw, `truth[0]`.

    `rounded` is JAX's own f32 result of each draw, for f32 cases. JAX's own distance
    is the largest of the draws, relative to scale: on one draw of a tensor of a few
    elements, the loss above all, it can be zero by luck.
    """
    scale = scales(truth[0])
    if dtype == "f64":
        return {name: F64_RELATIVE * scale[name] for name in scale}
    own = dict.fromkeys(scale, 0.0)
    for exact, single in zip(truth, rounded, strict=True):
        for name, size in scales(exact).items():
            if size > 0:
                own[name] = max(own[name], distance(single[name], exact[name]) / size)
    if (worst := max(own.values(), default=0.0)) > F32_CONDITION:
        raise ValueError(f"JAX's own f32 result is {worst:.1e} off: the case says nothing in f32")
    return {name: (F32_FACTOR * own[name] + F32_RELATIVE) * scale[name] for name in scale}


def compare(case: str, who: str, got: Tensors, truth: Tensors, allowed: dict) -> list[Finding]:
    """One finding per tensor on either side; missing and extra tensors fail."""
    findings = []
    for name in truth:
        note, measured = "", np.inf
        if name not in got:
            note = "missing"
        elif got[name].shape != truth[name].shape:
            note = f"shape is {list(got[name].shape)}, expected {list(truth[name].shape)}"
        elif not np.isfinite(truth[name]).all():
            note = "the reference is not finite"
        elif not np.isfinite(got[name]).all():
            note = "not finite"
        else:
            measured = distance(got[name], truth[name])
        findings.append(Finding(case, who, name, measured, allowed[name], note))
    for name in got.keys() - truth.keys():
        findings.append(Finding(case, who, name, np.inf, 0.0, "not an output of the reference"))
    return findings


def distance(a: np.ndarray, b: np.ndarray) -> float:
    return _norm(a.astype(np.float64) - b.astype(np.float64))


def _norm(value: np.ndarray) -> float:
    # Scaled as BLAS nrm2 does, so that squares neither overflow nor vanish.
    flat = value.astype(np.float64).ravel()
    largest = np.abs(flat).max(initial=0.0)
    return float(largest * np.linalg.norm(flat / largest)) if largest > 0 else float(largest)
