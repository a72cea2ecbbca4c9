"""Deliberate mistakes, each of which the comparison has to notice."""

from __future__ import annotations

import copy
import pathlib
import tempfile

import numpy as np
import torch
from torch import nn

from oracle import compare
from oracle.torch import models
from oracle.torch.check import BATCH, Figures, Results, Subject, differences, judge


def small(pair: models.Pair, command: pathlib.Path) -> tuple[Figures, int, list[str]]:
    """A small model's figures, how many mistakes were made with it, those not noticed."""
    with tempfile.TemporaryDirectory() as folder:
        subject = Subject(pair, True, command, folder)
        figures, computed = judge(subject)
        missed, made = [], 0

        def expect(what: str, got: Results, truth: Results) -> None:
            nonlocal made
            made += 1
            if max(differences(got, truth)[0].values()) <= compare.F64_RELATIVE:
                missed.append(f"{pair.ours}: {what}")

        for mode, changes in CHANGES.items():
            for what, change in changes.items():
                if change(copy.deepcopy(subject.model)) > 0:
                    expect(f"{mode}: {what}", computed[mode], subject.theirs(mode, change))
        # Among ours, a weight that was not transposed: one that is square.
        name = max(subject.weights, key=lambda n: _square(subject.weights[n]))
        right = {k: v for k, v in computed["evaluation"].items() if k[0] == "logits"}
        subject.weights[name] = _transposed(subject.weights[name])
        wrong = subject.net.execute(subject.inputs(), BATCH, "forward")
        expect(f"`{name}` transposed", wrong, right)
        return figures, made, missed


def _square(value: np.ndarray) -> int:
    """Its last two dimensions are one size greater than 1, or the first two of a kernel."""
    if value.ndim >= 2 and value.shape[-1] == value.shape[-2] > 1:
        return 2
    return int(value.ndim == 4 and value.shape[0] == value.shape[1] > 1)


def _transposed(value: np.ndarray) -> np.ndarray:
    axes = [*range(value.ndim)]
    if _square(value) == 2:
        axes[-2:] = axes[-1], axes[-2]
    else:
        axes[:2] = axes[1], axes[0]
    return np.ascontiguousarray(value.transpose(axes))


def _norms(model: nn.Module, kind) -> list[nn.Module]:
    return [m for m in model.modules() if isinstance(m, kind)]


def _momentum(model: nn.Module) -> int:
    norms = _norms(model, nn.BatchNorm2d)
    for m in norms[:1]:
        m.momentum = 0.11
    return len(norms)


def _eps(model: nn.Module) -> int:
    norms = _norms(model, (nn.BatchNorm2d, nn.LayerNorm))
    for m in norms[:1]:
        m.eps *= 2
    return len(norms)


def _queries_as_keys(model: nn.Module) -> int:
    names = [n for n, _ in model.named_parameters() if n.endswith("attn.qkv.weight")]
    if names:
        weight = model.get_parameter(names[-1]).data
        query, key, value = weight.chunk(3)
        weight.copy_(torch.cat([key, query, value]))
    return len(names)


def _statistics(model: nn.Module) -> int:
    norms = _norms(model, nn.BatchNorm2d)
    for m in norms[:1]:
        m.running_var += 1e-6
    return len(norms)


CHANGES = {
    "evaluation": {
        "ε twice as large": _eps,
        "queries and keys exchanged": _queries_as_keys,
        "a running variance moved by 1e-6": _statistics,
    },
    "training": {"a momentum of 0.11": _momentum, "ε twice as large": _eps},
}
"""What is changed in PyTorch's model; each function says in how many places it could be."""
