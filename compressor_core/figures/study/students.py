"""Figures of a study of budgets: accuracy against size and latency, every student and the mean of each budget."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Final

import plotly.graph_objects as go

from compressor_core.figures import theme
from compressor_core.paper import Published
from compressor_core.records import BudgetSummary, CardScores, Failed, Record, Student, StudyStudent

_PUBLISHED: Final = (("square", theme.FEASIBLE), ("triangle-up", theme.OPTIMUM), ("cross", theme.GREY))


@dataclass(frozen=True)
class StudyInfo:
    """State of a study so far."""

    students: tuple[Student, ...]
    """By increasing budget, then seed."""
    published: tuple[Published, ...] = ()
    failed: tuple[Failed, ...] = ()
    """Students that could not be made, by increasing budget, then seed."""

    @property
    def budgets(self) -> tuple[BudgetSummary, ...]:
        """Summary of each budget that has a student, by increasing budget."""
        return BudgetSummary.each(self.students)

    @property
    def teacher_accuracy(self) -> float | None:
        return self.students[0].teacher_accuracy if self.students else None

    @property
    def teacher_latency_ms(self) -> float | None:
        """Mean of the teacher's latencies, measured beside each student."""
        return fmean(one.teacher_latency_ms for one in self.students) if self.students else None


def study_info(records: Iterable[Record], published: Sequence[Published] = ()) -> StudyInfo:
    """Build the info from the records of a study in any state; other records are ignored."""
    students: dict[tuple[float, int], Student] = {}
    failed: dict[tuple[float, int], Failed] = {}
    for one in records:
        if isinstance(one, Student):
            students[one.budget_mb, one.seed] = one
        elif isinstance(one, Failed):
            failed[one.budget_mb, one.seed] = one
    # A student that failed earlier may have been made since.
    lost = tuple(failed[key] for key in sorted(failed) if key not in students)
    return StudyInfo(tuple(students[key] for key in sorted(students)), tuple(published), lost)


def failed_sentences(info: StudyInfo) -> list[str]:
    """Reason for each student that could not be made."""
    return [f"{one.budget_mb:g} MB, seed {one.seed}, could not be made: {one.message}" for one in info.failed]


def study_sentence(info: StudyInfo) -> str:
    """Smallest budget whose students stay within a point of the teacher, or the distance of the best ones."""
    if info.teacher_accuracy is None:
        return "No student has been measured yet."
    lost = {one.budget_mb: info.teacher_accuracy - one.mean for one in info.budgets}
    near = [budget for budget, points in lost.items() if points <= 0.01]
    if near:
        return f"{near[0]:g} MB are enough to stay within a point of the teacher's accuracy."
    best = min(lost, key=lost.__getitem__)
    return f"The best mean, at {best:g} MB, is {100 * lost[best]:.1f} points below the teacher's accuracy."


def exchange_sentence(points: Sequence[tuple[float, float]], low: float = 1.0, high: float = 3.0) -> str:
    """What a budget of `low` MB costs in place of `high` MB, from sizes in MB with their accuracies.

    For a budget stands the largest size within it, of at least four fifths; empty if either budget has none.
    """

    def at(budget: float) -> float | None:
        return max(((size, accuracy) for size, accuracy in points if 0.8 <= size / budget <= 1), default=(0, None))[1]

    small, large = at(low), at(high)
    if small is None or large is None:
        return ""
    lost = round(round(100 * large, 1) - round(100 * small, 1), 1)  # what stands beside the points adds up
    said = f"costs {lost:.1f} points" if lost > 0 else f"gains {-lost:.1f} points" if lost < 0 else "costs no points"
    return f"{low:g} MB in place of {high:g} MB {said} of accuracy."


def size_figure(info: StudyInfo) -> go.Figure:
    """Accuracy against file size, with the published students if there are any."""
    figure = _figure(info, "Size of the file (MB)", lambda one: one.size_mb, ".3f", "MB")
    if not info.students:
        return figure
    for (symbol, color), curve in zip(_PUBLISHED, info.published, strict=False):
        figure.add_scatter(
            x=curve.sizes_mb,
            y=[100 * value for value in curve.accuracies],
            mode="markers",
            name=curve.title,
            marker={"color": color, "symbol": f"{symbol}-open", "size": 11, "line": {"width": 2}},
            hovertemplate=f"%{{x:g}} MB<br>%{{y:.2f}} %<extra>{curve.title}</extra>",
        )
    sizes = [one.size_mb for one in info.students]
    figure.update_xaxes(**theme.log_axis([*sizes, *(size for curve in info.published for size in curve.sizes_mb)]))
    return figure


def latency_figure(info: StudyInfo) -> go.Figure:
    """Accuracy against the median latency of one query; the teacher is drawn as a point and a line."""
    figure = _figure(info, "Latency of one query (ms)", lambda one: one.latency_ms, ".2f", "ms")
    if info.teacher_accuracy is None or info.teacher_latency_ms is None:
        return figure
    figure.add_scatter(
        x=[info.teacher_latency_ms],
        y=[100 * info.teacher_accuracy],
        mode="markers",
        name="teacher's latency",
        marker={"color": theme.TEACHER, "symbol": "star", "size": 14},
        hovertemplate="%{x:.2f} ms<br>%{y:.1f} %<extra>teacher</extra>",
    )
    figure.update_xaxes(**theme.log_axis([*(one.latency_ms for one in info.students), info.teacher_latency_ms]))
    return figure


def ready_figure(students: Sequence[CardScores], teacher: CardScores | None) -> go.Figure:
    """Accuracy against size (MB) of models measured before, on their own test split and, if measured, on hand-written
    functions; students by increasing size."""
    figure = go.Figure(layout=theme.layout("Size of the file (MB)", "Accuracy (%)"))
    if not students:
        return theme.note(figure, "No student is bundled for this task")
    sizes = [size for size, _, _ in students]
    own, by_hand = [_percent(one) for _, one, _ in students], [_percent(one) for _, _, one in students]
    curves = ("own test split", own, "circle", "solid"), ("written by hand", by_hand, "square", "dot")
    for name, values, symbol, dash in curves:
        if any(value is not None for value in values):
            figure.add_scatter(
                x=sizes,
                y=values,
                mode="lines+markers",
                name=name,
                line={"color": theme.STUDENT, "width": 2, "dash": dash},
                marker={"color": theme.STUDENT, "size": 11, "symbol": symbol},
                hovertemplate=f"%{{x:.3g}} MB<br>%{{y:.1f}} %<extra>{name}</extra>",
            )
    lines = (
        (("teacher", teacher.accuracy, "dash"), ("teacher, written by hand", teacher.by_hand, "dot")) if teacher else ()
    )
    for name, accuracy, dash in lines:
        if accuracy is not None:
            line = {"color": theme.TEACHER, "width": 2, "dash": dash}
            text = f"{name} {accuracy:.1%}"
            figure.add_hline(100 * accuracy, line=line, annotation_text=text, annotation_position="top left")
    figure.update_xaxes(**theme.log_axis(sizes))
    return figure


def flips_figure(info: StudyInfo) -> go.Figure | None:
    """Share of flipped answers against file size, the mean of each budget as a line; None if not measured."""
    known = [one for one in info.students if one.flips is not None]
    if not known:
        return None
    figure = go.Figure(layout=theme.layout("Size of the file (MB)", "Answers that flip (%)"))
    figure.add_scatter(
        x=[one.size_mb for one in known],
        y=[_percent(one.flips) for one in known],
        mode="markers",
        name="one student",
        marker={"color": theme.faint(theme.STUDENT, 0.8), "symbol": "circle", "size": 8},
        customdata=[[one.short_form, one.seed] for one in known],
        hovertemplate="%{customdata[0]}, seed %{customdata[1]}<br>%{x:.3f} MB<br>%{y:.1f} %<extra></extra>",
    )
    means = [one for one in info.budgets if one.flips is not None]
    figure.add_scatter(
        x=[one.size_mb for one in means],
        y=[_percent(one.flips) for one in means],
        mode="lines+markers",
        name="mean",
        line={"color": theme.BEST, "width": 2},
        marker={"color": theme.BEST, "symbol": "diamond", "size": 11},
        hovertemplate="%{x:.3f} MB<br>%{y:.1f} %<extra>mean</extra>",
    )
    if (teacher := known[0].teacher_flips) is not None:
        _teacher_line(figure, 100 * teacher)
    figure.update_xaxes(**theme.log_axis([one.size_mb for one in known]))
    return figure


def student_rows(info: StudyInfo) -> list[dict[str, Any]]:
    """Table of the students."""
    return [
        {
            "Budget (MB)": one.budget_mb,
            "Seed": one.seed,
            "Architecture": one.short_form,
            "Size (MB)": one.size_mb,
            "Accuracy (%)": 100 * one.accuracy,
            "Same answer (%)": 100 * one.agreement,
            "Flips (%)": _percent(one.flips),
            "Teacher's flips (%)": _percent(one.teacher_flips),
            "Latency (ms)": one.latency_ms,
            "Teacher (ms)": one.teacher_latency_ms,
            "GFLOPs": one.paper_gflops,
            "Parameters": one.parameters,
            "Seconds": one.seconds,
        }
        for one in info.students
    ]


def budget_rows(info: StudyInfo) -> list[dict[str, Any]]:
    """Table of the budgets."""
    teacher = info.teacher_accuracy or 0.0
    return [
        {
            "Budget (MB)": one.budget_mb,
            "Students": one.students,
            "Mean accuracy (%)": 100 * one.mean,
            "Standard deviation (points)": _percent(one.standard_deviation),
            "Lowest (%)": 100 * one.min,
            "Highest (%)": 100 * one.max,
            "Below the teacher (points)": 100 * (teacher - one.mean),
            "Mean flips (%)": _percent(one.flips),
            "Times faster": one.teacher_latency_ms / one.latency_ms,
        }
        for one in info.budgets
    ]


def _percent(value: float | None) -> float | None:
    return None if value is None else 100 * value


def _figure(
    info: StudyInfo, title: str, value: Callable[[StudyStudent | BudgetSummary], float], form: str, unit: str
) -> go.Figure:
    figure = go.Figure(layout=theme.layout(title, "Accuracy on the test split (%)"))
    if not info.students:
        return theme.note(figure, "No student is finished yet")
    figure.add_scatter(
        x=[value(one) for one in info.students],
        y=[100 * one.accuracy for one in info.students],
        mode="markers",
        name="one student",
        marker={"color": theme.faint(theme.STUDENT, 0.8), "symbol": "circle", "size": 8},
        customdata=[[one.short_form, one.seed, 100 * one.agreement] for one in info.students],
        hovertemplate=(
            f"%{{customdata[0]}}, seed %{{customdata[1]}}<br>%{{x:{form}}} {unit}<br>%{{y:.1f}} %<br>"
            "same answer as the teacher: %{customdata[2]:.1f} %<extra></extra>"
        ),
    )
    spreads = [_percent(one.standard_deviation) for one in info.budgets]
    figure.add_scatter(
        x=[value(one) for one in info.budgets],
        y=[100 * one.mean for one in info.budgets],
        # No error bar for a single student: its spread is unknown.
        error_y={
            "type": "data",
            "array": spreads,
            "visible": any(spread is not None for spread in spreads),
            "thickness": 2,
            "width": 7,
        },
        mode="lines+markers",
        name="mean ± standard deviation",
        line={"color": theme.BEST, "width": 2},
        marker={"color": theme.BEST, "symbol": "diamond", "size": 11},
        customdata=[
            [one.budget_mb, one.students, "" if spread is None else f" ± {spread:.1f}"]
            for one, spread in zip(info.budgets, spreads, strict=True)
        ],
        hovertemplate=(
            f"budget %{{customdata[0]:g}} MB<br>%{{x:{form}}} {unit}<br>%{{y:.1f}}%{{customdata[2]}} %, "
            "students: %{customdata[1]}<extra></extra>"
        ),
    )
    _teacher_line(figure, 100 * (info.teacher_accuracy or 0.0))
    return figure


def _teacher_line(figure: go.Figure, percent: float) -> None:
    figure.add_hline(
        percent,
        line={"color": theme.TEACHER, "width": 2, "dash": "dash"},
        annotation={"text": f"teacher {percent:.1f} %"},
        annotation_position="bottom left",
    )
