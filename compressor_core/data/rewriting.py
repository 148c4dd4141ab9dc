"""Rewriting a Python function into a clone of itself, by the clone types of Roy, Cordy and Koschke (2009).

Type 1: another layout and other comments. Type 2: besides, other names and literals. Type 3: besides, another
structure: loops, branches and expressions written differently, independent statements reordered, statements inserted
or deleted. Works on syntax trees, so whatever comes out can be parsed.
"""

from __future__ import annotations

import ast
import random
from collections.abc import Sequence
from enum import IntEnum

from compressor_core.data.clone_renaming import RENAMED_ATTRIBUTES, Renaming
from compressor_core.data.layout import layout
from compressor_core.data.restructuring import Restructuring


class CloneType(IntEnum):
    """How far a copy is from its original; each type includes those before it."""

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
