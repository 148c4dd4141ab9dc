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


# Searches


class Genes(Plain):
    """The five genes of an architecture, by their Hugging Face names."""

    vocab_size: int
    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    intermediate_size: int

    @property
    def architecture(self) -> Architecture:
        return Architecture(*(getattr(self, gene) for gene in GENES))

    @property
    def short_form(self) -> str:
        """V,H,L,A,I."""
        return ",".join(str(getattr(self, gene)) for gene in GENES)


class Candidate(Genes):
    """One judged architecture."""

    size_mb: float
    """`cap`: exact size of the file. `paper`: 4 bytes times the paper's parameters."""
    paper_gflops: float
    parameters: int
    """`cap`: exact. `paper`: the paper's account."""
    fitness: float
    feasible: bool
    """Whether it is within the limits. In `paper` mode for display only: fitness alone decides."""
    latency_ms: float | None = None
    """Predicted; None without a latency model."""


class Individual(Candidate):
    """A judged architecture of a search."""

    id: int
    """Counts architectures in the order of their birth, from 0."""
    parents: tuple[int, ...]
    """Ids of the one or two it was bred from; empty for the first generation. Always below `id`."""


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


# All of them

AnyRecord = Annotated[
    Progress | Notice | Optimum | Uncertified | Generation | SearchSummary,
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
