"""Figures of a calibration: `LatencyInfo` → Plotly figures."""

from __future__ import annotations

from typing import Final

import plotly.graph_objects as go

from compressor_core.figures import theme
from compressor_core.figures.cost.calibration import PARTS, ROLES, RUNTIMES, LatencyInfo
from compressor_core.latency_model import Runtime

GOAL: Final = 0.15
"""Half-width of the band drawn around exact predictions, as a share."""
MOST_BARS: Final = 14

_LOOKS: Final = {
    "fit": (theme.MUTED, "circle-open"),
    "held-out": (theme.BEST, "diamond"),
    "budget": (theme.TEACHER, "square"),
}
_LINES: Final = {
    Runtime.ONNX: (theme.FEASIBLE, "solid", "circle"),
    Runtime.PYTORCH: (theme.STUDENT, "dash", "square"),
}
_PATTERNS: Final = ("", "/", ".", "\\", "x", "-", "+")
_PATTERN: Final = {"fillmode": "overlay", "fgcolor": "rgba(255,255,255,0.6)", "size": 6, "solidity": 0.3}
_COLORS: Final = (theme.MUTED, *theme.CYCLE)


def measured_figure(info: LatencyInfo) -> go.Figure:
    """Measured latency against the exact GFLOPs of a forward pass, by runtime; grows while the calibration measures."""
    figure = go.Figure(layout=theme.layout("GFLOPs of one forward pass, exact", "Measured latency (ms)"))
    if not info.runtimes:
        return theme.note(figure, "Waiting for the first architecture")
    for runtime in info.runtimes:
        color, _, symbol = _LINES[runtime]
        figure.add_scatter(
            x=[one.forward_gflops for one in info.points],
            y=[one.latency[runtime].mean for one in info.points],
            mode="markers",
            name=RUNTIMES[runtime],
            marker={"color": color, "symbol": symbol, "size": 9},
            customdata=[[one.short_form, one.num_hidden_layers, one.size_mb] for one in info.points],
            hovertemplate=(
                "%{customdata[0]}<br>%{customdata[1]} layers, %{customdata[2]:.2f} MB<br>%{x:.3f} GFLOPs, "
                f"%{{y:.2f}} ms<extra>{RUNTIMES[runtime]}</extra>"
            ),
        )
    every = [one.latency[runtime].mean for one in info.points for runtime in info.runtimes]
    figure.update_xaxes(**theme.log_axis([one.forward_gflops for one in info.points]))
    figure.update_yaxes(**theme.log_axis(every))
    return figure


def predicted_figure(info: LatencyInfo, runtime: str) -> go.Figure:
    """Predicted against measured latency; held-out points look different from fitted ones."""
    figure = go.Figure(layout=theme.layout("Measured (ms)", "Predicted (ms)"))
    if not info.fitted or runtime not in info.runtimes:
        return theme.note(figure, "The fit follows the last measurement")
    predicted = {index: one.latency[runtime] for index, one in info.predictions.items()}
    times = [*predicted.values(), *(one.latency[runtime].mean for one in info.points)]
    low, high = min(times) / 1.3, max(times) * 1.3
    figure.add_scatter(
        x=[low, high, high, low],
        y=[low * (1 - GOAL), high * (1 - GOAL), high * (1 + GOAL), low * (1 + GOAL)],
        fill="toself",
        mode="none",
        fillcolor=theme.faint(theme.MUTED, 0.2),
        name=f"within {GOAL:.0%}",
        hoverinfo="skip",
    )
    figure.add_scatter(
        x=[low, high],
        y=[low, high],
        mode="lines",
        line={"color": theme.MUTED, "width": 1, "dash": "dot"},
        showlegend=False,
        hoverinfo="skip",
    )
    for role, title in ROLES.items():
        points = info.of_role(role)
        if not points:
            continue
        color, symbol = _LOOKS[role]
        figure.add_scatter(
            x=[one.latency[runtime].mean for one in points],
            y=[predicted[one.index] for one in points],
            mode="markers",
            name=title,
            marker={"color": color, "symbol": symbol, "size": 9, "line": {"width": 1.5, "color": color}},
            customdata=[[one.short_form, predicted[one.index] / one.latency[runtime].mean - 1] for one in points],
            hovertemplate=(
                "%{customdata[0]}<br>measured %{x:.2f} ms, predicted %{y:.2f} ms (%{customdata[1]:+.1%})"
                f"<extra>{title}</extra>"
            ),
        )
    figure.update_xaxes(**theme.log_axis([low, high]))
    figure.update_yaxes(**theme.log_axis([low, high]))
    return figure


def stratum_figure(info: LatencyInfo) -> go.Figure:
    """GFLOPs against measured latency of students of one size, one per number of layers; the most GFLOPs are marked."""
    figure = go.Figure(layout=theme.layout("GFLOPs, paper's account", "Measured latency (ms)"))
    students = [one for one in info.of_role("budget") if one.latency]
    if not students:
        waiting = "Waiting for the students of one size"
        return theme.note(figure, "No students of one size were asked for" if info.fitted else waiting)
    most = max(students, key=lambda one: one.paper_gflops)
    for runtime in info.runtimes:
        color, dash, symbol = _LINES[runtime]
        figure.add_scatter(
            x=[one.paper_gflops for one in students],
            y=[one.latency[runtime].mean for one in students],
            mode="lines+markers+text",
            name=RUNTIMES[runtime],
            text=[str(one.num_hidden_layers) for one in students],
            textposition="top center",
            textfont={"size": 11},
            cliponaxis=False,
            line={"color": color, "dash": dash, "width": 2},
            marker={"color": color, "symbol": symbol, "size": 8},
            customdata=[
                [one.short_form, one.num_hidden_layers, one.size_mb, one.latency[runtime].p90] for one in students
            ],
            hovertemplate=(
                "%{customdata[0]}<br>%{customdata[1]} layers, %{customdata[2]:.2f} MB<br>%{x:.2f} GFLOPs, %{y:.2f} ms "
                f"(nine tenths within %{{customdata[3]:.2f}} ms)<extra>{RUNTIMES[runtime]}</extra>"
            ),
        )
    figure.add_scatter(
        x=[most.paper_gflops] * len(info.runtimes),
        y=[most.latency[runtime].mean for runtime in info.runtimes],
        mode="markers",
        name="most GFLOPs",
        marker={"color": theme.OPTIMUM, "symbol": "star", "size": 17},
        hoverinfo="skip",
    )
    figure.update_yaxes(rangemode="tozero")
    return figure


def parts_figure(info: LatencyInfo, runtime: str) -> go.Figure:
    """Parts of the predicted latencies of students of one size by their layers, or else of the held-out ones."""
    students = info.of_role("budget")
    points = (students or info.of_role("held-out"))[:MOST_BARS]
    labels = [str(one.num_hidden_layers) if students else one.short_form for one in points]
    figure = go.Figure(
        layout=theme.layout(
            "Predicted latency (ms)",
            "Layers" if students else "Architecture",
            height=150 + 28 * max(len(points), 4),
            barmode="stack",
            legend={"traceorder": "normal"},
        )
    )
    if not info.fitted or not points or runtime not in info.runtimes:
        return theme.note(figure, "The fit follows the last measurement")
    parts = [info.predictions[one.index].parts[runtime] for one in points]
    for (part, title), color, pattern in zip(PARTS.items(), _COLORS, _PATTERNS, strict=True):
        values = [one.get(part, 0.0) for one in parts]
        if not any(values):
            continue
        figure.add_bar(
            x=values,
            y=labels,
            orientation="h",
            name=title,
            marker={"color": color, "pattern": {"shape": pattern, **_PATTERN}},
            customdata=[
                [point.short_form, own.get(part, 0.0) / sum(own.values())]
                for point, own in zip(points, parts, strict=True)
            ],
            hovertemplate=f"%{{customdata[0]}}<br>{title}: %{{x:.2f}} ms, %{{customdata[1]:.0%}}<extra></extra>",
        )
    figure.update_yaxes(autorange="reversed", type="category")
    return figure
