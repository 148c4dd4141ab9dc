"""Runs on a page: which one it shows, its records, its state, drawn live while it is at work."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any

import streamlit as st

from compressor_core.errors import DAMAGED, CompressorError, RunError
from compressor_core.figures.words.forms import duration, state_text
from compressor_core.literal import literal
from compressor_core.records import Record
from compressor_core.runs import Run, RunStore, State, Status, cancel, launch, resume
from compressor_core.runs.following import Following
from compressor_core.runs.kinds import KINDS, kind_of
from compressor_core.runs.store import ready_run
from compressor_core.settings import Settings
from pages.parts.chart import no_charts
from pages.parts.frame import go, link, sentences
from pages.parts.gate import allowed, maker, mine
from pages.parts.pace import redrawn

Draw = Callable[[Run, Status], None]
_log = logging.getLogger(__name__)


def store() -> RunStore:
    """The runs; those that are created through it are the visitor's."""
    return RunStore(maker=maker())


def page_of(run_id: str) -> str:
    """The page that shows a run; that of all runs if it is there no more."""
    try:
        return kind_of(store().get(run_id).kind).page
    except RunError:
        return "runs"


def chosen_run(kind: str) -> Run | None:
    """The run of `?run=`, or the one this page showed last; None to start with."""
    remembered = f"shown/{kind}"
    run_id = st.query_params.get("run")
    if run_id is None and remembered in st.session_state:
        try:
            run = store().get(st.session_state[remembered])
        except RunError:
            del st.session_state[remembered]
            return None
        st.query_params["run"] = run.id
        return run
    if run_id is None:
        return None
    with sentences():
        try:
            run = store().get(run_id)
        except RunError as error:
            st.session_state.pop(remembered, None)
            raise error
        if run.kind != kind:
            link(kind_of(run.kind).page, f"Open run {run.id} on its page", run=run.id)
            raise RunError(f"Run {run.id} is a {kind_of(run.kind).title.lower()}: it has a page of its own.")
    st.session_state[remembered] = run.id
    return run


def launched(kind: str, settings: Settings | Mapping[str, Any], *, name: str | None = None) -> Run:
    """Launch a run for the visitor. Raises CompressorError if that is refused."""
    config = settings.model_dump(mode="json") if isinstance(settings, Settings) else settings
    with allowed(runs := store(), kind, [config]):
        return launch(runs, kind, config, name=name)


def start(kind: str, settings: Settings | Mapping[str, Any], *, name: str | None = None) -> None:
    """Launch a run and show it."""
    with sentences():
        run = launched(kind, settings, name=name)
        go(KINDS[kind].page, run=run.id)


def open_earlier(kind: str, *without: str) -> None:
    """A choice among the runs of one kind, newest first; of the link, what `without` names is left behind."""
    with sentences():
        runs = store().list(kind)
    if not runs:
        return
    titles = {run.id: run_title(run) for run in runs}
    shown = st.query_params.get("run", "")
    # Its text changes with the state of the run; under the same key the browser would keep the old one.
    key = f"earlier/{kind}/{titles.get(shown)}"

    def choose() -> None:
        if (picked := st.session_state[key]) is not None:
            st.query_params["run"] = picked
            for name in without:
                st.query_params.pop(name, None)

    st.selectbox(
        "Open an earlier run",
        titles,
        index=list(titles).index(shown) if shown in titles else None,
        format_func=titles.__getitem__,
        placeholder="Choose a run",
        key=key,
        # Before the page is drawn, so that it is drawn once.
        on_change=choose,
    )


def run_title(run: Run) -> str:
    """Name, when, and what came out."""
    try:
        status = run.status()
    except CompressorError:
        return f"{run.id} (deleted)"
    headline = kind_of(run.kind).headline(status.summary) or status.state.value
    return f"{run.name or run.id} · {headline}"


@st.cache_resource
def _following() -> Following:
    return Following()


def records(run: Run) -> list[Record]:
    """All records of a run; those that any visitor has looked at lately are not read again."""
    return _following().records(run)


SOON = 0.3
"""Seconds between two looks at a run that takes seconds."""


def watch(run: Run, draw: Draw, *, first: Draw | None = None, beside: Draw | None = None) -> None:
    """Draw a run now and, while it is live, again and again; the whole page once it begins and once it is over.

    What `first` draws stands above the run's state, in any state, and what `beside` draws at the right of it all.
    """
    with sentences():
        before = run.status()
    waiting = before.state is State.QUEUED

    def part() -> bool:
        with sentences():
            status = run.status()
            main, side = st.columns([7, 3]) if beside else (st.container(), st.empty())
            with main, undamaged(run):
                if first:
                    first(run, status)
                state_line(run, status)
                if waiting:  # nothing but its place in the queue changes
                    return status.state is State.QUEUED
                draw(run, status)
            with side, undamaged(run):
                if beside:
                    beside(run, status)
        return status.live

    redrawn(before.live, part, every=SOON if run.quick else None)
    if waiting:
        with sentences(), undamaged(run), nullcontext() if records(run) else no_charts():
            draw(run, before)


@contextmanager
def undamaged(run: Run) -> Iterator[None]:
    """Say in a sentence that a run's files are not what its work writes, where drawing them fails."""
    try:
        yield
    except CompressorError:
        raise
    except DAMAGED as error:
        _log.exception("run %s cannot be drawn", run.id)
        raise RunError(
            f"Run {run.id} cannot be shown ({type(error).__name__}): its files are damaged, see events.jsonl and "
            f"status.json in {run.folder}; launch it again, and delete this one on the Runs page"
        ) from error


def state_line(run: Run, status: Status) -> None:
    """State, progress, message and elapsed time of a run, with what can be done about it."""
    left, right = st.columns([5, 1], vertical_alignment="center")
    with left:
        state_of(run, status)
    with right:
        cancel_or_resume(run, status)


def cancel_or_resume(run: Run, status: Status) -> None:
    """The button that acts on a run of the visitor's own; none for a finished one."""
    if not mine(run) or status.state is State.FINISHED:
        return
    if status.live:
        if st.button("Cancel", key=f"cancel/{run.id}", icon=":material/stop:", width="stretch"):
            cancel(run)
            st.toast("Stopping; the best so far is kept.")
    elif st.button("Resume", key=f"resume/{run.id}", icon=":material/play_arrow:", width="stretch"):
        with sentences(), allowed(store(), run.kind, [run.config]):
            resume(run)
        st.rerun()


def state_of(run: Run, status: Status) -> None:
    """State, elapsed time, place in the queue, message and progress."""
    parts = [f"**{state_text(status.state)}**"]
    if status.elapsed is not None:
        parts.append(duration(status.elapsed))
    if status.state is State.QUEUED and (position := store().queue_position(run)):
        parts.append(f"number {position} in the queue")
    if status.live and status.message:
        parts.append(literal(status.message))
    st.markdown(" · ".join(parts))
    if status.state is State.RUNNING:
        st.progress(min(status.progress or 0.0, 1.0))
    if status.state is State.FAILED:
        st.error(literal(status.error or "The run failed."), icon=":material/error:")
    elif status.state is State.INTERRUPTED:
        st.warning(literal(status.message or "The run was interrupted."), icon=":material/warning:")


def watch_chosen(kind: str, draw: Draw) -> None:
    """The run of a kind that the page is about, with a choice among the earlier ones, see `open_earlier`.

    Until there is one, it is one that comes with the program.
    """
    run = chosen_run(kind)
    open_earlier(kind)
    if run is not None:
        watch(run, draw)
    elif (ready := ready_run(kind)) is not None:
        status = ready.status()
        day = time.strftime("%Y-%m-%d", time.gmtime(ready.created))
        st.caption(f"Ready-made: {literal(ready.name or '')}, measured on {day} on another machine.")
        with undamaged(ready):
            draw(ready, status)
