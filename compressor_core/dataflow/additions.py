"""What C code leaves out and its grammar needs: the `;` after the call of a macro, and the type of an implicit int.

Without them, the grammar takes a macro's call for a type, and what follows for the names that it declares.
"""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from typing import Final

_LEXEME: Final = re.compile(
    r"""/\*(?:.*?\*/|.*) | //[^\n]* | ^[ \t]*\#(?:\\\r?\n|[^\n])*
    | "(?:\\.|[^"\\\n])*"? | '(?:\\.|[^'\\\n])*'? | \w+ | [^\w\s]""",
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
_MACRO: Final = re.compile(r"[A-Z0-9_]+")
_TYPES: Final = frozenset(
    ["__attribute", "__attribute__", "__declspec", "__typeof", "__typeof__", "_Alignas", "_Atomic", "alignas", "typeof"]
)
"""Words that stand before a declaration or in its type, with arguments."""
_PREFIXES: Final = frozenset({"extern", "inline", "static", "*"})
"""What may stand before the name of a function without a type."""
_DATA: Final = frozenset({"=", ",", "enum", "struct", "union"})
"""What may stand one or two words before a bracket that opens no block of statements."""
_DECLARED: Final = frozenset({"=", ";", ",", "[", ")"})
"""What may follow a declared name."""
_NEAR: Final = 300
"""Largest number of words between the parameters of a function in K&R style and its body."""


def additions(code: str, reserved: Container[str]) -> list[tuple[int, str]]:
    """Positions in C code, in order, and what to add there; `reserved` are the words that are never names."""
    lexemes = [lexeme for lexeme in _LEXEME.finditer(code) if not _is_invisible(lexeme[0])]
    words = [lexeme[0] for lexeme in lexemes]
    closing = _closing(words)
    found: list[tuple[int, str]] = []
    blocks: list[bool] = []
    starts = {0}
    first: int | None = None
    for at, word in enumerate(words):
        if word == "{":
            blocks.append(_DATA.isdisjoint(words[max(at - 2, 0) : at]) and all(blocks[-1:]))
        elif word == "}" and blocks:
            blocks.pop()
        if word in ("{", "}", ";") or (word == ":" and blocks):
            starts.add(at + 1)
        if at in starts:
            first = at
        elif words[at - 1] not in _PREFIXES:
            first = None
        end = closing.get(at + 1)
        if first is None or end is None or not word.isidentifier() or word in reserved or word in _TYPES:
            continue
        if not blocks and not _MACRO.fullmatch(word) and _is_definition(words, end + 1):
            found.append((lexemes[first].start(), "int "))
        elif first == at and all(blocks[-1:]) and _is_statement(words, at, end, reserved, inside=bool(blocks)):
            found.append((lexemes[end].end(), ";"))
            starts.add(end + 1)
    return found


def _is_invisible(lexeme: str) -> bool:
    """Whether this is a comment or a directive of the preprocessor."""
    return lexeme.startswith(("//", "/*")) or (len(lexeme) > 1 and lexeme.lstrip().startswith("#"))


def _closing(words: Sequence[str]) -> dict[int, int]:
    """Index of the closing bracket for each opening one."""
    found: dict[int, int] = {}
    opened: list[int] = []
    for at, word in enumerate(words):
        if word == "(":
            opened.append(at)
        elif word == ")" and opened:
            found[opened.pop()] = at
    return found


def _is_statement(words: Sequence[str], at: int, end: int, reserved: Container[str], *, inside: bool) -> bool:
    """Whether a macro's call, from its name to its closing bracket, is a statement of its own; `inside` a function.

    Before `x = …`, `x[…]` and `*x`, the macro may as well be their type.
    """
    if end + 2 >= len(words):
        return False
    then, after = words[end + 1], words[end + 2]
    if then == "{":
        return inside and end == at + 3
    return then in reserved or (then.isidentifier() and after not in _DECLARED)


def _is_definition(words: Sequence[str], at: int) -> bool:
    """Whether a function's body, or parameters in K&R style and then its body, start here."""
    if at == len(words) or not words[at].isidentifier():
        return words[at : at + 1] == ["{"]
    near = words[at : at + _NEAR]
    body = next((place for place, word in enumerate(near) if word in ("{", "=")), 0)
    return near[body] == "{" and near[body - 1] == ";"
