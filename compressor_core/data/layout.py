"""Another layout for a Python function: indentation, blank lines, quotes, comments. Nothing that runs changes."""

from __future__ import annotations

import random
import re

_INDENTATIONS = ("    ", "    ", "  ", "\t")
_COMMENTS = (
    "# see above",
    "# the usual case",
    "# nothing to do here",
    "# keep this simple",
    "# TODO: check",
    "# may be slow",
    "# for compatibility",
    "# order matters",
    "# default",
)
_COMMENTED, _SPACED = 0.08, 0.08
_STRING = re.compile(r"'((?:[^'\\]|\\.)*)'")


def layout(source: str, rng: random.Random) -> str:
    """`source`, as `ast.unparse` writes it (one statement a line, four spaces), laid out in a random style."""
    if "'''" in source or '"""' in source:
        return source  # a string over several lines: indentation and quotes are part of it
    unit = rng.choice(_INDENTATIONS)
    double = rng.random() < 0.5
    lines: list[str] = []
    for line in source.split("\n"):
        text = line.lstrip(" ")
        indent = unit * ((len(line) - len(text)) // 4)
        # Inside an f-string, a quote of the other kind may be needed where it stands.
        if double and '"' not in text and "f'" not in text:
            text = _STRING.sub(r'"\1"', text)
        if lines and rng.random() < _SPACED:
            lines.append("")
        if lines and rng.random() < _COMMENTED:
            lines.append(indent + rng.choice(_COMMENTS))
        lines.append(indent + text)
    return "\n".join(lines)
