"""One contender of a speed comparison, in its own process.

    python -m oracle.peers {torch|jax} --spec spec.json --batch 128 --threads 2 --optimizer adamw

Line protocol, so that the caller can interleave contenders A-B-A-B:

    > (start)      < ready {"framework": ..., "version": ..., "variant": ..., "tried_ms": {...}}
    > block 20     < [ms, ms, ...]             20 full train steps, timed one by one
    > quit         < {"peak_bytes": ...}       VmHWM of this process; then it exits

A step is forward, softmax cross-entropy, backward and the optimiser's update, with
loss and logits computed; the batch is already resident. Each framework is measured
at its best setting: every variant runs a few steps first, and the fastest is kept.
The process then replaces itself, so that memory the others used is not counted.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import statistics
import sys
import time

WARM_UP_STEPS = 10
TRIAL_ROUNDS, TRIAL_STEPS = 4, 6


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m oracle.peers")
    parser.add_argument("framework", choices=["torch", "jax"])
    parser.add_argument("--spec", required=True, help="the network as JSON")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--optimizer", choices=["sgd", "momentum", "adamw"], default="adamw")
    parser.add_argument("--variant", help="skip the trial and use this one")
    parser.add_argument("--tried", default="{}", help=argparse.SUPPRESS)
    args = parser.parse_args()
    _limit_threads(args.threads)
    with open(args.spec) as file:
        spec, _ = importlib.import_module("oracle.spec").resolve(json.load(file))

    backend = importlib.import_module(f"oracle.peers.{args.framework}_step")
    backend.configure(args.threads)

    if args.variant is None:
        tried, failed = _trial(backend, spec, args)
        best = min(tried, key=tried.get)
        again = ["--variant", best, "--tried", json.dumps({"tried_ms": tried, "failed": failed})]
        os.execv(sys.executable, [sys.executable, "-m", "oracle.peers", *sys.argv[1:], *again])

    step = backend.build(spec, args.batch, args.optimizer, args.variant)
    for _ in range(WARM_UP_STEPS):
        step()
    about = {"framework": args.framework, "version": backend.VERSION, "variant": args.variant}
    _say("ready " + json.dumps(about | json.loads(args.tried)))
    return _serve(step)


def _serve(step) -> int:
    for line in sys.stdin:
        match line.split():
            case ["block", count]:
                _say(json.dumps(_time(step, int(count))))
            case ["quit"]:
                _say(json.dumps({"peak_bytes": _peak_bytes()}))
                return 0
            case _:
                print(f"oracle.peers: expected 'block N' or 'quit', found {line!r}", file=sys.stderr)
                return 1
    return 1  # the caller went away without saying quit


def _trial(backend, spec, args) -> tuple[dict[str, float], dict[str, str]]:
    """Best median ms of each variant that works, and why the others do not.

    Variants take turns, so that a passing load on the machine hits them alike.
    """
    steps, failed = {}, {}
    for variant in backend.variants(spec):
        try:
            steps[variant] = backend.build(spec, args.batch, args.optimizer, variant)
            for _ in range(WARM_UP_STEPS):
                steps[variant]()
        except Exception as error:  # noqa: BLE001: a variant may be unsupported here
            steps.pop(variant, None)
            failed[variant] = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    if not steps:
        raise SystemExit(f"oracle.peers: no variant of {args.framework} works: {failed}")
    rounds = [
        {name: statistics.median(_time(step, TRIAL_STEPS)) for name, step in steps.items()}
        for _ in range(TRIAL_ROUNDS)
    ]
    return {name: round(min(r[name] for r in rounds), 4) for name in steps}, failed


def _time(step, count: int) -> list[float]:
    milliseconds = []
    for _ in range(count):
        started = time.perf_counter()
        step()
        milliseconds.append((time.perf_counter() - started) * 1e3)
    return milliseconds


def _limit_threads(threads: int) -> None:
    """Before a framework is imported: thread pools are sized from these."""
    allowed = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, allowed[:threads])
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NPROC"):
        os.environ[name] = str(threads)


def _peak_bytes() -> int:
    with open("/proc/self/status") as status:
        kilobytes = next(line.split()[1] for line in status if line.startswith("VmHWM:"))
    return int(kilobytes) * 1024


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
