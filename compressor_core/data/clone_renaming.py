"""Renaming of names and literals of a Python function, for clones of type 2."""

from __future__ import annotations

import ast
import builtins
import random
from collections.abc import Iterable, Iterator, Sequence

RENAMED_ATTRIBUTES = 0.6
"""Share of the attributes and outer functions that get other names, as in a clone from another code base."""
CHANGED_LITERALS = 0.5


def nodes_of(root: ast.AST) -> list[ast.AST]:
    """All nodes of a tree in the order of `ast.walk`, in half the time."""
    found = [root]
    for node in found:
        for name in node._fields:
            value = getattr(node, name, None)
            if isinstance(value, ast.AST):
                found.append(value)
            elif isinstance(value, list):
                found += [item for item in value if isinstance(item, ast.AST)]
    return found


def local_names(function: ast.FunctionDef, nodes: Iterable[ast.AST]) -> list[str]:
    """Parameters and names assigned in the function, in order of appearance, without names shared with other scopes.

    `nodes` are all nodes of the function, see `nodes_of`.
    """
    shared = {"self", "cls", "_"}
    found: dict[str, None] = {}
    for node in nodes:
        if isinstance(node, ast.Name):
            if isinstance(node.ctx, ast.Store):
                found[node.id] = None
        elif isinstance(node, ast.arg):
            found[node.arg] = None
        elif isinstance(node, ast.ExceptHandler) and node.name:
            found[node.name] = None
        elif isinstance(node, ast.Global | ast.Nonlocal):
            shared.update(node.names)
        elif isinstance(node, ast.alias):
            shared.add((node.asname or node.name).split(".")[0])
        elif isinstance(node, ast.FunctionDef | ast.ClassDef) and node is not function:
            shared.add(node.name)
        elif isinstance(node, ast.MatchAs | ast.MatchStar):
            shared.update([node.name] if node.name else [])
    return [name for name in found if name not in shared]


class Renaming(ast.NodeTransformer):
    """Transformer that renames everything local and some of the rest, and changes literals."""

    def __init__(self, function: ast.FunctionDef, rng: random.Random, names: Sequence[str], outer: float) -> None:
        self._rng = rng
        nodes = nodes_of(function)
        used = {node.id for node in nodes if isinstance(node, ast.Name)}
        self._fresh = (name for name in names if name not in used)
        local = local_names(function, nodes)
        self._names = {name: self._next(name) for name in local}
        others = sorted({*_outer_functions(nodes), *_attributes(nodes)} - set(local))
        self._outer = {name: self._next(name) for name in others if rng.random() < outer}
        function.name = self._next(function.name)

    def _next(self, old: str) -> str:
        return next(self._fresh, old)

    def visit_Name(self, node: ast.Name) -> ast.Name:
        node.id = self._names.get(node.id, self._outer.get(node.id, node.id))
        return node

    def visit_arg(self, node: ast.arg) -> ast.arg:
        self.generic_visit(node)
        node.arg = self._names.get(node.arg, node.arg)
        return node

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.ExceptHandler:
        self.generic_visit(node)
        node.name = self._names.get(node.name, node.name) if node.name else None
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.Attribute:
        self.generic_visit(node)
        node.attr = self._outer.get(node.attr, node.attr)
        return node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.JoinedStr:
        for value in node.values:
            if isinstance(value, ast.FormattedValue):
                value.value = self.visit(value.value)
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        if self._rng.random() < CHANGED_LITERALS:
            if type(node.value) is int and node.value > 1:
                node.value = self._rng.randrange(2, 100)
            elif type(node.value) is str and node.value.isidentifier():
                node.value = self._next(node.value)
        return node


def _outer_functions(nodes: Iterable[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not hasattr(builtins, node.func.id):
            yield node.func.id


def _attributes(nodes: Iterable[ast.AST]) -> Iterator[str]:
    return (node.attr for node in nodes if isinstance(node, ast.Attribute))
