"""Figures of a measurement of costs: `MeasurementInfo` → Plotly figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import plotly.graph_objects as go

from compressor_core.figures import theme
from compressor_core.figures.cost.measurement import FORMS, PERCENTILES, MeasurementInfo
from compressor_core.records import ColdStart, MeasuredLatency

LOOKS: Final = (theme.OF_TEACHER, *theme.OF_STUDENTS)
"""Looks of the models, in order."""
_SYMBOLS: Final = {"median": "", "p90": "-open", "p95": "-open", "p99": "-open"}
_STEPS: Final = {"imports": "importing libraries", "load": "loading the model", "first": "first prediction"}
_STEP_COLORS: Final = (theme.MUTED, theme.TEACHER, theme.STUDENT)
_PATTERNS: Final = ("", "/", "x")
_HATCHED: Final = {"fillmode": "overlay", "fgcolor": "rgba(255,255,255,0.6)", "size": 6, "solidity": 0.3}
_BAR: Final = 34
"""Height of a bar in pixels."""


def percentiles_figure(info: MeasurementInfo, padded: bool) -> go.Figure:
    """Latency percentiles from p50 to p99, one line per model and form."""
    rows = info.of_length(padded)
    figure = _barred("Latency (ms)", info, rows, showlegend=False)
    if not rows:
        return theme.note(figure, "Waiting for the first round")
    for place, row in enumerate(rows):
        name, look = info.models[row.model].name, LOOKS[row.model]
        figure.add_scatter(
            x=[getattr(row, percentile) for percentile in PERCENTILES],
            y=[place] * len(PERCENTILES),
            mode="lines+markers",
            line={"color": look.color, "width": 3},
            marker={
                "color": look.color,
                "symbol": [f"{look.symbol}{_SYMBOLS[percentile]}" for percentile in PERCENTILES],
                "size": [13, 8, 8, 8],
                "line": {"width": 2, "color": look.color},
            },
            customdata=list(PERCENTILES.values()),
            hovertemplate=f"{name}<br>{FORMS[row.form]}<br>%{{customdata}}: %{{x:.2f}} ms<extra></extra>",
        )
    figure.update_xaxes(**theme.log_axis([getattr(row, one) for row in rows for one in PERCENTILES]))
    return figure


def distribution_figure(info: MeasurementInfo, form: str, padded: bool) -> go.Figure:
    """Cumulative distribution of the latency of single answers, for each model in one form."""
    figure = go.Figure(
        layout=theme.layout(
            "Latency of one example (ms)",
            "Share within this time",
            yaxis={"tickformat": ".0%", "range": [0, 1.02]},
        )
    )
    rows = [row for row in info.of_length(padded) if row.form == form]
    if not rows:
        return theme.note(figure, "Waiting for the first round")
    for row in rows:
        name, look = info.models[row.model].name, LOOKS[row.model]
        figure.add_scatter(
            x=row.samples,
            y=[(index + 1) / len(row.samples) for index in range(len(row.samples))],
            mode="lines",
            name=name,
            line={**look.line, "shape": "hv"},
            hovertemplate=f"{name}: %{{y:.0%}} within %{{x:.2f}} ms<extra></extra>",
        )
    figure.update_xaxes(**theme.log_axis([sample for row in rows for sample in row.samples]))
    return figure


def throughput_figure(info: MeasurementInfo, form: str, padded: bool) -> go.Figure:
    """Examples per second against batch size, for each model in one form."""
    figure = go.Figure(layout=theme.layout("Batch size (examples)", "Throughput (examples/s)"))
    shown = {key[0]: rates for key, rates in sorted(info.rates.items()) if key[1:] == (form, padded)}
    if not shown:
        return theme.note(figure, "Throughput follows latency")
    sizes = sorted({size for rates in shown.values() for size in rates})
    for model, rates in shown.items():
        name, look = info.models[model].name, LOOKS[model]
        figure.add_scatter(
            x=sorted(rates),
            y=[rates[size] for size in sorted(rates)],
            mode="lines+markers",
            name=name,
            line=look.line,
            marker={"symbol": look.symbol, "size": 9},
            hovertemplate=f"{name}<br>batches of %{{x}}: %{{y:,.1f}} examples/s<extra></extra>",
        )
    figure.update_xaxes(**theme.log_axis(sizes))
    figure.update_xaxes(tickvals=sizes, ticktext=[str(size) for size in sizes])
    figure.update_yaxes(**theme.log_axis([rate for rates in shown.values() for rate in rates.values()]))
    return figure


def start_figure(info: MeasurementInfo) -> go.Figure:
    """Time from the start of a process to its first answer, by step."""
    starts = info.starts_in_order
    figure = _barred("Until the first answer (s)", info, starts, barmode="stack")
    if not starts:
        return theme.note(figure, "Cold starts are measured last")
    for (step, title), color, pattern in zip(_STEPS.items(), _STEP_COLORS, _PATTERNS, strict=True):
        _add_bars(figure, info, starts, title, color, pattern, lambda one, step=step: getattr(one, step), "s")  # type: ignore[misc]
    return figure


def memory_figure(info: MeasurementInfo) -> go.Figure:
    """Peak memory of the cold-start processes: the libraries' share, and what the model adds."""
    starts = info.starts_in_order
    figure = _barred("Resident memory (MB)", info, starts, barmode="stack")
    if not starts:
        return theme.note(figure, "Memory is measured with the cold starts")
    libraries, model = "libraries", "model and its work"
    _add_bars(figure, info, starts, libraries, theme.MUTED, "", lambda one: one.imports_mb, "MB")
    _add_bars(figure, info, starts, model, theme.TEACHER, "/", lambda one: one.peak_mb - one.imports_mb, "MB")
    return figure


def energy_figure(info: MeasurementInfo, padded: bool) -> go.Figure:
    """Joules per 1,000 predictions, one at a time; the axis title marks estimates."""
    rows = [row for row in info.of_length(padded) if (row.model, row.form, row.padded) in info.joules]
    figure = _barred(f"Energy{', estimated' if info.estimated else ''} (J)", info, rows, showlegend=False)
    if not rows:
        return theme.note(figure, "Energy follows latency")
    joules = [info.joules[row.model, row.form, row.padded] for row in rows]
    looks = [LOOKS[row.model] for row in rows]
    figure.add_bar(
        x=joules,
        y=list(range(len(rows))),
        customdata=[info.models[row.model].name for row in rows],
        orientation="h",
        marker={
            "color": [look.color for look in looks],
            "pattern": {**_HATCHED, "shape": [look.pattern for look in looks]},
        },
        text=[f"{value:,.3g}" for value in joules],
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{customdata}<br>%{x:,.2f} J<extra></extra>",
    )
    figure.update_xaxes(range=[0, 1.18 * max(joules)])
    return figure


def _add_bars(
    figure: go.Figure,
    info: MeasurementInfo,
    starts: Sequence[ColdStart],
    title: str,
    color: str,
    pattern: str,
    value: Callable[[ColdStart], float],
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


def _barred(
    title: str, info: MeasurementInfo, bars: Sequence[MeasuredLatency] | Sequence[ColdStart], **more: Any
) -> go.Figure:
    """Empty figure for horizontal bars at 0, 1, 2, …, the first on top."""
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
