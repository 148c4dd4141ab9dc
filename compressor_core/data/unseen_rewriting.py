"""Rewritings of Python functions that are withheld from training: no pair of `classroom-clone` uses them.

All preserve the behaviour: loops over an explicit iterator, comprehensions as `map` and `filter`, nested conditions,
chained comparisons and membership tests taken apart, empty literals as calls, neighbouring assignments merged,
conditions moved into inner functions. `restructuring.py` does none of this.
"""

from __future__ import annotations

import ast
import random
from collections.abc import Iterator

from compressor_core.data.clone_renaming import nodes_of
from compressor_core.data.restructuring import independent

_PREDICATES = 0.5
"""Share of the longer conditions that move into an inner function; the others may be nested."""
_ITERATORS, _CHECKS = ("rows", "stream", "pending", "cursor"), ("holds", "applies", "matches", "wanted")
_BUILTINS = {"iter", "next", "list", "set", "dict", "map", "filter", "StopIteration"}
"""Builtins that rewritten code calls; a function with variables of these names is not rewritten."""
_STAYS = (ast.NamedExpr, ast.Await, ast.Yield, ast.YieldFrom)
"""Expressions that change their meaning in a function of their own."""


def rewritten_unseen(source: str, rng: random.Random) -> str | None:
    """The function with all rewritings applied wherever possible; None if none applies.

    Raises:
        SyntaxError: `source` is not valid Python.
    """
    tree = ast.parse(source)
    if _BUILTINS.intersection(_bound(tree)):
        return None
    before = ast.unparse(tree)
    after = ast.unparse(ast.fix_missing_locations(_Rewriting(tree, rng).visit(tree)))
    return None if after == before else after


def _bound(tree: ast.AST) -> Iterator[str]:
    """Names that are parameters or assigned somewhere in the tree."""
    for node in nodes_of(tree):
        if isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


class _Rewriting(ast.NodeTransformer):
    def __init__(self, tree: ast.Module, rng: random.Random) -> None:
        nodes = nodes_of(tree)
        self._rng = rng
        self._used = {getattr(node, "id", getattr(node, "arg", None)) for node in nodes}
        self._scoped = any(isinstance(node, ast.ClassDef) for node in nodes)

    def _fresh(self, names: tuple[str, ...]) -> str:
        name = self._rng.choice(names)
        while name in self._used:
            name += "_"
        self._used.add(name)
        return name

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        for field in ("body", "orelse", "finalbody"):
            body = getattr(node, field, None)
            if isinstance(body, list) and len(body) > 1:
                body[:] = _merged(body)
        return node

    def visit_For(self, node: ast.For) -> ast.stmt | list[ast.stmt]:
        """`for x in xs` as `rows = iter(xs)` and `while True` with `next(rows)`."""
        self.generic_visit(node)
        if node.orelse:
            return node
        name = self._fresh(_ITERATORS)
        step = ast.Assign([node.target], _call("next", ast.Name(name, ast.Load())))
        ended = ast.ExceptHandler(ast.Name("StopIteration", ast.Load()), None, [ast.Break()])
        endless = ast.While(ast.Constant(True), [ast.Try([step], [ended], [], []), *node.body], [])
        return [ast.Assign([ast.Name(name, ast.Store())], _call("iter", node.iter)), endless]

    def visit_ListComp(self, node: ast.ListComp) -> ast.expr:
        return self._by_map(node, "list")

    def visit_SetComp(self, node: ast.SetComp) -> ast.expr:
        return self._by_map(node, "set")

    def _by_map(self, node: ast.ListComp | ast.SetComp, kind: str) -> ast.expr:
        self.generic_visit(node)
        loop = node.generators[0]
        if len(node.generators) > 1 or loop.is_async or not isinstance(loop.target, ast.Name) or not self._moves(node):
            return node
        values = loop.iter
        for condition in loop.ifs:
            values = _call("filter", _lambda(loop.target.id, condition), values)
        if not (isinstance(node.elt, ast.Name) and node.elt.id == loop.target.id):
            values = _call("map", _lambda(loop.target.id, node.elt), values)
        return _call(kind, values)

    def visit_If(self, node: ast.If) -> ast.stmt | list[ast.stmt]:
        """Move a compound condition into an inner function, or turn it into nested conditions."""
        self.generic_visit(node)
        if not isinstance(node.test, ast.BoolOp):
            return node
        nests = isinstance(node.test.op, ast.And) and not node.orelse
        if self._moves(node.test) and (not nests or self._rng.random() < _PREDICATES):
            name = self._fresh(_CHECKS)
            (inner,) = ast.parse(f"def {name}():\n    return ({ast.unparse(node.test)})").body
            node.test = _call(name)
            return [inner, node]
        if nests:
            *outer, last = node.test.values
            nested: ast.stmt = ast.If(last, node.body, [])
            for test in reversed(outer):
                nested = ast.If(test, [nested], [])
            return nested
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        """`a < b < c` as two comparisons, `x in (1, 2)` as two equalities."""
        self.generic_visit(node)
        sides = [node.left, *node.comparators]
        if len(node.ops) > 1 and all(isinstance(side, ast.Name | ast.Constant) for side in sides[1:-1]):
            parts = zip(sides, node.ops, sides[1:], strict=False)
            return ast.BoolOp(ast.And(), [ast.Compare(left, [op], [right]) for left, op, right in parts])
        among = sides[1]
        if (
            len(node.ops) == 1
            and isinstance(node.ops[0], ast.In)
            and isinstance(node.left, ast.Name)
            and isinstance(among, ast.Tuple | ast.List | ast.Set)
            and len(among.elts) > 1
            and all(isinstance(item, ast.Constant) for item in among.elts)
        ):
            return ast.BoolOp(ast.Or(), [ast.Compare(node.left, [ast.Eq()], [item]) for item in among.elts])
        return node

    def visit_List(self, node: ast.List) -> ast.expr:
        self.generic_visit(node)
        return node if node.elts or not isinstance(node.ctx, ast.Load) else _call("list")

    def visit_Dict(self, node: ast.Dict) -> ast.expr:
        self.generic_visit(node)
        return node if node.keys else _call("dict")

    def _moves(self, node: ast.expr) -> bool:
        """Whether the expression keeps its meaning in a function of its own."""
        return not self._scoped and not any(
            isinstance(part, _STAYS) or (isinstance(part, ast.Name) and part.id in {"super", "locals", "vars"})
            for part in ast.walk(node)
        )


def _merged(body: list[ast.stmt]) -> list[ast.stmt]:
    """Merge neighbouring, independent assignments into one."""
    merged: list[ast.stmt] = []
    for statement in body:
        before = merged[-1] if merged else None
        if (
            isinstance(before, ast.Assign)
            and isinstance(statement, ast.Assign)
            and len(before.targets) == len(statement.targets) == 1
            and independent(before, statement)
        ):
            targets = ast.Tuple([*before.targets, *statement.targets], ast.Store())
            merged[-1] = ast.Assign([targets], ast.Tuple([before.value, statement.value], ast.Load()))
        else:
            merged.append(statement)
    return merged


def _call(name: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])


def _lambda(parameter: str, body: ast.expr) -> ast.Lambda:
    arguments = ast.arguments([], [ast.arg(parameter)], None, [], [], None, [])
    return ast.Lambda(arguments, body)
