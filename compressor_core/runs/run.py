"""Run folders: configuration, status and records of a run. Reading never writes.

A run folder, readable without this program:

    config.json    kind, name, created (seconds since the epoch), maker, configuration; written by the launcher
    status.json    status of the run, see `Status`; written by the owner of the lock
    events.jsonl   records, one JSON object per line, append-only; written by the worker only
    worker.log     output of the worker and its libraries; worker.log.1 what it was before it became too long
    cancel         present once the run was asked to stop
    .lock          held by the worker while it lives
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, Strict, ValidationError

from compressor_core.errors import RunError
from compressor_core.files import storage_error, to_json, write_json
from compressor_core.records import Plain, Record
from compressor_core.remembered import Remembered
from compressor_core.runs import events
from compressor_core.runs.kinds import kind_of
from compressor_core.runs.lock import absent, is_held
from compressor_core.runs.portable import RUN_ID, packed, unpacked
from compressor_core.runs.status import State, Status, Text

LOG = "worker.log"
REMEMBERED = 4 << 20
"""Cache limit in bytes of JSON, so that listing runs does not open every file of every run."""
_LAST_TIME = 253402300800.0
"""The year 10000; a later creation time means a damaged file."""


class _Said:
    """Content of a JSON file, and the status parsed from it."""

    def __init__(self, content: bytes) -> None:
        self.values = events.parse(content)
        self.status: Status | None = None


_read = Remembered(_Said, REMEMBERED)


class Maker(Plain):
    """Creator of a run on a server shared with a class."""

    participant: Text = None
    """Id in the class."""
    address: Text = None
    """Digest of the creator's network address."""


class _Asked(Plain):
    """What config.json says."""

    kind: Annotated[str, Strict()]
    name: Text = None
    maker: Maker | None = None
    created: Annotated[float, Strict(), Field(ge=0, lt=_LAST_TIME)]
    config: dict[str, Any]


@dataclass(frozen=True)
class Run:
    """One run: its configuration and its folder."""

    id: str
    folder: Path
    kind: str
    config: dict[str, Any]
    name: str | None
    created: float
    maker: Maker | None = None
    """None for a run created on this machine."""

    @property
    def settings(self) -> Any:
        """Configuration as the settings of its kind. Raises CompressorError if invalid."""
        return kind_of(self.kind).read_settings(self.config)

    @property
    def quick(self) -> bool:
        """Whether it takes only seconds; quick runs have their own slot and queue."""
        return kind_of(self.kind).quick(self.config)

    @property
    def slot(self) -> Path:
        """Lock held while it works: one for all quick runs, one for all others."""
        return self.folder.parent / (".quick-slot" if self.quick else ".slot")

    @property
    def builds_on(self) -> set[str]:
        """Ids of the runs that its configuration names, directly or in paths of their models."""
        return set(RUN_ID.findall(to_json(self.config))) - {self.id}

    def summary(self) -> Any:
        """Summary of its work, if there is one yet. Raises RunError if the run was deleted."""
        return self.status().summary

    def status(self, *, owned: bool = False) -> Status:
        """Current status; INTERRUPTED if the worker is gone. Raises RunError if the run was deleted.

        With `owned`, the caller holds the lock, so that there is no worker.
        """
        recorded = self.recorded()
        while recorded is None or recorded.live:
            if not owned and is_held(self.folder):
                return recorded or Status(state=State.QUEUED)
            before, recorded = recorded, self.recorded()
            if recorded == before:  # otherwise the worker ended, or another started, in the meantime
                return self._left_behind(recorded or Status(state=State.INTERRUPTED, started=self.created))
        return recorded

    def _left_behind(self, recorded: Status) -> Status:
        """Status of a run whose worker is gone without a final status, or whose final status is lost."""
        record = events.last(self.folder / "events.jsonl")
        if record is not None and record.ends:
            # The summary is the last record of a worker, so the work was done.
            over = State.CANCELLED if getattr(record, "cancelled", False) else State.FINISHED
            values = {**recorded.plain(), "state": over, "result": record.model_dump(mode="json")}
            return self._here(values).changed(seconds=record.time, message=None, error=None)
        return recorded.changed(
            state=State.INTERRUPTED,
            message="The process at work on this run ended early; resume it to go on from what it recorded.",
        )

    def records(self, offset: int = 0) -> tuple[list[Record], int]:
        """Records from byte `offset` on, and the next offset, see `events.read`.

        Raises RunError if the run was deleted, StorageError if it cannot be read.
        """
        try:
            return events.read(self.folder / "events.jsonl", offset)
        except FileNotFoundError:
            self._require_folder()
            return [], max(offset, 0)

    def recorded_bytes(self) -> int:
        """Size of events.jsonl in bytes. Raises RunError if the run was deleted."""
        try:
            return (self.folder / "events.jsonl").stat().st_size
        except OSError:
            self._require_folder()
            return 0

    def request_cancel(self) -> None:
        """Ask the worker to stop and keep its best so far; harmless when repeated, or if there is no worker.

        Raises RunError if the run was deleted, StorageError if the marker cannot be written.
        """
        if not self.status().live:
            return
        try:
            self.cancel_marker.touch()
        except OSError as error:
            self._require_folder()
            raise storage_error(error, self.cancel_marker) from error

    @property
    def cancel_marker(self) -> Path:
        return self.folder / "cancel"

    def recorded(self) -> Status | None:
        """Status as last written, which may be out of date; None if it cannot be read."""
        said = self._read("status.json")
        if said is None or not isinstance(said.values, dict):
            return None
        if said.status is None:  # parsed once for each version of the file
            with suppress(ValidationError):
                said.status = self._here(said.values)
        return said.status

    def record(self, status: Status) -> None:
        """Write the status; the caller must own the lock. Raises StorageError if writing fails."""
        write_json(self.folder / "status.json", status.plain())

    def _here(self, values: dict[str, Any]) -> Status:
        """Parse a status, with paths adjusted to the run's current folder."""
        return Status.model_validate(unpacked(values, self.folder.parent))

    def write_config(self, folder: Path) -> None:
        """Write its config.json into `folder`. Raises StorageError if writing fails."""
        content = {"kind": self.kind, "name": self.name, "created": self.created, "config": packed(self.config)}
        maker = {} if self.maker is None else {"maker": self.maker.plain()}
        write_json(folder / "config.json", {**content, **maker})

    def _read(self, name: str) -> _Said | None:
        path = self.folder / name
        try:
            return _read(path)
        except FileNotFoundError:
            self._require_folder()
            return None
        except OSError as error:
            raise storage_error(error, path, action="read") from error

    def _require_folder(self) -> None:
        if not self.folder.is_dir():
            raise absent(self.id)


def open_run(folder: Path) -> Run:
    """Open the run in `folder`. Raises RunError if it does not exist or its config.json is damaged."""
    try:
        asked = _Asked.model_validate(_read(folder / "config.json").values)
    except (OSError, ValidationError) as error:
        if not folder.is_dir():
            raise absent(folder.name) from error
        raise RunError(f"Run {folder.name} has no readable config.json: delete it and launch another.") from None
    config = unpacked(asked.config, folder.parent)
    return Run(folder.name, folder, asked.kind, config, asked.name, asked.created, asked.maker)
