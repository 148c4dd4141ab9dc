"""Training settings: teachers, students, studies of many students, and labelling."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Final, Self

from pydantic import Field, Strict, field_validator, model_validator

from compressor_core.architecture import Architecture, ArchitectureField
from compressor_core.bundled import FROM_SCRATCH, is_recorded
from compressor_core.device import Device, Precision
from compressor_core.errors import BudgetError, SettingsError
from compressor_core.latency_model import LatencyModelField
from compressor_core.search.fitness import Goal
from compressor_core.settings import (
    Count,
    Flag,
    NotNegative,
    PathText,
    Positive,
    Seed,
    Settings,
    Share,
    Threads,
    Whole,
    description_of,
)
from compressor_core.task import PairFeatures, Task

if TYPE_CHECKING:
    from compressor_core.data.dataset import Dataset

SCRATCH_ARCHITECTURE: Final = Architecture(8000, 192, 4, 4, 512)
"""Encoder to train from scratch; small enough for a laptop without a GPU."""
RENAMING: Final = 0.5
HIDDEN_WEIGHT: Final = 16.0
"""Defaults that depend on the data, see `DistillSettings.resolved`."""
LEARNING_RATE: Final = 7e-4
MAX_STUDENTS: Final = 500

Rate = Annotated[float, Strict(), Field(gt=0, lt=1)]
Megabytes = Annotated[float, Strict(), Field(gt=0, le=1e9)]


class Preset(StrEnum):
    """A named length of a distillation."""

    SMOKE = "smoke"
    QUICK = "quick"
    FULL = "full"

    @property
    def epochs(self) -> int:
        return _LENGTHS[self][0]

    @property
    def note(self) -> str:
        """Purpose of the preset."""
        return _LENGTHS[self][1]

    @property
    def words(self) -> str:
        """Name and length: `Quick (2 epochs)`."""
        return f"{self.capitalize()} ({self.epochs} epoch{'s' if self.epochs > 1 else ''})"


_LENGTHS: Final = {
    Preset.SMOKE: (1, "To see how it works"),
    Preset.QUICK: (2, "For a demonstration"),
    Preset.FULL: (24, "For a good student, twelve times as long"),
}


class Space(StrEnum):
    """A named search space."""

    CLASSROOM = "classroom"
    PAPER = "paper"
    FASTEST = "fastest"


class Inheritance(StrEnum):
    """What a student starts with from its teacher, see `models/inheritance`."""

    NOTHING = "nothing"
    EMBEDDINGS = "embeddings"
    LAYERS = "layers"


class MachineSettings(Settings):
    """Device and threads."""

    device: Device | None = Field(None, description="Device; the default is CUDA or MPS if there is one")
    threads: Threads | None = Field(None, description="Threads; the default is all cores")


class LoopSettings(MachineSettings):
    """Training-loop settings shared by all trainings."""

    precision: Precision | None = Field(
        None, description="Precision of matrix products; the default is half precision on CUDA and float32 elsewhere"
    )
    batch_size: Count = Field(32, description="Examples in a training step")
    warmup: Share = Field(0.1, description="Share of the steps spent on learning-rate warm-up")
    weight_decay: NotNegative = Field(0.01, description="Weight decay, applied to matrices only")
    gradient_clip: Positive = Field(1.0, description="Maximum norm of a gradient")
    patience: Count | None = Field(
        None, description="Stop after this many epochs without better validation accuracy; the default is never"
    )
    average: Whole = Field(0, description="Number of best epochs whose weights are averaged, unless the mean is worse")
    checkpoint_seconds: NotNegative = Field(20.0, description="Seconds between checkpoints")
    checkpoint_steps: Count | None = Field(None, description="Steps between checkpoints, in addition to those by time")


class TrainingSettings(LoopSettings):
    """Complete settings of one training loop."""

    title = "a training"

    epochs: Count = Field(description="Epochs")
    learning_rate: Rate = Field(description="Highest learning rate")
    seed: Seed = Field(0, description="Seed of the training")

    @property
    def kept(self) -> int:
        """Number of best epochs whose weights are kept."""
        return max(1, self.average)

    @classmethod
    def part_of(cls, settings: Settings, **own: Any) -> TrainingSettings:
        """Build from the fields of `settings` with the same names; `own` overrides them."""
        return cls(**({name: value for name, value in settings if name in cls.model_fields} | own))

    def binding(self) -> dict[str, Any]:
        """Settings that must be the same when a training is resumed."""
        return self.model_dump(mode="json", exclude={"threads", "device", *_FREE})


_FREE: Final = ("checkpoint_seconds", "checkpoint_steps", "patience")


class TeacherSettings(LoopSettings):
    """Settings of `train_teacher`."""

    title = "a teacher"

    base: str = Field(FROM_SCRATCH, description=f"Hugging Face name or folder of an encoder, or {FROM_SCRATCH}")
    dataset: str = Field("classroom-vulnerability", description="Dataset to learn from")
    data: PathText | None = Field(None, description="File or folder of the dataset")
    architecture: ArchitectureField = Field(
        SCRATCH_ARCHITECTURE, description="Architecture V,H,L,A,I of a teacher that is trained from scratch"
    )
    epochs: Count = Field(3, description="Epochs")
    learning_rate: Rate | None = Field(
        None, description="Highest learning rate; the default is 6e-4 from scratch and 2e-5 for a pre-trained base"
    )
    seed: Seed = Field(0, description="Seed of the training")
    max_length: Count = Field(256, description="Maximum number of tokens read per function")
    pair_features: PairFeatures = Field(
        PairFeatures.COMPARE,
        description="How the head of a clone detector combines two functions; concat is the paper's",
    )
    masked_epochs: Whole = Field(0, description="Warm-up epochs of masked-token prediction on the same code")
    masked_code: PathText | None = Field(
        None, description="Folder of Python packages whose functions the warm-up and the tokenizer learn from besides"
    )
    dropout: Annotated[float, Strict(), Field(ge=0, lt=1)] = Field(
        0.0, description="Dropout rate; useful when the same code is read in many epochs"
    )
    real_functions: Whole = Field(
        0,
        description="Real functions of installed Python packages added to each epoch, different ones each time; a "
        "teacher learns Bandit's labels for them",
    )
    data_flow: Flag | None = Field(
        None, description="Read data flow as well as tokens; the default is as the base was trained"
    )

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.masked_code is not None and not self.masked_epochs:
            raise SettingsError("masked_code is read by the warm-up only: set masked_epochs to 1 or more")
        return self

    def training(self) -> TrainingSettings:
        """Settings of the training loop."""
        usual = 6e-4 if self.base == FROM_SCRATCH else 2e-5
        return TrainingSettings.part_of(self, learning_rate=usual if self.learning_rate is None else self.learning_rate)


class Recipe(LoopSettings):
    """How a student learns from a teacher, whether one student or all students of a study.

    The paper's temperature is 10 for vulnerability prediction and 1 for clone detection; the default of 2 is not the
    result of a comparison.
    """

    teacher: PathText = Field(
        description="Folder of the teacher, or a file of its recorded answers: Parquet, JSONL, or .npy beside its pairs"
    )
    dataset: str = Field("classroom-vulnerability", description="Dataset whose unlabelled code the student learns from")
    data: PathText | None = Field(None, description="File or folder of the dataset")
    pair_features: PairFeatures = Field(
        PairFeatures.COMPARE, description=description_of(TeacherSettings, "pair_features")
    )
    preset: Preset = Field(Preset.QUICK, description="Named length of the distillation")
    epochs: Count | None = Field(None, description="Epochs; the default is the preset's")
    learning_rate: Rate | None = Field(None, description="Highest learning rate; the default is the preset's")
    batch_size: Count = Field(16, description=description_of(LoopSettings, "batch_size"))
    temperature: Positive = Field(
        2.0,
        description="Temperature of the soft labels; the paper uses 10 for vulnerability prediction and 1 for clones",
    )
    renaming: Share | None = Field(
        None,
        description="Share of the examples repeated with renamed variables, labelled by the teacher; with recorded "
        "answers, share of the functions renamed in an epoch, with the original's answers; the default is "
        f"{RENAMING:g} if the language is known (for the classroom's functions with preset full only)",
    )
    consistency: Share = Field(
        0.0,
        description="Share of the examples repeated after changes that preserve behaviour (names, quotes, layout, "
        "order, helpers), with the teacher's answer to the original",
    )
    hidden_weight: NotNegative | None = Field(
        None,
        description="Weight of the distance between the pooled states of student and teacher; 0 is soft labels alone, "
        f"the default {HIDDEN_WEIGHT:g} for pairs and 0 for single functions",
    )
    inherit: Inheritance = Field(
        Inheritance.LAYERS,
        description="What the student starts with from its teacher: nothing, the token embeddings reduced to its "
        "dimensions, or a part of all layers (of a RoBERTa encoder that is not narrower, else the embeddings)",
    )
    max_length: Annotated[int, Strict(), Field(ge=3, le=512)] | None = Field(
        None,
        description="Maximum number of tokens the student reads per function; the default is 1.5 times the teacher's, "
        "at most 512, or 400 with recorded answers",
    )
    dropout: Annotated[float, Strict(), Field(ge=0, lt=1)] = Field(
        0.0, description=description_of(TeacherSettings, "dropout")
    )
    masked_epochs: Whole = Field(0, description=description_of(TeacherSettings, "masked_epochs"))
    real_functions: Whole = Field(0, description=description_of(TeacherSettings, "real_functions"))
    label_precision: Precision | None = Field(
        None,
        description="Precision in which the teacher labels; the default is half precision on CUDA, and for a teacher "
        "of 192 dimensions or more on a CPU with units for it, else float32",
    )

    def recipe(self) -> dict[str, Any]:
        """Fields that determine how the student learns, apart from training-loop settings, sources and purpose."""
        apart = {*TrainingSettings.model_fields, *_APART}
        return self.model_dump(mode="json", exclude=apart)


_APART: Final = (
    *("teacher", "dataset", "data", "pair_features", "preset"),
    *("architecture", "budget_mb", "search_run", "space", "unlabelled", "skip_bad_rows"),
)


class DistillSettings(Recipe):
    """Settings of `distill`; the student reads data flow if its teacher does.

    Besides soft labels, the recipe has renamed copies (`Unlabelled`), pooled states (`Transfer`), a warm-up on masked
    code and averaged weights (`mean_weights`).
    """

    title = "a distillation"

    architecture: ArchitectureField | None = Field(
        None, description="Architecture V,H,L,A,I of the student; the default is the best of the search"
    )
    budget_mb: Positive | None = Field(None, description="Size budget in MB (10^6 bytes) that the architecture is for")
    search_run: str | None = Field(None, description="Search run that the architecture comes from")
    space: str | None = Field(None, description="Name of the search space that the architecture comes from")
    seed: Seed = Field(0, description="Seed of the student")
    unlabelled: PathText | None = Field(
        None,
        description="Pool of code to learn from instead of the dataset's: a JSONL (.gz) or Parquet file of any size, "
        "or a folder of such files",
    )
    skip_bad_rows: Flag = Field(False, description="Skip rows that cannot be used")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.architecture is None and self.search_run is None:
            raise SettingsError("a distillation needs an architecture: give one, or a search_run to take its best")
        for name in ("renaming", "consistency", "masked_epochs", "hidden_weight", "real_functions"):
            if self.unlabelled is not None and getattr(self, name):
                raise SettingsError(f"{name} is for the dataset's own code: set it to 0, or give no unlabelled code")
        if self.recorded and self.hidden_weight:
            raise SettingsError("recorded answers have no pooled states: set hidden_weight to 0, or give the teacher")
        if self.recorded and self.consistency:
            raise SettingsError(
                "recorded answers have consistency by renaming alone: set renaming, and consistency to 0, or give the "
                "teacher"
            )
        if self.recorded and self.real_functions:
            raise SettingsError("recorded answers are to their own code: set real_functions to 0, or give the teacher")
        if self.recorded and self.unlabelled is not None:
            raise SettingsError("recorded answers come with their own code: give no unlabelled code, or the teacher")
        return self

    @property
    def recorded(self) -> bool:
        """Whether the teacher is a file of recorded answers."""
        return is_recorded(self.teacher)

    def training(self) -> TrainingSettings:
        """Settings of the training loop."""
        return TrainingSettings.part_of(
            self,
            epochs=self.preset.epochs if self.epochs is None else self.epochs,
            learning_rate=LEARNING_RATE if self.learning_rate is None else self.learning_rate,
        )

    def resolved(self, dataset: Dataset) -> Self:
        """Settings with the defaults that depend on the dataset filled in.

        Half of the examples are renamed if the language is known. In freshly drawn code, only single functions are
        renamed, and only with the preset `full`: the clones among pairs are renamed already, and in a short training
        new code is worth more than renamed code. A pool and recorded answers have no pooled states.
        """
        own = self.unlabelled is None
        drawn = self.preset is Preset.FULL and dataset.task is Task.VULNERABILITY
        renamed = own and dataset.language is not None and (drawn or self.recorded or not dataset.fresh)
        states = own and not self.recorded
        return self.replace(
            renaming=RENAMING * renamed if self.renaming is None else self.renaming,
            hidden_weight=usual_weight(dataset.task) * states if self.hidden_weight is None else self.hidden_weight,
        )


class StudySettings(Recipe):
    """Settings of a study of budgets; the same settings give the same students on one machine.

    Each budget gets the best architecture of the space that fits, trained once per seed. With the goal `latency`, the
    fastest architecture is the smallest one, the same at every budget, unless `min_gflops` is set.
    """

    title = "a study"

    budgets: tuple[Megabytes, ...] = Field((0.5, 1.0, 3.0, 10.0), description="Size budgets in MB (10^6 bytes)")
    seeds: tuple[Seed, ...] = Field((0, 1), description="Seeds; each gives one student at every budget")
    space: Space = Field(Space.CLASSROOM, description="Search space of the architectures")
    goal: Goal = Field(Goal.GFLOPS, description="What decides the best architecture within a budget: gflops or latency")
    latency: LatencyModelField | None = Field(None, description="Latency model for the goal latency")
    min_gflops: Positive | None = Field(None, description="Minimum computation in GFLOPs, as the paper counts")

    @field_validator("budgets")
    @classmethod
    def _sorted(cls, budgets: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(sorted(set(budgets)))

    @field_validator("seeds")
    @classmethod
    def _different(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(dict.fromkeys(seeds))

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if not self.budgets or not self.seeds:
            raise SettingsError("a study needs at least one budget and one seed: give some, such as 1 and 3 MB, seed 0")
        if self.students > MAX_STUDENTS:
            raise SettingsError(
                f"the study has {self.students:,} students, more than {MAX_STUDENTS}: take fewer budgets or seeds"
            )
        if is_recorded(self.teacher):
            raise SettingsError("a study measures its teacher, and recorded answers are none: give a model folder")
        if self.goal not in (Goal.GFLOPS, Goal.LATENCY):
            raise SettingsError(f"the goal of a study is gflops or latency, not {self.goal}")
        if self.goal is Goal.LATENCY and self.latency is None:
            raise SettingsError("the goal latency needs a latency model: calibrate this machine first")
        return self

    @property
    def students(self) -> int:
        """Number of students."""
        return len(self.budgets) * len(self.seeds)

    def student(self, architecture: Architecture, budget_mb: float, seed: int) -> DistillSettings:
        """Settings of one student."""
        recipe = {name: getattr(self, name) for name in Recipe.model_fields}
        return DistillSettings(
            architecture=architecture, budget_mb=budget_mb, seed=seed, space=self.space.value, **recipe
        )


class LabelSettings(MachineSettings):
    """Settings of `label`."""

    title = "labelling"

    teacher: PathText = Field(description=description_of(Recipe, "teacher"))
    unlabelled: PathText = Field(description="Pool of code to label, as for distill")
    part: str = Field("1/1", description="K/N labels the K-th of N parts, so that N machines share the work")
    label_precision: Precision | None = Field(None, description=description_of(Recipe, "label_precision"))
    skip_bad_rows: Flag = Field(False, description=description_of(DistillSettings, "skip_bad_rows"))

    @field_validator("part")
    @classmethod
    def _one_of(cls, part: str) -> str:
        found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", part)
        if found is None or not 1 <= int(found[1]) <= int(found[2]):
            raise SettingsError(f"the part must be K/N with K from 1 to N, such as 3/8, not {part!r}")
        return part

    @property
    def share(self) -> tuple[int, int]:
        """Number of the part, from 0, and number of parts."""
        number, count = self.part.split("/")
        return int(number) - 1, int(count)


def usual_weight(task: Task) -> float:
    """Default weight of the teacher's pooled states, chosen with `benchmarks/distill.py`.

    The head of a pair model compares these states, and the student gains from learning them. For single functions the
    transfer gave no improvement.
    """
    return HIDDEN_WEIGHT if task is Task.CLONE else 0.0


def parse_budgets(text: str) -> tuple[float, ...]:
    """Megabytes separated by commas. Raises BudgetError for any other text."""
    try:
        return tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise BudgetError(f"The budgets cannot be {text!r}: write megabytes such as 0.5, 1, 3, 10.") from None
