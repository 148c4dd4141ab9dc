"""What Java's kinds of node mean for data flow (grammar: tree-sitter-java)."""

from __future__ import annotations

from collections.abc import Iterable

from compressor_core.dataflow.flow import Relation
from compressor_core.dataflow.reading import Handler, Place, Reading, Step, places
from compressor_core.dataflow.syntax import Syntax

PARTS = {"field_access": ("object", ""), "array_access": ("array", "index")}
BRACKETS = frozenset({"parenthesized_expression"})


def _places(target: Syntax | None) -> list[Place]:
    return places(target, PARTS, BRACKETS)


def _declarator(reading: Reading, node: Syntax) -> Iterable[Step]:
    return reading.assign(_places(node.child("name")), node.all("value"), Relation.COMES_FROM)


def _named(reading: Reading, node: Syntax) -> Iterable[Step]:
    """A parameter, a caught exception."""
    return [reading.declare(name) for name in node.all("name")]


def _assignment(reading: Reading, node: Syntax) -> Iterable[Step]:
    return reading.assign(_places(node.child("left")), node.all("right"), keeps=node.operator not in ("", "="))


def _update(reading: Reading, node: Syntax) -> Iterable[Step]:
    return reading.assign([p for child in node.children for p in _places(child)], [], keeps=True)


def _if(reading: Reading, node: Syntax) -> Iterable[Step]:
    paths = [[path] for path in node.all("consequence", "alternative")]
    return [*node.all("condition"), *reading.branch(*paths, skip=len(paths) < 2)]


def _for(reading: Reading, node: Syntax) -> Iterable[Step]:
    return [*node.all("init"), *reading.loop(node.all("condition"), node.all("body") + node.all("update"))]


def _for_each(reading: Reading, node: Syntax) -> Iterable[Step]:
    value = reading.take(node.all("value"))
    store = reading.store(_places(node.child("name")), value, Relation.COMPUTED_FROM)
    return [*value.steps, *reading.loop([], [store, *node.all("body")])]


def _while(reading: Reading, node: Syntax) -> Iterable[Step]:
    return reading.loop(node.all("condition"), node.all("body"))


def _do(reading: Reading, node: Syntax) -> Iterable[Step]:
    return reading.loop(node.all("body") + node.all("condition"), [])


def _switch(reading: Reading, node: Syntax) -> Iterable[Step]:
    cases = [[case] for body in node.all("body") for case in body.children]
    return [*node.all("condition"), *reading.cases(cases)]


def _try(reading: Reading, node: Syntax) -> Iterable[Step]:
    handlers = [[child] for child in node.children if child.kind == "catch_clause"]
    last = [child for child in node.children if child.kind == "finally_clause"]
    first = [child for child in node.children if child.kind == "resource_specification"]
    return [*first, *reading.attempt(node.all("body"), handlers), *last]


def _call(reading: Reading, node: Syntax) -> Iterable[Step]:
    return node.other("name", "type_arguments")


def _field(reading: Reading, node: Syntax) -> Iterable[Step]:
    owner = node.child("object")
    return node.all("field") if owner is not None and owner.kind == "this" else node.all("object")


def _type_test(reading: Reading, node: Syntax) -> Iterable[Step]:
    return reading.assign(_places(node.child("name")), node.all("left"), Relation.COMES_FROM)


def _lambda(reading: Reading, node: Syntax) -> Iterable[Step]:
    steps: list[Step] = []
    for parameters in node.all("parameters"):
        if parameters.kind == "identifier":
            steps.append(reading.declare(parameters))
        elif parameters.kind == "inferred_parameters":
            steps += [reading.declare(child) for child in parameters.children]
        else:
            steps.append(parameters)
    return reading.scope([*steps, *node.all("body")])


def _method(reading: Reading, node: Syntax) -> Iterable[Step]:
    return reading.scope(node.all("parameters", "body"))


def _type_body(reading: Reading, node: Syntax) -> Iterable[Step]:
    return node.all("body")


def _after_name(reading: Reading, node: Syntax) -> Iterable[Step]:
    return [child for child in node.children if child.kind != "identifier"]


def _nothing(reading: Reading, node: Syntax) -> Iterable[Step]:
    return []


HANDLERS: dict[str, Handler] = {
    "variable_declarator": _declarator,
    "resource": _declarator,
    "formal_parameter": _named,
    "catch_formal_parameter": _named,
    "assignment_expression": _assignment,
    "update_expression": _update,
    "if_statement": _if,
    "for_statement": _for,
    "enhanced_for_statement": _for_each,
    "while_statement": _while,
    "do_statement": _do,
    "switch_expression": _switch,
    "try_statement": _try,
    "try_with_resources_statement": _try,
    "method_invocation": _call,
    "field_access": _field,
    "instanceof_expression": _type_test,
    "lambda_expression": _lambda,
    "method_declaration": _method,
    "constructor_declaration": _method,
    "class_declaration": _type_body,
    "interface_declaration": _type_body,
    "enum_declaration": _type_body,
    "record_declaration": _type_body,
    "enum_constant": _type_body,
    "labeled_statement": _after_name,
    "break_statement": _nothing,
    "continue_statement": _nothing,
    "annotation": _nothing,
    "marker_annotation": _nothing,
    "import_declaration": _nothing,
    "package_declaration": _nothing,
    "method_reference": _nothing,
    "scoped_identifier": _nothing,
}
