"""`python -m oracle.instructions CASES_DIR`: how many instructions the emitted train
steps have, beside what JAX lowers the same step to.

Counted are StableHLO and CHLO instructions after inlining every call, constants
included; the bodies of `max_pool_grad` are left out, and `select_and_scatter` is on
JAX's side, since the former is written out in plain StableHLO.
"""

from __future__ import annotations

import argparse
import functools
import pathlib
import re
import sys

import jax
import numpy as np

from oracle.case import load
from oracle.reference import nets

_FUNCTION = re.compile(r"func\.func (?:public |private )?@(\w+)")
_CALL = re.compile(r"= (?:func\.)?call @(\w+)")
_INSTRUCTION = re.compile(r'= "?(?:stablehlo|chlo)\.(\w+)')


def count(text: str) -> int:
    """Instructions of `@main` once every call is inlined."""
    bodies: dict[str, list[str]] = {}
    for line in text.splitlines():
        if found := _FUNCTION.search(line):
            current = bodies.setdefault(found[1], [])
        elif bodies:
            current.append(line)

    @functools.cache
    def size(name: str) -> int:
        if name.startswith("max_pool_grad"):
            return 0
        calls = sum(size(found[1]) for line in bodies[name] if (found := _CALL.search(line)))
        return calls + sum(bool(_INSTRUCTION.search(line)) for line in bodies[name])

    return size("main")


def jax_text(folder: pathlib.Path) -> tuple[str, str]:
    """The emitted text of a case and JAX's lowering of its reference."""
    case = load(folder, folder.parent)
    stored = lambda constant: float(np.float32(constant))  # noqa: E731
    with jax.enable_x64(False):
        program = jax.jit(nets.program(case, stored))
        return case.text, program.lower(dict(case.arrays)).as_text()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m oracle.instructions", description=__doc__)
    parser.add_argument("cases", type=pathlib.Path)
    parser.add_argument("models", nargs="*")
    args = parser.parse_args()
    found = sorted((args.cases / "zoo").glob("*/train*/F32/case.json"))
    print("| model | Cotangent | JAX | ratio |\n| --- | --- | --- | --- |")
    for path in found:
        name = path.parents[2].name
        if args.models and name not in args.models:
            continue
        ours, theirs = (count(text) for text in jax_text(path.parent))
        print(f"| `{name}` | {ours} | {theirs} | {ours / theirs:.2f} |", flush=True)
    return 0 if found else 1


if __name__ == "__main__":
    sys.exit(main())
