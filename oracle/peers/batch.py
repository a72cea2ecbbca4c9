"""A batch and first parameters for a spec: arrays that every contender starts from."""

from __future__ import annotations

import math

import numpy as np

from oracle.spec import resolve


def shapes(spec: dict) -> tuple[list[tuple[int, ...]], dict[int, tuple[int, ...]], int]:
    """What follows from the layers' geometry.

    Shapes of the parameters (weight, bias, ...; HWIO and [in, out]); for each dense
    weight that reads a flattened image, by its index, that image's [H,W,C]; and the
    number of classes.
    """
    spec, examples = resolve(spec)
    parameters, images, flattened = [], {}, None
    for layer, shape in zip(spec["layers"], examples):
        if layer["kind"] == "flatten" and len(shape) == 3:
            flattened = shape
        elif layer["kind"] == "dense":
            if flattened is not None:
                images[len(parameters)], flattened = flattened, None
            parameters.append((shape[-1], layer["features"]))
        elif layer["kind"] == "conv2d":
            inputs = shape[-1] // layer["groups"]
            parameters.append((*layer["kernel"], inputs, layer["features"]))
        if layer.get("bias"):
            parameters.append((layer["features"],))
    return parameters, images, examples[-1][-1]


def draw(spec: dict, batch: int, seed: int = 0):
    """(parameters, x [B,H,W,C], one-hot target [B,classes]), all f32."""
    rng = np.random.default_rng(seed)
    parameters, _, classes = shapes(spec)
    values = [
        rng.standard_normal(s, np.float32) * np.float32(math.sqrt(2 / math.prod(s[:-1])))
        if len(s) > 1
        else np.zeros(s, np.float32)
        for s in parameters
    ]
    x = rng.random((batch, *spec["input"]), np.float32)
    target = np.eye(classes, dtype=np.float32)[rng.integers(classes, size=batch)]
    return values, x, target
