"""Rewriting of a Python function into a clone of itself, by the clone types of Roy, Cordy and Koschke (2009).

Type 1: another layout and other comments. Type 2: also other names and literals. Type 3: also another structure: loops,
branches and expressions rewritten, independent statements reordered, statements inserted or deleted. The rewriting
works on syntax trees, so the result can always be parsed.
"""

from __future__ import annotations

import ast
import random
import re
from collections.abc import Sequence
from enum import IntEnum

from compressor_core.data.clone_renaming import RENAMED_ATTRIBUTES, Renaming
from compressor_core.data.restructuring import Restructuring

_INDENTATIONS = ("    ", "    ", "  ", "\t")
_COMMENTS = (
    "# see above",
    "# the usual case",
    "# nothing to do here",
    "# keep this simple",
    "# TODO: check",
    "# may be slow",
    "# for compatibility",
    "# order matters",
    "# default",
)
_COMMENTED, _SPACED = 0.08, 0.08
_STRING = re.compile(r"'((?:[^'\\]|\\.)*)'")


class CloneType(IntEnum):
    """Distance of a copy from its original; each type includes those before it."""

    TYPE_1 = 1
    TYPE_2 = 2
    TYPE_3 = 3


def rewrite(
    source: str, kind: CloneType, rng: random.Random, names: Sequence[str], outer: float = RENAMED_ATTRIBUTES
) -> str:
    """A copy of the function `source` of the given type.

    New names are taken from `names`, in order of appearance; `outer` is the share of the attributes and outer
    functions that get new names too.

    Raises:
        SyntaxError: `source` is not one Python function.
    """
    (function,) = ast.parse(source).body
    if not isinstance(function, ast.FunctionDef):
        raise SyntaxError("the source is not a function")
    if kind >= CloneType.TYPE_3:
        Restructuring(function, rng, names).apply()
    if kind >= CloneType.TYPE_2:
        Renaming(function, rng, names, outer).visit(function)
    return layout(ast.unparse(ast.fix_missing_locations(function)), rng)


def layout(source: str, rng: random.Random) -> str:
    """Lay out `source`, as written by `ast.unparse` (one statement per line, four spaces), in a random style."""
    if "'''" in source or '"""' in source:
        return source  # a string over several lines: indentation and quotes are part of it
    unit = rng.choice(_INDENTATIONS)
    double = rng.random() < 0.5
    lines: list[str] = []
    for line in source.split("\n"):
        text = line.lstrip(" ")
        indent = unit * ((len(line) - len(text)) // 4)
        # Inside an f-string, a quote of the other kind may be needed where it stands.
        if double and '"' not in text and "f'" not in text:
            text = _STRING.sub(r'"\1"', text)
        if lines and rng.random() < _SPACED:
            lines.append("")
        if lines and rng.random() < _COMMENTED:
            lines.append(indent + rng.choice(_COMMENTS))
        lines.append(indent + text)
    return "\n".join(lines)
