"""Lets PyTorch's CUDA wheel load on the CPU without the CUDA packages.

PyPI's Linux wheel of torch links to a dozen NVIDIA libraries, gigabytes that CPU
work never calls, and does not import without them. This builds one small shared
library that defines every symbol torch wants from them, with the version names
torch asks for, and puts it beside torch's own libraries under their names. Each
function returns cudaErrorNoDevice (100), so `torch.cuda.is_available()` is False.

Run as `python -m oracle.peers.cuda_absent` with the Python torch is installed in.
Does nothing where torch is a CPU build. Needs `cc`, `nm` and `objdump`.
"""

from __future__ import annotations

import collections
import importlib.util
import pathlib
import re
import subprocess
import sys
import tempfile

CUDA_ERROR_NO_DEVICE = 100
STAND_IN = "libcuda_absent.so"
_SYMBOL = re.compile(r"^(_*(?:cu|nv|nccl)\w+)(?:@+(\S+))?$")
_LIBRARY = re.compile(r"NEEDED\s+(lib(?:cu|nv|nccl)\S+)")


def main() -> int:
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        print("cuda_absent: torch is not installed in this Python", file=sys.stderr)
        return 1
    folder = pathlib.Path(spec.origin).parent / "lib"
    if not (folder / "libtorch_cuda.so").exists():
        return 0
    files = [p for p in folder.glob("*.so*") if not p.is_symlink() and p.name != STAND_IN]
    wanted = _tool("nm", "-D", "--undefined-only", "--with-symbol-versions", *files).split()
    nodes = collections.defaultdict(set)
    for found in filter(None, map(_SYMBOL.match, wanted)):
        nodes[found[2] or "unversioned"].add(found[1])
    _build(folder / STAND_IN, nodes)
    for name in set(_LIBRARY.findall(_tool("objdump", "-p", *files))):
        link = folder / name
        if link.is_symlink():
            link.unlink()
        if not link.exists():
            link.symlink_to(STAND_IN)
    return 0


def _build(library: pathlib.Path, nodes: dict[str, set[str]]) -> None:
    # The dynamic linker insists on the version names, hence a version script. A
    # symbol asked for both with and without a version needs only the former.
    nodes["unversioned"] -= set().union(*(v for k, v in nodes.items() if k != "unversioned"))
    source = "".join(
        f"int {symbol}(void) {{ return {CUDA_ERROR_NO_DEVICE}; }}\n"
        for symbols in nodes.values()
        for symbol in sorted(symbols)
    )
    script = "".join(
        f"{node} {{ global: {' '.join(f'{s};' for s in sorted(symbols))} }};\n"
        for node, symbols in nodes.items()
        if symbols
    )
    with tempfile.TemporaryDirectory() as scratch:
        c, versions = pathlib.Path(scratch, "stubs.c"), pathlib.Path(scratch, "versions")
        c.write_text(source)
        versions.write_text(script)
        flags = ["-w", "-shared", "-fPIC", "-fno-builtin", f"-Wl,--version-script={versions}"]
        _tool("cc", *flags, "-o", library, c)


def _tool(*command) -> str:
    return subprocess.run(
        [str(part) for part in command], check=True, stdout=subprocess.PIPE, text=True
    ).stdout


if __name__ == "__main__":
    sys.exit(main())
