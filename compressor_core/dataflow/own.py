"""A function's own names and their positions: its variables, parameters and inner functions.

Every language has one query over its syntax tree that classifies each identifier. A name is a function's own if every
use of it as a variable is in the scope of a declaration or assignment in the function. One place where it may mean
something else (a global, a macro, a field, a class) excludes it everywhere.
"""

from __future__ import annotations

import keyword
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from compressor_core.dataflow.syntax import LONGEST, is_deep, parse, parser
from compressor_core.language import Language

if TYPE_CHECKING:
    import tree_sitter

_WORD = re.compile(r"\w+")

KEPT = frozenset({"_", "self", "cls", "super"})
"""Names with a fixed meaning."""

DYNAMIC = frozenset({"locals", "vars", "dir", "eval", "exec"})
"""Python's functions that can see variable names; a function that uses one has no own names."""

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
"""Reserved words, which are never names, even if the parser takes them for one after an error."""


def _parents(children: Mapping[str, str]) -> str:
    """A query for children of several kinds of node, from patterns of a child with the kinds of its parents."""
    return " ".join(f"({kind} {child})" for child, kinds in children.items() for kind in kinds.split())


_QUERIES = {
    Language.C: """
        (identifier) @name
        [(function_definition) (compound_statement) (for_statement) (parameter_list)] @scope
        [(preproc_if) (preproc_ifdef) (preproc_elif) (preproc_else)] @branch
        (function_definition declarator: (function_declarator parameters: (parameter_list) @open))
        (function_definition declarator: (pointer_declarator (function_declarator parameters: (parameter_list) @open)))
        (function_definition declarator:
            (pointer_declarator (pointer_declarator (function_declarator parameters: (parameter_list) @open))))
        (declaration (storage_class_specifier "extern")) @apart
        [(preproc_params) (preproc_defined) (macro_type_specifier) (attribute_specifier)] @apart
        (type_identifier) @block
        (ERROR) @apart @error
        ((call_expression function: (identifier) @_macro arguments: (argument_list (identifier) @block))
            (#match? @_macro "^[A-Z0-9_]+$"))
        (preproc_arg) @words
    """
    + _parents(
        {
            "declarator: (identifier) @bind": (
                "declaration parameter_declaration init_declarator pointer_declarator array_declarator"
            ),
            "condition: (_) @apart": "preproc_if preproc_elif",
            "name: (identifier) @block": "preproc_ifdef preproc_def preproc_function_def",
            "symbol: (identifier) @block": "gnu_asm_output_operand gnu_asm_input_operand",
            "(identifier) @block": "parenthesized_declarator",
        }
    ),
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
        (spread_parameter (variable_declarator name: (identifier) @bind))
        (lambda_expression parameters: (identifier) @bind)
        (method_reference . (_) (identifier) @other)
        (labeled_statement . (identifier) @other)
        (field_access field: (identifier) @other)
        (field_access object: (this) field: (identifier) @block)
        (type_identifier) @block
        (ERROR) @apart @error
    """
    + _parents(
        {
            "name: (identifier) @bind": (
                "formal_parameter catch_formal_parameter enhanced_for_statement resource instanceof_expression"
            ),
            "name: (identifier) @other": (
                "method_invocation method_declaration constructor_declaration compact_constructor_declaration"
            ),
            "name: (identifier) @block": "class_declaration interface_declaration enum_declaration record_declaration",
            "(identifier) @bind": "inferred_parameters",
            "(identifier) @other": "break_statement continue_statement",
            "(identifier) @block": "switch_label",
        }
    ),
    Language.PYTHON: """
        (identifier) @name
        [
            (function_definition) (lambda)
            (list_comprehension) (set_comprehension) (dictionary_comprehension) (generator_expression)
        ] @scope
        (class_definition body: (_) @apart)
        (interpolation "=") @apart
        [
            (import_statement) (import_from_statement) (future_import_statement)
            (global_statement) (nonlocal_statement)
            (case_pattern) (type_parameter) (type_alias_statement)
        ] @apart
        (as_pattern_target (tuple (identifier) @bind))
        (attribute attribute: (identifier) @other)
        (keyword_argument name: (identifier) @block @other)
        (decorated_definition definition: (function_definition name: (identifier) @block))
        (ERROR) @apart @error
    """
    + _parents(
        {
            "name: (identifier) @outer @bind": "function_definition",
            "return_type: (_) @outer": "function_definition",
            "value: (_) @outer": "default_parameter typed_default_parameter",
            "type: (_) @outer": "typed_parameter typed_default_parameter",
            ". (_) . (for_in_clause right: (_) @outer)": (
                "list_comprehension set_comprehension dictionary_comprehension generator_expression"
            ),
            "name: (identifier) @bind": "default_parameter typed_default_parameter named_expression",
            "left: (identifier) @bind": "assignment augmented_assignment for_statement for_in_clause",
            "(identifier) @bind": (
                "parameters lambda_parameters typed_parameter list_splat_pattern dictionary_splat_pattern "
                "pattern_list tuple_pattern list_pattern as_pattern_target"
            ),
            "name: (identifier) @block": "class_definition",
        }
    ),
}
"""Queries by language; the captures classify nodes.

`name` is an identifier; `bind` one that is declared here; `other` one that is not a variable (a member, a label);
`block` one whose name is nowhere the function's own; `words` a text whose words are not. A `scope` limits the
visibility of names bound in it, unless it is `open`; so does a `branch` that the preprocessor may skip. An `outer`
place belongs to the enclosing scope. An `apart` node, such as the body of a class, shares no name with the function.
Beside an `error`, an identifier may be anything.
"""


_LONG = 20_000
"""Size in bytes above which a text with errors, or nested deeper than DEEPEST, has no own names, because the query
takes time quadratic in both."""


@dataclass(frozen=True)
class OwnNames:
    """A function's own names: its text in UTF-8, the positions of each name in bytes, and the syntax tree."""

    source: bytes
    positions: Mapping[str, Sequence[int]]
    tree: tree_sitter.Tree


@dataclass(slots=True)
class _Scope:
    """A scope: the first byte from which each name is visible. `inside` is the enclosing scope; a scope without one
    binds no names."""

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


def is_name(text: str, language: Language) -> bool:
    """Whether a text can be the name of a variable and has no fixed meaning."""
    return text.isidentifier() and text not in KEPT and text not in _reserved(language)


def own_names(code: str, language: Language) -> OwnNames:
    """A function's own names, in order of first occurrence.

    There are none if the text cannot be parsed or is too long: more than LONGEST characters, or more than _LONG bytes
    with parse errors or too deep nesting.
    """
    import tree_sitter

    source = code[:LONGEST].encode("utf-8", "surrogatepass")
    tree = parse(source, language)
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
    positions = _positions(variables, nodes, blocked, whole)
    watched = whole and any(name in DYNAMIC and name not in positions for _, name in variables)
    return OwnNames(source, {} if watched or len(code) > LONGEST else positions, tree)


def _positions(
    variables: Sequence[tuple[int, str]], nodes: Mapping[str, list[tree_sitter.Node]], blocked: set[str], whole: bool
) -> dict[str, list[int]]:
    """Positions of each name that is bound at all of them; in a `whole` scope a name counts as bound from the start."""
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
        name: [at for at, _ in positions]
        for name, positions in found.items()
        if name and all(scope.sees(name, at) for at, scope in positions)
    }
