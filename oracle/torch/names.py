"""torchvision's names: its models' weights through `import` and back."""

from __future__ import annotations

import pathlib
import tempfile

from torchvision import models

from oracle.torch import ours

def _vit_tiny(num_classes: int) -> models.VisionTransformer:
    return models.VisionTransformer(
        image_size=224,
        patch_size=16,
        num_layers=12,
        num_heads=3,
        hidden_dim=192,
        mlp_dim=768,
        num_classes=num_classes,
    )


MODELS = {
    "resnet18": models.resnet18,
    "mobilenet-v2": models.mobilenet_v2,
    "mobilenet-v3-large": models.mobilenet_v3_large,
    "efficientnet-b0": models.efficientnet_b0,
    "convnext-tiny": models.convnext_tiny,
    "vit-tiny": _vit_tiny,
    "squeezenet": models.squeezenet1_0,
}


def wrong(command: pathlib.Path) -> list[str]:
    """The models whose weights are not imported, or not exported as they were."""
    failures = []
    for name, make in MODELS.items():
        with tempfile.TemporaryDirectory() as folder:
            net = ours.Net(command, [name, "--classes", "10"], pathlib.Path(folder))
            try:
                net.load(make(num_classes=10).state_dict(), "torchvision")
            except RuntimeError as error:
                failures.append(f"torchvision: {error}")
    return failures
