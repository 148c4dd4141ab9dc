"""Changes of type hints and docstrings of Python functions, which do not affect their behaviour."""

from __future__ import annotations

import ast
import random
import re

from compressor_core.data.changes.edits import Edit, insertion
from compressor_core.data.changes.python import Function, Python, arguments, is_text

_SENTENCES = (
    "Return what the caller asked for.",
    "Do the work.",
    "See the documentation of the module.",
    "A part of the public interface.",
    "Used by other functions of this module.",
    "Handle one request of the caller.",
)
_ARROW = re.compile(rb"\s*->\s*\Z")
_COLON = re.compile(rb"\s*:\s*")
_EQUALS = re.compile(rb"\s*=\s*")
_END = re.compile(rb"\)\s*:")


def change_hints(source: Python, rng: random.Random) -> list[Edit]:
    """Remove type hints and docstrings where present, and add them where absent."""
    functions = [node for node in source.nodes if isinstance(node, Function) and not node.decorator_list]
    edits: list[Edit] = []
    for function in functions:
        if "__doc__" not in source.code:
            edits += _docstring(source, function, rng)
        if "__annotations__" in source.code:
            continue
        hinted = [argument for argument in arguments(function) if argument.annotation is not None]
        if hinted or function.returns is not None:
            edits += _without_hints(source, function, hinted)
        else:
            edits += _with_hints(source, function)
    return edits


def _docstring(source: Python, function: Function, rng: random.Random) -> list[Edit]:
    first = function.body[0]
    if not source.leads(first):
        return []
    if not is_text(first):
        return [insertion(source.start(first), f'{source.indent(first)}"""{rng.choice(_SENTENCES)}"""\n')]
    if len(function.body) > 1 and source.ends(first) and source.leads(function.body[1]):
        return [Edit(source.start(first), source.after(first), b"")]
    return []


def _without_hints(source: Python, function: Function, hinted: list[ast.arg]) -> list[Edit]:
    edits = []
    for argument in hinted:
        assert argument.annotation is not None
        name = source.at(argument.lineno, argument.col_offset + len(argument.arg.encode()))
        start, end = source.span(argument.annotation)
        if not _COLON.fullmatch(source.text, name, start):
            continue
        equals = _EQUALS.match(source.text, end)
        edits.append(Edit(name, equals.end() if equals else end, b"=" if equals else b""))
    if function.returns is not None:
        start, end = source.span(function.returns)
        arrow = _ARROW.search(source.text, 0, start)
        if arrow is not None:
            edits.append(Edit(arrow.start(), end, b""))
    return edits


def _with_hints(source: Python, function: Function) -> list[Edit]:
    """Add hints: the type of its default for a parameter, else `object`; None for a function that returns nothing."""
    own = function.args
    positional = [*own.posonlyargs, *own.args]
    defaults = dict(zip(map(id, reversed(positional)), reversed(own.defaults), strict=False))
    defaults |= {id(a): value for a, value in zip(own.kwonlyargs, own.kw_defaults, strict=True) if value is not None}
    edits = []
    for argument in arguments(function):
        if argument.arg in ("self", "cls"):
            continue
        default = defaults.get(id(argument))
        kind = "object"
        if isinstance(default, ast.Constant) and isinstance(default.value, str | bytes | int | float):
            kind = type(default.value).__name__
        end = source.span(argument)[1]
        equals = _EQUALS.match(source.text, end) if default is not None else None
        edits.append(Edit(end, equals.end() if equals else end, f": {kind}{' = ' if equals else ''}".encode()))
    given: list[ast.arg | ast.expr] = [*arguments(function), *defaults.values()]
    start = max((source.span(node)[1] for node in given), default=source.span(function)[0])
    head = source.text[start : source.span(function.body[0])[0]]
    found = _END.search(head)
    quiet = not any(isinstance(node, ast.Return | ast.Yield | ast.YieldFrom) for node in ast.walk(function))
    if found is not None and quiet and b"#" not in head[: found.start()]:
        edits.append(Edit(start + found.start() + 1, start + found.start() + 1, b" -> None"))
    return edits
