"""A user's choices for a file, stored separately from its rows: columns, labels, language, whether to skip bad rows.

A file of choices is a few hundred bytes of JSON beside the rows and can be used wherever a file of rows can. The rows
are stored only once, even if the choices change.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import ClassVar, Final

from pydantic import Field, field_validator

from compressor_core.data.columns import Columns
from compressor_core.data.dataset import Split
from compressor_core.errors import CompressorError, DataError
from compressor_core.language import Language
from compressor_core.settings import Flag, Settings

SUFFIX: Final = ".choices"
"""Suffix of files of choices; uploads must not have it."""


class Choices(Settings):
    """Choices for the rows of a file in the same folder."""

    title: ClassVar[str] = "what was said of a file"

    rows: str = Field(description="name of the file with the rows, in the same folder")
    name: str = Field(description="name of that file in the origin of a row")
    columns: Columns = Columns()
    positive: str | None = Field(default=None, description="label that means 1")
    language: Language | None = None
    split: Split | None = Field(default=None, description="split of rows without one")
    skip_bad_rows: Flag = False

    @field_validator("rows")
    @classmethod
    def _beside(cls, rows: str) -> str:
        if not rows or Path(rows).name != rows or Path(rows).suffix == SUFFIX:
            raise DataError(f"{rows[:200]!r} is not the name of a file in the same folder: choose the columns again")
        return rows


def read_choices(path: Path | str) -> Choices | None:
    """Choices in a file; None if it is not a file of choices. Raises DataError if it is damaged."""
    path = Path(path)
    if path.suffix != SUFFIX:
        return None
    try:
        return Choices.model_validate(json.loads(path.read_text("utf-8")))
    except (CompressorError, OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path} cannot be read ({error}): choose the columns of the file again") from error
