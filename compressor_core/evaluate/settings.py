"""Settings of all work on finished models: scores, comparisons, measurements, calibrations, imports."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, ClassVar, Final, Self

from pydantic import Field, Strict, model_validator

from compressor_core.data.dataset import Rows
from compressor_core.errors import SettingsError
from compressor_core.paper import Encoder
from compressor_core.settings import Count, Flag, PathText, Positive, Seed, Settings, Threads, Whole
from compressor_core.task import PairFeatures, Task

MOST_STUDENTS: Final = 4
"""Maximum number of students compared with one teacher; more colours and dashes would be hard to tell apart."""
TEACHER: Final = "Teacher"
"""Name of the teacher among compared models."""


class DataSettings(Settings):
    """Examples on which models are evaluated."""

    dataset: str = Field("classroom-vulnerability", description="Name of the dataset.")
    data: PathText | None = Field(
        None, description="JSON, CSV or Parquet file, or a benchmark's folder; without it, from the Hugging Face hub."
    )
    split: Rows | None = Field(
        None,
        description="Rows to use; without it the test split, or all of a file that the model has not learned from.",
    )
    seed: Seed = Field(0, description="Seed of the data, of samples and of resamples.")


class EvaluateSettings(DataSettings):
    """Settings of the scores of one model."""

    title: ClassVar[str] = "an evaluation"

    model: PathText = Field(description="Model folder.")


class CompareSettings(DataSettings):
    """Settings of a comparison: one teacher and up to four students."""

    title: ClassVar[str] = "a comparison"

    teacher: PathText = Field(description="Folder of the teacher.")
    student: PathText = Field(description="Folder of the first student.")
    others: tuple[PathText, ...] = Field((), description="Folders of up to three more students.")
    names: tuple[str, ...] = Field((), description="Names of the students; without any, their folder names.")
    latency_examples: Count = Field(100, description="Examples that latency is measured on.")
    latency_rounds: Count = Field(3, description="Passes over these examples.")
    changed_examples: Whole = Field(
        100, description="Examples to change, keeping their labels, to count flipped answers."
    )
    beside_codebert: bool = Field(
        False,
        description="Also compare the first student's latency with CodeBERT's shape (random weights, 0.5 GB).",
    )
    threads: Threads = Field(1, description="Threads while latency is measured.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        students = self.students
        if len(students) > MOST_STUDENTS:
            raise SettingsError(f"{len(students)} students are too many: compare {MOST_STUDENTS} at most")
        if twice := next((one for one in students if students.count(one) > 1), None):
            raise SettingsError(f"the student {twice} is given twice: give each student once")
        if self.names and len(self.names) != len(students):
            raise SettingsError(f"there are {len(self.names)} names for {len(students)} students: give one for each")
        return self

    @property
    def students(self) -> tuple[str, ...]:
        """Folders of the students, in order."""
        return (self.student, *self.others)

    @property
    def folders(self) -> dict[str, Path]:
        """All folders by unique name, the teacher's first."""
        wanted = self.names or [Path(one).name or f"Student {n}" for n, one in enumerate(self.students, 1)]
        models = (self.teacher, *self.students)
        return dict(zip(distinct((TEACHER, *wanted)), map(Path, models), strict=True))


class ModelsSettings(DataSettings):
    """Settings of work on one to five models."""

    title: ClassVar[str] = "a look at models"

    models: tuple[PathText, ...] = Field(description="Model folders; the others are held against the first.")
    names: tuple[str, ...] = Field((), description="Names of the models; without any, their folder names.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not 1 <= len(self.models) <= 1 + MOST_STUDENTS:
            raise SettingsError(
                f"{len(self.models)} models are no number for {self.title}: give 1 to {1 + MOST_STUDENTS}"
            )
        if len(set(self.models)) < len(self.models):
            raise SettingsError(f"a model is named twice among {', '.join(self.models)}: name each once")
        if self.names and len(self.names) != len(self.models):
            raise SettingsError(f"there are {len(self.names)} names for {len(self.models)} models: give one for each")
        return self

    @property
    def titles(self) -> tuple[str, ...]:
        """Unique name of each model."""
        return distinct(self.names or [Path(folder).resolve().name for folder in self.models])


class ProbeSettings(ModelsSettings):
    """Settings of a probe: whether answers of models are robust to label-preserving changes."""

    title: ClassVar[str] = "a probe"

    changes: tuple[str, ...] = Field((), description="Kinds of change; the default is all that the language has.")
    examples: Count = Field(200, description="Examples to change, a sample of the split.")
    substitutes: PathText | None = Field(
        None,
        description="JSONL file of ALERT (ICSE 2022), with natural names for the variables of each function of Devign "
        "or BigCloneBench, used as an additional kind of change.",
    )


class MeasureSettings(ModelsSettings):
    """Settings of a measurement of one to five models; the others are compared with the first."""

    title: ClassVar[str] = "a measurement"

    examples: Count = Field(32, description="Examples to measure on, a sample of the split.")
    rounds: Count = Field(5, description="Passes over these examples; all models and forms take turns.")
    threads: Threads = Field(1, description="Threads of PyTorch and of ONNX Runtime.")
    largest_batch: Annotated[int, Strict(), Field(ge=1, le=256)] = Field(
        32, description="Largest batch size; throughput is measured at 1, 2, 4, … up to it."
    )
    batch_rounds: Count = Field(3, description="Passes over the examples in batches of each size.")
    starts: Whole = Field(3, description="Fresh processes started for each model and form.")
    padded_to: Annotated[int, Strict(), Field(ge=1, le=512)] = Field(
        400, description="Length of padded functions in tokens, 400 in the paper."
    )
    watts: Positive = Field(4.0, description="Power of a busy core in watts, for estimated energy.")
    energy_seconds: Positive = Field(1.0, description="Seconds that each model runs when energy is measured.")

    @property
    def batch_sizes(self) -> list[int]:
        """Powers of two up to `largest_batch`."""
        return [2**power for power in range(self.largest_batch.bit_length())]


class ExamSettings(ModelsSettings):
    """Settings of an honest exam of one to five models; the dataset is what they learned from."""

    title: ClassVar[str] = "an exam"

    functions: Whole = Field(1000, description="Functions of installed packages on which alarms are counted.")
    baselines: Flag = Field(True, description="Include a token-counting baseline and, if installed, Bandit.")


class CalibrationSettings(Settings):
    """Settings of a calibration: which architectures are measured on this machine, and how carefully."""

    title: ClassVar[str] = "a calibration"

    task: Task = Field(Task.VULNERABILITY, description="Task whose queries are timed.")
    pair_features: PairFeatures = Field(PairFeatures.COMPARE, description="Head of a model of pairs.")
    seed: Seed = Field(0, description="Seed of the sample of architectures and of the data.")
    architectures: Annotated[int, Strict(), Field(ge=2)] = Field(
        40, description="Architectures to measure, spread over the paper's space."
    )
    held_out: Count = Field(12, description="Architectures held out of the fit to evaluate it.")
    budget_mb: Positive | None = Field(
        3.0, description="Budget in MB for which the best architecture of each number of layers is measured too."
    )
    largest_mb: Positive = Field(50.0, description="Largest size of a spread architecture in MB.")
    functions: Count = Field(12, description="Queries timed for each architecture.")
    rounds: Count = Field(5, description="Passes over all architectures; the fastest time of each query counts.")
    threads: Threads = Field(1, description="Threads of PyTorch and of ONNX Runtime.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.held_out >= self.architectures:
            raise SettingsError(
                f"{self.held_out} of {self.architectures} architectures cannot be held out: leave some to fit to"
            )
        return self

    @property
    def dataset(self) -> str:
        """Dataset whose functions are used as queries."""
        return f"classroom-{self.task}"


class ReproduceSettings(Settings):
    """Settings of a reproduction: a published student is imported and measured."""

    title: ClassVar[str] = "a reproduction"

    checkpoint: PathText = Field(description="Published state dict, such as model.bin.")
    tokenizer: PathText = Field(description="Published tokenizer, BPE_*.json.")
    teacher: Encoder = Field(description="Pre-trained model that the student learned from.")
    task: Task = Field(description="Task of the student.")
    dataset: str = Field(description="Name of the dataset to measure it on.")
    data: PathText | None = Field(None, description="File or folder of the dataset; the default is the hub.")
    heads: Count | None = Field(None, description="Attention heads of an architecture that was not published.")
    latency_examples: Count = Field(100, description="Examples that latency is measured on.")
    threads: Threads = Field(1, description="Threads while latency is measured.")
    seed: Seed = Field(0, description="Seed of the data and of samples.")


def distinct(names: Sequence[str]) -> tuple[str, ...]:
    """Make names unique by numbering the repeated ones."""
    found: list[str] = []
    for wanted in names:
        name, number = wanted, 2
        while name in found:
            name, number = f"{wanted} ({number})", number + 1
        found.append(name)
    return tuple(found)
