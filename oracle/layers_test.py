"""The references of layers and losses, against loops in numpy and second formulas."""

from __future__ import annotations

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np

from oracle.case import CaseError
from oracle.reference import nets, ops
from oracle.reference.nets import activations, blocks, combination, losses, resampling, tokens
from oracle.spec import resolve

RNG = np.random.default_rng(11)


def same(got, expected):
    np.testing.assert_allclose(np.asarray(got), np.asarray(expected), rtol=1e-12, atol=1e-12)


def draw(*shape: int):
    return RNG.standard_normal(shape)


def layer(x, tensors: dict, training: bool = True, **attributes):
    """What one layer, called `l`, makes of `x`; and the running statistics after it."""
    net = {"name": "n", "input": x.shape[1:], "layers": [{"name": "l"} | attributes]}
    tensors = {f"l.{name}": value for name, value in tensors.items()}
    y, after = nets.forward(resolve(net)[0], tensors, x, training)
    return y, {name.removeprefix("l."): value for name, value in after.items()}


def slopes(function, x):
    return jax.vmap(jax.grad(function))(jnp.asarray(x, float))


def check_dense_on_tokens():
    x, weight, bias = draw(2, 3, 4), draw(4, 5), draw(5)
    y, _ = layer(x, {"weight": weight, "bias": bias}, kind="dense", features=5)
    for b, t, f in np.ndindex(y.shape):
        same(y[b, t, f], sum(x[b, t, i] * weight[i, f] for i in range(4)) + bias[f])


def check_depthwise_convolution():
    x, weight = draw(2, 6, 5, 3), draw(2, 3, 1, 6)
    geometry = {"stride": (2, 1), "padding": [(1, 0), (0, 2)], "dilation": (1, 2)}
    about = {"kind": "depthwise_conv2d", "kernel": (2, 3), "multiplier": 2, "bias": False}
    y, _ = layer(x, {"weight": weight}, **about, **geometry)
    same(y, ops.convolution(x, weight, *geometry.values(), 3))


def check_transposed_convolution():
    """Every input cell adds its multiple of the kernel to the output."""
    x, weight = draw(2, 3, 4, 4), draw(3, 2, 3, 4)
    (sh, sw), (dh, dw), (top, left) = (2, 3), (1, 2), (1, 0)
    y, _ = layer(
        x,
        {"weight": weight},
        kind="conv_transpose2d",
        features=6,
        kernel=(3, 2),
        stride=(sh, sw),
        padding=[(top, 0), (left, 1)],
        output_padding=(1, 2),
        dilation=(dh, dw),
        groups=2,
        bias=False,
    )
    height, width = 2 * sh + 2 * dh + 1 + 1 - 1, 3 * sw + 1 * dw + 1 + 2 - 1
    expected = np.zeros((2, height, width, 6))
    for b, i, j, c, u, v, f in np.ndindex(2, 3, 4, 4, 3, 2, 3):
        row, column = i * sh + u * dh - top, j * sw + v * dw - left
        if 0 <= row < height and 0 <= column < width:
            expected[b, row, column, c // 2 * 3 + f] += x[b, i, j, c] * weight[u, v, f, c]
    same(y, expected)


def check_batch_norm():
    x = draw(4, 2, 3, 5)
    names = ("weight", "bias", "running_mean", "running_var")
    tensors = dict(zip(names, (draw(5), draw(5), draw(5), RNG.random(5) + 1)))
    about = {"kind": "batch_norm", "eps": 0.25, "momentum": 0.5}
    y, after = layer(x, tensors, **about)
    frozen, unchanged = layer(x, tensors, training=False, **about)
    assert unchanged == {}
    for f in range(5):
        gain, shift, running_mean, running_var = (tensors[n][f] for n in names)
        values = x[..., f].ravel()
        mean, biased = np.mean(values), np.mean(values**2) - np.mean(values) ** 2
        same(y[..., f], gain * (x[..., f] - mean) / math.sqrt(biased + 0.25) + shift)
        same(after["running_mean"][f], (running_mean + mean) / 2)
        same(after["running_var"][f], (running_var + np.var(values, ddof=1)) / 2)
        scale = gain / math.sqrt(running_var + 0.25)
        same(frozen[..., f], scale * (x[..., f] - running_mean) + shift)


def check_other_norms():
    x, weight, bias = draw(2, 3, 2, 6), draw(6), draw(6)
    both = {"weight": weight, "bias": bias}
    by_layer, _ = layer(x, both, kind="layer_norm", eps=0.25)
    by_root, _ = layer(x, {"weight": weight}, kind="rms_norm", eps=0.25)
    by_group, _ = layer(x, both, kind="group_norm", groups=3, eps=0.25)
    plain, _ = layer(x, {}, kind="layer_norm", eps=0.25, affine=False)
    for b, i, j, f in np.ndindex(x.shape):
        row, group = x[b, i, j], x[b, :, :, f // 2 * 2 : f // 2 * 2 + 2]
        normal = (x[b, i, j, f] - row.mean()) / math.sqrt(row.var() + 0.25)
        same(plain[b, i, j, f], normal)
        same(by_layer[b, i, j, f], weight[f] * normal + bias[f])
        root = math.sqrt(sum(v * v for v in row) / 6 + 0.25)
        same(by_root[b, i, j, f], weight[f] * x[b, i, j, f] / root)
        normal = (x[b, i, j, f] - group.mean()) / math.sqrt(group.var() + 0.25)
        same(by_group[b, i, j, f], weight[f] * normal + bias[f])


def check_activations_are_their_formulas():
    sigma = lambda v: 1 / (1 + math.exp(-v))  # noqa: E731
    cube = lambda v: math.sqrt(2 / math.pi) * (v + 0.044715 * v**3)  # noqa: E731
    x = np.linspace(-5, 7, 25)
    formulas = {
        "relu": lambda v: max(v, 0),
        "relu6": lambda v: min(max(v, 0), 6),
        "leaky_relu": lambda v: v if v > 0 else 0.01 * v,
        "elu": lambda v: v if v > 0 else math.exp(v) - 1,
        "gelu": lambda v: v / 2 * (1 + math.erf(v / math.sqrt(2))),
        "silu": lambda v: v * sigma(v),
        "sigmoid": sigma,
        "tanh": math.tanh,
        "softplus": lambda v: math.log(1 + math.exp(v)),
        "hard_swish": lambda v: v * min(max(v + 3, 0), 6) / 6,
        "hard_sigmoid": lambda v: min(max(v + 3, 0), 6) / 6,
    }
    for kind, formula in formulas.items():
        y, _ = layer(x[None], {}, kind=kind)
        same(y[0], [formula(v) for v in x])
    y, _ = layer(x[None], {}, kind="gelu", approximate="tanh")
    same(y[0], [v / 2 * (1 + math.tanh(cube(v))) for v in x])
    y, _ = layer(x[None], {}, kind="elu", alpha=2.0)
    same(y[0], [v if v > 0 else 2 * (math.exp(v) - 1) for v in x])


def check_activations_at_their_kinks():
    same(slopes(lambda v: activations.clamp(v, 0, 6), [-1, 0, 3, 6, 7]), [0, 0, 1, 0, 0])
    same(slopes(activations.hard_sigmoid, [-3, 0, 3]), [0, 1 / 6, 0])
    same(slopes(lambda v: v * activations.hard_sigmoid(v), [-3, 0, 3]), [0, 0.5, 1])
    same(slopes(lambda v: activations.leaky_relu(v, 0.1), [-1, 0, 1]), [0.1, 0.1, 1])
    same(slopes(lambda v: activations.elu(v, 2.0), [0, 1e4]), [2, 1])
    same(slopes(activations.softplus, [-1e4, 0, 1e4]), [0, 0.5, 1])


def check_upsampling():
    x = draw(2, 3, 4, 2)
    nearest, _ = layer(x, {}, kind="upsample", scale=(2, 3))
    for b, i, j, c in np.ndindex(2, 6, 12, 2):
        same(nearest[b, i, j, c], x[b, i // 2, j // 3, c])
    linear, _ = layer(x, {}, kind="upsample", scale=(2, 3), method="bilinear")
    same(linear, jax.image.resize(x, (2, 6, 12, 2), "bilinear"))
    one, _ = layer(x[:, :1], {}, kind="upsample", scale=(4, 1), method="bilinear")
    same(one, np.repeat(x[:, :1], 4, 1))
    assert (resampling.interpolation(3, 2, float).sum(1) == 1).all()


def check_global_average():
    x = draw(2, 3, 4, 5)
    y, _ = layer(x, {}, kind="global_avg_pool")
    kept, _ = layer(x, {}, kind="global_avg_pool", keep=True)
    assert kept.shape == (2, 1, 1, 5)
    for b, c in np.ndindex(y.shape):
        same([y[b, c], kept[b, 0, 0, c]], [x[b, :, :, c].sum() / 12] * 2)


def check_attention():
    """One score at a time; causal means that later tokens are left out altogether."""
    query, key, value = draw(2, 3, 4), draw(2, 3, 4), draw(2, 3, 4)
    for causal in (False, True):
        y = tokens.attention(query, key, value, 2, causal)
        for b, h, i in np.ndindex(2, 2, 3):
            own = slice(2 * h, 2 * h + 2)
            seen = range(i + 1) if causal else range(3)
            scores = [math.exp(query[b, i, own] @ key[b, j, own] / math.sqrt(2)) for j in seen]
            mixed = sum(s * value[b, j, own] for s, j in zip(scores, seen))
            same(y[b, i, own], mixed / sum(scores))


def check_attention_reads_its_own_tensors():
    x = draw(2, 3, 4)
    tensors = {f"{n}.{p}": draw(*s, f) for n, f in (("qkv", 12), ("proj", 4))
               for p, s in (("weight", (4,)), ("bias", ()))}  # fmt: skip
    y, _ = layer(x, tensors, kind="multi_head_attention", heads=1)
    project = lambda t, n: t @ tensors[f"{n}.weight"] + tensors[f"{n}.bias"]  # noqa: E731
    qkv = project(x, "qkv")
    mixed = tokens.attention(qkv[..., :4], qkv[..., 4:8], qkv[..., 8:], 1, False)
    same(y, project(mixed, "proj"))


def check_patch_embedding():
    x, weight, bias = draw(2, 4, 6, 3), draw(2, 3, 3, 5), draw(5)
    tensors = {"proj.weight": weight, "proj.bias": bias}
    y, _ = layer(x, tensors, kind="patch_embed", features=5, patch=(2, 3))
    cut = ops.convolution(x, weight, (2, 3), [(0, 0)] * 2, (1, 1), 1) + bias
    same(y, cut.reshape(2, 4, 5))


def check_token_layers():
    x, weight = draw(2, 3, 4), draw(4)
    y, _ = layer(x, {"weight": weight}, kind="class_token")
    same(y, [[weight, *example] for example in x])
    y, _ = layer(x, {}, kind="select_token", index=2)
    same(y, x[:, 2])
    symbols, table = RNG.integers(5, size=(2, 3)), draw(5, 4)
    y, _ = layer(np.eye(5)[symbols], {"weight": table}, kind="embedding", features=4)
    same(y, table[symbols])


def check_maximum_on_ties():
    a, b, c = (RNG.choice([0.0, 1.0], 40) for _ in range(3))
    merge = lambda a, b, c: combination.maximum(combination.maximum(a, b), c)  # noqa: E731
    y, pullback = jax.vjp(merge, a, b, c)
    same(y, np.maximum(np.maximum(a, b), c))
    share = lambda a, b: np.where(a > b, 1, np.where(a == b, 0.5, 0))  # noqa: E731
    rest = share(np.maximum(a, b), c)
    same(pullback(np.ones(40)), [rest * share(a, b), rest * share(b, a), 1 - rest])


def check_masks():
    x, elements, examples = draw(2, 3, 4), RNG.choice([0, 2.0], (2, 3, 4)), np.array([0, 4.0])
    y, _ = layer(x, {"mask": elements}, kind="dropout", rate=0.5)
    same(y, x * elements)
    y, _ = layer(x, {"mask": examples}, kind="drop_path", rate=0.75)
    same(y, [0 * x[0], 4 * x[1]])
    same(layer(x, {}, training=False, kind="dropout", rate=0.5)[0], x)


def check_squeeze_excite():
    x = draw(2, 3, 2, 4)
    reduce, expand, b1, b2 = draw(1, 1, 4, 3), draw(1, 1, 3, 4), draw(3), draw(4)
    names = ("conv_reduce.weight", "conv_expand.weight", "conv_reduce.bias", "conv_expand.bias")
    tensors = dict(zip(names, (reduce, expand, b1, b2)))
    y, _ = layer(x, tensors, kind="squeeze_excite", reduced=3, gate="hard_sigmoid")
    for b in range(2):
        means = [x[b, :, :, c].mean() for c in range(4)]
        hidden = [max(0, sum(means[c] * reduce[0, 0, c, r] for c in range(4)) + b1[r]) for r in range(3)]
        for c in range(4):
            z = sum(hidden[r] * expand[0, 0, r, c] for r in range(3)) + b2[c]
            same(y[b, :, :, c], x[b, :, :, c] * min(max(z + 3, 0), 6) / 6)


def check_rounding_of_widths():
    """Widths that torchvision's and timm's tables print."""
    got = [blocks.make_divisible(w) for w in (3, 24, 28, 44, 51.2, 68, 96)]
    assert got == [8, 24, 32, 48, 48, 72, 96], got


def check_losses():
    z, t = draw(3, 4), RNG.random((3, 4))
    sigma = 1 / (1 + np.exp(-z))
    expected = -(t * np.log(sigma) + (1 - t) * np.log(1 - sigma)).sum() / 12
    same(losses.binary_cross_entropy_with_logits(z, t), expected)
    same(jax.grad(losses.binary_cross_entropy_with_logits)(z, t), (sigma - t) / 12)
    far = np.array([1e4, -1e4])
    same(jax.grad(losses.binary_cross_entropy_with_logits)(far, np.array([0.25, 1])), [0.375, -0.5])
    same(losses.mean_squared_error(z, t), sum((a - b) ** 2 for a, b in zip(z.flat, t.flat)) / 12)
    parts = [
        {"kind": "softmax_cross_entropy", "features": 2, "weight": 1.0},
        {"kind": "mean_squared_error", "features": 2, "weight": 0.25},
    ]
    first, second = (z[:, :2], t[:, :2]), (z[:, 2:], t[:, 2:])
    expected = ops.softmax_cross_entropy(*first) + 0.25 * losses.mean_squared_error(*second)
    same(losses.of({"losses": parts})(z, t), expected)
    pixels, targets = draw(2, 3, 2, 4), RNG.random((2, 3, 2, 4))
    rows = [targets[p] @ (pixels[p] - np.log(np.exp(pixels[p]).sum())) for p in np.ndindex(2, 3, 2)]
    same(ops.softmax_cross_entropy(pixels, targets), -sum(rows) / 12)


def check_defaults():
    net = {"name": "n", "input": [7, 6, 4], "layers": [
        {"kind": "conv2d", "features": 8, "kernel": [3, 2], "stride": 2},
        {"kind": "max_pool", "window": 2},
        {"kind": "depthwise_conv2d", "kernel": 3, "padding": 1},
    ]}  # fmt: skip
    (conv, pool, depthwise), shapes = resolve(net)[0]["layers"], resolve(net)[1]
    assert conv["params"] == "conv2d_1" and conv["padding"] == [(1, 1), (0, 0)], conv
    assert shapes[:3] == [(7, 6, 4), (4, 3, 8), (2, 1, 8)], shapes
    assert pool["stride"] == (2, 2) and pool["padding"] == [(0, 0)] * 2, pool
    assert depthwise["kernel"] == (3, 3) and depthwise["padding"] == [(1, 1)] * 2, depthwise


def check_wrong_inputs_are_refused():
    x, weight, bias = draw(2, 4), draw(4, 3), draw(3)
    refused = [
        ({"weight": weight}, "not an input"),
        ({"weight": weight, "bias": bias, "gain": bias}, "unread"),
        ({"weight": weight.T, "bias": bias}, "expected [4, 3]"),
    ]
    for tensors, expected in refused:
        try:
            layer(x, tensors, kind="dense", features=3)
        except CaseError as error:
            assert expected in str(error), error
        else:
            raise AssertionError(f"accepted, expected an error with {expected!r}")


def check_each_layer_has_a_reference():
    known = set(itertools.chain.from_iterable(f.LAYERS for f in nets.FAMILIES))
    assert len(known) == sum(len(f.LAYERS) for f in nets.FAMILIES), "a kind has two references"
