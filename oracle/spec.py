"""A network's spec as its author writes it, made explicit.

Sizes may be one number or a pair; padding "same" (JAX's SAME), "valid", a number or
[[top, bottom], [left, right]]; keys left out have the documented defaults. This is a
second implementation of those rules, so a slip in the first shows in the comparison.
"""

from __future__ import annotations

import collections
import math

from jax import lax

Shape = tuple[int, ...]

CONVOLUTION = {"stride": 1, "padding": "same", "dilation": 1, "bias": True}
POOL = {"stride": 0, "padding": "valid"}
BATCH_NORM = {"eps": 1e-5, "momentum": 0.1}
DEFAULTS = {
    "dense": {"bias": True},
    "conv2d": CONVOLUTION | {"groups": 1},
    "depthwise_conv2d": CONVOLUTION | {"multiplier": 1},
    "conv_transpose2d": CONVOLUTION | {"groups": 1, "padding": "valid", "output_padding": 0},
    "batch_norm": BATCH_NORM | {"affine": True},
    "layer_norm": {"eps": 1e-5, "affine": True, "bias": True},
    "rms_norm": {"eps": 1e-5, "affine": True},
    "group_norm": {"eps": 1e-5, "affine": True},
    "leaky_relu": {"slope": 0.01},
    "elu": {"alpha": 1.0},
    "gelu": {"approximate": "none"},
    "max_pool": POOL,
    "avg_pool": POOL | {"count_include_pad": True},
    "global_avg_pool": {"keep": False},
    "upsample": {"method": "nearest"},
    "parallel": {"merge": "sum"},
    "select_token": {"index": 0},
    "patch_embed": {"bias": True},
    "multi_head_attention": {"causal": False, "bias": True},
    "squeeze_excite": {"activation": "relu", "gate": "sigmoid"},
    "transformer_block": {
        "mlp": 0,
        "causal": False,
        "activation": "gelu",
        "dropout": 0.0,
        "drop_path": 0.0,
        "layer_scale": 0.0,
        "eps": 1e-6,
    },
    "basic_block": BATCH_NORM | {"stride": 1},
    "bottleneck": BATCH_NORM | {"stride": 1, "expansion": 4, "groups": 1},
    "inverted_residual": BATCH_NORM
    | {
        "expansion": 6,
        "hidden": 0,
        "kernel": 3,
        "stride": 1,
        "activation": "relu6",
        "squeeze": 0,
        "squeeze_activation": "relu",
        "gate": "sigmoid",
        "drop_path": 0.0,
    },
    "mb_conv": BATCH_NORM
    | {"expansion": 6, "kernel": 3, "stride": 1, "squeeze_ratio": 0.25, "drop_path": 0.0},
    "fused_mb_conv": BATCH_NORM | {"expansion": 4, "kernel": 3, "stride": 1, "drop_path": 0.0},
    "universal_inverted_bottleneck": BATCH_NORM
    | {
        "expansion": 4.0,
        "start_kernel": 0,
        "middle_kernel": 3,
        "stride": 1,
        "activation": "relu",
        "drop_path": 0.0,
    },
    "convnext_block": {
        "kernel": 7,
        "expansion": 4,
        "layer_scale": 1e-6,
        "drop_path": 0.0,
        "eps": 1e-6,
    },
}
WINDOWED = ("conv2d", "depthwise_conv2d", "conv_transpose2d", "max_pool", "avg_pool")
PAIRS = ("kernel", "window", "stride", "dilation", "output_padding", "patch", "scale")


def resolve(spec: dict) -> tuple[dict, list[Shape | None]]:
    """The spec with explicit layers, and the shape of an example before each layer.

    The last shape is the logits'. A shape is None where it was not followed: after
    tokens, branches and blocks. Names of padding cannot be resolved there.
    """
    shapes, layers = [tuple(spec["input"])], []
    ordinal = collections.Counter()
    for layer in spec["layers"]:
        ordinal[layer["kind"]] += 1
        name = layer.get("name", f"{layer['kind']}_{ordinal[layer['kind']]}")
        layer = {"name": name, "params": name} | explicit(layer)
        if layer.get("padding") == "same":
            layer["padding"] = _same(layer, shapes[-1])
        layers.append(layer)
        shapes.append(_after(layer, shapes[-1]))
    if "losses" in spec:
        spec = spec | {"losses": [{"weight": 1.0} | part for part in spec["losses"]]}
    else:
        spec = {"loss": "softmax_cross_entropy"} | spec
    return spec | {"layers": layers}, shapes


def explicit(layer: dict) -> dict:
    """The layer with its defaults, and those of the layers inside it."""
    layer = DEFAULTS.get(layer["kind"], {}) | layer
    if layer["kind"] in (*WINDOWED, "patch_embed", "upsample"):
        layer |= {key: _pair(layer[key]) for key in PAIRS if key in layer}
    if layer["kind"] in ("max_pool", "avg_pool") and layer["stride"] == (0, 0):
        layer["stride"] = layer["window"]
    padding = layer.get("padding")
    padding = 0 if padding == "valid" else padding
    if isinstance(padding, int):
        layer["padding"] = [(padding, padding)] * 2
    if "branches" in layer:
        layer["branches"] = [[explicit(inner) for inner in branch] for branch in layer["branches"]]
    return layer


def _same(layer: dict, shape: Shape | None) -> list[tuple[int, int]]:
    if shape is None or layer["kind"] == "conv_transpose2d":
        raise ValueError(f"padding \"same\" of {layer['name']!r} must be given in numbers here")
    return lax.padtype_to_pads(shape[:2], _span(layer), layer["stride"], "SAME")


def _after(layer: dict, shape: Shape | None) -> Shape | None:
    """The shape of an example after the layer."""
    kind = layer["kind"]
    if shape is None or "branches" in layer:
        return None
    if kind == "flatten":
        return (math.prod(shape),)
    if kind == "dense":
        return (*shape[:-1], layer["features"])
    if kind in ("conv2d", "max_pool", "avg_pool"):
        sizes = zip(shape, layer["padding"], _span(layer), layer["stride"])
        space = [(n + sum(p) - w) // s + 1 for n, p, w, s in sizes]
        return (*space, layer["features"] if kind == "conv2d" else shape[-1])
    return shape if kind in ("relu", "batch_norm", "dropout", "gelu") else None


def _span(layer: dict) -> list[int]:
    window = layer["kernel" if "kernel" in layer else "window"]
    return [(w - 1) * d + 1 for w, d in zip(window, layer.get("dilation", (1, 1)))]


def _pair(size) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else tuple(size)
