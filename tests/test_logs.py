"""Logs that rotate while others write them."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from compressor_core.logs import LARGEST, rotate
from pages.parts.guard import keep_short

WRITER = """
import os, sys
log = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
for line in sys.stdin:
    os.write(log, line.encode())
    print("written", flush=True)
"""


def test_whoever_holds_a_log_open_goes_on_at_its_beginning(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(log)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert writer.stdin is not None and writer.stdout is not None
    for turn in range(4):
        for line in ("x" * 60, f"turn {turn}"):
            print(line, file=writer.stdin, flush=True)
            assert writer.stdout.readline() == "written\n"
        assert not rotate(log, largest=200)
        assert rotate(log, largest=50)
        assert log.read_text("utf-8") == ""
        assert log.with_name("a.log.1").read_text("utf-8") == f"{'x' * 60}\nturn {turn}\n"
    writer.communicate()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.log", "a.log.1"]


def test_a_log_that_cannot_be_rotated_stops_nothing(tmp_path: Path) -> None:
    assert not rotate(tmp_path / "nothing.log", largest=1)
    assert not rotate(tmp_path, largest=10**9)
    (tmp_path / "a.log").write_text("x" * 100, "utf-8")
    (tmp_path / "a.log.1").mkdir()  # in the way of the copy
    assert rotate(tmp_path / "a.log", largest=50)
    assert (tmp_path / "a.log").stat().st_size == 0


def test_the_server_keeps_its_log_short(tmp_path: Path) -> None:
    log = tmp_path / "app.log"

    async def serve() -> None:
        keeping = asyncio.create_task(keep_short(log, 0.01))
        for _ in range(3):
            with log.open("ab") as opened:
                opened.write(b"x" * (LARGEST + 1))
            while log.stat().st_size:
                await asyncio.sleep(0.01)
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping

    asyncio.run(asyncio.wait_for(serve(), 60))
    assert log.with_name("app.log.1").stat().st_size == LARGEST + 1
