"""Server in front of Streamlit's: which requests it answers, and how much it accepts before a page sees it."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
import traceback
import webbrowser
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import psutil
import streamlit
import streamlit as st
from streamlit import config
from streamlit.runtime import Runtime
from streamlit.web.server.server_util import get_url

from compressor_core.files import DISK_REFUSALS
from compressor_core.logs import VARIABLE, rotate
from pages.parts.ahead import get_ready

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    Session = tuple[str, str]

MOST_OF_SESSION, MOST_OF_ADDRESS, MOST_IN_MEMORY = 110_000_000, 220_000_000, 440_000_000
"""Largest total of uploads in memory, in bytes: of one session, of one address, in all."""
MOST_AT_ONCE: Final = 4
"""Largest number of simultaneous uploads of one session."""
LONGEST_UPLOAD: Final = 300.0
"""Time limit of an upload in seconds."""
MOST_CONNECTIONS: Final = 250
"""Largest number of open pages, of all visitors."""
BURST, RATE = 300.0, 30.0
"""Messages that a page may send at once, and per second on average; a dragged slider sends about ten a second."""
_FULL: Final = 413, "The server holds as many uploads as it can: remove some, or try again later."
_LATE: Final = 408, f"The file did not arrive within {LONGEST_UPLOAD:g} s: use a smaller file or a faster connection."
_NO_DISK: Final = 507, "The server's disk for temporary files is full: whoever runs it must free some space there."
_STREAMLIT: Final = str(Path(streamlit.__file__).parent)
_READING: Final = frozenset(("deserialize", "unpack_widget_state_value"))
"""Streamlit functions that read the value of a control."""
_UPLOAD: Final = "/_stcore/upload_file/"
_METRICS: Final = "/_stcore/metrics"


class Guard:
    """ASGI middleware that refuses requests that no visitor's browser makes, and requests beyond the limits."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._arriving: dict[Session, Counter[int]] = defaultdict(Counter)
        self._address: dict[str, str] = {}
        self._connections = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = str(scope.get("path", ""))
        if scope["type"] == "websocket":
            await self._connect(scope, receive, send)
        elif scope["type"] == "http" and _UPLOAD in path and scope["method"] == "PUT":
            await self._upload(scope, receive, send, path)
        elif scope["type"] == "http" and path.rstrip("/").endswith(_METRICS):
            await _refuse(send, 404, "Nothing is here.")
        else:
            await self._app(scope, receive, send)

    async def _connect(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = _headers(scope)
        if self._connections >= MOST_CONNECTIONS or not is_own_origin(headers.get("origin"), headers.get("host")):
            await send({"type": "websocket.close", "code": 1008})
            return
        self._connections += 1
        left, last = BURST, time.monotonic()

        async def received() -> Message:
            nonlocal left, last
            message = await receive()
            now = time.monotonic()
            left, last = min(BURST, left + (now - last) * RATE) - 1.0, now
            if left < 0:  # reading from the network pauses meanwhile
                await asyncio.sleep(-left / RATE)
            return message

        try:
            await self._app(scope, received, send)
        finally:
            self._connections -= 1

    async def _upload(self, scope: Scope, receive: Receive, send: Send, path: str) -> None:
        session = path.rsplit("/", 2)[-2]
        address = str((scope.get("client") or ("",))[0])
        self._address[session] = address
        arriving = self._arriving[session, address]
        if sum(1 for _ in arriving) >= MOST_AT_ONCE:
            await _refuse(send, 429, "Too many uploads at the same time: wait for one of them.")
            return
        number, started = time.monotonic_ns(), False
        deadline = time.monotonic() + LONGEST_UPLOAD
        arriving[number] = 0
        refusal: tuple[int, str] | None = None

        async def received() -> Message:
            nonlocal refusal
            try:
                message = await asyncio.wait_for(receive(), max(deadline - time.monotonic(), 0.0))
            except TimeoutError:
                refusal = _LATE
                return {"type": "http.disconnect"}
            arriving[number] += len(message.get("body", b""))
            if not self._has_room(session, address):
                refusal = _FULL
                return {"type": "http.disconnect"}
            return message

        async def sent(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            if self._has_room(session, address, claimed(scope)):
                await self._app(scope, received, sent)
            else:
                refusal = _FULL
        except Exception as error:
            if isinstance(error, OSError) and error.errno in DISK_REFUSALS:
                refusal = _NO_DISK
            if refusal is None:
                raise
        finally:
            del arriving[number]
            if not arriving:
                self._arriving.pop((session, address), None)
        if refusal is not None and not started:
            await _refuse(send, *refusal)

    def _has_room(self, session: str, address: str, more: int = 0) -> bool:
        """Whether the server may hold its uploads and `more` bytes from this visitor."""
        held = held_in_memory()
        for gone in self._address.keys() - held.keys() - {session for session, _ in self._arriving}:
            del self._address[gone]
        total: Counter[str] = Counter(held)
        for (owner, _), parts in self._arriving.items():
            total[owner] += sum(parts.values())
        of_address = sum(size for owner, size in total.items() if self._address.get(owner) == address)
        return (
            total[session] + more <= MOST_OF_SESSION
            and of_address + more <= MOST_OF_ADDRESS
            and sum(total.values()) + more <= MOST_IN_MEMORY
        )


def held_in_memory() -> dict[str, int]:
    """Bytes of the uploads that Streamlit holds in memory, by session."""
    storage: Mapping[str, Mapping[str, Any]] = Runtime.instance().uploaded_file_mgr.file_storage  # type: ignore[attr-defined]
    return {session: sum(len(file.data) for file in [*files.values()]) for session, files in [*storage.items()]}


def claimed(scope: Scope) -> int:
    """Length of a request according to its header, in bytes; 0 if not stated."""
    length = _headers(scope).get("content-length", "")
    return int(length) if length.isdigit() and len(length) < 20 else 0


def is_own_origin(origin: str | None, host: str | None) -> bool:
    """Whether a request comes from a page of this server, including its port, or of a site that the settings allow.

    A proxy may omit the port of `host`. Clients other than browsers send no `origin`.
    """
    if origin is None:
        return True
    try:
        own, asked = urlsplit(origin), urlsplit(f"//{host or ''}")
        if own.netloc == asked.netloc or (own.hostname == asked.hostname and asked.port is None):
            return True
    except ValueError:
        return False
    if config.is_manually_set("browser.serverAddress") and own.hostname == st.get_option("browser.serverAddress"):
        return True
    return origin in (st.get_option("server.corsAllowedOrigins") or [])


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope.get("headers", ())}


async def _refuse(send: Send, status: int, words: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": words.encode()})


def is_forged(error: BaseException | None) -> bool:
    """Whether an error comes from a value that no control can send: Streamlit failed to read it."""
    trace = error.__traceback__ if error else None
    frames = [frame for frame, _ in traceback.walk_tb(trace)]
    return any(frame.f_code.co_filename.startswith(_STREAMLIT) and frame.f_code.co_name in _READING for frame in frames)


def excuse(error: Exception) -> bool:
    """Show a message on the page for a forged value and return True; return False for any other error."""
    if is_forged(error):
        st.error("A control of this page was given a value that it cannot have: reload the page.")
        return True
    return False


class ShortLog(logging.Filter):
    """Log filter: one line without traceback for visitors' errors, and at most `most` lines of a kind per minute."""

    most = 20

    def __init__(self) -> None:
        super().__init__()
        self._minute, self._seen = 0, Counter[str]()

    def filter(self, record: logging.LogRecord) -> bool:
        if (minute := int(record.created // 60)) != self._minute:
            self._minute, self._seen = minute, Counter()
        error = record.exc_info[1] if record.exc_info else None
        kind = f"{record.name} {str(record.msg)[:200]} {type(error).__name__}"
        self._seen[kind] += 1
        if error is not None and (record.levelno < logging.ERROR or is_forged(error)):
            record.msg = f"{record.getMessage()[:300]} ({type(error).__name__}: {str(error)[:300]})".replace("\n", " ")
            record.args, record.exc_info, record.exc_text = (), None, None
        if self._seen[kind] == self.most:
            record.msg, record.args = f"{record.getMessage()[:700]} (others like it are left out for a minute)", ()
        return self._seen[kind] <= self.most


@asynccontextmanager
async def running(app: object) -> AsyncIterator[None]:
    """Lifespan of the server: keep its log short, get ready for visitors and, unless headless, open the browser."""
    short = ShortLog()
    for name in [*logging.root.manager.loggerDict]:
        if name.split(".")[0] in ("streamlit", "uvicorn", "asyncio"):
            logging.getLogger(name).addFilter(short)
    if not st.get_option("server.headless"):
        asyncio.get_running_loop().call_later(1.0, webbrowser.open, get_url("localhost"))
    send_at_once()
    asyncio.get_running_loop().run_in_executor(None, get_ready)
    rotating = asyncio.create_task(keep_short(Path(log))) if (log := os.environ.get(VARIABLE)) else None
    yield
    if rotating is not None:
        rotating.cancel()


async def keep_short(log: Path, seconds: float = 5.0) -> None:
    """Look at a log every few seconds, and rotate it when it is due, until cancelled."""
    while True:
        rotate(log)
        await asyncio.sleep(seconds)


def send_at_once() -> None:
    """Let every connection that this process will accept send small packets at once.

    Streamlit binds its socket in a way (`proto=0`) for which asyncio does not set TCP_NODELAY: each file would come in
    two packets, the second 40 ms late, and a page has 60 files. Accepted connections inherit the option.
    """
    with suppress(psutil.Error):  # not every system lets a process see its own sockets
        open_ones = psutil.Process().net_connections("tcp")
        for one in (one for one in open_ones if one.status == psutil.CONN_LISTEN and one.fd >= 0):
            with socket.fromfd(one.fd, one.family, one.type) as listening:
                listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
