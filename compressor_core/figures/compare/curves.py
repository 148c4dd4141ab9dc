"""Figures of a comparison based on probabilities: reliability diagram, ROC and precision-recall curves."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from compressor_core.figures import theme
from compressor_core.figures.compare.info import ComparisonInfo, bars

_ONE_CLASS = "All examples are of one class: there is nothing to rank"


def reliability_figure(info: ComparisonInfo) -> go.Figure:
    """Accuracy of each model by confidence; on the diagonal a model is perfectly calibrated."""
    figure = _squared(info, "Confidence: probability of the predicted class", "Share that is right", 0.48)
    _line(figure, [0.5, 1], [0.5, 1])
    for side in info.sides:
        found = side.found.calibration
        accuracies = [part.accuracy for part in found.bins]
        ends = [part.interval for part in found.bins]
        color = theme.faint(side.look.color, 0.6)
        figure.add_scatter(
            x=[part.confidence for part in found.bins],
            y=accuracies,
            mode="lines+markers",
            name=f"{side.title}: ECE {found.ece:.1%}",
            line={**side.look.line, "width": 2},
            # The area of a mark is proportional to its share of the examples.
            marker={
                "symbol": side.look.symbol,
                "size": [6 + 16 * (part.examples / side.found.examples) ** 0.5 for part in found.bins],
                "opacity": 0.85,
            },
            error_y=bars(accuracies, ends, thickness=1, width=3, color=color, visible=info.alone),
            customdata=[[part.name, part.examples, *part.interval] for part in found.bins],
            hovertemplate=f"{side.title}<br>confidence %{{customdata[0]}}: %{{customdata[1]:,}} examples"
            "<br>mean confidence %{x:.1%}, right %{y:.1%}"
            "<br>95%: %{customdata[2]:.1%} to %{customdata[3]:.1%}<extra></extra>",
        )
    return figure


def roc_figure(info: ComparisonInfo) -> go.Figure:
    """True-positive rate of class 1 against its false-positive rate, at every threshold."""
    zero, one = info.summary.labels
    figure = _squared(info, f"False alarms: share of “{zero}” called “{one}”", f"Found: share of “{one}”")
    if info.teacher.found.curves is None:
        return theme.note(figure, _ONE_CLASS)
    _line(figure, [0, 1], [0, 1])
    for side in info.sides:
        if (curves := side.found.curves) is not None:
            figure.add_scatter(
                x=curves.false_positive_rate,
                y=curves.true_positive_rate,
                mode="lines",
                name=f"{side.title}: AUC {curves.auc:.3f}",
                line=side.look.line,
                hovertemplate=f"{side.title}<br>found %{{y:.1%}} at %{{x:.1%}} false alarms<extra></extra>",
            )
    return figure


def precision_recall_figure(info: ComparisonInfo) -> go.Figure:
    """Precision against recall of class 1, at every threshold."""
    one = info.summary.labels[1]
    figure = _squared(info, f"Recall: share of “{one}” that is found", "Precision: share of the finds that are right")
    if (teacher := info.teacher.found.curves) is None:
        return theme.note(figure, _ONE_CLASS)
    figure.add_hline(y=teacher.positives, line={"color": theme.MUTED, "width": 1.5})
    for side in info.sides:
        if (curves := side.found.curves) is not None:
            figure.add_scatter(
                x=curves.recall,
                y=curves.precision,
                mode="lines",
                name=f"{side.title}: AP {curves.average_precision:.3f}",
                line={**side.look.line, "shape": "vh"},
                hovertemplate=f"{side.title}<br>precision %{{y:.1%}} at %{{x:.1%}} recall<extra></extra>",
            )
    return figure


def _squared(info: ComparisonInfo, x: str, y: str, start: float = -0.02) -> go.Figure:
    """Empty figure with axes of shares; on a phone its legend has one line per model."""
    return go.Figure(
        layout=theme.layout(
            x,
            y,
            height=380 + 18 * len(info.sides),
            xaxis={"tickformat": ".0%", "range": [start, 1.02]},
            yaxis={"tickformat": ".0%", "range": [-0.02, 1.04]},
        )
    )


def _line(figure: go.Figure, x: list[Any], y: list[Any]) -> None:
    line = {"color": theme.MUTED, "width": 1.5}
    figure.add_scatter(x=x, y=y, mode="lines", line=line, hoverinfo="skip", showlegend=False)
