"""Figures of a measurement of costs: `MeasurementInfo` → Plotly figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import plotly.graph_objects as go

from compressor_core.figures import theme
from compressor_core.figures.cost.measurement import FORMS, PERCENTILES, MeasurementInfo, Row, Start, rates_of

_SYMBOLS: Final = {"median": "", "p90": "-open", "p95": "-open", "p99": "-open"}
_STEPS: Final = {"imports": "importing libraries", "load": "loading the model", "first": "first prediction"}
_STEP_COLORS: Final = (theme.MUTED, theme.TEACHER, theme.STUDENT)
_PATTERNS: Final = ("", "/", "x")
_HATCHED: Final = {"fillmode": "overlay", "fgcolor": "rgba(255,255,255,0.6)", "size": 6, "solidity": 0.3}
_BAR: Final = 34
"""Pixels."""


def percentiles_figure(info: MeasurementInfo, padded: bool) -> go.Figure:
    """From half of the answers to 99 of 100: a line for each model and form."""
    rows = info.of_length(padded)
    figure = _barred("Latency (ms)", info, rows, showlegend=False)
    if not rows:
        return theme.note(figure, "Waiting for the first round")
    for place, row in enumerate(rows):
        model = info.models[row.model]
        look = model.look
        figure.add_scatter(
            x=list(row.percentiles.values()),
            y=[place] * len(PERCENTILES),
            mode="lines+markers",
            line={"color": look.color, "width": 3},
            marker={
                "color": look.color,
                "symbol": [f"{look.symbol}{_SYMBOLS[name]}" for name in PERCENTILES],
                "size": [13, 8, 8, 8],
                "line": {"width": 2, "color": look.color},
            },
            customdata=list(PERCENTILES.values()),
            hovertemplate=f"{model.name}<br>{FORMS[row.form]}<br>%{{customdata}}: %{{x:.2f}} ms<extra></extra>",
        )
    figure.update_xaxes(**theme.log_axis([value for row in rows for value in row.percentiles.values()]))
    return figure


def distribution_figure(info: MeasurementInfo, form: str, padded: bool) -> go.Figure:
    """The share of single answers that took at most so long, of each model in one form."""
    figure = go.Figure(
        layout=theme.layout(
            "Latency of one example (ms)",
            "Share that took at most so long",
            yaxis={"tickformat": ".0%", "range": [0, 1.02]},
        )
    )
    rows = [row for row in info.of_length(padded) if row.form == form]
    if not rows:
        return theme.note(figure, "Waiting for the first round")
    for row in rows:
        model = info.models[row.model]
        figure.add_scatter(
            x=row.samples,
            y=[(index + 1) / len(row.samples) for index in range(len(row.samples))],
            mode="lines",
            name=model.name,
            line={**model.look.line, "shape": "hv"},
            hovertemplate=f"{model.name}: %{{y:.0%}} within %{{x:.2f}} ms<extra></extra>",
        )
    figure.update_xaxes(**theme.log_axis([sample for row in rows for sample in row.samples]))
    return figure


def throughput_figure(info: MeasurementInfo, form: str, padded: bool) -> go.Figure:
    """Examples per second against the batch size, of each model in one form."""
    figure = go.Figure(layout=theme.layout("Batch size (examples)", "Throughput (examples/s)"))
    rows = rates_of(info, form, padded)
    if not rows:
        return theme.note(figure, "Throughput follows latency")
    for row in rows:
        model = info.models[row.model]
        figure.add_scatter(
            x=list(row.rates),
            y=list(row.rates.values()),
            mode="lines+markers",
            name=model.name,
            line=model.look.line,
            marker={"symbol": model.look.symbol, "size": 9},
            hovertemplate=f"{model.name}<br>batches of %{{x}}: %{{y:,.1f}} examples/s<extra></extra>",
        )
    sizes = sorted({size for row in rows for size in row.rates})
    figure.update_xaxes(**theme.log_axis(sizes))
    figure.update_xaxes(tickvals=sizes, ticktext=[str(size) for size in sizes])
    figure.update_yaxes(**theme.log_axis([rate for row in rows for rate in row.rates.values()]))
    return figure


def start_figure(info: MeasurementInfo) -> go.Figure:
    """A fresh process until its first answer, step by step."""
    starts = _in_order(info)
    figure = _barred("Until the first answer (s)", info, starts, barmode="stack")
    if not starts:
        return theme.note(figure, "Cold starts are measured last")
    for (step, title), color, pattern in zip(_STEPS.items(), _STEP_COLORS, _PATTERNS, strict=True):
        _add_bars(figure, info, starts, title, color, pattern, lambda one, step=step: getattr(one, step), "s")  # type: ignore[misc]
    return figure


def memory_figure(info: MeasurementInfo) -> go.Figure:
    """The most memory that such a process took: what the libraries alone take, and what the model adds."""
    starts = _in_order(info)
    figure = _barred("Resident memory (MB)", info, starts, barmode="stack")
    if not starts:
        return theme.note(figure, "Memory is measured with the cold starts")
    libraries, model = "libraries", "model and its work"
    _add_bars(figure, info, starts, libraries, theme.MUTED, "", lambda one: one.imports_mb, "MB")
    _add_bars(figure, info, starts, model, theme.TEACHER, "/", lambda one: one.peak_mb - one.imports_mb, "MB")
    return figure


def energy_figure(info: MeasurementInfo, padded: bool) -> go.Figure:
    """Joules of 1,000 predictions, one at a time; what is estimated is called so on the axis."""
    rows = [row for row in info.of_length(padded) if row.joules is not None]
    figure = _barred(f"Energy{', estimated' if info.estimated else ''} (J)", info, rows, showlegend=False)
    if not rows:
        return theme.note(figure, "Energy follows latency")
    joules = [row.joules or 0.0 for row in rows]
    figure.add_bar(
        x=joules,
        y=list(range(len(rows))),
        customdata=[info.models[row.model].name for row in rows],
        orientation="h",
        marker={"color": [info.models[row.model].look.color for row in rows], "pattern": _patterns(info, rows)},
        text=[f"{value:,.3g}" for value in joules],
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{customdata}<br>%{x:,.2f} J<extra></extra>",
    )
    figure.update_xaxes(range=[0, 1.18 * max(joules)])
    return figure


def _patterns(info: MeasurementInfo, rows: Sequence[Row]) -> dict[str, Any]:
    return {**_HATCHED, "shape": [info.models[row.model].look.pattern for row in rows]}


def _add_bars(
    figure: go.Figure,
    info: MeasurementInfo,
    starts: Sequence[Start],
    title: str,
    color: str,
    pattern: str,
    value: Callable[[Start], float],
    unit: str,
) -> None:
    figure.add_bar(
        x=[value(one) for one in starts],
        y=list(range(len(starts))),
        customdata=[info.models[one.model].name for one in starts],
        orientation="h",
        name=title,
        marker={"color": color, "pattern": {**_HATCHED, "shape": pattern}},
        hovertemplate=f"%{{customdata}}<br>{title}: %{{x:,.2f}} {unit}<extra></extra>",
    )


def _in_order(info: MeasurementInfo) -> list[Start]:
    order = list(FORMS)
    return sorted(info.starts, key=lambda one: (order.index(one.form), one.model))


def _barred(title: str, info: MeasurementInfo, bars: Sequence[Row] | Sequence[Start], **more: Any) -> go.Figure:
    """An empty figure of horizontal bars at 0, 1, 2 …, the first on top."""
    figure = go.Figure(
        layout=theme.layout(title, "", height=110 + _BAR * max(len(bars), 4), legend={"traceorder": "normal"}, **more)
    )
    figure.update_yaxes(
        range=[len(bars) - 0.4, -0.6],
        tickvals=list(range(len(bars))),
        ticktext=[info.label(one.model, one.form) for one in bars],
        tickfont_size=11,
        zeroline=False,
    )
    return figure
