"""The programming languages whose data flow can be read."""

from __future__ import annotations

from enum import StrEnum


class Language(StrEnum):
    """The languages of the two benchmarks and of the classroom."""

    C = "c"
    JAVA = "java"
    PYTHON = "python"


LANGUAGE_NAMES = {Language.C: "C", Language.JAVA: "Java", Language.PYTHON: "Python"}
"""Names for readers."""
