"""Text alternative of a figure: a description in words, and its points as rows of a table.

Both are read from the figure itself, so they have the same numbers as its marks.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import unescape
from typing import Any, Final

import plotly.graph_objects as go

MOST_TRACES: Final = 8
"""Largest number of traces that are described; of the others, only the names are listed."""
MOST_POINTS: Final = 5
"""Largest number of points that are listed one by one; of more, only the range. For bars, twice as many."""
MOST_ROWS: Final = 500
"""Largest number of rows of the table."""


@dataclass(frozen=True)
class Coordinate:
    """One axis of a figure: its title with the unit, the format of its ticks, and the names of some positions."""

    title: str = ""
    format: str = ""
    names: tuple[tuple[float, str], ...] = ()

    def named(self, value: Any) -> bool:
        """Whether a value has a name on this axis."""
        return isinstance(value, str) or (bool(self.names) and round(value) in dict(self.names))

    def text(self, value: Any) -> str:
        """A value as text, as read on this axis."""
        if not isinstance(value, int | float):
            return _plain(str(value))
        if self.named(value):
            return dict(self.names)[round(value)]
        return f"{value:.1%}" if self.format.endswith("%") else _number(value)


@dataclass(frozen=True)
class TraceInfo:
    """One described trace: its points, or only its name for a level; `z` is a map's colour value at each point."""

    name: str
    kind: str
    """`line`, `marks`, `bar`, `map`, `range` (of one axis of parallel coordinates) or `level`."""
    x: Coordinate
    y: Coordinate
    points: tuple[tuple[Any, Any], ...] = ()
    z: tuple[float, ...] = ()
    z_title: str = ""

    @property
    def words(self) -> str:
        """Name and points, or their range."""
        many = len(self.points) > MOST_POINTS * (2 if self.kind == "bar" else 1)
        if self.kind == "level":
            return self.name
        if not self.points:
            return f"{self.name}: none"
        if self.kind == "map":
            return f"{self.name}: {_map_words(self)}"
        if self.kind == "line" and many:
            ends = f"{_at(self, self.points[0])} to {_at(self, self.points[-1])}"
            return f"{self.name}: {len(self.points):,} points, from {ends}{_span(self)}"
        if many:
            return f"{self.name}: {len(self.points):,} points{_span(self)}"
        return f"{self.name}: {'; '.join(_at(self, point) for point in self.points)}"


def trace_infos(figure: go.Figure) -> list[TraceInfo]:
    """Descriptions of the traces of a figure, in order, without traces that only repeat another."""
    return [found for trace in figure.data for found in _of_trace(figure, trace)]


def figure_words(figure: go.Figure) -> str:
    """Description of a figure: its axes, the name and range of each trace, and its annotations."""
    traces = trace_infos(figure)
    notes = [_plain(each.text) for each in figure.layout.annotations if each.text]
    notes += [_plain(each.label.text) for each in figure.layout.shapes if each.label.text]
    notes = [note for note in notes if note not in {trace.name for trace in traces}]
    if len(notes) > MOST_TRACES:
        notes = []  # they are the drawing itself, not notes on it
    axes = {(trace.x.title, trace.y.title) for trace in traces}
    drawn = [" against ".join(filter(None, (y, x))) for x, y in axes if len(axes) == 1 and (x or y)]
    told = [trace.words for trace in traces[:MOST_TRACES]]
    if more := traces[MOST_TRACES:]:
        names = ", ".join(dict.fromkeys(trace.name for trace in more[: 2 * MOST_TRACES]))
        told.append(f"and {len(more):,} more: {names}")
    return joined([*drawn, *told, *notes])


def figure_rows(figure: go.Figure, most: int = MOST_ROWS) -> list[dict[str, Any]]:
    """Every point of a figure as a row with the name of its trace and its coordinates.

    At most `most` rows; traces with few points come first, so that a cloud does not crowd out the best one.
    """
    rows: list[dict[str, Any]] = []
    for trace in sorted(trace_infos(figure), key=lambda each: len(each.points)):
        across, upwards = trace.x.title or "Across", trace.y.title or "Up"
        for place, (x, y) in enumerate(trace.points[: most - len(rows)]):
            if trace.kind == "range":
                rows.append({"What": trace.name, "From": x, "To": y})
                continue
            row = {"What": trace.name, across: trace.x.text(x), upwards: trace.y.text(y)}
            rows.append(row | ({trace.z_title or "Value": _number(trace.z[place])} if trace.z else {}))
    return rows


def joined(parts: Sequence[str]) -> str:
    """Sentences joined by spaces, without empty ones."""
    return " ".join(_sentence(part) for part in parts if part)


def _of_trace(figure: go.Figure, trace: Any) -> Iterator[TraceInfo]:
    if span := (trace.meta or {}).get("span"):
        yield TraceInfo(_plain(trace.name), "range", Coordinate(), Coordinate(), ((span[0], span[-1]),))
        return
    title = figure.layout.yaxis.title.text or figure.layout.xaxis.title.text or ""
    name = _plain(trace.name or title) or trace.type
    x, y = (_coordinate(figure, getattr(trace, f"{letter}axis") or letter) for letter in "xy")
    if trace.type == "heatmap":
        yield _map(figure, trace, name, x, y)
        return
    mode = (trace.mode or "") if trace.type.startswith("scatter") else ""
    aside = trace.hoverinfo == "skip"
    if aside and (trace.showlegend is False or "text" in mode):
        return
    if aside and mode == "lines":
        yield TraceInfo(name, "level", x, y)
        return
    kind = "bar" if trace.type == "bar" else "line" if "lines" in mode else "marks"
    pairs = zip(_list(trace.x), _list(trace.y), strict=False)
    yield TraceInfo(name, kind, x, y, tuple((x, y) for x, y in pairs if _known(x) and _known(y)))


def _map(figure: go.Figure, trace: Any, name: str, x: Coordinate, y: Coordinate) -> TraceInfo:
    xs, ys = _list(trace.x), _list(trace.y)
    cells = [
        (xs[column] if xs else column, ys[row] if ys else row, value)
        for row, line in enumerate(_list(trace.z))
        for column, value in enumerate(line)
        if _known(value)
    ]
    title = trace.colorbar.title.text or figure.layout.coloraxis.colorbar.title.text or ""
    points = tuple((column, row) for column, row, _ in cells)
    return TraceInfo(name, "map", x, y, points, tuple(float(value) for *_, value in cells), _plain(title))


def _map_words(trace: TraceInfo) -> str:
    low, high = min(trace.z), max(trace.z)
    cells = f"{len(trace.z):,} cell{'' if len(trace.z) == 1 else 's'}"
    if low == high:
        return cells
    x, y = trace.points[trace.z.index(high)]
    top = f"{trace.x.title or 'across'} {trace.x.text(x)}, {trace.y.title or 'upwards'} {trace.y.text(y)}"
    return f"{cells}, {trace.z_title or 'value'} from {_number(low)} to {_number(high)}, the most at {top}"


def _coordinate(figure: go.Figure, letter: str) -> Coordinate:
    """Coordinate of axis `letter` (x, y2, …). Names come from the figure's `meta` (all positions), else from ticks."""
    axis = figure.layout[f"{letter[0]}axis{letter[1:]}"]
    cells = (figure.layout.meta or {}).get(letter)
    ticks = list(enumerate(cells)) if cells else list(zip(_list(axis.tickvals), _list(axis.ticktext), strict=False))
    names = tuple((float(place), _plain(str(text))) for place, text in ticks if cells or _figure(text) != place)
    return Coordinate(_plain(axis.title.text or ""), axis.tickformat or "", names)


def _at(trace: TraceInfo, point: tuple[Any, Any]) -> str:
    if trace.kind == "range":
        return f"from {point[0]} to {point[1]}"
    x, y = trace.x.text(point[0]), trace.y.text(point[1])
    return f"{y} {x}" if trace.y.named(point[1]) and not trace.x.named(point[0]) else f"{y} at {x}"


def _span(trace: TraceInfo) -> str:
    """Range of the points in both coordinates; for a line, only in y."""
    parts = []
    for place, axis in enumerate((trace.x, trace.y)):
        values = [point[place] for point in trace.points]
        if (place == 0 and trace.kind == "line") or any(axis.named(value) for value in values):
            continue
        title = re.sub(r"\s*\(.*\)", "", axis.title).split(",")[0] or ("upwards" if place else "across")
        parts.append(f"{title} from {axis.text(min(values))} to {axis.text(max(values))}")
    return f" ({', '.join(parts)})" if parts else ""


def _list(values: Any) -> list[Any]:
    """List of plain Python values from a tuple, a list or an array."""
    if values is None:
        return []
    return list(values.tolist() if hasattr(values, "tolist") else values)


def _known(value: Any) -> bool:
    return value is not None and not (isinstance(value, float) and math.isnan(value))


def _figure(text: Any) -> float | None:
    """Number that the text of a tick stands for, or None."""
    try:
        return float(str(text).replace(",", ""))
    except ValueError:
        return None


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _plain(text: str) -> str:
    """Text without the tags that Plotly knows."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"</?(b|i|br|sub|sup|span)\b[^>]*>", " ", text))).strip()


def _sentence(text: str) -> str:
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."
