"""`python -m oracle.lowerers CASES_DIR`: emitted train steps of the zoo, small, through
IREE.

Each f32 train step below CASES_DIR/zoo (written by `cargo xtask lowerers`) is compiled by
`iree-compile` for the CPU and run for one step. Every result has to be XLA's of the same
file, as near as those of our executors are, and that of a wrong variant of a short file
must not be. `--parse FILE..` only asks whether IREE and XLA read a file, for steps of
published size. Exit status 0 only if at least one file was tried and none failed.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import pathlib
import subprocess
import sys
import tempfile

import iree.compiler
import iree.runtime
import numpy as np

from oracle import compare, xla
from oracle.case import load
from oracle.compare import Tensors
from oracle.mutate import mutants

FLAGS = [
    "--iree-hal-target-device=local",
    "--iree-hal-local-target-device-backends=llvm-cpu",
    "--iree-llvmcpu-target-cpu=host",
]
COMPILER = pathlib.Path(iree.compiler.__file__).parent / "_mlir_libs" / "iree-compile"

# How far IREE's result may be from XLA's: four times as far as those of our executors, the
# rule of SEMANTICS.md with other f32 executions for JAX's, and this share of the tensor,
# for approximations of exp, tanh and erf.
FACTOR = 4.0
RELATIVE = 1e-5

# Characters of a step that compiles in no time.
SHORT = 60_000


def compile_to(text: pathlib.Path, *more: str, output: pathlib.Path) -> None:
    """Compiles in a process of its own: a crash of the compiler is an error here."""
    command = [str(COMPILER), "--iree-input-type=stablehlo", *more, str(text), "-o", str(output)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    if done.returncode != 0:
        raise RuntimeError(f"iree-compile: {done.stderr.strip()[:400]}")


def run(module: pathlib.Path, arrays: list[np.ndarray]) -> list[np.ndarray]:
    """The results of `@main` on `arrays`, by IREE."""
    config = iree.runtime.Config("local-task")
    context = iree.runtime.SystemContext(config=config)
    vm = iree.runtime.VmModule.mmap(context.instance, str(module))
    context.add_vm_module(vm)
    main = next(m for name, m in context.modules.items() if name not in ("hal",))["main"]
    results = main(*arrays)
    results = results if isinstance(results, (list, tuple)) else [results]
    return [np.asarray(r) for r in results]


def distances(found: Tensors, expected: Tensors) -> dict[str, float]:
    """How far each tensor is, relative to its scale (`compare.scales`)."""
    apart = {}
    for name, scale in compare.scales(expected).items():
        same = found[name].shape == expected[name].shape and np.isfinite(found[name]).all()
        far = compare.distance(found[name], expected[name]) if same else np.inf
        apart[name] = far / scale if scale > 0 else far
    return apart


def worst(found: Tensors, expected: Tensors, allowed: dict[str, float]) -> tuple[float, str]:
    """The largest distance as a multiple of what is allowed, and its tensor."""
    apart = distances(found, expected)
    return max((apart[name] / allowed[name], name) for name in allowed)


def check(folder: pathlib.Path) -> str | None:
    """What is wrong with IREE's results on the case, if anything."""
    case = load(folder, folder.parent)
    arrays = [case.arrays[slot.name].copy(order="C") for slot in case.inputs]
    named = lambda values: {s.name: v for s, v in zip(case.outputs, values, strict=True)}  # noqa: E731
    expected = named(xla.execute(case.text, arrays))
    if not case.engines:
        return "the case has no results of our executors to compare with"
    others = [distances(outputs, expected) for outputs in case.engines.values()]
    allowed = {n: FACTOR * max(o[n] for o in others) + RELATIVE for n in expected}
    with tempfile.TemporaryDirectory() as scratch:
        module = pathlib.Path(scratch) / "step.vmfb"
        compile_to(folder / "step.mlir", *FLAGS, output=module)
        ratio, tensor = worst(named(run(module, arrays)), expected, allowed)
    if ratio > 1:
        return f"{tensor} is {ratio:.1f} times as far from XLA's as is allowed"
    # What XLA makes of a wrong variant has to be noticed by the same comparison; long
    # steps are spared a second compilation.
    most = 1 if len(case.text) < SHORT else 0
    wrong = [named(xla.execute(text, arrays)) for text in mutants(case.text, most)]
    if any(worst(w, expected, allowed)[0] <= 1 for w in wrong):
        return "a wrong variant of the step was not noticed"
    return None


def try_one(job: tuple[pathlib.Path, bool]) -> str | None:
    """What is wrong with the file, if anything."""
    path, parse_only = job
    try:
        if parse_only:
            compile_to(path, "--compile-to=input", output=pathlib.Path("/dev/null"))
            xla.parse(path.read_text())
            return None
        return check(path)
    except Exception as error:  # noqa: BLE001: one bad file must not hide the others
        return f"{type(error).__name__}: {error}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m oracle.lowerers", description=__doc__)
    parser.add_argument("cases", nargs="?", type=pathlib.Path)
    parser.add_argument("--parse", nargs="*", default=[], type=pathlib.Path)
    parser.add_argument("--only", nargs="*", help="these models alone")
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    jobs = [(path, True) for path in args.parse]
    if args.cases:
        found = sorted((args.cases / "zoo").glob("*/train*/F32/case.json"))
        wanted = [path for path in found if not args.only or path.parents[2].name in args.only]
        jobs += [(path.parent, False) for path in wanted]
    failed = 0
    with concurrent.futures.ProcessPoolExecutor(args.jobs) as pool:
        for (path, _), wrong in zip(jobs, pool.map(try_one, jobs)):
            if wrong:
                failed += 1
                print(f"FAILED {path}: {wrong}")
    print(f"{len(jobs) - failed} of {len(jobs)} steps lowered by IREE")
    return 0 if jobs and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
