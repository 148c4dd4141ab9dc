"""Python code with its syntax tree and the positions of its nodes, for changes that edit the text."""

from __future__ import annotations

import ast
import re
import warnings
from functools import cached_property, lru_cache
from itertools import accumulate
from typing import NamedTuple

from compressor_core.dataflow.own import DYNAMIC

Function = ast.FunctionDef | ast.AsyncFunctionDef
Placed = ast.expr | ast.stmt | ast.keyword | ast.arg | ast.alias
"""Nodes with a position."""
_INDENT = re.compile(rb"[ \t]*")


class Statement(NamedTuple):
    """A statement of the code.

    `body` is the list that contains the statement, at index `place`; `scope` is the enclosing function, None in a class
    or a module.
    """

    node: ast.stmt
    body: list[ast.stmt]
    place: int
    scope: Function | None


class Python:
    """Python code with its `tree`; offsets are in bytes of UTF-8.

    The inside of f-strings is left alone, because its positions are not known before Python 3.12.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: the code cannot be parsed.
    """

    def __init__(self, code: str) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about escapes in the user's code
            self.tree = ast.parse(code)
        self.code = code
        self.text = code.encode()
        self.lines = self.text.split(b"\n")
        self._starts = [0, *accumulate(len(line) + 1 for line in self.lines)]

    @cached_property
    def _walk(self) -> tuple[list[ast.AST], dict[int, ast.AST], list[Statement]]:
        nodes: list[ast.AST] = [self.tree]
        parents: dict[int, ast.AST] = {}
        statements: list[Statement] = []
        scopes: dict[int, Function | None] = {id(self.tree): None}
        for node in nodes:
            scope = scopes[id(node)]
            inner = node if isinstance(node, Function) else None if isinstance(node, ast.ClassDef) else scope
            if isinstance(node, ast.JoinedStr):
                continue
            for name in node._fields:
                value = getattr(node, name, None)
                if isinstance(value, list):
                    children = [child for child in value if isinstance(child, ast.AST)]
                    if children and isinstance(children[0], ast.stmt):
                        statements += [Statement(child, value, place, inner) for place, child in enumerate(value)]
                elif isinstance(value, ast.AST) and name != "ctx":
                    children = [value]
                else:
                    continue
                for child in children:
                    parents[id(child)] = node
                    scopes[id(child)] = inner
                nodes += children
        return nodes, parents, statements

    @property
    def nodes(self) -> list[ast.AST]:
        """All nodes but contexts (`Load`) and those inside f-strings, from the root to the leaves."""
        return self._walk[0]

    @property
    def statements(self) -> list[Statement]:
        """All statements, outer blocks first."""
        return self._walk[2]

    def parent(self, node: ast.AST) -> ast.AST:
        """Parent of a node."""
        return self._walk[1][id(node)]

    @cached_property
    def names(self) -> dict[str, list[ast.Name]]:
        """Name nodes by name, including those inside f-strings."""
        found: dict[str, list[ast.Name]] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Name):
                found.setdefault(node.id, []).append(node)
        return found

    @cached_property
    def watched(self) -> bool:
        """Whether the code may inspect the names of variables, so that a new one would be noticed."""
        return any(name in self.names for name in DYNAMIC)

    @cached_property
    def inside_strings(self) -> set[int]:
        """Numbers (from 0) of the lines that start inside a string."""
        return {
            line
            for node in self.nodes
            if isinstance(node, ast.Constant | ast.JoinedStr) and node.end_lineno != node.lineno
            for line in range(node.lineno, node.end_lineno or 0)
        }

    @cached_property
    def unit(self) -> str:
        """White space of one level of indentation."""
        inner = (s.node for s in self.statements if s.scope is not None and self.leads(s.node))
        return min((self.indent(node) for node in inner), key=len, default="    ") or "    "

    def at(self, line: int, column: int) -> int:
        """Offset of a line and column as in `ast` nodes."""
        return self._starts[line - 1] + column

    def span(self, node: Placed) -> tuple[int, int]:
        """Start and end offset of a node."""
        return self.at(node.lineno, node.col_offset), self.at(node.end_lineno or 0, node.end_col_offset or 0)

    def segment(self, node: Placed) -> str:
        """Text of a node."""
        start, end = self.span(node)
        return self.text[start:end].decode()

    def first_line(self, node: ast.stmt) -> int:
        """Number (from 0) of a statement's first line, or of its first decorator's if it has one."""
        decorators: list[ast.expr] = getattr(node, "decorator_list", [])
        return min([node.lineno, *(decorator.lineno for decorator in decorators)]) - 1

    def start(self, node: ast.stmt) -> int:
        """Offset of the start of a statement's first line."""
        return self._starts[self.first_line(node)]

    def after(self, node: ast.stmt) -> int:
        """Offset of the start of the line after a statement; past the end of the text if there is none."""
        return self._starts[node.end_lineno or 0]

    def indent(self, node: ast.stmt) -> str:
        """White space before a statement that is the first on its line."""
        found = _INDENT.match(self.lines[self.first_line(node)])
        assert found is not None
        return found[0].decode()

    def leads(self, node: ast.stmt) -> bool:
        """Whether a statement is the first on its line and not an `elif`, so that another can be put before it."""
        line = self.first_line(node)
        found = _INDENT.match(self.lines[line])
        assert found is not None
        at = self._starts[line] + found.end()
        if line == node.lineno - 1:
            return found.end() == node.col_offset and not (
                isinstance(node, ast.If) and self.text.startswith(b"elif", at)
            )
        return self.text.startswith(b"@", at)

    def ends(self, node: ast.stmt) -> bool:
        """Whether nothing but white space follows a statement on its last line."""
        assert node.end_lineno is not None
        return not self.lines[node.end_lineno - 1][node.end_col_offset :].strip()

    def slots(self) -> list[Statement]:
        """Statements of functions before which others can be put: all that are first on their line, but docstrings."""
        return [
            s
            for s in self.statements
            if s.scope is not None and self.leads(s.node) and not (s.place == 0 and is_text(s.node))
        ]


@lru_cache(maxsize=2)
def parsed(code: str) -> Python:
    """The code, parsed once for all changes that are tried on it in turn; the tree is never changed. Raises as
    `Python`."""
    return Python(code)


def is_text(node: ast.stmt) -> bool:
    """Whether a statement is only a string, like a docstring."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def after_docstring(function: Function) -> list[ast.stmt]:
    """Body of a function without its docstring."""
    return function.body[1:] if is_text(function.body[0]) else function.body


def arguments(function: Function) -> list[ast.arg]:
    """All parameters of a function."""
    own = function.args
    extra = [argument for argument in (own.vararg, own.kwarg) if argument is not None]
    return [*own.posonlyargs, *own.args, *own.kwonlyargs, *extra]
