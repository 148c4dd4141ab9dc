"""Exam results for tables and figures: all scores of models and baselines side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from compressor_core.errors import RunError
from compressor_core.figures import theme
from compressor_core.figures.compare.info import bars
from compressor_core.records import Examinee, ExamPart, ExamSummary, Record, read_record

_BASELINES = (theme.Look(theme.GREY, "dash", "triangle-down", ""), theme.Look(theme.OPTIMUM, "dot", "x", ""))


@dataclass(frozen=True)
class ExamInfo:
    """Summary of an exam, with the look of each examinee."""

    summary: ExamSummary
    looks: Mapping[str, theme.Look]

    @property
    def all(self) -> tuple[Examinee, ...]:
        """The models, then the baselines."""
        return (*self.summary.models, *self.summary.baselines)

    @property
    def parts(self) -> tuple[ExamPart, ...]:
        """Scored parts, in the order of the exam."""
        return tuple(part for part in ExamPart if any(part in one.scores for one in self.all))

    @property
    def groups(self) -> tuple[str, ...]:
        """Weaknesses, or kinds of pairs, by decreasing accuracy of the first model."""
        return tuple(one.group for one in sorted(self.all[0].groups, key=lambda one: -one.accuracy))


def exam_info(found: Mapping[str, Any] | Record | None) -> ExamInfo:
    """Build the info from the summary of an exam, or from the result of its run.

    Raises:
        RunError: the result is damaged.
    """
    summary = read_record(found) if isinstance(found, Mapping) else found
    if not isinstance(summary, ExamSummary):
        raise RunError("The result of this exam is damaged: repeat the exam.")
    looks = dict(zip((one.name for one in summary.models), (theme.OF_TEACHER, *theme.OF_STUDENTS), strict=False))
    looks |= dict(zip((one.name for one in summary.baselines), _BASELINES, strict=False))
    return ExamInfo(summary, looks)


def exam_rows(info: ExamInfo) -> list[dict[str, Any]]:
    """One table row per score, with a column for each examinee."""
    return [{"Score": part.words, **{one.name: _said(one, part) for one in info.all}} for part in info.parts]


def _said(one: Examinee, part: ExamPart) -> str:
    if (rate := one.scores.get(part)) is None:
        return ""
    low, high = rate.interval
    return f"{rate.share:.1%} ({low * 100:.0f} to {high * 100:.0f})"


def group_rows(info: ExamInfo) -> list[dict[str, Any]]:
    """One table row per weakness or kind of pair: accuracy on its hand-written functions in percent."""
    found = {one.name: {group.group: group for group in one.groups} for one in info.all}
    first = next(iter(found.values()))
    return [
        {
            "Kind": group,
            "Examples": first[group].examples,
            **{f"{name} (%)": groups[group].accuracy * 100 for name, groups in found.items()},
        }
        for group in info.groups
    ]


def exam_figure(info: ExamInfo) -> go.Figure:
    """Every score of every examinee as a point with its 95% interval."""
    parts = info.parts
    step = 0.76 / len(info.all)
    figure = go.Figure(
        layout=theme.layout(
            "Share of the examples, with the 95% interval",
            "",
            height=130 + len(parts) * max(40, 16 * len(info.all)),
            xaxis={"tickformat": ".0%", "range": [-0.02, 1.02]},
            yaxis={
                "tickvals": list(range(len(parts))),
                "ticktext": [_wrapped(part) for part in parts],
                "range": [len(parts) - 0.5, -0.5],
                "showgrid": False,
                "zeroline": False,
            },
        )
    )
    for place, one in enumerate(info.all):
        look, rates = info.looks[one.name], [(row, one.scores.get(part)) for row, part in enumerate(parts)]
        rows, known = [row for row, rate in rates if rate], [rate for _, rate in rates if rate]
        shares = [rate.share for rate in known]
        figure.add_scatter(
            x=shares,
            y=[row + (place + 0.5) * step - 0.38 for row in rows],
            mode="markers",
            name=one.name,
            marker={"color": look.color, "symbol": look.symbol, "size": 9},
            error_x=bars(shares, [rate.interval for rate in known], color=look.color, thickness=2, width=4),
            customdata=[
                [parts[row].words, rate.count, rate.examples, *rate.interval]
                for row, rate in zip(rows, known, strict=True)
            ],
            hovertemplate=f"{one.name}<br>%{{customdata[0]}}: %{{x:.1%}}, %{{customdata[1]:,}} of %{{customdata[2]:,}}"
            "<br>95%: %{customdata[3]:.1%} to %{customdata[4]:.1%}<extra></extra>",
        )
    for row in range(1, len(parts)):
        figure.add_hline(y=row - 0.5, line={"color": theme.GRID, "width": 1})
    return figure


def _wrapped(part: ExamPart) -> str:
    return part.words.replace(": ", ":<br>")


def markdown(info: ExamInfo) -> str:
    """The table of scores in Markdown."""
    return markdown_of(exam_rows(info))


def markdown_of(rows: Sequence[Mapping[str, Any]]) -> str:
    """Markdown table of rows with the same columns."""
    lines = [list(rows[0]), ["---"] * len(rows[0]), *(map(str, row.values()) for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
