"""One forward per op. The outputs of an op case are `value`, and `d_<operand>` for
each differentiable operand: the VJP at the input named `cotangent`."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import lax

from oracle.case import Case, CaseError
from oracle.reference import pooling


def relu(x):
    """0 at 0, also for the derivative: `where` sends the cotangent to one branch."""
    return jnp.where(x > 0, x, 0)


def absolute(x):
    """Derivative 0 at 0, where that of `jnp.abs` is 1."""
    return jnp.where(x > 0, x, jnp.where(x < 0, -x, 0))


def clamp(x, low, high):
    """Derivative 0 at both ends: outside the open interval the result is a constant."""
    return jnp.where((x > low) & (x < high), x, lax.stop_gradient(jnp.clip(x, low, high)))


def erf_grad(x):
    return 2 / jnp.sqrt(jnp.asarray(jnp.pi, x.dtype)) * jnp.exp(-x * x)


def compare_select(lhs, rhs, on_true, on_false, direction):
    """Where `lhs direction rhs` holds, `on_true`; elsewhere `on_false`."""
    holds = {
        "EQ": jnp.equal,
        "NE": jnp.not_equal,
        "LT": jnp.less,
        "LE": jnp.less_equal,
        "GT": jnp.greater,
        "GE": jnp.greater_equal,
    }[direction]
    return jnp.where(holds(lhs, rhs), on_true, on_false)


def dot_general(lhs, rhs, lhs_contracting, rhs_contracting, lhs_batching=(), rhs_batching=()):
    """Result dimensions: batch, free of lhs, free of rhs. Written as an einsum."""
    letters = iter("abcdefghijklmnopqrstuvwxyz")
    left = [next(letters) for _ in range(lhs.ndim)]
    right = [next(letters) for _ in range(rhs.ndim)]
    for i, j in [*zip(lhs_batching, rhs_batching), *zip(lhs_contracting, rhs_contracting)]:
        right[j] = left[i]
    batch = [left[i] for i in lhs_batching]
    free = [n for i, n in enumerate(left) if i not in (*lhs_batching, *lhs_contracting)]
    free += [n for j, n in enumerate(right) if j not in (*rhs_batching, *rhs_contracting)]
    return jnp.einsum(f"{''.join(left)},{''.join(right)}->{''.join(batch + free)}", lhs, rhs)


def convolution(x, kernel, stride, padding, dilation, groups):
    """NHWC images, HWIO kernels (or fewer spatial dimensions); `dilation` spaces the taps."""
    space = "DHW"[-len(stride) :]
    return lax.conv_general_dilated(
        x,
        kernel,
        window_strides=stride,
        padding=[tuple(p) for p in padding],
        rhs_dilation=dilation,
        feature_group_count=groups,
        dimension_numbers=(f"N{space}C", f"{space}IO", f"N{space}C"),
    )


def broadcast_in_dim(x, shape, dimensions):
    """Operand dimension i becomes result dimension `dimensions[i]`; size 1 stretches."""
    placed = [1] * len(shape)
    for i, d in enumerate(dimensions):
        placed[d] = x.shape[i]
    order = sorted(range(x.ndim), key=lambda i: dimensions[i])
    return jnp.broadcast_to(jnp.transpose(x, order).reshape(placed), shape)


def slice_(x, starts, limits, strides):
    return x[tuple(slice(*bounds) for bounds in zip(starts, limits, strides))]


def pad(x, low, high, interior):
    """`x` written into zeros."""
    spread = [(n - 1) * (k + 1) + 1 for n, k in zip(x.shape, interior)]
    zeros = jnp.zeros([a + n + b for a, n, b in zip(low, spread, high)], x.dtype)
    where = tuple(slice(a, a + n, k + 1) for a, n, k in zip(low, spread, interior))
    return zeros.at[where].set(x)


def variance(x, dimensions):
    return jnp.var(x, tuple(dimensions))


def normalize(x, dimensions, eps):
    over = tuple(dimensions)
    mean, spread = jnp.mean(x, over, keepdims=True), jnp.var(x, over, keepdims=True)
    return (x - mean) / jnp.sqrt(spread + eps)


def log_softmax(x, axis=-1):
    shifted = x - lax.stop_gradient(x.max(axis, keepdims=True))
    return shifted - jnp.log(jnp.exp(shifted).sum(axis, keepdims=True))


def softmax(x, axis=-1):
    return jnp.exp(log_softmax(x, axis))


def softmax_cross_entropy(logits, target):
    """`-(1/B) Σ_b Σ_c t_bc log_softmax(z)_bc`; targets may be soft and sum to anything.

    B is the number of rows: the product of all dimensions but the last.
    """
    return -(target * log_softmax(logits)).sum() / (logits.size // logits.shape[-1])


# name: (forward, positions of the operands that are not differentiated)
OPS = {
    "add": (lambda a, b: a + b, ()),
    "sub": (lambda a, b: a - b, ()),
    "mul": (lambda a, b: a * b, ()),
    "div": (lambda a, b: a / b, ()),
    "neg": (lambda a: -a, ()),
    "exp": (jnp.exp, ()),
    "log": (jnp.log, ()),
    "sqrt": (jnp.sqrt, ()),
    "rsqrt": (lax.rsqrt, ()),
    "tanh": (jnp.tanh, ()),
    "logistic": (jax.nn.sigmoid, ()),
    "erf": (jax.scipy.special.erf, ()),
    "erf_grad": (erf_grad, ()),
    "softplus": (jax.nn.softplus, ()),
    "elu": (jax.nn.elu, ()),  # α at 0: `where(x > 0, ..)`
    "relu": (relu, ()),
    "clamp": (clamp, ()),
    "abs": (absolute, ()),
    "maximum": (jnp.maximum, ()),  # one half to each of equal operands
    "compare_select": (compare_select, (0, 1)),
    "dot_general": (dot_general, ()),
    "convolution": (convolution, ()),
    "broadcast_in_dim": (broadcast_in_dim, ()),
    "reduce_sum": (lambda x, dimensions: x.sum(tuple(dimensions)), ()),
    "transpose": (lambda x, permutation: jnp.transpose(x, permutation), ()),
    "reshape": (lambda x, shape: x.reshape(shape), ()),
    "slice": (slice_, ()),
    "pad": (pad, ()),
    "concatenate": (lambda *parts, dim: jnp.concatenate(parts, dim), ()),
    "window_sum": (pooling.window_sum, ()),
    "max_pool": (pooling.max_pool, ()),
    "variance": (variance, ()),
    "normalize": (normalize, ()),
    "softmax": (softmax, ()),
    "log_softmax": (log_softmax, ()),
    "softmax_cross_entropy": (softmax_cross_entropy, (1,)),
}


def program(case: Case, stored):
    """A function from inputs by name to outputs by name, for an op case.

    `stored` rounds a constant to what the file's dtype holds. Constants are the
    attributes that are floats; the others are sizes and positions.
    """
    attrs = {k: stored(v) if isinstance(v, float) else v for k, v in case.attrs.items()}
    forward, constant = OPS[case.reference]
    operands = [s.name for s in case.inputs if s.name != "cotangent"]
    if len(operands) == len(case.inputs):
        raise CaseError("an op case needs an input named 'cotangent'")
    active = [name for i, name in enumerate(operands) if i not in constant]

    def outputs(arrays):
        def value(*primals):
            known = arrays | dict(zip(active, primals))
            return forward(*(known[name] for name in operands), **attrs)

        result, pullback = jax.vjp(value, *(arrays[name] for name in active))
        cotangent = arrays["cotangent"].reshape(result.shape)
        gradients = dict(zip((f"d_{name}" for name in active), pullback(cotangent)))
        return {"value": result} | gradients

    return outputs
