"""What C and Java have in common for data flow (grammars: tree-sitter-c, tree-sitter-java)."""

from __future__ import annotations

from collections.abc import Iterable

from compressor_core.dataflow.reading import Handler, Place, Reading, Step, places
from compressor_core.dataflow.syntax import Syntax

PARTS = {
    "array_access": ("array", "index"),
    "field_access": ("object", ""),
    "field_expression": ("argument", ""),
    "pointer_expression": ("argument", ""),
    "subscript_expression": ("argument", "index"),
}
BRACKETS = frozenset({"parenthesized_expression"})


def targets(*nodes: Syntax) -> list[Place]:
    """What these expressions are, as left sides of an assignment."""
    return [place for node in nodes for place in places(node, PARTS, BRACKETS)]


def nothing(reading: Reading, node: Syntax) -> Iterable[Step]:
    """No name in here is a variable."""
    return []


def _assignment(reading: Reading, node: Syntax) -> Iterable[Step]:
    return reading.assign(targets(*node.all("left")), node.all("right"), keeps=node.operator not in ("", "="))


def _update(reading: Reading, node: Syntax) -> Iterable[Step]:
    return reading.assign(targets(*node.children), [], keeps=True)


def _if(reading: Reading, node: Syntax) -> Iterable[Step]:
    paths = [[path] for path in node.all("consequence", "alternative")]
    return [*node.all("condition"), *reading.branch(*paths, skip=len(paths) < 2)]


def _for(reading: Reading, node: Syntax) -> Iterable[Step]:
    turn = node.all("body") + node.all("update")
    return [*node.all("init", "initializer"), *reading.loop(node.all("condition"), turn)]


def _while(reading: Reading, node: Syntax) -> Iterable[Step]:
    return reading.loop(node.all("condition"), node.all("body"))


def _do(reading: Reading, node: Syntax) -> Iterable[Step]:
    return reading.loop(node.all("body") + node.all("condition"), [])


def _switch(reading: Reading, node: Syntax) -> Iterable[Step]:
    cases = [[case] for body in node.all("body") for case in body.children]
    return [*node.all("condition"), *reading.cases(cases)]


HANDLERS: dict[str, Handler] = {
    "assignment_expression": _assignment,
    "update_expression": _update,
    "if_statement": _if,
    "for_statement": _for,
    "while_statement": _while,
    "do_statement": _do,
    "switch_expression": _switch,
    "switch_statement": _switch,
}
