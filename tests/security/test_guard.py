"""What stands in front of the server: uploads under invented ids, floods of messages, forged values, other origins."""

from __future__ import annotations

import asyncio
import errno
import http.client
import logging
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from typing import Any

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from websockets.exceptions import ConnectionClosed

from benchmarks.serving import Server
from pages.parts.guard import (
    BURST,
    MOST_AT_ONCE,
    MOST_CONNECTIONS,
    MOST_OF_SESSION,
    RATE,
    Guard,
    ShortLog,
    is_forged,
    is_own_origin,
    send_at_once,
)
from tests.faults.harness import until
from tests.faults.session import Session
from tests.security.test_server import status_of, upgrade

MB = 1_000_000


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as server:
        yield server


def log_of(server: Server) -> str:
    size = os.fstat(server._log.fileno()).st_size
    return os.pread(server._log.fileno(), size, 0).decode("utf-8", "replace")


class Uploads:
    """A visitor who sends files past the page."""

    def __init__(self, server: Server, session: str) -> None:
        self._port, self._session = server.port, session
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        connection.request("GET", "/_stcore/health")
        cookie = str(connection.getresponse().headers["Set-Cookie"]).partition(";")[0]
        self._headers = {"Cookie": cookie, "X-Xsrftoken": cookie.partition("=")[2]}

    def begin(self, name: str, claim: int) -> http.client.HTTPConnection:
        """Say that a file comes, and send its name alone."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        connection.putrequest("PUT", f"/_stcore/upload_file/{self._session}/{name}")
        for key, value in {**self._headers, "Content-Type": "multipart/form-data; boundary=b"}.items():
            connection.putheader(key, value)
        connection.putheader("Content-Length", str(claim))
        connection.endheaders(b'--b\r\nContent-Disposition: form-data; name="f"; filename="x.csv"\r\n\r\n')
        return connection

    def __call__(
        self, method: str, name: str, size: int = 0, claim: int | None = None, content: bytes | None = None
    ) -> int:
        body = (
            b'--b\r\nContent-Disposition: form-data; name="f"; filename="x.csv"\r\n\r\n'
            + (bytes(size) if content is None else content)
            + b"\r\n--b--\r\n"
        )
        headers = {**self._headers, "Content-Type": "multipart/form-data; boundary=b"}
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        chunks = iter([body]) if claim is None else body
        try:
            connection.request(method, f"/_stcore/upload_file/{self._session}/{name}", body=chunks, headers=headers)
            return connection.getresponse().status
        except ConnectionError:
            return 413
        finally:
            connection.close()


def test_files_under_invented_ids_do_not_fill_the_memory(server: Server) -> None:
    with Session(server.address) as session:
        session.visit("runs")
        send = Uploads(server, session.id)
        before = server.process.memory_info().rss
        answers = [send("PUT", f"invented-{number}", 20 * MB, None if number % 2 else 1) for number in range(10)]
        accepted = answers.count(204)
        assert 0 < accepted <= MOST_OF_SESSION // (20 * MB) and set(answers[accepted:]) == {413}
        assert server.process.memory_info().rss - before < MOST_OF_SESSION + 100 * MB
        assert send("DELETE", "invented-0") == 204
        assert send("PUT", "again", 19 * MB) == 204
        assert not session.visit("runs").exceptions
    with Session(server.address) as other:
        other.visit("runs")
        assert Uploads(server, other.id)("PUT", "own", MB) == 204


def test_the_metrics_are_closed_and_another_port_is_another_site(server: Server) -> None:
    assert status_of(server.port, "GET", "/_stcore/metrics") == 404
    assert upgrade(server.port, Origin=server.address) == 101
    for origin in (
        "http://127.0.0.1:9",
        "http://localhost:9",
        f"http://localhost:{server.port}",
        "null",
        "http://[bad",
    ):
        assert upgrade(server.port, Origin=origin) == 403, origin


@pytest.mark.parametrize(
    ("origin", "host", "allowed"),
    [
        (None, "localhost:8501", True),
        ("http://localhost:8501", "localhost:8501", True),
        ("https://studio.example.org", "studio.example.org", True),
        ("https://studio.example.org:8443", "studio.example.org", True),
        ("http://localhost:8502", "localhost:8501", False),
        ("http://localhost", "localhost:8501", False),
        ("http://127.0.0.1:8501", "localhost:8501", False),
        ("https://evil.example", "studio.example.org", False),
        ("http://localhost:port", "localhost:8501", False),
        ("", "localhost", False),
    ],
)
def test_origins(origin: str | None, host: str, allowed: bool) -> None:
    assert is_own_origin(origin, host) is allowed


def test_a_forged_value_is_a_sentence_there_and_a_line_in_the_log(server: Server) -> None:
    with Session(server.address) as session:
        page = session.visit("search")
        before = len(log_of(server))
        for number in page.numbers[:5]:
            message = BackMsg()
            message.rerun_script.page_name = "search"
            state = message.rerun_script.widget_states.widgets.add()
            state.id, state.string_value = number, "x" * 100_000
            page = session.send(message)
            assert not page.exceptions
            assert any("a value that it cannot have" in error for error in page.errors)
    said = log_of(server)[before:]
    assert "Traceback" not in said and 0 < len(said) < 5_000


def test_a_flood_of_messages_holds_up_nobody_else(server: Server) -> None:
    before = len(log_of(server))
    with Session(server.address) as flood:
        flood.visit("runs")
        message = BackMsg()
        message.rerun_script.page_name = "runs"
        for _ in range(int(BURST)):
            flood.socket.send(message.SerializeToString())
        with Session(server.address) as other:
            assert not other.visit("runs").exceptions
    for _ in range(25):
        with Session(server.address) as session:
            session.socket.send(b"\xff\xff no message")
            with pytest.raises(ConnectionClosed):
                session.socket.recv(timeout=30)
    said = log_of(server)[before:]
    assert "Traceback" not in said and len(said) < 20_000


def test_large_messages_do_not_fill_the_memory(server: Server) -> None:
    """Neither of pages that stay open nor of those that leave, which the server keeps for a while."""
    before = server.process.memory_info().rss
    with ExitStack() as open_ones:
        for number in range(30):
            session = open_ones.enter_context(Session(server.address))
            session.visit("runs")
            message = BackMsg()
            message.rerun_script.page_name = "runs"
            state = message.rerun_script.widget_states.widgets.add()
            state.id, state.string_value = f"$$ID-abc-x{number}-None", "x" * (20 * MB if number % 2 else MB * 9 // 10)
            if number % 2:
                session.socket.send(message.SerializeToString())
                with pytest.raises(ConnectionClosed, match="1009"):
                    while True:
                        session.socket.recv(timeout=30)
            else:
                assert not session.send(message).exceptions
            if number % 4 < 2:
                session.socket.close()
    assert server.process.memory_info().rss - before < 150 * MB


def test_messages_beyond_the_rate_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.receive", "bytes": b""}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for _ in range(int(BURST) + 200):
            await receive()

    monkeypatch.setattr("pages.parts.guard.asyncio.sleep", sleep)
    asyncio.run(Guard(app)({"type": "websocket", "headers": []}, receive, sleep))  # type: ignore[arg-type]
    assert len(waits) > 150 and max(waits) > 100 / RATE


def test_connections_have_an_end() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.Event().wait()

    async def visitors() -> None:
        refused: list[Any] = []

        async def send(message: Any) -> None:
            refused.append(message)

        guard = Guard(app)
        tasks = [asyncio.create_task(guard({"type": "websocket"}, None, send)) for _ in range(MOST_CONNECTIONS + 5)]  # type: ignore[arg-type]
        done, open_ = await asyncio.wait(tasks, timeout=0.2)
        assert (len(done), len(open_)) == (5, MOST_CONNECTIONS)
        assert [message["type"] for message in refused] == ["websocket.close"] * 5
        for task in open_:
            task.cancel()
        await asyncio.wait(open_)
        last = asyncio.create_task(guard({"type": "websocket"}, None, send))  # type: ignore[arg-type]
        assert not (await asyncio.wait([last], timeout=0.1))[0]
        last.cancel()

    asyncio.run(visitors())


def test_the_log_is_short_and_keeps_what_is_no_visitors_doing() -> None:
    def record(level: int) -> logging.LogRecord:
        try:
            raise ValueError("no number")
        except ValueError:
            information = sys.exc_info()
        return logging.LogRecord("streamlit.x", level, "", 1, "said %s", ("so",), information)

    short = ShortLog()
    ours, theirs = record(logging.ERROR), record(logging.WARNING)
    assert short.filter(ours) and ours.exc_info is not None and not is_forged(ours.exc_info[1])
    assert short.filter(theirs) and theirs.exc_info is None
    assert theirs.getMessage().startswith("said so (ValueError: no number")
    assert sum(short.filter(record(logging.WARNING)) for _ in range(1000)) < ShortLog.most * 2


def test_a_megabyte_in_the_address_is_a_sentence(server: Server) -> None:
    before = len(log_of(server))
    queries = ("run=" + "x" * MB, "run=" + "%2e%2e%2f" * 100_000, "&".join(f"p{n}=1" for n in range(100_000)))
    with Session(server.address) as session:
        for query in queries:
            for name in ("runs", "search", "playground"):
                page = session.visit(name, query.replace("run=", "code=") if name == "playground" else query)
                assert not page.exceptions and len(page.text) < 50_000
    with suppress(ConnectionError):  # it may hang up while it is still told
        assert status_of(server.port, "GET", f"/runs?{queries[0]}") in (400, 414, 431)
    assert len(log_of(server)) - before < 20_000 and server.answers()


def test_two_hundred_open_pages_hold_up_nobody(server: Server) -> None:
    before = server.process.memory_info().rss
    with ExitStack() as stack:
        sessions = [stack.enter_context(Session(server.address)) for _ in range(200)]
        for session in sessions[::40]:
            assert not session.visit("runs").exceptions
        with Session(server.address) as other:
            assert not other.visit("runs").exceptions
        assert server.process.memory_info().rss - before < 200 * MB
    with Session(server.address) as other:
        assert not other.visit("runs").exceptions


def test_uploads_of_a_kilobyte_a_second_hold_up_nobody() -> None:
    """Some of each of three sessions; one more of a session than it may have at once is refused at once."""
    with ExitStack() as stack:
        # A server of its own: the other one still holds what was sent to it before.
        server = stack.enter_context(Server())
        sessions = [stack.enter_context(Session(server.address)) for _ in range(3)]
        for session in sessions:
            session.visit("runs")
        slow = [
            stack.enter_context(closing(Uploads(server, session.id).begin(f"slow-{number}", 20 * MB)))
            for session in sessions
            for number in range(MOST_AT_ONCE)
        ]
        for _ in range(2):
            for connection in slow:
                connection.send(bytes(1_000))
            with Session(server.address) as other:
                assert not other.visit("runs").exceptions
        assert Uploads(server, sessions[0].id)("PUT", "one-more", 1_000) == 429
        for connection in slow:
            connection.close()
        for session in sessions:
            send = Uploads(server, session.id)
            until(lambda send=send: send("PUT", "own", MB) == 204, 30)  # type: ignore[misc]
            assert send("PUT", "own", MB) == 204
            assert send("DELETE", "own") == 204


@pytest.mark.parametrize(("trouble", "status"), [("late", 408), ("no disk", 507)])
def test_an_upload_that_cannot_arrive_is_refused_with_its_reason(
    trouble: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pages.parts.guard.LONGEST_UPLOAD", 0.05)
    monkeypatch.setattr("pages.parts.guard.held_in_memory", dict)
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(0.02)
        return {"type": "http.request", "body": bytes(20), "more_body": True}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        while (await receive())["type"] == "http.request":
            if trouble == "no disk":
                raise OSError(errno.ENOSPC, "No space left on device")
        raise RuntimeError("the visitor is gone")

    async def send(message: Any) -> None:
        sent.append(message)

    guard = Guard(app)
    path = "/_stcore/upload_file/session/name"
    for _ in range(MOST_AT_ONCE + 1):  # none of them counts once it is over
        sent.clear()
        asyncio.run(guard({"type": "http", "method": "PUT", "path": path, "headers": []}, receive, send))
        assert sent[0]["status"] == status and b": " in sent[1]["body"]


def test_small_answers_are_not_held_back() -> None:
    # As Streamlit binds its socket: without a protocol, for which asyncio leaves Nagle's algorithm on.
    with socket.socket(socket.AF_INET) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        send_at_once()
        with socket.create_connection(listening.getsockname()), listening.accept()[0] as accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
