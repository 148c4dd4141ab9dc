"""Non-recursive parsing: the tokens of a function, and the part of its syntax tree that contains variables."""

from __future__ import annotations

import dataclasses
import keyword
from collections.abc import Iterable, Sequence
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any

from compressor_core.dataflow.additions import additions
from compressor_core.language import Language

if TYPE_CHECKING:
    import tree_sitter

DEEPEST = 1_000
"""Largest depth of a syntax tree for data flow; the recursive original stops at Python's recursion limit."""

LONGEST = 250_000
"""Largest number of characters that are parsed. No hand-written function is longer; a longer text has the tokens of its
first part and no data flow. The parser's error recovery is quadratic and cannot be interrupted."""

WHOLE = frozenset({"string"})
"""Kinds of node whose whole text is one token: Python's strings. Strings of C and Java are split into quotes, text and
escapes, as in their grammars and in GraphCodeBERT's preprocessing."""

COMMENTS = frozenset({"comment", "line_comment", "block_comment"})

KEPT = frozenset({"identifier", "this"})
"""Kinds of leaf that the extraction uses."""

_C = """
    auto break case char const continue default do double else enum extern float for goto if inline int long register
    restrict return short signed sizeof static struct switch typedef union unsigned void volatile while
"""
_JAVA = """
    abstract assert boolean break byte case catch char class const continue default do double else enum extends final
    finally float for goto if implements import instanceof int interface long native new package private protected
    public return short static strictfp super switch synchronized this throw throws transient try void volatile while
"""
RESERVED = {
    Language.C: frozenset(_C.split()),
    Language.JAVA: frozenset(_JAVA.split()),
    Language.PYTHON: frozenset(keyword.kwlist),
}
"""Reserved words, which are never variables, even if a macro confuses the grammar."""

SEQUENCES = frozenset({"pattern_list", "tuple_pattern", "list_pattern", "expression_list", "tuple", "list"})
"""Kinds whose children are kept even if they contain no name, because their position matters."""


class Relation(StrEnum):
    """Relation of an occurrence to the source of its value: passed on unchanged, or computed in an assignment."""

    COMES_FROM = "comesFrom"
    COMPUTED_FROM = "computedFrom"


@dataclasses.dataclass(frozen=True)
class Token:
    """A leaf of the syntax tree: `code[start:end] == text`, offsets in characters."""

    text: str
    start: int
    end: int


@dataclasses.dataclass(frozen=True)
class Edge:
    """Edge from the node `source` (an index into the nodes) that the value comes from."""

    source: int
    relation: Relation


@dataclasses.dataclass(frozen=True)
class Node:
    """One occurrence of a variable: its token (an index into the tokens), its name, and where its value comes from."""

    token: int
    name: str
    edges: tuple[Edge, ...]


@dataclasses.dataclass(frozen=True)
class DataFlow:
    """Tokens of a function and, in token order, the occurrences of variables that take part in data flow."""

    tokens: tuple[Token, ...]
    nodes: tuple[Node, ...]

    @property
    def edges(self) -> int:
        """Number of edges."""
        return sum(len(node.edges) for node in self.nodes)

    def to_records(self) -> list[dict[str, Any]]:
        """One plain record per node, with the offsets of its name in the code and its edges, for the figures."""
        return [
            {
                "name": node.name,
                "start": self.tokens[node.token].start,
                "end": self.tokens[node.token].end,
                "edges": [{"source": edge.source, "relation": edge.relation.value} for edge in node.edges],
            }
            for node in self.nodes
        ]


@dataclasses.dataclass(slots=True)
class Syntax:
    """A node of the pruned tree: its kind, its field in the parent, and its children or (for a leaf) its token."""

    kind: str
    field: str | None
    children: list[Syntax] = dataclasses.field(default_factory=list)
    token: int = -1
    name: str = ""
    operator: str = ""

    def child(self, *fields: str) -> Syntax | None:
        """The first child in one of these fields."""
        return next((child for child in self.children if child.field in fields), None)

    def all(self, *fields: str) -> list[Syntax]:
        """The children in these fields."""
        return [child for child in self.children if child.field in fields]

    def other(self, *fields: str) -> list[Syntax]:
        """The children in none of these fields."""
        return [child for child in self.children if child.field not in fields]


@cache
def parser(language: Language) -> tree_sitter.Parser:
    """Parser of a language, created on first use."""
    import tree_sitter

    match language:
        case Language.C:
            import tree_sitter_c as grammar
        case Language.JAVA:
            import tree_sitter_java as grammar  # type: ignore[no-redef]
        case Language.PYTHON:
            import tree_sitter_python as grammar  # type: ignore[no-redef]
    return tree_sitter.Parser(tree_sitter.Language(grammar.language()))


def parse(source: bytes, language: Language) -> tree_sitter.Tree:
    """Tree of a text in UTF-8. Python 2's backquotes, which the grammar takes for quotes, are read as brackets."""
    tree = parser(language).parse(source)
    if language is not Language.PYTHON or b"`" not in source:
        return tree
    readable = bytearray(source)
    cursor = tree.walk()
    while True:
        node = cursor.node
        assert node is not None
        if node.type in ("string_start", "string_end") and source[node.start_byte : node.end_byte] == b"`":
            readable[node.start_byte : node.end_byte] = b"(" if node.type == "string_start" else b")"
        if cursor.goto_first_child():
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return parser(language).parse(bytes(readable))


def read(code: str, language: Language) -> tuple[tuple[Token, ...], Syntax | None]:
    """Tokens of a text, and its tree reduced to the branches that contain names.

    Comments, Python's docstrings and invisible text are not tokens, nor is what is added to C for its grammar; a Python
    string is one token. The tree is None if the text cannot be parsed (most of its tokens fit no construct), is longer
    than LONGEST or nests deeper than DEEPEST.
    """
    completed, origin = _completed(code[:LONGEST]) if language is Language.C else (code[:LONGEST], None)
    source = completed.encode("utf-8", "replace")
    cursor = parse(source, language).walk()
    character: Sequence[int] = range(len(source) + 1) if source.isascii() else _characters(source)
    if origin is not None:
        character = [origin[at] for at in character]
    tokens: list[Token] = []
    root = Syntax("", None)
    path = [root]
    stray = deepest = 0
    while True:
        node = cursor.node
        assert node is not None
        kind = node.type
        comment = kind in COMMENTS or (
            kind == "string"
            and language is Language.PYTHON
            and path[-1].kind == "expression_statement"
            and _is_docstring(node)
        )
        if not comment and node.child_count and kind not in WHOLE:
            here = Syntax(kind, cursor.field_name)
            path[-1].children.append(here)
            path.append(here)
            deepest = max(deepest, len(path))
            cursor.goto_first_child()
            continue
        if not comment:
            start, end = character[node.start_byte], character[node.end_byte]
            text = code[start:end]
            if text and (not text.isspace() or node.is_named):
                if kind in KEPT and (kind != "identifier" or text not in RESERVED[language]):
                    path[-1].children.append(Syntax(kind, cursor.field_name, token=len(tokens), name=text))
                elif cursor.field_name == "operator":
                    path[-1].operator = text
                elif path[-1].kind in SEQUENCES and node.is_named:
                    path[-1].children.append(Syntax(kind, cursor.field_name))
                stray += path[-1].kind == "ERROR"
                tokens.append(Token(text, start, end))
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                readable = len(code) <= LONGEST and deepest <= DEEPEST and 2 * stray <= len(tokens)
                return tuple(tokens), root if readable else None
            closed = path.pop()
            if not closed.children and path[-1].kind not in SEQUENCES:
                path[-1].children.pop()


def _completed(code: str) -> tuple[str, list[int] | None]:
    """C code that its grammar can read, and the position in `code` of each character of it if anything was added."""
    parts: list[str] = []
    origin: list[int] = []
    done = 0
    for at, text in additions(code, RESERVED[Language.C]):
        parts += [code[done:at], text]
        origin += [*range(done, at), *(at for _ in text)]
        done = at
    return (code, None) if not parts else ("".join([*parts, code[done:]]), [*origin, *range(done, len(code) + 1)])


def is_deep(tree: tree_sitter.Tree) -> bool:
    """Whether a tree nests deeper than DEEPEST."""
    cursor, depth = tree.walk(), 0
    while depth <= DEEPEST:
        if cursor.goto_first_child():
            depth += 1
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return False
            depth -= 1
    return True


def _characters(source: bytes) -> list[int]:
    """Character index of each byte of UTF-8 text."""
    at, count = [], -1
    for byte in source:
        count += (byte & 0xC0) != 0x80
        at.append(count)
    at.append(count + 1)
    return at


def _is_docstring(string: tree_sitter.Node) -> bool:
    """Whether a string is the whole first statement of a block or of the text."""
    statement = string.parent
    if statement is None or statement.child_count != 1 or statement.parent is None:
        return False
    siblings: Iterable[tree_sitter.Node] = statement.parent.named_children
    first = next((sibling for sibling in siblings if sibling.type not in COMMENTS), None)
    return statement.parent.type in ("module", "block") and first == statement
