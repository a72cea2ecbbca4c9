"""`python -m oracle.selftest`: the oracle passes a right program and fails wrong ones.

Every kind of failure that the oracle claims to notice is provoked here once.
"""

from __future__ import annotations

import json
import pathlib
import sys
import tempfile

import numpy as np
from safetensors.numpy import save_file

from oracle import reference_test
from oracle.check import judge

MUL = """
func.func @main(%a: tensor<3xTYPE>, %b: tensor<3xTYPE>, %ct: tensor<3xTYPE>)
    -> (tensor<3xTYPE>, tensor<3xTYPE>, tensor<3xTYPE>) {
  %y = stablehlo.multiply %a, %b : tensor<3xTYPE>
  %da = stablehlo.multiply %ct, %b : tensor<3xTYPE>
  %db = stablehlo.multiply %ct, %a : tensor<3xTYPE>
  return %y, %da, %db : tensor<3xTYPE>, tensor<3xTYPE>, tensor<3xTYPE>
}
"""

RELU = """
func.func @main(%x: tensor<3xTYPE>, %ct: tensor<3xTYPE>) -> (tensor<3xTYPE>, tensor<3xTYPE>) {
  %z = stablehlo.constant dense<0.0> : tensor<3xTYPE>
  %y = stablehlo.maximum %x, %z : tensor<3xTYPE>
  %on = stablehlo.compare GT, %x, %z : (tensor<3xTYPE>, tensor<3xTYPE>) -> tensor<3xi1>
  %dx = stablehlo.select %on, %ct, %z : tensor<3xi1>, tensor<3xTYPE>
  return %y, %dx : tensor<3xTYPE>, tensor<3xTYPE>
}
"""

MUL_INPUTS = {"a": [1.5, -2.0, 0.3], "b": [0.7, 4.0, -1.1], "cotangent": [1.0, -0.4, 2.0]}
RELU_INPUTS = {"x": [-1.0, 0.0, 2.0], "cotangent": [0.5, 0.6, 0.7]}
NUMPY = {"f32": np.float32, "f64": np.float64}


def write(folder, reference, text, inputs, outputs, dtype, engine=None, edit=None):
    """A case folder; `edit` may change the manifest and case before they are written."""
    folder.mkdir()
    arrays = {n: np.array(v, NUMPY[dtype]) for n, v in inputs.items()}
    slot = lambda name, role: {"name": name, "shape": [3], "dtype": dtype, "role": role}  # noqa: E731
    manifest = {
        "model": reference,
        "what": "grad",
        "batch": 3,
        "inputs": [slot(n, "data") for n in inputs],
        "outputs": [slot(n, "grad") for n in outputs],
    }
    about = {"reference": reference, "attrs": {}, "dtype": dtype, "compare": "grad"}
    if edit:
        edit(manifest, about)
    (folder / "step.mlir").write_text(text.replace("TYPE", dtype))
    (folder / "step.json").write_text(json.dumps(manifest))
    (folder / "case.json").write_text(json.dumps(about))
    save_file(arrays, folder / "inputs.safetensors")
    if engine is not None:
        outputs = {n: np.array(v, NUMPY[dtype]) for n, v in engine.items()}
        save_file(outputs, folder / "outputs.native.safetensors")


def expectations(dtype):
    """(name, what the failure must say or None to pass, arguments of `write`)."""
    mul = ("mul", MUL, MUL_INPUTS, ["value", "d_a", "d_b"], dtype)
    relu = ("relu", RELU, RELU_INPUTS, ["value", "d_x"], dtype)

    def text(old, new, base=mul):
        assert old in base[1], old
        return (base[0], base[1].replace(old, new), *base[2:])

    def values(factor):
        a, b, ct = (np.array(v) for v in MUL_INPUTS.values())
        return {"value": a * b, "d_a": ct * b * factor, "d_b": ct * a}

    def lose_output(manifest, _):
        manifest["outputs"].pop()

    def rename(manifest, _):
        manifest["outputs"][2]["name"] = "d_c"

    def reshape(manifest, _):
        manifest["outputs"][0]["shape"] = [4]

    def unknown(_, about):
        about["reference"] = "frobnicate"

    swap = "return %y, %db, %da"
    nan = ("%db = stablehlo.multiply %ct, %a : tensor<3xTYPE>",
           "%m = stablehlo.negate %ct : tensor<3xTYPE>\n  %q = stablehlo.multiply %ct, %m : tensor<3xTYPE>\n"
           "  %db = stablehlo.sqrt %q : tensor<3xTYPE>")
    tiny = ("%da = stablehlo.multiply %ct, %b : tensor<3xTYPE>",
            "%eps = stablehlo.constant dense<1.000001> : tensor<3xTYPE>\n"
            "  %be = stablehlo.multiply %b, %eps : tensor<3xTYPE>\n"
            "  %da = stablehlo.multiply %ct, %be : tensor<3xTYPE>")
    drop = ("return %y, %da, %db : tensor<3xTYPE>, tensor<3xTYPE>, tensor<3xTYPE>",
            "return %y, %da : tensor<3xTYPE>, tensor<3xTYPE>")
    two = ("-> (tensor<3xTYPE>, tensor<3xTYPE>, tensor<3xTYPE>)", "-> (tensor<3xTYPE>, tensor<3xTYPE>)")
    dropped = (mul[0], mul[1].replace(*drop).replace(*two), *mul[2:])
    short = {k: v for k, v in values(1).items() if k != "d_b"}
    return [
        ("right product", None, mul, {}),
        ("right product, right engine", None, mul, {"engine": values(1)}),
        ("right relu, on its kink", None, relu, {}),
        ("wrong sign", "d_a", text("%da = stablehlo.multiply", "%da = stablehlo.subtract"), {}),
        ("wrong by a millionth", "d_a", text(*tiny), {}),
        ("wrong value, right gradients", "value", text("%y = stablehlo.multiply", "%y = stablehlo.add"), {}),
        ("swapped outputs", "d_a", text("return %y, %da, %db", swap), {}),
        ("NaN", "not finite", text(*nan), {}),
        ("relu's kink taken as 1", "d_x", text("compare GT", "compare GE", relu), {}),
        ("result not returned", "returns 2 values", dropped, {}),
        ("output not in manifest", "returns 3 values", mul, {"edit": lose_output}),
        ("output missing", "d_b: missing", dropped, {"edit": lose_output}),
        ("output misnamed", "not an output", mul, {"edit": rename}),
        ("shape mislabelled", "step.json says", mul, {"edit": reshape}),
        ("unknown reference", "no reference", mul, {"edit": unknown}),
        ("text does not parse", "Error", text("stablehlo.multiply", "stablehlo.frobnicate"), {}),
        ("engine wrong", "native: d_a", mul, {"engine": values(1.00001)}),
        ("engine lacks an output", "native: d_b: missing", mul, {"engine": short}),
        ("engine not finite", "native: d_a: not finite", mul, {"engine": values(np.inf)}),
        ("engine has an extra output", "native: d_c", mul, {"engine": values(1) | {"d_c": [0, 0, 0]}}),
    ]


def main() -> int:
    wrong, count = [], 0
    with tempfile.TemporaryDirectory() as directory:
        root = pathlib.Path(directory)
        for dtype in ("f32", "f64"):
            for name, expected, arguments, options in expectations(dtype):
                count += 1
                folder = root / f"{dtype} {name}"
                write(folder, *arguments, **options)
                failures = judge(folder, root).failures
                if expected is None and failures:
                    wrong.append(f"{folder.name}: should pass, but: {'; '.join(failures)}")
                elif expected is not None and not any(expected in line for line in failures):
                    got = "; ".join(failures) or "it passed"
                    wrong.append(f"{folder.name}: should fail with {expected!r}, but: {got}")
            verdict = judge(root / f"{dtype} right product", root, mutations=True)
            if verdict.failures or verdict.killed != 3:
                wrong.append(f"{dtype}: {verdict.killed} of 3 mutants of a product were noticed")
    for line in wrong:
        print(f"FAIL {line}", file=sys.stderr)
    print(f"oracle selftest: {count - len(wrong)} of {count} expectations met")
    return max(1 if wrong else 0, reference_test.main())


if __name__ == "__main__":
    sys.exit(main())
