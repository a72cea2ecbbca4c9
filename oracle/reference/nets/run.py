"""What layers read beside their input."""

from __future__ import annotations

from oracle.case import CaseError


class Run:
    """One pass through a network.

    `tensors` are the inputs by name. `training` chooses between a network's two
    meanings: statistics of the batch and masks, or running statistics and no masks.
    `stored` rounds a constant to what the file's dtype holds. `after` collects the
    running statistics as the pass leaves them.
    """

    def __init__(self, layers: dict, tensors: dict, training: bool, stored):
        self.tensors, self.training, self.stored = tensors, training, stored
        self.after, self.read = {}, set()
        self._layers = layers

    def sequence(self, layers: list[dict], x):
        for layer in layers:
            if layer["kind"] not in self._layers:
                raise CaseError(f"no reference for a layer of kind {layer['kind']!r}")
            x = self._layers[layer["kind"]](self, layer, x)
        return x

    def get(self, *path: str, shape: tuple[int, ...] | None = None):
        """The tensor whose name is `path` joined by dots, of the shape that the layer's
        attributes give it."""
        name = ".".join(path)
        if name not in self.tensors:
            raise CaseError(f"a layer reads {name!r}, which is not an input")
        self.read.add(name)
        tensor = self.tensors[name]
        if shape is not None and tensor.shape != tuple(shape):
            raise CaseError(f"{name!r} is {list(tensor.shape)}, expected {list(shape)}")
        return tensor

    def masked(self, x, rate: float, *path: str):
        """`x` times its random mask, which has `x`'s leading dimensions."""
        if rate == 0 or not self.training:
            return x
        mask = self.get(*path, "mask")
        return x * mask.reshape(*mask.shape, *[1] * (x.ndim - mask.ndim))

    def observe(self, prefix: str, momentum: float, mean, unbiased_variance) -> None:
        """Move the running statistics, where the program has them, towards the batch's."""
        m = self.stored(momentum)
        for name, batch in (("running_mean", mean), ("running_var", unbiased_variance)):
            name = f"{prefix}.{name}"
            if name in self.tensors:
                self.read.add(name)
                self.after[name] = (1 - m) * self.after.get(name, self.tensors[name]) + m * batch
