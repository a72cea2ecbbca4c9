"""PyTorch's side, in f64."""

from __future__ import annotations

import copy
import dataclasses

import torch
from torch import nn
from torch.nn import functional


@dataclasses.dataclass(frozen=True)
class Result:
    logits: torch.Tensor
    loss: torch.Tensor
    grads: dict[str, torch.Tensor]
    stats: dict[str, torch.Tensor]
    """Running statistics after the step."""


def step(model: nn.Module, x: torch.Tensor, target: torch.Tensor, training: bool) -> Result:
    """Loss and gradients on a copy of `model`; `x` is NCHW."""
    model = copy.deepcopy(model).double().train(training)
    logits = model(x.double())
    loss = functional.cross_entropy(logits, target.double())
    loss.backward()
    grads = {name: p.grad for name, p in model.named_parameters()}
    stats = {n: b for n, b in model.named_buffers() if b.is_floating_point()}
    return Result(logits.detach(), loss.detach(), grads, stats)
