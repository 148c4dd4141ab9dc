"""A separate server of the app, started as in the README but on a free port, for benchmarks and tests."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

PROJECT = Path(__file__).resolve().parents[1]
PATIENCE = 120.0
"""Maximum seconds for a server to start, on a busy machine."""
PORTS = 3
"""Number of ports tried before giving up."""
_TAIL = 1500
"""Bytes of output included in error messages."""


class Server:
    """One process of the real app; it stops at the end of its `with` block, or by `stop` or `kill`.

    `options` are Streamlit's, `environment` is added to this process's. Raises RuntimeError if it does not start.
    """

    def __init__(self, *options: str, host: str = "127.0.0.1", **environment: str) -> None:
        # Not in the folder of runs, whose disk a test may fill.
        self._log = tempfile.TemporaryFile()  # noqa: SIM115
        for _ in range(PORTS):
            if self._started(host, options, environment):
                return
        raise RuntimeError(f"the server did not start: {self.said()}")

    def _started(self, host: str, options: Sequence[str], environment: Mapping[str, str]) -> bool:
        """Whether it started on a free port, which another program may have taken in the meantime."""
        with socket.socket() as probe:
            probe.bind((host, 0))
            self.port: int = probe.getsockname()[1]
        self.address = f"http://{host}:{self.port}"
        own = {name: value for name, value in os.environ.items() if not name.startswith("STREAMLIT_")}
        self.process = psutil.Popen(
            [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(self.port), *options],
            cwd=PROJECT,
            env={**own, **environment},
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        deadline = time.monotonic() + PATIENCE
        while not (self._listens() and self.answers()):
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                return False
            time.sleep(0.1)
        return True

    def _listens(self) -> bool:
        """Whether this server, and not another program, answers at the port."""
        with suppress(psutil.Error):
            return self.port in {each.laddr.port for each in self.process.net_connections() if each.laddr}
        return False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def answers(self) -> bool:
        with suppress(OSError), urllib.request.urlopen(f"{self.address}/_stcore/health", timeout=2):
            return True
        return False

    def said(self) -> str:
        """End of its output."""
        size = os.fstat(self._log.fileno()).st_size
        return os.pread(self._log.fileno(), _TAIL, max(size - _TAIL, 0)).decode("utf-8", "replace")

    def stop(self) -> None:
        """Stop it as Ctrl+C does."""
        with suppress(psutil.NoSuchProcess):
            self.process.terminate()
        try:
            self.process.wait(10)
        except psutil.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """kill -9; harmless if it is gone."""
        with suppress(psutil.NoSuchProcess):
            self.process.kill()
        self.process.wait()
