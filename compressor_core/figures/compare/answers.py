"""The answers of teacher and student to one example, as a sentence and as bars of probability."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

import plotly.graph_objects as go

from compressor_core.figures import theme
from compressor_core.figures.compare.attribution import SIDES
from compressor_core.records import Prediction


@dataclass(frozen=True)
class AnswersInfo:
    """The answers by side, the teacher's first; `truth` is the number of the true class, None if nobody knows it."""

    answers: Mapping[str, Prediction]
    truth: int | None = None

    @property
    def true_label(self) -> str | None:
        """The name of the true class, in the student's words if it is there."""
        last = list(self.answers.values())[-1]
        return None if self.truth is None else list(last.probabilities)[self.truth]

    @property
    def labels(self) -> list[str]:
        """All labels that any side tells apart."""
        return list(dict.fromkeys(label for answer in self.answers.values() for label in answer.probabilities))


def sure(answer: Prediction) -> str:
    """How sure an answer is; no model is certain."""
    share = answer.probabilities[answer.label]
    return f"{share:.1%} sure" if share < 0.9995 else "more than 99.9% sure"


def answers_headline(info: AnswersInfo) -> str:
    """Whether they agree, whether they are right, and how their times compare."""
    said = {side: f"{answer.label}{_verdict(answer, info.truth)}" for side, answer in info.answers.items()}
    if len(said) < 2:
        ((side, words),) = said.items()
        return f"The {side} says {words}."
    teacher, student = info.answers["teacher"], info.answers["student"]
    if teacher.number == student.number:
        text = f"Both say {said['student']}."
    else:
        text = f"They disagree: {', '.join(f'the {side} says {words}' for side, words in said.items())}."
    ratio = teacher.milliseconds / max(student.milliseconds, 1e-9)
    if ratio >= 1.1:
        return f"{text} The student was {ratio:.1f} times as fast."
    return (
        f"{text} The student was no faster."
        if ratio > 1 / 1.1
        else f"{text} The student took {1 / ratio:.1f} times as long."
    )


def answers_figure(info: AnswersInfo) -> go.Figure:
    """The probability that each side gives to each label."""
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


def _verdict(answer: Prediction, truth: int | None) -> str:
    if truth is None:
        return ""
    return ", which is right" if answer.number == truth else ", which is wrong"
