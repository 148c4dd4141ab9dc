"""Student architectures and search spaces: the five genes of Compressor (ASE 2022)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Any, Final

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from compressor_core.errors import ArchitectureError, understood

GENES: Final = (
    "vocab_size",
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
)
"""The five genes by their Hugging Face names, in the order of the short form `V,H,L,A,I`."""

LIMITS: Final[Mapping[str, tuple[int, int]]] = {
    "vocab_size": (5, 1_000_000),  # four special tokens and at least one more
    "hidden_size": (1, 16_384),
    "num_hidden_layers": (1, 256),
    "num_attention_heads": (1, 1_024),
    "intermediate_size": (1, 65_536),
}
"""Smallest and largest value of each gene. Within them every closed form of `cost.py` is exact in 64 bits."""

ENUMERABLE: Final = 50_000_000
"""Largest space that is enumerated (a few seconds)."""
MAX_SPACE_SIZE: Final = 10**15
MAX_VALUES: Final = 100_000
"""Largest number of values of a gene."""


@dataclass(frozen=True, order=True)
class Architecture:
    """The shape of one RoBERTa-like student.

    Raises ArchitectureError if a gene is not a whole number within its `LIMITS`, or if the heads do not
    divide the width.
    """

    vocab_size: int
    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    intermediate_size: int

    def __post_init__(self) -> None:
        for gene in GENES:
            _check_gene(gene, getattr(self, gene))
        width, heads = self.hidden_size, self.num_attention_heads
        if width % heads:
            divisor = next(fewer for fewer in range(heads, 0, -1) if width % fewer == 0)
            raise ArchitectureError(
                f"num_attention_heads {heads} does not divide hidden_size {width}: "
                f"choose a number of heads that does, such as {divisor}."
            )

    def to_dict(self) -> dict[str, int]:
        """The five genes by name."""
        return {gene: getattr(self, gene) for gene in GENES}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Architecture:
        """Read the five genes from `values`; other keys are ignored, so a search record works too."""
        missing = [gene for gene in GENES if gene not in values]
        if missing:
            raise ArchitectureError(f"The architecture lacks {', '.join(missing)}: give all of {', '.join(GENES)}.")
        return cls(**{gene: values[gene] for gene in GENES})

    @classmethod
    def parse(cls, text: str) -> Architecture:
        """Read the short form `V,H,L,A,I`, such as `1000,96,12,8,64`; the inverse of `str()`."""
        try:
            values = [int(part) for part in text.split(",")]
        except ValueError:
            values = []
        if len(values) != len(GENES):
            raise ArchitectureError(
                f"'{text}' is not an architecture: give five whole numbers, V,H,L,A,I ({', '.join(GENES)}), "
                "such as 1000,96,12,8,64."
            )
        return cls(*values)

    def __str__(self) -> str:
        return ",".join(str(getattr(self, gene)) for gene in GENES)


@dataclass(frozen=True)
class SearchSpace:
    """Legal values of each gene, as sorted tuples without duplicates.

    Combinations whose heads do not divide the width are not part of the space.

    Raises ArchitectureError if a gene has no value, one beyond its `LIMITS` or more than `MAX_VALUES`, if no number
    of heads divides any width, or if the space holds more than `MAX_SPACE_SIZE` architectures.
    """

    vocab_size: tuple[int, ...]
    hidden_size: tuple[int, ...]
    num_hidden_layers: tuple[int, ...]
    num_attention_heads: tuple[int, ...]
    intermediate_size: tuple[int, ...]

    def __post_init__(self) -> None:
        for gene in GENES:
            values = tuple(getattr(self, gene))
            if not values:
                raise ArchitectureError(f"The search space has no value for {gene}: give at least one.")
            if len(values) > MAX_VALUES:
                raise ArchitectureError(
                    f"The search space has {len(values):,} values for {gene}, more than {MAX_VALUES:,}: "
                    "use larger steps."
                )
            for value in values:
                _check_gene(gene, value)
            object.__setattr__(self, gene, tuple(sorted(set(values))))
        if self.size == 0:
            raise ArchitectureError(
                f"None of the search space's num_attention_heads {self.num_attention_heads} divides any "
                "hidden_size: add 1 head, or widths that are multiples of the heads."
            )
        if self.size > MAX_SPACE_SIZE:
            raise ArchitectureError(
                f"The search space holds {self.size:,} architectures, more than {MAX_SPACE_SIZE:,}: "
                "use larger steps or narrower ranges."
            )

    @classmethod
    def paper(cls) -> SearchSpace:
        """The paper's space, as in its released code: 10,944,000 architectures."""
        return cls(
            vocab_size=tuple(range(1_000, 50_001, 1_000)),
            hidden_size=tuple(range(16, 769, 16)),
            num_hidden_layers=tuple(range(1, 13)),
            num_attention_heads=(1, 2, 4, 8),
            # The paper's text says 3072; the released code stops one step before it.
            intermediate_size=tuple(range(32, 3_041, 32)),
        )

    @classmethod
    def classroom(cls) -> SearchSpace:
        """The paper's space with at most three layers and a vocabulary of at least 2,000: trains in minutes.

        In the paper's space, the architecture with the most GFLOPs has twelve thin layers, the slowest to train at its
        size, and the smallest vocabulary, because the vocabulary barely adds computation. With a vocabulary of 2,000
        instead of 1,000 a student is faster and learns the vulnerability task much sooner and the clone task equally
        well, see docs/results.md.
        """
        paper = cls.paper()
        return replace(
            paper,
            vocab_size=tuple(size for size in paper.vocab_size if size >= 2_000),
            num_hidden_layers=(1, 2, 3),
        )

    @classmethod
    def fastest(cls) -> SearchSpace:
        """The classroom space with one layer: at equal size, fewer and wider layers are faster (docs/results.md)."""
        return replace(cls.classroom(), num_hidden_layers=(1,))

    @cached_property
    def size(self) -> int:
        """Number of architectures in the space."""
        shapes = sum(len(self.heads_for(width)) for width in self.hidden_size)
        return shapes * len(self.vocab_size) * len(self.num_hidden_layers) * len(self.intermediate_size)

    @property
    def enumerable(self) -> bool:
        """Whether the space can be enumerated within seconds."""
        return self.size <= ENUMERABLE

    def heads_for(self, hidden_size: int) -> tuple[int, ...]:
        """The space's numbers of heads that divide `hidden_size`; empty if none does."""
        return tuple(heads for heads in self.num_attention_heads if hidden_size % heads == 0)

    def contains(self, architecture: Architecture) -> bool:
        """Whether every gene of `architecture` has a value of the space."""
        return all(getattr(architecture, gene) in getattr(self, gene) for gene in GENES)

    @property
    def name(self) -> str | None:
        """Key in `SPACES`; None for a custom space."""
        return next((name for name, made in SPACES.items() if made() == self), None)

    def __str__(self) -> str:
        return self.name or str(self.to_dict())

    def smallest(self) -> Architecture:
        """The architecture with the fewest parameters (and the fewest heads among those)."""
        width = next(width for width in self.hidden_size if self.heads_for(width))
        return Architecture(
            vocab_size=self.vocab_size[0],
            hidden_size=width,
            num_hidden_layers=self.num_hidden_layers[0],
            num_attention_heads=self.heads_for(width)[0],
            intermediate_size=self.intermediate_size[0],
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values: `{"from", "to", "step"}` for a gene with even steps, else the list of its values."""
        return {gene: _compact(getattr(self, gene)) for gene in GENES}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> SearchSpace:
        """Inverse of `to_dict`; a gene may be a range, `to` included, or a list."""
        with understood("The search space", ArchitectureError):
            unknown = sorted(set(values) - set(GENES), key=str)
            missing = [gene for gene in GENES if gene not in values]
            if unknown or missing:
                raise ArchitectureError(
                    f"The search space has unknown genes {unknown} and lacks {missing}: "
                    f"give exactly {', '.join(GENES)}."
                )
            return cls(**{gene: tuple(_expand(gene, values[gene])) for gene in GENES})


SPACES: Final[Mapping[str, Callable[[], SearchSpace]]] = {
    "classroom": SearchSpace.classroom,
    "paper": SearchSpace.paper,
    "fastest": SearchSpace.fastest,
}
"""Named spaces; the first is the default everywhere."""


def read_architecture(value: object) -> Architecture:
    """An architecture from its short form or a mapping of its genes. Raises ArchitectureError for anything else."""
    if isinstance(value, Architecture):
        return value
    return Architecture.from_dict(value) if isinstance(value, Mapping) else Architecture.parse(str(value))


def read_space(value: object) -> SearchSpace:
    """A search space from its name or what `to_dict` returns. Raises ArchitectureError for anything else."""
    if isinstance(value, SearchSpace):
        return value
    if isinstance(value, str) and value in SPACES:
        return SPACES[value]()
    if not isinstance(value, Mapping):
        raise ArchitectureError(f"there is no search space {value!r}: choose {' or '.join(SPACES)}, or give its genes")
    return SearchSpace.from_dict(value)


ArchitectureField = Annotated[
    Architecture,
    PlainValidator(read_architecture),
    PlainSerializer(str, when_used="json"),
    WithJsonSchema({"type": "string", "description": "an architecture, such as 1000,96,12,8,64"}),
]
"""A field of settings or records: reads `V,H,L,A,I`, a mapping or an Architecture; JSON has the short form."""

SpaceField = Annotated[
    SearchSpace,
    PlainValidator(read_space),
    PlainSerializer(SearchSpace.to_dict, when_used="json"),
    WithJsonSchema({"type": "object", "description": "a search space: its name, or the values of each gene"}),
]
"""A field of settings: reads a space's name, a mapping or a SearchSpace; JSON has the values of each gene."""


def _check_gene(gene: str, value: object) -> None:
    low, high = LIMITS[gene]
    if type(value) is not int or not low <= value <= high:  # `type`, because True is an int
        raise ArchitectureError(f"{gene} must be a whole number from {low:,} to {high:,}, not {value!r}.")


def _compact(values: tuple[int, ...]) -> dict[str, int] | list[int]:
    steps = {after - before for before, after in pairwise(values)}
    if len(values) < 3 or len(steps) != 1:
        return list(values)
    return {"from": values[0], "to": values[-1], "step": steps.pop()}


def _expand(gene: str, values: Mapping[str, Any] | Iterable[int]) -> Iterable[int]:
    remedy = 'give it as {"from": …, "to": …, "step": …} with a positive step, or as a list of whole numbers'
    if isinstance(values, Mapping):
        if set(values) != {"from", "to", "step"}:
            raise ArchitectureError(f"The search space has {dict(values)!r} for {gene}: {remedy}.")
        for bound in (values["from"], values["to"]):
            _check_gene(gene, bound)
        step = values["step"]
        if type(step) is not int or step < 1:
            raise ArchitectureError(f"The search space has the step {step!r} for {gene}: {remedy}.")
        return range(values["from"], values["to"] + 1, step)
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise ArchitectureError(f"The search space has {values!r} for {gene}: {remedy}.")
    return values
