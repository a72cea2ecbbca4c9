"""`python -m oracle.rounding CASES_DIR`: how far f32 executions of the zoo's train steps are
from the real numbers, as a Markdown table.

Each f32 train step with AdamW, clipping and moving averages below CASES_DIR/zoo (written by
`cargo xtask oracle --whole-zoo --write-only`) is run once by XLA and IREE; its folder holds the
results of our own executors. All are compared with JAX's f64 evaluation of the network, to
which our interpreter in f64 agrees within 1e-9 (`oracle`). A distance is the worst of all
tensors of the step, each against the scale of SEMANTICS.md.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import pathlib
import tempfile

import numpy as np

from oracle import reference, xla
from oracle.case import load
from oracle.lowerers import FLAGS, compile_to, distances, run

COLUMNS = ("interp", "native", "xla", "iree")


def row(folder: pathlib.Path) -> tuple[str, dict[str, float]]:
    """The network's name, and the worst distance of each executor."""
    case = load(folder, folder.parent)
    truth = reference.evaluate(case, "f64")[0]
    arrays = [case.arrays[slot.name].copy(order="C") for slot in case.inputs]
    named = lambda values: {s.name: v for s, v in zip(case.outputs, values, strict=True)}  # noqa: E731
    found = dict(case.engines) | {"xla": named(xla.load(case.text)(arrays))}
    with tempfile.TemporaryDirectory() as scratch:
        module = pathlib.Path(scratch) / "step.vmfb"
        compile_to(folder / "step.mlir", *FLAGS, output=module)
        found["iree"] = named(run(module, arrays))
    results = {slot.name for slot in case.outputs} & truth.keys()
    expected = {name: np.asarray(truth[name], np.float64) for name in results}
    worst = {who: max(distances(values, expected).values()) for who, values in found.items()}
    return folder.parents[1].name, worst


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m oracle.rounding", description=__doc__)
    parser.add_argument("cases", type=pathlib.Path)
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    found = sorted((args.cases / "zoo").glob("*/train_adamw*clip_norm*ema_decay*/F32/case.json"))
    print("| network | interpreter | native | XLA | IREE |\n| --- | --- | --- | --- | --- |")
    with concurrent.futures.ProcessPoolExecutor(args.jobs) as pool:
        for name, worst in pool.map(row, [path.parent for path in found]):
            cells = (f"{worst[who]:.1e}" if who in worst else "" for who in COLUMNS)
            print(f"| `{name}` | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
