"""A function with its data flow: the records of a graph and the code → `DataFlowInfo` → the code with arcs in it.

Code must line up with the arcs at any page width, so both are laid out in pixels: a monospaced character is 0.6 times
the font size wide, and lines wrap to fit a phone.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import plotly.graph_objects as go

from compressor_core.figures import theme

RELATIONS: Final[Mapping[str, str]] = {"comesFrom": "comes from", "computedFrom": "computed from"}
COLORS: Final[Mapping[str, str]] = {"comesFrom": theme.FEASIBLE, "computedFrom": theme.BEST}
_DASH: Final[Mapping[str, str]] = {"comesFrom": "solid", "computedFrom": "dot"}

COLUMNS: Final = 42
"""Width of a row in characters, without the line numbers; fits a phone."""
MOST_ROWS: Final = 150
"""Largest number of rows drawn; longer functions are cut."""

_FONT: Final = 12
_FAMILY: Final = "Source Code Pro, Menlo, DejaVu Sans Mono, Liberation Mono, Lucida Console, Courier New, monospace"
_WIDTH: Final = 0.6 * _FONT
_HEIGHT: Final = 30
_GUTTER: Final = 4
_EDGE: Final = 0.3
"""Distance between the middle of a line and the ends of its arcs, in rows."""


@dataclass(frozen=True)
class RowInfo:
    """A drawn row of code; `line` is its line number, None for a continuation row."""

    line: int | None
    text: str


@dataclass(frozen=True)
class OccurrenceInfo:
    """An occurrence of a variable: its name, its line in the code and where it is drawn."""

    name: str
    line: int
    row: int
    column: int
    width: int


@dataclass(frozen=True)
class EdgeInfo:
    """A value that reaches the occurrence `target` from the occurrence `source`."""

    source: int
    target: int
    relation: str


@dataclass(frozen=True)
class DataFlowInfo:
    """A function as it is drawn. `lines` is its number of lines, `variables` its names, most edges first."""

    rows: tuple[RowInfo, ...]
    occurrences: tuple[OccurrenceInfo, ...]
    edges: tuple[EdgeInfo, ...]
    variables: tuple[str, ...]
    lines: int

    @property
    def cut(self) -> bool:
        """Whether only a part of the function is drawn."""
        return len(self.rows) == MOST_ROWS


def data_flow_info(
    code: str, records: Sequence[Mapping[str, Any]], *, variable: str | None = None, columns: int = COLUMNS
) -> DataFlowInfo:
    """Lay out a function.

    Args:
        code: The function.
        records: Its graph, one record per node: `name`, `start` and `end` in the code, `edges` with `source`, an index
            into the records, and `relation`.
        variable: If given, only edges that leave or reach this variable.
        columns: Largest width of a row.
    """
    rows, cells = _layout(code, columns)
    weight: dict[str, int] = {}
    for record in records:
        for edge in record["edges"]:
            for name in {record["name"], records[edge["source"]]["name"]}:
                weight[name] = weight.get(name, 0) + 1
    index: dict[int, int] = {}
    occurrences: list[OccurrenceInfo] = []
    for at, record in enumerate(records):
        if (cell := cells.get(record["start"])) is not None:
            index[at] = len(occurrences)
            line, row, column = cell
            occurrences.append(OccurrenceInfo(record["name"], line, row, column, _width(record["name"])))
    edges = tuple(
        EdgeInfo(index[edge["source"]], index[at], edge["relation"])
        for at, record in enumerate(records)
        for edge in record["edges"]
        if at in index
        and edge["source"] in index
        and variable in (None, record["name"], records[edge["source"]]["name"])
    )
    variables = tuple(sorted(weight, key=lambda name: (-weight[name], name)))
    return DataFlowInfo(rows, tuple(occurrences), edges, variables, len(code.splitlines()))


def data_flow_figure(info: DataFlowInfo) -> go.Figure:
    """Figure of the code with its variables marked and an arc from each occurrence to those that its value reaches."""
    rows = max(len(info.rows), 1)
    axis: dict[str, Any] = {"visible": False, "fixedrange": True}
    figure = go.Figure(
        layout=theme.layout(
            "",
            "",
            height=int(_HEIGHT * (rows + 1)) + 50,
            margin={"t": 40, "l": 0, "r": 0},
            dragmode=False,
            legend={"y": 1},
            xaxis={**axis, "range": [0, 1]},
            yaxis={**axis, "range": [rows, -1]},
        )
    )
    # A figure without a trace has no axes; the legend lists the shapes.
    figure.add_trace(
        go.Scatter(x=[0], y=[0], mode="markers", marker={"opacity": 0}, showlegend=False, hoverinfo="skip")
    )
    if not info.rows:
        return theme.note(figure, "No code to draw")
    shapes: list[dict[str, Any]] = []
    for relation, title in RELATIONS.items():
        edges = [edge for edge in info.edges if edge.relation == relation]
        if not edges:
            continue
        arcs, heads = zip(*(_arc(info.occurrences[e.source], info.occurrences[e.target]) for e in edges), strict=True)
        common = {
            "type": "path",
            "xref": "x",
            "yref": "y",
            "xsizemode": "pixel",
            "xanchor": 0,
            "legendgroup": relation,
            "layer": "below",
        }
        line = {"color": COLORS[relation], "width": 1.4, "dash": _DASH[relation]}
        shapes.append({**common, "path": " ".join(arcs), "line": line, "showlegend": True, "name": title})
        shapes.append({**common, "path": " ".join(heads), "line": {"width": 0}, "fillcolor": COLORS[relation]})
    figure.update_layout(shapes=shapes, annotations=[*_lines(info), *_variables(info)])
    return figure


def data_flow_sentence(info: DataFlowInfo) -> str:
    """Description of the figure in words."""
    if not info.variables:
        return "No value flows from one variable to another here, or the code cannot be read as the chosen language."
    count = f"{len(info.edges)} edge{'s' if len(info.edges) != 1 else ''}"
    names = f"{len(info.variables)} variable{'s' if len(info.variables) != 1 else ''}"
    cut = f" Only the first {MOST_ROWS} rows are drawn." if info.cut else ""
    return f"{names}, {len(info.occurrences)} occurrences, {count} drawn.{cut}"


def _width(text: str) -> int:
    """Width of a text in columns."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 0 if unicodedata.combining(c) else 1 for c in text)


def _layout(code: str, columns: int) -> tuple[tuple[RowInfo, ...], dict[int, tuple[int, int, int]]]:
    """Rows of a text, without blank lines and with half the indentation, and line, row and column of each character by
    its offset."""
    rows: list[RowInfo] = []
    cells: dict[int, tuple[int, int, int]] = {}
    start = 0
    for number, line in enumerate(code.splitlines(keepends=True), 1):
        body = line.strip()
        offset = start + len(line) - len(line.lstrip())
        start += len(line)
        if not body:
            continue
        indent = min(len(line.expandtabs(4)) - len(line.expandtabs(4).lstrip()), 24) // 2
        label: int | None = number
        while body:
            if len(rows) == MOST_ROWS:
                return tuple(rows), cells
            piece = _head(body, columns - indent)
            column = indent
            for at, character in enumerate(piece):
                cells[offset + at] = (number, len(rows), column)
                column += _width(character)
            rows.append(RowInfo(label, " " * indent + piece.replace("\t", " ")))
            rest = body[len(piece) :]
            offset += len(body) - len(rest.lstrip())
            body = rest.lstrip()
            if label is not None:
                label, indent = None, indent + 2
    return tuple(rows), cells


def _head(text: str, columns: int) -> str:
    """As much of a text as fits, cut at the end of a word if possible."""
    taken = 0
    for at, character in enumerate(text):
        taken += _width(character)
        if taken > columns:
            space = max(text.rfind(" ", 0, at + 1), text.rfind(",", 0, at) + 1)
            return text[: space if space > at // 2 else max(at, 1)]
    return text


def _x(column: float) -> float:
    return round((column + _GUTTER) * _WIDTH, 1)


def _arc(source: OccurrenceInfo, target: OccurrenceInfo) -> tuple[str, str]:
    """Paths of an arc and its arrowhead: x in pixels, y in rows."""
    x0, x1 = _x(source.column + source.width / 2), _x(target.column + target.width / 2)
    up = target.row < source.row
    y0 = source.row + (_EDGE if target.row > source.row else -_EDGE)
    y1 = target.row + (_EDGE if up else -_EDGE)
    if source.row == target.row:
        swing = 10 if x0 == x1 else 0
        bend = f"{x0 - swing},{y0 - 0.6} {x1 + swing},{y1 - 0.6}"
    elif up:
        reach = min(0.6 * (source.row - target.row), 3) * 14
        bend = f"{x0 + reach},{y0 - 0.5} {x1 + reach},{y1 + 0.5}"
    else:
        distance = target.row - source.row
        reach, swing = min(0.5 * distance, 2), min(5 * max(distance - 2, 0), 80)
        bend = f"{x0 + swing},{y0 + reach} {x1 + swing},{y1 - reach}"
    base = y1 + (0.2 if up else -0.2)
    return f"M{x0},{y0} C{bend} {x1},{y1}", f"M{x1},{y1} L{x1 - 3},{base} L{x1 + 3},{base} Z"


def _annotation(column: float, row: int, text: str, **more: Any) -> dict[str, Any]:
    return {
        **{"x": 0, "y": row, "xref": "x", "yref": "y", "xanchor": "left", "yanchor": "middle"},
        **{"xshift": _x(column), "text": text, "showarrow": False, "align": "left", "borderpad": 0},
        **more,
    }


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _lines(info: DataFlowInfo) -> Iterable[dict[str, Any]]:
    """The line numbers and the code without its marked variables, which are drawn separately."""
    font = {"family": _FAMILY, "size": _FONT}
    gaps: dict[int, list[OccurrenceInfo]] = {}
    for one in info.occurrences:
        gaps.setdefault(one.row, []).append(one)
    for at, row in enumerate(info.rows):
        if row.line is not None:
            yield _annotation(-_GUTTER, at, f"{row.line:>3}", font=font, opacity=0.75)
        column = 0
        text = ""
        hidden = {(one.column, one.column + one.width) for one in gaps.get(at, [])}
        for character in row.text:
            inside = any(start <= column < end for start, end in hidden)
            text += " " * _width(character) if inside else character
            column += _width(character)
        if text.strip():
            yield _annotation(0, at, _escaped(text.rstrip()), font=font)


def _variables(info: DataFlowInfo) -> Iterable[dict[str, Any]]:
    sources: dict[int, list[str]] = {}
    targets: dict[int, list[str]] = {}
    for edge in info.edges:
        source, target = info.occurrences[edge.source], info.occurrences[edge.target]
        words = RELATIONS[edge.relation]
        sources.setdefault(edge.target, []).append(f"{words} {source.name} in line {source.line}")
        targets.setdefault(edge.source, []).append(f"{target.name} in line {target.line} {words} it")
    for at, one in enumerate(info.occurrences):
        told = [*sources.get(at, []), *targets.get(at, [])]
        more = [f"and {len(told) - 12} more"] if len(told) > 12 else []
        yield _annotation(
            one.column,
            one.row,
            f"<b>{_escaped(one.name)}</b>",
            font={"family": _FAMILY, "size": _FONT},
            bgcolor=theme.faint(theme.TEACHER, 0.22) if told else "rgba(0,0,0,0)",
            hovertext="<br>".join([f"<b>{_escaped(one.name)}</b>, line {one.line}", *map(_escaped, told[:12]), *more]),
            hoverlabel={"font": {"family": _FAMILY, "size": _FONT}},
        )
