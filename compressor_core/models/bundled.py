"""What a teacher can be made of, and the models that are bundled with the program."""

from __future__ import annotations

from pathlib import Path

from compressor_core.errors import ModelError

FROM_SCRATCH = "from-scratch"
"""The base that is no pre-trained model: a small encoder, trained on the dataset alone."""
CODEBERT, GRAPHCODEBERT = "microsoft/codebert-base", "microsoft/graphcodebert-base"
BASES = {
    FROM_SCRATCH: "A small encoder, trained from scratch",
    CODEBERT: "CodeBERT",
    GRAPHCODEBERT: "GraphCodeBERT, which reads data flow",
}
"""What a teacher can be made of, by name; any other Hugging Face encoder will do as well."""
ASSETS = Path(__file__).resolve().parents[2] / "assets"


def bundled_teacher(dataset: str) -> Path:
    """The folder of the bundled teacher for a classroom dataset. Raises ModelError if there is none."""
    folder = ASSETS / "teachers" / dataset
    if not folder.is_dir():
        raise ModelError(
            f"No teacher is bundled for {dataset!r}: train one on the page Teacher & data, or with train-teacher."
        )
    return folder


def bundled_student(dataset: str) -> Path | None:
    """The folder of the student that is bundled for a classroom dataset, made from its bundled teacher; None: none."""
    folder = ASSETS / "students" / dataset
    return folder if folder.is_dir() else None
