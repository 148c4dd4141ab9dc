"""Probe results for tables, sentences and figures: flip rates by kind of change, and the worst example."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from compressor_core.errors import RunError
from compressor_core.figures import theme
from compressor_core.figures.compare.info import bars
from compressor_core.records import ChangedExample, Mimicry, ProbedChange, ProbeSummary, Record, read_record


@dataclass(frozen=True)
class ProbeInfo:
    """Summary of a probe, with the look of each model."""

    summary: ProbeSummary
    looks: Mapping[str, theme.Look]

    @property
    def changes(self) -> tuple[ProbedChange, ...]:
        """Kinds of change that changed anything, in the order of the probe."""
        return tuple(change for change in self.summary.changes.values() if change.functions)

    @property
    def first(self) -> str:
        """Name of the model that the others are compared with."""
        return next(iter(self.summary.models))

    @property
    def worst(self) -> ChangedExample | None:
        """Example whose probability, as given by a student, changes most under any kind of change."""
        examples = [change.worst for change in self.changes if change.worst is not None]
        return max(examples, key=_shift, default=None)


def _shift(one: ChangedExample) -> float:
    return abs(one.probabilities[one.model] - one.probabilities_before[one.model])


def probe_info(found: Mapping[str, Any] | Record | None) -> ProbeInfo:
    """Build the info from the summary of a probe, or from the result of its run.

    Raises:
        RunError: the result is damaged.
    """
    summary = read_record(found) if isinstance(found, Mapping) else found
    if not isinstance(summary, ProbeSummary):
        raise RunError("The result of this probe is damaged: probe the models again.")
    return ProbeInfo(summary, dict(zip(summary.models, (theme.OF_TEACHER, *theme.OF_STUDENTS), strict=False)))


def probe_sentence(info: ProbeInfo) -> str:
    """Sentence on flipped answers under the first kind of change, which is the mixed draw if there is one."""
    if not info.changes:
        return "None of these changes applies to these functions."
    change = info.changes[0]
    said = ", ".join(f"{name} on {model.rate:.1%}" for name, model in change.models.items())
    what = "up to three changes" if change.change == "mixed" else f"the change “{change.change}”"
    sentence = f"After {what} that keep what the code does, another answer: {said} of {change.functions:,} functions."
    return f"{sentence} {_times(change)}".strip()


def _times(change: ProbedChange) -> str:
    """Flip rates of the students relative to that of the first model."""
    first, *others = change.models.items()
    if not others or not first[1].flips:
        return ""
    said = " and ".join(f"{name} {model.flips / first[1].flips:.1f} times as often" for name, model in others)
    return f"Beside {first[0]}, {said}."


def pairs_sentence(info: ProbeInfo) -> str:
    """Sentence on the answers to pairs with different labels; empty without pairs."""
    said = [
        f"{name} gives both halves the right answer in {answers.both_right / answers.pairs:.0%}, and both the same in "
        f"{1 - answers.changed / answers.pairs:.0%}"
        for name, answers in info.summary.pairs.items()
    ]
    number = max((answers.pairs for answers in info.summary.pairs.values()), default=0)
    return f"Of {number} hand-written pairs, unsafe and fixed: {'; '.join(said)}." if said else ""


def probe_rows(info: ProbeInfo) -> list[dict[str, Any]]:
    """One table row per kind of change and model."""
    return [
        {
            "Change": change.change,
            "Model": name,
            "Functions": change.functions,
            "Flips": model.flips,
            "Flips (%)": model.rate * 100,
            "95% interval": f"{model.interval[0] * 100:.1f} to {model.interval[1] * 100:.1f}",
            "Mean |Δp| (points)": model.shift * 100,
            "Accuracy (%)": model.accuracy * 100,
            "Before (%)": model.accuracy_before * 100,
            "ECE (points)": model.ece * 100,
            "ECE before": model.ece_before * 100,
            "Agreement (%)": model.agreement * 100 if isinstance(model, Mimicry) else None,
            "Sure as well": f"{model.sure_as_well:,} of {model.sure:,}" if isinstance(model, Mimicry) else "",
        }
        for change in info.changes
        for name, model in change.models.items()
    ]


def flips_figure(info: ProbeInfo) -> go.Figure:
    """Share of the changed functions whose answer flips, by kind of change and model, with 95% intervals."""
    changes = info.changes
    step = 0.7 / max(1, len(info.looks))
    figure = go.Figure(
        layout=theme.layout(
            "Answers that flip, with the 95% interval",
            "",
            height=110 + len(changes) * max(34, 17 * len(info.looks)),
            xaxis={"tickformat": ".0%", "rangemode": "tozero"},
            yaxis={
                "tickvals": list(range(len(changes))),
                "ticktext": [f"{change.change} ({change.functions:,})" for change in changes],
                "range": [len(changes) - 0.5, -0.5],
                "showgrid": False,
                "zeroline": False,
            },
        )
    )
    if not changes:
        return theme.note(figure, "Nothing was changed")
    for place, (name, look) in enumerate(info.looks.items()):
        models = [change.models[name] for change in changes]
        ends = [model.interval for model in models]
        figure.add_scatter(
            x=[model.rate for model in models],
            y=[row + (place + 0.5) * step - 0.35 for row in range(len(changes))],
            mode="markers",
            name=name,
            marker={"color": look.color, "symbol": look.symbol, "size": 9},
            error_x=bars([model.rate for model in models], ends, color=look.color, thickness=2, width=4),
            customdata=[
                [change.change, model.flips, change.functions, *model.interval]
                for change, model in zip(changes, models, strict=True)
            ],
            hovertemplate=f"{name}, %{{customdata[0]}}: %{{customdata[1]}} of %{{customdata[2]}}, %{{x:.1%}}"
            "<br>95%: %{customdata[3]:.1%} to %{customdata[4]:.1%}<extra></extra>",
        )
    for row in range(1, len(changes)):
        figure.add_hline(y=row - 0.5, line={"color": theme.GRID, "width": 1})
    return figure


def worst_sentence(info: ProbeInfo, worst: ChangedExample) -> str:
    """Answer of each model to an example before and after the change."""
    said = [
        f"{name} {worst.probabilities_before[name]:.1%} before and {after:.1%} after"
        for name, after in worst.probabilities.items()
    ]
    truth = info.summary.labels[worst.label]
    return f"“{info.summary.labels[1]}”: {', '.join(said)}. By {', '.join(worst.changes)}; the truth is “{truth}”."


def edit(before: Sequence[str], after: Sequence[str]) -> str:
    """Changed functions as one unified diff with full context, without its header."""
    parts = []
    for one, other in zip(before, after, strict=True):
        lines = difflib.unified_diff(one.splitlines(), other.splitlines(), lineterm="", n=10_000)
        parts.append("\n".join(list(lines)[3:]) or one)
    return "\n\n".join(parts)
