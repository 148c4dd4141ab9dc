"""A visitor of the real server without a browser: Streamlit's own websocket messages, one connection a visit."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect

_FINISHED = (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)
LONGEST = 60.0
"""Seconds that a page may take, on a machine that has much else to do."""


@dataclass
class Page:
    """What a page has shown: its texts, its buttons by label, and what no page may show."""

    texts: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    """Errors as sentences."""
    exceptions: list[str] = field(default_factory=list)
    """Tracebacks, as a visitor would meet them: the page ends in a box that says nothing."""
    buttons: dict[str, str] = field(default_factory=dict)
    fields: dict[str, str] = field(default_factory=dict)
    """Ids of choices and of fields for files, by label."""
    numbers: list[str] = field(default_factory=list)
    """The ids of its fields for numbers."""

    @property
    def text(self) -> str:
        return "\n".join([*self.texts, *self.errors])


class Session:
    """One visitor; it stays on the server for as long as it is open."""

    def __init__(self, address: str, headers: Mapping[str, str] | None = None) -> None:
        self._parts: dict[str, float] = {}
        self._connection = connect(
            address.replace("http://", "ws://") + "/_stcore/stream",
            additional_headers=headers,
            subprotocols=["streamlit"],  # type: ignore[list-item]
            open_timeout=LONGEST,
            max_size=None,
        )

        self.id = ""
        """The server's name for it, once a page was drawn."""

    def __enter__(self) -> Session:
        self.socket: ClientConnection = self._connection.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.__exit__(None, None, None)

    def visit(self, name: str = "", query: str = "") -> Page:
        """Open a page of the app by a deep link, and wait until it is drawn."""
        message = BackMsg()
        message.rerun_script.page_name = name
        message.rerun_script.query_string = query
        return self._rerun(message)

    def click(self, name: str, query: str, button: str) -> Page:
        """Press a button of a page that was visited, by its id."""
        message = BackMsg()
        message.rerun_script.page_name = name
        message.rerun_script.query_string = query
        state = message.rerun_script.widget_states.widgets.add()
        state.id, state.trigger_value = button, True
        return self._rerun(message)

    def send(self, message: BackMsg) -> Page:
        """Send any message, and wait until the page is drawn."""
        return self._rerun(message)

    def watch(self, name: str, page: Page, text: str, seconds: float) -> Page:
        """Stay on a page as a browser does, which asks anew for the parts that are to be, until a text is there."""
        deadline = time.monotonic() + seconds
        while text not in page.text and self._parts and time.monotonic() < deadline:
            time.sleep(min(self._parts.values()))
            page = Page()
            for part in list(self._parts):
                message = BackMsg()
                message.rerun_script.page_name = name
                message.rerun_script.fragment_id = part
                drawn = self._rerun(message)
                page.texts += drawn.texts
                page.errors += drawn.errors
                page.exceptions += drawn.exceptions
        return page

    def _rerun(self, message: BackMsg) -> Page:
        self.socket.send(message.SerializeToString())
        page, deadline = Page(), time.monotonic() + LONGEST
        while True:
            data = self.socket.recv(timeout=max(deadline - time.monotonic(), 0.01))
            said = ForwardMsg()
            said.ParseFromString(data)
            kind = said.WhichOneof("type")
            if kind == "new_session":
                self.id = said.new_session.initialize.session_id
            if kind == "delta" and said.delta.WhichOneof("type") == "new_element":
                _take(said.delta.new_element, page)
            if kind == "auto_rerun":
                self._parts[said.auto_rerun.fragment_id] = said.auto_rerun.interval
            # A page that sends the visitor elsewhere ends with another word, and goes on.
            if kind == "script_finished" and said.script_finished in _FINISHED:
                return page


def _take(element: Any, page: Page) -> None:
    kind = element.WhichOneof("type")
    if kind == "exception":
        page.exceptions.append(f"{element.exception.type}: {element.exception.message}")
    elif kind == "alert" and element.alert.format == element.alert.ERROR:
        page.errors.append(element.alert.body)
    elif kind in ("markdown", "alert", "heading"):
        page.texts.append(getattr(element, kind).body)
    elif kind == "button":
        page.buttons[element.button.label] = element.button.id
    elif kind in ("radio", "file_uploader"):
        page.fields[getattr(element, kind).label] = getattr(element, kind).id
    elif kind == "number_input":
        page.numbers.append(element.number_input.id)
