"""Figures of a dataset: the record of a survey → `DataInfo` → Plotly figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from compressor_core.figures import theme

_COLORS = (theme.FEASIBLE, theme.BEST)
_HATCH = ("", "/")


@dataclass(frozen=True)
class SplitInfo:
    """The examples of one split by label: `counts` of the two classes, and `unlabelled` ones."""

    name: str
    counts: tuple[int, int]
    unlabelled: int

    @property
    def examples(self) -> int:
        return sum(self.counts) + self.unlabelled


@dataclass(frozen=True)
class DataInfo:
    """A dataset in figures. The histogram has `edges` (words and signs), one more than `functions`."""

    labels: tuple[str, str]
    splits: tuple[SplitInfo, ...]
    edges: tuple[int, ...]
    functions: tuple[int, ...]
    median: float


def data_info(survey: Mapping[str, Any]) -> DataInfo:
    """From the record of `compressor_core.data.survey.survey`."""
    splits = tuple(
        SplitInfo(
            part["split"].capitalize(),
            (part["examples"] - part["positive"] - part["unlabelled"], part["positive"]),
            part["unlabelled"],
        )
        for part in survey["splits"]
    )
    lengths = survey["lengths"]
    negative, positive = survey["labels"]
    edges, functions = tuple(lengths["edges"]), tuple(lengths["counts"])
    return DataInfo((negative, positive), splits, edges, functions, lengths["median"])


def balance_figure(info: DataInfo) -> go.Figure:
    """The labels of each split, side by side, with their shares."""
    figure = go.Figure(
        layout=theme.layout(
            "Examples",
            "",
            height=90 + 46 * max(len(info.splits), 2),
            barmode="stack",
            yaxis={"autorange": "reversed"},
            legend={"traceorder": "normal"},
        )
    )
    if not info.splits:
        return theme.note(figure, "There are no examples")
    names = [split.name for split in info.splits]
    room = 0.09 * max(split.examples for split in info.splits)
    for label, name in enumerate(info.labels):
        figure.add_bar(
            orientation="h",
            y=names,
            x=[split.counts[label] for split in info.splits],
            name=name,
            text=[_share(split.counts[label], split.examples, room) for split in info.splits],
            textposition="inside",
            insidetextanchor="middle",
            textangle=0,
            marker={
                "color": _COLORS[label],
                "line": {"color": _COLORS[label], "width": 1},
                "pattern": {
                    "shape": _HATCH[label],
                    "fillmode": "overlay",
                    "fgcolor": "rgba(0,0,0,0.25)",
                    "solidity": 0.15,
                },
            },
            hovertemplate="%{y}, " + name + ": %{x:,}<extra></extra>",
        )
    if any(split.unlabelled for split in info.splits):
        figure.add_bar(
            orientation="h",
            y=names,
            x=[split.unlabelled for split in info.splits],
            name="no label",
            marker={"color": theme.faint(theme.MUTED, 0.5)},
            hovertemplate="%{y}, no label: %{x:,}<extra></extra>",
        )
    return figure


def lengths_figure(info: DataInfo) -> go.Figure:
    """How long the functions are: a bar for each range, ranges that double every two bars."""
    figure = go.Figure(layout=theme.layout("Words and signs in a function", "Functions", height=300, bargap=0.06))
    if not info.functions:
        return theme.note(figure, "There are no functions")
    names = [
        f"{low:,}" if high - low == 1 else f"{low:,}–{high - 1:,}"
        for low, high in zip(info.edges, info.edges[1:], strict=False)
    ]
    figure.add_bar(
        x=names,
        y=info.functions,
        marker={"color": theme.faint(theme.TEACHER, 0.8)},
        hovertemplate="%{x} words and signs: %{y:,} functions<extra></extra>",
        showlegend=False,
    )
    figure.update_xaxes(type="category")
    return figure


def _share(count: int, of: int, room: float) -> str:
    """A share in percent; nothing where the bar is too short to hold it."""
    return f"{count / of:.0%}" if count > room else ""
