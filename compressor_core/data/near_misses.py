"""Near misses of Python functions: copies with one change of behaviour, which look like clones of the original.

The change is an operator, a condition, a constant, the order of two arguments, the method or function called, a
variable, or a statement dropped or moved. Code that has no effect as far as syntax shows is left alone: unused values,
logging, type hints.
"""

from __future__ import annotations

import ast
import random
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from compressor_core.data.clone_renaming import local_names, nodes_of
from compressor_core.data.families import PARTNERS
from compressor_core.data.restructuring import independent, negation


class Miss(StrEnum):
    """Kind of change."""

    OPERATOR = "operator"
    CONDITION = "condition"
    CONSTANT = "constant"
    ARGUMENT = "argument"
    CALL = "call"
    VARIABLE = "variable"
    STATEMENT = "statement"


_OPERATORS: dict[type[ast.AST], tuple[type[ast.AST], ...]] = {
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.GtE),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.And: (ast.Or,),
    ast.Or: (ast.And,),
    ast.Add: (ast.Sub, ast.Mult),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Add, ast.FloorDiv),
    ast.Div: (ast.Mult, ast.FloorDiv),
    ast.FloorDiv: (ast.Mod, ast.Mult),
    ast.Mod: (ast.FloorDiv,),
    ast.Pow: (ast.Mult,),
    ast.BitAnd: (ast.BitOr,),
    ast.BitOr: (ast.BitAnd,),
    ast.BitXor: (ast.BitOr,),
    ast.LShift: (ast.RShift,),
    ast.RShift: (ast.LShift,),
}
_ORDERED = (ast.Sub, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.LShift, ast.RShift)
_AS_THEY_ARE = {"min", "max", "isinstance", "issubclass", "getattr", "setattr", "hasattr", "gcd", "print"}
"""Calls whose arguments are not exchanged, because it makes no difference or no sense."""
_SAID = {"print", "debug", "info", "warning", "warn", "log", "trace", "logger"}
_SIMPLE = (ast.Assign, ast.AugAssign, ast.Expr)
_SIGNS = (",", " ", "-", "/", ":", ".", "_", ";")


@dataclass(frozen=True)
class _Change:
    """New values for fields of one node."""

    miss: Miss
    node: ast.AST
    fields: Mapping[str, Any]


def near_miss(source: str, rng: random.Random) -> tuple[str, Miss] | None:
    """The function with one change, and the kind of change; None if there is nothing to change.

    All kinds of change that are possible are equally likely.

    Raises:
        SyntaxError: `source` is not one Python function.
    """
    function = _function(source)
    changes: defaultdict[Miss, list[_Change]] = defaultdict(list)
    for change in _Places(function, rng).changes():
        changes[change.miss].append(change)
    before = without_own_names(source)
    while changes:
        miss = rng.choice(list(changes))
        change = changes[miss].pop(rng.randrange(len(changes[miss])))
        if not changes[miss]:
            del changes[miss]
        old = {field: getattr(change.node, field) for field in change.fields}
        vars(change.node).update(change.fields)
        changed = ast.unparse(function)
        if without_own_names(changed) != before:
            return changed, miss
        vars(change.node).update(old)
    return None


def without_own_names(source: str) -> str:
    """The function's text with its own names replaced by numbers: the same for copies that differ only in these names,
    layout and capitals.

    Raises:
        SyntaxError: `source` is not one Python function.
    """
    function = _function(source)
    nodes = nodes_of(function)
    numbers = {name: f"_{i}_" for i, name in enumerate(local_names(function, nodes))}
    function.name = "_"
    for node in nodes:
        if isinstance(node, ast.Name):
            node.id = numbers.get(node.id, node.id)
        elif isinstance(node, ast.arg):
            node.arg = numbers.get(node.arg, node.arg)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            node.name = numbers.get(node.name, node.name)
    return " ".join(ast.unparse(function).casefold().split())


def _function(source: str) -> ast.FunctionDef:
    body = ast.parse(source).body
    if len(body) != 1 or not isinstance(body[0], ast.FunctionDef):
        raise SyntaxError("the source is not a function")
    return body[0]


class _Places:
    """Places in a function where a change alters its behaviour."""

    def __init__(self, function: ast.FunctionDef, rng: random.Random) -> None:
        self._rng = rng
        nodes = nodes_of(function)
        self._read = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
        endless = [node.test for node in nodes if isinstance(node, ast.While) and isinstance(node.test, ast.Constant)]
        hints = (getattr(node, field, None) for node in nodes for field in ("annotation", "returns"))
        idle = [*endless, *(node for node in nodes if self._idle(node)), *(hint for hint in hints if hint is not None)]
        skipped = {inner for node in idle for inner in nodes_of(node)}
        self._nodes = dict.fromkeys(node for node in nodes if node not in skipped)
        own = set(local_names(function, nodes))
        self._bound: dict[str, int] = {}
        """Line from which each of the function's own names has a value."""
        for node in nodes:
            if isinstance(node, ast.arg) or (isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)):
                name = node.arg if isinstance(node, ast.arg) else node.id
                if name in own:
                    self._bound[name] = min(node.lineno, self._bound.get(name, node.lineno))
        values = (node.value for node in nodes if isinstance(node, ast.Constant))
        self._words = sorted({value for value in values if isinstance(value, str) and value.isidentifier()})

    def _idle(self, node: ast.AST) -> bool:
        """Whether nothing depends on the content of a node: texts, logging, unused values."""
        if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            return all(isinstance(target, ast.Name) and target.id not in self._read for target in targets)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            words = {getattr(part, "id", getattr(part, "attr", "")) for part in ast.walk(node.value.func)}
            return not words.isdisjoint(_SAID)
        text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        return text or isinstance(node, ast.JoinedStr | ast.Assert)

    def changes(self) -> Iterator[_Change]:
        """All possible changes."""
        for node in self._nodes:
            for changes in (self._operators, self._conditions, self._calls, self._values, self._statements):
                yield from changes(node)

    def _operators(self, node: ast.AST) -> Iterator[_Change]:
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            for other in _OPERATORS.get(type(node.ops[0]), ()):
                yield _Change(Miss.OPERATOR, node, {"ops": [other()]})
        elif isinstance(node, ast.BoolOp | ast.BinOp | ast.AugAssign):
            sides = [getattr(node, field) for field in ("left", "right", "value") if hasattr(node, field)]
            if any(_is_text(part) for side in sides for part in ast.walk(side)):
                return  # string concatenation or formatting
            for other in _OPERATORS.get(type(node.op), ()):
                yield _Change(Miss.OPERATOR, node, {"op": other()})
            if isinstance(node, ast.BinOp) and isinstance(node.op, _ORDERED):
                yield _Change(Miss.ARGUMENT, node, {"left": node.right, "right": node.left})

    def _conditions(self, node: ast.AST) -> Iterator[_Change]:
        if isinstance(node, ast.comprehension) and node.ifs:
            yield _Change(Miss.CONDITION, node, {"ifs": [negation(node.ifs[0]), *node.ifs[1:]]})
            yield _Change(Miss.CONDITION, node, {"ifs": node.ifs[1:]})
        if not isinstance(node, ast.If | ast.IfExp | ast.While) or isinstance(node.test, ast.Constant):
            return
        yield _Change(Miss.CONDITION, node, {"test": negation(node.test)})
        if isinstance(node.test, ast.BoolOp):
            values, at = node.test.values, self._rng.randrange(len(node.test.values))
            before, after = values[:at], values[at + 1 :]
            yield _Change(Miss.CONDITION, node.test, {"values": [*before, negation(values[at]), *after]})
            fewer = [*before, *after]
            yield _Change(
                Miss.CONDITION, node, {"test": fewer[0] if len(fewer) == 1 else ast.BoolOp(node.test.op, fewer)}
            )

    def _calls(self, node: ast.AST) -> Iterator[_Change]:
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name | ast.Attribute):
            return
        field = "id" if isinstance(node.func, ast.Name) else "attr"
        name: str = getattr(node.func, field)
        for other in PARTNERS.get(name, ()):
            yield _Change(Miss.CALL, node.func, {field: other})
        if name == "range" and len(node.args) == 1:
            (end,) = node.args
            yield _Change(Miss.CONSTANT, node, {"args": [ast.Constant(1), end]})
            for op in (ast.Add(), ast.Sub()):
                yield _Change(Miss.CONSTANT, node, {"args": [ast.BinOp(end, op, ast.Constant(1))]})
        if name not in _AS_THEY_ARE and not any(isinstance(argument, ast.Starred) for argument in node.args):
            for at in range(len(node.args) - 1):
                first, second = node.args[at : at + 2]
                yield _Change(Miss.ARGUMENT, node, {"args": [*node.args[:at], second, first, *node.args[at + 2 :]]})

    def _values(self, node: ast.AST) -> Iterator[_Change]:
        if isinstance(node, ast.Constant):
            for value in self._other_constants(node.value):
                yield _Change(Miss.CONSTANT, node, {"value": value})
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in self._bound:
            others = [name for name, line in self._bound.items() if name != node.id and line < node.lineno]
            if others:
                yield _Change(Miss.VARIABLE, node, {"id": self._rng.choice(others)})

    def _other_constants(self, value: object) -> Iterator[object]:
        if isinstance(value, bool):
            yield not value
        elif isinstance(value, int):
            yield value + 1
            yield value - 1 if value > 0 else value + 2
            yield value * 10 if value > 2 else value + 10
        elif isinstance(value, float):
            yield from (value + 1, value * 2, value / 10)
        elif isinstance(value, str) and value.isidentifier():
            others = [word for word in self._words if word != value]
            yield self._rng.choice(others) if others else value[::-1]
        elif isinstance(value, str) and value in _SIGNS:
            yield self._rng.choice(_SIGNS)

    def _statements(self, node: ast.AST) -> Iterator[_Change]:
        for field in ("body", "orelse", "finalbody"):
            body = getattr(node, field, None)
            if not isinstance(body, list) or len(body) < 2:
                continue
            for at, statement in enumerate(body):
                if self._can_go(statement):
                    yield _Change(Miss.STATEMENT, node, {field: [*body[:at], *body[at + 1 :]]})
                if at and self._order_matters(body[at - 1], statement):
                    yield _Change(
                        Miss.STATEMENT, node, {field: [*body[: at - 1], statement, body[at - 1], *body[at + 1 :]]}
                    )

    def _can_go(self, statement: ast.stmt) -> bool:
        """Whether the statement can be dropped: all names still have a value, and the behaviour changes."""
        if statement not in self._nodes:
            return False
        if isinstance(statement, ast.If):
            return not statement.orelse and not self._new(statement, statement.lineno)
        return isinstance(statement, _SIMPLE) and not self._new(statement, statement.lineno)

    def _order_matters(self, first: ast.stmt, second: ast.stmt) -> bool:
        """Whether both orders can be executed and differ, as far as syntax shows."""
        if not all(isinstance(one, _SIMPLE) and one in self._nodes for one in (first, second)):
            return False
        shared = _own_words(first) & _own_words(second)
        return (
            bool(shared)
            and not independent(first, second)
            and not self._new(first, first.lineno)
            and not self._new(second, first.lineno)
        )

    def _new(self, statement: ast.stmt, line: int) -> bool:
        """Whether the statement gives a name its first value."""
        stored = (n.id for n in ast.walk(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))
        return any(self._bound.get(name, 0) >= line for name in stored)


def _own_words(statement: ast.stmt) -> set[str]:
    return {ast.unparse(node) for node in ast.walk(statement) if isinstance(node, ast.Name | ast.Attribute)}


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str | bytes))
