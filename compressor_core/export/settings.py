"""Settings of an export, and where it is written."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from compressor_core.data.dataset import Rows
from compressor_core.export.bundle import INT8, ONNX
from compressor_core.settings import Count, Flag, PathText, Seed, Settings, Threads


class Format(StrEnum):
    """What can be written."""

    ONNX = "onnx"
    """One float32 file."""
    INT8 = "onnx-int8"
    """One file with weights in 8 bits."""
    BUNDLE = "bundle"
    """A folder, and a zip of it, with everything that the student needs elsewhere."""


class ExportSettings(Settings):
    """Settings of an export: what is written, and what it is tried on."""

    title: ClassVar[str] = "an export"

    model: PathText = Field(description="Model folder.")
    format: Format = Field(
        Format.BUNDLE, description="One float32 file, one file with weights in 8 bits, or a bundle that runs anywhere."
    )
    dataset: str | None = Field(
        None, description="Name of the dataset that the files are tried on; without it, the one the model was made for."
    )
    data: PathText | None = Field(None, description="File or folder of the dataset; without it, from the hub.")
    split: Rows | None = Field(None, description="Rows to try the files on; without it, as of an evaluation.")
    examples: Count = Field(5_000, description="Examples that accuracy is measured on, at most.")
    threads: Threads = Field(1, description="Threads of ONNX Runtime.")
    seed: Seed = Field(0, description="Seed of the data and of samples.")
    overwrite: Flag = Field(False, description="Replace what an export has written there before.")


def targets(out: Path, form: Format) -> tuple[Path, ...]:
    """What an export to `out` writes: the folder of a bundle and its zip; of the others one file.

    A file without the ending .onnx, or that is a folder, is one named as in a bundle in that folder.
    """
    if form is Format.BUNDLE:
        folder = out.with_suffix("") if out.suffix == ".zip" else out
        return folder, folder.with_name(f"{folder.name}.zip")
    if out.suffix == ".onnx" and not out.is_dir():
        return (out,)
    return (out / (INT8 if form is Format.INT8 else ONNX),)
