"""Text from outside that stays text: in Markdown, and in a spreadsheet's cell."""

from __future__ import annotations

import re
from typing import Final

_MARKDOWN = re.compile(r"[\\`*\[<$~]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|&(?=#?\w+;)|^[#>]|^[+-](?=[ -]|$)")
"""The signs that mean something in a line of Markdown; a name such as data_path needs none escaped."""
_NUMBERED = re.compile(r"^(\d{1,9})([.)])(?= |$)")
"""The beginning of a numbered list."""
_ADDRESS = re.compile(r"(://|@)|(?<=www)(?=\.)", re.IGNORECASE)
"""Where a browser's Markdown still sees an address in text that is escaped."""
_JOINER: Final = "\u2060"
"""A word joiner: no width, and no break."""
_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?([eE][+-]?\d+)?")
_FORMULA: Final = tuple("=+-@\t\n＝＋－＠")
"""How a cell begins that a spreadsheet computes, in the wide forms of East Asian keyboards too."""


def literal(text: str) -> str:
    """A text that Markdown shows as it is, in one line: no emphasis, link, image, formula, HTML or icon."""
    line = _ADDRESS.sub(lambda found: f"{found[0][:1]}{_JOINER}{found[0][1:]}", " ".join(text.split()))
    return _NUMBERED.sub(r"\1\\\2", _MARKDOWN.sub(r"\\\g<0>", line))


def literal_code(text: str) -> str:
    """A text as a piece of code in Markdown, whatever is in it."""
    line = " ".join(text.split())
    fence = "`" * (max((len(run) for run in re.findall("`+", line)), default=0) + 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{pad}{line}{pad}{fence}" if line else ""


def cell(value: object) -> object:
    """A value for a table's file: a text that a spreadsheet would compute gets an apostrophe, which makes it text."""
    if not isinstance(value, str):
        return value
    text = value.replace("\r\n", "\n").replace("\r", "\n")  # a lone \r would end the row
    # One that has an apostrophe there already gets another, so that `uncelled` can tell.
    return f"'{text}" if text.lstrip("'").startswith(_FORMULA) and not _NUMBER.fullmatch(text) else text


def uncelled(text: str) -> str:
    """The inverse of `cell`."""
    return text[1:] if text.startswith("'") and text.lstrip("'").startswith(_FORMULA) else text
