"""Normalisations, by PyTorch's formulas; variances are the mean of squared distances."""

from __future__ import annotations

import jax.numpy as jnp


def batch_norm(run, layer, x):
    y = batch_normal(run, layer["params"], x, layer["eps"], layer["momentum"])
    return _affine(run, layer, y, layer["affine"])


def batch_normal(run, prefix: str, x, eps: float, momentum: float):
    """Over batch and positions in training, by the running statistics in evaluation."""
    if run.training:
        dims = tuple(range(x.ndim - 1))
        count = x.size // x.shape[-1]
        mean, variance = _moments(x, dims)
        flat_mean, flat_variance = mean.reshape(-1), variance.reshape(-1)
        run.observe(prefix, momentum, flat_mean, flat_variance * count / (count - 1))
    else:
        mean, variance = run.get(prefix, "running_mean"), run.get(prefix, "running_var")
    return (x - mean) / jnp.sqrt(variance + run.stored(eps))


def layer_norm(run, layer, x):
    y = over_features(run, x, layer["eps"])
    return _affine(run, layer, y, layer["affine"], layer["bias"])


def over_features(run, x, eps: float):
    mean, variance = _moments(x, (-1,))
    return (x - mean) / jnp.sqrt(variance + run.stored(eps))


def rms_norm(run, layer, x):
    y = x / jnp.sqrt((x**2).mean(-1, keepdims=True) + run.stored(layer["eps"]))
    return _affine(run, layer, y, layer["affine"], shift=False)


def group_norm(run, layer, x):
    """Channels g·C/G to (g+1)·C/G - 1 are group g."""
    batch, height, width, channels = x.shape
    groups = layer["groups"]
    split = x.reshape(batch, height, width, groups, channels // groups)
    mean, variance = _moments(split, (1, 2, 4))
    y = ((split - mean) / jnp.sqrt(variance + run.stored(layer["eps"]))).reshape(x.shape)
    return _affine(run, layer, y, layer["affine"])


def _moments(x, dims):
    mean = x.mean(dims, keepdims=True)
    return mean, ((x - mean) ** 2).mean(dims, keepdims=True)


def _affine(run, layer, y, scale: bool, shift: bool = True):
    features = (y.shape[-1],)
    if scale:
        y = y * run.get(layer["params"], "weight", shape=features)
        y = y + run.get(layer["params"], "bias", shape=features) if shift else y
    return y


LAYERS = {
    "batch_norm": batch_norm,
    "layer_norm": layer_norm,
    "rms_norm": rms_norm,
    "group_norm": group_norm,
}
