"""Intended use of a model, derived from its training dataset."""

from __future__ import annotations

from typing import NamedTuple

from compressor_core.data.classroom_vulnerability import ClassroomVulnerability
from compressor_core.data.registry import DATASETS
from compressor_core.data.weaknesses import catalogue
from compressor_core.language import LANGUAGE_NAMES
from compressor_core.task import Task


class Domain(NamedTuple):
    """A sentence, and the weaknesses that it refers to, such as "CWE-89 SQL injection"."""

    sentence: str
    weaknesses: tuple[str, ...] = ()


def domain(dataset: str | None) -> Domain | None:
    """Domain of a model trained on the dataset of this name; None if unknown.

    Raises:
        DataError: the catalogue of weaknesses is damaged.
    """
    info = next((info for info in DATASETS if info.name == dataset), None)
    if info is None or info.language is None:
        return None
    language = LANGUAGE_NAMES[info.language]
    if info.name == ClassroomVulnerability.name:
        weaknesses = tuple(f"{one.cwe} {one.name}" for one in catalogue() if not one.unseen)
    else:
        made = "clones of types 1 to 3" if info.task is Task.CLONE and info.built_in else f"as in {info.title}"
        return Domain(f"{language}, {made}; an answer to anything else may mean nothing.")
    return Domain(
        f"Generated {language}, these {len(weaknesses)} weaknesses; an answer to anything else may mean nothing.",
        weaknesses,
    )
