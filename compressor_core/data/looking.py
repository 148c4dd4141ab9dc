"""Preview of a user's file: its content and a sample, read in a separate process within limits.

A server answers many visitors from one process, so it reads only small files itself. The time and memory that a larger
file needs must not burden the server, and a packed file may be a thousand times as large as it seems.
"""

from __future__ import annotations

import json
import math
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Final

from pydantic import BaseModel, ConfigDict, TypeAdapter

from compressor_core.data.choices import read_choices
from compressor_core.data.columns import Columns
from compressor_core.data.dataset import Example, Split
from compressor_core.data.files import FileDataset, dataset_of
from compressor_core.data.intake import Inspection, read_through, require_usable
from compressor_core.data.lines import beginning
from compressor_core.data.survey import survey
from compressor_core.data.tables import Row
from compressor_core.errors import CompressorError, DataError
from compressor_core.language import Language
from compressor_core.records import Progress, Survey, Work
from compressor_core.settings import Count, PathText, Settings

SMALL: Final = 64_000
"""Size in bytes up to which a text file is read in the calling process."""
MOST_SHOWN: Final = 300
"""Largest number of examples of each split in a sample; `_MOST_CHARACTERS` limits their code."""
_MOST_CHARACTERS: Final = 300_000
_AT_ONCE: Final = 2
_IMPORT_ROOT: Final = Path(__file__).resolve().parents[2]
_turns = threading.BoundedSemaphore(_AT_ONCE)


class Limits(Settings):
    """Limits for reading one file."""

    title: ClassVar[str] = "the limits of a reading"

    seconds: Count = 60
    """CPU time; the wall-clock limit is three times as long."""
    memory_mb: Count = 2000
    rows: Count = 200_000


class Question(Settings):
    """A file to preview, with the meaning of columns and labels that cannot be guessed."""

    title: ClassVar[str] = "a look at a file"

    path: PathText
    columns: Columns = Columns()
    positive: str | None = None
    limits: Limits | None = None


@dataclass(frozen=True)
class SampledFile(FileDataset):
    """A sample of a dataset, with the sizes of the whole."""

    sizes: Mapping[Split, int] = field(default_factory=dict)

    def size(self, split: Split) -> int:
        return self.sizes.get(split, 0)


class Look(BaseModel):
    """Preview of a file. Without usable rows of both classes there is no survey; `trouble` then says why, if no choice
    of the user can fix it."""

    model_config = ConfigDict(frozen=True)

    inspection: Inspection
    trouble: str | None = None
    survey: Survey | None = None
    path: str = ""
    sample: tuple[tuple[Split, Example], ...] = ()

    def in_language(self, language: Language | None) -> Look:
        """The same preview with the language that the user chose."""
        if self.survey is None or language is None:
            return self
        return self.model_copy(update={"survey": self.survey.model_copy(update={"language": str(language)})})

    @property
    def dataset(self) -> SampledFile:
        """The sample as a dataset. Raises DataError if the file has no usable rows."""
        if self.survey is None:
            raise DataError(self.trouble or f"{self.path} has no rows that can be used: choose its columns")
        return SampledFile(
            Path(self.path),
            "file",
            self.sample,
            self.survey.labels,
            None if self.survey.language is None else Language(self.survey.language),
            sizes={Split(part.split): part.examples for part in self.survey.splits},
        )


def look(question: Question) -> Work[Look]:
    """Preview a file in this process. Raises DataError if it cannot be read at all."""
    rows: list[Row] = []
    most = question.limits.rows if question.limits else math.inf
    found = yield from read_through(question.path, question.columns, question.positive, rows, most)
    settled = not found.missing and not (found.needs_positive and question.positive is None)
    if not settled or (found.bad_count and not rows):
        return Look(inspection=found, path=question.path)
    path = Path(question.path)
    try:
        named = {row.example.label: row.label_name for row in rows}
        require_usable(path, named, found.labels or {}, positive=question.positive)
    except DataError as error:
        return Look(inspection=found, trouble=str(error), path=question.path)
    yield Progress(message="Looking at the functions")
    rows = [_with_name(row, path.name) for row in rows]
    dataset = dataset_of(path, rows)
    return Look(inspection=found, survey=survey(dataset), path=question.path, sample=_sample(dataset))


def look_apart(question: Question) -> Work[Look]:
    """Preview a file in a separate process unless it is small; at most `_AT_ONCE` run at a time.

    Closing the generator early ends the process. Raises DataError if the file cannot be read at all, or not within the
    limits.
    """
    if _is_small(Path(question.path)):
        return (yield from look(question))
    while not _turns.acquire(timeout=0.5):
        yield Progress(message="Waiting until other files are read")
    try:
        return (yield from _read_apart(question))
    finally:
        _turns.release()


def _read_apart(question: Question) -> Work[Look]:
    name, limits = Path(question.path).name, question.limits
    paths = os.pathsep.join([str(_IMPORT_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", __name__, question.model_dump_json()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": paths, "PYTHONUTF8": "1"},
        )
    except OSError as error:
        raise DataError(
            f"{name} cannot be read, because no process can be started ({error.strerror}): try later"
        ) from error
    alarm = threading.Timer(3.0 * limits.seconds if limits else threading.TIMEOUT_MAX, process.kill)
    alarm.daemon = True
    alarm.start()
    try:
        with process:
            for line in process.stdout or ():
                said: Mapping[str, Any] = json.loads(line)
                if "error" in said:
                    raise DataError(said["error"])
                if "look" in said:
                    return _answers().validate_python(said["look"])
                yield Progress(message=said["message"])
    finally:
        alarm.cancel()
        process.kill()
    if limits and process.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        raise DataError(f"{name} cannot be read within {limits.seconds} seconds: give a part of it")
    raise DataError(f"{name} cannot be read, and its reader ended with code {process.returncode}: give a part of it")


def main(arguments: list[str]) -> None:
    """Entry point of the separate process: takes a question and writes JSON lines."""
    question = Question.model_validate(json.loads(arguments[0]))
    os.nice(10)
    if question.limits:
        memory = question.limits.memory_mb * 1_000_000
        resource.setrlimit(resource.RLIMIT_CPU, (question.limits.seconds, question.limits.seconds + 1))
        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        work = look(question)
        while True:
            try:
                record = next(work)
            except StopIteration as end:
                return _say(look=_answers().dump_python(end.value, mode="json"))
            if isinstance(record, Progress):
                _say(message=record.message)
    except CompressorError as error:
        _say(error=str(error))
    except MemoryError:
        most = f"{question.limits.memory_mb:,} MB" if question.limits else "this machine's"
        _say(error=f"{Path(question.path).name} needs more memory than {most} to be read: give a part of it")


def _say(**words: Any) -> None:
    print(json.dumps(words), flush=True)


@cache
def _answers() -> TypeAdapter[Look]:
    return TypeAdapter(Look)


def _is_small(path: Path) -> bool:
    """Whether a file is short, unpacked text; also True for a file that is missing or unreadable."""
    try:
        if (said := read_choices(path)) is not None:
            path = path.with_name(said.rows)
        packed = beginning(path).startswith((b"PAR1", b"\x1f\x8b", b"BZh", b"\xfd7zXZ"))
        return not packed and path.stat().st_size <= SMALL
    except (CompressorError, OSError):
        return True


def _with_name(row: Row, name: str) -> Row:
    origin = row.example.origin
    return row if " of " in origin else replace(row, example=replace(row.example, origin=f"{origin} of {name}"))


def _sample(dataset: FileDataset) -> tuple[tuple[Split, Example], ...]:
    """The first examples of each split, at least one."""
    found: list[tuple[Split, Example]] = []
    left = dict.fromkeys(Split, (MOST_SHOWN, _MOST_CHARACTERS))
    for split, example in dataset.rows:
        examples, characters = left[split]
        if examples > 0 and characters > 0:
            found.append((split, example))
            left[split] = examples - 1, characters - sum(map(len, example.codes))
    return tuple(found)


if __name__ == "__main__":
    main(sys.argv[1:])
