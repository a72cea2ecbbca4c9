"""The optimisers' constants: the same work for every contender."""

LR = 1e-3
MOMENTUM = 0.9
BETA1, BETA2, EPS = 0.9, 0.999, 1e-8
WEIGHT_DECAY = {"sgd": 0.0, "momentum": 0.0, "adamw": 0.01}
