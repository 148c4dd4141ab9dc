"""Who visits: the lecturer, who sits at this machine, or a participant, who has joined the class by its access code."""

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
"""Opens a class with this access code where nobody sits at the machine: in a container, at a service."""
_COOKIE: Final = "compressor-class"
_TOKEN: Final = "class-token"
_LASTS: Final = 7 * 24 * 3600
"""Seconds that a browser keeps the cookie."""


def classroom() -> Classroom:
    return Classroom(RunStore().root)


def lecturing() -> bool:
    """Whether the visitor may lead the class: whoever sits at this machine."""
    return not shared() or from_here()


def me(record: ClassRecord | None = None) -> Participant | None:
    """Who the visitor is in the class that is open, by the token of this session or of the browser's cookie."""
    record = record or classroom().current()
    token = st.session_state.get(_TOKEN) or st.context.cookies.get(_COOKIE)
    return record.participant(token) if record and token else None


def maker() -> Maker | None:
    """Who makes the runs of this visit; None for the lecturer who has not joined."""
    if (record := classroom().current()) is None:
        return None
    made = record.maker(me(record), st.context.ip_address)
    return made if made.participant or made.address else None


@contextmanager
def allowed(store: RunStore, kind: str, configs: Collection[Mapping[str, Any]]) -> Iterator[None]:
    """Let the visitor start these runs in the block, with nobody else at it meanwhile, so that none slips past a limit.

    Raises CompressorError if that is refused. On a server that is not shared there are no limits.
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
    """Whether the visitor may cancel, resume and rename a run: the own ones, and the lecturer all of them."""
    if lecturing():
        return True
    visitor = me()
    return visitor is not None and run.maker is not None and run.maker.participant == visitor.id


def admit() -> None:
    """Ask for the access code before anything else is shown; the page ends here for whoever has none."""
    _open_by_variable()
    if lecturing() or me() is not None:
        return
    record = classroom().require()
    st.title("Join the class", anchor=False)
    st.markdown("The access code is on your lecturer's board.")
    join(record)
    st.stop()


def join(record: ClassRecord, *, code: bool = True) -> None:
    """The form to join the class; at this machine `code` may be left out."""
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
    """Have the browser keep the token of this session, so that a reload finds the same participant."""
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
