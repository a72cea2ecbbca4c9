"""Pooling and upsampling."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from oracle.reference import pooling


def max_pool(run, layer, x):
    return pooling.max_pool(x, layer["window"], layer["stride"], layer["padding"])


def avg_pool(run, layer, x):
    geometry = (layer["window"], layer["stride"], layer["padding"])
    return pooling.avg_pool(x, *geometry, layer["count_include_pad"])


def global_avg_pool(run, layer, x):
    return x.mean(tuple(range(1, x.ndim - 1)), keepdims=layer["keep"])


def upsample(run, layer, x):
    for axis, factor in zip((1, 2), layer["scale"]):
        if layer["method"] == "nearest":
            x = jnp.repeat(x, factor, axis)
        else:
            weights = jnp.asarray(interpolation(x.shape[axis], factor, run.stored), x.dtype)
            x = jnp.moveaxis(jnp.tensordot(weights, x, (1, axis)), 0, axis)
    return x


def interpolation(size: int, factor: int, stored) -> np.ndarray:
    """Row i: the weights of output i, which lies at (i + ½)/factor - ½ of the input.

    PyTorch's `align_corners=False`: beyond the border, the border's pixel.
    """
    weights = np.zeros((size * factor, size))
    for i in range(size * factor):
        place = (i + 0.5) / factor - 0.5
        below = int(np.floor(place))
        # The distance in whole units of 1/(2·factor), so that it is exact.
        units = 2 * i + 1 - factor - 2 * factor * below
        for pixel, share in ((below, 2 * factor - units), (below + 1, units)):
            weights[i, min(max(pixel, 0), size - 1)] += stored(share / (2 * factor))
    return weights


LAYERS = {
    "max_pool": max_pool,
    "avg_pool": avg_pool,
    "global_avg_pool": global_avg_pool,
    "upsample": upsample,
}
