"""What Java's kinds of node mean for data flow (grammar: tree-sitter-java)."""

from __future__ import annotations

from collections.abc import Iterable

from compressor_core.dataflow import braces
from compressor_core.dataflow.braces import nothing, targets
from compressor_core.dataflow.flow import Relation
from compressor_core.dataflow.reading import Handler, Reading, Step
from compressor_core.dataflow.syntax import Syntax


def _declarator(reading: Reading, node: Syntax) -> Iterable[Step]:
    return reading.assign(targets(*node.all("name")), node.all("value", "left"), Relation.COMES_FROM)


def _named(reading: Reading, node: Syntax) -> Iterable[Step]:
    return [reading.declare(name) for name in node.all("name")]


def _for_each(reading: Reading, node: Syntax) -> Iterable[Step]:
    value = reading.take(node.all("value"))
    store = reading.store(targets(*node.all("name")), value, Relation.COMPUTED_FROM)
    return [*value.steps, *reading.loop([], [*store, *node.all("body")])]


def _try(reading: Reading, node: Syntax) -> Iterable[Step]:
    handlers = [[child] for child in node.children if child.kind == "catch_clause"]
    last = [child for child in node.children if child.kind == "finally_clause"]
    return [*node.all("resources"), *reading.attempt(node.all("body"), handlers), *last]


def _call(reading: Reading, node: Syntax) -> Iterable[Step]:
    return node.all("object", "arguments")


def _field(reading: Reading, node: Syntax) -> Iterable[Step]:
    """`this.x` is the variable x, any other field a part of the object that has it."""
    owner = node.child("object")
    return node.all("field") if owner is not None and owner.kind == "this" else node.all("object")


def _lambda(reading: Reading, node: Syntax) -> Iterable[Step]:
    steps: list[Step] = []
    for parameters in node.all("parameters"):
        if parameters.kind == "formal_parameters":
            steps.append(parameters)
        else:
            steps += [reading.declare(name) for name in parameters.children or [parameters]]
    return reading.scope([*steps, *node.all("body")])


def _method(reading: Reading, node: Syntax) -> Iterable[Step]:
    return reading.scope(node.all("parameters", "body"))


def _body(reading: Reading, node: Syntax) -> Iterable[Step]:
    return node.all("arguments", "body")


def _reference(reading: Reading, node: Syntax) -> Iterable[Step]:
    return node.children[:1]


def _labelled(reading: Reading, node: Syntax) -> Iterable[Step]:
    return [child for child in node.children if child.kind != "identifier"]


HANDLERS: dict[str, Handler] = {
    **braces.HANDLERS,
    "variable_declarator": _declarator,
    "resource": _declarator,
    "instanceof_expression": _declarator,
    "formal_parameter": _named,
    "catch_formal_parameter": _named,
    "enhanced_for_statement": _for_each,
    "try_statement": _try,
    "try_with_resources_statement": _try,
    "method_invocation": _call,
    "method_reference": _reference,
    "field_access": _field,
    "lambda_expression": _lambda,
    "method_declaration": _method,
    "constructor_declaration": _method,
    "class_declaration": _body,
    "interface_declaration": _body,
    "enum_declaration": _body,
    "enum_constant": _body,
    "record_declaration": _body,
    "labeled_statement": _labelled,
    "break_statement": nothing,
    "continue_statement": nothing,
    "annotation": nothing,
    "marker_annotation": nothing,
    "import_declaration": nothing,
    "package_declaration": nothing,
    "scoped_identifier": nothing,
}
