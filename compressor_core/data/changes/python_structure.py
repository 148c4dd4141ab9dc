"""Behaviour-preserving changes of the structure of Python functions: order, helpers, variables, aliases.

Attributes are assumed to be plain data, so that reading one has no effect. What a function sees of its own source, such
as its annotations or the names in a traceback, may change.
"""

from __future__ import annotations

import ast
import random
import re

from compressor_core.data.changes.edits import Edit, fresh_names, insertion, some
from compressor_core.data.changes.python import Function, Python, Statement, after_docstring, arguments
from compressor_core.data.renaming import NAMES
from compressor_core.data.restructuring import independent
from compressor_core.language import Language

_ORDERED = frozenset({"dict", "OrderedDict", "update", "defaultdict", "Counter", "ChainMap", "SimpleNamespace"})
"""Callables for which the order of keyword arguments matters."""
_HELPERS = ("helper", "inner", "run", "compute", "inside", "work", "build", "evaluate", "make", "apply", "step", "get")
_DEAD = (
    "if False:\n{unit}{fresh} = None",
    "if not True:\n{unit}pass",
    "while False:\n{unit}break",
    "for {fresh} in ():\n{unit}pass",
    "{fresh} = {number}",
    "{fresh} = None",
    "assert True",
)


def reorder_statements(source: Python, rng: random.Random) -> list[Edit]:
    """Swap neighbouring assignments that call nothing and are independent, and neighbouring imports."""
    edits: list[Edit] = []
    taken: set[int] = set()
    for first in source.statements:
        if first.scope is None or first.place + 1 == len(first.body) or id(first.node) in taken:
            continue
        pair = first.node, first.body[first.place + 1]
        if not all(source.leads(node) and source.ends(node) for node in pair) or not _exchangeable(*pair):
            continue
        taken.update(map(id, pair))
        spans = [source.span(node) for node in pair]
        texts = [source.text[start:end] for start, end in spans]
        edits += [Edit(*span, text) for span, text in zip(spans, reversed(texts), strict=True)]
    return edits


def reorder_keywords(source: Python, rng: random.Random) -> list[Edit]:
    """Rotate the keyword arguments of every call whose evaluation has no effect."""
    edits: list[Edit] = []
    done = 0
    calls = [node for node in source.nodes if isinstance(node, ast.Call) and len(node.keywords) > 1]
    for call in sorted(calls, key=lambda call: source.span(call)):
        name = getattr(call.func, "id", getattr(call.func, "attr", ""))
        if name in _ORDERED or not all(k.arg is not None and _is_pure(k.value) for k in call.keywords):
            continue
        spans = [source.span(keyword) for keyword in call.keywords]
        if spans[0][0] < done:
            continue
        done = spans[-1][1]
        texts = [source.text[start:end] for start, end in spans]
        turn = rng.randrange(1, len(texts))
        edits += [Edit(*span, text) for span, text in zip(spans, texts[turn:] + texts[:turn], strict=True)]
    return edits


def insert_dead_code(source: Python, rng: random.Random) -> list[Edit]:
    """Insert statements without effect before some others."""
    if source.watched:
        return []
    names = fresh_names(source.code, NAMES[Language.PYTHON], rng)
    slots = source.slots()
    edits = []
    for place in some(range(len(slots)), rng, 0.1, 3):
        node = slots[place].node
        text = rng.choice(_DEAD).format(unit=source.unit, fresh=next(names), number=rng.randrange(10))
        edits.append(insertion(source.start(node), _indented(text, source.indent(node))))
    return edits


def wrap(source: Python, rng: random.Random) -> list[Edit]:
    """Move the body of a function, or one of its values, into a nested function that is called at once."""
    if source.watched or "super" in source.names or "__class__" in source.names:
        return []
    values = [s for s in source.slots() if _is_wrappable(s)]
    functions = [
        node for node in source.nodes if isinstance(node, ast.FunctionDef) and _is_wholly_wrappable(source, node)
    ]
    if not values and not functions:
        return []
    used = set(re.findall(r"\w+", source.code))
    free = [name for name in _HELPERS if name not in used]
    if not free:
        return []
    name = rng.choice(free)
    if functions and (not values or rng.random() < 0.5):
        return _wrap_body(source, rng.choice(functions), name)
    statement = rng.choice(values).node
    value = statement.value  # type: ignore[attr-defined]
    start, end = source.span(value)
    text = source.segment(value)
    if "\n" in text:
        text = f"({text})"
    helper = f"def {name}():\n{source.unit}return {text}"
    return [
        insertion(
            source.start(statement), _indented(helper, source.indent(statement), first_only=True, unit=source.unit)
        ),
        Edit(start, end, f"{name}()".encode()),
    ]


def hoist(source: Python, rng: random.Random) -> list[Edit]:
    """Move an argument of a call into a variable of its own, without changing the order of evaluation."""
    if source.watched:
        return []
    found: list[tuple[ast.stmt, ast.expr]] = []
    for statement in source.slots():
        call = _first_call(statement.node)
        argument = None if call is None else _hoistable(call)
        if argument is not None:
            found.append((statement.node, argument))
    if not found:
        return []
    node, argument = rng.choice(found)
    name = next(fresh_names(source.code, NAMES[Language.PYTHON], rng))
    start, end = source.span(argument)
    text = source.text[start:end]
    if b"\n" in text:
        text = b"(" + text + b")"
    assigned = f"{source.indent(node)}{name} = ".encode() + text + b"\n"
    return [Edit(source.start(node), source.start(node), assigned), Edit(start, end, name.encode())]


def alias_imports(source: Python, rng: random.Random) -> list[Edit]:
    """Rename the local imports of a function."""
    if source.watched:
        return []
    used = set(re.findall(r"\w+", source.code))
    edits: list[Edit] = []
    for statement in source.statements:
        node = statement.node
        if statement.scope is None or not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        for alias in node.names:
            if alias.name == "*" or (alias.asname is None and "." in alias.name):
                continue
            if isinstance(node, ast.ImportFrom) and node.module == "__future__":
                continue
            old = alias.asname or alias.name
            uses = _uses(source, old, alias, statement.scope)
            short = old.strip("_") or old
            candidates = [f"{short}_module", f"_{short}", f"{short}_", short[:2] + "_", f"the_{short}"]
            free = [name for name in candidates if name not in used]
            if uses is None or not free:
                continue
            new = rng.choice(free)
            used.add(new)
            start, end = source.span(alias)
            edits.append(Edit(start, end, f"{alias.name} as {new}".encode()))
            edits += [Edit(*source.span(use), new.encode()) for use in uses]
    return edits


# Conditions


def _exchangeable(first: ast.stmt, second: ast.stmt) -> bool:
    imports = ast.Import | ast.ImportFrom
    if isinstance(first, imports) and isinstance(second, imports):
        names = [{(a.asname or a.name).split(".")[0] for a in node.names} for node in (first, second)]
        return not names[0] & names[1] and not any(getattr(n, "module", "") == "__future__" for n in (first, second))
    if not independent(first, second):
        return False
    written, read = (
        [
            {n.attr for n in ast.walk(each) if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store) is stored}
            for each in (first, second)
        ]
        for stored in (True, False)
    )
    # Two names may refer to the same object.
    return not (written[0] & (written[1] | read[1]) or written[1] & read[0])


def _is_pure(node: ast.expr) -> bool:
    """Whether evaluating the expression calls and binds nothing."""
    pure = (
        ast.Name
        | ast.Constant
        | ast.Attribute
        | ast.JoinedStr
        | ast.FormattedValue
        | ast.Tuple
        | ast.List
        | ast.Dict
        | ast.UnaryOp
        | ast.BinOp
        | ast.BoolOp
        | ast.Compare
        | ast.expr_context
        | ast.operator
        | ast.unaryop
        | ast.boolop
        | ast.cmpop
    )
    return all(isinstance(inner, pure) for inner in ast.walk(node))


def _binds(node: ast.expr) -> bool:
    odd = ast.NamedExpr | ast.Await | ast.Yield | ast.YieldFrom
    return any(isinstance(inner, odd) for inner in ast.walk(node))


def _first_call(node: ast.stmt) -> ast.Call | None:
    """The call that a statement evaluates first, if any."""
    value: ast.expr | None = None
    if isinstance(node, ast.Expr | ast.Return | ast.Assign):
        value = node.value
    elif isinstance(node, ast.If):
        value = node.test
    elif isinstance(node, ast.For):
        value = node.iter
    return value if isinstance(value, ast.Call) else None


def _hoistable(call: ast.Call) -> ast.expr | None:
    """An argument that may be evaluated before the function and the preceding arguments."""
    if not _is_pure(call.func):
        return None
    root = call.func.value if isinstance(call.func, ast.Attribute) else call.func
    steady = isinstance(root, ast.Name | ast.Constant)
    for argument in call.args:
        if not _is_pure(argument):
            apart = isinstance(argument, ast.Starred | ast.GeneratorExp) or _binds(argument)
            return argument if steady and not apart else None
        if isinstance(argument, ast.JoinedStr | ast.BinOp):
            return argument
        # A later call may change an attribute, so an attribute before it must not be read after it.
        steady = steady and isinstance(argument, ast.Name | ast.Constant)
    return None


def _is_wrappable(statement: Statement) -> bool:
    """Whether the value of a statement can move into a function."""
    node = statement.node
    if not isinstance(node, ast.Return | ast.Assign) or node.value is None:
        return False
    return not isinstance(node.value, ast.Name | ast.Constant) and not _binds(node.value)


def _is_wholly_wrappable(source: Python, function: ast.FunctionDef) -> bool:
    """Whether the body of a function can move into a nested one: it rebinds no parameter and yields nothing."""
    body = after_docstring(function)
    parameters = {argument.arg for argument in arguments(function)}
    if not body or not source.leads(body[0]):
        return False
    for statement in body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Yield | ast.YieldFrom | ast.Await | ast.Global | ast.Nonlocal):
                return False
            bound = [getattr(node, "name", None), getattr(node, "rest", None)]
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                bound.append(node.id)
            if isinstance(node, ast.alias):
                bound.append((node.asname or node.name).split(".")[0])
            if not parameters.isdisjoint(bound):
                return False
    return True


def _wrap_body(source: Python, function: ast.FunctionDef, name: str) -> list[Edit]:
    first = after_docstring(function)[0]
    indent, last = source.indent(first), function.end_lineno or 0
    edits = [insertion(source.start(first), f"{indent}def {name}():\n")]
    for line in range(source.first_line(first), last):
        if line not in source.inside_strings and source.lines[line].strip():
            edits.append(insertion(source.at(line + 1, 0), source.unit))
    end = source.at(last, len(source.lines[last - 1]))
    return [*edits, insertion(end, f"\n{indent}return {name}()")]


def _indented(text: str, indent: str, *, first_only: bool = False, unit: str = "") -> str:
    """Indented lines of code with a line end. With `first_only`, the text is a header and a body, of which only the
    first line each is indented."""
    if first_only:
        head, _, rest = text.partition("\n")
        return f"{indent}{head}\n{indent}{rest}\n"
    return "".join(f"{indent}{line}\n" for line in text.split("\n"))


# Aliases


def _uses(source: Python, name: str, alias: ast.alias, scope: Function) -> list[ast.Name] | None:
    """Uses of an imported name in a function; None if it is bound elsewhere, or if a use cannot be located."""
    known = {id(node) for node in source.nodes}
    for node in ast.walk(source.tree):
        bound = [getattr(node, field, None) for field in ("arg", "rest")]
        if isinstance(node, ast.ExceptHandler | ast.ClassDef | ast.MatchAs | ast.MatchStar | Function):
            bound.append(node.name)
        if isinstance(node, ast.alias) and node is not alias:
            bound.append((node.asname or node.name).split(".")[0])
        if isinstance(node, ast.Global | ast.Nonlocal):
            bound += node.names
        if name in bound and not isinstance(node, ast.keyword):
            return None
    uses = [node for node in ast.walk(scope) if isinstance(node, ast.Name) and node.id == name]
    if any(not isinstance(use.ctx, ast.Load) or id(use) not in known for use in uses):
        return None
    return uses
