"""Budgets: students at several sizes and seeds, their accuracy against size and latency."""

from __future__ import annotations

import streamlit as st

from compressor_core.distill.settings import StudySettings, parse_budgets
from compressor_core.figures.study.students import (
    StudyInfo,
    budget_rows,
    exchange_sentence,
    failed_sentences,
    flips_figure,
    latency_figure,
    ready_figure,
    size_figure,
    student_rows,
    study_info,
    study_sentence,
)
from compressor_core.figures.study.training import recipe_text
from compressor_core.latency_model import LatencyModel, Runtime
from compressor_core.literal import literal
from compressor_core.paper import published_students
from compressor_core.runs import Run, Status
from compressor_core.runs.calibrations import calibrations
from compressor_core.runs.library import bundled_scores, teacher_scores, teacher_title
from compressor_core.settings import default_of
from compressor_core.task import PairFeatures, Task
from pages.parts.chart import chart
from pages.parts.explain import terms
from pages.parts.frame import link, metrics, open_page, sentences
from pages.parts.live import chosen_run, records, start, store, watch_chosen
from pages.parts.recipe import STAY, choose_epochs, choose_preset, choose_recipe
from pages.parts.rows import table
from pages.parts.task import SPACE_TITLES, choose_pair_features
from pages.parts.teacher import choose_teacher

BUDGETS = ", ".join(f"{budget:g}" for budget in default_of(StudySettings, "budgets"))
SEEDS = len(default_of(StudySettings, "seeds"))
GOALS = {"gflops": "The most GFLOPs", "latency": "The fastest on this machine, predicted"}
# Number formats of both tables. (Streamlit would print a docstring here on the page.)
FORMATS = {
    **dict.fromkeys(("Size (MB)", "GFLOPs"), "%.3f"),
    **dict.fromkeys(("Mean accuracy (%)", "Standard deviation (points)", "Lowest (%)", "Highest (%)"), "%.2f"),
    **dict.fromkeys(("Below the teacher (points)", "Times faster", "Accuracy (%)", "Same answer (%)"), "%.2f"),
    **dict.fromkeys(("Flips (%)", "Teacher's flips (%)", "Mean flips (%)"), "%.1f"),
    **dict.fromkeys(("Latency (ms)", "Teacher (ms)", "Seconds"), "%.2f"),
}


def form() -> None:
    with st.container(border=True):
        first, second, place = st.columns([4, 4, 3])
        with first:
            teacher = choose_teacher()
        task = teacher.task if teacher else Task.VULNERABILITY
        second.text_input(
            "Budgets (MB)",
            BUDGETS,
            key="study_budgets",
            help="1 MB is 10⁶ bytes. Separated by commas.",
            **STAY,
        )
    if chosen_run("study") is None:
        ready()
    with st.container(border=True):
        first, second, third = st.columns([2, 5, 2])
        first.number_input(
            "Seeds",
            1,
            20,
            SEEDS,
            key="study_seeds",
            help="Counted from 0; one student each at every budget",
            **STAY,
        )
        choose_preset(second)
        choose_epochs(third)
        features = choose_pair_features("study_pairs") if task is Task.CLONE else PairFeatures.COMPARE
        terms("size-budget", "seed", "epoch")
        with st.expander("Settings of the architectures"):
            st.radio(
                "Search space", list(SPACE_TITLES), key="study_space", format_func=SPACE_TITLES.__getitem__, **STAY
            )
            st.radio(
                "Best is",
                list(GOALS),
                key="study_goal",
                horizontal=True,
                format_func=GOALS.__getitem__,
                help="The fastest architecture has little capacity to learn: set the least computation below.",
                **STAY,
            )
            fastest = st.session_state.study_goal == "latency"
            latency = predictor(task, features) if fastest else None
            least = least_computation() if fastest else None
        recipe = choose_recipe(task)
        go_on = place.button(
            "Start the study", type="primary", icon=":material/play_arrow:", width="stretch", disabled=teacher is None
        )
        if go_on and teacher is not None:
            with sentences():
                settings = StudySettings(
                    teacher=teacher.folder,
                    dataset=teacher.dataset,
                    data=teacher.data,
                    budgets=parse_budgets(st.session_state.study_budgets),
                    seeds=tuple(range(st.session_state.study_seeds)),
                    space=st.session_state.study_space,
                    preset=st.session_state.preset,
                    epochs=st.session_state.epochs,
                    goal=st.session_state.study_goal,
                    latency=latency,
                    min_gflops=least,
                    pair_features=features,
                    **recipe,
                )
            ends = " to ".join(f"{budget:g}" for budget in dict.fromkeys((settings.budgets[0], settings.budgets[-1])))
            start("study", settings, name=f"{ends} MB, {settings.students} students")


def predictor(task: Task, features: PairFeatures) -> LatencyModel | None:
    """Latency model of a calibration, preferably of the runtime that students are measured with."""
    with sentences():
        found = {one.run.id: one for one in calibrations(store(), task, features)}
    if not found:
        link("latency", "Calibrate this machine first")
        return None
    picked = st.selectbox("Calibration", list(found), key="study_calibration", format_func=lambda key: found[key].title)
    models = found[picked].models
    return models.get(Runtime.PYTORCH) or next(iter(models.values()))


def least_computation() -> float | None:
    least: float | None = st.number_input(
        "Least computation (GFLOPs)", 0.001, None, None, 0.1, key="study_least", placeholder="none", format="%.3f",
        help="In the paper's account. Each budget must have room for it.", **STAY,
    )  # fmt: skip
    if least is None:
        st.caption("Without a least computation, the fastest is the smallest architecture, the same at every budget.")
    return least


def show(run: Run, status: Status) -> None:
    settings: StudySettings = run.settings
    beside = published_students(settings.dataset)
    info = study_info(records(run), beside)
    goal = GOALS[settings.goal] + (f", from {settings.min_gflops:g} GFLOPs" if settings.min_gflops else "")
    epochs = f", epochs: {settings.epochs}" if settings.epochs else ""
    st.caption(
        f"{', '.join(f'{budget:g}' for budget in settings.budgets)} MB · seeds "
        f"{', '.join(map(str, settings.seeds))} · space: {settings.space} · "
        f"{goal[0].lower()}{goal[1:]} · preset {settings.preset}{epochs} · learns from {recipe_text(dict(settings))} · "
        f"teacher: {literal(teacher_title(store(), settings.teacher))}"
    )
    if (summary := status.summary) and summary.cancelled:
        st.caption(
            f"Cancelled: {len(info.students)} of {settings.students} students are kept; resume it for the others."
        )
    for sentence in failed_sentences(info):
        st.warning(literal(sentence), icon=":material/warning:")
    headline(info)
    sentence = study_sentence(info) if info.teacher_accuracy is not None else ""
    first, second = st.columns(2)
    with first:
        st.markdown("**Accuracy against size**")
        chart(size_figure(info), key=f"size/{run.id}", alt=f"Accuracy by size of the file. {sentence}")
    with second:
        st.markdown("**Accuracy against latency**")
        chart(latency_figure(info), key=f"latency/{run.id}", alt=f"Accuracy by latency. {sentence}")
    if (flips := flips_figure(info)) is not None:
        st.markdown("**Answers that flip against size**")
        chart(flips, key=f"flips/{run.id}", alt="Answers that flip under changes that keep the label, by size.")
    st.caption(
        "Circles are students. Diamonds are the mean of a budget, with the standard deviation (n − 1) of its "
        "students as a bar; a single student has none. Latency is the median of teacher and student on the same "
        "examples, taking turns, batch size 1. Where the means flatten, another megabyte buys little; where the "
        "bars of two budgets overlap, these seeds do not tell them apart."
        + (" The published students were measured on the whole benchmark, on other machines." if beside else "")
    )
    terms("standard-deviation", "accuracy", "latency", "agreement", "consistency")
    if info.students and not status.live:
        st.markdown("**The budgets**")
        table(budget_rows(info), f"budgets/{run.id}", FORMATS, file=f"{run.id}-budgets.csv")
        st.markdown("**The students**")
        table(student_rows(info), f"students/{run.id}", FORMATS, file=f"{run.id}-students.csv")


def ready() -> None:
    """Show the measurements of the bundled students while there is no study."""
    task = st.session_state.task
    known, teacher = bundled_scores(f"classroom-{task}"), teacher_scores(f"classroom-{task}")
    said = ", ".join(f"{own:.1%}{f' ({hand:.1%})' if hand else ''} at {size:.2g} MB" for size, own, hand in known)
    said = said or "none is bundled for this task"
    chart(ready_figure(known, teacher), key=f"ready/{task}", alt=f"Accuracy of the bundled students: {said}.")
    if sentence := exchange_sentence([(size, own) for size, own, _ in known]):
        st.markdown(f"**{sentence}**")
    st.caption(f"Bundled students of {task} on their own test split (and written by hand), precomputed: {said}.")


def headline(info: StudyInfo) -> None:
    if info.teacher_accuracy is None:
        return
    st.markdown(f"## {study_sentence(info)}")
    if sentence := exchange_sentence([(one.budget_mb, one.mean) for one in info.budgets]):
        st.markdown(f"**{sentence}**")
    largest = info.budgets[-1]
    metrics(
        ("Teacher's accuracy", f"{info.teacher_accuracy:.1%}"),
        *((f"Mean at {one.budget_mb:g} MB", f"{one.mean:.1%}") for one in info.budgets[:4]),
        (
            f"Times faster at {largest.budget_mb:g} MB",
            f"{largest.teacher_latency_ms / largest.latency_ms:.1f}×",
        ),
    )


open_page(
    "study",
    "One run distills students at several budgets, with several seeds each. It shows how small a student may be "
    "before it loses the teacher's accuracy.",
)
form()
watch_chosen("study", show)
