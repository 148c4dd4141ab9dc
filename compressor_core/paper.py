"""Published results of Compressor as plain data, for comparison with reproductions.

Source: J. Shi, Z. Yang, B. Xu, H. J. Kang, D. Lo, "Compressing Pre-trained Models of Code into 3 MB", ASE 2022,
arXiv 2208.07120, the result tables (Tables 2 to 6), and the architectures of its replication package.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from compressor_core.architecture import Architecture
from compressor_core.task import Task

SOURCE: Final = "https://arxiv.org/abs/2208.07120"


class Encoder(StrEnum):
    """The two pre-trained models of code that the paper compresses."""

    CODEBERT = "codebert"
    GRAPHCODEBERT = "graphcodebert"

    @property
    def full_name(self) -> str:
        return {Encoder.CODEBERT: "CodeBERT", Encoder.GRAPHCODEBERT: "GraphCodeBERT"}[self]

    @property
    def hub_name(self) -> str:
        """Name of the published weights on the Hugging Face hub."""
        return f"microsoft/{self.value}-base"


class Row(StrEnum):
    """Rows of the paper's tables. Sizes are the paper's, in MB."""

    TEACHER = "teacher, 481 MB"
    BASELINE = "BiLSTM baseline, 7.5 MB"
    STUDENT_3 = "student, 3 MB"
    STUDENT_25 = "student, 25 MB"
    STUDENT_50 = "student, 50 MB"


@dataclass(frozen=True, order=True)
class Column:
    """One experiment of the paper: a pre-trained model on a task."""

    encoder: Encoder
    task: Task

    @property
    def title(self) -> str:
        return f"{self.encoder.full_name}, {'vulnerability' if self.task is Task.VULNERABILITY else 'clone detection'}"


COLUMNS: Final = tuple(Column(encoder, task) for task in Task for encoder in Encoder)
"""In the paper's order: both models on vulnerability prediction, then both on clone detection."""

ACCURACY: Final[dict[Row, tuple[float, float, float, float]]] = {
    Row.TEACHER: (61.82, 61.38, 96.20, 96.62),
    Row.BASELINE: (57.86, 58.02, 83.93, 84.08),
    Row.STUDENT_3: (59.44, 59.99, 95.43, 94.22),
    Row.STUDENT_25: (60.80, 60.32, 95.58, 95.65),
    Row.STUDENT_50: (61.31, 60.83, 96.30, 96.78),
}
"""Accuracy in per cent on the test sets, in the order of `COLUMNS`."""

LATENCY: Final[dict[Row, tuple[int, int, int, int]]] = {
    Row.TEACHER: (1507, 1209, 2675, 1788),
    Row.STUDENT_3: (347, 429, 625, 326),
}
"""Milliseconds for one query, on eight cores, every function padded to 400 tokens; in the order of `COLUMNS`."""

DATASET: Final = {Task.VULNERABILITY: "devign", Task.CLONE: "bigclonebench"}
"""Benchmark of each task, by its name in this program."""
TEST_EXAMPLES: Final = {Task.VULNERABILITY: 2732, Task.CLONE: 4000}
"""Number of functions, or pairs, behind the published accuracies."""

ARCHITECTURES: Final = {
    Row.STUDENT_3: Architecture(1000, 96, 12, 8, 64),
    Row.STUDENT_25: Architecture(1000, 432, 6, 16, 128),
    Row.STUDENT_50: Architecture(6000, 480, 6, 16, 576),
}
"""The published students."""


def accuracy(row: Row, column: Column) -> float:
    """The published accuracy in per cent."""
    return ACCURACY[row][COLUMNS.index(column)]


SIZES_MB: Final = {Row.STUDENT_3: 3.0, Row.STUDENT_25: 25.0, Row.STUDENT_50: 50.0}
"""Sizes of the published students, as stated in the paper."""


@dataclass(frozen=True)
class Published:
    """One curve of published students on the same dataset: sizes in MB, accuracies from 0 to 1."""

    title: str
    sizes_mb: tuple[float, ...]
    accuracies: tuple[float, ...]


def published_students(dataset: str) -> tuple[Published, ...]:
    """Published students on a dataset, one curve for each encoder; empty if the paper does not use the dataset."""
    return tuple(
        Published(
            f"paper, {column.encoder.full_name}",
            tuple(SIZES_MB.values()),
            tuple(accuracy(row, column) / 100 for row in SIZES_MB),
        )
        for column in COLUMNS
        if DATASET[column.task] == dataset
    )


def latency(row: Row, column: Column) -> int | None:
    """The published milliseconds for one query; None if the paper gives none."""
    return LATENCY[row][COLUMNS.index(column)] if row in LATENCY else None


_FINE_TUNING: Final = {
    Column(Encoder.CODEBERT, Task.VULNERABILITY): (10, "2e-5"),
    Column(Encoder.GRAPHCODEBERT, Task.VULNERABILITY): (10, "2e-5"),
    Column(Encoder.CODEBERT, Task.CLONE): (5, "5e-5"),
    Column(Encoder.GRAPHCODEBERT, Task.CLONE): (4, "2e-5"),
}
"""Epochs and learning rate of the teachers, from the replication package."""
_DISTILLATION: Final = {Task.VULNERABILITY: (20, 10), Task.CLONE: (10, 1)}
"""Epochs and temperature of the students."""
PACKAGE: Final = "https://github.com/soarsmu/Compressor"


@dataclass(frozen=True)
class PublishedFiles:
    """Paths of a published student and of its test data in the replication package."""

    checkpoint: str
    tokenizer: str
    data: str


def published_files(row: Row, column: Column) -> PublishedFiles | None:
    """Files of a published student, relative to the folder that contains the clone; None for other rows."""
    if row not in ARCHITECTURES:
        return None
    size = row.value.removeprefix("student, ").removesuffix(" MB")
    task = "vulnerability_prediction" if column.task is Task.VULNERABILITY else "clone_detection"
    best = "" if column == Column(Encoder.GRAPHCODEBERT, Task.CLONE) else "best/"
    data = f"Compressor/data/{task}"
    return PublishedFiles(
        checkpoint=f"Compressor/{column.encoder.full_name}/{task}/checkpoint/{size}/{best}model.bin",
        tokenizer=f"{data}/BPE_{ARCHITECTURES[row].vocab_size}.json",
        data=f"{data}/test.jsonl" if column.task is Task.VULNERABILITY else data,
    )


def import_commands(row: Row, column: Column) -> str | None:
    """Commands that import and evaluate a published student; None for rows without a student."""
    files = published_files(row, column)
    if files is None:
        return None
    out = f"{column.encoder}-{column.task}-{ARCHITECTURES[row].hidden_size}"
    return "\n".join(
        [
            f"git clone {PACKAGE}",
            f"python -m compressor_core import-released {files.checkpoint} --tokenizer {files.tokenizer} "
            f"--teacher {column.encoder} --task {column.task} --out {out}",
            f"python -m compressor_core evaluate {out} --dataset {DATASET[column.task]} --data {files.data}",
        ]
    )


def training_commands(row: Row, column: Column) -> str | None:
    """Commands that train a model of the table as the paper did; None for the baseline, which is not trained here."""
    if row is Row.BASELINE:
        return None
    dataset = f"--dataset {DATASET[column.task]}"
    head = " --pair-features concat" if column.task is Task.CLONE else ""
    teacher = f"{column.encoder}-{DATASET[column.task]}"
    epochs, rate = _FINE_TUNING[column]
    length = 400 if column.encoder is Encoder.CODEBERT else 384
    lines = [
        f"python -m compressor_core train-teacher --base {column.encoder.hub_name} {dataset}{head} "
        f"--max-length {length} --epochs {epochs} --batch-size 16 --learning-rate {rate} --out {teacher}"
    ]
    if row in ARCHITECTURES:
        epochs, temperature = _DISTILLATION[column.task]
        lines.append(
            f"python -m compressor_core distill --teacher {teacher} {dataset}{head} "
            f"--architecture {ARCHITECTURES[row]} --temperature {temperature} --epochs {epochs} "
            f"--batch-size 16 --learning-rate 1e-4 --out {teacher}-student"
        )
    return "\n".join(lines)
