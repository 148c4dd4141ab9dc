"""Start: the explorer, and one button that compresses a model of code."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from compressor_core.architecture import SPACES, SearchSpace
from compressor_core.bundled import java_student
from compressor_core.distill.settings import Preset
from compressor_core.errors import RunError
from compressor_core.figures.words.forms import duration, minutes, state_text
from compressor_core.literal import literal
from compressor_core.records import Measured
from compressor_core.runs import Run, State
from compressor_core.runs.expectation import expected
from compressor_core.runs.kinds import KINDS
from compressor_core.shipped import shipped
from compressor_core.task import Task
from pages.parts.example import example
from pages.parts.explain import terms
from pages.parts.explorer import budget, student_drawing
from pages.parts.frame import go, link, metrics, open_page, sentences
from pages.parts.gate import allowed, mine
from pages.parts.live import SOON, cancel_or_resume, state_of, store, undamaged
from pages.parts.pace import redrawn
from pages.parts.stage import front_of, stage, stage_of
from pages.parts.state import JAVA, to_address
from pages.parts.task import TASKS, choose_space, choose_task, space_badge

# Imports for a story, its outcome and its report are deferred, so that the first page appears at once.
if TYPE_CHECKING:
    from compressor_core.figures.compare.info import ComparisonInfo
    from compressor_core.runs.story import Story


def controls() -> None:
    slider, preset, button = st.columns([5, 2, 2], vertical_alignment="center")
    with slider:
        budget_mb = budget(task := Task(st.session_state.task))
    best = best_within(SPACES[st.session_state.space](), task, budget_mb)

    chosen = preset.selectbox(
        "Training",
        [one.value for one in Preset],
        key="story_preset",
        persist_state="session",
        format_func=lambda name: Preset(name).words,
    )
    # Below the choice and not in it: Streamlit forgets a choice whose words change.
    if best and (found := expected(store(), best.architecture, f"classroom-{task}", chosen)):
        preset.caption(f"About {minutes(found.seconds)} of training")
    if button.button("Compress", type="primary", icon=":material/compress:", width="stretch"):
        from compressor_core.runs.story import launch_story

        with sentences(), allowed(runs := store(), "story", [{"budget_mb": budget_mb}] * 3):
            story = launch_story(
                runs,
                task=Task(st.session_state.task),
                budget_mb=budget_mb,
                preset=chosen,
                space=SPACES[st.session_state.space](),
            )
        # No change of pages, which would take the stage away for a moment.
        st.query_params.pop("at", None)
        st.query_params["story"] = story.id
        st.rerun()


def benchmark(folder: Path) -> None:
    """Show the shipped student and links to continue with it, instead of a story: its teacher is not bundled."""
    budget()
    with st.container(border=True):
        found = next((one.sentence for one in shipped() if one.name == folder.name), None)
        st.markdown(f"**{literal(found or 'A student of 3 MB that learned from the answers of CodeBERT.')}**")
        with st.container(horizontal=True):
            link("search", "Search for an architecture")
            link("paper", "Compare with the published figures")
            if st.button("Ask it about a pair in Java", icon=":material/arrow_forward:", type="tertiary"):
                st.session_state.student = str(folder)
                go("playground")


def choose_start_task() -> None:
    """Choice of the classroom task, or of the benchmark if its student is bundled."""
    titles = {**TASKS, JAVA: "Clones in Java, from CodeBERT: its answers to BigCloneBench, and a student of 3 MB"}
    if java_student() is None:
        choose_task(label="Task")
        return

    def chosen() -> None:
        st.session_state.java_clones = st.session_state.start_task == JAVA
        st.session_state.task = "clone" if st.session_state.java_clones else st.session_state.start_task

    # The task may have been changed on another page.
    both = st.session_state.task == "clone" and st.session_state.get("java_clones")
    st.session_state.start_task = JAVA if both else st.session_state.task
    st.radio("Task", list(titles), key="start_task", format_func=titles.__getitem__, on_change=chosen)
    to_address("task", st.session_state.start_task)


def explorer(story: Story | None) -> None:
    """Draw the stage, which stays in its place, and beside it the student, or how the story goes."""
    chart, drawing = st.columns([7, 3])
    with chart:
        played(story.search) if story else demonstration()
    with drawing:
        if story:
            watch_story(story)
        else:
            choose_space()
            student_drawing(st.session_state.space, Task(st.session_state.task))
    if story:
        with sentences(), undamaged(story.compare):
            outcome(story)


def demonstration() -> None:
    space, task = st.session_state.space, st.session_state.task
    made = example(space, task)
    ready = made.done()

    def part() -> bool:
        info = made.result() if made.done() else None
        stage(
            info,
            run=f"example/{space}/{task}",
            space=SPACES[space](),
            task=Task(task),
            budget_mb=3.0,
            plays=True,
            asked_mb=st.session_state.budget_mb,
        )
        return info is None

    redrawn(not ready, part, every=SOON)


def played(run: Run) -> None:
    live = run.status().live

    def part() -> bool:
        with sentences(), undamaged(run):
            now = run.status().live
            stage_of(run, live=now, asked_mb=st.session_state.budget_mb)
        return now

    redrawn(live, part, every=SOON)


def opened(story_id: str) -> Story:
    from compressor_core.runs.story import open_story

    with sentences():
        try:
            story = open_story(store(), story_id)
        except RunError:
            st.session_state.pop("story", None)  # the error is shown once; the next visit starts without a story
            raise
    if st.session_state.get("story") != story_id:
        st.session_state.story = story_id
        with sentences():
            st.session_state.budget_mb = story.search.settings.budget_mb
    st.query_params["story"] = story_id
    return story


def watch_story(story: Story) -> None:
    """Draw what the story does now, loss and accuracy while the student is trained, and otherwise the student."""
    with sentences():
        live = any(run.status().live for run in story.runs)

    def part() -> bool:
        with sentences():
            statuses = [run.status() for run in story.runs]
            now_live = any(status.live for status in statuses)
            space_badge(story.search.settings.space)
            if now_live:
                st.markdown(to_go(story))
            else:
                verdict(story)
            with st.container(horizontal=True, vertical_alignment="center"):
                for run, status in zip(story.runs, statuses, strict=True):
                    link(KINDS[run.kind].page, f"{KINDS[run.kind].title} {state_text(status.state)}", run=run.id)
                if now_live:
                    if mine(story.compare) and st.button("Cancel the story", icon=":material/stop:"):
                        story.cancel()
                        st.toast("Stopping; the best so far is kept.")
                    link("playground", "A ready-made student answers now", icon=":material/bolt:")
            for run, status in zip(story.runs, statuses, strict=True):
                if status.state in (State.FAILED, State.INTERRUPTED, State.CANCELLED):
                    state_of(run, status)
                    cancel_or_resume(run, status)
            with undamaged(story.distill):
                if not learning(story.distill):
                    student_drawing(st.session_state.space, Task(st.session_state.task))
        return now_live

    redrawn(live, part)


def learning(distill: Run) -> bool:
    """Draw what a running distillation does, and its curves from the first step on; whether there are any."""
    status = distill.status()
    if status.state is not State.RUNNING:
        return False
    from pages.parts.training import curves

    st.caption(literal(status.message or ""))
    return curves(distill)


def result(story: Story) -> ComparisonInfo | None:
    """The comparison of a finished story."""
    from compressor_core.figures.compare.info import comparison_info

    status = story.compare.status()
    finished = status.state is State.FINISHED and status.summary is not None
    return comparison_info(status.summary) if finished else None


def verdict(story: Story) -> None:
    """Draw the headline of a finished story; of another one, each run says what has become of it."""
    if (info := result(story)) is not None:
        from compressor_core.figures.compare.verdicts import by_hand_sentence, codebert_sentence, headline

        st.subheader(literal(headline(info)), anchor=False)
        for sentence in filter(None, (by_hand_sentence(info), codebert_sentence(info))):
            st.markdown(f"**{literal(sentence)}**")


def best_within(space: SearchSpace, task: Task, budget_mb: float) -> Measured | None:
    """The true optimum of a named space within a budget, if anything fits."""
    return next((one for one in reversed(front_of(space, task)) if one.size_mb <= budget_mb), None)


def to_go(story: Story) -> str:
    """Elapsed and remaining training time; estimated from earlier runs before the first epoch ends."""
    from pages.parts.training import time_left

    distill = story.distill
    status, settings = distill.status(), distill.settings
    gone = duration(status.elapsed or 0.0)
    if status.state is State.FINISHED:
        return "Comparing both on the test split."
    left, basis = time_left(distill, status), "by its epochs so far"
    if left is None:
        asked = story.search.settings
        best = best_within(asked.space, asked.task, asked.budget_mb)
        found = best and expected(store(), best.architecture, settings.dataset, settings.preset, settings.epochs)
        if status.state is State.QUEUED:
            waits = f"The training is number {store().queue_position(distill) or 1} in the queue"
            return waits + (f" and takes about **{duration(found.seconds)}** ({found.basis})." if found else ".")
        if not found:
            return f"{gone} so far."
        left, basis = found.seconds - (status.elapsed or 0.0), found.basis
        if left <= 0:
            asked_for = duration(found.seconds)
            return f"{gone} of training, longer than the {asked_for} expected ({basis}), then the comparison."
    return f"{gone} of training, about **{duration(left)}** left ({basis}), then the comparison."


def outcome(story: Story) -> None:
    if (info := result(story)) is None:
        return
    from pages.parts.compare_views import figures_of
    from pages.parts.report import report_button

    with st.container(border=True):
        for column, side in zip(st.columns(2), (info.teacher, info.students[0]), strict=True):
            with column, st.container(border=True):
                st.markdown(f"**{literal(side.title.capitalize())}**")
                metrics(*figures_of(side.found))
        link("compare", "See the whole comparison", run=story.compare.id)
        report_button(story.compare)


open_page(
    "start",
    "Shrinks a pre-trained model of code to a size that you choose, offline on this machine, by the method of "
    "*Compressing Pre-trained Models of Code into 3 MB* (Shi et al., ASE 2022).",
)
story_id = st.query_params.get("story", st.session_state.get("story"))
story = opened(story_id) if story_id else None
java = java_student() if st.session_state.get("java_clones") and st.session_state.task == "clone" else None
if java is None:
    controls()
else:
    benchmark(java)
explorer(story if java is None else None)
choose_start_task()
if story and java is None:
    choose_space()
terms("teacher", "student", "knowledge-distillation", "genetic-algorithm", "size-budget", "optimum")
