"""Whole networks against PyTorch: timm's models with timm's weights.

Our side is `cotangent import` and the text that `cotangent emit` writes, executed by
XLA; theirs is timm's module and PyTorch's autograd. Both in f64.
"""
