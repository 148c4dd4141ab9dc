"""Behaviour-preserving changes of functions in C and Java: layout, comments, order, and dead code."""

from __future__ import annotations

import random
import re
from functools import cache, cached_property
from typing import TYPE_CHECKING

from compressor_core.data.changes.edits import Edit, fresh_names, insertion, some
from compressor_core.data.changes.python_layout import COMMENTS
from compressor_core.data.renaming import NAMES
from compressor_core.dataflow.syntax import LONGEST, parser
from compressor_core.language import Language

if TYPE_CHECKING:
    import tree_sitter

_QUERIES = {
    Language.C: """
        (compound_statement (_) @statement)
        (compound_statement) @block
        [(if_statement) (for_statement) (while_statement) (switch_statement)] @keyword
        [(comment) (string_literal) (preproc_def) (preproc_function_def)] @whole
    """,
    Language.JAVA: """
        [(block (_) @statement) (constructor_body (_) @statement)]
        [(block) (constructor_body) (class_body)] @block
        [(if_statement) (for_statement) (enhanced_for_statement) (while_statement)] @keyword
        [(line_comment) (block_comment) (string_literal)] @whole
    """,
}
_APART = re.compile(r"comment|preproc|case_statement|explicit_constructor|ERROR|labeled|class_declaration|line_comment")
_SPACE = re.compile(rb"\s*")
_INDENT = re.compile(rb"[ \t]*")
_WORD = re.compile(rb"\w+")
_NUMBER_OR_SUM = re.compile(rb"""-?\d[\w.]*|"[^"\\]*"|'[^'\\]'|[A-Za-z_]\w*(?:\s*[-+]\s*\w+)*""")
_HEAD = re.compile(rb"(?![ \t]*(?:#|\*|/\*))(?:(?!//).)*(?:\)|\belse|\bdo|\btry)")
"""A line that a brace can follow: not a comment or a directive."""
_ASSIGNED = re.compile(rb"(?:(?:\w+\s+)+\**\s*)?(\w+)\s*=\s*([^;]*);", re.S)
_DECLARED = re.compile(rb"(?:\w+\s+)+[\w\s,*]+;")
_DEAD = {
    Language.C: ("int {fresh} = {number};", "do {{ }} while (0);", "if (0) {{ }}", ";"),
    Language.JAVA: (
        "if (false) {{ }}",
        "int {fresh} = {number};",
        "boolean {fresh} = false;",
        "if (false) {{ ; }}",
        ";",
    ),
}


class Braces:
    """C or Java code with the places that can be changed; offsets are in bytes of UTF-8.

    Code with parse errors has no such places.
    """

    def __init__(self, code: str, language: Language) -> None:
        self.code, self.language = code, language
        self.text = code.encode()
        root = parser(language).parse(self.text).root_node
        self.readable = not root.has_error and len(code) <= LONGEST
        self._nodes = _captures(root, language) if self.readable else {}

    def _all(self, kind: str) -> list[tree_sitter.Node]:
        return sorted(self._nodes.get(kind, []), key=lambda node: node.start_byte)

    @cached_property
    def statements(self) -> list[tree_sitter.Node]:
        """Statements of blocks that are the first on their line."""
        return [
            node
            for node in self._all("statement")
            if node.is_named
            and not _APART.search(node.type)
            and (parent := node.parent) is not None
            and (parent.parent is None or parent.parent.type != "switch_statement")
            and self.indent(node) is not None
        ]

    @cached_property
    def blocks(self) -> list[tree_sitter.Node]:
        """Blocks in braces."""
        return self._all("block")

    @cached_property
    def keywords(self) -> list[int]:
        """Ends of the keywords that are followed by a parenthesis."""
        return [child.end_byte for node in self._all("keyword") if (child := node.child(0)) is not None]

    @cached_property
    def wholes(self) -> list[tuple[int, int]]:
        """Spans of comments, strings and macros, which stay unchanged."""
        return [(node.start_byte, node.end_byte) for node in self._all("whole")]

    def line(self, at: int) -> int:
        """Start of the line that contains the offset `at`."""
        return self.text.rfind(b"\n", 0, at) + 1

    def indent(self, node: tree_sitter.Node) -> str | None:
        """White space before a node that is the first on its line; None if it is not."""
        start = self.line(node.start_byte)
        before = self.text[start : node.start_byte]
        continued = self.text[: max(0, start - 1)].endswith(b"\\")
        return None if before.strip() or continued else before.decode()


@cache
def _query(language: Language) -> tree_sitter.Query:
    import tree_sitter

    grammar = parser(language).language
    assert grammar is not None
    return tree_sitter.Query(grammar, _QUERIES[language])


def _captures(root: tree_sitter.Node, language: Language) -> dict[str, list[tree_sitter.Node]]:
    import tree_sitter

    return tree_sitter.QueryCursor(_query(language)).captures(root)


def reformat(source: Braces, rng: random.Random) -> list[Edit]:
    """Move braces to lines of their own or back, and change the indentation and the spaces before parentheses."""
    return [*_braces(source, rng), *_spaces(source, rng), *_indentation(source, rng)]


def insert_comments(source: Braces, rng: random.Random) -> list[Edit]:
    """Insert comments before some statements."""
    edits = []
    for place in some(range(len(source.statements)), rng, 0.2, 4):
        node, text = source.statements[place], rng.choice(COMMENTS)
        comment = f"/* {text} */" if rng.random() < 0.5 else f"// {text}"
        edits.append(insertion(source.line(node.start_byte), f"{source.indent(node)}{comment}\n"))
    return edits


def insert_dead_code(source: Braces, rng: random.Random) -> list[Edit]:
    """Insert statements without effect before some others."""
    names = fresh_names(source.code, NAMES[source.language], rng)
    edits = []
    for place in some(range(len(source.statements)), rng, 0.1, 3):
        node = source.statements[place]
        text = rng.choice(_DEAD[source.language]).format(fresh=next(names), number=rng.randrange(10))
        edits.append(insertion(source.line(node.start_byte), f"{source.indent(node)}{text}\n"))
    return edits


def reorder_statements(source: Braces, rng: random.Random) -> list[Edit]:
    """Swap neighbouring, independent declarations and assignments of plain values."""
    edits: list[Edit] = []
    done = 0
    for first in source.statements:
        second = first.next_named_sibling
        if first.start_byte < done or second is None or source.indent(second) is None:
            continue
        texts = [source.text[node.start_byte : node.end_byte] for node in (first, second)]
        if _independent(texts[0], texts[1]):
            done = second.end_byte
            edits += [
                Edit(first.start_byte, first.end_byte, texts[1]),
                Edit(second.start_byte, second.end_byte, texts[0]),
            ]
    return edits


def _independent(first: bytes, second: bytes) -> bool:
    written = [_written(first), _written(second)]
    if written[0] is None or written[1] is None:
        return False
    return written[0].isdisjoint(_WORD.findall(second)) and written[1].isdisjoint(_WORD.findall(first))


def _written(statement: bytes) -> set[bytes] | None:
    """Names that a statement declares or assigns; None if it does more than that."""
    if statement.startswith((b"return", b"goto", b"throw", b"else", b"extern", b"break", b"continue")):
        return None
    assigned = _ASSIGNED.fullmatch(statement)
    if assigned is not None and _NUMBER_OR_SUM.fullmatch(assigned[2].strip()):
        return {assigned[1]}
    if _DECLARED.fullmatch(statement):
        names = [part.split()[-1].strip(b"*") for part in statement[:-1].split(b",") if part.split()]
        return set(names)
    return None


def _braces(source: Braces, rng: random.Random) -> list[Edit]:
    own = rng.random() < 0.5
    edits = []
    for block in source.blocks:
        at = block.start_byte
        if source.text[at : at + 1] != b"{":
            continue
        start = at
        while start and source.text[start - 1 : start].isspace():
            start -= 1
        gap = source.text[start:at]
        line = source.text[source.line(start) : start]
        found = _INDENT.match(line)
        assert found is not None
        if own and b"\n" not in gap and line.strip() and not line.lstrip().startswith(b"#"):
            edits.append(Edit(start, at, b"\n" + found[0]))
        elif not own and b"\n" in gap and _HEAD.fullmatch(line):
            edits.append(Edit(start, at, b" "))
    return edits


def _spaces(source: Braces, rng: random.Random) -> list[Edit]:
    wanted = rng.choice((b"", b" "))
    edits = []
    for at in source.keywords:
        found = _SPACE.match(source.text, at)
        assert found is not None
        if source.text[found.end() : found.end() + 1] == b"(" and b"\n" not in found[0] and found[0] != wanted:
            edits.append(Edit(at, found.end(), wanted))
    return edits


def _indentation(source: Braces, rng: random.Random) -> list[Edit]:
    """Scale the indentation of every line outside comments, strings and macros."""
    indents = [
        found[0] for line in source.text.split(b"\n") if (found := _INDENT.match(line)) and found[0].strip(b"\n")
    ]
    unit = min((indent for indent in indents if indent), key=len, default=b"    ")
    wanted = rng.choice([each for each in (b"  ", b"    ", b"\t") if each != unit])
    edits, at = [], 0
    wholes = source.wholes
    for line in source.text.split(b"\n"):
        found = _INDENT.match(line)
        assert found is not None
        inside = any(start < at < end for start, end in wholes)
        continued = source.text[: max(0, at - 1)].endswith(b"\\")
        if (
            found[0]
            and found.end() < len(line)
            and line[found.end() : found.end() + 1] != b"{"
            and not (inside or continued)
        ):
            levels, rest = divmod(len(found[0]), len(unit))
            edits.append(Edit(at, at + found.end(), wanted * levels + b" " * rest))
        at += len(line) + 1
    return edits
