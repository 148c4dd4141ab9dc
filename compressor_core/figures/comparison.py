"""Figures of a comparison: the result of a compare run → `ComparisonInfo` → Plotly figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import plotly.graph_objects as go

from compressor_core.figures import theme

SCORES: Final[Mapping[str, str]] = {
    "accuracy": "Accuracy",
    "precision": "Precision",
    "recall": "Recall",
    "f1": "F1",
}
NOISE: Final = 0.05
"""A difference whose p-value is at least this is called noise."""


@dataclass(frozen=True)
class SideInfo:
    """One of the two models. Latencies are in milliseconds; None is "not known"."""

    title: str
    color: str
    scores: Mapping[str, float]
    examples: int
    confusion: tuple[tuple[int, int], tuple[int, int]]
    """[gold][predicted]."""
    size_mb: float
    parameters: int
    forward_gflops: float | None
    median: float
    p95: float
    samples: tuple[float, ...]


@dataclass(frozen=True)
class GroupInfo:
    """One kind of example, such as a CWE."""

    name: str
    examples: int
    teacher: float
    student: float


@dataclass(frozen=True)
class ComparisonInfo:
    """Teacher and student on the same examples."""

    teacher: SideInfo
    student: SideInfo
    groups: tuple[GroupInfo, ...]
    """From the widest loss to the widest gain; empty if the data has no kinds."""
    agreement: float
    speedup: float
    p: float
    only_teacher: int
    only_student: int
    measured: str
    """How and where the latency was measured, in one sentence."""
    data: str
    """On what the scores were measured."""

    @property
    def kept(self) -> float:
        """Share of the teacher's accuracy that the student keeps."""
        accuracy = self.teacher.scores["accuracy"]
        return self.student.scores["accuracy"] / accuracy if accuracy else 0.0

    @property
    def significant(self) -> bool:
        return self.p < NOISE


def comparison_info(result: Mapping[str, Any]) -> ComparisonInfo:
    """From the result of a compare run."""
    machine = result["machine"]
    threads = f"{machine['threads']} thread{'s' if machine['threads'] != 1 else ''}"
    measured = (
        f"Latency: one example at a time (batch size {machine['batch_size']}), unpadded, tokenization apart, after a "
        f"warm-up; the two models take turns on the same {result['latency_examples']:,} examples, "
        f"{result['teacher']['latency']['measurements']:,} measurements each. "
        f"{machine['processor'] or 'Unknown processor'}, {machine['system']}, {threads}, "
        f"{machine['runtime']}, {machine['precision']}."
    )
    return ComparisonInfo(
        teacher=_side("Teacher", theme.TEACHER, result["teacher"]),
        student=_side("Student", theme.STUDENT, result["student"]),
        groups=_groups(result["teacher"].get("groups", ()), result["student"].get("groups", ())),
        agreement=result["agreement"],
        speedup=result["speedup"],
        p=result["mcnemar"]["p"],
        only_teacher=result["mcnemar"]["only_first"],
        only_student=result["mcnemar"]["only_second"],
        measured=measured,
        data=f"Scores: {result['examples']:,} examples of {result['dataset']}, {_split(result['split'])}.",
    )


def headline(info: ComparisonInfo) -> str:
    """The comparison in one sentence."""
    times = info.teacher.size_mb / info.student.size_mb
    smaller = f"{times:.1f}× smaller" if times >= 1 else f"{1 / times:.1f}× larger"
    faster = f"{info.speedup:.1f}× faster" if info.speedup >= 1 else f"{1 / info.speedup:.1f}× slower"
    return (
        f"The student keeps {info.kept:.1%} of the teacher's accuracy "
        f"({info.student.scores['accuracy']:.1%} against {info.teacher.scores['accuracy']:.1%}) "
        f"and is {smaller} and {faster}."
    )


def noise_sentence(info: ComparisonInfo) -> str:
    """What McNemar's test says of the difference in accuracy, in words."""
    counts = (
        f"{info.only_teacher:,} examples only the teacher gets right, {info.only_student:,} only the student "
        f"(McNemar's exact test, p {_p(info.p)})"
    )
    if not info.significant:
        return f"The difference in accuracy is within noise: {counts}."
    better = "teacher" if info.only_teacher > info.only_student else "student"
    return f"The {better} is better by more than noise: {counts}."


def scores_figure(info: ComparisonInfo) -> go.Figure:
    """Accuracy, precision, recall and F1, side by side."""
    figure = go.Figure(
        layout=theme.layout("", "Share", height=360, barmode="group", yaxis={"range": [0, 1.08], "tickformat": ".0%"})
    )
    for side in (info.teacher, info.student):
        values = [side.scores[score] for score in SCORES]
        figure.add_bar(
            x=list(SCORES.values()),
            y=values,
            name=side.title,
            text=[f"{value:.1%}" for value in values],
            textposition="outside",
            cliponaxis=False,
            hovertemplate=f"{side.title}: %{{y:.2%}}<extra></extra>",
            **_bar(side),
        )
    return figure


def confusion_figure(side: SideInfo, labels: Sequence[str] = ("0", "1")) -> go.Figure:
    """How often each gold class was predicted as each class; shares are of the gold class."""
    shares = [[cell / max(sum(row), 1) for cell in row] for row in side.confusion]
    figure = go.Figure(
        go.Heatmap(
            z=shares,
            x=list(labels),
            y=list(labels),
            colorscale=[[0, theme.faint(side.color, 0)], [1, theme.faint(side.color, 0.75)]],
            zmin=0,
            zmax=1,
            showscale=False,
            xgap=2,
            ygap=2,
            hovertemplate="truth %{y}, predicted %{x}: %{z:.1%}<extra></extra>",
        ),
        layout=theme.layout(f"Predicted by the {side.title.lower()}", "Truth", height=300, showlegend=False),
    )
    # Text of its own, because a heatmap's would be coloured for a white page, in the dark too.
    cells = [(row, column) for row in (0, 1) for column in (0, 1)]
    figure.add_scatter(
        x=[labels[column] for _, column in cells],
        y=[labels[row] for row, _ in cells],
        text=[f"<b>{side.confusion[row][column]:,}</b><br>{shares[row][column]:.0%}" for row, column in cells],
        mode="text",
        textfont={"size": 15},
        hoverinfo="skip",
    )
    figure.update_xaxes(type="category", showgrid=False)
    figure.update_yaxes(type="category", autorange="reversed", showgrid=False)
    return figure


def groups_figure(info: ComparisonInfo) -> go.Figure:
    """Accuracy by kind of example: teacher and student as the two ends of a line."""
    height = 120 + 30 * max(len(info.groups), 4)
    figure = go.Figure(layout=theme.layout("Accuracy", "", height=height, xaxis={"tickformat": ".0%"}))
    if not info.groups:
        return theme.note(figure, "This data does not say of which kind its examples are")
    names = [f"{group.name} ({group.examples})" for group in info.groups]
    x: list[float | None] = []
    y: list[str | None] = []
    for name, group in zip(names, info.groups, strict=True):
        x += [group.teacher, group.student, None]
        y += [name, name, None]
    figure.add_scatter(
        x=x, y=y, mode="lines", line={"color": theme.MUTED, "width": 2}, hoverinfo="skip", showlegend=False
    )
    for side, symbol, values in (
        (info.teacher, "square", [group.teacher for group in info.groups]),
        (info.student, "circle", [group.student for group in info.groups]),
    ):
        figure.add_scatter(
            x=values,
            y=names,
            mode="markers",
            name=side.title,
            marker={"color": side.color, "symbol": symbol, "size": 11},
            hovertemplate=f"%{{y}}<br>{side.title}: %{{x:.1%}}<extra></extra>",
        )
    figure.update_yaxes(autorange="reversed", type="category")
    return figure


def latency_figure(info: ComparisonInfo) -> go.Figure:
    """The share of inferences that took at most so long, with median and 95th percentile marked."""
    figure = go.Figure(
        layout=theme.layout(
            "Latency of one inference (ms)",
            "Share that took at most so long",
            height=360,
            xaxis=theme.log_axis([*info.teacher.samples, *info.student.samples]),
            yaxis={"tickformat": ".0%", "range": [0, 1.02]},
        )
    )
    for side, dash in ((info.teacher, "solid"), (info.student, "dot")):
        count = len(side.samples)
        figure.add_scatter(
            x=side.samples,
            y=[(index + 1) / count for index in range(count)],
            mode="lines",
            name=f"{side.title}: median {_ms(side.median)}, p95 {_ms(side.p95)}",
            line={"color": side.color, "width": 2.5, "dash": dash, "shape": "hv"},
            hovertemplate=f"{side.title}: %{{y:.0%}} within %{{x:.2f}} ms<extra></extra>",
        )
        figure.add_scatter(
            x=[side.median, side.p95],
            y=[0.5, 0.95],
            mode="markers",
            showlegend=False,
            marker={"color": side.color, "size": 10, "symbol": ["diamond", "triangle-up"]},
            hovertemplate=f"{side.title}: %{{x:.2f}} ms<extra></extra>",
        )
    return figure


def cost_figure(info: ComparisonInfo) -> go.Figure:
    """What the student needs as a share of what the teacher needs; shorter bars are better."""
    rows = [
        ("Size", info.teacher.size_mb, info.student.size_mb, "MB"),
        ("Parameters", info.teacher.parameters / 1e6, info.student.parameters / 1e6, "million"),
        ("Latency, median", info.teacher.median, info.student.median, "ms"),
        ("Latency, p95", info.teacher.p95, info.student.p95, "ms"),
    ]
    if info.teacher.forward_gflops and info.student.forward_gflops:
        rows.insert(2, ("One forward pass", info.teacher.forward_gflops, info.student.forward_gflops, "GFLOPs"))
    rows.reverse()
    shares = [student / teacher if teacher else 0.0 for _, teacher, student, _ in rows]
    figure = go.Figure(
        layout=theme.layout(
            "Share of the teacher's",
            "",
            height=110 + 52 * len(rows),
            xaxis={"tickformat": ".0%", "range": [0, 1.15 * max(1.0, *shares)]},
            showlegend=False,
        )
    )
    figure.add_bar(
        x=shares,
        y=[
            f"<b>{name}</b><br>{_figure(student)} of {_figure(teacher)} {unit}" for name, teacher, student, unit in rows
        ],
        text=[f"{share:.0%}" for share in shares],
        textposition="outside",
        cliponaxis=False,
        orientation="h",
        hovertemplate="%{y}: %{x:.1%}<extra></extra>",
        **_bar(info.student),
    )
    figure.add_vline(x=1, line={"color": theme.TEACHER, "width": 2, "dash": "dash"})
    return figure


def _side(title: str, color: str, result: Mapping[str, Any]) -> SideInfo:
    latency = result["latency"]
    (a, b), (c, d) = result["confusion"]
    return SideInfo(
        title=title,
        color=color,
        scores={score: float(result[score]) for score in SCORES},
        examples=result["examples"],
        confusion=((a, b), (c, d)),
        size_mb=result["size_mb"],
        parameters=result["parameters"],
        forward_gflops=result.get("forward_gflops"),
        median=latency["median"],
        p95=latency["p95"],
        samples=tuple(latency["samples"]),
    )


def _groups(teacher: Sequence[Mapping[str, Any]], student: Sequence[Mapping[str, Any]]) -> tuple[GroupInfo, ...]:
    of_student = {group["group"]: group["accuracy"] for group in student}
    groups = [
        GroupInfo(group["group"] or "other", group["examples"], group["accuracy"], of_student[group["group"]])
        for group in teacher
        if group["group"] in of_student
    ]
    return tuple(sorted(groups, key=lambda group: (group.student - group.teacher, group.name)))


def _bar(side: SideInfo) -> dict[str, Any]:
    hatched = {"shape": "/", "fillmode": "overlay", "fgcolor": "rgba(0,0,0,0.35)", "solidity": 0.2, "size": 10}
    return {"marker": {"color": side.color, "pattern": hatched if side.title == "Student" else {"shape": ""}}}


def _split(split: str) -> str:
    return "the whole file" if split == "all" else f"the {split} split"


def _p(value: float) -> str:
    return f"= {value:.3f}" if value >= 0.001 else "< 0.001"


def _ms(value: float) -> str:
    return f"{value:.1f} ms" if value < 100 else f"{value:.0f} ms"


def _figure(value: float) -> str:
    return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"
