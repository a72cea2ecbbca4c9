"""The train step in PyTorch: eager, channels_last, or compiled; torch.optim's fused update."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from oracle.peers import constants
from oracle.peers.batch import draw, shapes

VERSION = torch.__version__


def configure(threads: int) -> None:
    torch.set_num_threads(threads)


def variants(spec: dict) -> list[str]:
    images = any(layer["kind"] == "conv2d" for layer in spec["layers"])
    layouts = ["", " channels_last"] if images else [""]
    return [mode + layout for mode in ("eager", "compile") for layout in layouts]


def build(spec: dict, batch: int, optimizer: str, variant: str):
    """A function that runs one step."""
    values, x, target = draw(spec, batch)
    net = Net(spec, values)
    if x.ndim == 4:
        x = x.transpose(0, 3, 1, 2).copy()
    x = torch.from_numpy(x)
    target = torch.from_numpy(target)
    if "channels_last" in variant:
        net = net.to(memory_format=torch.channels_last)
        x = x.to(memory_format=torch.channels_last)
    optimiser = _optimiser(optimizer, net.parameters())

    def objective(x, target):
        logits = net(x)
        return F.cross_entropy(logits, target), logits

    forward = torch.compile(objective) if "compile" in variant else objective

    def step():
        optimiser.zero_grad(set_to_none=True)
        loss, logits = forward(x, target)
        loss.backward()
        optimiser.step()
        return loss, logits

    return step


class Net(torch.nn.Module):
    """The network of a spec. Parameters arrive as HWIO and [in, out] for NHWC images."""

    def __init__(self, spec: dict, values: list):
        super().__init__()
        self.layers = spec["layers"]
        _, images, _ = shapes(spec)
        stored = []
        for i, value in enumerate(map(torch.from_numpy, values)):
            if i in images:  # flattening runs over C, H, W here
                value = value.reshape(*images[i], -1).permute(2, 0, 1, 3).flatten(0, 2)
            if value.ndim == 4:
                value = value.permute(3, 2, 0, 1)
            elif value.ndim == 2:
                value = value.T
            stored.append(torch.nn.Parameter(value.contiguous()))
        self.values = torch.nn.ParameterList(stored)

    def forward(self, x):
        supply = iter(self.values)
        for layer in self.layers:
            kind = layer["kind"]
            if kind == "relu":
                x = F.relu(x)
            elif kind == "flatten":
                x = x.flatten(1)
            elif kind == "dense":
                x = F.linear(x, next(supply), next(supply) if layer["bias"] else None)
            elif kind == "conv2d":
                weight = next(supply)
                bias = next(supply) if layer["bias"] else None
                x, padding = _pad(x, layer["padding"], 0.0)
                x = F.conv2d(
                    x, weight, bias, layer["stride"], padding, layer["dilation"], layer["groups"]
                )
            elif kind in ("max_pool", "avg_pool"):
                x = _pool(layer, x)
            else:
                raise ValueError(f"no PyTorch peer for a layer of kind {kind!r}")
        return x


def _pool(layer: dict, x):
    window, stride, padding = layer["window"], layer["stride"], layer["padding"]
    if layer["kind"] == "max_pool":
        small = all(2 * max(p) <= w for p, w in zip(padding, window))
        x, padding = _pad(x, padding, float("-inf"), keep=small)
        return F.max_pool2d(x, window, stride, padding)
    inside, _ = _pad(torch.ones_like(x[:1, :1]), padding, 0.0, keep=False)
    sums = F.avg_pool2d(_pad(x, padding, 0.0, keep=False)[0], window, stride)
    return sums if layer["count_include_pad"] else sums / F.avg_pool2d(inside, window, stride)


def _pad(x, padding, fill: float, keep: bool = True):
    """PyTorch's ops pad both sides alike; anything else is padded here first."""
    (top, bottom), (left, right) = padding
    if keep and top == bottom and left == right:
        return x, (top, left)
    return F.pad(x, (left, right, top, bottom), value=fill), (0, 0)


def _optimiser(name: str, parameters):
    decay = {"weight_decay": constants.WEIGHT_DECAY[name], "lr": constants.LR, "fused": True}
    if name == "adamw":
        betas = (constants.BETA1, constants.BETA2)
        return torch.optim.AdamW(parameters, betas=betas, eps=constants.EPS, **decay)
    momentum = constants.MOMENTUM if name == "momentum" else 0.0
    return torch.optim.SGD(parameters, momentum=momentum, **decay)
