"""`python -m oracle.twin DIR`: XLA computes exactly what Coq's twin of the meaning does.

`cargo xtask twin` writes, for each case, the text (`NAME.mlir`), the inputs and the types of the
outputs (`NAME.json`), and what Coq printed (`NAME.out`): for each output the cells in row-major
order, as numerator and denominator. Equality is exact: the inputs are small integers, so no float
is rounded.
"""

from __future__ import annotations

import ast
import json
import pathlib
import re
import sys
from fractions import Fraction

import numpy as np

from oracle.xla import execute

DTYPES = {"f32": np.float32, "f64": np.float64, "i1": np.bool_}


def twin(path: pathlib.Path) -> list[list[Fraction]]:
    """The lists of rationals that Coq printed."""
    value, _, kind = path.read_text().rpartition("\n     : ")
    if not kind.startswith("option") or "Some" not in value:
        raise ValueError(f"{path.name}: the twin has no value")
    text = re.sub(r"%\w+|Some|=", "", value).replace("[::", "[").replace(";", ",")
    return [[Fraction(n, d) for n, d in cells] for cells in ast.literal_eval(text.strip())]


def differences(arrays: list[np.ndarray], wanted: list[list[Fraction]]) -> list[str]:
    """Where they differ, in words; none if they are the same."""
    if len(arrays) != len(wanted):
        return [f"{len(arrays)} results, expected {len(wanted)}"]
    found = []
    for k, (array, cells) in enumerate(zip(arrays, wanted)):
        flat = [Fraction(float(x)) for x in array.ravel()]
        if len(flat) != len(cells):
            found.append(f"result {k} has {len(flat)} cells, expected {len(cells)}")
        found += [
            f"result {k}, cell {j}: {x}, expected {y}"
            for j, (x, y) in enumerate(zip(flat, cells))
            if x != y
        ]
    return found


def check(folder: pathlib.Path, name: str) -> list[str]:
    """Runs one case."""
    about = json.loads((folder / f"{name}.json").read_text())
    arguments = [
        np.array(i["cells"], DTYPES[i["type"]["dtype"]]).reshape(i["type"]["shape"])
        for i in about["inputs"]
    ]
    arrays = execute((folder / f"{name}.mlir").read_text(), arguments)
    for array, slot in zip(arrays, about["outputs"]):
        if list(array.shape) != slot["shape"] or array.dtype != DTYPES[slot["dtype"]]:
            return [f"result is {array.dtype}{list(array.shape)}, expected {slot}"]
    wanted = twin(folder / f"{name}.out")
    # The comparison notices every cell: changed by one, none is accepted.
    for k, cells in enumerate(wanted):
        for j in range(len(cells)):
            changed = [list(c) for c in wanted]
            changed[k][j] += 1
            if not differences(arrays, changed):
                return [f"a wrong cell {j} of result {k} went unnoticed"]
    return differences(arrays, wanted)


def main(folder: pathlib.Path) -> int:
    names = sorted(p.stem for p in folder.glob("*.mlir"))
    failed = 0
    for name in names:
        try:
            found = check(folder, name)
        except (ValueError, OSError, RuntimeError) as error:
            found = [str(error)]
        if found:
            failed += 1
            print(f"{name}: {found[0]}")
    print(f"twin: {len(names) - failed} of {len(names)} cases agree exactly")
    return int(failed > 0 or not names)


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
