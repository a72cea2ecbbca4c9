"""Blocks, from their papers, with the parameter names of timm (torchvision's ResNet
has the same)."""

from __future__ import annotations

from oracle.reference import ops
from oracle.reference.nets import tokens
from oracle.reference.nets.activations import activate
from oracle.reference.nets.convolution import depthwise
from oracle.reference.nets.norms import batch_normal, over_features


class Parts:
    """The parts of one block, by their names inside it."""

    def __init__(self, run, layer):
        self.run, self.layer = run, layer

    def get(self, name: str, *shape: int):
        return self.run.get(self.layer["params"], name, shape=shape)

    def conv(self, name: str, x, features: int, kernel: int, stride: int = 1, groups: int = 1):
        """Padded by half the kernel on every side, without bias."""
        half = kernel // 2
        weight = self.get(f"{name}.weight", kernel, kernel, x.shape[-1] // groups, features)
        geometry = ((stride, stride), [(half, half)] * 2, (1, 1))
        return ops.convolution(x, weight, *geometry, groups)

    def depthwise(self, name: str, x, kernel: int, stride: int = 1):
        """As `conv`, each channel by itself."""
        half = kernel // 2
        weight = self.get(f"{name}.weight", kernel, kernel, 1, x.shape[-1])
        return depthwise(x, weight, (stride, stride), [(half, half)] * 2)

    def batch_norm(self, name: str, x):
        path = f"{self.layer['params']}.{name}"
        y = batch_normal(self.run, path, x, self.layer["eps"], self.layer["momentum"])
        return self.affine(name, y)

    def layer_norm(self, name: str, x):
        return self.affine(name, over_features(self.run, x, self.layer["eps"]))

    def affine(self, name: str, y):
        features = y.shape[-1]
        return y * self.get(f"{name}.weight", features) + self.get(f"{name}.bias", features)

    def linear(self, name: str, x, features: int):
        weight = self.get(f"{name}.weight", x.shape[-1], features)
        return x @ weight + self.get(f"{name}.bias", features)

    def pointwise(self, name: str, x, features: int):
        """A 1x1 convolution with bias."""
        weight = self.get(f"{name}.weight", 1, 1, x.shape[-1], features)
        return x @ weight[0, 0] + self.get(f"{name}.bias", features)

    def activate(self, x, name: str | None = None):
        return activate(self.run, name or self.layer["activation"], x)

    def masked(self, name: str, x, rate: float):
        return self.run.masked(x, rate, self.layer["name"], name)

    def added(self, x, y, stride: int):
        """`x + y`, with stochastic depth, where the shape stays; else `y`."""
        if stride != 1 or x.shape[-1] != y.shape[-1]:
            return y
        return x + self.masked("drop_path", y, self.layer["drop_path"])

    def squeeze_excite(self, path: str, x, reduced: int, inner: str, gate: str):
        means = x.mean((1, 2), keepdims=True)
        hidden = self.activate(self.pointwise(f"{path}conv_reduce", means, reduced), inner)
        return x * self.activate(self.pointwise(f"{path}conv_expand", hidden, x.shape[-1]), gate)

    def downsampled(self, x, features: int, stride: int):
        if stride == 1 and x.shape[-1] == features:
            return x
        y = self.conv("downsample.0", x, features, 1, stride)
        return self.batch_norm("downsample.1", y)


def squeeze_excite(run, layer, x):
    p = Parts(run, layer)
    return p.squeeze_excite("", x, layer["reduced"], layer["activation"], layer["gate"])


def basic_block(run, layer, x):
    p, features, stride = Parts(run, layer), layer["features"], layer["stride"]
    y = ops.relu(p.batch_norm("bn1", p.conv("conv1", x, features, 3, stride)))
    y = p.batch_norm("bn2", p.conv("conv2", y, features, 3))
    return ops.relu(y + p.downsampled(x, features, stride))


def bottleneck(run, layer, x):
    """The 3x3 convolution has the stride, as in torchvision."""
    p, width, stride = Parts(run, layer), layer["features"], layer["stride"]
    features = width * layer["expansion"]
    y = ops.relu(p.batch_norm("bn1", p.conv("conv1", x, width, 1)))
    y = ops.relu(p.batch_norm("bn2", p.conv("conv2", y, width, 3, stride, layer["groups"])))
    y = p.batch_norm("bn3", p.conv("conv3", y, features, 1))
    return ops.relu(y + p.downsampled(x, features, stride))


def inverted_residual(run, layer, x):
    """MobileNetV2's, and with squeeze-and-excitation MobileNetV3's."""
    hidden = layer["hidden"] or x.shape[-1] * layer["expansion"]
    squeeze = (layer["squeeze"], layer["squeeze_activation"], layer["gate"])
    return _inverted(run, layer, x, hidden, layer["activation"], squeeze)


def mb_conv(run, layer, x):
    """EfficientNet's: SiLU, and a gate reduced to a share of the block's input."""
    hidden, ratio = x.shape[-1] * layer["expansion"], layer["squeeze_ratio"]
    reduced = max(1, int(x.shape[-1] * ratio)) if ratio else 0
    return _inverted(run, layer, x, hidden, "silu", (reduced, "silu", "sigmoid"))


def _inverted(run, layer, x, hidden: int, activation: str, squeeze: tuple[int, str, str]):
    """Without expansion timm calls the last convolution `conv_pw`, else `conv_pwl`."""
    p, kernel, stride = Parts(run, layer), layer["kernel"], layer["stride"]
    y = x
    if expands := hidden != x.shape[-1]:
        y = p.activate(p.batch_norm("bn1", p.conv("conv_pw", y, hidden, 1)), activation)
    first, second, last = ("bn2", "bn3", "conv_pwl") if expands else ("bn1", "bn2", "conv_pw")
    y = p.activate(p.batch_norm(first, p.depthwise("conv_dw", y, kernel, stride)), activation)
    if squeeze[0]:
        y = p.squeeze_excite("se.", y, *squeeze)
    y = p.batch_norm(second, p.conv(last, y, layer["features"], 1))
    return p.added(x, y, stride)


def fused_mb_conv(run, layer, x):
    """EfficientNetV2's."""
    p, features = Parts(run, layer), layer["features"]
    kernel, stride, expansion = layer["kernel"], layer["stride"], layer["expansion"]
    if expansion == 1:
        y = p.activate(p.batch_norm("bn1", p.conv("conv", x, features, kernel, stride)), "silu")
        return p.added(x, y, stride)
    y = p.conv("conv_exp", x, x.shape[-1] * expansion, kernel, stride)
    y = p.activate(p.batch_norm("bn1", y), "silu")
    y = p.batch_norm("bn2", p.conv("conv_pwl", y, features, 1))
    return p.added(x, y, stride)


def make_divisible(value: float, divisor: int = 8) -> int:
    """The rounding of the MobileNet family: to a multiple, never below 0.9 of it."""
    rounded = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * value else rounded


def universal_inverted_bottleneck(run, layer, x):
    """MobileNetV4's: the later depthwise convolution carries the stride."""
    p, stride = Parts(run, layer), layer["stride"]
    start, middle = layer["start_kernel"], layer["middle_kernel"]
    y = x
    if start:
        y = p.depthwise("dw_start.conv", y, start, 1 if middle else stride)
        y = p.batch_norm("dw_start.bn", y)
    hidden = make_divisible(x.shape[-1] * layer["expansion"])
    y = p.activate(p.batch_norm("pw_exp.bn", p.conv("pw_exp.conv", y, hidden, 1)))
    if middle:
        y = p.depthwise("dw_mid.conv", y, middle, stride)
        y = p.activate(p.batch_norm("dw_mid.bn", y))
    y = p.batch_norm("pw_proj.bn", p.conv("pw_proj.conv", y, layer["features"], 1))
    return p.added(x, y, stride)


def convnext_block(run, layer, x):
    p, channels = Parts(run, layer), x.shape[-1]
    y = p.depthwise("conv_dw", x, layer["kernel"]) + p.get("conv_dw.bias", channels)
    y = p.pointwise("mlp.fc1", p.layer_norm("norm", y), channels * layer["expansion"])
    y = p.pointwise("mlp.fc2", p.activate(y, "gelu"), channels)
    if layer["layer_scale"]:
        y = y * p.get("gamma", channels)
    return x + p.masked("drop_path", y, layer["drop_path"])


def transformer_block(run, layer, x):
    """The vision transformer's, normalised before each part."""
    p, size = Parts(run, layer), x.shape[-1]

    def scaled(name, y):
        return y * p.get(f"{name}.gamma", size) if layer["layer_scale"] else y

    qkv = p.linear("attn.qkv", p.layer_norm("norm1", x), 3 * size)
    query, key, value = qkv[..., :size], qkv[..., size : 2 * size], qkv[..., 2 * size :]
    y = tokens.attention(query, key, value, layer["heads"], layer["causal"])
    y = p.masked("attn.drop", p.linear("attn.proj", y, size), layer["dropout"])
    x = x + p.masked("drop_path1", scaled("ls1", y), layer["drop_path"])

    y = p.activate(p.linear("mlp.fc1", p.layer_norm("norm2", x), layer["mlp"] or 4 * size))
    y = p.masked("mlp.drop1", y, layer["dropout"])
    y = p.masked("mlp.drop2", p.linear("mlp.fc2", y, size), layer["dropout"])
    return x + p.masked("drop_path2", scaled("ls2", y), layer["drop_path"])


LAYERS = {
    "squeeze_excite": squeeze_excite,
    "basic_block": basic_block,
    "bottleneck": bottleneck,
    "inverted_residual": inverted_residual,
    "mb_conv": mb_conv,
    "fused_mb_conv": fused_mb_conv,
    "universal_inverted_bottleneck": universal_inverted_bottleneck,
    "convnext_block": convnext_block,
    "transformer_block": transformer_block,
}
