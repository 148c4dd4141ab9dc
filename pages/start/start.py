"""Start: what this is, and one button that runs the whole story."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from compressor_core.distill.settings import Preset
from compressor_core.errors import RunError
from compressor_core.runs import State
from compressor_core.runs.kinds import KINDS
from compressor_core.task import Task
from pages.parts.explain import terms
from pages.parts.frame import go, link, open_page, sentences
from pages.parts.live import cancel_or_resume, state_of, store, undamaged
from pages.parts.pace import redrawn
from pages.parts.sharing import allow, mine, remember
from pages.parts.task import choose_task

# What a story, its outcome and its report need is imported with them: the first page is to be there at once.
if TYPE_CHECKING:
    from compressor_core.runs.story import Story

STEPS = (
    (
        "1 · Search",
        ":material/travel_explore:",
        "A genetic algorithm searches for the architecture with the most computation that fits your budget.",
    ),
    (
        "2 · Distill",
        ":material/science:",
        "A student of that architecture learns the teacher's answers on unlabelled code.",
    ),
    (
        "3 · Compare",
        ":material/balance:",
        "Teacher and student answer on the same code: accuracy, agreement, latency and size, side by side.",
    ),
)


def method() -> None:
    for column, (title, icon, text) in zip(st.columns(3), STEPS, strict=True):
        with column.container(border=True, height="stretch"):
            st.markdown(f"## {icon} {title}")
            st.markdown(text)
    terms("teacher", "student", "knowledge-distillation", "genetic-algorithm", "size-budget")


def start_story() -> None:
    with st.container(border=True):
        choose_task("story_task", label="Task")
        budget, preset, button = st.columns([2, 3, 3], vertical_alignment="bottom")
        budget.number_input(
            "Size budget (MB)", step=0.5, key="story_budget", persist_state="session", help="1 MB is 10⁶ bytes."
        )
        preset.selectbox(
            "Training",
            [one.value for one in Preset],
            key="story_preset",
            persist_state="session",
            format_func=lambda name: f"{Preset(name).words}: {Preset(name).note.lower()}",
        )
        if button.button("Run the whole story", type="primary", icon=":material/play_arrow:", width="stretch"):
            from compressor_core.runs.story import launch_story

            with sentences():
                budget_mb = st.session_state.story_budget
                allow(store(), "story", [{"budget_mb": budget_mb}] * 3)
                story = launch_story(
                    store(),
                    task=Task(st.session_state.story_task),
                    budget_mb=budget_mb,
                    preset=st.session_state.story_preset,
                )
                remember(*story.runs)
            go("start", story=story.id)


def watch_story(story_id: str) -> None:
    from compressor_core.runs.story import open_story

    with sentences():
        try:
            live = any(run.status().live for run in open_story(store(), story_id).runs)
        except RunError:
            st.session_state.pop("story", None)  # said once; the next visit begins anew
            raise

    def part() -> bool:
        with sentences():
            story = open_story(store(), story_id)
            statuses = [run.status() for run in story.runs]
            for run, status in zip(story.runs, statuses, strict=True):
                with st.container(border=True):
                    left, right = st.columns([4, 1], vertical_alignment="center")
                    with left:
                        st.markdown(f"## {KINDS[run.kind].title}")
                        state_of(run, status)
                    with right:
                        verb = "Watch" if status.live else "Open"
                        link(KINDS[run.kind].page, f"{verb} the {KINDS[run.kind].title.lower()}", run=run.id)
                        if not status.live:
                            cancel_or_resume(run, status)
            now_live = any(status.live for status in statuses)
            if now_live and mine(story.compare) and st.button("Cancel the story", icon=":material/stop:"):
                story.cancel()
                st.toast("Stopping; the best so far is kept.")
            with undamaged(story.compare):
                outcome(story)
        return now_live

    redrawn(live, part)


def outcome(story: Story) -> None:
    status = story.compare.status()
    if status.state is not State.FINISHED or status.summary is None:
        return
    from compressor_core.figures.compare.info import comparison_info
    from compressor_core.figures.compare.verdicts import headline
    from pages.parts.compare_views import numbers
    from pages.parts.report import report_button

    info = comparison_info(status.summary)
    with st.container(border=True):
        st.header(headline(info), anchor=False)
        numbers(info)
        link("compare", "See the whole comparison", run=story.compare.id)
        report_button(story.compare)


open_page(
    "start",
    "Shrinks a pre-trained model of code to a size that you choose, offline on this machine, by the method of "
    "*Compressing Pre-trained Models of Code into 3 MB* (Shi et al., ASE 2022).",
)
method()
start_story()
if story_id := st.query_params.get("story", st.session_state.get("story")):
    st.session_state.story = story_id
    st.query_params["story"] = story_id
    watch_story(story_id)
