"""The references themselves, against loops in numpy and values worked out by hand."""

from __future__ import annotations

import itertools
import math
import sys

import jax
import numpy as np

from oracle import xla  # noqa: F401: switches x64 on
from oracle import layers_test
from oracle.reference import features, ops, optimizers, pooling

RNG = np.random.default_rng(7)


def windows(x, window, stride, padding):
    """Yields (output index, [cells of x inside that window, row-major])."""
    batch, *space, channels = x.shape
    out = [(n + sum(p) - w) // s + 1 for n, w, s, p in zip(space, window, stride, padding)]
    for b, i, j, c in itertools.product(range(batch), *map(range, out), range(channels)):
        cells = []
        for di, dj in itertools.product(*map(range, window)):
            y, z = i * stride[0] + di - padding[0][0], j * stride[1] + dj - padding[1][0]
            if 0 <= y < space[0] and 0 <= z < space[1]:
                cells.append((b, y, z, c))
        yield (b, i, j, c), cells


def check_relu_at_its_kink():
    _, pullback = jax.vjp(ops.relu, np.array([-1.0, -0.0, 0.0, 2.0]))
    same(pullback(np.ones(4))[0], [0, 0, 0, 1])


def check_kinks_of_single_elements():
    x = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
    for function, expected in [
        (lambda x: ops.clamp(x, -1.0, 1.0), [0, 0, 1, 0, 0]),
        (ops.OPS["abs"][0], [-1, -1, 0, 1, 1]),
        (lambda x: ops.OPS["elu"][0](x, 3.0), [3 * math.exp(-2), 3 * math.exp(-1), 3, 1, 1]),
    ]:
        _, pullback = jax.vjp(function, x)
        same(pullback(np.ones(5))[0], expected)
    _, pullback = jax.vjp(ops.OPS["maximum"][0], x, np.ones(5))
    same(pullback(np.ones(5)), [[0, 0, 0, 0.5, 1], [1, 1, 1, 0.5, 0]])


def check_functions_of_single_elements():
    x = np.array([-3.0, -0.5, 0.0, 0.7, 2.0])
    for name, function in [
        ("tanh", math.tanh),
        ("logistic", lambda a: 1 / (1 + math.exp(-a))),
        ("erf", math.erf),
        ("erf_grad", lambda a: 2 / math.sqrt(math.pi) * math.exp(-a * a)),
        ("softplus", lambda a: math.log1p(math.exp(a))),
    ]:
        same(ops.OPS[name][0](x), [function(a) for a in x])
    same(ops.clamp(x, -1.0, 1.0), [-1, -0.5, 0, 0.7, 1])
    same(ops.OPS["rsqrt"][0](np.array([4.0])), [0.5])


def check_slice_and_pad():
    x = RNG.standard_normal((3, 4))
    padded = ops.pad(x, [1, 0], [2, 3], [1, 2])
    expected = np.zeros((1 + 5 + 2, 10 + 3))
    for i, j in np.ndindex(3, 4):
        expected[1 + 2 * i, 3 * j] = x[i, j]
    same(padded, expected)
    same(ops.slice_(padded, [1, 0], [6, 10], [2, 3]), x)


def check_variance_and_normalize():
    x = RNG.standard_normal((2, 3, 4))
    for i in range(3):
        group = x[:, i, :]
        mean = group.sum() / 8
        variance = ((group - mean) ** 2).sum() / 8
        same(ops.variance(x, [0, 2])[i], variance)
        normalized = (group - mean) / math.sqrt(variance + 0.1)
        same(ops.normalize(x, [0, 2], 0.1)[:, i, :], normalized)


def check_max_pool_on_ties():
    # Few distinct values make ties in most windows; -9 lies below a padding of 0.
    x = RNG.choice([-9.0, -8.0], size=(2, 5, 6, 3))
    geometry = ((3, 2), (1, 2), ((1, 1), (0, 1)))
    y, pullback = jax.vjp(lambda x: pooling.max_pool(x, *geometry), x)
    dy = RNG.standard_normal(y.shape)
    value, gradient = np.zeros(y.shape), np.zeros(x.shape)
    for place, cells in windows(x, *geometry):
        first = max(cells, key=lambda cell: x[cell])  # max returns the first
        value[place] = x[first]
        gradient[first] += dy[place]
    same(y, value)
    same(pullback(dy)[0], gradient)


def check_average_and_window_sum():
    x = RNG.standard_normal((2, 5, 6, 3))
    geometry = ((3, 2), (2, 1), ((1, 0), (1, 1)))
    y = pooling.window_sum(x, *geometry)
    counted = pooling.avg_pool(x, *geometry, count_include_pad=True)
    inside = pooling.avg_pool(x, *geometry, count_include_pad=False)
    for place, cells in windows(x, *geometry):
        total = sum(x[cell] for cell in cells)
        same([y[place], counted[place], inside[place]], [total, total / 6, total / len(cells)])


def check_convolution():
    x, kernel = RNG.standard_normal((2, 6, 5, 4)), RNG.standard_normal((3, 2, 2, 6))
    stride, padding, dilation, groups = (2, 1), ((1, 0), (0, 2)), (1, 3), 2
    y = ops.convolution(x, kernel, stride, padding, dilation, groups)
    padded = np.pad(x, ((0, 0), *padding, (0, 0)))
    for b, i, j, o in np.ndindex(y.shape):
        group = o // 3
        total = sum(
            padded[b, i * 2 + u, j + v * 3, group * 2 + c] * kernel[u, v, c, o]
            for u, v, c in np.ndindex(3, 2, 2)
        )
        same(y[b, i, j, o], total)


def check_dot_general():
    lhs, rhs = RNG.standard_normal((2, 3, 4, 5)), RNG.standard_normal((5, 3, 6, 2))
    y = ops.dot_general(lhs, rhs, [0, 3], [3, 0], [1], [1])
    for b, i, j in np.ndindex(3, 4, 6):
        total = sum(lhs[p, b, i, q] * rhs[q, b, j, p] for p, q in np.ndindex(2, 5))
        same(y[b, i, j], total)


def check_broadcast_in_dim():
    x = RNG.standard_normal((3, 1, 2))
    y = ops.broadcast_in_dim(x, (2, 4, 3, 5), [2, 1, 0])
    for a, b, c, d in np.ndindex(2, 4, 3, 5):
        same(y[a, b, c, d], x[c, 0, a])


def check_softmax_cross_entropy():
    logits, target = np.array([[1e4, -1e4, 3.0], [0.0, 1.0, 2.0]]), RNG.random((2, 3))
    loss, gradient = jax.value_and_grad(ops.softmax_cross_entropy)(logits, target)
    shifted = logits - logits.max(1, keepdims=True)
    log_softmax = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    same(loss, -(target * log_softmax).sum() / 2)
    same(gradient, (target.sum(1, keepdims=True) * np.exp(log_softmax) - target) / 2)


def check_adamw():
    """The second step of one parameter, by PyTorch's documented formulas."""
    p, g, m, v, t, lr = 2.0, -0.3, 0.1, 0.02, 2, 0.05
    constants = {"beta1": 0.9, "beta2": 0.99, "eps": 1e-3, "weight_decay": 0.1}
    state = {"m.w": m, "v.w": v, "beta1_power": 0.9, "beta2_power": 0.99}
    after = optimizers.adamw({"w": p}, {"w": g}, state, lr, constants)
    m, v = 0.9 * m + 0.1 * g, 0.99 * v + 0.01 * g * g
    p = p - lr * 0.1 * p
    p = p - lr * (m / (1 - 0.9**t)) / (math.sqrt(v / (1 - 0.99**t)) + 1e-3)
    keys = ["w", "m.w", "v.w", "beta1_power", "beta2_power"]
    same([after[k] for k in keys], [p, m, v, 0.9**2, 0.99**2])


def check_nesterov():
    constants = {"momentum": 0.9, "weight_decay": 0.1}
    after = optimizers.nesterov({"w": 2.0}, {"w": 0.5}, {"momentum.w": 1.0}, 0.1, constants)
    same([after["momentum.w"], after["w"]], [0.9 + 0.7, 2.0 - 0.1 * (0.7 + 0.9 * 1.6)])


def check_adam():
    """The decay is part of the gradient."""
    p, g, m, v, lr = 2.0, -0.3, 0.1, 0.02, 0.05
    constants = {"beta1": 0.9, "beta2": 0.99, "eps": 1e-3, "weight_decay": 0.1}
    state = {"m.w": m, "v.w": v, "beta1_power": 0.9, "beta2_power": 0.99}
    after = optimizers.adam({"w": p}, {"w": g}, state, lr, constants)
    g += 0.1 * p
    m, v = 0.9 * m + 0.1 * g, 0.99 * v + 0.01 * g * g
    p -= lr * (m / (1 - 0.9**2)) / (math.sqrt(v / (1 - 0.99**2)) + 1e-3)
    same([after[k] for k in ["w", "m.w", "v.w"]], [p, m, v])


def check_rmsprop():
    p, g, v, u, lr = 2.0, -0.3, 0.02, 0.7, 0.05
    constants = {"alpha": 0.9, "eps": 1e-3, "momentum": 0.0, "weight_decay": 0.1}
    plain = optimizers.rmsprop({"w": p}, {"w": g}, {"v.w": v}, lr, constants)
    pushed = optimizers.rmsprop(
        {"w": p}, {"w": g}, {"v.w": v, "momentum.w": u}, lr, constants | {"momentum": 0.5}
    )
    g += 0.1 * p
    v = 0.9 * v + 0.1 * g * g
    quotient = g / (math.sqrt(v) + 1e-3)
    same([plain["w"], plain["v.w"]], [p - lr * quotient, v])
    u = 0.5 * u + quotient
    same([pushed["w"], pushed["v.w"], pushed["momentum.w"]], [p - lr * u, v, u])


def check_lamb():
    p, g, lr = np.array([[3.0, 4.0]]), np.array([[0.3, -0.6]]), 0.05
    constants = {"beta1": 0.9, "beta2": 0.99, "eps": 1e-3, "weight_decay": 0.1}
    state = {"m.w": 0 * p, "v.w": 0 * p, "beta1_power": 1.0, "beta2_power": 1.0}
    after = optimizers.lamb({"w": p}, {"w": g}, state, lr, constants)
    # In the first step the corrected moments are g and g².
    r = g / (abs(g) + 1e-3) + 0.1 * p
    same(after["w"], p - lr * 5 / math.hypot(*r[0]) * r)
    # A parameter of 0 has no size to scale to.
    after = optimizers.lamb({"w": 0 * p}, {"w": g}, state, lr, constants)
    same(after["w"], -lr * g / (abs(g) + 1e-3))
    # A vector does not decay if biases do not.
    vector = {n: np.ravel(a) if n.endswith(".w") else a for n, a in state.items()}
    after = optimizers.lamb({"w": p[0]}, {"w": g[0]}, vector, lr, constants | {"no_decay": "x"})
    r = g[0] / (abs(g[0]) + 1e-3)
    same(after["w"], p[0] - lr * 5 / math.hypot(*r) * r)


def check_features():
    """Clipping at the norm of everything, two micro-batches, and the average."""
    params = {"a": np.array([1.0]), "b": np.array([[2.0]])}
    state = {"accumulated.a": np.array([2.0]), "accumulated.b": np.array([[6.0]])}
    state |= {"ema.a": np.array([5.0]), "ema.b": np.array([[6.0]])}
    grads = {"a": np.array([4.0]), "b": np.array([[2.0]])}
    optimizer = {"kind": "sgd", "weight_decay": 0.5}
    around = {"clip": 1.0, "clip_eps": 0.0, "ema": 0.75, "accumulate": 2, "no_decay": "bias-and-norm"}
    kept = features.update(params, grads, state, {"lr": 0.1, "apply": 0.0}, optimizer, around)
    sums = {"accumulated.a": 6.0, "accumulated.b": 8.0}
    expected = params | state | sums
    same([np.ravel(kept[n])[0] for n in expected], [np.ravel(x)[0] for x in expected.values()])
    after = features.update(params, grads, state, {"lr": 0.1, "apply": 1.0}, optimizer, around)
    # The means are 3 and 4, of norm 5.
    a, b = 1.0 - 0.1 * 0.6, 2.0 - 0.1 * (0.8 + 0.5 * 2.0)
    expected = {"a": a, "b": b, "accumulated.a": 0.0, "accumulated.b": 0.0}
    expected |= {"ema.a": 0.75 * 5 + 0.25 * a, "ema.b": 0.75 * 6 + 0.25 * b}
    same([np.ravel(after[n])[0] for n in expected], list(expected.values()))
    # A gradient that is short enough stays what it is.
    around = {"clip": 6.0, "clip_eps": 0.0}
    after = features.update(params, grads, {}, {"lr": 0.1}, {"kind": "sgd", "weight_decay": 0.0}, around)
    same([after["a"][0], after["b"][0, 0]], [1.0 - 0.4, 2.0 - 0.2])


def check_momentum_and_sgd():
    constants = {"momentum": 0.9, "weight_decay": 0.1}
    after = optimizers.momentum({"w": 2.0}, {"w": 0.5}, {"momentum.w": 1.0}, 0.1, constants)
    same([after["momentum.w"], after["w"]], [0.9 + 0.7, 2.0 - 0.16])
    same(optimizers.sgd({"w": 2.0}, {"w": 0.5}, {}, 0.1, constants)["w"], 2.0 - 0.07)


def same(got, expected):
    np.testing.assert_allclose(np.asarray(got), np.asarray(expected), rtol=1e-12, atol=1e-12)


def main() -> int:
    everything = globals() | vars(layers_test)
    checks = [f for name, f in everything.items() if name.startswith("check_")]
    failed = 0
    for check in checks:
        try:
            check()
        except AssertionError as error:
            failed += 1
            print(f"FAIL {check.__name__}: {' '.join(str(error).split())}", file=sys.stderr)
    print(f"oracle references: {len(checks) - failed} of {len(checks)} checks pass")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
