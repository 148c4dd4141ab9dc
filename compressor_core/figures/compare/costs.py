"""Figures of a comparison: cost of the models in size, computation and time."""

from __future__ import annotations

import plotly.graph_objects as go

from compressor_core.figures import theme
from compressor_core.figures.compare.info import RECORDED, ComparisonInfo, SideInfo


def latency_figure(info: ComparisonInfo) -> go.Figure:
    """Cumulative distribution of the latency of inferences, with median and 95th percentile marked."""
    measured = [(side, side.found.latency) for side in info.sides if side.found.latency is not None]
    figure = go.Figure(
        layout=theme.layout(
            "Latency of one inference (ms)",
            "Share within this time",
            height=330 + 18 * len(info.sides),
            xaxis=theme.log_axis([sample for _, latency in measured for sample in latency.samples]),
            yaxis={"tickformat": ".0%", "range": [0, 1.02]},
        )
    )
    for side, latency in measured:
        count = len(latency.samples)
        figure.add_scatter(
            x=latency.samples,
            y=[(index + 1) / count for index in range(count)],
            mode="lines",
            name=f"{side.title}: median {_ms(latency.median)}, p95 {_ms(latency.p95)}",
            line={**side.look.line, "shape": "hv"},
            hovertemplate=f"{side.title}: %{{y:.0%}} within %{{x:.2f}} ms<extra></extra>",
        )
        figure.add_scatter(
            x=[latency.median, latency.p95],
            y=[0.5, 0.95],
            mode="markers",
            showlegend=False,
            marker={"color": side.look.color, "size": 10, "symbol": ["diamond", "triangle-up"]},
            hovertemplate=f"{side.title}: %{{x:.2f}} ms<extra></extra>",
        )
    return figure


def cost_figure(info: ComparisonInfo) -> go.Figure:
    """Costs of each student as a share of the teacher's; shorter bars are better."""
    if info.recorded:
        return theme.note(go.Figure(layout=theme.layout("Share of the teacher's", "", height=200)), RECORDED)
    units = {"Size": "MB", "Parameters": "million"}
    if all(side.found.forward_gflops for side in info.sides):
        units["One forward pass"] = "GFLOPs"
    units |= {"Latency, median": "ms", "Latency, p95": "ms"}
    teacher, own = _needs(info.teacher), _needs(info.students[0])
    rows = list(reversed(units))
    shares = [[_needs(side)[name] / teacher[name] if teacher[name] else 0.0 for name in rows] for side in info.students]
    figure = go.Figure(
        layout=theme.layout(
            "Share of the teacher's",
            "",
            height=110 + (52 if info.alone else 20 + 22 * len(info.students)) * len(rows),
            xaxis={"tickformat": ".0%", "range": [0, 1.15 * max(1.0, *(share for each in shares for share in each))]},
            showlegend=not info.alone,
            barmode="group",
            legend={"traceorder": "reversed"},
        )
    )
    labels = [
        f"<b>{name}</b><br>{f'{_figure(own[name])} of ' if info.alone else 'teacher '}"
        f"{_figure(teacher[name])} {units[name]}"
        for name in rows
    ]
    # Horizontal bar groups are ordered upwards, legends downwards.
    for side, values in reversed(list(zip(info.students, shares, strict=True))):
        needs = _needs(side)
        figure.add_bar(
            x=values,
            y=labels,
            name=side.title,
            text=[f"{share:.0%}" for share in values],
            textposition="outside",
            cliponaxis=False,
            orientation="h",
            customdata=[f"{_figure(needs[name])} {units[name]}" for name in rows],
            hovertemplate=f"{side.title}: %{{customdata}}, %{{x:.1%}} of the teacher's<extra></extra>",
            marker=side.look.bar,
        )
    figure.add_vline(x=1, line={"color": theme.TEACHER, "width": 2, "dash": "dash"})
    return figure


def _needs(side: SideInfo) -> dict[str, float]:
    found, latency = side.found, side.found.latency
    return {
        "Size": found.size_mb or 0.0,
        "Parameters": (found.parameters or 0) / 1e6,
        "One forward pass": found.forward_gflops or 0.0,
        "Latency, median": 0.0 if latency is None else latency.median,
        "Latency, p95": 0.0 if latency is None else latency.p95,
    }


def _ms(value: float) -> str:
    return f"{value:.1f} ms" if value < 100 else f"{value:.0f} ms"


def _figure(value: float) -> str:
    return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"
