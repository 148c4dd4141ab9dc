"""Settings of all work that looks at finished models: scores, comparisons, measurements, calibrations, imports."""

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
"""Upper limit of students beside one teacher; the colours and dashes of more would hardly be told apart."""
TEACHER: Final = "Teacher"
"""Name of the teacher among compared models."""


class DataSettings(Settings):
    """The examples that models are judged on."""

    dataset: str = Field("classroom-vulnerability", description="Name of the dataset.")
    data: PathText | None = Field(
        None, description="JSONL or CSV file, or the folder of a benchmark; without it, from the Hugging Face hub."
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
    names: tuple[str, ...] = Field((), description="Names of the students; without them, those of their folders.")
    latency_examples: Count = Field(100, description="Examples that latency is measured on.")
    latency_rounds: Count = Field(3, description="Passes over these examples.")
    changed_examples: Whole = Field(
        100, description="Examples that are changed so that their label stays, to count answers that flip."
    )
    beside_codebert: bool = Field(
        False,
        description="Measure the first student against CodeBERT's shape too (random weights, takes 0.5 GB).",
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
            raise SettingsError(f"there are {len(self.names)} names for {len(students)} students: give one each")
        return self

    @property
    def students(self) -> tuple[str, ...]:
        """Their folders, in order."""
        return (self.student, *self.others)

    @property
    def folders(self) -> dict[str, Path]:
        """All folders by a name of their own, the teacher's first."""
        wanted = self.names or [Path(one).name or f"Student {n}" for n, one in enumerate(self.students, 1)]
        models = (self.teacher, *self.students)
        return dict(zip(distinct((TEACHER, *wanted)), map(Path, models), strict=True))


class ModelsSettings(DataSettings):
    """Settings of work on one to five models."""

    title: ClassVar[str] = "a look at models"

    models: tuple[PathText, ...] = Field(description="Model folders; the others are held against the first.")
    names: tuple[str, ...] = Field((), description="Names of the models; without them, those of their folders.")

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
        """A name of its own for each model."""
        return distinct(self.names or [Path(folder).resolve().name for folder in self.models])


class ProbeSettings(ModelsSettings):
    """Settings of a probe: whether the answers of models hold under changes that keep a function's label."""

    title: ClassVar[str] = "a probe"

    changes: tuple[str, ...] = Field((), description="Kinds of change; without them, all that the language has.")
    examples: Count = Field(200, description="Examples to change, a sample of the split.")
    substitutes: PathText | None = Field(
        None,
        description="JSONL file of ALERT (ICSE 2022), with natural names for the variables of each function of Devign "
        "or BigCloneBench: its functions are renamed so, as one more kind.",
    )


class MeasureSettings(ModelsSettings):
    """Settings of a measurement of one to five models; the others are held against the first."""

    title: ClassVar[str] = "a measurement"

    examples: Count = Field(32, description="Examples to measure on, a sample of the split.")
    rounds: Count = Field(5, description="Passes over these examples, in which all models and forms take turns.")
    threads: Threads = Field(1, description="Threads of PyTorch and of ONNX Runtime.")
    largest_batch: Annotated[int, Strict(), Field(ge=1, le=256)] = Field(
        32, description="Largest batch of the throughput, which is measured at 1, 2, 4, … up to it."
    )
    batch_rounds: Count = Field(3, description="Passes over the examples in batches of each size.")
    starts: Whole = Field(3, description="Fresh processes of each model and form.")
    padded_to: Annotated[int, Strict(), Field(ge=1, le=512)] = Field(
        400, description="Length of padded functions in tokens, 400 in the paper."
    )
    watts: Positive = Field(4.0, description="Power of a busy core, where energy is estimated.")
    energy_seconds: Positive = Field(1.0, description="Seconds that each model runs for where energy is measured.")

    @property
    def batch_sizes(self) -> list[int]:
        """The powers of two up to `largest_batch`."""
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
    held_out: Count = Field(12, description="Architectures that judge the fit and are not fitted to.")
    budget_mb: Positive | None = Field(
        3.0, description="Budget in MB at which the best architecture of each number of layers is measured too."
    )
    largest_mb: Positive = Field(50.0, description="Largest size of a spread architecture in MB.")
    functions: Count = Field(12, description="Queries that each architecture is timed on.")
    rounds: Count = Field(5, description="Passes over all architectures; the fastest of each query counts.")
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
        """The dataset whose functions are read."""
        return f"classroom-{self.task}"


class ReproduceSettings(Settings):
    """Settings of a reproduction: a published student is imported and measured."""

    title: ClassVar[str] = "a reproduction"

    checkpoint: PathText = Field(description="Published state dict, such as model.bin.")
    tokenizer: PathText = Field(description="Published tokenizer, BPE_*.json.")
    teacher: Encoder = Field(description="Pre-trained model that the student learned from.")
    task: Task = Field(description="Task of the student.")
    dataset: str = Field(description="Name of the dataset that it is measured on.")
    data: PathText | None = Field(None, description="File or folder of the dataset; without it, from the hub.")
    heads: Count | None = Field(None, description="Attention heads of an architecture that was not published.")
    latency_examples: Count = Field(100, description="Examples that latency is measured on.")
    threads: Threads = Field(1, description="Threads while latency is measured.")
    seed: Seed = Field(0, description="Seed of the data and of samples.")


def distinct(names: Sequence[str]) -> tuple[str, ...]:
    """The same names; one that has come before gets a number."""
    found: list[str] = []
    for wanted in names:
        name, number = wanted, 2
        while name in found:
            name, number = f"{wanted} ({number})", number + 1
        found.append(name)
    return tuple(found)
