"""A network's spec as its author writes it, made explicit.

Sizes may be one number or a pair; padding "same" (JAX's SAME), "valid", a number or
[[top, bottom], [left, right]]; keys left out have the documented defaults. This is a
second implementation of those rules, so a slip in the first shows in the comparison.
"""

from __future__ import annotations

import math

from jax import lax

WINDOWED = {
    "conv2d": {"stride": 1, "padding": "same", "dilation": 1, "groups": 1, "bias": True},
    "max_pool": {"stride": None, "padding": "valid"},
    "avg_pool": {"stride": None, "padding": "valid", "count_include_pad": True},
}


def resolve(spec: dict) -> tuple[dict, list[tuple[int, ...]]]:
    """The spec with explicit layers, and the shape of an example before each layer.

    The last shape is the logits'.
    """
    shapes, layers = [tuple(spec["input"])], []
    for layer in spec["layers"]:
        layer, shape = _layer(dict(layer), shapes[-1])
        layers.append(layer)
        shapes.append(shape)
    return {"loss": "softmax_cross_entropy"} | spec | {"layers": layers}, shapes


def _layer(layer: dict, shape: tuple[int, ...]) -> tuple[dict, tuple[int, ...]]:
    kind = layer["kind"]
    if kind == "flatten":
        return layer, (math.prod(shape),)
    if kind == "dense":
        return {"bias": True} | layer, (*shape[:-1], layer["features"])
    if kind not in WINDOWED:
        return layer, shape
    layer = WINDOWED[kind] | layer
    window = _pair(layer["kernel" if kind == "conv2d" else "window"])
    stride = window if layer["stride"] is None else _pair(layer["stride"])
    dilation = _pair(layer.get("dilation", 1))
    span = [(w - 1) * d + 1 for w, d in zip(window, dilation)]
    padding = layer["padding"]
    if isinstance(padding, str):
        padding = lax.padtype_to_pads(shape[:2], span, stride, padding.upper())
    elif isinstance(padding, int):
        padding = [(padding, padding)] * 2
    padding = [tuple(side) for side in padding]
    explicit = {"stride": stride, "padding": padding}
    explicit |= {"kernel": window, "dilation": dilation} if kind == "conv2d" else {"window": window}
    space = [(n + sum(p) - w) // s + 1 for n, p, w, s in zip(shape, padding, span, stride)]
    return layer | explicit, (*space, layer["features"] if kind == "conv2d" else shape[-1])


def _pair(size) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else tuple(size)
