"""The app on a server of its own, started as the README says but on a free port; for benchmarks and for tests."""

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
"""Seconds that a server may take to start, on a machine that has much else to do."""
PORTS = 3
"""So many are tried before it counts as not starting."""
_TAIL = 1500
"""Bytes of what it printed that are told when something is wrong."""


class Server:
    """One process of the real app; it stops with its `with` block, or when it is told.

    `options` are Streamlit's, `environment` is added to this process's. Raises RuntimeError if it does not start.
    """

    def __init__(self, *options: str, host: str = "127.0.0.1", **environment: str) -> None:
        # Not beside the runs, whose disk a test may fill.
        self._log = tempfile.TemporaryFile()  # noqa: SIM115
        for _ in range(PORTS):
            if self._started(host, options, environment):
                return
        raise RuntimeError(f"the server did not start: {self.said()}")

    def _started(self, host: str, options: Sequence[str], environment: Mapping[str, str]) -> bool:
        """Whether it came up on a port that was free; another program may have taken it meanwhile."""
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
        """Whether what answers at this port is this server, and not another program."""
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
        """The end of what it printed."""
        size = os.fstat(self._log.fileno()).st_size
        return os.pread(self._log.fileno(), _TAIL, max(size - _TAIL, 0)).decode("utf-8", "replace")

    def stop(self) -> None:
        """End it as Ctrl+C does."""
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
