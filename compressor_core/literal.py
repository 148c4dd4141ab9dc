"""Escaping of untrusted text for Markdown and for spreadsheet cells."""

from __future__ import annotations

import re
from typing import Final

_MARKDOWN = re.compile(r"[\\`*\[<$~]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|&(?=#?\w+;)|^[#>]|^[+-](?=[ -]|$)")
"""Characters with a meaning in a line of Markdown; a name such as data_path needs no escape."""
_NUMBERED = re.compile(r"^(\d{1,9})([.)])(?= |$)")
"""The beginning of a numbered list."""
_ADDRESS = re.compile(r"(://|@)|(?<=www)(?=\.)", re.IGNORECASE)
"""Places where Markdown in a browser still detects an address in escaped text."""
_JOINER: Final = "\u2060"
"""Word joiner: zero width, no line break."""
_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?([eE][+-]?\d+)?")
_FORMULA: Final = tuple("=+-@\t\n＝＋－＠")
"""First characters of a cell that a spreadsheet evaluates, including the full-width East Asian forms."""


def literal(text: str) -> str:
    """Text that Markdown shows unchanged in one line: no emphasis, link, image, formula, HTML or icon."""
    line = _ADDRESS.sub(lambda found: f"{found[0][:1]}{_JOINER}{found[0][1:]}", " ".join(text.split()))
    return _NUMBERED.sub(r"\1\\\2", _MARKDOWN.sub(r"\\\g<0>", line))


def literal_code(text: str) -> str:
    """Text as inline code in Markdown, whatever its content."""
    line = " ".join(text.split())
    fence = "`" * (max((len(run) for run in re.findall("`+", line)), default=0) + 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{pad}{line}{pad}{fence}" if line else ""


def cell(value: object) -> object:
    """A cell value for a table file. Text that a spreadsheet would evaluate gets a leading apostrophe."""
    if not isinstance(value, str):
        return value
    text = value.replace("\r\n", "\n").replace("\r", "\n")  # a lone \r would end the row
    # Text that already starts with an apostrophe gets another one, so that `uncelled` is the exact inverse.
    return f"'{text}" if text.lstrip("'").startswith(_FORMULA) and not _NUMBER.fullmatch(text) else text


def uncelled(text: str) -> str:
    """Inverse of `cell`."""
    return text[1:] if text.startswith("'") and text.lstrip("'").startswith(_FORMULA) else text
