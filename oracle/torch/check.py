"""One model: what we compute beside what PyTorch computes."""

from __future__ import annotations

import copy
import dataclasses
import pathlib
import resource
import tempfile
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from oracle import compare
from oracle.torch import models, ours, theirs

BATCH = 2
SEED = 7


@dataclasses.dataclass
class Figures:
    """Worst relative errors, by what was compared, and what they took."""

    model: str
    errors: dict[str, float]
    where: dict[str, str]
    tensors: int
    seconds_ours: float
    seconds_torch: float
    peak_bytes: int

    @property
    def failures(self) -> list[str]:
        allowed = compare.F64_RELATIVE
        return [
            f"{self.model}: {what}: {error:.1e} at `{self.where[what]}`, allowed {allowed:.0e}"
            for what, error in self.errors.items()
            if not error <= allowed
        ]


Results = dict[tuple[str, str], np.ndarray]
"""By role and name."""


class Subject:
    """A model of timm, its inputs, and the network here that should be the same."""

    def __init__(self, pair: models.Pair, small: bool, command: pathlib.Path, folder: str) -> None:
        size, classes = (32, 10) if small else (224, 1000)
        torch.manual_seed(SEED)
        self.x = torch.randn(BATCH, 3, size, size)
        # Soft targets whose rows sum to 1.
        self.target = torch.softmax(2 * torch.randn(BATCH, classes), dim=1)
        self.model = models.build(pair.small if small else pair.full, SEED, self.x)
        arguments = [pair.ours]
        if small:
            arguments += ["--width", str(pair.width), "--depth", str(pair.depth)]
            arguments += ["--image", str(size), "--classes", str(classes)]
        self.net = ours.Net(command, arguments, pathlib.Path(folder))
        self.weights = self.net.load(self.model.state_dict())
        self.mapping = self.net.mapping(self.model.state_dict())

    def inputs(self) -> ours.Tensors:
        x = self.x.numpy().transpose(0, 2, 3, 1)
        return self.weights | {"x": x, "target": self.target.numpy(), "lr": np.zeros(())}

    def ours(self, mode: str) -> Results:
        """Logits, loss, gradients and updated statistics in this mode."""
        given = self.inputs()
        out = self.net.execute(given, BATCH, "grad", "--mode", mode)
        if mode == "evaluation":
            return out | self.net.execute(given, BATCH, "forward")
        # With a learning rate of 0: logits and statistics are what is wanted.
        train = self.net.execute(given, BATCH, "train", "--optimizer", "sgd")
        return out | {k: v for k, v in train.items() if k[0] in ("logits", "stat")}

    def theirs(self, mode: str, change: Callable[[nn.Module], int] | None = None) -> Results:
        """The same of PyTorch, after a deliberate mistake `change`."""
        model = self.model
        if change:
            model = copy.deepcopy(model)
            change(model)
        result = theirs.step(model, self.x, self.target, mode == "training")
        out = {("logits", "logits"): result.logits.numpy(), ("loss", "loss"): result.loss.numpy()}
        out |= {("grad", n): g for n, g in self.mapping.ours(result.grads).items()}
        if mode == "training":
            out |= {("stat", n): s for n, s in self.mapping.ours(result.stats).items()}
        return out


def differences(got: Results, truth: Results) -> tuple[dict[str, float], dict[str, str]]:
    """Per role, the worst distance relative to the scale of SEMANTICS.md, and its tensor."""
    if got.keys() != truth.keys():
        raise RuntimeError(f"only on one side: {sorted(got.keys() ^ truth.keys())[:4]}")
    worst, where = {}, {}
    for role in dict.fromkeys(role for role, _ in truth):
        named = {n: v for (r, n), v in truth.items() if r == role}
        for name, scale in compare.scales(named).items():
            value = got[role, name]
            if value.shape != named[name].shape:
                raise RuntimeError(f"{role} {name}: {value.shape}, expected {named[name].shape}")
            error = compare.distance(value, named[name])
            error = error / scale if np.isfinite(error) and scale > 0 else float(error > 0)
            if error >= worst.get(role, -1.0):
                worst[role], where[role] = error, name
    return worst, where


def judge(subject: Subject) -> tuple[Figures, dict[str, Results]]:
    """The figures, and what we computed in each mode."""
    figures = Figures(subject.net.model[0], {}, {}, 0, 0.0, 0.0, 0)
    computed = {}
    for mode in ("evaluation", "training"):
        start = time.monotonic()
        got = computed[mode] = subject.ours(mode)
        middle = time.monotonic()
        truth = subject.theirs(mode)
        figures.seconds_ours += middle - start
        figures.seconds_torch += time.monotonic() - middle
        worst, where = differences(got, truth)
        figures.errors |= {f"{mode} {role}": e for role, e in worst.items()}
        figures.where |= {f"{mode} {role}": n for role, n in where.items()}
        figures.tensors += len(truth)
    figures.peak_bytes = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return figures, computed


def full(pair: models.Pair, command: pathlib.Path) -> Figures:
    """At full size."""
    with tempfile.TemporaryDirectory() as folder:
        return judge(Subject(pair, False, command, folder))[0]
