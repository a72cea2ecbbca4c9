"""Whole networks from their declared layers: forward, gradient and train step.

Layers take their parameters by name. The formulas are those of SEMANTICS.md, of
PyTorch's documentation and of the papers, never of the program under test.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from oracle.case import Case, CaseError
from oracle.reference import features
from oracle.reference.nets import (
    activations,
    blocks,
    combination,
    convolution,
    losses,
    norms,
    resampling,
    tokens,
)
from oracle.reference.nets.run import Run
from oracle.spec import resolve

FAMILIES = (convolution, norms, activations, resampling, tokens, combination, blocks)
LAYERS = {kind: forward for family in FAMILIES for kind, forward in family.LAYERS.items()}


def forward(spec: dict, tensors: dict, x, training: bool = True, stored=float):
    """The output of the network `spec`, and its running statistics after this batch."""
    run = Run(LAYERS, tensors, training, stored)
    output = run.sequence(spec["layers"], x)
    if unread := sorted(tensors.keys() - run.read):
        raise CaseError(f"the layers leave inputs unread: {', '.join(unread)}")
    return output, run.after


def program(case: Case, stored):
    """A function from inputs by name to outputs by name, for a net case.

    `stored` rounds a constant to what the file's dtype holds.
    """
    (spec, _), names = resolve(case.attrs["net"]), case.names("param")
    extra = case.names("stat", "mask")
    mode = case.attrs.get("mode", "training" if case.compare in ("grad", "train") else "evaluation")
    if mode not in ("training", "evaluation"):
        raise CaseError(f"mode is {mode!r}, expected training or evaluation")
    if (objective := losses.of(spec)) is None:
        raise CaseError(f"no reference for the loss {spec.get('losses', spec.get('loss'))!r}")

    def logits(params, arrays):
        tensors = params | {n: arrays[n] for n in extra}
        return forward(spec, tensors, arrays["x"], mode == "training", stored)

    def loss(params, arrays):
        output, stats = logits(params, arrays)
        return objective(output, arrays["target"]), (output, stats)

    def chosen(arrays):
        return {n: arrays[n] for n in names}

    def value(arrays):
        return {"logits": logits(chosen(arrays), arrays)[0]}

    def evaluate(arrays):
        total, (output, _) = loss(chosen(arrays), arrays)
        return {"loss": total, "logits": output}

    def grad(arrays):
        differentiate = jax.value_and_grad(loss, has_aux=True)
        (total, _), gradients = differentiate(chosen(arrays), arrays)
        return {"loss": total} | gradients

    def rounded(numbers):
        return {k: stored(v) if isinstance(v, float) else v for k, v in numbers.items()}

    differentiate_once = jax.jit(jax.value_and_grad(loss, has_aux=True))

    def train(arrays):
        optimizer = rounded(case.attrs["optimizer"])
        around = rounded(case.attrs.get("features", {}) | {"clip_eps": 1e-6})
        for number, hyper in enumerate(case.steps):
            moved = {n: jnp.roll(arrays[n].ravel(), number) for n in ("x", "target")}
            moved = {n: a.reshape(arrays[n].shape) for n, a in moved.items()}
            params = chosen(arrays)
            (total, (output, stats)), gradients = differentiate_once(params, arrays | moved)
            after = features.update(
                params,
                gradients,
                {n: arrays[n] for n in case.names("state", "ema")},
                {n: arrays[n] for n in case.names("hyper")} | rounded(hyper),
                optimizer,
                around,
            )
            after |= stats
            arrays = arrays | after
        return after | {"loss": total, "logits": output}

    try:
        programs = {"value": value, "eval": evaluate, "grad": grad, "train": train}
        return programs[case.compare]
    except KeyError as error:
        raise CaseError(f"compare is {error}, expected value, eval, grad or train") from error
