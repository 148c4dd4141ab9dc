"""What work yields and returns: one frozen class a kind of record.

A core loop is a generator that yields records and returns its summary. A worker writes both as lines of
`events.jsonl`, and `read_record` turns a line back into the class that `type` names; a notebook and the command line
take them as they come. What is None is not written, so an optional field has the default None.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from functools import cache
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from compressor_core.architecture import GENES, Architecture

T = TypeVar("T")


class Plain(BaseModel):
    """A frozen part of a record. Fields that are not known are ignored when it is read."""

    model_config = ConfigDict(frozen=True)


class Record(Plain):
    """One record; subclasses give `type` its only value."""

    type: str
    time: float | None = None
    """Seconds at work when the worker wrote it; None where no worker did."""

    def plain(self) -> dict[str, Any]:
        """Plain values for people and programs, without `type`, `time` and what is None."""
        return self.model_dump(mode="json", exclude={"type", "time"}, exclude_none=True)

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
    """Measured on a student of this architecture; None without one."""
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
    | TradeoffSummary,
    Field(discriminator="type"),
]


@cache
def _adapter() -> TypeAdapter[Any]:
    return TypeAdapter(AnyRecord)


def read_record(values: Mapping[str, Any]) -> Record | None:
    """The record that plain values stand for; None if they are damaged or of no known type."""
    try:
        record: Record = _adapter().validate_python(values)
    except ValidationError:
        return None
    return record
