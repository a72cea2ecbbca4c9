"""`python -m oracle.peers.agree`: the contenders do the same work as the reference.

PyTorch and JAX, in every variant, and the oracle's own reference take a few train
steps from one start; their losses must stay together. The net has every layer kind,
and paddings, strides, dilations and groups that differ from the defaults.
"""

from __future__ import annotations

import sys

import jax
import numpy as np

from oracle.peers import constants, jax_step, torch_step
from oracle.peers.batch import draw
from oracle.reference import nets, ops, optimizers
from oracle.spec import resolve

STEPS = 6
TOLERANCE = 1e-5
RELU = {"kind": "relu"}
NET = {
    "name": "every-layer",
    "input": [9, 8, 2],
    "loss": "softmax_cross_entropy",
    "layers": [
        {"kind": "conv2d", "features": 8, "kernel": 3},
        RELU,
        {"kind": "conv2d", "features": 8, "kernel": [2, 3], "stride": [1, 1],
         "padding": [[1, 0], [0, 2]], "dilation": [2, 1], "groups": 4, "bias": False},
        {"kind": "max_pool", "window": [3, 2], "stride": [2, 1], "padding": [[1, 1], [0, 1]]},
        {"kind": "avg_pool", "window": [2, 2], "stride": [1, 2], "padding": [[0, 1], [1, 0]],
         "count_include_pad": True},
        {"kind": "avg_pool", "window": [2, 2], "stride": [1, 1], "padding": [[1, 1], [1, 1]],
         "count_include_pad": False},
        {"kind": "flatten"},
        {"kind": "dense", "features": 16, "bias": True},
        RELU,
        {"kind": "dense", "features": 5, "bias": False},
    ],
}


def reference_losses(spec: dict, batch: int, optimizer: str) -> list[float]:
    values, x, target = draw(spec, batch)
    parts = lambda layer: ["weight", "bias"] if layer["bias"] else ["weight"]  # noqa: E731
    names = [f"{y['params']}.{p}" for y in spec["layers"] if "bias" in y for p in parts(y)]
    params = dict(zip(names, values, strict=True))
    state = {f"{k}.{n}": np.zeros_like(p) for n, p in params.items() for k in ("m", "v", "momentum")}
    state |= {"beta1_power": 1.0, "beta2_power": 1.0}
    chosen = {
        "momentum": constants.MOMENTUM,
        "beta1": constants.BETA1,
        "beta2": constants.BETA2,
        "eps": constants.EPS,
        "weight_decay": constants.WEIGHT_DECAY[optimizer],
    }

    def objective(params):
        logits, _ = nets.forward(spec, params, x)
        return ops.softmax_cross_entropy(logits, target)

    losses = []
    for _ in range(STEPS):
        loss, grads = jax.value_and_grad(objective)(params)
        after = optimizers.UPDATES[optimizer](params, grads, state, constants.LR, chosen)
        params = {n: after[n] for n in names}
        state |= {n: v for n, v in after.items() if n in state}
        losses.append(float(loss))
    return losses


def main() -> int:
    spec, _ = resolve(NET)
    failures = count = 0
    for optimizer in constants.WEIGHT_DECAY:
        expected = reference_losses(spec, 4, optimizer)
        for backend in (torch_step, jax_step):
            for variant in backend.variants(spec):
                try:
                    step = backend.build(spec, 4, optimizer, variant)
                    losses = [step()[0].item() for _ in range(STEPS)]
                except Exception as error:  # noqa: BLE001: reported, as a failure
                    losses = [np.nan]
                    print(f"{backend.__name__} {variant}: {error}", file=sys.stderr)
                count += 1
                if len(losses) != STEPS or not np.allclose(losses, expected, rtol=TOLERANCE, atol=0):
                    failures += 1
                    print(f"FAIL {backend.__name__} {variant}, {optimizer}: losses {losses}, "
                          f"the reference's are {expected}", file=sys.stderr)
    print(f"peers: {count - failures} of {count} contenders agree with the reference")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
