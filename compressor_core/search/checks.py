"""What the configurations of both kinds of search have in common: enumerations by their text, numbers in range."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol

from compressor_core.errors import CompressorError
from compressor_core.kinds import is_number, is_whole


class Breeding(Protocol):
    """The settings that every genetic search has."""

    @property
    def seed(self) -> int: ...
    @property
    def population(self) -> int: ...
    @property
    def generations(self) -> int: ...
    @property
    def crossover_rate(self) -> float: ...
    @property
    def mutation_rate(self) -> float: ...


def read_enums(config: object, kinds: Mapping[str, type[StrEnum]]) -> None:
    """Turns the texts in a frozen configuration into members of their enumerations. Raises CompressorError."""
    for name, kind in kinds.items():
        value = getattr(config, name)
        try:
            object.__setattr__(config, name, kind(value))
        except ValueError as error:
            raise CompressorError(f"{name} must be {' or '.join(kind)}, not {value!r}.") from error


def check_breeding(config: Breeding) -> None:
    """Raises CompressorError if a number is out of range."""
    for name, low, high in (("seed", 0, 2**32 - 1), ("population", 2, 1_000), ("generations", 1, 10_000)):
        value = getattr(config, name)
        if not is_whole(value, low, high):
            raise CompressorError(f"{name} must be a whole number from {low} to {high}, not {value!r}.")
    for name in ("crossover_rate", "mutation_rate"):
        value = getattr(config, name)
        if not is_number(value) or not 0 <= value <= 1:
            raise CompressorError(f"{name} must be a number from 0 to 1, not {value!r}.")
