"""What was said of a file, kept apart from its rows: columns, labels, language, and whether bad rows are left out.

A file of choices is a few hundred bytes of JSON beside the rows, and stands wherever a file of rows does: however often
somebody changes his mind, the rows lie on the disk once.
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
"""No upload may have it."""


class Choices(Settings):
    """What was said of the rows in a file that lies in the same folder."""

    title: ClassVar[str] = "what was said of a file"

    rows: str = Field(description="name of the file with the rows, in the same folder")
    name: str = Field(description="what the origin of a row calls that file")
    columns: Columns = Columns()
    positive: str | None = Field(default=None, description="label that means 1")
    language: Language | None = None
    split: Split | None = Field(default=None, description="split of rows that name none")
    skip_bad_rows: Flag = False

    @field_validator("rows")
    @classmethod
    def _beside(cls, rows: str) -> str:
        if not rows or Path(rows).name != rows or Path(rows).suffix == SUFFIX:
            raise DataError(f"{rows[:200]!r} is no file of rows in the same folder: choose the columns again")
        return rows


def read_choices(path: Path | str) -> Choices | None:
    """The choices in a file; None if it is of another kind. Raises DataError if it is damaged."""
    path = Path(path)
    if path.suffix != SUFFIX:
        return None
    try:
        return Choices.model_validate(json.loads(path.read_text("utf-8")))
    except (CompressorError, OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path} cannot be read ({error}): choose the columns of the file again") from error
