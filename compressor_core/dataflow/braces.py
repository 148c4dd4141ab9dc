"""Data flow of C and Java by kind of node (grammars: tree-sitter-c, tree-sitter-java)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from compressor_core.dataflow.reading import Reading, Step, Target, by_kind, reads, scope_of, targets_of
from compressor_core.dataflow.syntax import RESERVED, Relation, Syntax
from compressor_core.language import Language

_PARTS = {
    "array_access": ("array", "index"),
    "field_access": ("object", ""),
    "field_expression": ("argument", ""),
    "pointer_expression": ("argument", ""),
    "subscript_expression": ("argument", "index"),
}
_KERNEL_MACRO: Final = re.compile(r"\w*(?:SYSCALL\w*_DEFINE|BPF_CALL_)[1-6]")
_BRACKETS = frozenset({"parenthesized_expression"})


def _targets(*nodes: Syntax) -> list[Target]:
    """Targets that these expressions, as left sides of an assignment, write to."""
    return [target for node in nodes for target in targets_of(node, _PARTS, _BRACKETS)]


def _assignment(reading: Reading, node: Syntax) -> Iterable[Step]:
    return reading.assign(_targets(*node.all("left")), node.all("right"), keeps=node.operator not in ("", "="))


def _update(reading: Reading, node: Syntax) -> Iterable[Step]:
    return reading.assign(_targets(*node.children), [], keeps=True)


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


_SHARED: Final = by_kind(
    {
        _assignment: "assignment_expression",
        _update: "update_expression",
        _if: "if_statement",
        _for: "for_statement",
        _while: "while_statement",
        _do: "do_statement",
        _switch: "switch_expression switch_statement",
    }
)


def _declared(declarator: Syntax | None) -> tuple[Syntax | None, list[Syntax]]:
    """The variable that a declarator declares (None for a function), and the expressions read in it (array sizes)."""
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
    # After a macro with arguments, the grammar treats a whole signature as part of an unreadable type.
    types = [kind for kind in node.all("type") if kind.kind == "macro_type_specifier"]
    steps: list[Step] = [part for kind in types for part in kind.children if part.kind == "ERROR"]
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
    strays = [name for part in node.children if part.kind == "ERROR" for name in part.children]
    leaf, inside = _declared(node.child("declarator") or next(iter(strays), None))
    return reading.assign([Target(leaf, False, inside)], node.all("value"), Relation.COMES_FROM)


def _function(reading: Reading, node: Syntax) -> Iterable[Step]:
    names = [reading.declare(name) for declarator in node.all("declarator") for name in _listed(reading, declarator)]
    return reading.scope([*node.all("declarator"), *names, *node.other("declarator")])


def _signature(reading: Reading, node: Syntax) -> Iterable[Step]:
    """Skip a function's own name or a label, which are not variables; a function pointer's name is one."""
    return [child for child in node.children if child.kind != "identifier"]


def _unit(reading: Reading, node: Syntax) -> Iterable[Step]:
    """Attach a separate body to the signatures before it: one in each branch of an `#ifdef`, a K&R-style one that
    returns a pointer, or a macro of Linux."""
    steps: list[Step] = []
    before: list[Syntax] = []
    since: list[Syntax] = []
    for child in node.children:
        if child.kind == "compound_statement" and before:
            places = {name.name: name for part in since for name in _bound(part)}
            signatures = [_parameters(reading, one, places) for one in before]
            steps += reading.scope([*reading.branch(*signatures, skip=False), child])
            before, since = [], []
        else:
            if not any(map(_is_kernel_macro, child.children)):
                steps.append(child)
            before += _signatures(child)
            since.append(child)
    return steps


def _signatures(node: Syntax) -> list[Syntax]:
    """Signatures in a part of a file, outside of any function."""
    found, waiting = [], [node]
    while waiting:
        part = waiting.pop()
        if part.kind == "function_declarator" or _is_kernel_macro(part):
            found.append(part)
        elif part.kind not in ("function_definition", "compound_statement"):
            waiting += reversed(part.children)
    return found


def _is_kernel_macro(node: Syntax) -> bool:
    """Whether this is a macro of Linux that defines a function, with its name, and a type and a name by parameter."""
    called = node.child("function") if node.kind == "call_expression" else None
    return called is not None and _KERNEL_MACRO.fullmatch(called.name) is not None


def _parts(reading: Reading, at: int) -> list[range]:
    """Tokens of each part of the list in brackets that opens at a token; no parts if none does."""
    parts: list[range] = []
    if at >= len(reading.tokens) or reading.tokens[at].text != "(":
        return parts
    depth, start = 0, at + 1
    for place in range(at, len(reading.tokens)):
        text = reading.tokens[place].text
        depth += (text == "(") - (text == ")")
        if depth == 0 or (depth == 1 and text == ","):
            parts.append(range(start, place))
            start = place + 1
        if depth == 0:
            break
    return parts


def _name(reading: Reading, place: int) -> list[Syntax]:
    """The name at a token, if one is there."""
    text = reading.tokens[place].text
    if not text.isidentifier() or text in RESERVED[Language.C]:
        return []
    return [Syntax("identifier", None, token=place, name=text)]


def _in_pairs(reading: Reading, macro: Syntax) -> list[Syntax]:
    """Parameters of such a macro: the last word of every second part after the first.

    The tokens tell the parts, since the grammar does not expect types here.
    """
    parts = _parts(reading, macro.children[0].token + 1)
    return [name for part in parts[2::2] if part for name in _name(reading, part[-1])]


def _listed(reading: Reading, signature: Syntax) -> list[Syntax]:
    """Names in the list of a signature in K&R style, which the grammar may take for types."""
    while signature.children:
        signature = signature.children[0]
    parts = _parts(reading, signature.token + 1) if signature.kind == "identifier" else []
    return [name for part in parts for name in _name(reading, part[0])] if all(len(part) == 1 for part in parts) else []


def _parameters(reading: Reading, signature: Syntax, places: Mapping[str, Syntax]) -> list[Step]:
    """Parameters of a signature; in K&R style, those of the list, at these `places` if they are after it."""
    if signature.kind == "call_expression":
        return [reading.declare(name) for name in _in_pairs(reading, signature)]
    names = _listed(reading, signature)
    if not names:
        return [child for child in signature.children if child.kind != "identifier"]
    places = {name.name: name for name in names} | {
        name: place for name, place in places.items() if place.token > names[-1].token
    }
    return [reading.declare(places[name.name]) for name in names]


def _without_name(reading: Reading, node: Syntax) -> Iterable[Step]:
    return node.other("name")


def _declarator(reading: Reading, node: Syntax) -> Iterable[Step]:
    names = [*node.all("name"), *(name for pattern in node.all("pattern") for name in _bound(pattern))]
    return reading.assign(_targets(*names), node.all("value", "left"), Relation.COMES_FROM)


def _bound(node: Syntax) -> list[Syntax]:
    """Variables that a pattern declares, without the names of records."""
    found, waiting = [], [node]
    while waiting:
        part = waiting.pop()
        if part.kind == "identifier":
            found.append(part)
        record = part.kind == "record_pattern"
        waiting += reversed([child for child in part.children if not (record and child.kind == "identifier")])
    return found


def _java_switch(reading: Reading, node: Syntax) -> Iterable[Step]:
    value = reading.take(node.all("condition"))
    cases: list[list[Step]] = []
    for case in (case for body in node.all("body") for case in body.children):
        labels = [label for label in case.children if label.kind == "switch_label"]
        patterns = [part for label in labels for part in label.children if part.kind == "pattern"]
        names = [name for pattern in patterns for name in _bound(pattern)]
        cases.append([*reading.store(_targets(*names), value, Relation.COMES_FROM), case])
    return [*value.steps, *reading.cases(cases)]


def _named(reading: Reading, node: Syntax) -> Iterable[Step]:
    return [reading.declare(name) for name in node.all("name")]


def _for_each(reading: Reading, node: Syntax) -> Iterable[Step]:
    value = reading.take(node.all("value"))
    store = reading.store(_targets(*node.all("name")), value, Relation.COMPUTED_FROM)
    return [*value.steps, *reading.loop([], [*store, *node.all("body")])]


def _java_try(reading: Reading, node: Syntax) -> Iterable[Step]:
    handlers = [[child] for child in node.children if child.kind == "catch_clause"]
    last = [child for child in node.children if child.kind == "finally_clause"]
    return [*node.all("resources"), *reading.attempt(node.all("body"), handlers), *last]


def _field(reading: Reading, node: Syntax) -> Iterable[Step]:
    """Treat `this.x` as the variable x, and any other field as a part of its object."""
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


C: Final = _SHARED | by_kind(
    {
        _unit: "translation_unit",
        _function: "function_definition",
        _signature: "function_declarator",
        _declaration: "declaration parameter_declaration",
        _initialised: "init_declarator",
        _without_name: "enumerator preproc_ifdef",
        reads(): "preproc_def preproc_function_def preproc_include preproc_call attribute_specifier type_definition",
    }
)

JAVA: Final = _SHARED | by_kind(
    {
        _declarator: "variable_declarator resource instanceof_expression",
        _named: "formal_parameter catch_formal_parameter",
        _for_each: "enhanced_for_statement",
        _java_switch: "switch_expression switch_statement",
        _java_try: "try_statement try_with_resources_statement",
        reads("object", "arguments"): "method_invocation",
        lambda reading, node: node.children[:1]: "method_reference",
        _field: "field_access",
        _lambda: "lambda_expression",
        scope_of("parameters", "body"): "method_declaration constructor_declaration",
        reads("arguments", "body"): (
            "class_declaration interface_declaration enum_declaration enum_constant record_declaration"
        ),
        _signature: "labeled_statement",
        reads(): (
            "break_statement continue_statement annotation marker_annotation import_declaration "
            "package_declaration scoped_identifier pattern"
        ),
    }
)
