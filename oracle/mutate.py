"""Deliberately wrong programs: the text with one SSA value negated."""

from __future__ import annotations

import re
from collections.abc import Iterator

# A one-line op with one tensor result, whose type ends the line.
_DEFINITION = re.compile(
    r"^(?P<indent>\s*)(?P<value>%\w+) = (?!stablehlo\.constant).*\btensor<(?P<type>[^<>]*)>\s*$"
)


def mutants(text: str, most: int) -> Iterator[str]:
    """At most `most` mutants, their places spread evenly over the text."""
    lines = text.splitlines()
    places = [i for i, line in enumerate(lines) if _DEFINITION.match(line)]
    chosen = {places[k * (len(places) - 1) // max(most - 1, 1)] for k in range(most) if places}
    for place in sorted(chosen):
        yield "\n".join(_negate(lines, place)) + "\n"
    if not places:
        yield from _wrong_return(lines)


def _negate(lines: list[str], place: int) -> list[str]:
    found = _DEFINITION.match(lines[place])
    value, kind = found["value"], found["type"]
    op = "not" if kind.endswith("i1") else "negate"
    flipped = f"{found['indent']}%mutant = stablehlo.{op} {value} : tensor<{kind}>"
    uses = re.compile(re.escape(value) + r"(?!\w)")
    rest = lines[place + 1 :]
    end = next((i for i, line in enumerate(rest) if "func.func" in line), len(rest))
    renamed = [uses.sub("%mutant", line) for line in rest[:end]]
    return lines[: place + 1] + [flipped] + renamed + rest[end:]


def _wrong_return(lines: list[str]) -> Iterator[str]:
    """For a program with no ops at all: its first returned value, negated."""
    for i, line in enumerate(lines):
        found = re.match(r"^(\s*)(?:func\.)?return (%\w+)(.*: tensor<([^<>]*)>.*)$", line)
        if found:
            flip = f"{found[1]}%mutant = stablehlo.negate {found[2]} : tensor<{found[4]}>"
            yield "\n".join([*lines[:i], flip, line.replace(found[2], "%mutant", 1), *lines[i + 1 :]])
