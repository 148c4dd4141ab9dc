"""What a teacher can be without downloading one: bundled with the program, or trained from scratch."""

from __future__ import annotations

from pathlib import Path

from compressor_core.errors import ModelError

FROM_SCRATCH = "from-scratch"
"""The base that is no pre-trained model: a small encoder, trained on the dataset alone."""
_TEACHERS = Path(__file__).resolve().parents[2] / "assets" / "teachers"


def bundled_teacher(dataset: str) -> Path:
    """The folder of the bundled teacher for a classroom dataset. Raises ModelError if there is none."""
    folder = _TEACHERS / dataset
    if not folder.is_dir():
        raise ModelError(
            f"No teacher is bundled for {dataset!r}: train one on the page Teacher & data, or with train-teacher."
        )
    return folder
