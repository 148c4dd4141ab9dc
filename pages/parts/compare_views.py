"""Views of a comparison, except that of examples; the URL stores the chosen view."""

from __future__ import annotations

from typing import Any

import streamlit as st

from compressor_core.data.dataset import Rows
from compressor_core.figures.compare.breakdown import groups_figure, lengths_figure
from compressor_core.figures.compare.costs import cost_figure, latency_figure
from compressor_core.figures.compare.curves import precision_recall_figure, reliability_figure, roc_figure
from compressor_core.figures.compare.info import ComparisonInfo
from compressor_core.figures.compare.scores import confusion_figure, losses_figure, scores_figure
from compressor_core.figures.compare.verdicts import (
    caution,
    fidelity_rows,
    flips_sentence,
    noise_sentence,
    student_rows,
)
from compressor_core.literal import literal
from compressor_core.runs import Run
from pages.parts.chart import chart
from pages.parts.compare_examples import examples
from pages.parts.explain import terms
from pages.parts.frame import metrics
from pages.parts.measurement import latency_and_cost
from pages.parts.rows import table

VIEWS = {
    "overview": "Overview",
    "statistics": "Statistics",
    "breakdown": "Breakdown",
    "disagreements": "Disagreements",
    "cost": "Latency and cost",
}
NUMBERS = {
    "Accuracy (%)": "%.1f",
    "Loss (points)": "%.1f",
    "Agreement (%)": "%.1f",
    "Flips (%)": "%.1f",
    "Teacher's flips (%)": "%.1f",
    "Size (MB)": "%.3f",
    "Median latency (ms)": "%.2f",
    "Times faster": "%.1f",
    "Same answer (%)": "%.1f",
    "Mean |Δp| (points)": "%.2f",
    "KL (nats)": "%.4f",
}

WHY_UNEQUAL = (
    "The bars differ because a file is mostly embeddings and wide layers, whereas every layer, however thin, "
    "takes time to start. A deep student therefore saves more bytes than milliseconds."
)


def views(run: Run, info: ComparisonInfo) -> None:
    """Show the control that selects a view, and the view."""
    view = st.segmented_control(
        "View",
        list(VIEWS),
        default="overview",
        required=True,
        key="view",
        bind="query-params",
        format_func=VIEWS.__getitem__,
        label_visibility="collapsed",
    )
    if view == "statistics":
        statistics(run, info)
    elif view == "breakdown":
        breakdown(run, info)
    elif view == "disagreements":
        examples(run, info)
    elif view == "cost":
        cost(run, info)
    else:
        overview(run, info)
    st.caption(literal(info.data))


def overview(run: Run, info: ComparisonInfo) -> None:
    if info.alone:
        agreement = info.students[0].found.agreement
        st.markdown(f"{noise_sentence(info)} They give the same answer on {agreement:.1%} of the examples.")
        numbers(info)
    else:
        table(student_rows(info), f"students/{run.id}", NUMBERS, f"{run.id}-students.csv")
        st.caption(
            "Loss: the teacher's accuracy minus the student's. p: McNemar's exact test of that difference, corrected "
            f"by Holm's method for {len(info.students)} tests. Each student is tested against the teacher; the "
            "students are not ranked among each other. Each interval is for one difference by itself."
        )
    if flips := flips_sentence(info):
        st.markdown(literal(flips))
    if warning := caution(info):
        st.warning(literal(warning), icon=":material/warning:")
    first, second = st.columns(2)
    with first:
        st.markdown("**Scores**")
        chart(scores_figure(info), key=f"scores/{run.id}", alt="The scores of every model with their intervals")
    with second:
        st.markdown("**Cost of the student**" if info.alone else "**Cost of the students**")
        chart(cost_figure(info), key=f"cost/{run.id}", alt="The student's costs as a share of the teacher's")
        st.caption(WHY_UNEQUAL)
    st.caption(
        "A bar beside a score is its 95% interval: how far another test set of this size would "
        "move it (Wilson's; for differences, paired bootstrap). Another training seed gives "
        "another student: *What a megabyte buys* shows that spread."
    )
    terms("accuracy", "precision-recall", "f1", "agreement", "wilson-interval", "bootstrap", "mcnemar", "within-noise")


def figures_of(found: Any) -> list[tuple[str, str]]:
    """Titles and values of the figures of one model."""
    return [
        ("Accuracy", f"{found.accuracy:.1%}"),
        ("Size", "not known" if found.size_mb is None else f"{found.size_mb:.2f} MB"),
        ("Median latency", "not known" if found.latency is None else f"{found.latency.median:.1f} ms"),
        ("Parameters", "not known" if found.parameters is None else f"{found.parameters / 1e6:.2f} M"),
    ]


def numbers(info: ComparisonInfo) -> None:
    both = zip(figures_of(info.students[0].found), figures_of(info.teacher.found), strict=True)
    metrics(*((title, value, f"teacher {teacher}") for (title, value), (_, teacher) in both))


def statistics(run: Run, info: ComparisonInfo) -> None:
    st.markdown("**Is the difference more than noise?**")
    bullet = "" if info.alone else "- "
    said = [noise_sentence(info, place) for place in range(len(info.students))]
    st.markdown("\n".join(bullet + literal(sentence) for sentence in said))
    chart(losses_figure(info), key=f"losses/{run.id}", alt=" ".join(said))
    st.caption(
        "A bar is the 95% interval of the loss. If it contains the dashed line, the teacher, chance alone could "
        "explain the difference. The interval is paired: both models answer the same examples, so what is hard "
        "for both cancels out."
    )
    terms("mcnemar", "within-noise", "bootstrap", "holm")
    left, right = st.columns(2)
    with left:
        st.markdown("**Reliability diagram**")
        chart(reliability_figure(info), key=f"reliability/{run.id}", alt="Share that is right by confidence")
        st.caption(
            "Whether a probability can be trusted: below the diagonal a model is overconfident, and a threshold "
            "or a warning built on it misleads. Larger marks stand for more examples; ECE, the expected "
            "calibration error, is their distance to the diagonal, weighted by examples (Guo et al. 2017; bins of"
            " 5 points)."
        )
    with right:
        st.markdown("**ROC curve**")
        chart(roc_figure(info), key=f"roc/{run.id}", alt="True positives against false alarms at every threshold")
        st.caption(
            "The model at every threshold, not only at one half: a curve further up and to the left ranks better;"
            " the diagonal is guessing. AUC is the probability that, of two examples, one of each class, the "
            "positive one ranks higher."
        )
    left, right = st.columns(2)
    with left:
        st.markdown("**Precision and recall**")
        chart(precision_recall_figure(info), key=f"pr/{run.id}", alt="Precision against recall at every threshold")
        st.caption(
            "How many alarms are real, for each share of the positives found. The dashed line is guessing; AP, "
            "the average precision, is the mean height of the curve."
        )
    with right:
        st.markdown("**Fidelity to the teacher**")
        table(fidelity_rows(info), f"fidelity/{run.id}", NUMBERS, f"{run.id}-fidelity.csv")
        st.caption(
            "How well the student copies the teacher and not only its labels: the same answers can hide other "
            "probabilities, and distillation teaches probabilities. |Δp| is the difference of the two probabilities "
            f"of “{info.summary.labels[1]}”, KL the divergence KL(teacher ‖ student): 0 is a perfect copy, which has "
            "the teacher's mistakes too."
        )
    terms("logits", "calibration", "roc", "precision-recall-curve", "fidelity")


def breakdown(run: Run, info: ComparisonInfo) -> None:
    st.markdown("**Accuracy by kind**, sorted by the student's loss")
    chart(groups_figure(info), key=f"groups/{run.id}", alt="Accuracy by kind of example")
    if info.kinds:
        st.caption(
            "One mean hides what a small model forgets first. Few examples are of one kind (their number is in "
            f"brackets): of {len(info.kinds)} kinds some differ by chance alone, so hover for the 95% interval "
            "(Wilson's) before believing one."
        )
    st.markdown("**Accuracy by length**")
    chart(lengths_figure(info), key=f"lengths/{run.id}", alt="Accuracy by length of the input")
    st.caption(
        "Long inputs are cut at the model's maximum length and contain more to consider, so a student may fall "
        "behind there first. Length counts the characters of the code, of both functions for a pair; bars are 95%"
        " intervals."
    )
    st.markdown("**Confusion matrices**")
    for start in range(0, len(info.sides), 3):
        sides = info.sides[start : start + 3]
        for column, side in zip(st.columns(max(2, min(3, len(info.sides)))), sides, strict=False):
            with column:
                chart(
                    confusion_figure(side, info.summary.labels),
                    key=f"confusion/{info.sides.index(side)}/{run.id}",
                    alt=f"Confusion matrix of {side.title}",
                )
    st.caption("Two models of the same accuracy can fail in opposite ways: by misses or by false alarms.")
    terms("cwe", "clone-types", "wilson-interval", "confusion-matrix")


def cost(run: Run, info: ComparisonInfo) -> None:
    left, right = st.columns(2)
    with left:
        st.markdown("**Latency**")
        chart(latency_figure(info), key=f"latency/{run.id}", alt="The share of inferences within a time")
        st.caption(
            "A steep curve means that most functions take about the same time; its upper end shows "
            f"the slow ones. {info.measured}"
        )
    with right:
        st.markdown("**Cost**")
        chart(cost_figure(info), key=f"cost/{run.id}", alt="The student's costs as a share of the teacher's")
        st.caption(WHY_UNEQUAL)
    terms("latency", "percentiles", "interleaving", "warm-up", "forward-gflops")
    st.header("In other forms, and under load", anchor=False)
    here = info.students if info.recorded else info.sides
    folders = {side.title: side.found.model for side in here}
    found = info.summary
    latency_and_cost(folders, found.dataset, found.data, Rows(found.split))
