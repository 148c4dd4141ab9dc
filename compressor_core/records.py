"""What work yields and returns: one frozen class a kind of record.

A core loop is a generator that yields records and returns its summary. A worker writes both as lines of
`events.jsonl`, and `read_record` turns a line back into the class that `type` names; a notebook and the command line
take them as they come. What is None is not written, so an optional field has the default None.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from enum import StrEnum
from functools import cache
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    SerializeAsAny,
    TypeAdapter,
    ValidationError,
    computed_field,
)

from compressor_core.architecture import GENES, Architecture
from compressor_core.errors import CompressorError
from compressor_core.language import Language
from compressor_core.task import PairFeatures, Task

if TYPE_CHECKING:
    from compressor_core.latency_model import LatencyModelField

T = TypeVar("T")


class Plain(BaseModel):
    """A frozen part of a record. Fields that are not known are ignored when it is read."""

    model_config = ConfigDict(frozen=True)

    def plain(self) -> dict[str, Any]:
        """Plain values for people and programs, without what is None and, of a record, without `type` and `time`."""
        return self.model_dump(mode="json", exclude={"type", "time"}, exclude_none=True)


class Record(Plain):
    """One record; subclasses give `type` its only value."""

    type: str
    time: float | None = None
    """Seconds at work when the worker wrote it; None where no worker did."""

    @property
    def ends(self) -> bool:
        """Whether it is the summary of a work, and so its last record."""
        return self.type.endswith("-summary")

    @property
    def line(self) -> str | None:
        """What a terminal prints of it; None where that is nothing."""
        return None


Work = Generator[Record, None, T]
"""A core loop: yields records, returns its summary."""


class Progress(Record):
    """How far the work is; shown, never kept."""

    type: Literal["progress"] = "progress"
    message: str
    fraction: float | None = None
    """0 to 1; None leaves the bar where it is."""


class Notice(Record):
    """Something that a user should know, such as a batch that was halved for want of memory."""

    type: Literal["notice"] = "notice"
    message: str

    @property
    def line(self) -> str:
        return self.message


# Data


class SplitSize(Plain):
    """Number of examples in one split, by label."""

    split: str
    examples: int
    positive: int
    unlabelled: int

    @property
    def counts(self) -> tuple[int, int]:
        """Examples of class 0 and of class 1."""
        return self.examples - self.positive - self.unlabelled, self.positive


class SharedFunctions(Plain):
    """Functions of a split that the training splits have too, of how many, and the examples with such a function."""

    split: str
    functions: int
    of: int
    examples: int


class Survey(Plain):
    """A dataset in figures; of one that is drawn anew every epoch, the splits that are not.

    Lengths are in words and signs, of the distinct functions; `functions_by_length` has a count for each range between
    two of `edges`.
    """

    labels: tuple[str, str]
    language: str | None = None
    fresh: bool
    splits: tuple[SplitSize, ...]
    functions: int
    edges: tuple[int, ...]
    functions_by_length: tuple[int, ...]
    median: float
    longest_tokens: int
    longest_characters: int
    longest_origin: str
    duplicates: int
    """Examples that are there already."""
    conflicts: int
    """Examples that are there already with the other label."""
    conflict: tuple[str, str] | None = None
    """Origins of the first two such examples."""
    shared: tuple[SharedFunctions, ...]
    notes: tuple[str, ...]


# Searches


class Genes(Plain):
    """The five genes of an architecture, by their Hugging Face names."""

    vocab_size: int
    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    intermediate_size: int

    @property
    def genes(self) -> tuple[int, ...]:
        """Their values, in the order of the short form."""
        return tuple(getattr(self, gene) for gene in GENES)

    @property
    def architecture(self) -> Architecture:
        return Architecture(*self.genes)

    @property
    def short_form(self) -> str:
        """V,H,L,A,I."""
        return ",".join(map(str, self.genes))


class Measured(Genes):
    """An architecture and what it costs."""

    size_mb: float
    """`cap`: exact size of the file. `paper`: 4 bytes times the paper's parameters."""
    paper_gflops: float
    parameters: int
    """`cap`: exact. `paper`: the paper's account."""
    latency_ms: float | None = None
    """Predicted; None without a latency model."""
    accuracy: float | None = None
    """Measured on a student of this architecture; None without one. Likewise the share of its answers that flip."""
    flips: float | None = None
    feasible: bool
    """Whether it is within the limits. In `paper` mode for display only: fitness alone decides."""


class Candidate(Measured):
    """An architecture that a search with one goal has judged."""

    fitness: float


class Bred(Measured):
    """An architecture that a search came upon."""

    id: int
    """Counts architectures in the order of their birth, from 0."""
    parents: tuple[int, ...]
    """Ids of the one or two it was bred from; empty for the first generation. Always below `id`."""


class Individual(Candidate, Bred):
    """A judged architecture of a search."""


class Optimum(Record):
    """The true optimum of the whole space."""

    type: Literal["optimum"] = "optimum"
    candidate: Candidate


class Uncertified(Record):
    """Why the true optimum is not known."""

    type: Literal["uncertified"] = "uncertified"
    reason: str


class Generation(Record):
    """The population after one round of breeding and selection; number 0 is the random first one."""

    type: Literal["generation"] = "generation"
    generation: int
    individuals: tuple[Individual, ...]
    """From the fittest to the least fit, all different."""
    best: Individual | None = None
    """The fittest of all generations so far, in `cap` mode among the feasible; None if there is none yet."""
    mean_fitness: float | None = None
    """Of the population, in `cap` mode of the feasible ones; None if there is none."""
    diversity: float
    """Chance that two individuals differ in a gene, from 0 to 1: the mean over the five genes."""
    evaluations: int
    """Different architectures judged so far."""
    perished: tuple[Individual, ...] = ()
    """Those judged in this round and not kept: with `individuals`, every one that was ever judged."""


class SearchSummary(Record):
    """What came out of a search."""

    type: Literal["search-summary"] = "search-summary"
    best: Candidate | None = None
    """None if nothing feasible was met."""
    optimum: Candidate | None = None
    """None if it cannot be certified."""
    gap: float | None = None
    """How far `best` is below `optimum`, as a share of it."""
    evaluations: int
    seconds: float
    cancelled: bool = False


class BudgetOptimum(Record):
    """The true optimum at one budget of a sweep."""

    type: Literal["budget-optimum"] = "budget-optimum"
    budget_mb: float
    marked: bool
    """Whether it is one of the paper's budgets."""
    best: Candidate | None = None
    reason: str | None = None
    """Why there is none."""
    reachable: bool = True
    """Whether anything fits."""
    seconds: float = 0.0


class SweptSearch(Record):
    """One search of a sweep."""

    type: Literal["swept-search"] = "swept-search"
    budget_mb: float
    seed: int
    operators: str
    best_fitness: tuple[float | None, ...]
    """Of each generation; None while nothing feasible was met."""
    evaluations: int
    best: Candidate | None = None
    gap: float | None = None
    """None without a best or a known optimum."""
    seconds: float


class SweepGroup(Plain):
    """How the searches with one kind of operators did, see `search.sweep.group_summary`."""

    operators: str
    searches: int
    hits: int | None = None
    hit_rate: float | None = None
    hit_low: float | None = None
    hit_high: float | None = None
    nothing_found: int
    median_gap: float | None = None
    worst_gap: float | None = None


class SweepSummary(Record):
    """What came out of a sweep."""

    type: Literal["sweep-summary"] = "sweep-summary"
    over: str
    searches: int
    """How many were over."""
    planned: int
    budgets: int
    """How many have a known optimum."""
    groups: tuple[SweepGroup, ...]
    """One for each kind of operators."""
    seconds: float
    """All searches and optima together."""
    cancelled: bool = False


class TrueFront(Record):
    """The true front of a trade-off."""

    type: Literal["true-front"] = "true-front"
    objectives: tuple[str, ...]
    size: int
    points: tuple[Measured, ...]
    """By rising first objective; of a large front a part that covers it evenly."""
    hypervolume: float
    seconds: float


class FrontGeneration(Record):
    """The population of a trade-off after one round; number 0 is the random first one."""

    type: Literal["front-generation"] = "front-generation"
    generation: int
    individuals: tuple[Bred, ...]
    """From the first front to the last, all different."""
    perished: tuple[Bred, ...]
    """Those judged in this round and not kept: with `individuals`, every one that was ever judged."""
    front: tuple[int, ...]
    """Ids of the feasible ones that no other one judged so far beats, alive or not, by rising first objective."""
    on_true_front: int
    hypervolume: float
    share: float
    """Of the true front's hypervolume."""
    evaluations: int
    """Different architectures judged so far."""


class TradeoffSummary(Record):
    """What came out of a trade-off."""

    type: Literal["tradeoff-summary"] = "tradeoff-summary"
    objectives: tuple[str, ...]
    points: int
    """Of the front found."""
    front: tuple[Measured, ...] = ()
    """By rising first objective; left out of a run's status, since its records have it."""
    on_true_front: int
    true_front_size: int
    hypervolume_share: float
    evaluations: int
    seconds: float
    cancelled: bool = False


def _read_latency_model(value: object) -> object:
    from compressor_core.latency_model import read_latency_model  # with numpy, which a waiting run does without

    return read_latency_model(value)


if not TYPE_CHECKING:
    LatencyModelField = Annotated[
        Any, PlainValidator(_read_latency_model), PlainSerializer(lambda model: model.to_dict(), when_used="json")
    ]


# Models at work: scores, comparisons, predictions

Interval = tuple[float, float]
"""Lower and upper end, at the 95% level."""


class Machine(Plain):
    """Where and how something was timed."""

    processor: str
    system: str
    threads: int
    batch_size: int
    runtime: str
    precision: str
    cores: int | None = None

    @property
    def in_words(self) -> str:
        cores = "" if self.cores is None else f"{self.cores} cores, "
        threads = f"{self.threads} thread{'' if self.threads == 1 else 's'}"
        return f"{self.processor or 'Unknown processor'}, {cores}{self.system}, {threads}, {self.runtime}"


class Prediction(Plain):
    """One answer: a label, the probability of each label, and the ms that tokenisation and model took together.

    `tokens` are those of each function, of which the model reads the first `read`.
    """

    label: str
    probabilities: dict[str, float]
    milliseconds: float
    tokens: tuple[int, ...] = ()
    read: tuple[int, ...] = ()

    @property
    def number(self) -> int:
        """The number of the predicted class; another model may give the class another name."""
        return list(self.probabilities).index(self.label)


class AlarmThreshold(Plain):
    """A probability of class 1 that at most a share of so many clean inputs exceed; `of` says what these are."""

    probability: float
    inputs: int
    share: float
    of: str


class Attribution(Plain):
    """What each line of the code adds to one model's answer, in logits."""

    label: str
    lines: tuple[tuple[float | None, ...], ...]
    """For each function the score of each of its lines (`str.splitlines`): above 0 it speaks for `label`, below 0
    against it. None: the model has not read the line, which stands behind the last token that it takes, or holds
    nothing but what it leaves out."""
    margin: float
    baseline: float
    """The margin of no code; the scores should add up to `margin` minus this."""
    missing: float
    """By how much they miss it."""
    gradients: int


class Part(Plain):
    """Accuracy on some of the examples."""

    examples: int
    accuracy: float
    interval: Interval
    """Wilson's."""


class Group(Part):
    """The examples of one kind, such as a CWE."""

    group: str

    @property
    def name(self) -> str:
        return self.group or "other"


class LengthBin(Part):
    """The examples of some lengths in characters, both ends included."""

    shortest: int
    longest: int

    @property
    def name(self) -> str:
        return f"{self.shortest:,}–{self.longest:,}"


class ConfidenceBin(Part):
    """The examples for whose predicted class the probability lies between `above` and `up_to`."""

    above: float
    up_to: float
    confidence: float
    """Mean probability."""

    @property
    def name(self) -> str:
        return f"{self.above:.0%} to {self.up_to:.0%}"


class Scores(Plain):
    """How good the predictions of a model are; precision, recall and F1 are of class 1, and 0 where undefined."""

    examples: int
    correct: int
    accuracy: float
    precision: float
    recall: float
    f1: float
    confusion: tuple[tuple[int, int], tuple[int, int]]
    """[gold][predicted]."""
    groups: tuple[Group, ...] = ()


class Evaluation(Scores):
    """Scores of one model, and the rows that they are of: a split or "all", and in words."""

    split: str
    rows: str


class ScoreIntervals(Plain):
    """An interval for each score, or for each difference of scores."""

    accuracy: Interval
    precision: Interval
    recall: Interval
    f1: Interval


class Reliability(Plain):
    """Bins of a reliability diagram that hold any example, and the expected calibration error."""

    ece: float
    bins: tuple[ConfidenceBin, ...]


class Curves(Plain):
    """Points of the ROC and the precision-recall curve, and the areas below them."""

    auc: float
    average_precision: float
    positives: float
    """Share of class 1, which is the precision of guessing."""
    false_positive_rate: tuple[float, ...]
    true_positive_rate: tuple[float, ...]
    recall: tuple[float, ...]
    precision: tuple[float, ...]


class Latency(Plain):
    """Milliseconds of single calls."""

    median: float
    mean: float
    p90: float
    p95: float
    p99: float
    min: float
    iqr: float
    measurements: int
    samples: tuple[float, ...] = ()
    """Some of the times, sorted and evenly chosen."""


class ModelLatency(Latency):
    """Latency of one example at a time, tokenisation apart."""

    tokenization: float
    """Median, ms."""
    tokens: float
    """Of an example, in the mean."""


class McNemar(Plain):
    """McNemar's exact test of two models' paired predictions."""

    only_first: int
    """Examples that only the first model gets right."""
    only_second: int
    p: float
    p_adjusted: float | None = None
    """Corrected for the number of students (Holm); None for a test by itself."""


class Fidelity(Plain):
    """How close a student's probabilities are to its teacher's."""

    kl: float
    """Mean Kullback-Leibler divergence KL(teacher ‖ student) in nats, which distillation minimises."""
    absolute_difference: float
    """Mean of |p_teacher − p_student| of class 1."""


class Side(Scores):
    """One model of a comparison."""

    name: str
    model: str
    """Its folder."""
    intervals: ScoreIntervals
    calibration: Reliability
    curves: Curves | None = None
    """None where all examples are of one class."""
    lengths: tuple[LengthBin, ...]
    size_mb: float | None = None
    """None of a teacher whose answers are recorded: it is not there to be measured. Likewise the next, and latency."""
    parameters: int | None = None
    forward_gflops: float | None = None
    """None where the model does not state its architecture; likewise the next two."""
    paper_gflops: float | None = None
    architecture: Genes | None = None
    latency: ModelLatency | None = None
    flips: float | None = None
    """Share of the changed examples whose answer flips; None where none was changed. Likewise Wilson's interval."""
    flips_interval: Interval | None = None


class StudentSide(Side):
    """One student, held against the teacher."""

    size_mb: float
    parameters: int
    latency: ModelLatency
    agreement: float
    agreement_interval: Interval
    difference_intervals: ScoreIntervals
    """Of the teacher's scores minus its own."""
    speedup: float | None = None
    """Ratio of the median latencies; None where the teacher's is not known."""
    mcnemar: McNemar
    fidelity: Fidelity


class Resampling(Plain):
    """How the intervals of a comparison were drawn."""

    level: float
    resamples: int
    seed: int


class BesideCodeBERT(Plain):
    """The first student against a model of CodeBERT's shape with random weights: size and latency, no accuracy."""

    size_mb: float
    milliseconds: float
    """Median of single queries, in turns with the student on the same tokens."""
    speedup: float
    examples: int


class ComparisonSummary(Record):
    """What came out of a comparison; of the first student, the JSON repeats some parts."""

    type: Literal["comparison-summary"] = "comparison-summary"
    teacher: Side
    students: Annotated[tuple[StudentSide, ...], Field(min_length=1)]
    statistics: Resampling
    labels: tuple[str, str]
    task: Task
    language: Language | None = None
    dataset: str
    data: str | None = None
    split: str
    """Or "all"."""
    rows: str = ""
    """The same in words."""
    examples: int
    latency_examples: int
    changed_examples: int = 0
    """Examples that were changed so that their label stays; 0 where the language is not known."""
    codebert: BesideCodeBERT | None = None
    """None where it was not asked for."""
    machine: Machine

    @computed_field  # type: ignore[prop-decorator]
    @property
    def student(self) -> StudentSide:
        return self.students[0]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def agreement(self) -> float:
        return self.students[0].agreement

    @computed_field  # type: ignore[prop-decorator]
    @property
    def speedup(self) -> float | None:
        return self.students[0].speedup

    @computed_field  # type: ignore[prop-decorator]
    @property
    def mcnemar(self) -> McNemar:
        return self.students[0].mcnemar

    @computed_field  # type: ignore[prop-decorator]
    @property
    def mcnemar_p(self) -> float:
        return self.students[0].mcnemar.p


# Exams


class ExamPart(StrEnum):
    """What an exam counts. All but alarms are the better the higher."""

    OWN_TEST = "own-test"
    UNSEEN_API = "unseen-api"
    UNSEEN_PHRASING = "unseen-phrasing"
    UNSEEN_WEAKNESS = "unseen-weakness"
    UNSEEN_REWRITING = "unseen-rewriting"
    NEAR_MISS = "near-miss"
    EXAM = "exam"
    UNSAFE_FOUND = "unsafe-found"
    FIXED_SAFE = "fixed-called-safe"
    CLEAN_SAFE = "clean-called-safe"
    BOTH_RIGHT = "both-right"
    BOTH_SURFACE = "both-right-surface"
    BOTH_VARIANT = "both-right-variant"
    CLONES_FOUND = "clones-found"
    OTHERS_APART = "others-told-apart"
    ALARMS = "alarms"

    @property
    def words(self) -> str:
        """What is counted, of what."""
        return _PARTS[self]


_PARTS: Mapping[ExamPart, str] = {
    ExamPart.OWN_TEST: "Own test split: accuracy",
    ExamPart.UNSEEN_API: "Unseen APIs: accuracy",
    ExamPart.UNSEEN_PHRASING: "Unseen phrasings: accuracy",
    ExamPart.UNSEEN_WEAKNESS: "Unseen weaknesses: accuracy",
    ExamPart.UNSEEN_REWRITING: "Unseen rewritings: accuracy",
    ExamPart.NEAR_MISS: "One thing changed: accuracy",
    ExamPart.EXAM: "Hand-written: accuracy",
    ExamPart.UNSAFE_FOUND: "Hand-written: unsafe found",
    ExamPart.FIXED_SAFE: "Hand-written: fixed called safe",
    ExamPart.CLEAN_SAFE: "Hand-written: clean called safe",
    ExamPart.BOTH_RIGHT: "Both halves of a pair right",
    ExamPart.BOTH_SURFACE: "Both right: common API, unusual form",
    ExamPart.BOTH_VARIANT: "Both right: rarer API",
    ExamPart.CLONES_FOUND: "Hand-written: clones found",
    ExamPart.OTHERS_APART: "Hand-written: others told apart",
    ExamPart.ALARMS: "Real functions: alarms",
}


class Rate(Plain):
    """How often something happened among some examples."""

    count: int
    examples: int
    share: float
    interval: Interval
    """Wilson's."""


class Examinee(Plain):
    """One model, or one baseline, that sat an exam."""

    name: str
    role: Literal["model", "tokens", "rules"]
    """A model of code, a counter of tokens, or a tool with hand-written rules."""
    note: str
    """What it is."""
    model: str | None = None
    """Its folder."""
    scores: Mapping[ExamPart, Rate]
    groups: tuple[Group, ...]
    """Accuracy on the hand-written functions by weakness, or on the pairs by kind."""
    verdict: str | None = None
    """Two sentences on a model."""


class ExamSummary(Record):
    """What came out of an honest exam."""

    type: Literal["exam-summary"] = "exam-summary"
    task: Task
    dataset: str
    data: str | None = None
    models: tuple[Examinee, ...]
    baselines: tuple[Examinee, ...] = ()
    packages: Mapping[str, int] = {}
    """Real functions by package; empty where none were asked about."""
    seconds: float


class PushSummary(Plain):
    """A model for the hub: what goes there, and whether it was sent."""

    model: str
    repository: str
    sent: bool
    files: tuple[str, ...]
    size_mb: float


class ReproductionSummary(Scores, Record):
    """What a published student scored here."""

    type: Literal["reproduction-summary"] = "reproduction-summary"
    model: str
    teacher: str
    task: Task
    architecture: str
    parameters: int
    size_mb: float
    dataset: str
    data: str | None = None
    latency: ModelLatency
    latency_examples: int
    machine: Machine
    seconds: float


# Probes


class UnderChange(Plain):
    """One model's answers to functions before and after a change that keeps their labels."""

    flips: int
    """Functions whose predicted class changes."""
    rate: float
    """Their share."""
    interval: Interval
    """Of the share, Wilson's."""
    shift: float
    """Mean of |p_after − p_before| of class 1."""
    accuracy: float
    """After the change; likewise the calibration error."""
    accuracy_before: float
    ece: float
    ece_before: float


class Mimicry(UnderChange):
    """A student's, held against the first model's."""

    agreement: float
    """Share of the changed functions on which both predict the same class."""
    agreement_interval: Interval
    agreement_before: float
    distance: float
    """Mean of |p_teacher − p_student| of class 1, after the change."""
    sure: int
    """Changed functions of which the first model is sure."""
    sure_as_well: int
    """Those of them of which the student is sure too, with the same answer."""


class ChangedExample(Plain):
    """An example before and after a change; probabilities of class 1 by model."""

    before: tuple[str, ...]
    after: tuple[str, ...]
    changes: tuple[str, ...]
    """What was done to it."""
    label: int
    group: str
    origin: str
    model: str
    """The one whose probability changes most."""
    probabilities_before: dict[str, float]
    probabilities: dict[str, float]


class ProbedChange(Record):
    """All models under one kind of change."""

    type: Literal["probed-change"] = "probed-change"
    change: str
    description: str
    functions: int
    """Functions, or pairs, that it changes."""
    models: dict[str, SerializeAsAny[UnderChange | Mimicry]]
    """By name; empty where nothing was changed."""
    worst: ChangedExample | None = None
    """The example whose probability changes most."""

    @computed_field  # type: ignore[prop-decorator]
    @property
    def flips(self) -> dict[str, int]:
        return {name: model.flips for name, model in self.models.items()}

    @computed_field  # type: ignore[prop-decorator]
    @property
    def agreement(self) -> dict[str, float]:
        return {name: model.agreement for name, model in self.models.items() if isinstance(model, Mimicry)}

    @property
    def line(self) -> str:
        rates = ", ".join(f"{name} {model.rate:.1%}" for name, model in self.models.items())
        return f"{self.change}: {self.functions:,} changed; answers that flip: {rates or 'none'}"


class PairAnswers(Plain):
    """One model's answers to pairs of a function and its other half, which has the other label."""

    pairs: int
    changed: int
    """Pairs to whose halves it gives different answers."""
    both_right: int
    interval: Interval
    """Of the share with both right, Wilson's."""
    worst: ChangedExample | None = None
    """The pair with the same answer whose probabilities are closest."""


class ProbeSummary(Record):
    """What came out of a probe; the first of several models is the one that the others are held against."""

    type: Literal["probe-summary"] = "probe-summary"
    models: dict[str, str]
    """Folders by name."""
    task: Task
    language: Language
    labels: tuple[str, str]
    dataset: str
    data: str | None = None
    split: str
    examples: int
    """Of which each kind of change finds something to change in some."""
    changes: dict[str, ProbedChange]
    """By kind, the mixed draw first."""
    pairs: dict[str, PairAnswers]
    """By model; empty where there are no pairs for the task."""
    sure: float
    """Probability from which on an answer counts as sure."""
    seconds: float


# Measurements of costs


class Form(StrEnum):
    """What executes a model, and the numbers that its weights are."""

    PYTORCH = "pytorch"
    ONNX = "onnx"
    INT8 = "onnx-int8"


class MeasuredModel(Plain):
    """One model of a measurement."""

    name: str
    folder: str
    size_mb: float
    parameters: int
    architecture: str | None = None
    data_flow: bool
    tokens: float
    """Of a function, in the mean."""
    padded_tokens: int
    """Of a padded function."""
    forms: dict[Form, float]
    """Each form that it has, with the size of its file in MB."""


class EnergySource(Plain):
    """Where energy figures come from; `reason` is a sentence that says why they are measured, or why not."""

    measured: bool
    reason: str
    watts: float | None = None
    """Power of a busy core, where energy is estimated."""


class MeasurementSetup(Record):
    """What is measured, and where: the first record of a measurement."""

    type: Literal["setup"] = "setup"
    models: tuple[MeasuredModel, ...]
    dataset: str
    split: str
    """Or "all"."""
    examples: int
    rounds: int
    starts: int
    padded_to: int
    machine: Machine
    energy_source: EnergySource


class MeasuredLatency(Latency, Record):
    """One model in one form after some rounds; takes the place of its last one."""

    type: Literal["latency"] = "latency"
    model: int
    """Its place among the models."""
    form: Form
    padded: bool
    rounds: int
    cpu_median: float
    """What the processor worked, ms."""
    cpu_mean: float
    difference: float | None = None
    """Largest difference of its logits to PyTorch's at the true lengths; None while they are not there."""


class Throughput(Record):
    """Examples per second of one model and form in batches of one size: the median, and the ends."""

    type: Literal["throughput"] = "throughput"
    model: int
    form: Form
    padded: bool
    batch_size: int
    examples_per_second: float
    slowest: float
    fastest: float


class Energy(Record):
    """Energy of 1,000 predictions, one at a time."""

    type: Literal["energy"] = "energy"
    model: int
    form: Form
    padded: bool
    joules_per_1000: float
    measured: bool


class Start(Plain):
    """A fresh process until its first answer: seconds, and resident memory in MB (10^6 bytes)."""

    imports: float
    """From the start of the interpreter until everything is imported."""
    load: float
    first: float
    """Tokenisation and prediction."""
    imports_mb: float
    peak_mb: float
    label: int | None = None
    """The class that one process answered."""

    @property
    def seconds(self) -> float:
        return self.imports + self.load + self.first


class ColdStart(Start, Record):
    """Medians of the starts so far of one model and form; takes the place of its last one."""

    type: Literal["start"] = "start"
    model: int
    form: Form
    starts: int


class MeasurementSummary(MeasurementSetup):
    """All of a measurement, without the single times."""

    type: Literal["measurement-summary"] = "measurement-summary"  # type: ignore[assignment]
    latency: tuple[MeasuredLatency, ...]
    throughput: tuple[Throughput, ...]
    energy: tuple[Energy, ...]
    start: tuple[ColdStart, ...]
    seconds: float


# Calibrations


class RuntimeLatency(Plain):
    """Milliseconds of one query: the mean over the queries of each one's fastest round, which is what the machine takes
    by itself; half of the single measurements were at most `median` by the same account, nine tenths at most `p90`."""

    mean: float
    median: float
    p90: float
    measurements: int


class CalibrationPoint(Genes, Record):
    """One measured architecture; one that comes later, of the same index, takes its place."""

    type: Literal["point"] = "point"
    index: int
    role: Literal["fit", "held-out", "budget"]
    size_mb: float
    paper_gflops: float
    parameters: int
    forward_gflops: float
    tokens: float
    rounds: int
    latency: dict[str, RuntimeLatency]
    """By runtime."""


class CalibrationPrediction(Record):
    """What the fitted models say of a point, in ms by runtime, whole and part by part."""

    type: Literal["prediction"] = "prediction"
    index: int
    latency: dict[str, float]
    parts: dict[str, dict[str, float]]


class PredictionError(Plain):
    """Relative errors for so many architectures that were not fitted to; None without any."""

    median: float | None = None
    worst: float | None = None
    architectures: int


class CalibrationSummary(Record):
    """What a calibration has fitted; models and errors by runtime."""

    type: Literal["calibration-summary"] = "calibration-summary"
    task: Task
    pair_features: PairFeatures
    models: dict[str, LatencyModelField]
    held_out_error: dict[str, PredictionError]
    budget_error: dict[str, PredictionError]
    machine: Machine
    dataset: str
    functions: int
    lengths: tuple[int, ...]
    """Tokens of each query with a vocabulary of 1,000."""
    seconds: float


# Exports


class FileLatency(Plain):
    """Milliseconds of one query, of each the fastest of its rounds."""

    median: float
    p90: float
    rounds: int


class ExportedForm(Plain):
    """One ONNX file, as it was tried."""

    size_mb: float
    inputs: int
    """Examples on which logits were compared."""
    max_abs_difference: float
    """Of a logit, to PyTorch."""
    examples: int
    correct: int | None = None
    """None without labels; likewise the accuracy."""
    accuracy: float | None = None
    latency: FileLatency


class ExportSummary(Record):
    """What an export has written."""

    type: Literal["export-summary"] = "export-summary"
    model: str
    task: Task
    format: str
    files: tuple[str, ...]
    size_mb: float
    """Of a bundle, that of its folder."""
    max_abs_difference: float
    """Of a logit, to PyTorch; of a bundle, that of the float32 file."""
    forms: dict[str, ExportedForm]
    """By file name."""
    loss_points: float | None = None
    """Points of accuracy that the int8 file loses; None where that was not measured."""
    flagged: bool
    warning: str | None = None
    """What has to be said of the int8 file."""
    dataset: str
    split: str
    labelled: bool
    examples: int
    parameters: int
    weights_mb: float
    machine: Machine
    seconds: float
    zip_mb: float | None = None
    """Of a bundle only; likewise the next two."""
    contents: dict[str, float] | None = None
    """MB by file name."""
    page: str | None = None
    """Why there is no page for the browser; None if there is."""


# Trainings


class _Step(Record):
    step: int
    """Counts from 1."""
    epoch: int
    """Counts from 0."""
    loss: float
    learning_rate: float


class Step(_Step):
    """One step of a training."""

    type: Literal["step"] = "step"


class WarmUpStep(_Step):
    """One step of a warm-up on masked code."""

    type: Literal["warm-up-step"] = "warm-up-step"


class _Epoch(Record):
    epoch: int
    """Counts from 0."""
    loss: float
    """Mean over the steps."""
    validation_accuracy: float | None = None
    """None for a warm-up."""
    best: bool = False
    """Whether it is better than all epochs before it."""
    examples_per_second: float = 0.0


class Epoch(_Epoch):
    """One epoch of a training."""

    type: Literal["epoch"] = "epoch"

    @property
    def line(self) -> str:
        accuracy = "" if self.validation_accuracy is None else f", validation accuracy {self.validation_accuracy:.4f}"
        return f"epoch {self.epoch + 1}: loss {self.loss:.4f}{accuracy}, {self.examples_per_second:.0f} examples/s"


class WarmUpEpoch(_Epoch):
    """One epoch of a warm-up on masked code."""

    type: Literal["warm-up-epoch"] = "warm-up-epoch"


class TeacherSummary(Record):
    """A trained model, measured on the test split."""

    type: Literal["teacher-summary"] = "teacher-summary"
    model: str
    """Its folder."""
    accuracy: float
    flips: float | None = None
    """Share of a sample whose answer flips after changes that keep the label; None where the language is not known."""
    validation_accuracy: float
    test: Scores
    size_mb: float
    parameters: int
    seconds: float
    cancelled: bool = False
    """Whether it was stopped early, and measured on a sample of the split."""


class DistillSummary(TeacherSummary):
    """A distilled student, measured beside its teacher."""

    type: Literal["distill-summary"] = "distill-summary"  # type: ignore[assignment]
    teacher_accuracy: float | None = None
    """None where the teacher's answers are recorded, and not to all of the test split; likewise the next."""
    agreement: float | None = None
    """Share of the examples on which both answer the same."""
    teacher_flips: float | None = None
    architecture: Genes
    paper_gflops: float


class LabelSummary(Record):
    """How much of a pool was labelled; functions are pairs for the clone task."""

    type: Literal["label-summary"] = "label-summary"
    shards: int
    functions: int
    labelled: int
    """Labelled now."""
    known: int
    """Labelled before."""
    seconds: float
    """Spent on labelling."""
    functions_per_second: float | None = None
    """None where nothing was left to do."""
    folder: str
    file: str | None = None
    """Parquet file of the answers, if one was written."""


# Studies


class StudyStudent(Genes):
    """One student of a study, measured on the test split beside its teacher."""

    budget_mb: float
    seed: int
    size_mb: float
    parameters: int
    paper_gflops: float
    accuracy: float
    teacher_accuracy: float
    agreement: float
    flips: float | None = None
    """Share of a sample whose answer flips after changes that keep the label; None where not measured."""
    teacher_flips: float | None = None
    latency_ms: float
    """Median; teacher and student take turns on the same examples."""
    teacher_latency_ms: float
    seconds: float
    """Of the last sitting of its training."""
    model: str
    """Its folder."""


class Student(StudyStudent, Record):
    """A student of a study is finished."""

    type: Literal["student"] = "student"

    @property
    def line(self) -> str:
        return (
            f"{self.budget_mb:g} MB, seed {self.seed}: accuracy {self.accuracy:.4f} "
            f"(teacher {self.teacher_accuracy:.4f}), {self.size_mb:.3f} MB, {self.latency_ms:.2f} ms"
        )


class LostStudent(Plain):
    """One student of a study that could not be made, and why."""

    budget_mb: float
    seed: int
    message: str


class Failed(LostStudent, Record):
    """A student of a study cannot be made."""

    type: Literal["failed"] = "failed"

    @property
    def line(self) -> str:
        return f"{self.budget_mb:g} MB, seed {self.seed}: failed: {self.message}"


class BudgetSummary(Plain):
    """The students of one budget: how many, their accuracies, and means over them."""

    budget_mb: float
    students: int
    mean: float
    standard_deviation: float | None = None
    """With n − 1; None of one student."""
    min: float
    max: float
    flips: float | None = None
    """Mean; None where not measured of all."""
    size_mb: float
    latency_ms: float
    teacher_latency_ms: float

    @classmethod
    def each(cls, students: Iterable[StudyStudent]) -> tuple[BudgetSummary, ...]:
        """One summary for each budget that has a student, by rising budget."""
        by_budget: dict[float, list[StudyStudent]] = {}
        for student in students:
            by_budget.setdefault(student.budget_mb, []).append(student)
        return tuple(cls.of(by_budget[budget]) for budget in sorted(by_budget))

    @classmethod
    def of(cls, students: Sequence[StudyStudent]) -> BudgetSummary:
        """The summary of the students of one budget, at least one."""
        accuracies = [student.accuracy for student in students]
        flips = [student.flips for student in students if student.flips is not None]
        return cls(
            budget_mb=students[0].budget_mb,
            students=len(students),
            mean=fmean(accuracies),
            standard_deviation=stdev(accuracies) if len(accuracies) > 1 else None,
            min=min(accuracies),
            max=max(accuracies),
            flips=fmean(flips) if len(flips) == len(students) else None,
            size_mb=fmean(student.size_mb for student in students),
            latency_ms=fmean(student.latency_ms for student in students),
            teacher_latency_ms=fmean(student.teacher_latency_ms for student in students),
        )


class StudySummary(Record):
    """What came out of a study of budgets."""

    type: Literal["study-summary"] = "study-summary"
    teacher_accuracy: float | None = None
    """None without a student."""
    planned: int
    """How many students it is to have."""
    students: tuple[StudyStudent, ...]
    """By budget and seed; likewise the failed ones."""
    failed: tuple[LostStudent, ...]
    budgets: tuple[BudgetSummary, ...]
    machine: Machine
    """Where the latencies were measured; on a cluster, where the summary was made."""
    seconds: float
    """Of all students together."""
    cancelled: bool = False


# All of them

AnyRecord = Annotated[
    Progress
    | Notice
    | Optimum
    | Uncertified
    | Generation
    | SearchSummary
    | BudgetOptimum
    | SweptSearch
    | SweepSummary
    | TrueFront
    | FrontGeneration
    | TradeoffSummary
    | ComparisonSummary
    | ExamSummary
    | ReproductionSummary
    | ProbedChange
    | ProbeSummary
    | MeasurementSetup
    | MeasuredLatency
    | Throughput
    | Energy
    | ColdStart
    | MeasurementSummary
    | CalibrationPoint
    | CalibrationPrediction
    | CalibrationSummary
    | ExportSummary
    | Step
    | WarmUpStep
    | Epoch
    | WarmUpEpoch
    | TeacherSummary
    | DistillSummary
    | LabelSummary
    | Student
    | Failed
    | StudySummary,
    Field(discriminator="type"),
]


@cache
def _adapter() -> TypeAdapter[Any]:
    return TypeAdapter(AnyRecord)


def read_record(values: Mapping[str, Any]) -> Record | None:
    """The record that plain values stand for; None if they are damaged or of no known type."""
    try:
        record: Record = _adapter().validate_python(values)
    except (ValidationError, CompressorError):
        return None
    return record
