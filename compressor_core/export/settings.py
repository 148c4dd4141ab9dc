"""Settings and targets of an export."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from compressor_core.data.dataset import Rows
from compressor_core.export.bundle import INT8, ONNX
from compressor_core.settings import Count, Flag, PathText, Seed, Settings, Threads


class Format(StrEnum):
    """Format of an export."""

    ONNX = "onnx"
    """One float32 file."""
    INT8 = "onnx-int8"
    """One file with weights in 8 bits."""
    BUNDLE = "bundle"
    """A folder, and a zip of it, with everything needed to run the student elsewhere."""


class ExportSettings(Settings):
    """Settings of an export: its format, and the data to verify it on."""

    title: ClassVar[str] = "an export"

    model: PathText = Field(description="Model folder.")
    format: Format = Field(
        Format.BUNDLE, description="One float32 file, one file with weights in 8 bits, or a bundle that runs anywhere."
    )
    dataset: str | None = Field(
        None, description="Name of the dataset to verify the files on; the default is the model's own."
    )
    data: PathText | None = Field(None, description="File or folder of the dataset; the default is the hub.")
    split: Rows | None = Field(None, description="Rows to verify the files on; the default is as for an evaluation.")
    examples: Count = Field(5_000, description="Maximum number of examples for measuring accuracy.")
    threads: Threads = Field(1, description="Threads of ONNX Runtime.")
    seed: Seed = Field(0, description="Seed of the data and of samples.")
    overwrite: Flag = Field(False, description="Replace an earlier export in the same place.")


def targets(out: Path, form: Format) -> tuple[Path, ...]:
    """Targets of an export to `out`: the folder of a bundle and its zip, or one file for the other formats.

    If `out` is a folder or does not end in .onnx, the file is written into that folder, named as in a bundle.
    """
    if form is Format.BUNDLE:
        folder = out.with_suffix("") if out.suffix == ".zip" else out
        return folder, folder.with_name(f"{folder.name}.zip")
    if out.suffix == ".onnx" and not out.is_dir():
        return (out,)
    return (out / (INT8 if form is Format.INT8 else ONNX),)
