"""Dense layers and convolutions. Kernels are [height, width, inputs per group, features]."""

from __future__ import annotations

import jax.numpy as jnp
from jax import lax

from oracle.reference import ops


def dense(run, layer, x):
    return _biased(run, layer, x @ _weight(run, layer, x.shape[-1], layer["features"]))


def conv2d(run, layer, x):
    per_group = x.shape[-1] // layer["groups"]
    weight = _weight(run, layer, *layer["kernel"], per_group, layer["features"])
    geometry = (layer["stride"], layer["padding"], layer["dilation"], layer["groups"])
    return _biased(run, layer, ops.convolution(x, weight, *geometry))


def depthwise_conv2d(run, layer, x):
    """Feature c·multiplier + k sees channel c alone; one shifted product per kernel cell."""
    features = x.shape[-1] * layer["multiplier"]
    weight = _weight(run, layer, *layer["kernel"], 1, features)
    y = depthwise(x, weight, layer["stride"], layer["padding"], layer["dilation"])
    return _biased(run, layer, y)


def depthwise(x, weight, stride, padding, dilation=(1, 1)):
    kh, kw, _, features = weight.shape
    x = jnp.repeat(x, features // x.shape[-1], axis=-1)
    x = jnp.pad(x, [(0, 0), *(tuple(p) for p in padding), (0, 0)])
    span = [(k - 1) * d + 1 for k, d in zip((kh, kw), dilation)]
    oh, ow = [(n - w) // s + 1 for n, w, s in zip(x.shape[1:3], span, stride)]
    total = 0.0
    for u in range(kh):
        for v in range(kw):
            rows = slice(u * dilation[0], u * dilation[0] + (oh - 1) * stride[0] + 1, stride[0])
            columns = slice(v * dilation[1], v * dilation[1] + (ow - 1) * stride[1] + 1, stride[1])
            total = total + x[:, rows, columns] * weight[u, v, 0]
    return total


def conv_transpose2d(run, layer, x):
    """What PyTorch's ConvTranspose2d does: zeros between the cells of `x`, then a
    convolution with the kernel turned by half a turn, its two sides exchanged.

    The kernel is that of the convolution transposed: [height, width,
    features per group, channels].
    """
    (kh, kw), groups, channels = layer["kernel"], layer["groups"], x.shape[-1]
    per_group = layer["features"] // groups
    weight = _weight(run, layer, kh, kw, per_group, channels)
    turned = weight[::-1, ::-1].reshape(kh, kw, per_group, groups, channels // groups)
    turned = turned.transpose(0, 1, 4, 3, 2).reshape(kh, kw, channels // groups, groups * per_group)
    padding = [
        ((k - 1) * d - low, (k - 1) * d - high + extra)
        for k, d, (low, high), extra in zip(
            (kh, kw), layer["dilation"], layer["padding"], layer["output_padding"]
        )
    ]
    y = lax.conv_general_dilated(
        x,
        turned,
        window_strides=(1, 1),
        padding=padding,
        lhs_dilation=layer["stride"],
        rhs_dilation=layer["dilation"],
        feature_group_count=groups,
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )
    return _biased(run, layer, y)


def _weight(run, layer, *shape: int):
    return run.get(layer["params"], "weight", shape=shape)


def _biased(run, layer, y):
    if not layer["bias"]:
        return y
    return y + run.get(layer["params"], "bias", shape=(y.shape[-1],))


LAYERS = {
    "dense": dense,
    "conv2d": conv2d,
    "depthwise_conv2d": depthwise_conv2d,
    "conv_transpose2d": conv_transpose2d,
}
