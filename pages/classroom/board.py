"""Board: the open class with everybody's results, forecasts against outcomes, and the lecturer's controls."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import streamlit as st

from compressor_core.classroom.board import board, cancel_all, runs_of
from compressor_core.classroom.link import class_link, qr_code
from compressor_core.classroom.record import Challenge, ClassRecord, ClassSettings, Forecast, Participant
from compressor_core.errors import CompressorError
from compressor_core.figures.classroom.board import (
    BoardInfo,
    board_figure,
    board_rows,
    board_sentence,
    forecast_figure,
    forecast_rows,
    forecast_sentence,
)
from compressor_core.literal import literal
from compressor_core.runs import RunStore
from compressor_core.runs.kinds import kind_of
from compressor_core.settings import description_of
from compressor_core.task import Task
from pages.parts.chart import Drawing, draw, drawing
from pages.parts.frame import link, open_page, say, sentences
from pages.parts.gate import classroom, join, lecturing, me
from pages.parts.live import cancel_or_resume, run_title, state_of, store
from pages.parts.look import picture
from pages.parts.pace import redrawn
from pages.parts.presenting import presenting
from pages.parts.rows import table
from pages.parts.state import BOARDS, to_address
from pages.parts.task import TASKS

EVERY = 2.0
"""Seconds between updates of the board."""
FORMATS = {
    **dict.fromkeys(("Size (MB)", "Size, forecast (MB)", "Size, outcome (MB)", "GFLOPs"), "%.2f"),
    **dict.fromkeys(("Accuracy (%)", "Accuracy, forecast (%)", "Accuracy, outcome (%)"), "%.1f"),
    **dict.fromkeys(("Below the teacher (points)", "Off by (points)", "Answers that flip (%)"), "%.1f"),
    **dict.fromkeys(("Times faster", "Below the optimum (%)"), "%.1f"),
}


@st.cache_resource(ttl=1.0, max_entries=2, show_spinner=False)
def info_of(root: str, changed: str) -> BoardInfo:
    """The board, built at most once a second for all viewers; `changed` is the class as JSON."""
    return board(RunStore(root), ClassRecord.model_validate_json(changed))


@st.cache_resource(max_entries=16, show_spinner=False, hash_funcs={BoardInfo: repr})
def drawn(info: BoardInfo, forecasts: bool, theme: str | None, large: bool) -> tuple[Drawing, list[dict[str, Any]]]:
    """Chart and rows of a board, cached for all viewers until the board changes."""
    figure, sentence, rows = (
        (forecast_figure, forecast_sentence, forecast_rows) if forecasts else (board_figure, board_sentence, board_rows)
    )
    return drawing(figure(info), sentence(info), theme, large), rows(info)


def live_board() -> None:
    with sentences():
        record = classroom().require()
        info = info_of(str(classroom().root), record.model_dump_json())
    forecasts = st.session_state.show == "forecasts"
    ready, rows = drawn(info, forecasts, st.context.theme.type, presenting())
    st.markdown(f"**{literal(forecast_sentence(info) if forecasts else board_sentence(info))}**")
    draw(ready, "forecasts" if forecasts else "board")
    table(rows, "forecasts" if forecasts else "board", FORMATS)


def invitation() -> None:
    """Show what participants need to join: link, access code, and the link as a QR code."""
    with sentences():
        record = classroom().require()
    address = class_link(st.context.url or "", st.get_option("server.address"), st.get_option("server.allowedHosts"))
    with st.container(border=True, key="invitation"):
        if address.reachable:
            picture(qr_code(address.url), f"QR code of {address.url}")
            st.text(address.url)
        else:
            st.warning(
                f"Only this machine reaches this server. For the class, start it with `{address.command}`.",
                icon=":material/wifi_off:",
            )
        st.header(record.code, anchor=False)
        paused = "" if record.joining else " · joining is paused"
        st.caption(f"Access code · {len(record.participants)} joined{paused}")


def open_class() -> None:
    with st.form("open-class"):
        name = st.text_input("Title", "Compressing models of code", max_chars=80)
        task = st.radio("Task", list(TASKS), format_func=TASKS.__getitem__)
        challenge = st.radio(
            "Challenge",
            list(Challenge),
            format_func=lambda one: one.words[0].upper() + one.words[1:],
            help=description_of(ClassSettings, "challenge"),
        )
        asked = st.form_submit_button("Open the class", type="primary", icon=":material/groups:")
    if asked and challenge:
        with sentences():
            classroom().open(ClassSettings(name=name, task=Task(task), challenge=Challenge(challenge)))
        st.rerun()


def lead(record: ClassRecord) -> None:
    """Lecturer's controls of the class."""
    with st.expander("Lead the class", icon=":material/settings:"):
        paused = st.toggle("Pause joining", not record.joining)
        if paused is record.joining:
            classroom().pause(paused)
            st.rerun()
        names = {one.id: one.name for one in record.participants}
        if names:
            one, stop, out = st.columns([3, 2, 2], vertical_alignment="bottom")
            chosen = one.selectbox("Participant", list(names), format_func=lambda id: names.get(id, ""))
            if stop.button("Cancel all runs", icon=":material/stop:", width="stretch"):
                count = cancel_all(RunStore(), record, chosen)
                st.toast(f"Stopping {count} runs; their best so far is kept.")
            if out.button("Remove the name", icon=":material/person_remove:", width="stretch"):
                cancel_all(RunStore(), record, chosen)
                classroom().remove(chosen)
                st.rerun()
        again, end = st.columns(2)
        with again.popover("Reset", width="stretch"):
            st.markdown("Removes all participants and empties the board. Title, challenge, access code and runs stay.")
            if st.button("Yes, reset it", type="primary"):
                classroom().reset()
                st.rerun()
        with end.popover("Close the class", width="stretch"):
            st.markdown("Participants lose access. The runs stay.")
            if st.button("Yes, close it", type="primary"):
                classroom().close()
                st.rerun()


def predict(participant: Participant) -> None:
    """Form for a participant's forecast, before the first run."""
    with st.form("forecast"):
        st.markdown("**Predict, then discover.** What will your best student reach? You cannot change it later.")
        accuracy = st.number_input("Accuracy (%)", 0.0, 100.0, 70.0, 0.5, help=description_of(Forecast, "accuracy"))
        size = st.number_input("Size (MB)", 0.05, 100.0, 1.0, 0.05, help=description_of(Forecast, "size_mb"))
        if st.form_submit_button("Commit my forecast", type="primary"):
            try:
                classroom().commit(participant.id, Forecast(accuracy=accuracy / 100, size_mb=size))
            except CompressorError as error:
                say(error)
            else:
                st.rerun()


def own(record: ClassRecord, participant: Participant) -> None:
    """Show the participant's own runs and a link to start the next."""
    forecast = participant.forecast
    said = f". Forecast: {forecast.accuracy:.1%} at {forecast.size_mb:g} MB" if forecast else ""
    st.markdown(f"You joined as **{literal(participant.name)}**{said}.")
    link("start", "Compress a model", icon=":material/compress:")

    def part() -> bool:
        live = False
        for run in runs_of(store(), record, participant.id):
            with suppress(CompressorError):  # deleted since the listing
                status = run.status()
                live = live or status.live
                left, right = st.columns([4, 1], vertical_alignment="center")
                with left:
                    link(kind_of(run.kind).page, run_title(run), run=run.id)
                    state_of(run, status)
                with right:
                    cancel_or_resume(run, status)
        return live

    redrawn(any(run.status().live for run in runs_of(store(), record, participant.id)), part)


with sentences():
    record = classroom().current()
if record is None:
    open_page("board", "Everyone's searches and students on one board, ranked by a challenge.")
    open_class()
else:
    open_page("board", literal(f"{record.settings.name}: {record.settings.challenge.words}."))
    participant = me(record)
    if participant is not None and participant.forecast is None:
        predict(participant)
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.segmented_control(
            "Show",
            list(BOARDS),
            key="show",
            required=True,
            persist_state="session",
            format_func=BOARDS.__getitem__,
            label_visibility="collapsed",
        )
        to_address("show", st.session_state.show)
        if not presenting():
            link("board", "Present", icon=":material/present_to_all:", present="1")
    left, right = st.columns([7, 3]) if lecturing() else (st.container(), None)
    with left:
        st.fragment(run_every=EVERY)(live_board)()
    if right is not None:
        with right:
            st.fragment(run_every=EVERY)(invitation)()
    if participant is not None:
        own(record, participant)
    elif lecturing():
        with st.expander("Join the class yourself", icon=":material/person_add:"):
            join(record, code=False)
    if lecturing():
        lead(record)
