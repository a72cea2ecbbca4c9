"""Judging one case: XLA's run of the text, and our engines' runs, against the reference."""

from __future__ import annotations

import dataclasses
import pathlib
import time

from oracle import case as cases
from oracle import compare, mutate, reference, xla

MUTANTS_PER_CASE = 6
F32_DRAWS = 24


@dataclasses.dataclass
class Verdict:
    """What happened to one case. `error` is set when it could not be judged."""

    case: str
    dtype: str = ""
    findings: list[compare.Finding] = dataclasses.field(default_factory=list)
    engines: list[str] = dataclasses.field(default_factory=list)
    mutants: int = 0
    killed: int = 0
    error: str = ""
    seconds: float = 0.0

    @property
    def failures(self) -> list[str]:
        lines = [f"{self.case}: {self.error}"] if self.error else []
        return lines + [str(f) for f in self.findings if not f.ok]


def judge(folder: pathlib.Path, root: pathlib.Path, mutations: bool = False) -> Verdict:
    """Run one case folder. Whatever goes wrong becomes a failing verdict."""
    verdict = Verdict(str(folder.relative_to(root)))
    started = time.monotonic()
    try:
        case = cases.load(folder, root)
        verdict.dtype = case.dtype
        draws = F32_DRAWS if case.dtype == "f32" else 1
        truths = reference.evaluate(case, "f64", draws)
        rounded = reference.evaluate(case, "f32", draws) if case.dtype == "f32" else []
        allowed = compare.allowances(case.dtype, truths, rounded)
        truth = truths[0]
        got = xla.run(case)
        verdict.findings = compare.compare(case.name, "xla", got, truth, allowed)
        for engine, outputs in case.engines.items():
            verdict.engines.append(engine)
            if case.dtype == "f64":
                against, within = got, compare.allowances("f64", [got], [])
            else:
                against, within = truth, allowed
            verdict.findings += compare.compare(case.name, engine, outputs, against, within)
        if mutations:
            _run_mutants(case, verdict, truth, allowed)
    except Exception as error:  # noqa: BLE001: XLA and JAX raise many kinds; all fail the case
        verdict.error = f"{type(error).__name__}: {' '.join(str(error).split())[:400]}"
    verdict.seconds = time.monotonic() - started
    return verdict


def _run_mutants(case: cases.Case, verdict: Verdict, truth, allowed) -> None:
    """Each case must reject at least one program that differs from its own in one value.

    Not all: a value may be dead, or cancel (the maximum that softmax subtracts).
    """
    for text in mutate.mutants(case.text, MUTANTS_PER_CASE):
        verdict.mutants += 1
        try:
            findings = compare.compare(case.name, "mutant", xla.run(case, text), truth, allowed)
            verdict.killed += any(not f.ok for f in findings)
        except cases.CaseError:
            verdict.killed += 1
    if verdict.killed == 0:
        raise cases.CaseError(f"none of {verdict.mutants} deliberately wrong programs was noticed")
