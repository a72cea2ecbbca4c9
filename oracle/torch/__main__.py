"""`python -m oracle.torch`: exit status 0 only if every model agrees with PyTorch.

At full size each model runs in its own process, so that its memory is its own.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import multiprocessing
import pathlib
import sys
import time

from oracle.torch import check, mistakes, models, names

ROLES = ("logits", "loss", "grad", "stat")


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m oracle.torch", description=__doc__)
    parser.add_argument("models", nargs="*", help="zoo names; all five if none is given")
    parser.add_argument("--small", action="store_true", help="scaled down, with wrong variants")
    parser.add_argument(
        "--command", type=pathlib.Path, default=pathlib.Path("target/debug/cotangent")
    )
    parser.add_argument("--write", type=pathlib.Path, help="also write the table to this file")
    args = parser.parse_args(argv)
    known = {pair.ours: pair for pair in models.PAIRS}
    if unknown := set(args.models) - known.keys():
        parser.error(f"no model {sorted(unknown)}; there are {', '.join(known)}")
    pairs = [known[name] for name in args.models] or models.PAIRS
    command = args.command.absolute()

    start = time.monotonic()
    failures, table, made = [], [], 0

    def tried(what: str, function, *arguments):
        """Its result, or None and a failure: XLA, PyTorch and our command raise many kinds."""
        try:
            return function(*arguments)
        except Exception as error:  # noqa: BLE001
            failures.append(f"{what}: {type(error).__name__}: {str(error)[:400]}")
            return None

    for pair in pairs:
        if args.small:
            found = tried(pair.ours, mistakes.small, pair, command)
        else:
            found = tried(pair.ours, _alone, check.full, pair, command)
            found = found and (found, 0, [])
        if found:
            figures, mistaken, missed = found
            table.append(_row(figures))
            print(table[-1], flush=True)
            failures += figures.failures + [f"not noticed: {what}" for what in missed]
            made += mistaken
    if args.small:
        failures += tried("torchvision", names.wrong, command) or []
    for failure in failures:
        print(f"FAIL {failure}", file=sys.stderr)
    wrong = f", {made} deliberate mistakes" if made else ""
    seconds = time.monotonic() - start
    print(f"torch: {len(pairs)} models{wrong}, {len(failures)} failures, {seconds:.0f} s")
    if args.write and not failures:
        args.write.write_text(HEADER + "\n".join(table) + "\n")
    return 1 if failures else 0


def _alone(function, *arguments):
    """Its result, computed in a process of its own."""
    spawn = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=spawn) as pool:
        return pool.submit(function, *arguments).result()


HEADER = """\
# Against PyTorch

timm's models at full size (224 by 224, 1000 classes, batch 2) with timm's own random
weights, drawn where they would be 0 or 1, through `cotangent import`: the text that
`cotangent emit --dtype f64` writes, executed by XLA on the CPU, against PyTorch's
autograd in f64. Dropout and stochastic depth are off. Errors are relative, the worst of
all tensors, each against the scale of SEMANTICS.md; allowed is 1e-9. Time is that of
emitting, compiling and running four steps, and of PyTorch's two; memory is the peak of
the process that ran both.

Made by `bash scripts/torch-oracle.sh`.

| model | mode | logits | loss | gradients | statistics | tensors | ours, s | PyTorch, s | memory, GB |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
"""


def _row(f: check.Figures) -> str:
    rows = []
    for mode in ("evaluation", "training"):
        errors = [f.errors.get(f"{mode} {role}") for role in ROLES]
        cells = ["" if e is None else f"{e:.1e}" for e in errors]
        rest = ["", "", "", ""]
        if mode == "evaluation":
            rest = [str(f.tensors), f"{f.seconds_ours:.0f}", f"{f.seconds_torch:.0f}"]
            rest.append(f"{f.peak_bytes / 1e9:.1f}")
        name = f"`{f.model}`" if mode == "evaluation" else ""
        rows.append("| " + " | ".join([name, mode, *cells, *rest]) + " |")
    return "\n".join(rows)


if __name__ == "__main__":
    sys.exit(main())
