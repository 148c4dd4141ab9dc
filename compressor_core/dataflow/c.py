"""What C's kinds of node mean for data flow (grammar: tree-sitter-c)."""

from __future__ import annotations

from collections.abc import Iterable

from compressor_core.dataflow.flow import Relation
from compressor_core.dataflow.reading import Handler, Place, Reading, Step, places
from compressor_core.dataflow.syntax import Syntax

PARTS = {
    "field_expression": ("argument", ""),
    "subscript_expression": ("argument", "index"),
    "pointer_expression": ("argument", ""),
}
BRACKETS = frozenset({"parenthesized_expression"})


def _places(target: Syntax | None) -> list[Place]:
    return places(target, PARTS, BRACKETS)


def _declared(declarator: Syntax | None) -> tuple[Syntax | None, list[Syntax]]:
    """The variable that a declarator declares, None for a function's, and what is read on the way (array sizes)."""
    inside: list[Syntax] = []
    while declarator is not None and declarator.kind != "identifier":
        inside += declarator.all("size")
        inner = declarator.child("declarator")
        if inner is None and declarator.kind in ("parenthesized_declarator", "attributed_declarator"):
            inner = next(iter(declarator.children), None)
        if declarator.kind == "function_declarator" and (inner is None or inner.kind == "identifier"):
            return None, []
        declarator = inner
    return declarator, inside


def _declaration(reading: Reading, node: Syntax) -> Iterable[Step]:
    steps: list[Step] = []
    for declarator in node.all("declarator"):
        if declarator.kind == "init_declarator":
            steps.append(declarator)
            continue
        leaf, inside = _declared(declarator)
        steps += inside
        if leaf is not None:
            steps.append(reading.declare(leaf))
    return steps


def _initialised(reading: Reading, node: Syntax) -> Iterable[Step]:
    leaf, inside = _declared(node.child("declarator"))
    return reading.assign([Place(leaf, False, inside)], node.all("value"), Relation.COMES_FROM)


def _assignment(reading: Reading, node: Syntax) -> Iterable[Step]:
    return reading.assign(_places(node.child("left")), node.all("right"), keeps=node.operator not in ("", "="))


def _update(reading: Reading, node: Syntax) -> Iterable[Step]:
    return reading.assign(_places(node.child("argument")), [], keeps=True)


def _if(reading: Reading, node: Syntax) -> Iterable[Step]:
    paths = [[path] for path in node.all("consequence", "alternative")]
    return [*node.all("condition"), *reading.branch(*paths, skip=len(paths) < 2)]


def _for(reading: Reading, node: Syntax) -> Iterable[Step]:
    return [*node.all("initializer"), *reading.loop(node.all("condition"), node.all("body") + node.all("update"))]


def _while(reading: Reading, node: Syntax) -> Iterable[Step]:
    return reading.loop(node.all("condition"), node.all("body"))


def _do(reading: Reading, node: Syntax) -> Iterable[Step]:
    return reading.loop(node.all("body") + node.all("condition"), [])


def _switch(reading: Reading, node: Syntax) -> Iterable[Step]:
    cases = [[case] for body in node.all("body") for case in body.children]
    return [*node.all("condition"), *reading.cases(cases)]


def _call(reading: Reading, node: Syntax) -> Iterable[Step]:
    """The function's name is a variable only if it was declared as one."""
    function = node.child("function")
    named = function is not None and function.kind == "identifier" and function.name not in reading.state
    return node.other("function") if named else node.children


def _function(reading: Reading, node: Syntax) -> Iterable[Step]:
    return reading.scope([*node.all("declarator"), *node.other("declarator")])


def _signature(reading: Reading, node: Syntax) -> Iterable[Step]:
    return (
        node.other("declarator") if (name := node.child("declarator")) and name.kind == "identifier" else node.children
    )


def _after_name(reading: Reading, node: Syntax) -> Iterable[Step]:
    return node.other("name")


def _nothing(reading: Reading, node: Syntax) -> Iterable[Step]:
    return []


HANDLERS: dict[str, Handler] = {
    "function_definition": _function,
    "function_declarator": _signature,
    "declaration": _declaration,
    "init_declarator": _initialised,
    "parameter_declaration": _declaration,
    "assignment_expression": _assignment,
    "update_expression": _update,
    "if_statement": _if,
    "for_statement": _for,
    "while_statement": _while,
    "do_statement": _do,
    "switch_statement": _switch,
    "call_expression": _call,
    "enumerator": _after_name,
    "preproc_ifdef": _after_name,
    "preproc_def": _nothing,
    "preproc_function_def": _nothing,
    "preproc_include": _nothing,
    "preproc_call": _nothing,
    "attribute_specifier": _nothing,
    "type_definition": _nothing,
}
