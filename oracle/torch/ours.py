"""Our side: the command, its files, and XLA."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import subprocess

import numpy as np
import torch
from safetensors.numpy import load_file
from safetensors.torch import save_file

from oracle import xla

Tensors = dict[str, np.ndarray]


@dataclasses.dataclass(frozen=True)
class Net:
    """A network of ours, as the command line names it, and where its files go."""

    command: pathlib.Path
    model: list[str]
    folder: pathlib.Path

    def run(self, *arguments: str) -> None:
        done = subprocess.run([self.command, *arguments], capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"cotangent {' '.join(arguments)}: {done.stderr.strip()}")

    def load(self, state: dict[str, torch.Tensor], library: str = "timm") -> Tensors:
        """What `import` makes of a state dictionary; `export` has to give it back."""
        theirs, ours, back = (self.folder / f"{n}.safetensors" for n in ("theirs", "ours", "back"))
        save_file({name: t.contiguous() for name, t in state.items()}, theirs, {"format": "pt"})
        self.run("import", "--from", library, str(theirs), *self.model, "-o", str(ours))
        self.run("export", "--to", library, str(ours), *self.model, "-o", str(back))
        if theirs.read_bytes() != back.read_bytes():
            raise RuntimeError(f"{self.model}: export after import is another file")
        return load_file(ours)

    def mapping(self, state: dict[str, torch.Tensor], library: str = "timm") -> Mapping:
        """Which tensor there is which tensor here, and which element which."""
        real = {name: t for name, t in state.items() if t.is_floating_point()}
        names = list(real)
        counts = {name: t for name, t in state.items() if name not in real}
        numbered = {n: torch.full_like(t, k) for k, (n, t) in enumerate(real.items())}
        # f32 holds these whole numbers exactly.
        if any(t.numel() >= 1 << 24 for t in real.values()):
            raise RuntimeError("a tensor is too large to be numbered in f32")
        places = {
            n: torch.arange(t.numel(), dtype=torch.float32).reshape(t.shape)
            for n, t in real.items()
        }
        tensor = self.load(numbered | counts, library)
        element = self.load(places | counts, library)
        theirs = {ours: names[int(value.flat[0])] for ours, value in tensor.items()}
        return Mapping(theirs, {n: v.astype(np.int64) for n, v in element.items()})

    def execute(self, given: Tensors, batch: int, *what: str) -> dict[tuple[str, str], np.ndarray]:
        """The results of a step, by role and name; random masks are all ones."""
        text = self.folder / "step.mlir"
        arguments = ["emit", *self.model, "--batch", str(batch), "--dtype", "f64", "-o", str(text)]
        self.run(*arguments, "--what", *what)
        manifest = json.loads(text.with_suffix(".json").read_text())
        arrays = []
        for slot in manifest["inputs"]:
            name = slot["name"]
            value = np.ones(slot["shape"]) if slot["role"] == "mask" else given[name]
            arrays.append(np.asarray(value, np.float64).reshape(slot["shape"]))
        results = xla.execute(text.read_text(), arrays)
        slots = [(slot["role"], slot["name"]) for slot in manifest["outputs"]]
        return dict(zip(slots, results, strict=True))


@dataclasses.dataclass(frozen=True)
class Mapping:
    """From tensors of theirs to ours."""

    names: dict[str, str]
    places: dict[str, np.ndarray]

    def ours(self, theirs: dict[str, torch.Tensor]) -> Tensors:
        """Those of our tensors that `theirs` has, in our shape and order."""
        return {
            name: theirs[other].detach().numpy().ravel()[self.places[name]]
            for name, other in self.names.items()
            if other in theirs
        }
