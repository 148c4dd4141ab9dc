"""Changes that Python's parser ignores: quotes, layout, comments."""

from __future__ import annotations

import ast
import random
import re

from compressor_core.data.changes.edits import Edit, insertion, some
from compressor_core.data.changes.python import Python

_LITERAL = re.compile(
    rb"""(?P<prefix>[A-Za-z]*)(?P<quote>'''|\"\"\"|'|")(?P<body>(?:\\.|(?!(?P=quote))[^\\])*)(?P=quote)""", re.S
)
_GAP = re.compile(rb"[ \t]*\n[ \t]*")
_CLAUSE = re.compile(rb"[ \t]*(?:else|elif|except|finally|case)\b")
_OTHER = {b"'": b'"', b'"': b"'", b"'''": b'"""', b'"""': b"'''"}
_ESCAPED = {
    (b"'", b"'"): b"\\'",
    (b'"', b'"'): b'\\"',
    (b'\\"', b"'"): b'"',
    (b"\\'", b'"'): b"'",
}
"""How a quote inside a string is written between the other quotes, by its text and those quotes."""
_FIELD = re.compile(rb"\{[^{}]*['\"\\]")
_WIDEST = 100
COMMENTS = (
    "see above",
    "the usual case",
    "nothing to do here",
    "keep this simple",
    "TODO: check",
    "may be slow",
    "for compatibility",
    "order matters",
    "the default",
    "as before",
    "not obvious",
    "see the documentation",
)
"""Texts of inserted comments, for any language; none reveals a label."""


def swap_quotes(source: Python, rng: random.Random) -> list[Edit]:
    """Write every string in the other quotes and escape those in it, unless it is raw, triple-quoted or holds code."""
    edits = []
    for node in source.nodes:
        literal = isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)
        if not literal and not isinstance(node, ast.JoinedStr):
            continue
        assert isinstance(node, ast.expr)
        start, end = source.span(node)
        for found in _LITERAL.finditer(source.text[:end], start):
            body, other = found["body"], _OTHER[found["quote"]]
            prefix = found["prefix"].lower()
            if b"f" in prefix and body.count(b"{") != body.count(b"}"):
                continue
            inside = []
            if other[:1] in body:
                fields = b"f" in prefix and _FIELD.search(body.replace(b"{{", b"").replace(b"}}", b""))
                if len(other) > 1 or b"r" in prefix or fields:
                    continue
                inside = [
                    Edit(found.start("body") + at.start(), found.start("body") + at.end(), new)
                    for at in re.finditer(rb"\\.|['\"]", body, re.S)
                    if (new := _ESCAPED.get((at[0], other), at[0])) != at[0]
                ]
            edits += [
                Edit(found.end("prefix"), found.start("body"), other),
                *inside,
                Edit(found.end("body"), found.end(), other),
            ]
    return edits


def reformat(source: Python, rng: random.Random) -> list[Edit]:
    """Change the line breaks in calls, the blank lines and the indentation; the syntax tree stays the same."""
    calls = _calls(source, rng)
    joined = [edit for edit in calls if edit.start < edit.end]
    indentation = [
        edit for edit in _indentation(source, rng) if not any(at.start <= edit.start < at.end for at in joined)
    ]
    return [*indentation, *_blank_lines(source, rng), *calls]


def insert_comments(source: Python, rng: random.Random) -> list[Edit]:
    """Insert comments before or after some statements."""
    edits = []
    leading = [s.node for s in source.statements if s.scope is not None and source.leads(s.node)]
    for place in some(range(len(leading)), rng, 0.2, 4):
        node, text = leading[place], rng.choice(COMMENTS)
        if rng.random() < 0.5 and source.ends(node) and not hasattr(node, "body"):
            edits.append(insertion(source.span(node)[1], f"  # {text}"))
        else:
            edits.append(insertion(source.start(node), f"{source.indent(node)}# {text}\n"))
    return edits


def _indentation(source: Python, rng: random.Random) -> list[Edit]:
    """Change the width of indentation of every block."""
    unit = rng.choice([unit for unit in ("  ", "    ", "\t", "   ") if unit != source.unit]).encode()
    starts = {source.first_line(s.node) for s in source.statements if source.leads(s.node)}
    continued = {line for s in source.statements for line in _continued(source, s.node)}
    levels = [b""]
    edits, old, new, at = [], b"", b"", 0
    for number, line in enumerate(source.lines):
        bare = line.lstrip(b" \t")
        own = line[: len(line) - len(bare)]
        if bare and number not in source.inside_strings:
            if number in starts or (number not in continued and _CLAUSE.match(line)):
                while levels[-1] != own and own in levels:
                    levels.pop()
                if levels[-1] != own:
                    levels.append(own)
                old, new = own, unit * (len(levels) - 1)
                edits.append(Edit(at, at + len(own), new))
            elif bare.startswith(b"#") and own in levels:
                edits.append(Edit(at, at + len(own), unit * levels.index(own)))
            elif own.startswith(old):
                edits.append(Edit(at, at + len(old), new))
        at += len(line) + 1
    return [edit for edit in edits if source.text[edit.start : edit.end] != edit.text]


def _continued(source: Python, node: ast.stmt) -> range:
    """Continuation lines of a statement, or of the head of a compound statement."""
    body: list[ast.stmt] = getattr(node, "body", [])
    last = source.first_line(body[0]) if body else node.lineno if isinstance(node, ast.Match) else node.end_lineno
    return range(node.lineno, last or 0)


def _blank_lines(source: Python, rng: random.Random) -> list[Edit]:
    """Insert blank lines before some statements, and remove existing ones."""
    edits = []
    for statement in source.statements:
        node = statement.node
        line = source.first_line(node)
        if statement.scope is None or not source.leads(node):
            continue
        before = line
        while before > 0 and not source.lines[before - 1].strip() and before - 1 not in source.inside_strings:
            before -= 1
        if before < line and not source.lines[before - 1].endswith(b"\\"):
            start = source.at(before + 1, 0)
            edits.append(Edit(start, source.start(node), b""))
        elif before == line and statement.place and rng.random() < 0.2:
            edits.append(insertion(source.start(node), "\n"))
    return edits


def _calls(source: Python, rng: random.Random) -> list[Edit]:
    """Spread some calls over several lines, and join others on one."""
    edits: list[Edit] = []
    done = 0
    calls = [node for node in source.nodes if isinstance(node, ast.Call) and (node.args or node.keywords)]
    for call in sorted(calls, key=lambda call: source.span(call)):
        start, end = source.span(call)
        generator = len(call.args) == 1 and isinstance(call.args[0], ast.GeneratorExp)
        if start < done or generator or rng.random() < 0.5:
            continue
        first = source.span(call.func)[1]
        if call.lineno != call.end_lineno:
            inside = source.text[first:end]
            lines = range(call.lineno, call.end_lineno or 0)
            short = len(_GAP.sub(b" ", inside)) < _WIDEST
            if short and b"#" not in inside and b"\\\n" not in inside and source.inside_strings.isdisjoint(lines):
                edits += [
                    Edit(first + gap.start(), first + gap.end(), _joint(inside, gap)) for gap in _GAP.finditer(inside)
                ]
                done = end
            continue
        line = source.lines[call.lineno - 1]
        margin = b"\n" + line[: len(line) - len(line.lstrip())]
        arguments: list[ast.expr | ast.keyword] = [*call.args, *call.keywords]
        places = [source.span(argument)[0] for argument in arguments]
        edits += [_break(source.text, at, margin + source.unit.encode()) for at in places]
        edits.append(Edit(end - 1, end - 1, margin))
        done = end
    return edits


def _joint(text: bytes, gap: re.Match[bytes]) -> bytes:
    """Replacement of a line break: nothing beside a bracket, else a space."""
    before, after = text[: gap.start()][-1:], text[gap.end() :][:1]
    return b"" if before in b"([{" or after in b")]}" else b" "


def _break(text: bytes, at: int, margin: bytes) -> Edit:
    """Edit that replaces the spaces before an argument by a line break."""
    start = at
    while text[start - 1 : start] == b" ":
        start -= 1
    return Edit(start, at, margin)
