"""Removal of text that reveals a label from code: comments and telling names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from compressor_core.dataflow.syntax import COMMENTS, parser
from compressor_core.language import Language

if TYPE_CHECKING:
    import tree_sitter


def parsed(code: str, language: Language) -> tree_sitter.Node:
    """Root of the syntax tree; offsets are in bytes of UTF-8."""
    return parser(language).parse(code.encode("utf-8", "replace")).root_node


def nodes(root: tree_sitter.Node, *kinds: str) -> Iterator[tree_sitter.Node]:
    """Nodes of these kinds, in text order, without those nested inside another."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.type in kinds:
            yield node
        else:
            waiting += reversed(node.children)


def without_comments(code: str, language: Language) -> str:
    """The code without comments and empty lines."""
    source = code.encode("utf-8", "replace")
    kept, end = [], 0
    for comment in nodes(parsed(code, language), *COMMENTS):
        kept.append(source[end : comment.start_byte])
        end = comment.end_byte
    text = b"".join((*kept, source[end:])).decode("utf-8", "replace")
    return "\n".join(line.rstrip() for line in text.splitlines() if line.strip())


def without_names(code: str, telling: re.Pattern[str], substitute: str = "name") -> str:
    """The code with each distinct match replaced by `name1`, `name2`, …, in order of first occurrence."""
    return telling.sub(partial(_numbered, {}, substitute), code)


def _numbered(known: dict[str, str], substitute: str, match: re.Match[str]) -> str:
    return known.setdefault(match[0], f"{substitute}{len(known) + 1}")
