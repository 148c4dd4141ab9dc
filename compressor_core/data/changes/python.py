"""A Python text and its syntax tree, with the places where statements start, for changes that edit the text."""

from __future__ import annotations

import ast
import re
import warnings
from functools import cached_property
from itertools import accumulate
from typing import NamedTuple

from compressor_core.dataflow.own import DYNAMIC

Function = ast.FunctionDef | ast.AsyncFunctionDef
Placed = ast.expr | ast.stmt | ast.keyword | ast.arg | ast.alias
"""Nodes that know where they are."""
_INDENT = re.compile(rb"[ \t]*")


class Statement(NamedTuple):
    """A statement of the text.

    `body` are its siblings and itself; `scope` is the function whose variables it sees as its own, None in a class or a
    module.
    """

    node: ast.stmt
    body: list[ast.stmt]
    place: int
    scope: Function | None


class Python:
    """A text of Python with `tree`; offsets are in bytes of its UTF-8.

    What is inside an f-string is left alone: before Python 3.12 its positions are not known.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: it cannot be parsed.
    """

    def __init__(self, code: str) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes that are not ours to report
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
                if isinstance(value, ast.AST):
                    children = [value]
                elif isinstance(value, list):
                    children = [child for child in value if isinstance(child, ast.AST)]
                    if children and isinstance(children[0], ast.stmt):
                        statements += [Statement(child, value, place, inner) for place, child in enumerate(value)]
                else:
                    continue
                for child in children:
                    parents[id(child)] = node
                    scopes[id(child)] = inner
                nodes += children
        return nodes, parents, statements

    @property
    def nodes(self) -> list[ast.AST]:
        """All nodes but those inside f-strings, from the root to the leaves."""
        return self._walk[0]

    @property
    def statements(self) -> list[Statement]:
        """All statements, of outer blocks first."""
        return self._walk[2]

    def parent(self, node: ast.AST) -> ast.AST:
        """The node that has this one as a child."""
        return self._walk[1][id(node)]

    @cached_property
    def names(self) -> dict[str, list[ast.Name]]:
        """Names by their text, those inside f-strings too."""
        found: dict[str, list[ast.Name]] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Name):
                found.setdefault(node.id, []).append(node)
        return found

    @cached_property
    def watched(self) -> bool:
        """Whether something in it may see the names of variables, so that a new one is not unseen."""
        return any(name in self.names for name in DYNAMIC)

    @cached_property
    def inside_strings(self) -> set[int]:
        """Numbers, from 0, of the lines that start inside a string."""
        return {
            line
            for node in self.nodes
            if isinstance(node, ast.Constant | ast.JoinedStr) and node.end_lineno != node.lineno
            for line in range(node.lineno, node.end_lineno or 0)
        }

    @cached_property
    def unit(self) -> str:
        """What one level of indentation is made of."""
        inner = (s.node for s in self.statements if s.scope is not None and self.leads(s.node))
        return min((self.indent(node) for node in inner), key=len, default="    ") or "    "

    def at(self, line: int, column: int) -> int:
        """The offset of a place that a node names."""
        return self._starts[line - 1] + column

    def span(self, node: Placed) -> tuple[int, int]:
        """Where a node starts and ends."""
        return self.at(node.lineno, node.col_offset), self.at(node.end_lineno or 0, node.end_col_offset or 0)

    def segment(self, node: Placed) -> str:
        """The text of a node."""
        start, end = self.span(node)
        return self.text[start:end].decode()

    def first_line(self, node: ast.stmt) -> int:
        """The number, from 0, of a statement's first line, that of its first decorator if it has one."""
        decorators: list[ast.expr] = getattr(node, "decorator_list", [])
        return min([node.lineno, *(decorator.lineno for decorator in decorators)]) - 1

    def start(self, node: ast.stmt) -> int:
        """Where the first line of a statement starts."""
        return self._starts[self.first_line(node)]

    def after(self, node: ast.stmt) -> int:
        """Where the line after a statement starts; behind the text if there is none."""
        return self._starts[node.end_lineno or 0]

    def indent(self, node: ast.stmt) -> str:
        """The white space before a statement that leads its line."""
        found = _INDENT.match(self.lines[self.first_line(node)])
        assert found is not None
        return found[0].decode()

    def leads(self, node: ast.stmt) -> bool:
        """Whether a statement is the first of its line and no `elif`, so that another may stand before it."""
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
        """The statements of functions before which others can be put: all but a docstring, and what leads no line."""
        return [
            s
            for s in self.statements
            if s.scope is not None and self.leads(s.node) and not (s.place == 0 and is_text(s.node))
        ]


def is_text(node: ast.stmt) -> bool:
    """Whether a statement is a string alone, as a docstring is."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def after_docstring(function: Function) -> list[ast.stmt]:
    """The body of a function without its docstring."""
    return function.body[1:] if is_text(function.body[0]) else function.body


def arguments(function: Function) -> list[ast.arg]:
    """All parameters of a function."""
    own = function.args
    extra = [argument for argument in (own.vararg, own.kwarg) if argument is not None]
    return [*own.posonlyargs, *own.args, *own.kwonlyargs, *extra]
