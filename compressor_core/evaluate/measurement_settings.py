"""What a measurement of costs is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from compressor_core.errors import SettingsError
from compressor_core.kinds import is_whole
from compressor_core.plain import from_plain
from compressor_core.threads import check_threads

MOST_MODELS: Final = 5
"""A teacher and four students."""
LARGEST_BATCH: Final = 256
_LONGEST: Final = 512


@dataclass(frozen=True)
class MeasureSettings:
    """One to five model folders, the first of which the others are held against, and how carefully they are measured.

    `names` are what they are called, by default as their folders. Latency is measured on `examples` of the split
    (None: the test split, or all of a file), each once in each of `rounds`; throughput in batches of 1, 2, 4 … up to
    `largest_batch`, each size `batch_rounds` times; cold starts `starts` times (0: not at all). Where energy can only
    be estimated, a busy core is taken to draw `watts`; where it can be measured, each model runs for `energy_seconds`.

    Raises SettingsError for a value out of range.
    """

    models: Sequence[str]
    names: Sequence[str] = ()
    dataset: str = "classroom-vulnerability"
    data: str | None = None
    split: str | None = None
    examples: int = 32
    rounds: int = 5
    threads: int = 1
    largest_batch: int = 32
    batch_rounds: int = 3
    starts: int = 3
    padded_to: int = 400
    watts: float = 4.0
    energy_seconds: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if isinstance(self.models, str):
            raise SettingsError(f"models must be a list of folders, not {self.models!r}")
        folders = tuple(str(model) for model in self.models)
        if not 1 <= len(folders) <= MOST_MODELS:
            raise SettingsError(f"{len(folders)} models cannot be measured together: give 1 to {MOST_MODELS}")
        if len(set(folders)) < len(folders):
            raise SettingsError(f"a model is named twice among {', '.join(folders)}: name each once")
        names = _distinct(self.names or [Path(folder).resolve().name for folder in folders])
        if len(names) != len(folders):
            raise SettingsError(f"there are {len(names)} names for {len(folders)} models: give one for each")
        object.__setattr__(self, "models", folders)
        object.__setattr__(self, "names", names)
        bounds = {"examples": 1, "rounds": 1, "largest_batch": 1, "batch_rounds": 1, "starts": 0}
        for name, low in bounds.items():
            value = getattr(self, name)
            if not is_whole(value, low):
                raise SettingsError(f"{name} must be a whole number of at least {low}, not {value!r}")
        check_threads(self.threads)
        if self.largest_batch > LARGEST_BATCH:
            raise SettingsError(f"largest_batch must be at most {LARGEST_BATCH}, not {self.largest_batch}")
        if not is_whole(self.padded_to, 1, _LONGEST):
            raise SettingsError(f"padded_to must be from 1 to {_LONGEST} tokens, not {self.padded_to!r}")
        if not self.watts > 0 or not self.energy_seconds > 0:
            raise SettingsError("watts and energy_seconds must be above 0")

    @property
    def batch_sizes(self) -> list[int]:
        """The powers of two up to `largest_batch`."""
        return [2**power for power in range(self.largest_batch.bit_length())]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> MeasureSettings:
        """The inverse of `to_dict`. Raises SettingsError for an unknown name or a value out of range."""
        return from_plain(cls, values)


def _distinct(names: Sequence[str]) -> tuple[str, ...]:
    """The same names; one that has come before gets a number."""
    found: list[str] = []
    for wanted in names:
        name, number = wanted, 2
        while name in found:
            name, number = f"{wanted} ({number})", number + 1
        found.append(name)
    return tuple(found)
