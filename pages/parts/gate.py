"""Access control: a visitor is the lecturer, at this machine, or a participant who joined with the access code."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

import streamlit as st
from filelock import FileLock

from compressor_core.classroom.record import ClassRecord, Classroom, ClassSettings, Participant, Tries
from compressor_core.errors import ClassroomError, RunError
from compressor_core.literal import literal
from compressor_core.runs import Run, RunStore
from compressor_core.runs.kinds import kind_of
from compressor_core.runs.run import Maker
from pages.parts.sharing import (
    ASK,
    allow_keeping,
    from_here,
    places,
    require_known_places,
    require_size,
    require_turn,
    shared,
)

CODE_VARIABLE: Final = "COMPRESSOR_ACCESS_CODE"
"""Environment variable that opens a class with this access code, for servers without anybody at the machine."""
_COOKIE: Final = "compressor-class"
_TOKEN: Final = "class-token"
_LASTS: Final = 7 * 24 * 3600
"""Lifetime of the cookie in seconds."""


def classroom() -> Classroom:
    return Classroom(RunStore().root)


def lecturing() -> bool:
    """Whether the visitor may lead the class, as anybody at this machine may."""
    return not shared() or from_here()


def me(record: ClassRecord | None = None) -> Participant | None:
    """Visitor as a participant of the open class, by the token of the session or the cookie; None if not joined."""
    record = record or classroom().current()
    token = st.session_state.get(_TOKEN) or st.context.cookies.get(_COOKIE)
    return record.participant(token) if record and token else None


def maker() -> Maker | None:
    """Maker of the visitor's runs; None without a class, or for a lecturer who has not joined."""
    if (record := classroom().current()) is None:
        return None
    made = record.maker(me(record), st.context.ip_address)
    return made if made.participant or made.address else None


@contextmanager
def allowed(store: RunStore, kind: str, configs: Collection[Mapping[str, Any]]) -> Iterator[None]:
    """Let the visitor start these runs in the block, under a lock so that no run slips past a limit.

    Raises CompressorError if the visitor may not start them. A server that is not shared has neither limits nor a lock.
    """
    visitor = me()
    if visitor is not None and visitor.forecast is None:
        raise ClassroomError("Commit your forecast on Board before your first run.")
    if not shared():
        yield
        return
    if kind_of(kind).closed:
        raise RunError(f"Importing files is closed on a shared server: {ASK}.")
    allow_keeping(store)
    store.root.mkdir(parents=True, exist_ok=True)
    with FileLock(store.root / ".asking.lock"):
        runs = store.list()
        known = {place for run in runs for place in places(run.config)}
        for config in configs:
            require_known_places(config, store.root, known)
            require_size(config)
        require_turn([run.maker for run in runs if run.status().live], store.maker, len(configs))
        yield


def mine(run: Run) -> bool:
    """Whether the visitor may cancel, resume and rename a run: participants their own, the lecturer all."""
    if lecturing():
        return True
    visitor = me()
    return visitor is not None and run.maker is not None and run.maker.participant == visitor.id


def admit() -> None:
    """Ask for the access code before anything else, and stop the page for visitors who have not joined."""
    _open_by_variable()
    if lecturing() or me() is not None:
        return
    record = classroom().require()
    st.title("Join the class", anchor=False)
    st.markdown("The access code is on your lecturer's board.")
    join(record)
    st.stop()


def join(record: ClassRecord, *, code: bool = True) -> None:
    """Form to join the class; without `code`, for use at this machine, it does not ask for the access code."""
    with st.form("join"):
        given = st.text_input("Access code", autocomplete="off") if code else record.code
        name = st.text_input("Nickname", autocomplete="nickname", help="Everybody in the class sees it.")
        asked = st.form_submit_button("Join", type="primary")
    if asked:
        try:
            _tries().check(record, given, st.context.ip_address)
            st.session_state[_TOKEN] = record.token(classroom().join(name))
        except ClassroomError as error:
            st.error(literal(str(error)), icon=":material/error:")
            return
        st.rerun()


def keep_token() -> None:
    """Store the token of the session in a cookie, so that a reload finds the same participant."""
    token = st.session_state.get(_TOKEN)
    if token and st.context.cookies.get(_COOKIE) != token:
        secure = "; Secure" if (st.context.url or "").startswith("https:") else ""
        cookie = f"{_COOKIE}={token}; Path=/; Max-Age={_LASTS}; SameSite=Strict{secure}"
        st.html(f"<script>document.cookie = {json.dumps(cookie)}</script>", unsafe_allow_javascript=True)


@st.cache_resource
def _tries() -> Tries:
    return Tries()


@cache
def _open_by_variable() -> None:
    if (code := os.environ.get(CODE_VARIABLE)) and classroom().current() is None:
        classroom().open(ClassSettings(name="Compressor Studio"), code)
