"""PyTorch and JAX doing the same train step as Cotangent, for speed comparisons.

`python -m oracle.peers` is one contender in its own process, driven over a line
protocol so that the caller can interleave contenders (see __main__.py).
"""
