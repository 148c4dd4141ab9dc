"""Programming languages with data-flow extraction."""

from __future__ import annotations

from enum import StrEnum


class Language(StrEnum):
    """Languages of the two benchmarks and of the classroom datasets."""

    C = "c"
    JAVA = "java"
    PYTHON = "python"


LANGUAGE_NAMES = {Language.C: "C", Language.JAVA: "Java", Language.PYTHON: "Python"}
"""Display names."""
