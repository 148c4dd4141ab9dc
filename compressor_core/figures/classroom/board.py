"""The board of a class by size: accuracy of students, and searches beside the curve of optima."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from compressor_core.figures import theme

NAMED: Final = 12
"""Largest number of labelled points of one kind; of more, those ranked first are labelled."""


@dataclass(frozen=True)
class Made:
    """One point of the board: a search or a student. Shares are from 0 to 1, sizes in MB (10^6 bytes)."""

    who: str
    kind: str
    """`search` or `student`."""
    size_mb: float
    gflops: float
    """By the paper's formula."""
    architecture: str
    run: str
    created: float
    accuracy: float | None = None
    """On the test split. This and the next three are None for a search."""
    teacher_accuracy: float | None = None
    flips: float | None = None
    """Share of answers that flip after changes that keep the label."""
    speedup: float | None = None
    """Teacher's median latency divided by the student's; None until a comparison or a study has measured it."""
    gap: float | None = None
    """Distance of a search's best from the optimum, as a share of the optimum."""
    place: int | None = None
    """Rank in the challenge; only each participant's best student has one."""


@dataclass(frozen=True)
class Foretold:
    """A participant's forecast, and the student that it is compared with."""

    who: str
    accuracy: float
    size_mb: float
    outcome: Made

    @property
    def points(self) -> float:
        """Accuracy of the outcome minus the forecast, in points."""
        return 100 * ((self.outcome.accuracy or 0.0) - self.accuracy)


@dataclass(frozen=True)
class BoardInfo:
    """Current state of the board of a class."""

    made: tuple[Made, ...]
    """Sorted by place; those without one last, newest first."""
    foretold: tuple[Foretold, ...]
    optima: Mapping[str, Sequence[tuple[float, float]]]
    """Size and GFLOPs of the true optima of each space that was searched, by increasing size."""
    teacher: float | None
    """Its accuracy on the same split; None if not known."""
    most_mb: float | None = None
    """Limit of the challenge on size; `lost` is that on lost accuracy."""
    lost: float | None = None

    def of(self, kind: str) -> list[Made]:
        return [one for one in self.made if one.kind == kind]


def board_sentence(info: BoardInfo) -> str:
    """Sentence on who leads, or that nobody meets the challenge yet."""
    first = next((one for one in info.made if one.place == 1), None)
    if first is None:
        searches, students = len(info.of("search")), len(info.of("student"))
        return f"No student meets the challenge yet (searches: {searches}, students: {students})."
    speed = "" if first.speedup is None else f", {first.speedup:.1f} times as fast as the teacher"
    return f"{first.who} leads: accuracy {first.accuracy:.1%} at {first.size_mb:.2f} MB{speed}."


def forecast_sentence(info: BoardInfo) -> str:
    """Sentence on the error of the forecasts and its direction."""
    if not info.foretold:
        return "No forecast has an outcome yet."
    off = [one.points for one in info.foretold]
    low, high = sum(one > 0 for one in off), sum(one < 0 for one in off)
    return (
        f"Forecasts of accuracy were off by {median(map(abs, off)):.1f} points (median of {len(off)}): "
        f"{low} too low, {high} too high."
    )


def board_rows(info: BoardInfo) -> list[dict[str, Any]]:
    """Table of all points."""
    return [
        {
            "Place": one.place,
            "Name": one.who,
            "What": one.kind,
            "Accuracy (%)": _percent(one.accuracy),
            "Size (MB)": one.size_mb,
            "Below the teacher (points)": None
            if one.accuracy is None or one.teacher_accuracy is None
            else 100 * (one.teacher_accuracy - one.accuracy),
            "Answers that flip (%)": _percent(one.flips),
            "Times faster": one.speedup,
            "GFLOPs": one.gflops,
            "Below the optimum (%)": _percent(one.gap),
            "Architecture": one.architecture,
            "Run": one.run,
        }
        for one in info.made
    ]


def forecast_rows(info: BoardInfo) -> list[dict[str, Any]]:
    """Table of forecasts and outcomes."""
    return [
        {
            "Name": one.who,
            "Accuracy, forecast (%)": 100 * one.accuracy,
            "Accuracy, outcome (%)": _percent(one.outcome.accuracy),
            "Off by (points)": one.points,
            "Size, forecast (MB)": one.size_mb,
            "Size, outcome (MB)": one.outcome.size_mb,
        }
        for one in info.foretold
    ]


def board_figure(info: BoardInfo) -> go.Figure:
    """Two panels: accuracy of students with the teacher's line, and GFLOPs of searches with the curve of optima."""
    students, searches = info.of("student"), info.of("search")
    figure = _figure([one.size_mb for one in info.made] or [0.25, 10.0])
    low, high = (10**end for end in figure.layout.xaxis.range)
    for (space, optima), dash in zip(info.optima.items(), ("solid", "dash"), strict=False):
        shown = [point for point in optima if low <= point[0] <= high]
        figure.add_scatter(
            x=[size for size, _ in shown],
            y=[gflops for _, gflops in shown],
            mode="lines",
            name=f"true optima, {space} space",
            showlegend=True,
            line={"color": theme.OPTIMUM, "width": 2, "shape": "hv", "dash": dash},
            hovertemplate="%{y:.3f} GFLOPs at %{x:.2f} MB<extra>true optimum</extra>",
            row=2,
            col=1,
        )
    placed = [one for one in students if one.place == 1]
    rest = [one for one in students if one.place != 1]
    for row, points, name, marker in (
        (1, rest, "student", {"color": theme.STUDENT, "symbol": "circle", "size": 11}),
        (1, placed, "leads the challenge", {"color": theme.BEST, "symbol": "star", "size": 17}),
        (2, searches, "best of a search", {"color": theme.FEASIBLE, "symbol": "diamond-open", "size": 11}),
    ):
        if points:
            _points(figure, points, name, marker, row)
    if not students:
        figure.add_annotation(
            text="No student yet", x=0.5, y=0.5, xref="x domain", yref="y domain", showarrow=False, font={"size": 14}
        )
    levels = [one.accuracy for one in students if one.accuracy is not None]
    if info.teacher is not None:
        _line(figure, info.teacher, f"teacher {info.teacher:.1%}", theme.TEACHER, "dash")
        if info.lost:
            _line(figure, info.teacher - info.lost, f"{100 * info.lost:g} points below", theme.GREY, "dot")
        levels += [info.teacher, info.teacher - 0.1]
    if levels:  # lines alone do not set a range
        figure.update_yaxes(range=[100 * min(levels) - 2, min(100 * max(levels) + 3, 101)], row=1)
    if info.most_mb and low < info.most_mb < high:
        figure.add_vline(
            info.most_mb,
            line={"color": theme.GREY, "width": 1.5, "dash": "dot"},
            annotation={"text": f"{info.most_mb:g} MB"},
            annotation_position="bottom left",
            row=1,
            col=1,
        )
    return figure


def forecast_figure(info: BoardInfo) -> go.Figure:
    """Accuracy against size, with a line from forecast to outcome for each participant."""
    figure = go.Figure(layout=theme.layout(_SIZE, _ACCURACY, height=460))
    if not info.foretold:
        return theme.note(figure, "No forecast has an outcome yet")
    ends = [
        (one.size_mb, 100 * one.accuracy, one.outcome.size_mb, 100 * (one.outcome.accuracy or 0.0))
        for one in info.foretold
    ]
    figure.add_scatter(
        x=[value for x0, _, x1, _ in ends for value in (x0, x1, None)],
        y=[value for _, y0, _, y1 in ends for value in (y0, y1, None)],
        mode="lines",
        name="from one to the other",
        hoverinfo="skip",
        line={"color": theme.GREY, "width": 1.5},
    )
    names = [one.who for one in info.foretold]
    for name, at, marker in (
        ("forecast", 0, {"color": theme.FEASIBLE, "symbol": "diamond-open", "size": 11, "line": {"width": 2}}),
        ("outcome", 2, {"color": theme.STUDENT, "symbol": "circle", "size": 11}),
    ):
        figure.add_scatter(
            x=[one[at] for one in ends],
            y=[one[at + 1] for one in ends],
            text=names,
            mode="markers+text" if at and len(names) <= NAMED else "markers",
            textposition="top center",
            name=name,
            marker=marker,
            hovertemplate="<b>%{text}</b><br>%{x:.2f} MB<br>%{y:.1f} %<extra>" + name + "</extra>",
        )
    if info.teacher is not None:
        _line(figure, info.teacher, f"teacher {info.teacher:.1%}", theme.TEACHER, "dash")
    figure.update_xaxes(**theme.log_axis([size for x0, _, x1, _ in ends for size in (x0, x1)]))
    return figure


_SIZE: Final = "Size of the file (MB)"
_ACCURACY: Final = "Accuracy on the test split (%)"


def _figure(sizes: Sequence[float]) -> go.Figure:
    """Two empty panels on one axis of sizes."""
    figure = make_subplots(2, 1, shared_xaxes=True, vertical_spacing=0.08, row_heights=[0.62, 0.38])
    figure.update_layout(theme.layout("", "", height=560, uirevision="board"))
    grid = {"gridcolor": theme.GRID, "zerolinecolor": theme.GRID, "automargin": True}
    figure.update_xaxes(**grid, **theme.log_axis([*sizes, min(sizes) / 2, max(sizes) * 2]))
    figure.update_yaxes(**grid)
    figure.update_xaxes(title=_SIZE, row=2)
    figure.update_yaxes(title=_ACCURACY, row=1)
    figure.update_yaxes(title="GFLOPs", rangemode="tozero", row=2)
    return figure


def _points(figure: go.Figure, points: Sequence[Made], name: str, marker: dict[str, Any], row: int) -> None:
    unit = " %" if row == 1 else " GFLOPs"
    figure.add_scatter(
        x=[one.size_mb for one in points],
        y=[100 * (one.accuracy or 0.0) if row == 1 else one.gflops for one in points],
        text=[one.who if len(points) <= NAMED or (one.place or NAMED + 1) <= NAMED else "" for one in points],
        customdata=[[one.who, one.architecture] for one in points],
        mode="markers+text",
        textposition="top center",
        name=name,
        showlegend=True,
        cliponaxis=False,
        marker={**marker, "line": {"width": 2}} if "open" in marker["symbol"] else marker,
        hovertemplate=f"<b>%{{customdata[0]}}</b><br>%{{customdata[1]}}<br>%{{x:.2f}} MB<br>%{{y:.3g}}{unit}"
        f"<extra>{name}</extra>",
        row=row,
        col=1,
    )


def _line(figure: go.Figure, share: float, text: str, color: str, dash: str) -> None:
    """Add a level of accuracy across the upper panel."""
    figure.add_shape(
        type="line", xref="x domain", x0=0, x1=1, yref="y", y0=100 * share, y1=100 * share,
        line={"color": color, "width": 2, "dash": dash},
    )  # fmt: skip
    figure.add_annotation(
        text=text, xref="x domain", x=0, xanchor="left", yref="y", y=100 * share, yanchor="bottom", showarrow=False
    )


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share
