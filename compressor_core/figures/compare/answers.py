"""Answers of teacher and student to one example, as sentences and as bars of probability."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape

import plotly.graph_objects as go

from compressor_core.figures import theme
from compressor_core.figures.compare.attribution import SIDES
from compressor_core.records import AlarmThreshold, Prediction


@dataclass(frozen=True)
class AnswersInfo:
    """Answers by side, the teacher's first; `truth` is the number of the true class, None if unknown.

    An alarm (class 1) is unsure if its probability is at most the threshold of its side.
    """

    answers: Mapping[str, Prediction]
    truth: int | None = None
    thresholds: Mapping[str, AlarmThreshold] = field(default_factory=dict)

    def unsure(self, side: str) -> bool:
        """Whether a side raises an alarm that is no more probable than alarms on clean code."""
        answer, threshold = self.answers[side], self.thresholds.get(side)
        return threshold is not None and answer.number == 1 and _share(answer) <= threshold.probability

    def label(self, side: str) -> str:
        """Label of a side's answer, or "unsure"."""
        return "unsure" if self.unsure(side) else self.answers[side].label

    def right(self, side: str) -> bool:
        """Whether a side is both sure and right."""
        return self.answers[side].number == self.truth and not self.unsure(side)

    @property
    def true_label(self) -> str | None:
        """Name of the true class, as labelled by the student if it is present."""
        last = list(self.answers.values())[-1]
        return None if self.truth is None else list(last.probabilities)[self.truth]

    @property
    def labels(self) -> list[str]:
        """All labels that any side distinguishes."""
        return list(dict.fromkeys(label for answer in self.answers.values() for label in answer.probabilities))


def _share(answer: Prediction) -> float:
    return answer.probabilities[answer.label]


def sure(answer: Prediction) -> str:
    """Confidence of an answer in words; never 100%."""
    share = _share(answer)
    return f"{share:.1%} sure" if share < 0.9995 else "more than 99.9% sure"


def answers_headline(info: AnswersInfo) -> str:
    """Sentences on whether the sides agree, whether they are right, and how their times compare."""
    said = {side: _said(info, side) for side in info.answers}
    if len(said) < 2:
        ((side, words),) = said.items()
        return f"The {side} {words}."
    teacher, student = info.answers["teacher"], info.answers["student"]
    listed = ", ".join(f"the {side} {words}" for side, words in said.items())
    if teacher.number != student.number:
        text = f"They disagree: {listed}."
    elif info.unsure("teacher") != info.unsure("student"):
        text = f"{listed[0].upper()}{listed[1:]}."
    elif info.unsure("student"):
        text = f"Both are unsure, leaning to {student.label}."
    else:
        text = f"Both say {student.label}{_verdict(student, info.truth)}."
    ratio = teacher.milliseconds / max(student.milliseconds, 1e-9)
    if ratio >= 1.1:
        return f"{text} The student was {ratio:.1f} times as fast."
    return (
        f"{text} The student was no faster."
        if ratio > 1 / 1.1
        else f"{text} The student took {1 / ratio:.1f} times as long."
    )


def answers_figure(info: AnswersInfo) -> go.Figure:
    """Probability that each side gives to each label."""
    labels = info.labels
    rows = len(labels) * len(info.answers)
    figure = go.Figure(
        layout=theme.layout(
            "Probability (%)",
            "",
            height=90 + 34 * rows,
            barmode="group",
            bargap=0.25,
            xaxis={"range": [0, 112], "tickvals": [0, 25, 50, 75, 100], "fixedrange": True},
            yaxis={"autorange": "reversed", "fixedrange": True},
            legend={"traceorder": "normal"},
        )
    )
    for side, answer in info.answers.items():
        shares = [100 * answer.probabilities.get(label, 0.0) for label in labels]
        figure.add_bar(
            x=shares,
            y=[escape(label, quote=False) for label in labels],
            orientation="h",
            name=side.capitalize(),
            marker={"color": SIDES[side], "pattern": {"shape": "" if side == "teacher" else "/"}},
            text=[f"{share:.1f}" for share in shares],
            textposition="outside",
            cliponaxis=False,
            hovertemplate=f"{side}: %{{x:.2f}} %<extra></extra>",
        )
    return figure


def unsure_sentence(info: AnswersInfo) -> str | None:
    """Explanation of the alarm thresholds and how they were computed; None if no side has one."""
    if not info.thresholds:
        return None
    one = next(iter(info.thresholds.values()))
    ends = " and ".join(f"{limit.probability:.1%} for the {side}" for side, limit in info.thresholds.items())
    return (
        f"An answer is unsure if it is {info.labels[1]} with no more than {ends}: at most {one.share:.0%} of "
        f"{one.inputs} {one.of} get more. Computed on this machine, once for each model."
    )


def edit_sentence(before: AnswersInfo, after: AnswersInfo) -> str:
    """Sentence on which answers change under an edit, and whether they should: only a fix changes the label."""
    sides = list(before.answers)
    if before.truth != after.truth:
        right = [side for side in sides if before.right(side) and after.right(side)]
        return f"Right on both halves: {' and '.join(right) or 'nobody'}."
    flipped = [side for side in sides if before.answers[side].number != after.answers[side].number]
    return f"The code does what it did. Answers that flip: {' and '.join(flipped) or 'none'}."


def edit_metrics(before: AnswersInfo, after: AnswersInfo) -> list[tuple[str, str, str]]:
    """Title, label and confidence for each side before and after an edit."""
    return [
        (f"{side.capitalize()} {when}", info.label(side), sure(info.answers[side]))
        for side in before.answers
        for when, info in (("before", before), ("after", after))
    ]


def _said(info: AnswersInfo, side: str) -> str:
    answer = info.answers[side]
    if info.unsure(side):
        return f"is unsure, leaning to {answer.label}"
    return f"says {answer.label}{_verdict(answer, info.truth)}"


def _verdict(answer: Prediction, truth: int | None) -> str:
    if truth is None:
        return ""
    return ", which is right" if answer.number == truth else ", which is wrong"
