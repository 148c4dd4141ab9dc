"""Host functions: the real functions of the running interpreter's standard library.

Nothing is downloaded or redistributed: the functions are read from the Python installation. A function is kept if it is
short enough to hold a program and remain readable (its normalised text, without docstring and comments and in the
layout of `ast.unparse`, has between `MIN_LINES` and `MAX_LINES` lines and at most `MAX_CHARACTERS` characters), and if
it has none of the catalogue's weaknesses itself.
"""

from __future__ import annotations

import ast
import functools
import re
import sysconfig
import warnings
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compressor_core.data.kept import kept, texts

MIN_LINES, MAX_LINES = 3, 14
MAX_CHARACTERS = 520
LONGEST_SOURCE = 80
"""Largest number of source lines of a function that is considered at all."""
UNSAFE_ALREADY = re.compile(
    r"\b(?:eval|exec|mktemp|md5|getrandbits)\(|pickle\.loads?\(|os\.system\(|shell=True|random\.choice\("
    r"|_create_unverified|0\.0\.0\.0|except[^\n]*:\s+pass\b|= open\(|http://"
)
"""Weaknesses of the catalogue; a host that already contains one would get a wrong label."""
_BLOCKS = ("body", "handlers", "orelse", "finalbody", "cases")
"""Fields with the statements of a statement, in the order of the source."""
_EXCLUDED = {"test", "tests", "idlelib", "lib2to3", "site-packages", "turtledemo", "ensurepip"}


@dataclass(frozen=True)
class Host:
    """One function of the standard library.

    `module` is its dotted module, the unit of every split; `source` its normalised text; `variables` the names of its
    parameters and local variables, in order of appearance; `slots` the places where statements can be inserted, as
    (index of the line after the insertion, indentation).
    """

    module: str
    source: str
    variables: tuple[str, ...]
    slots: tuple[tuple[int, str], ...]


@functools.cache
def standard_library_hosts() -> tuple[Host, ...]:
    """Every usable function of the running interpreter's standard library, in a fixed order, without duplicates.

    Parsing the library takes seconds, so the result is cached.
    """
    root = Path(sysconfig.get_path("stdlib"))
    return kept("hosts", [str(root)], lambda: _find_hosts(root), _host)


def _host(module: str, source: str, variables: list[str], slots: list[list[Any]]) -> Host:
    """A host from cached fields. Raises TypeError for invalid ones."""
    if not texts(module, source, *variables):
        raise TypeError("a host is text")
    return Host(module, source, tuple(variables), tuple((int(line), str(indent)) for line, indent in slots))


def _find_hosts(root: Path) -> tuple[Host, ...]:
    hosts: dict[str, Host] = {}
    for path in sorted(root.rglob("*.py")):
        relative = path.relative_to(root).with_suffix("")
        if _EXCLUDED.isdisjoint(relative.parts):
            for host in _hosts_in(path, ".".join(relative.parts)):
                hosts.setdefault(host.source, host)
    return tuple(hosts.values())


def _hosts_in(path: Path, module: str) -> Iterator[Host]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about invalid escapes in old modules
            tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):
        return
    for node in _statements(tree):
        if not isinstance(node, ast.FunctionDef):
            continue
        if (node.end_lineno or node.lineno) - node.lineno > LONGEST_SOURCE:
            continue
        _strip(node)
        if sum(1 for _ in _statements(node)) > MAX_LINES:  # each takes at least a line, and unparsing takes time
            continue
        source = ast.unparse(node)
        fits = MIN_LINES <= source.count("\n") + 1 <= MAX_LINES and len(source) <= MAX_CHARACTERS
        if fits and not UNSAFE_ALREADY.search(source):
            yield Host(module, source, _local_variables(node), _slots(source))


def _statements(node: ast.AST) -> Iterator[ast.stmt]:
    """A node's statements and itself if it is one, level by level as `ast.walk`, without looking into expressions."""
    waiting = deque([node])
    while waiting:
        node = waiting.popleft()
        for block in _BLOCKS:
            waiting.extend(getattr(node, block, ()))
        if isinstance(node, ast.stmt):
            yield node


def _strip(function: ast.FunctionDef) -> None:
    """Remove decorators and docstring in place; an empty body becomes `pass`."""
    function.decorator_list = []
    if ast.get_docstring(function, clean=False) is not None:
        function.body = function.body[1:] or [ast.Pass()]


def _local_variables(function: ast.FunctionDef) -> tuple[str, ...]:
    arguments = function.args
    names = [a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    names += [n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    return tuple(dict.fromkeys(name for name in names if name not in {"self", "cls", "_"}))


def _slots(source: str) -> tuple[tuple[int, str], ...]:
    lines = source.split("\n")
    slots = set()
    for node in _statements(ast.parse(source)):
        if node.lineno == 1:
            continue
        decorators = getattr(node, "decorator_list", [])
        line = min([node.lineno, *(decorator.lineno for decorator in decorators)]) - 1
        # An `elif` is an If statement inside `orelse`: nothing can be inserted between it and its `if`.
        if not lines[line].lstrip().startswith("elif "):
            slots.add((line, lines[line][: node.col_offset]))
    return tuple(sorted(slots))
