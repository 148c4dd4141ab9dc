"""Names of models: bases of teachers, and models bundled with the program."""

from __future__ import annotations

import re
from pathlib import Path

from compressor_core.assets import ASSETS
from compressor_core.errors import ModelError

FROM_SCRATCH = "from-scratch"
"""Base without pre-training: a small encoder, trained only on the dataset."""
CODEBERT, GRAPHCODEBERT = "microsoft/codebert-base", "microsoft/graphcodebert-base"
BASES = {
    FROM_SCRATCH: "A small encoder, trained from scratch",
    CODEBERT: "CodeBERT",
    GRAPHCODEBERT: "GraphCodeBERT, which reads data flow",
}
"""Bases of teachers by name; any other Hugging Face encoder can be used as well."""
RECORDED = (".parquet", ".jsonl", ".jsonl.gz", ".npy")
"""Suffixes of files with a teacher's recorded answers, which replace the teacher (`data/answers.py`)."""
_BUNDLED = re.compile(r"(?:(teachers|students)/)?([a-z0-9][a-z0-9.-]{0,79})")


def bundled_teacher(dataset: str) -> Path:
    """Folder of the bundled teacher for a classroom dataset. Raises ModelError if there is none."""
    folder = ASSETS / "teachers" / dataset
    if not folder.is_dir():
        raise ModelError(
            f"No teacher is bundled for {dataset!r}: train one on the page Teacher & data, or with train-teacher."
        )
    return folder


def bundled_students(dataset: str) -> list[Path]:
    """Folders of the students distilled from the bundled teacher of a classroom dataset, smallest first."""
    folders = (ASSETS / "students").glob(f"{dataset}-*mb")
    return sorted(folders, key=lambda folder: float(folder.name.removeprefix(f"{dataset}-").removesuffix("mb")))


def bundled_student(dataset: str) -> Path | None:
    """Largest of `bundled_students`; None if none is bundled."""
    return next(reversed(bundled_students(dataset)), None)


def is_recorded(teacher: Path | str) -> bool:
    """Whether a teacher is given as a file of recorded answers, not as a model folder or a bundled name."""
    try:
        return str(teacher).lower().endswith(RECORDED) and not Path(teacher).is_dir()
    except OSError:  # no name that the system takes, as whoever reads it will say
        return True


def bundled_benchmark_students() -> list[Path]:
    """Folders of the bundled students of benchmarks, whose teachers are not bundled, sorted by name."""
    folders = (ASSETS / "students").iterdir() if (ASSETS / "students").is_dir() else ()
    return sorted(folder for folder in folders if folder.is_dir() and not folder.name.startswith(("classroom-", ".")))


def java_student() -> Path | None:
    """Bundled student of the task *Clones in Java, from CodeBERT*; None if not bundled."""
    folder = ASSETS / "students" / "codebert-bigclonebench-3mb"
    return folder if folder.is_dir() else None


def model_folder(model: Path | str) -> Path:
    """Folder of a path or a bundled name; it need not exist.

    Bundled names are `teachers/DATASET`, `students/DATASET-SIZE` and `students/TEACHER-BENCHMARK-SIZE`, with a size
    such as `0.25mb` (or `paper`, for the paper's architecture); without a size, the largest student of the dataset. A
    dataset's name alone means its teacher.
    """
    name = _BUNDLED.fullmatch(Path(model).as_posix())
    if name and not Path(model).exists():
        folder = ASSETS / (name[1] or "teachers") / name[2]
        if folder.is_dir():
            return folder
        if name[1] == "students" and (largest := bundled_student(name[2])) is not None:
            return largest
    return Path(model)
