"""Which names of a function are its own, and where they stand: its variables, parameters and inner functions.

Every language has one query over its syntax tree, which says what an identifier is where it stands. A name is a
function's own if, wherever it stands for a variable, a declaration or an assignment of the function is in sight: one
place where it may mean something else (a global, a macro, a field, a class) is enough to leave it out everywhere.
"""

from __future__ import annotations

import keyword
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from compressor_core.dataflow.syntax import LONGEST, is_deep, parser
from compressor_core.language import Language

if TYPE_CHECKING:
    import tree_sitter

_WORD = re.compile(r"\w+")

KEPT = frozenset({"_", "self", "cls", "super"})
"""Names that mean something by themselves."""

DYNAMIC = frozenset({"locals", "vars", "dir", "eval", "exec"})
"""Python's functions that see the names of variables: a function that uses one has no names of its own."""

_RESERVED = {
    Language.C: """
        auto break case char const continue default do double else enum extern float for goto if inline int long
        register restrict return short signed sizeof static struct switch typedef union unsigned void volatile while
    """,
    Language.JAVA: """
        abstract assert boolean break byte case catch char class const continue default do double else enum extends
        final finally float for goto if implements import instanceof int interface long native new package private
        protected public return short static strictfp super switch synchronized this throw throws transient try void
        volatile while
    """,
    Language.PYTHON: " ".join(keyword.kwlist),
}
"""Words that are no names even where the parser, after an error, takes them for one."""

_QUERIES = {
    Language.C: """
        (identifier) @name
        [(function_definition) (compound_statement) (for_statement) (parameter_list)] @scope
        [(preproc_if) (preproc_ifdef) (preproc_elif) (preproc_else)] @branch
        (function_definition declarator: (function_declarator parameters: (parameter_list) @open))
        (function_definition declarator: (pointer_declarator (function_declarator parameters: (parameter_list) @open)))
        (function_definition declarator:
            (pointer_declarator (pointer_declarator (function_declarator parameters: (parameter_list) @open))))
        (declaration declarator: (identifier) @bind)
        (parameter_declaration declarator: (identifier) @bind)
        (init_declarator declarator: (identifier) @bind)
        (pointer_declarator declarator: (identifier) @bind)
        (array_declarator declarator: (identifier) @bind)
        (declaration (storage_class_specifier "extern")) @apart
        (preproc_if condition: (_) @apart)
        (preproc_elif condition: (_) @apart)
        [(preproc_params) (preproc_defined) (macro_type_specifier) (attribute_specifier)] @apart
        (preproc_ifdef name: (identifier) @block)
        (preproc_def name: (identifier) @block)
        (preproc_function_def name: (identifier) @block)
        (parenthesized_declarator (identifier) @block)
        (gnu_asm_output_operand symbol: (identifier) @block)
        (gnu_asm_input_operand symbol: (identifier) @block)
        (type_identifier) @block
        (ERROR) @apart @error
        ((call_expression function: (identifier) @_macro arguments: (argument_list (identifier) @block))
            (#match? @_macro "^[A-Z0-9_]+$"))
        (preproc_arg) @words
    """,
    Language.JAVA: """
        (identifier) @name
        [
            (method_declaration) (constructor_declaration) (compact_constructor_declaration) (lambda_expression)
            (block) (constructor_body) (switch_block) (for_statement) (enhanced_for_statement) (catch_clause)
            (try_with_resources_statement)
        ] @scope
        (enhanced_for_statement value: (_) @outer)
        [
            (class_body) (interface_body) (enum_body) (annotation_type_body)
            (annotation) (marker_annotation) (scoped_identifier)
        ] @apart
        (local_variable_declaration declarator: (variable_declarator name: (identifier) @bind))
        (formal_parameter name: (identifier) @bind)
        (spread_parameter (variable_declarator name: (identifier) @bind))
        (catch_formal_parameter name: (identifier) @bind)
        (enhanced_for_statement name: (identifier) @bind)
        (resource name: (identifier) @bind)
        (inferred_parameters (identifier) @bind)
        (lambda_expression parameters: (identifier) @bind)
        (instanceof_expression name: (identifier) @bind)
        (method_invocation name: (identifier) @other)
        (method_reference . (_) (identifier) @other)
        (method_declaration name: (identifier) @other)
        (constructor_declaration name: (identifier) @other)
        (compact_constructor_declaration name: (identifier) @other)
        (field_access field: (identifier) @other)
        (labeled_statement . (identifier) @other)
        (break_statement (identifier) @other)
        (continue_statement (identifier) @other)
        (field_access object: (this) field: (identifier) @block)
        (class_declaration name: (identifier) @block)
        (interface_declaration name: (identifier) @block)
        (enum_declaration name: (identifier) @block)
        (record_declaration name: (identifier) @block)
        (switch_label (identifier) @block)
        (type_identifier) @block
        (ERROR) @apart @error
    """,
    Language.PYTHON: """
        (identifier) @name
        [
            (function_definition) (lambda)
            (list_comprehension) (set_comprehension) (dictionary_comprehension) (generator_expression)
        ] @scope
        (function_definition name: (identifier) @outer)
        (function_definition return_type: (_) @outer)
        (default_parameter value: (_) @outer)
        (typed_default_parameter type: (_) @outer)
        (typed_default_parameter value: (_) @outer)
        (typed_parameter type: (_) @outer)
        (list_comprehension . (_) . (for_in_clause right: (_) @outer))
        (set_comprehension . (_) . (for_in_clause right: (_) @outer))
        (dictionary_comprehension . (_) . (for_in_clause right: (_) @outer))
        (generator_expression . (_) . (for_in_clause right: (_) @outer))
        (class_definition body: (_) @apart)
        (interpolation "=") @apart
        [
            (import_statement) (import_from_statement) (future_import_statement)
            (global_statement) (nonlocal_statement)
            (case_pattern) (type_parameter) (type_alias_statement)
        ] @apart
        (function_definition name: (identifier) @bind)
        (parameters (identifier) @bind)
        (lambda_parameters (identifier) @bind)
        (default_parameter name: (identifier) @bind)
        (typed_default_parameter name: (identifier) @bind)
        (typed_parameter (identifier) @bind)
        (list_splat_pattern (identifier) @bind)
        (dictionary_splat_pattern (identifier) @bind)
        (assignment left: (identifier) @bind)
        (augmented_assignment left: (identifier) @bind)
        (named_expression name: (identifier) @bind)
        (for_statement left: (identifier) @bind)
        (for_in_clause left: (identifier) @bind)
        (pattern_list (identifier) @bind)
        (tuple_pattern (identifier) @bind)
        (list_pattern (identifier) @bind)
        (as_pattern_target (identifier) @bind)
        (as_pattern_target (tuple (identifier) @bind))
        (attribute attribute: (identifier) @other)
        (keyword_argument name: (identifier) @block)
        (keyword_argument name: (identifier) @other)
        (class_definition name: (identifier) @block)
        (decorated_definition definition: (function_definition name: (identifier) @block))
        (ERROR) @apart @error
    """,
}
"""By language, what its kinds of node mean for names.

`name` is an identifier; `bind` one that comes into being here; `other` one that is no variable (a member, a label);
`block` one whose name is not the function's own, wherever it stands; `words` a text whose words are not. `scope` ends
the life of what is bound in it, but for an `open` one, and so does a `branch` that the preprocessor may leave out. What
is in an `outer` place belongs to the scope around. What is `apart`, such as the body of a class, shares no name with
the function. Beside an `error`, an identifier may be anything.
"""


_LONG = 20_000
"""Bytes of a text from which on one with errors, or nested deeper than DEEPEST, has no names: asking what stands where
takes time by the square of both."""


@dataclass(frozen=True)
class OwnNames:
    """A function's own names: the text in UTF-8, where in it (in bytes) each of them stands, and its syntax tree."""

    source: bytes
    places: Mapping[str, Sequence[int]]
    tree: tree_sitter.Tree


@dataclass(slots=True)
class _Scope:
    """Where names live: the first byte from which each is in sight. A scope without `inside` has none to give."""

    inside: _Scope | None = None
    first: dict[str, int] = field(default_factory=dict)

    def sees(self, name: str, at: int) -> bool:
        scope: _Scope | None = self
        while scope is not None:
            if scope.first.get(name, at + 1) <= at:
                return True
            scope = scope.inside
        return False


@cache
def _query(language: Language) -> tree_sitter.Query:
    import tree_sitter

    grammar = parser(language).language
    assert grammar is not None
    return tree_sitter.Query(grammar, _QUERIES[language])


@cache
def _reserved(language: Language) -> frozenset[str]:
    return frozenset(_RESERVED[language].split())


def own_names(code: str, language: Language) -> OwnNames:
    """The names that are a function's own, in the order in which they first stand in it.

    What cannot be parsed has none, and neither has what is too long for a function: LONGEST characters, or _LONG
    bytes if there are errors in it or it is nested too deeply.
    """
    import tree_sitter

    source = code[:LONGEST].encode("utf-8", "surrogatepass")
    tree = parser(language).parse(source)
    if len(source) > _LONG and (tree.root_node.has_error or is_deep(tree)):
        return OwnNames(source, {}, tree)
    nodes = tree_sitter.QueryCursor(_query(language)).captures(tree.root_node)

    def text(node: tree_sitter.Node) -> str:
        return source[node.start_byte : node.end_byte].decode("utf-8", "surrogatepass")

    others = {node.start_byte for node in nodes.get("other", [])}
    names = {node.start_byte: text(node) for node in nodes.get("name", [])}
    variables = sorted((at, name) for at, name in names.items() if at not in others)
    blocked = {text(node) for node in nodes.get("block", [])} | KEPT | _reserved(language)
    blocked.update(word for node in nodes.get("words", []) for word in _WORD.findall(text(node)))
    unsure = {parent.id: parent for node in nodes.get("error", []) if (parent := node.parent) is not None}
    blocked.update(text(node) for parent in unsure.values() for node in parent.children if node.type == "identifier")
    whole = language is Language.PYTHON
    places = _places(variables, nodes, blocked, whole)
    watched = whole and any(name in DYNAMIC and name not in places for _, name in variables)
    return OwnNames(source, {} if watched or len(code) > LONGEST else places, tree)


def _places(
    variables: Sequence[tuple[int, str]], nodes: Mapping[str, list[tree_sitter.Node]], blocked: set[str], whole: bool
) -> dict[str, list[int]]:
    """Where each name stands that is bound wherever it stands; in a `whole` scope also before it is bound."""
    opened = {node.start_byte for node in nodes.get("open", [])}
    ranges = [
        (node.start_byte, -node.end_byte, order, kind)
        for order, kind in enumerate(("outer", "apart", "branch", "scope"))
        for node in nodes.get(kind, [])
        if not (kind == "scope" and node.start_byte in opened)
    ]
    ranges.sort(reverse=True)
    bound = {node.start_byte for node in nodes.get("bind", [])}
    stack = [(sys.maxsize, _Scope())]
    found: dict[str, list[tuple[int, _Scope]]] = {}
    for at, name in variables:
        while ranges and ranges[-1][0] <= at:
            start, end, _, kind = ranges.pop()
            while stack[-1][0] <= start:
                stack.pop()
            scope = stack[-1][1]
            match kind:
                case "outer":
                    scope = scope.inside or scope
                case "apart":
                    scope = _Scope()
                case "scope":
                    scope = _Scope(scope)
                case "branch" if scope.inside is not None:
                    scope = _Scope(scope)
            stack.append((-end, scope))
        while stack[-1][0] <= at:
            stack.pop()
        if name in blocked or name.startswith("__"):
            continue
        scope = stack[-1][1]
        if at in bound and scope.inside is not None:
            scope.first.setdefault(name, 0 if whole else at)
        found.setdefault(name, []).append((at, scope))
    return {
        name: [at for at, _ in places]
        for name, places in found.items()
        if name and all(scope.sees(name, at) for at, scope in places)
    }
