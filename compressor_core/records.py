"""Records that work yields and returns: one frozen class for each kind.

A core loop is a generator that yields records and returns its summary. A worker writes both as lines of
`events.jsonl`, and `read_record` turns a line back into the class that `type` names; a notebook and the command line
use them directly. None is not written, so every optional field defaults to None.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from enum import StrEnum
from functools import cache
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    SerializeAsAny,
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
    """A frozen part of a record. Unknown fields are ignored on reading."""

    model_config = ConfigDict(frozen=True)

    def plain(self) -> dict[str, Any]:
        """Plain values for people and programs, without `type`, `time` and fields that are None."""
        return self.model_dump(mode="json", exclude={"type", "time"}, exclude_none=True)


class Record(Plain):
    """One record. Each subclass sets its own value of `type`."""

    type: str
    time: float | None = None
    """Seconds of work done when a worker wrote the record; None if no worker wrote it."""

    @property
    def ends(self) -> bool:
        """Whether this is a summary, the last record of a run."""
        return self.type.endswith("-summary")

    @property
    def line(self) -> str | None:
        """Line that a terminal prints for this record; None for no line."""
        return None


Work = Generator[Record, None, T]
"""A core loop: yields records, returns its summary."""


class Progress(Record):
    """Progress of the work; shown, never stored."""

    type: Literal["progress"] = "progress"
    message: str
    fraction: float | None = None
    """From 0 to 1; None leaves the progress bar unchanged."""


class Notice(Record):
    """Message to the user, for example that a batch was halved for lack of memory."""

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
    """Overlap of a split with the training splits: `functions` of its `of` distinct functions also occur there, and
    `examples` of its examples contain such a function."""

    split: str
    functions: int
    of: int
    examples: int


class Survey(Plain):
    """Statistics of a dataset; if it is drawn anew every epoch, only of its fixed splits.

    Lengths are those of distinct functions, in words and punctuation marks. `functions_by_length` has one count for
    each range between two neighbouring `edges`.
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
    """Repeated examples."""
    conflicts: int
    """Repeated examples with a different label."""
    conflict: tuple[str, str] | None = None
    """Origins of the first two conflicting examples."""
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
        """Values of the genes, in the order of the short form."""
        return tuple(getattr(self, gene) for gene in GENES)

    @property
    def architecture(self) -> Architecture:
        return Architecture(*self.genes)

    @property
    def short_form(self) -> str:
        """Short form V,H,L,A,I."""
        return ",".join(map(str, self.genes))


class Measured(Genes):
    """An architecture and its costs."""

    size_mb: float
    """`cap`: exact file size. `paper`: 4 bytes times the paper's parameter count."""
    paper_gflops: float
    parameters: int
    """`cap`: exact count. `paper`: the paper's count."""
    latency_ms: float | None = None
    """Predicted latency; None without a latency model."""
    accuracy: float | None = None
    """Accuracy of a student of this architecture; None without one."""
    flips: float | None = None
    """Share of that student's answers that flip; None without a student."""
    feasible: bool
    """Whether the architecture is within the limits. For display only in `paper` mode, where fitness alone decides."""


class Candidate(Measured):
    """An architecture evaluated by a search with one objective."""

    fitness: float


class Bred(Measured):
    """An architecture that a search has generated."""

    id: int
    """Number in order of creation, from 0."""
    parents: tuple[int, ...]
    """Ids of its one or two parents, all below `id`; empty for the first generation."""


class Individual(Candidate, Bred):
    """An evaluated architecture of a genetic search."""


class Optimum(Record):
    """The true optimum of the whole space."""

    type: Literal["optimum"] = "optimum"
    candidate: Candidate


class Uncertified(Record):
    """Reason why the true optimum is not known."""

    type: Literal["uncertified"] = "uncertified"
    reason: str


class Generation(Record):
    """The population after one round of breeding and selection; number 0 is the random first one."""

    type: Literal["generation"] = "generation"
    generation: int
    individuals: tuple[Individual, ...]
    """All different, by falling fitness."""
    best: Individual | None = None
    """Fittest individual of all generations so far (in `cap` mode, of the feasible ones); None if there is none yet."""
    mean_fitness: float | None = None
    """Mean fitness of the population (in `cap` mode, of the feasible individuals); None if there are none."""
    diversity: float
    """Probability that two individuals differ in a gene, from 0 to 1: the mean over the five genes."""
    evaluations: int
    """Number of different architectures evaluated so far."""
    perished: tuple[Individual, ...] = ()
    """Discarded candidates: evaluated in this round but not kept. With `individuals` of all generations, these are all
    evaluated architectures."""


class SearchSummary(Record):
    """Result of a search."""

    type: Literal["search-summary"] = "search-summary"
    best: Candidate | None = None
    """Best architecture; None if no feasible one was found."""
    optimum: Candidate | None = None
    """True optimum; None if it cannot be certified."""
    gap: float | None = None
    """How far `best` is below `optimum`, as a share of `optimum`."""
    evaluations: int
    seconds: float
    cancelled: bool = False


class BudgetOptimum(Record):
    """The true optimum at one budget of a sweep."""

    type: Literal["budget-optimum"] = "budget-optimum"
    budget_mb: float
    marked: bool
    """Whether this is one of the paper's budgets."""
    best: Candidate | None = None
    reason: str | None = None
    """Why there is no `best`."""
    reachable: bool = True
    """Whether any architecture fits the budget."""
    seconds: float = 0.0


class SweptSearch(Record):
    """One search of a sweep."""

    type: Literal["swept-search"] = "swept-search"
    budget_mb: float
    seed: int
    operators: str
    best_fitness: tuple[float | None, ...]
    """Best fitness after each generation; None until a feasible architecture is found."""
    evaluations: int
    best: Candidate | None = None
    gap: float | None = None
    """Relative gap to the optimum; None without a best or a known optimum."""
    seconds: float


class SweepGroup(Plain):
    """Results of all searches with one kind of operators, see `search.sweep.group_summary`."""

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
    """Result of a sweep."""

    type: Literal["sweep-summary"] = "sweep-summary"
    over: str
    searches: int
    """Number of finished searches."""
    planned: int
    budgets: int
    """Number of budgets with a known optimum."""
    groups: tuple[SweepGroup, ...]
    """One for each kind of operators."""
    seconds: float
    """Total of all searches and optima."""
    cancelled: bool = False


class TrueFront(Record):
    """The true front of a trade-off."""

    type: Literal["true-front"] = "true-front"
    objectives: tuple[str, ...]
    size: int
    points: tuple[Measured, ...]
    """By rising first objective; for a large front, an evenly spread subset."""
    hypervolume: float
    seconds: float


class FrontGeneration(Record):
    """The population of a trade-off after one round; number 0 is the random first one."""

    type: Literal["front-generation"] = "front-generation"
    generation: int
    individuals: tuple[Bred, ...]
    """All different, from the first front to the last."""
    perished: tuple[Bred, ...]
    """Discarded candidates: evaluated in this round but not kept. With `individuals` of all generations, these are all
    evaluated architectures."""
    front: tuple[int, ...]
    """Ids of the feasible architectures that no other one evaluated so far (discarded ones included) dominates, by
    rising first objective."""
    on_true_front: int
    hypervolume: float
    share: float
    """Share of the true front's hypervolume."""
    evaluations: int
    """Number of different architectures evaluated so far."""


class TradeoffSummary(Record):
    """Result of a trade-off search."""

    type: Literal["tradeoff-summary"] = "tradeoff-summary"
    objectives: tuple[str, ...]
    points: int
    """Number of points on the front found."""
    front: tuple[Measured, ...] = ()
    """By rising first objective; omitted from a run's status, because its records contain the front."""
    on_true_front: int
    true_front_size: int
    hypervolume_share: float
    evaluations: int
    seconds: float
    cancelled: bool = False


def _read_latency_model(value: object) -> object:
    from compressor_core.latency_model import read_latency_model  # imports numpy, which a waiting run does not need

    return read_latency_model(value)


if not TYPE_CHECKING:
    LatencyModelField = Annotated[
        Any, PlainValidator(_read_latency_model), PlainSerializer(lambda model: model.to_dict(), when_used="json")
    ]


# Models at work: scores, comparisons, predictions

Interval = tuple[float, float]
"""Lower and upper end of a 95% interval."""


class CardScores(NamedTuple):
    """Scores on the card of a bundled model."""

    size_mb: float
    accuracy: float
    """On its own test split."""
    by_hand: float | None
    """On hand-written code; None if not measured."""


class Machine(Plain):
    """Machine and settings of a timing."""

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
    """One answer: a label, the probability of each label, and the time of tokenisation and model together in ms.

    `tokens` is the number of tokens of each function; the model reads the first `read` of them.
    """

    label: str
    probabilities: dict[str, float]
    milliseconds: float
    tokens: tuple[int, ...] = ()
    read: tuple[int, ...] = ()

    @property
    def number(self) -> int:
        """Number of the predicted class; other models may name the class differently."""
        return list(self.probabilities).index(self.label)


class AlarmThreshold(Plain):
    """Probability of class 1 that at most `share` of the `inputs` clean inputs exceed; `of` describes these inputs."""

    probability: float
    inputs: int
    share: float
    of: str


class Attribution(Plain):
    """Contribution of each line of code to one model's answer, in logits."""

    label: str
    lines: tuple[tuple[float | None, ...], ...]
    """Score of each line (`str.splitlines`) of each function: above 0 for `label`, below 0 against it. None if the
    model did not read the line: it comes after the last token that fits, or contains only text that is left out."""
    margin: float
    baseline: float
    """Margin of empty code; the scores should add up to `margin` minus `baseline`."""
    missing: float
    """Difference between that value and the sum of the scores."""
    gradients: int


class Part(Plain):
    """Accuracy on a subset of the examples."""

    examples: int
    accuracy: float
    interval: Interval
    """Wilson interval of the accuracy."""


class Group(Part):
    """Examples of one kind, such as a CWE."""

    group: str

    @property
    def name(self) -> str:
        return self.group or "other"


class LengthBin(Part):
    """Examples in a range of lengths in characters, both ends included."""

    shortest: int
    longest: int

    @property
    def name(self) -> str:
        return f"{self.shortest:,}–{self.longest:,}"


class ConfidenceBin(Part):
    """Examples whose predicted class has a probability between `above` and `up_to`."""

    above: float
    up_to: float
    confidence: float
    """Mean probability of the predicted class."""

    @property
    def name(self) -> str:
        return f"{self.above:.0%} to {self.up_to:.0%}"


class Scores(Plain):
    """Scores of a model. Precision, recall and F1 are those of class 1, and 0 if undefined."""

    examples: int
    correct: int
    accuracy: float
    precision: float
    recall: float
    f1: float
    confusion: tuple[tuple[int, int], tuple[int, int]]
    """Counts, indexed [gold][predicted]."""
    groups: tuple[Group, ...] = ()


class Evaluation(Scores):
    """Scores of one model, with its rows: `split` is a split or "all"; `rows` describes them in words."""

    split: str
    rows: str


class ScoreIntervals(Plain):
    """An interval for each score, or for each difference of scores."""

    accuracy: Interval
    precision: Interval
    recall: Interval
    f1: Interval


class Reliability(Plain):
    """Non-empty bins of a reliability diagram, and the expected calibration error."""

    ece: float
    bins: tuple[ConfidenceBin, ...]


class Curves(Plain):
    """Points of the ROC and precision-recall curves, and the areas below them."""

    auc: float
    average_precision: float
    positives: float
    """Share of class 1, which is the precision of random guessing."""
    false_positive_rate: tuple[float, ...]
    true_positive_rate: tuple[float, ...]
    recall: tuple[float, ...]
    precision: tuple[float, ...]


class Latency(Plain):
    """Latency of single calls, in ms."""

    median: float
    mean: float
    p90: float
    p95: float
    p99: float
    min: float
    iqr: float
    measurements: int
    samples: tuple[float, ...] = ()
    """Evenly chosen subset of the sorted times."""


class ModelLatency(Latency):
    """Latency of one example at a time, without tokenisation."""

    tokenization: float
    """Median time of tokenisation, in ms."""
    tokens: float
    """Mean number of tokens of an example."""


class McNemar(Plain):
    """McNemar's exact test of two models' paired predictions."""

    only_first: int
    """Examples that only the first model gets right."""
    only_second: int
    p: float
    p_adjusted: float | None = None
    """Holm-corrected for the number of students; None for a single test."""


class Fidelity(Plain):
    """Closeness of a student's probabilities to its teacher's."""

    kl: float
    """Mean Kullback-Leibler divergence KL(teacher ‖ student) in nats, which distillation minimises."""
    absolute_difference: float
    """Mean of |p_teacher − p_student| of class 1."""


class Side(Scores):
    """One model of a comparison."""

    name: str
    model: str
    """Folder of the model."""
    intervals: ScoreIntervals
    calibration: Reliability
    curves: Curves | None = None
    """None if all examples are of one class."""
    lengths: tuple[LengthBin, ...]
    size_mb: float | None = None
    """None if only recorded answers of the teacher are available, so that it cannot be measured; likewise `parameters`
    and `latency`."""
    parameters: int | None = None
    forward_gflops: float | None = None
    """None if the model does not state its architecture; likewise `paper_gflops` and `architecture`."""
    paper_gflops: float | None = None
    architecture: Genes | None = None
    latency: ModelLatency | None = None
    flips: float | None = None
    """Share of the changed examples whose answer flips; None if no example was changed."""
    flips_interval: Interval | None = None
    """Wilson interval of `flips`."""
    written_by_hand: float | None = None
    """Accuracy on the task's functions written by hand, as the model's card has it; None if it has none."""


class StudentSide(Side):
    """One student, compared with the teacher."""

    size_mb: float
    parameters: int
    latency: ModelLatency
    agreement: float
    agreement_interval: Interval
    difference_intervals: ScoreIntervals
    """Intervals of the teacher's scores minus the student's."""
    speedup: float | None = None
    """Ratio of the median latencies; None if the teacher's is not known."""
    mcnemar: McNemar
    fidelity: Fidelity


class Resampling(Plain):
    """Bootstrap settings of the intervals of a comparison."""

    level: float
    resamples: int
    seed: int


class BesideCodeBERT(Plain):
    """Size and latency (not accuracy) of a model of CodeBERT's shape with random weights, beside the first student."""

    size_mb: float
    milliseconds: float
    """Median of single queries, on as many tokens as the student."""
    speedup: float
    examples: int
    tokens: int | None = None
    """Tokens of each function of a query; None in older records, which were measured on the examples themselves."""
    date: str | None = None
    """Day of the measurement; None in older records, which were measured with the comparison."""


class ComparisonSummary(Record):
    """Result of a comparison. The JSON repeats some values of the first student at the top level."""

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
    """A split, or "all"."""
    rows: str = ""
    """Description of the rows in words."""
    examples: int
    latency_examples: int
    changed_examples: int = 0
    """Number of examples with label-preserving changes; 0 if the language is not known."""
    codebert: BesideCodeBERT | None = None
    """None if not requested."""
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
    """One score of an exam. Higher is better for all but alarms."""

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
        """Description: what is counted, and on which examples."""
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
    """A count out of a number of examples."""

    count: int
    examples: int
    share: float
    interval: Interval
    """Wilson interval of the share."""


class Examinee(Plain):
    """One model or baseline of an exam."""

    name: str
    role: Literal["model", "tokens", "rules"]
    """A code model, a token-count baseline, or a tool with hand-written rules."""
    note: str
    """Description."""
    model: str | None = None
    """Folder of the model."""
    scores: Mapping[ExamPart, Rate]
    groups: tuple[Group, ...]
    """Accuracy by weakness on the hand-written functions, or by kind on the pairs."""
    verdict: str | None = None
    """Two sentences about the model."""


class ExamSummary(Record):
    """Result of an exam."""

    type: Literal["exam-summary"] = "exam-summary"
    task: Task
    dataset: str
    data: str | None = None
    models: tuple[Examinee, ...]
    baselines: tuple[Examinee, ...] = ()
    packages: Mapping[str, int] = {}
    """Number of real functions by package; empty if none were used."""
    seconds: float


class PushSummary(Plain):
    """Upload of a model to the hub: its files, and whether they were sent."""

    model: str
    repository: str
    sent: bool
    files: tuple[str, ...]
    size_mb: float


class ReproductionSummary(Scores, Record):
    """Scores of a published student, measured here."""

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
    """One model's answers before and after a label-preserving change."""

    flips: int
    """Number of functions whose predicted class changes."""
    rate: float
    """Share of functions whose predicted class changes."""
    interval: Interval
    """Wilson interval of `rate`."""
    shift: float
    """Mean of |p_after − p_before| of class 1."""
    accuracy: float
    """Accuracy after the change; likewise `ece`."""
    accuracy_before: float
    ece: float
    ece_before: float


class Mimicry(UnderChange):
    """Answers of a student under a change, compared with those of the first model."""

    agreement: float
    """Share of the changed functions on which both predict the same class."""
    agreement_interval: Interval
    agreement_before: float
    distance: float
    """Mean of |p_teacher − p_student| of class 1, after the change."""
    sure: int
    """Number of changed functions on which the first model is sure."""
    sure_as_well: int
    """Number of those on which the student is sure too, with the same answer."""


class ChangedExample(Plain):
    """An example before and after a change, with the probability of class 1 by model."""

    before: tuple[str, ...]
    after: tuple[str, ...]
    changes: tuple[str, ...]
    """Descriptions of the changes."""
    label: int
    group: str
    origin: str
    model: str
    """Model whose probability changes most."""
    probabilities_before: dict[str, float]
    probabilities: dict[str, float]


class ProbedChange(Record):
    """All models under one kind of change."""

    type: Literal["probed-change"] = "probed-change"
    change: str
    description: str
    functions: int
    """Number of functions, or pairs, that were changed."""
    models: dict[str, SerializeAsAny[UnderChange | Mimicry]]
    """By name; empty if nothing was changed."""
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
    """One model's answers to pairs of functions with opposite labels."""

    pairs: int
    changed: int
    """Number of pairs whose two functions get different answers."""
    both_right: int
    interval: Interval
    """Wilson interval of the share with both answers right."""
    worst: ChangedExample | None = None
    """Pair with the closest probabilities among those with the same answer twice."""


class ProbeSummary(Record):
    """Result of a probe. The first model is the reference that the others are compared with."""

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
    """Number of examples; each kind of change applies to some of them."""
    changes: dict[str, ProbedChange]
    """By kind, mixed changes first."""
    pairs: dict[str, PairAnswers]
    """By model; empty if the task has no pairs."""
    sure: float
    """Lowest probability of an answer that counts as sure."""
    seconds: float


# Measurements of costs


class Form(StrEnum):
    """Runtime and number format of a model."""

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
    """Mean number of tokens of a function."""
    padded_tokens: int
    """Number of tokens of a padded function."""
    forms: dict[Form, float]
    """File size in MB of each form."""


class EnergySource(Plain):
    """Source of the energy figures; `reason` is a sentence that says why they are measured, or why not."""

    measured: bool
    reason: str
    watts: float | None = None
    """Power of a busy core, if energy is estimated."""


class MeasurementSetup(Record):
    """First record of a measurement: what is measured, and where."""

    type: Literal["setup"] = "setup"
    models: tuple[MeasuredModel, ...]
    dataset: str
    split: str
    """A split, or "all"."""
    examples: int
    rounds: int
    starts: int
    padded_to: int
    machine: Machine
    energy_source: EnergySource


class MeasuredLatency(Latency, Record):
    """Latency of one model in one form after some rounds; replaces the previous record of the same model and form."""

    type: Literal["latency"] = "latency"
    model: int
    """Index of the model."""
    form: Form
    padded: bool
    rounds: int
    cpu_median: float
    """Median CPU time, in ms."""
    cpu_mean: float
    difference: float | None = None
    """Largest difference between its logits and PyTorch's at the true lengths; None until PyTorch's are known."""


class Throughput(Record):
    """Examples per second of one model and form at one batch size: median, slowest and fastest."""

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
    """Cold start of a process up to its first answer: seconds, and resident memory in MB (10^6 bytes)."""

    imports: float
    """From the start of the interpreter until everything is imported."""
    load: float
    first: float
    """First tokenisation and prediction."""
    imports_mb: float
    peak_mb: float
    label: int | None = None
    """Class that one process predicted."""

    @property
    def seconds(self) -> float:
        return self.imports + self.load + self.first


class ColdStart(Start, Record):
    """Medians of the starts so far of one model and form; replaces the previous record of the same model and form."""

    type: Literal["start"] = "start"
    model: int
    form: Form
    starts: int


class MeasurementSummary(MeasurementSetup):
    """Complete measurement, without the single times."""

    type: Literal["measurement-summary"] = "measurement-summary"  # type: ignore[assignment]
    latency: tuple[MeasuredLatency, ...]
    throughput: tuple[Throughput, ...]
    energy: tuple[Energy, ...]
    start: tuple[ColdStart, ...]
    seconds: float


# Calibrations


class RuntimeLatency(Plain):
    """Latency per query in ms. `mean` is the mean over queries of each query's fastest round, which excludes other load
    on the machine. `median` and `p90` are percentiles of all measurements, each relative to its query's fastest round
    and scaled by `mean`."""

    mean: float
    median: float
    p90: float
    measurements: int


class CalibrationPoint(Genes, Record):
    """One measured architecture; a later record with the same index replaces it."""

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
    """Predictions of the fitted models for one point, in ms by runtime: the total and its parts."""

    type: Literal["prediction"] = "prediction"
    index: int
    latency: dict[str, float]
    parts: dict[str, dict[str, float]]


class PredictionError(Plain):
    """Relative errors on `architectures` architectures that were not used in the fit; None if there are none."""

    median: float | None = None
    worst: float | None = None
    architectures: int


class CalibrationSummary(Record):
    """Result of a calibration: fitted models and their errors, by runtime."""

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
    """Number of tokens of each query with a vocabulary of 1,000."""
    seconds: float


# Exports


class FileLatency(Plain):
    """Latency per query in ms, taking the fastest round of each query."""

    median: float
    p90: float
    rounds: int


class ExportedForm(Plain):
    """One tested ONNX file."""

    size_mb: float
    inputs: int
    """Number of examples on which logits were compared."""
    max_abs_difference: float
    """Largest difference of a logit from PyTorch's."""
    examples: int
    correct: int | None = None
    """None without labels; likewise `accuracy`."""
    accuracy: float | None = None
    latency: FileLatency


class ExportSummary(Record):
    """Result of an export."""

    type: Literal["export-summary"] = "export-summary"
    model: str
    task: Task
    format: str
    files: tuple[str, ...]
    size_mb: float
    """Size of the file; for a bundle, of its folder."""
    max_abs_difference: float
    """Largest difference of a logit from PyTorch's; for a bundle, of the float32 file."""
    forms: dict[str, ExportedForm]
    """By file name."""
    loss_points: float | None = None
    """Accuracy lost by the int8 file, in percentage points; None if not measured."""
    flagged: bool
    warning: str | None = None
    """Warning about the int8 file."""
    dataset: str
    split: str
    labelled: bool
    examples: int
    parameters: int
    weights_mb: float
    machine: Machine
    seconds: float
    zip_mb: float | None = None
    """Only for a bundle; likewise `contents` and `page`."""
    contents: dict[str, float] | None = None
    """Size in MB by file name."""
    page: str | None = None
    """Why the bundle has no browser page; None if it has one."""


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
    """Whether this epoch is better than all earlier ones."""
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
    """Folder of the model."""
    accuracy: float
    flips: float | None = None
    """Share of a sample whose answer flips after label-preserving changes; None if the language is not known."""
    written_by_hand: float | None = None
    """Accuracy on the task's functions written by hand; None if there are none."""
    validation_accuracy: float
    test: Scores
    size_mb: float
    parameters: int
    seconds: float
    cancelled: bool = False
    """Whether training was stopped early; the test then uses only a sample of the split."""


class DistillSummary(TeacherSummary):
    """A distilled student, measured beside its teacher."""

    type: Literal["distill-summary"] = "distill-summary"  # type: ignore[assignment]
    teacher_accuracy: float | None = None
    """None if only recorded answers of the teacher are available and they do not cover the whole test split; likewise
    `agreement`."""
    agreement: float | None = None
    """Share of the examples on which both give the same answer."""
    teacher_flips: float | None = None
    architecture: Genes
    paper_gflops: float


class LabelSummary(Record):
    """Result of labelling a pool. For the clone task, functions are pairs."""

    type: Literal["label-summary"] = "label-summary"
    shards: int
    functions: int
    labelled: int
    """Number of functions labelled in this run."""
    known: int
    """Number of functions labelled before."""
    seconds: float
    """Time spent on labelling."""
    functions_per_second: float | None = None
    """None if nothing was left to label."""
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
    """Share of a sample whose answer flips after label-preserving changes; None if not measured."""
    teacher_flips: float | None = None
    latency_ms: float
    """Median; teacher and student alternate on the same examples."""
    teacher_latency_ms: float
    seconds: float
    """Training time since the training was last started or resumed."""
    model: str
    """Folder of the student."""


class Student(StudyStudent, Record):
    """A finished student of a study."""

    type: Literal["student"] = "student"

    @property
    def line(self) -> str:
        return (
            f"{self.budget_mb:g} MB, seed {self.seed}: accuracy {self.accuracy:.4f} "
            f"(teacher {self.teacher_accuracy:.4f}), {self.size_mb:.3f} MB, {self.latency_ms:.2f} ms"
        )


class LostStudent(Plain):
    """A student of a study that could not be trained, and why."""

    budget_mb: float
    seed: int
    message: str


class Failed(LostStudent, Record):
    """A student of a study failed."""

    type: Literal["failed"] = "failed"

    @property
    def line(self) -> str:
        return f"{self.budget_mb:g} MB, seed {self.seed}: failed: {self.message}"


class BudgetSummary(Plain):
    """Students of one budget: their number, accuracies, and means."""

    budget_mb: float
    students: int
    mean: float
    standard_deviation: float | None = None
    """Sample standard deviation (n − 1); None for one student."""
    min: float
    max: float
    flips: float | None = None
    """Mean; None unless measured for all students."""
    size_mb: float
    latency_ms: float
    teacher_latency_ms: float

    @classmethod
    def each(cls, students: Iterable[StudyStudent]) -> tuple[BudgetSummary, ...]:
        """One summary for each budget with a student, by rising budget."""
        by_budget: dict[float, list[StudyStudent]] = {}
        for student in students:
            by_budget.setdefault(student.budget_mb, []).append(student)
        return tuple(cls.of(by_budget[budget]) for budget in sorted(by_budget))

    @classmethod
    def of(cls, students: Sequence[StudyStudent]) -> BudgetSummary:
        """Summary of the students of one budget; needs at least one."""
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
    """Result of a study of budgets."""

    type: Literal["study-summary"] = "study-summary"
    teacher_accuracy: float | None = None
    """None without any student."""
    planned: int
    """Planned number of students."""
    students: tuple[StudyStudent, ...]
    """By budget and seed; likewise `failed`."""
    failed: tuple[LostStudent, ...]
    budgets: tuple[BudgetSummary, ...]
    machine: Machine
    """Machine on which latencies were measured; on a cluster, the one that made the summary."""
    seconds: float
    """Total of all students."""
    cancelled: bool = False


@cache
def record_classes() -> Mapping[str, type[Record]]:
    """Every class of record by its `type`."""
    found = (one for one in globals().values() if isinstance(one, type) and issubclass(one, Record))
    return {one.model_fields["type"].default: one for one in found if not one.model_fields["type"].is_required()}


def read_record(values: Mapping[str, Any]) -> Record | None:
    """Record read from plain values; None if they are damaged or of unknown type."""
    kind = values.get("type")
    found = record_classes().get(kind) if isinstance(kind, str) else None
    try:
        return found.model_validate(values) if found else None
    except (ValidationError, CompressorError):
        return None
