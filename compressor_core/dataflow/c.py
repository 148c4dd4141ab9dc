"""What C's kinds of node mean for data flow (grammar: tree-sitter-c)."""

from __future__ import annotations

from collections.abc import Iterable

from compressor_core.dataflow import braces
from compressor_core.dataflow.braces import nothing
from compressor_core.dataflow.flow import Relation
from compressor_core.dataflow.reading import Handler, Place, Reading, Step
from compressor_core.dataflow.syntax import Syntax


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


def _function(reading: Reading, node: Syntax) -> Iterable[Step]:
    return reading.scope([*node.all("declarator"), *node.other("declarator")])


def _signature(reading: Reading, node: Syntax) -> Iterable[Step]:
    """A function's own name is no variable, that of a pointer to one is."""
    return [child for child in node.children if child.kind != "identifier"]


def _after_name(reading: Reading, node: Syntax) -> Iterable[Step]:
    return node.other("name")


HANDLERS: dict[str, Handler] = {
    **braces.HANDLERS,
    "function_definition": _function,
    "function_declarator": _signature,
    "declaration": _declaration,
    "init_declarator": _initialised,
    "parameter_declaration": _declaration,
    "enumerator": _after_name,
    "preproc_ifdef": _after_name,
    "preproc_def": nothing,
    "preproc_function_def": nothing,
    "preproc_include": nothing,
    "preproc_call": nothing,
    "attribute_specifier": nothing,
    "type_definition": nothing,
}
