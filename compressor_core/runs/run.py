"""A run folder: what was asked for, how it stands, what it has recorded. Reading never writes.

A run folder, readable without this program:

    config.json    kind, name, created (seconds since the epoch), maker, configuration; written by the launcher
    status.json    how the run stands, see `Status`; written by the owner of the lock
    events.jsonl   the records, one JSON object a line, append-only; written by the worker alone
    worker.log     what the worker and its libraries printed
    cancel         present once the run was asked to stop
    .lock          held by the worker for as long as it lives
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

REMEMBERED = 4 << 20
"""Bytes of JSON whose values are kept at most, so that a list of runs need not open every file of every run."""
_LAST_TIME = 253402300800.0
"""The year 10000: a later creation is damage."""


class _Said:
    """What a JSON file says, and the status that it stands for."""

    def __init__(self, content: bytes) -> None:
        self.values = events.parse(content)
        self.status: Status | None = None


_read = Remembered(_Said, REMEMBERED)


class Maker(Plain):
    """Who asked for a run on a server that is shared with a class."""

    participant: Text = None
    """Id in the class."""
    address: Text = None
    """A digest of the address that it was asked from."""


class _Asked(Plain):
    """What config.json says."""

    kind: Annotated[str, Strict()]
    name: Text = None
    maker: Maker | None = None
    created: Annotated[float, Strict(), Field(ge=0, lt=_LAST_TIME)]
    config: dict[str, Any]


@dataclass(frozen=True)
class Run:
    """One run: what was asked for, and where its folder is."""

    id: str
    folder: Path
    kind: str
    config: dict[str, Any]
    name: str | None
    created: float
    maker: Maker | None = None
    """None of a run that was made at this machine."""

    @property
    def settings(self) -> Any:
        """What was asked for, as the settings of its kind. Raises CompressorError if they are none such."""
        return kind_of(self.kind).read_settings(self.config)

    @property
    def quick(self) -> bool:
        """Whether it takes seconds; quick runs have a slot and a queue of their own."""
        return kind_of(self.kind).quick(self.config)

    @property
    def slot(self) -> Path:
        """The lock that it holds while it works: one for all quick runs, one for all others."""
        return self.folder.parent / (".quick-slot" if self.quick else ".slot")

    @property
    def builds_on(self) -> set[str]:
        """Ids of the runs that its configuration names, by themselves or in the paths of their models."""
        return set(RUN_ID.findall(to_json(self.config))) - {self.id}

    def summary(self) -> Any:
        """The summary of its work, if it has come to that. Raises RunError if it was deleted."""
        return self.status().summary

    def status(self, *, owned: bool = False) -> Status:
        """How the run stands now; interrupted if its worker is gone. Raises RunError if it was deleted.

        With `owned`, who asks holds the lock, so that there is no worker.
        """
        recorded = self.recorded()
        while recorded is None or recorded.live:
            if not owned and is_held(self.folder):
                return recorded or Status(state=State.QUEUED)
            before, recorded = recorded, self.recorded()
            if recorded == before:  # else the worker wrote how it ended, or another came, while this was looked at
                return self._left_behind(recorded or Status(state=State.INTERRUPTED, started=self.created))
        return recorded

    def _left_behind(self, recorded: Status) -> Status:
        """How a run stands whose worker is gone without a last word, or whose last word is lost."""
        record = events.last(self.folder / "events.jsonl")
        if record is not None and record.ends:
            # A summary is the last that a worker records: the work was done.
            over = State.CANCELLED if getattr(record, "cancelled", False) else State.FINISHED
            values = {**recorded.plain(), "state": over, "result": record.model_dump(mode="json")}
            return self._here(values).changed(seconds=record.time, message=None, error=None)
        return recorded.changed(
            state=State.INTERRUPTED,
            message="The process at work on this run ended early; resume it to go on from what it recorded.",
        )

    def records(self, offset: int = 0) -> tuple[list[Record], int]:
        """The records from byte `offset` on, and the offset to ask from next, see `events.read`.

        Raises RunError if the run was deleted, StorageError if it cannot be read.
        """
        try:
            return events.read(self.folder / "events.jsonl", offset)
        except FileNotFoundError:
            self._require_folder()
            return [], max(offset, 0)

    def recorded_bytes(self) -> int:
        """How long events.jsonl is. Raises RunError if the run was deleted."""
        try:
            return (self.folder / "events.jsonl").stat().st_size
        except OSError:
            self._require_folder()
            return 0

    def request_cancel(self) -> None:
        """Ask the worker to stop and keep its best so far; harmless when repeated, or if there is no worker.

        Raises RunError if the run was deleted, StorageError if the disk refuses the marker.
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
        """What was last written of it, true or not by now; None if nothing can be read."""
        said = self._read("status.json")
        if said is None or not isinstance(said.values, dict):
            return None
        if said.status is None:  # checked once for each version of the file
            with suppress(ValidationError):
                said.status = self._here(said.values)
        return said.status

    def record(self, status: Status) -> None:
        """Write how it stands, as the owner of its lock. Raises StorageError if the disk refuses."""
        write_json(self.folder / "status.json", status.plain())

    def _here(self, values: dict[str, Any]) -> Status:
        """A status with paths that are true where the run lies now."""
        return Status.model_validate(unpacked(values, self.folder.parent))

    def write_config(self, folder: Path) -> None:
        """Write its config.json into `folder`. Raises StorageError if the disk refuses."""
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
    """The run in `folder`. Raises RunError if it is not there or its config.json is damaged."""
    try:
        asked = _Asked.model_validate(_read(folder / "config.json").values)
    except (OSError, ValidationError) as error:
        if not folder.is_dir():
            raise absent(folder.name) from error
        raise RunError(f"Run {folder.name} has no readable config.json: delete it and launch another.") from None
    config = unpacked(asked.config, folder.parent)
    return Run(folder.name, folder, asked.kind, config, asked.name, asked.created, asked.maker)
