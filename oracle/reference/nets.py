"""Whole networks from their declared layers: forward, gradient and train step."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from oracle.case import Case, CaseError
from oracle.reference import features, ops, pooling
from oracle.spec import resolve


def forward(spec: dict, params: list, x):
    """Logits of the network `spec`; `params` are weight, bias, weight, bias, ..."""
    supply = iter(params)
    for layer in spec["layers"]:
        x = _layer(layer, supply, x)
    if (unused := len(list(supply))) > 0:
        raise CaseError(f"the layers leave {unused} parameters unused")
    return x


def _layer(layer: dict, supply, x):
    kind = layer["kind"]
    if kind == "relu":
        return ops.relu(x)
    if kind == "flatten":
        return x.reshape(x.shape[0], -1)
    if kind == "max_pool":
        return pooling.max_pool(x, layer["window"], layer["stride"], layer["padding"])
    if kind == "avg_pool":
        return pooling.avg_pool(
            x, layer["window"], layer["stride"], layer["padding"], layer["count_include_pad"]
        )
    if kind == "dense":
        x = x @ next(supply)
    elif kind == "conv2d":
        geometry = (layer["stride"], layer["padding"], layer["dilation"], layer["groups"])
        x = ops.convolution(x, next(supply), *geometry)
    else:
        raise CaseError(f"no reference for a layer of kind {kind!r}")
    return x + next(supply) if layer["bias"] else x


def program(case: Case, stored):
    """A function from inputs by name to outputs by name, for a net case.

    `stored` rounds a constant to what the file's dtype holds.
    """
    (spec, _), names = resolve(case.attrs["net"]), case.names("param")
    if spec["loss"] != "softmax_cross_entropy":
        raise CaseError(f"no reference for the loss {spec['loss']!r}")

    def loss(params, x, target):
        logits = forward(spec, params, x)
        return ops.softmax_cross_entropy(logits, target), logits

    def value(arrays):
        return {"logits": forward(spec, [arrays[n] for n in names], arrays["x"])}

    def evaluate(arrays):
        total, logits = loss([arrays[n] for n in names], arrays["x"], arrays["target"])
        return {"loss": total, "logits": logits}

    def grad(arrays):
        params = [arrays[n] for n in names]
        differentiate = jax.value_and_grad(loss, has_aux=True)
        (total, _), gradients = differentiate(params, arrays["x"], arrays["target"])
        return {"loss": total} | dict(zip(names, gradients))

    def rounded(numbers):
        return {k: stored(v) if isinstance(v, float) else v for k, v in numbers.items()}

    differentiate_once = jax.jit(jax.value_and_grad(loss, has_aux=True))

    def train(arrays):
        optimizer = rounded(case.attrs["optimizer"])
        around = rounded(case.attrs.get("features", {}) | {"clip_eps": 1e-6})
        for number, hyper in enumerate(case.steps):
            moved = {n: jnp.roll(arrays[n].ravel(), number) for n in ("x", "target")}
            moved = {n: a.reshape(arrays[n].shape) for n, a in moved.items()}
            params = {n: arrays[n] for n in names}
            (total, logits), gradients = differentiate_once(
                list(params.values()), moved["x"], moved["target"]
            )
            after = features.update(
                params,
                dict(zip(names, gradients)),
                {n: arrays[n] for n in case.names("state", "ema")},
                {n: arrays[n] for n in case.names("hyper")} | rounded(hyper),
                optimizer,
                around,
            )
            arrays = arrays | after
        return after | {"loss": total, "logits": logits}

    try:
        programs = {"value": value, "eval": evaluate, "grad": grad, "train": train}
        return programs[case.compare]
    except KeyError as error:
        raise CaseError(f"compare is {error}, expected value, eval, grad or train") from error
