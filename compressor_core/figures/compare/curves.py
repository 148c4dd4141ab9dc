"""Figures of a comparison that look at probabilities: reliability diagram, ROC and precision-recall curves."""

from __future__ import annotations

import plotly.graph_objects as go

from compressor_core.figures import theme
from compressor_core.figures.compare.info import ComparisonInfo

_OLDER = "This run is of an older version: compare again to see it"
_ONE_CLASS = "All examples are of one class: there is nothing to rank"


def reliability_figure(info: ComparisonInfo) -> go.Figure:
    """How often each model is right where it says that it is so sure; on the diagonal it is as good as its word."""
    figure = go.Figure(
        layout=theme.layout(
            "Confidence: probability of the predicted class",
            "Share that is right",
            height=_height(info),
            xaxis={"tickformat": ".0%", "range": [0.48, 1.02]},
            yaxis={"tickformat": ".0%", "range": [-0.02, 1.04]},
        )
    )
    if all(side.ece is None for side in info.sides):
        return theme.note(figure, _OLDER)
    figure.add_scatter(
        x=[0.5, 1], y=[0.5, 1], mode="lines", line={"color": theme.MUTED, "width": 1.5}, hoverinfo="skip",
        showlegend=False,
    )  # fmt: skip
    for side in info.sides:
        parts = [part for part in side.reliability if part.interval is not None and part.confidence is not None]
        figure.add_scatter(
            x=[part.confidence for part in parts],
            y=[part.accuracy for part in parts],
            mode="lines+markers",
            name=f"{side.title}: ECE {side.ece:.1%}",
            line={**side.look.line, "width": 2},
            # The area of a mark goes with the share of the examples that it stands for.
            marker={
                "symbol": side.look.symbol,
                "size": [6 + 16 * (part.examples / side.examples) ** 0.5 for part in parts],
                "opacity": 0.85,
            },
            error_y={
                "type": "data",
                "symmetric": False,
                "array": [part.interval[1] - part.accuracy for part in parts if part.interval],
                "arrayminus": [part.accuracy - part.interval[0] for part in parts if part.interval],
                "thickness": 1,
                "width": 3,
                "color": theme.faint(side.color, 0.6),
                "visible": info.alone,
            },
            customdata=[[part.name, part.examples, *(part.interval or (0, 1))] for part in parts],
            hovertemplate=f"{side.title}<br>confidence %{{customdata[0]}}: %{{customdata[1]:,}} examples"
            "<br>mean confidence %{x:.1%}, right %{y:.1%}"
            "<br>95%: %{customdata[2]:.1%} to %{customdata[3]:.1%}<extra></extra>",
        )
    return figure


def roc_figure(info: ComparisonInfo) -> go.Figure:
    """Of class 1, how much is found, against how much of class 0 is taken for it, at every threshold."""
    zero, one = info.labels
    figure = go.Figure(
        layout=theme.layout(
            f"False alarms: share of “{zero}” called “{one}”",
            f"Found: share of “{one}”",
            height=_height(info),
            xaxis={"tickformat": ".0%", "range": [-0.02, 1.02]},
            yaxis={"tickformat": ".0%", "range": [-0.02, 1.04]},
        )
    )
    if all(side.curves is None for side in info.sides):
        return theme.note(figure, _ONE_CLASS if info.resamples else _OLDER)
    figure.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", line={"color": theme.MUTED, "width": 1.5}, hoverinfo="skip", showlegend=False
    )
    for side in info.sides:
        if side.curves is not None:
            figure.add_scatter(
                x=side.curves.false_positive_rate,
                y=side.curves.true_positive_rate,
                mode="lines",
                name=f"{side.title}: AUC {side.curves.auc:.3f}",
                line=side.look.line,
                hovertemplate=f"{side.title}<br>found %{{y:.1%}} at %{{x:.1%}} false alarms<extra></extra>",
            )
    return figure


def precision_recall_figure(info: ComparisonInfo) -> go.Figure:
    """How much of what is called class 1 is class 1, against how much of class 1 is found, at every threshold."""
    one = info.labels[1]
    figure = go.Figure(
        layout=theme.layout(
            f"Recall: share of “{one}” that is found",
            "Precision: share of the finds that are right",
            height=_height(info),
            xaxis={"tickformat": ".0%", "range": [-0.02, 1.02]},
            yaxis={"tickformat": ".0%", "range": [-0.02, 1.04]},
        )
    )
    known = [side.curves for side in info.sides if side.curves is not None]
    if not known:
        return theme.note(figure, _ONE_CLASS if info.resamples else _OLDER)
    figure.add_hline(y=known[0].positives, line={"color": theme.MUTED, "width": 1.5})
    for side in info.sides:
        if side.curves is not None:
            figure.add_scatter(
                x=side.curves.recall,
                y=side.curves.precision,
                mode="lines",
                name=f"{side.title}: AP {side.curves.average_precision:.3f}",
                line={**side.look.line, "shape": "vh"},
                hovertemplate=f"{side.title}<br>precision %{{y:.1%}} at %{{x:.1%}} recall<extra></extra>",
            )
    return figure


def _height(info: ComparisonInfo) -> int:
    """On a phone the legend has a line for each model."""
    return 380 + 18 * len(info.sides)
