"""`python -m oracle CASES_DIR`: exit status 0 only if a case ran and all passed."""

from __future__ import annotations

import argparse
import collections
import concurrent.futures
import functools
import json
import multiprocessing
import os
import pathlib
import sys
import time
from collections.abc import Iterator

from oracle import case as cases
from oracle.check import Verdict, judge


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m oracle", description=__doc__)
    parser.add_argument("cases", type=pathlib.Path, help="folder of case folders")
    parser.add_argument("--json", action="store_true", help="print the summary as one JSON object")
    parser.add_argument(
        "--mutations",
        action="store_true",
        help="also run wrong variants of each program and demand that they fail",
    )
    parser.add_argument("--progress", action="store_true", help="a line per case, as it is judged")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    args = parser.parse_args(argv)

    started = time.monotonic()
    folders = cases.find(args.cases) if args.cases.is_dir() else []
    verdicts = []
    for verdict in run(folders, args.cases, args.mutations, args.jobs):
        verdicts.append(verdict)
        if args.progress:
            print(f"{verdict.case}: {verdict.seconds:.1f} s", file=sys.stderr, flush=True)
        for line in verdict.failures:
            print(f"FAIL {line}", file=sys.stderr, flush=True)
    summary = summarise(verdicts, time.monotonic() - started)
    print(json.dumps(summary) if args.json else describe(summary, args.cases))
    return 0 if summary["cases"] > 0 and summary["failed"] == 0 else 1


def run(folders, root, mutations: bool, jobs: int) -> Iterator[Verdict]:
    """Judge all folders, in order, in `jobs` processes (compiling is single-threaded)."""
    one = functools.partial(judge, root=root, mutations=mutations)
    if jobs <= 1 or len(folders) < 8:
        yield from map(one, folders)
        return
    spawn = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(jobs, mp_context=spawn) as pool:
        pending = [pool.submit(one, folder) for folder in folders]
        for future, folder in zip(pending, folders):
            yield _result(future, folder, root)


def _result(future, folder, root) -> Verdict:
    try:
        return future.result()
    except concurrent.futures.BrokenExecutor as error:
        message = f"not judged, an XLA process died: {error}"
        return Verdict(str(folder.relative_to(root)), error=message)


def summarise(verdicts: list[Verdict], seconds: float) -> dict:
    findings = [f for v in verdicts for f in v.findings if not f.note]
    worst = {
        who: max((f for f in findings if f.who == who), key=lambda f: f.ratio)
        for who in dict.fromkeys(f.who for f in findings)
    }
    return {
        "cases": len(verdicts),
        "failed": sum(bool(v.failures) for v in verdicts),
        "by_dtype": collections.Counter(v.dtype or "unreadable" for v in verdicts),
        "tensors": len(findings),
        "engines": collections.Counter(e for v in verdicts for e in v.engines),
        "mutants": sum(v.mutants for v in verdicts),
        "killed": sum(v.killed for v in verdicts),
        "worst_ratio": max((f.ratio for f in worst.values()), default=None),
        "worst": {
            who: {"ratio": f.ratio, "case": f.case, "tensor": f.tensor} for who, f in worst.items()
        },
        "seconds": round(seconds, 1),
        "slowest": {
            v.case: round(v.seconds, 1)
            for v in sorted(verdicts, key=lambda v: -v.seconds)[:3]
        },
    }


def describe(s: dict, folder: pathlib.Path) -> str:
    if s["cases"] == 0:
        return f"oracle: no case.json below {folder}: nothing was checked"
    counts = ", ".join(f"{n} {dtype}" for dtype, n in sorted(s["by_dtype"].items()))
    engines = ", ".join(f"{e} on {n}" for e, n in sorted(s["engines"].items())) or "none"
    mutants = f"; {s['killed']} of {s['mutants']} wrong programs noticed" if s["mutants"] else ""
    worst = "".join(
        f"; {who} at worst {w['ratio']:.3f} of allowed ({w['case']}: {w['tensor']})"
        for who, w in s["worst"].items()
    )
    slowest = ", ".join(f"{case} {seconds} s" for case, seconds in s["slowest"].items())
    return (
        f"oracle: {s['cases'] - s['failed']} of {s['cases']} cases pass ({counts}), "
        f"{s['tensors']} tensors compared; engines beside XLA: {engines}{mutants}{worst}; "
        f"{s['seconds']} s, slowest {slowest}"
    )


if __name__ == "__main__":
    sys.exit(main())
