"""Runs on a page: the chosen run, its records and its state, redrawn while it is live."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import streamlit as st

from compressor_core.errors import DAMAGED, CompressorError, RunError
from compressor_core.figures.words.forms import duration, state_text
from compressor_core.literal import literal
from compressor_core.records import Record
from compressor_core.runs import Run, RunStore, State, Status, cancel, launch, resume
from compressor_core.runs.following import Following
from compressor_core.runs.kinds import KINDS, kind_of
from compressor_core.runs.store import ready_run
from compressor_core.runs.subjects import is_about, names_in, newest_about
from compressor_core.settings import Settings
from pages.parts.chart import no_charts
from pages.parts.frame import go, link, sentences
from pages.parts.gate import allowed, maker, mine
from pages.parts.pace import redrawn

if TYPE_CHECKING:
    from compressor_core.runs.library import Model

Draw = Callable[[Run, Status], None]
_log = logging.getLogger(__name__)


def store() -> RunStore:
    """Store of runs; runs created through it belong to the visitor."""
    return RunStore(maker=maker())


def page_of(run_id: str) -> str:
    """Name of the page that shows a run; the Runs page if it no longer exists."""
    try:
        return kind_of(store().get(run_id).kind).page
    except RunError:
        return "runs"


def chosen_run(kind: str) -> Run | None:
    """Run of `?run=`, or the one this page showed last; None if there is neither."""
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
    """Select box of the runs of one kind, newest first; a choice drops the query parameters `without`."""
    with sentences():
        runs = store().list(kind)
    if not runs:
        return
    titles = titles_of(runs)
    shown = st.query_params.get("run", "")
    # The title changes with the state of the run; with the same key the browser would keep the old title.
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
        # A callback runs before the page is drawn, so that it is drawn only once.
        on_change=choose,
    )


def titles_of(runs: Sequence[Run]) -> dict[str, str]:
    """Title of each run by its ID; a later run of the same title ends with its time and the end of its ID.

    Streamlit cannot tell two options with the same words apart, and forgets a choice whose words change.
    """
    titles: dict[str, str] = {}
    seen = set()
    for run in sorted(runs, key=lambda run: (run.created, run.id)):
        title = run_title(run)
        end = f" · {time.strftime('%H:%M:%S', time.gmtime(run.created))} UTC, {run.id[-4:]}"
        titles[run.id] = title + end if title in seen else title
        seen.add(title)
    return {run.id: titles[run.id] for run in runs}


def run_title(run: Run) -> str:
    """Name of a run, or its ID, and its outcome or state."""
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
    """All records of a run, cached for all visitors."""
    return _following().records(run)


SOON = 0.2
"""Seconds between updates of a run that takes only seconds."""
BRIEF = 1.5
"""Seconds of work after which a run that usually takes only seconds is drawn no more often than others."""


def watch(run: Run, draw: Draw, *, first: Draw | None = None, beside: Draw | None = None) -> None:
    """Draw a run, repeatedly while it is live; rerun the whole page when it ends, and when one that has waited starts.

    `first` draws above the run's state, `beside` to the right of everything, both in any state.
    """
    with sentences():
        before = run.status()
    # A run of seconds starts at once, and drawing the whole page again would be a large part of its time.
    waiting = before.state is State.QUEUED and not run.quick
    brief = is_brief(run, before)

    def drawn(status: Status) -> None:
        with no_charts() if status.state is State.QUEUED and not records(run) else nullcontext():
            draw(run, status)

    def part() -> bool:
        with sentences():
            status = run.status()
            main, side = st.columns([7, 3]) if beside else (st.container(), st.empty())
            with main, undamaged(run):
                if first:
                    first(run, status)
                state_line(run, status)
                if waiting:  # only its place in the queue changes
                    return status.state is State.QUEUED
                drawn(status)
            with side, undamaged(run):
                if beside:
                    beside(run, status)
        return status.live and is_brief(run, status) == brief

    redrawn(before.live, part, every=SOON if brief else None)
    if waiting:
        with sentences(), undamaged(run):
            drawn(before)


def is_brief(run: Run, status: Status) -> bool:
    """Whether a run may end at any moment."""
    return run.quick and (status.elapsed or 0.0) < BRIEF


@contextmanager
def undamaged(run: Run) -> Iterator[None]:
    """Raise RunError if drawing fails because a run's files are damaged."""
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
    """Draw the state of a run beside the button that cancels or resumes it."""
    left, right = st.columns([5, 1], vertical_alignment="center")
    with left:
        state_of(run, status)
    with right:
        cancel_or_resume(run, status)


def cancel_or_resume(run: Run, status: Status) -> None:
    """Button that cancels or resumes a run that the visitor may change; none for a finished run."""
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
    """Draw state, elapsed time, place in the queue, message and progress of a run."""
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


def watch_chosen(kind: str, draw: Draw, *, about: Sequence[Model] | None = None) -> None:
    """Watch the chosen run of a kind, with a choice among the earlier ones, see `open_earlier`.

    If none is chosen, show the newest about the students `about`, those in the form above, else the one that ships
    with the program, if any. A line above says whose result it is, unless it is theirs.
    """
    run = chosen_run(kind)
    open_earlier(kind)
    with sentences():
        run = run or (newest_about(store(), kind, about) if about else None)
        shown = run or ready_run(kind)
        if about and shown is not None and not is_about(shown, about):
            st.info(f"This result is of {literal(names_in(store(), shown))}.", icon=":material/info:")
    if run is not None:
        watch(run, draw)
    else:
        show_ready(shown, draw)


def show_ready(run: Run | None, draw: Draw) -> None:
    """Draw a run that ships with the program, if there is one, with its date."""
    if run is None:
        return
    day = time.strftime("%Y-%m-%d", time.gmtime(run.created))
    st.caption(f"Ready-made: {literal(run.name or '')}, made on {day} on another machine.")
    with undamaged(run):
        draw(run, run.status())
