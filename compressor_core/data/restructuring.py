"""Restructuring of Python functions: loops, branches and expressions rewritten, statements moved, inserted, deleted."""

from __future__ import annotations

import ast
import random
from collections.abc import Iterable, Sequence

from compressor_core.data.clone_renaming import local_names, nodes_of

REWRITTEN = 0.7
"""Probability that a statement or expression is rewritten, if possible."""
INSERTED, DELETED = 0.10, 0.06
"""Probability of an inserted statement at each place, and of deleting each expression statement."""

_INVERSE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_MIRRORED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.Gt,
    ast.Gt: ast.Lt,
    ast.LtE: ast.GtE,
    ast.GtE: ast.LtE,
    ast.Eq: ast.Eq,
    ast.NotEq: ast.NotEq,
}
_INSERTIONS = (
    "logger.debug({text!r}, {name})",
    "print({text!r}, {name})",
    "assert {name} is not None",
    "{fresh} = {number}",
    "{fresh} = {name}",
    "trace({name}, {number})",
)


class Restructuring(ast.NodeTransformer):
    """Transformer that rewrites a computation, with a few statements inserted or deleted."""

    def __init__(
        self,
        function: ast.FunctionDef,
        rng: random.Random,
        names: Sequence[str],
        *,
        rewritten: float = REWRITTEN,
        inserted: float = INSERTED,
        deleted: float = DELETED,
    ) -> None:
        self._function = function
        self._rng = rng
        self._rewritten, self._inserted, self._deleted = rewritten, inserted, deleted
        nodes = nodes_of(function)
        local = local_names(function, nodes)
        used = {node.id for node in nodes if isinstance(node, ast.Name)}.union(local)
        self._names = [name for name in names if name not in used]
        self._local = local or ["None"]

    def apply(self) -> None:
        """Rewrite the function in place."""
        self.generic_visit(self._function)

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        for field in ("body", "orelse", "finalbody"):
            body = getattr(node, field, None)
            if isinstance(body, list) and body and isinstance(body[0], ast.stmt):
                body[:] = self._body(body)
        return node

    def _coin(self) -> bool:
        return self._rng.random() < self._rewritten

    def _fresh(self) -> str:
        return self._names.pop(self._rng.randrange(len(self._names))) if self._names else "spare"

    # --- whole bodies ---

    def _body(self, body: list[ast.stmt]) -> list[ast.stmt]:
        body = self._reorder(self._delete(body))
        body = self._merge_early_exit(body)
        longer: list[ast.stmt] = []
        for statement in body:
            if self._rng.random() < self._inserted:
                longer += self._insertion()
            longer.append(statement)
        return longer

    def _delete(self, body: list[ast.stmt]) -> list[ast.stmt]:
        kept = [s for s in body if not (isinstance(s, ast.Expr) and self._rng.random() < self._deleted)]
        return kept or body

    def _reorder(self, body: list[ast.stmt]) -> list[ast.stmt]:
        for i in range(len(body) - 1):
            if independent(body[i], body[i + 1]) and self._coin():
                body[i], body[i + 1] = body[i + 1], body[i]
        return body

    def _merge_early_exit(self, body: list[ast.stmt]) -> list[ast.stmt]:
        """Move the statements after `if c: return a` into an else branch, or an else branch out of it."""
        for i, statement in enumerate(body):
            if not isinstance(statement, ast.If) or not isinstance(statement.body[-1], ast.Return | ast.Raise):
                continue
            if not statement.orelse and body[i + 1 :] and self._coin():
                statement.orelse = body[i + 1 :]
                return body[: i + 1]
            if statement.orelse and i == len(body) - 1 and self._coin():
                rest, statement.orelse = statement.orelse, []
                return [*body, *rest]
        return body

    def _insertion(self) -> list[ast.stmt]:
        template = self._rng.choice(_INSERTIONS)
        parameters = self._function.args.args
        name = self._rng.choice(parameters).arg if parameters else "None"
        text = template.format(
            name=name, fresh=self._fresh(), number=self._rng.randrange(10), text=self._rng.choice(self._local)
        )
        return ast.parse(text).body

    # --- statements ---

    def visit_If(self, node: ast.If) -> ast.If:
        self.generic_visit(node)
        if node.orelse and self._coin():
            node.test = negation(node.test)
            node.body, node.orelse = node.orelse, node.body
        node.test = self._condition(node.test)
        return node

    def visit_While(self, node: ast.While) -> ast.While:
        self.generic_visit(node)
        endless = isinstance(node.test, ast.Constant)
        if not node.orelse and not endless and self._coin():
            leave = ast.If(test=negation(node.test), body=[ast.Break()], orelse=[])
            node.test, node.body = ast.Constant(True), [leave, *node.body]
        return node

    def visit_For(self, node: ast.For) -> ast.stmt | list[ast.stmt]:
        self.generic_visit(node)
        if node.orelse or _has_continue(node.body) or not isinstance(node.iter, ast.Call) or not self._coin():
            return node
        call = node.iter
        name = call.func.id if isinstance(call.func, ast.Name) else ""
        if call.keywords or len(call.args) != 1 or isinstance(call.args[0], ast.Starred):
            return node
        if name == "range" and isinstance(node.target, ast.Name) and _simple(call.args[0]):
            return self._counting_loop(node, node.target, call.args[0])
        if name == "enumerate" and isinstance(node.target, ast.Tuple) and isinstance(node.target.elts[0], ast.Name):
            counter, item = node.target.elts[0].id, node.target.elts[1]
            node.iter, node.target = call.args[0], item
            node.body.append(ast.AugAssign(ast.Name(counter, ast.Store()), ast.Add(), ast.Constant(1)))
            return [ast.Assign([ast.Name(counter, ast.Store())], ast.Constant(0)), node]
        return node

    def _counting_loop(self, node: ast.For, target: ast.Name, end: ast.expr) -> list[ast.stmt]:
        """`for i in range(n)` as a while loop; the counter has another name, so the body may assign `i`."""
        counter = self._fresh()
        use = ast.Name(counter, ast.Load())
        body = [
            ast.Assign([target], use),
            ast.AugAssign(ast.Name(counter, ast.Store()), ast.Add(), ast.Constant(1)),
            *node.body,
        ]
        loop = ast.While(ast.Compare(use, [ast.Lt()], [end]), body, [])
        return [ast.Assign([ast.Name(counter, ast.Store())], ast.Constant(0)), loop]

    def visit_Return(self, node: ast.Return) -> ast.stmt | list[ast.stmt]:
        self.generic_visit(node)
        if isinstance(node.value, ast.IfExp) and self._coin():
            choice = node.value
            return ast.If(choice.test, [ast.Return(choice.body)], [ast.Return(choice.orelse)])
        if node.value is None or _simple(node.value) or not self._coin():
            return node
        name = self._fresh()
        return [ast.Assign([ast.Name(name, ast.Store())], node.value), ast.Return(ast.Name(name, ast.Load()))]

    def visit_Assign(self, node: ast.Assign) -> ast.stmt | list[ast.stmt]:
        self.generic_visit(node)
        if len(node.targets) != 1 or not isinstance(node.targets[0], ast.Name):
            return node
        value = node.value
        if isinstance(value, ast.IfExp) and self._coin():
            return ast.If(value.test, [ast.Assign(node.targets, value.body)], [ast.Assign(node.targets, value.orelse)])
        if isinstance(value, ast.ListComp) and self._coin():
            return self._spelled_out(node.targets[0], value) or node
        return node

    def _spelled_out(self, target: ast.Name, value: ast.ListComp) -> list[ast.stmt] | None:
        """A list comprehension as a loop, unless it reads the variable that it is assigned to."""
        if len(value.generators) != 1 or value.generators[0].is_async or target.id in _names_in([value]):
            return None
        loop = value.generators[0]
        append = ast.Attribute(ast.Name(target.id, ast.Load()), "append", ast.Load())
        body: list[ast.stmt] = [ast.Expr(ast.Call(append, [value.elt], []))]
        for condition in reversed(loop.ifs):
            body = [ast.If(condition, body, [])]
        return [ast.Assign([target], ast.List([], ast.Load())), ast.For(loop.target, loop.iter, body, [])]

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.stmt:
        self.generic_visit(node)
        if not isinstance(node.target, ast.Name) or not self._coin():
            return node
        return ast.Assign([node.target], ast.BinOp(ast.Name(node.target.id, ast.Load()), node.op, node.value))

    def visit_With(self, node: ast.With) -> ast.With:
        self.generic_visit(node)
        if len(node.items) > 1 and self._coin():
            node.body = [ast.With(node.items[1:], node.body)]
            node.items = node.items[:1]
        return node

    # --- expressions ---

    def visit_IfExp(self, node: ast.IfExp) -> ast.IfExp:
        self.generic_visit(node)
        if self._coin():
            node.test, node.body, node.orelse = negation(node.test), node.orelse, node.body
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        self.generic_visit(node)
        if len(node.ops) != 1 or not self._coin():
            return node
        operator = type(node.ops[0])
        if operator in _MIRRORED and _simple(node.left) and _simple(node.comparators[0]):
            return ast.Compare(node.comparators[0], [_MIRRORED[operator]()], [node.left])
        if operator in (ast.IsNot, ast.NotIn):
            return ast.UnaryOp(ast.Not(), ast.Compare(node.left, [_INVERSE[operator]()], node.comparators))
        return node

    def _condition(self, test: ast.expr) -> ast.expr:
        """Apply De Morgan's laws, where only the truth value counts."""
        if not isinstance(test, ast.BoolOp) or not self._coin():
            return test
        other = ast.Or() if isinstance(test.op, ast.And) else ast.And()
        return ast.UnaryOp(ast.Not(), ast.BoolOp(other, [negation(value) for value in test.values]))


def negation(test: ast.expr) -> ast.expr:
    """The opposite condition, without a double `not`. Order comparisons are not inverted, because of NaN."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return test.operand
    if isinstance(test, ast.Compare) and len(test.ops) == 1 and type(test.ops[0]) in _INVERSE:
        return ast.Compare(test.left, [_INVERSE[type(test.ops[0])]()], test.comparators)
    return ast.UnaryOp(ast.Not(), test)


def _simple(node: ast.expr) -> bool:
    """Whether the expression can be evaluated twice, or later, without a difference."""
    return isinstance(node, ast.Name | ast.Constant)


def _has_continue(body: Iterable[ast.stmt]) -> bool:
    return any(isinstance(node, ast.Continue) for statement in body for node in ast.walk(statement))


def _names_in(nodes: Iterable[ast.AST]) -> set[str]:
    return {node.id for root in nodes for node in ast.walk(root) if isinstance(node, ast.Name)}


def independent(first: ast.stmt, second: ast.stmt) -> bool:
    """Whether two assignments can be swapped: neither calls anything or uses what the other assigns."""
    for statement in (first, second):
        if not isinstance(statement, ast.Assign) or not isinstance(statement.targets[0], ast.Name | ast.Attribute):
            return False
        if any(isinstance(node, ast.Call | ast.Subscript | ast.NamedExpr | ast.Await) for node in ast.walk(statement)):
            return False
    return not (_touched(first) & _written(second) or _touched(second) & _written(first))


def _written(statement: ast.stmt) -> set[str]:
    stored = [n for n in ast.walk(statement) if isinstance(getattr(n, "ctx", None), ast.Store)]
    return {ast.unparse(node) for node in stored}


def _touched(statement: ast.stmt) -> set[str]:
    parts = (node for node in ast.walk(statement) if isinstance(node, ast.Name | ast.Attribute))
    return {ast.unparse(node) for node in parts}
