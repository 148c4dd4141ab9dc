"""Disk cache for slow, deterministic computations, stored as JSON."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import astuple
from pathlib import Path
from typing import Any, TypeVar

from compressor_core.cache import cache_folder
from compressor_core.data.dataset import UNKNOWN, Example, fingerprint_of
from compressor_core.errors import StorageError
from compressor_core.files import write_cached

T = TypeVar("T")


def kept(folder: str, key: Sequence[str], make: Callable[[], Sequence[T]], read: Callable[..., T]) -> tuple[T, ...]:
    """Dataclass instances from `make`, computed once per key and version of the code in this package.

    `read` builds an instance from its JSON fields; it raises TypeError or ValueError for invalid ones.
    """
    path = cache_folder() / folder / f"{fingerprint_of([_makers(), *key])}.json"
    try:
        if found := tuple(read(*fields) for fields in json.loads(path.read_bytes())):
            return found
    except (OSError, ValueError, TypeError, RecursionError):
        pass  # absent or damaged: computed (again)
    made = tuple(make())
    with suppress(StorageError):  # works without a cache, only slower
        write_cached(path, json.dumps([astuple(one) for one in made]).encode())  # type: ignore[call-overload]
    return made


@functools.cache
def _makers() -> str:
    """Fingerprint of Python's version and of the source of all modules of this package."""
    files = sorted(Path(__file__).parent.rglob("*.py"))
    return fingerprint_of([sys.version, *(file.read_text("utf-8") for file in files)])


def texts(*values: Any) -> bool:
    """Whether all values are strings."""
    return all(isinstance(value, str) for value in values)


def read_example(codes: list[str], label: int, group: str, origin: str) -> Example:
    """An example from cached fields. Raises TypeError for invalid ones."""
    if not (codes and texts(*codes, group, origin) and label in (0, 1, UNKNOWN)):
        raise TypeError("an example is text and a label")
    return Example(tuple(codes), label, group, origin)
