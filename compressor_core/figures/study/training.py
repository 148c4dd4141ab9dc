"""Figures of the training of a teacher or a student: records → `TrainingInfo` → Plotly figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Any, Final

import plotly.graph_objects as go

from compressor_core.figures import theme
from compressor_core.records import Epoch, Notice, Record, Step, WarmUpEpoch

MOST_POINTS: Final = 800
"""Largest number of points in the loss curve; more steps are averaged in groups of equal size."""
SMOOTHING: Final = 0.05
"""Weight of the newest step in the smoothed loss."""


@dataclass(frozen=True)
class EpochInfo:
    """One finished epoch; `step` is its last."""

    record: Epoch
    step: int

    @property
    def number(self) -> int:
        """Number of the epoch, from 1."""
        return self.record.epoch + 1

    @property
    def validation_accuracy(self) -> float:
        return self.record.validation_accuracy or 0.0

    @property
    def time(self) -> float:
        return self.record.time or 0.0


@dataclass(frozen=True)
class TrainingInfo:
    """State of a training so far. `steps` and `losses` have the same length, at most `MOST_POINTS`."""

    steps: tuple[float, ...]
    losses: tuple[float, ...]
    smoothed: tuple[float, ...]
    epochs: tuple[EpochInfo, ...]
    warm_up: tuple[float, ...] = ()
    """Loss of each epoch of a warm-up on masked code."""
    notices: tuple[str, ...] = ()
    """Changes that the training had to make on its way, in sentences."""

    @property
    def best(self) -> EpochInfo | None:
        """First epoch with the highest validation accuracy, whose weights are kept."""
        return max(self.epochs, key=lambda epoch: epoch.validation_accuracy, default=None)

    @property
    def last_step(self) -> int:
        return int(self.steps[-1]) if self.steps else 0


def training_info(records: Iterable[Record]) -> TrainingInfo:
    """Build the info from the records of a training run in any state; other records are ignored.

    A resumed run repeats the steps after its last checkpoint; the later records count.
    """
    losses: dict[int, float] = {}
    epochs: dict[int, EpochInfo] = {}
    warm_up: dict[int, float] = {}
    notices: list[str] = []
    for record in records:
        if isinstance(record, Step):
            losses[record.step] = record.loss
        elif isinstance(record, WarmUpEpoch):
            warm_up[record.epoch] = record.loss
        elif isinstance(record, Notice):
            notices.append(record.message)
        elif isinstance(record, Epoch):
            epochs[record.epoch] = EpochInfo(record, max(losses, default=0))
    ordered = sorted(losses)
    raw = [losses[step] for step in ordered]
    size = -(-len(raw) // MOST_POINTS) or 1
    return TrainingInfo(
        steps=tuple(ordered[min(start + size, len(ordered)) - 1] for start in range(0, len(ordered), size)),
        losses=tuple(_means(raw, size)),
        smoothed=tuple(_means(_smooth(raw), size)),
        epochs=tuple(epochs[number] for number in sorted(epochs)),
        warm_up=tuple(warm_up[number] for number in sorted(warm_up)),
        notices=tuple(dict.fromkeys(notices)),
    )


def recipe_text(recipe: Mapping[str, Any]) -> str:
    """What a student learns from, according to the settings of its run or its card."""
    renaming, states = recipe.get("renaming"), recipe.get("hidden_weight")
    masked, average = recipe.get("masked_epochs", 0), recipe.get("average", 0)
    parts = ["soft labels"]
    if renaming:
        parts.append(f"renamed copies of {renaming:.0%}")
    if consistency := recipe.get("consistency"):
        parts.append(f"changed copies of {consistency:.0%}")
    if states:
        parts.append(f"the teacher's states (weight {states:g})")
    if real := recipe.get("real_functions"):
        parts.append(f"{real:,} real functions an epoch")
    if recipe.get("inherit") == "layers":
        parts.append("a start from the teacher's layers")
    if masked:
        parts.append(f"{masked} epoch{'s' if masked > 1 else ''} of masked code first")
    if average > 1:
        parts.append(f"the mean of the {average} best epochs")
    if renaming is None or states is None:
        parts.append("the usual additions for its data")
    return ", ".join(parts)


def seconds_left(info: TrainingInfo, fraction: float | None, elapsed: float | None) -> float | None:
    """Remaining seconds of training at the pace of the finished epochs; None while that would be a guess."""
    if not info.epochs or not fraction or elapsed is None or not 0 < fraction < 1:
        return None
    last = info.epochs[-1]
    steps_per_epoch = last.step / last.number
    total = info.last_step / fraction / steps_per_epoch
    times = [epoch.time for epoch in info.epochs]
    paces = [after - before for before, after in pairwise(times) if after > before] or [times[0]]
    left = (total - last.number) * median(paces) - max(elapsed - last.time, 0.0)
    return max(left, 0.0)


def loss_figure(info: TrainingInfo) -> go.Figure:
    """Loss by step, raw (faint) and smoothed."""
    figure = go.Figure(layout=theme.layout("Training step", "Loss", height=340, yaxis={"rangemode": "tozero"}))
    if not info.steps:
        return theme.note(figure, "Waiting for the first step")
    figure.add_scatter(
        x=info.steps,
        y=info.losses,
        mode="lines+markers" if len(info.steps) < 3 else "lines",
        name="each step",
        line={"color": theme.MUTED, "width": 1},
        opacity=0.5,
    )
    figure.add_scatter(
        x=info.steps,
        y=info.smoothed,
        mode="lines+markers" if len(info.steps) < 3 else "lines",
        name="smoothed",
        line={"color": theme.STUDENT, "width": 2.5},
    )
    for epoch in info.epochs[:-1]:
        figure.add_vline(x=epoch.step, line={"color": theme.GRID, "width": 1, "dash": "dot"})
    return figure


def accuracy_figure(info: TrainingInfo, *, teacher: float | None = None) -> go.Figure:
    """Validation accuracy by epoch, the best one marked; `teacher` is drawn as a level to reach."""
    figure = go.Figure(layout=theme.layout("Epoch", "Validation accuracy", height=340, yaxis={"tickformat": ".0%"}))
    if not info.epochs:
        return theme.note(figure, "Waiting for the end of the first epoch")
    last = info.epochs[-1].number
    figure.update_xaxes(dtick=max(1, last // 10), range=[0.5, last + 0.5])
    figure.add_scatter(
        x=[epoch.number for epoch in info.epochs],
        y=[epoch.validation_accuracy for epoch in info.epochs],
        mode="lines+markers",
        name="each epoch",
        line={"color": theme.STUDENT, "width": 2},
        hovertemplate="epoch %{x}: %{y:.2%}<extra></extra>",
    )
    best = info.best
    if best is not None:
        figure.add_scatter(
            x=[best.number],
            y=[best.validation_accuracy],
            mode="markers+text",
            text=[f"{best.validation_accuracy:.1%}"],
            textposition="bottom center",
            name="best, kept",
            marker={"color": theme.BEST, "size": 13, "symbol": "diamond"},
            hovertemplate="best: %{y:.2%}<extra></extra>",
        )
    if teacher is not None:
        figure.add_hline(
            y=teacher,
            line={"color": theme.TEACHER, "width": 2, "dash": "dash"},
            annotation={"text": f"teacher on the test split, {teacher:.1%}"},
        )
    shown = [epoch.validation_accuracy for epoch in info.epochs] + ([teacher] if teacher is not None else [])
    low, high = min(shown), max(shown)
    margin = max(0.15 * (high - low), 0.02)
    figure.update_yaxes(range=[max(0.0, low - 1.5 * margin), min(1.02, high + 1.5 * margin)])
    return figure


def _smooth(values: Sequence[float]) -> list[float]:
    """Exponential moving average with bias correction."""
    smoothed, average, weight = [], 0.0, 0.0
    for value in values:
        average = (1 - SMOOTHING) * average + SMOOTHING * value
        weight = (1 - SMOOTHING) * weight + SMOOTHING
        smoothed.append(average / weight)
    return smoothed


def _means(values: Sequence[float], size: int) -> list[float]:
    groups = [values[start : start + size] for start in range(0, len(values), size)]
    return [sum(group) / len(group) for group in groups]
