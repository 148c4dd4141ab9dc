"""The open class of a run folder: its challenge, access code, participants and their forecasts.

Stored in one file, `class.json` beside the runs, written as a whole. A participant is identified by a token signed by
the class (HMAC-SHA256, RFC 2104). It survives reloads and server restarts, and is void once the participant is removed
or the class ends.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final

from filelock import FileLock
from pydantic import Field, StringConstraints

from compressor_core.errors import ClassroomError, CompressorError
from compressor_core.files import storage_error, write_json
from compressor_core.records import Plain
from compressor_core.remembered import Remembered
from compressor_core.runs.run import Maker
from compressor_core.settings import Positive, Settings, Share
from compressor_core.task import Task

FILE: Final = "class.json"
LONGEST_NAME: Final = 24
SHORTEST_CODE: Final = 6
_LETTERS: Final = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
"""Characters of an access code, without those that look alike."""
_LARGEST: Final = 1 << 20

Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80, pattern=r"^[^\r\n]*$")]


class Challenge(StrEnum):
    """Criterion that ranks the students of a class."""

    ACCURATE = "accurate"
    SMALL = "small"
    FAST = "fast"

    @property
    def words(self) -> str:
        return {
            "accurate": f"highest accuracy under {MOST_MB:g} MB",
            "small": f"smallest within {100 * LOST:g} points of the teacher",
            "fast": f"fastest within {100 * LOST:g} points of the teacher",
        }[self]


MOST_MB: Final = 1.0
"""Size limit of `Challenge.ACCURATE`."""
LOST: Final = 0.02
"""Loss of accuracy to the teacher that the other challenges allow, as a share."""


class ClassSettings(Settings):
    """Settings with which a lecturer opens a class."""

    title: ClassVar[str] = "a class"

    name: Line = Field(description="a title of 1 to 80 letters, which everybody in the class reads")
    task: Task = Field(Task.VULNERABILITY, description="Task of the students")
    challenge: Challenge = Field(Challenge.ACCURATE, description="What the students are ranked by")


class Forecast(Settings):
    """Forecast that a participant commits before the first run."""

    title: ClassVar[str] = "a forecast"

    accuracy: Share = Field(description="Accuracy of your best student, as a share")
    size_mb: Positive = Field(description="Its size in MB (10^6 bytes)")


class Participant(Plain):
    """A participant of a class."""

    id: str
    name: str
    forecast: Forecast | None = None


class ClassRecord(Plain):
    """The open class."""

    settings: ClassSettings
    code: str
    """Access code, as displayed."""
    key: str
    """Key that signs the tokens; never displayed."""
    opened: float
    """Seconds since the epoch; the board excludes earlier runs."""
    joining: bool = True
    participants: tuple[Participant, ...] = ()

    @property
    def dataset(self) -> str:
        """Dataset that the students are tested on."""
        return f"classroom-{self.settings.task}"

    def admits(self, code: str) -> bool:
        """Whether `code` is the access code, compared in constant time; case, spaces and hyphens are ignored."""
        return hmac.compare_digest(_bare(code), _bare(self.code))

    def token(self, participant: Participant) -> str:
        return f"{participant.id}.{self._signed(participant.id)}"

    def participant(self, token: str | None) -> Participant | None:
        """Participant of a token; None if this class has not signed it, or the participant was removed."""
        id, _, signature = (token or "").partition(".")
        if not hmac.compare_digest(signature.encode(), self._signed(id).encode()):
            return None
        return next((one for one in self.participants if one.id == id), None)

    def maker(self, participant: Participant | None, address: str | None) -> Maker:
        """Maker of a run, as stored in its folder: the address as a digest that is of no use elsewhere."""
        return Maker(
            participant=participant and participant.id, address=address and self._signed(_network(address))[:16]
        )

    def _signed(self, text: str) -> str:
        return hmac.new(self.key.encode(), text.encode(), hashlib.sha256).hexdigest()


class Classroom:
    """The class of a run folder. Stateless: any number of processes may use the same root."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._path = root / FILE

    def current(self) -> ClassRecord | None:
        """The open class, or None. Raises ClassroomError if its file is damaged."""
        try:
            record = _read(self._path)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise storage_error(error, self._path, action="read") from error
        if record is None:
            raise ClassroomError(f"{self._path} is damaged: remove it and open the class again.")
        return record

    def require(self) -> ClassRecord:
        """The open class. Raises ClassroomError if none is open."""
        if (record := self.current()) is None:
            raise ClassroomError("No class is open: whoever runs this server opens one on Class, at its own machine.")
        return record

    def open(self, settings: ClassSettings, code: str | None = None) -> ClassRecord:
        """Open a class with a new code, or with `code`; ends a class that is open.

        Raises ClassroomError for a code that is too short, StorageError if the disk refuses.
        """
        if code is not None and len(_bare(code)) < SHORTEST_CODE:
            raise ClassroomError(f"An access code needs {SHORTEST_CODE} letters or digits: choose a longer one.")
        with self._changing():
            return self._write(_opened(settings, code))

    def close(self) -> None:
        """End the class; its runs stay."""
        with self._changing(), suppress(FileNotFoundError):
            self._path.unlink()

    def reset(self) -> ClassRecord:
        """Restart the class with the same code, no participants and an empty board; old tokens become void."""
        return self._changed(lambda record: _opened(record.settings, record.code))

    def pause(self, paused: bool) -> ClassRecord:
        """Pause joining, or allow it again."""
        return self._changed(lambda record: record.model_copy(update={"joining": not paused}))

    def remove(self, id: str) -> ClassRecord:
        """Remove a participant; the name becomes free and the token void."""

        def without(record: ClassRecord) -> ClassRecord:
            left = tuple(one for one in record.participants if one.id != id)
            return record.model_copy(update={"participants": left})

        return self._changed(without)

    def join(self, name: str) -> Participant:
        """Add a participant under a nickname. The caller must have checked the access code.

        Raises ClassroomError if joining is paused, or the name is empty, too long or taken.
        """
        name = " ".join(name.split())
        if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
            raise ClassroomError(f"A nickname has 1 to {LONGEST_NAME} letters, digits or signs: choose another.")
        made = Participant(id=secrets.token_hex(8), name=name)

        def joined(record: ClassRecord) -> ClassRecord:
            if not record.joining:
                raise ClassroomError("Joining is paused: ask your lecturer.")
            if any(one.name.casefold() == name.casefold() for one in record.participants):
                raise ClassroomError(f"{name} is taken: choose another nickname.")
            return record.model_copy(update={"participants": (*record.participants, made)})

        self._changed(joined)
        return made

    def commit(self, id: str, forecast: Forecast) -> None:
        """Store the forecast of a participant. Raises ClassroomError for a second one: a forecast is final."""

        def committed(record: ClassRecord) -> ClassRecord:
            known = {one.id: one for one in record.participants}
            if id not in known or known[id].forecast is not None:
                raise ClassroomError("You have committed a forecast already: it cannot be changed.")
            known[id] = known[id].model_copy(update={"forecast": forecast})
            return record.model_copy(update={"participants": tuple(known.values())})

        self._changed(committed)

    def _changed(self, change: Callable[[ClassRecord], ClassRecord]) -> ClassRecord:
        with self._changing():
            return self._write(change(self.require()))

    @contextmanager
    def _changing(self) -> Iterator[None]:
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with FileLock(self.root / f".{FILE}.lock"):
                yield
        except OSError as error:
            raise storage_error(error, self._path) from error

    def _write(self, record: ClassRecord) -> ClassRecord:
        write_json(self._path, record.model_dump(mode="json"))
        return record


class Tries:
    """Rate limit of wrong access codes, per minute and address. Thread-safe."""

    MOST: Final = 10
    SECONDS: Final = 60.0

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._tried: dict[str, list[float]] = {}
        self._lock = threading.Lock()

    def check(self, record: ClassRecord, code: str, address: str | None) -> None:
        """Raise ClassroomError if the code is wrong, or after too many wrong codes."""
        place = _network(address)
        with self._lock:
            now = self._clock()
            self._tried = {
                one: recent
                for one, times in self._tried.items()
                if (recent := [each for each in times if each > now - self.SECONDS])
            }
            tried = self._tried.setdefault(place, [])
            if len(tried) >= self.MOST:
                raise ClassroomError(f"{self.MOST} codes were wrong within a minute: wait a minute, then try again.")
            if record.admits(code):
                return
            tried.append(now)
        raise ClassroomError("The access code is wrong: read it from the lecturer's board and try again.")


def _opened(settings: ClassSettings, code: str | None) -> ClassRecord:
    if code is None:
        code = "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(2))
    return ClassRecord(settings=settings, code=code, key=secrets.token_hex(32), opened=time.time())


def _bare(code: str) -> bytes:
    return "".join(sign for sign in code.upper() if sign.isalnum()).encode()


def _network(address: str | None) -> str:
    """Network of one client: its IPv4 address, or the 64-bit prefix of its IPv6 address."""
    try:
        ip = ip_address(address or "")
    except ValueError:
        return str(address)
    if ip.version == 6:
        return str(ip.ipv4_mapped or ip_network((ip, 64), strict=False))
    return str(ip)


def _parse(content: bytes) -> ClassRecord | None:
    with suppress(ValueError, CompressorError):  # a ValidationError is a ValueError
        values: Any = json.loads(content)
        return ClassRecord.model_validate(values)
    return None


_read = Remembered(_parse, _LARGEST)
