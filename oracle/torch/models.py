"""The models compared: timm's, at full size and scaled down."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable

import timm
import torch
from timm.models import convnext, efficientnet, resnet, vision_transformer
from timm.models._efficientnet_builder import decode_arch_def
from torch import nn


@dataclasses.dataclass(frozen=True)
class Pair:
    """One network: its name here and how timm builds it."""

    ours: str
    full: Callable[[], nn.Module]
    small: Callable[[], nn.Module]
    """The size of `--width WIDTH --depth DEPTH --image 32 --classes 10`."""
    width: float
    depth: float


def _full(name: str) -> Callable[[], nn.Module]:
    return functools.partial(timm.create_model, name)


def _mobile(stages: list[str], features: int, stem: int, activation) -> nn.Module:
    return efficientnet.EfficientNet(
        block_args=decode_arch_def([[stage] for stage in stages]),
        num_classes=10,
        num_features=features,
        stem_size=stem,
        act_layer=activation,
    )


def _mobilenet_v2() -> nn.Module:
    stages = ["ds_r1_k3_s1_c8", "ir_r1_k3_s2_e6_c8", "ir_r2_k3_s2_e6_c8", "ir_r2_k3_s2_e6_c16"]
    stages += ["ir_r2_k3_s1_e6_c24", "ir_r2_k3_s2_e6_c40", "ir_r1_k3_s1_e6_c80"]
    return _mobile(stages, 320, 8, nn.ReLU6)


def _efficientnet_b0() -> nn.Module:
    stages = ["ds_r1_k3_s1_e1_c8_se0.25", "ir_r1_k3_s2_e6_c8_se0.25", "ir_r1_k5_s2_e6_c16_se0.25"]
    stages += ["ir_r2_k3_s2_e6_c24_se0.25", "ir_r2_k5_s1_e6_c32_se0.25"]
    stages += ["ir_r2_k5_s2_e6_c48_se0.25", "ir_r1_k3_s1_e6_c80_se0.25"]
    return _mobile(stages, 320, 8, nn.SiLU)


def _resnet34() -> nn.Module:
    # timm's stem has 64 features at any width.
    return resnet.ResNet(resnet.BasicBlock, [1, 1, 2, 1], num_classes=10)


def _convnext_tiny() -> nn.Module:
    return convnext.ConvNeXt(depths=(1, 1, 4, 1), dims=(24, 48, 96, 192), num_classes=10)


def _vit_tiny() -> nn.Module:
    return vision_transformer.VisionTransformer(
        img_size=32, patch_size=16, embed_dim=48, depth=2, num_heads=3, num_classes=10
    )


PAIRS = [
    Pair("resnet34", _full("resnet34"), _resnet34, 1.0, 0.25),
    Pair("mobilenet-v2", _full("mobilenetv2_100"), _mobilenet_v2, 0.25, 0.5),
    Pair("efficientnet-b0", _full("efficientnet_b0"), _efficientnet_b0, 0.25, 0.5),
    Pair("convnext-tiny", _full("convnext_tiny"), _convnext_tiny, 0.25, 0.4),
    Pair("vit-tiny", _full("vit_tiny_patch16_224"), _vit_tiny, 0.25, 0.2),
]


def build(make: Callable[[], nn.Module], seed: int, x: torch.Tensor) -> nn.Module:
    """A model with timm's random weights, and no trivial ones.

    What timm starts at 0 or 1 (normalisations, biases, tokens, scales) is drawn too.
    Running statistics are those of `x`, moved a little, so that values keep their size.
    """
    torch.manual_seed(seed)
    model = make()
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    with torch.no_grad():
        for name, p in model.named_parameters():
            if name.endswith("gamma"):
                p.uniform_(0.1, 0.5)
            elif name in ("cls_token", "pos_embed"):
                p.normal_(0, 0.3)
            elif p.ndim == 1 and name.endswith("weight"):
                p.uniform_(0.5, 1.5)
            elif p.ndim == 1:
                p.normal_(0, 0.1)
        momenta = [m.momentum for m in norms]
        for m in norms:
            m.momentum = None
        model.train()(x)
        for m, momentum in zip(norms, momenta, strict=True):
            m.momentum = momentum
            m.running_mean += 0.1 * m.running_var.sqrt() * torch.randn_like(m.running_mean)
            m.running_var *= torch.empty_like(m.running_var).uniform_(0.8, 1.25)
    return model
