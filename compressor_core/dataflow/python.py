"""Data flow of Python by kind of node (grammar: tree-sitter-python)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from compressor_core.dataflow.reading import Reading, Step, Target, Value, by_kind, reads, scope_of, targets_of
from compressor_core.dataflow.syntax import SEQUENCES, Relation, Syntax

PARTS = {"attribute": ("object", ""), "subscript": ("value", "subscript")}
PATTERNS = SEQUENCES | {
    "list_splat_pattern",
    "dictionary_splat_pattern",
    "as_pattern_target",
    "parenthesized_expression",
}


def _targets(target: Syntax | None) -> list[Target]:
    return targets_of(target, PARTS, PATTERNS)


def _pairs(left: Syntax, right: Syntax | None) -> list[tuple[Syntax, Syntax | None]]:
    """Pairs of target and value, matched one to one if both sides have the same length."""
    pairs = []
    waiting = [(left, right)]
    while waiting:
        target, value = waiting.pop()
        if (
            value is not None
            and {target.kind, value.kind} <= SEQUENCES
            and len(target.children) == len(value.children) > 0
        ):
            waiting += reversed(list(zip(target.children, value.children, strict=True)))
        else:
            pairs.append((target, value))
    return pairs


def _assignment(reading: Reading, node: Syntax) -> Iterable[Step]:
    left = node.child("left")
    if left is None:
        return node.all("right")
    steps: list[Step] = []
    stores: list[Step] = []
    for target, value in _pairs(left, node.child("right")):
        taken = reading.take([value] if value is not None else [])
        steps += taken.steps
        stores += _store(reading, target, taken, keeps=node.operator not in ("", "="))
    return [*steps, *stores]


def _store(reading: Reading, target: Syntax | None, value: Value, *, keeps: bool = False) -> list[Step]:
    return reading.store(_targets(target), value, Relation.COMPUTED_FROM, keeps=keeps)


def _named(reading: Reading, node: Syntax) -> Iterable[Step]:
    """A parameter with a default value; an assignment expression."""
    relation = Relation.COMPUTED_FROM if node.kind == "named_expression" else Relation.COMES_FROM
    return reading.assign(_targets(node.child("name")), node.all("value"), relation)


def _parameters(reading: Reading, node: Syntax) -> Iterable[Step]:
    steps: list[Step] = []
    for child in node.children:
        if child.kind in ("default_parameter", "typed_default_parameter"):
            steps.append(child)
            continue
        inner = next(iter(child.other("type")), None) if child.kind == "typed_parameter" else child
        steps += [reading.declare(target.leaf) for target in _targets(inner) if target.leaf is not None]
    return steps


def _if(reading: Reading, node: Syntax) -> Iterable[Step]:
    alternatives = node.all("alternative")
    paths = [node.all("consequence"), *(path.children for path in alternatives)]
    complete = any(path.kind == "else_clause" for path in alternatives)
    return [*node.all("condition"), *reading.branch(*paths, skip=not complete)]


def _for(reading: Reading, node: Syntax) -> Iterable[Step]:
    value = reading.take(node.all("right"))
    target = _store(reading, node.child("left"), value)
    return [*value.steps, *reading.loop([], [*target, *node.all("body")]), *node.all("alternative")]


def _while(reading: Reading, node: Syntax) -> Iterable[Step]:
    return [*reading.loop(node.all("condition"), node.all("body")), *node.all("alternative")]


def _for_in(reading: Reading, node: Syntax) -> Iterable[Step]:
    value = reading.take(node.all("right"))
    return [*value.steps, *_store(reading, node.child("left"), value)]


def _comprehension(reading: Reading, node: Syntax) -> Iterable[Step]:
    return reading.scope([*node.other("body"), *node.all("body")])


def _try(reading: Reading, node: Syntax) -> Iterable[Step]:
    groups: dict[str, list[Syntax]] = {}
    for child in node.children:
        groups.setdefault(child.kind, []).append(child)
    handlers = [[child] for kind in ("except_clause", "except_group_clause") for child in groups.get(kind, [])]
    body = node.all("body")
    return [*reading.attempt(body, handlers, groups.get("else_clause", [])), *groups.get("finally_clause", [])]


def _as(reading: Reading, node: Syntax) -> Iterable[Step]:
    value = reading.take(node.other("alias"))
    return [*value.steps, *(step for alias in node.all("alias") for step in _store(reading, alias, value))]


def _except(reading: Reading, node: Syntax) -> Iterable[Step]:
    """Python 2's `except E, e` declares e."""
    values = node.all("value")
    value = reading.take(values[:1])
    names = (step for name in values[1:] for step in _store(reading, name, value))
    return [*value.steps, *names, *node.other("value")]


def _match(reading: Reading, node: Syntax) -> Iterable[Step]:
    value = reading.take(node.all("subject"))
    paths: list[list[Step]] = []
    for body in node.all("body"):
        for case in body.children:
            names = [name for child in case.children if child.kind == "case_pattern" for name in _captures(child)]
            taken = [Target(name, False, []) for name in names]
            paths.append([*reading.store(taken, value, Relation.COMPUTED_FROM), *case.all("guard", "consequence")])
    return [*value.steps, *reading.branch(*paths, skip=True)]


def _captures(pattern: Syntax) -> list[Syntax]:
    """Names that a pattern binds; dotted names and classes are compared, not bound."""
    names = []
    waiting = [pattern]
    while waiting:
        node = waiting.pop()
        if node.kind == "identifier":
            names.append(node)
        elif node.kind in ("class_pattern", "keyword_pattern"):
            waiting += reversed(node.children[1:])
        elif node.kind != "dotted_name" or len(node.children) == 1:
            waiting += reversed(node.children)
    return names


HANDLERS: Final = by_kind(
    {
        _assignment: "assignment augmented_assignment",
        _named: "named_expression default_parameter typed_default_parameter",
        _parameters: "parameters lambda_parameters",
        _if: "if_statement",
        _for: "for_statement",
        _while: "while_statement",
        _for_in: "for_in_clause",
        _comprehension: "list_comprehension set_comprehension dictionary_comprehension generator_expression",
        _try: "try_statement",
        _as: "as_pattern",
        _except: "except_clause",
        _match: "match_statement",
        reads("object"): "attribute",
        reads("value"): "keyword_argument",
        scope_of("parameters", "body"): "function_definition lambda",
        reads("superclasses", "body"): "class_definition",
        reads(): (
            "type import_statement import_from_statement future_import_statement global_statement nonlocal_statement"
        ),
    }
)
