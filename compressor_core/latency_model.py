"""Latency prediction: the time of one query on a calibrated machine, from the genes alone.

The time of one forward pass is a sum of parts, each proportional to a count: layers started, multiplications, numbers
read or written. A calibration (`evaluate/calibration.py`) measures a sample of architectures; `LatencyModel.fit` finds
a non-negative price for each part, and `predict` adds the parts up for any architecture.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from compressor_core.cost import Genes, IntArray
from compressor_core.errors import SettingsError, understood
from compressor_core.task import PairFeatures, Task

FloatArray = NDArray[np.float64]


class Runtime(StrEnum):
    """Runtime that executes the model."""

    ONNX = "onnxruntime"
    PYTORCH = "pytorch"


@dataclass(frozen=True)
class Part:
    """One part of the time of a query, as counts that are functions of the genes.

    `counts` maps a power of the number of tokens (0, 1 or 2: per function, per token, per pair of tokens) to the count
    that it is multiplied with.
    """

    name: str
    counts: Mapping[int, Callable[[Genes], IntArray]]


PARTS: Final[Sequence[Part]] = (
    Part("call", {0: lambda g: np.ones_like(g.num_hidden_layers)}),
    Part("layers", {0: lambda g: g.num_hidden_layers}),
    Part("weights", {0: lambda g: g.num_hidden_layers * g.hidden_size * (2 * g.hidden_size + g.intermediate_size)}),
    Part("states", {1: lambda g: g.num_hidden_layers * g.hidden_size}),
    Part(
        "products",
        {
            1: lambda g: g.num_hidden_layers * g.hidden_size * (2 * g.hidden_size + g.intermediate_size),
            2: lambda g: g.num_hidden_layers * g.hidden_size,
        },
    ),
    Part("activations", {1: lambda g: g.num_hidden_layers * g.intermediate_size}),
    Part("attention", {2: lambda g: g.num_hidden_layers * g.num_attention_heads}),
)
"""Parts of the time of a query.

- call: constant for every model;
- layers: the operators of each layer are started one after the other;
- weights: pairs of numbers in the layers' matrices, which are read for each function regardless of its length;
- states: numbers in the hidden states, which residuals and norms read and write;
- products: multiply-adds of the layers' matrix products, in pairs (a quarter of `cost.forward_flops`);
- activations: numbers between the two feed-forward layers, each through a GELU;
- attention: attention weights of every head, each through a softmax.

Chosen by measurement on 92 architectures and two tasks: separate parts for each head of a layer, for each token, or for
projections and feed-forward layers predict no better. No part falls when a gene other than the vocabulary grows.
"""
_NAMES: Final = tuple(part.name for part in PARTS)


@dataclass(frozen=True)
class Lengths:
    """Token counts of a query by vocabulary size; a smaller vocabulary splits code into more tokens.

    `tokens` and `squares` are means over the calibration's queries of the sum of n and of n² over the functions of
    the query (two for the clone task), at each of the increasing `vocab_sizes`. Between these sizes, both are
    interpolated in the logarithm of the vocabulary; beyond them, they are constant.

    Raises SettingsError for values that do not define such a curve.
    """

    vocab_sizes: tuple[int, ...]
    tokens: tuple[float, ...]
    squares: tuple[float, ...]

    def __post_init__(self) -> None:
        sizes = np.asarray(self.vocab_sizes, np.float64)
        values = np.asarray([self.tokens, self.squares], np.float64) if self._of_one_size() else np.array([])
        if not (
            sizes.size
            and values.shape == (2, sizes.size)
            and np.isfinite(values).all()
            and (values > 0).all()
            and sizes[0] > 0
            and (np.diff(sizes) > 0).all()
        ):
            raise SettingsError(
                f"the lengths of functions need positive tokens and squares for each of the increasing vocabularies "
                f"{list(self.vocab_sizes)}: calibrate again"
            )

    def _of_one_size(self) -> bool:
        return len(self.vocab_sizes) == len(self.tokens) == len(self.squares)

    def at(self, vocab_size: IntArray) -> tuple[FloatArray, FloatArray]:
        """Mean tokens and mean squares of a query, in the shape of `vocab_size`."""
        at, known = np.log(vocab_size), np.log(self.vocab_sizes)
        return np.interp(at, known, self.tokens), np.interp(at, known, self.squares)


@dataclass(frozen=True)
class LatencyModel:
    """Price of each of the `PARTS` on one machine, in milliseconds per count, and the token counts of its queries.

    Raises SettingsError unless each part has one finite, non-negative price.
    """

    runtime: Runtime
    task: Task
    pair_features: PairFeatures
    lengths: Lengths
    prices: tuple[float, ...]

    def __post_init__(self) -> None:
        prices = np.asarray(self.prices, np.float64)
        if len(prices) != len(PARTS) or not np.isfinite(prices).all() or (prices < 0).any():
            raise SettingsError(
                f"a latency model has one price, not below zero, for each of {', '.join(_NAMES)}, "
                f"not {list(self.prices)}: calibrate again"
            )

    @classmethod
    def fit(
        cls,
        runtime: Runtime,
        task: Task,
        pair_features: PairFeatures,
        lengths: Lengths,
        genes: Genes,
        tokens: FloatArray,
        squares: FloatArray,
        milliseconds: FloatArray,
    ) -> LatencyModel:
        """Fit the prices to measured `milliseconds` of single queries.

        The arrays are one-dimensional, with one entry per query and architecture: its genes, the sum of n and of n²
        over the functions of the query, its time. Queries of different lengths separate the constant costs from those
        per token and per pair of tokens.

        The fit is a non-negative least squares of the relative errors, so that a fast architecture counts as much as
        a slow one (Lawson and Hanson, Solving Least Squares Problems, 1974; SciPy's implementation).

        Raises SettingsError if there is nothing to fit, or a time is not a positive number.
        """
        from scipy.optimize import nnls

        times = np.asarray(milliseconds, np.float64)
        if not times.size or not np.isfinite(times).all() or (times <= 0).any():
            raise SettingsError("a latency model needs measured times, all above zero: measure architectures first")
        counts = [np.broadcast_to(count, times.shape) for count in _counts(genes, tokens, squares)]
        relative = np.stack(counts, axis=-1) / times[:, None]
        scale = np.linalg.norm(relative, axis=0)  # counts differ by many orders of magnitude
        found, _ = nnls(relative / scale, np.ones_like(times))
        return cls(runtime, task, pair_features, lengths, tuple(float(price) for price in found / scale))

    def predict(self, genes: Genes) -> FloatArray:
        """Milliseconds of one query at batch size 1, as a mean over the calibration's queries.

        The result has the genes' common shape; genes broadcast as in `cost.py`.
        """
        # Sum by power of the tokens first: the vocabulary axis then enters in only two products.
        by_power: list[Any] = [0.0, 0.0, 0.0]
        for part, price in zip(PARTS, self.prices, strict=True):
            for power, count in part.counts.items():
                by_power[power] = by_power[power] + price * count(genes)
        tokens, squares = self.lengths.at(genes.vocab_size)
        once, per_token, per_pair = by_power
        total: FloatArray = once + tokens * per_token + squares * per_pair
        return np.broadcast_to(total, np.broadcast_shapes(total.shape, *(gene.shape for gene in genes)))

    def parts(self, genes: Genes) -> dict[str, FloatArray]:
        """The milliseconds of `predict` by part, each in the genes' common shape."""
        shape = np.broadcast_shapes(*(gene.shape for gene in genes))
        counts = zip(PARTS, self.prices, _counts(genes, *self.lengths.at(genes.vocab_size)), strict=True)
        return {part.name: np.broadcast_to(price * count, shape) for part, price, count in counts}

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "runtime": self.runtime.value,
            "task": self.task.value,
            "pair_features": self.pair_features.value,
            "vocab_sizes": list(self.lengths.vocab_sizes),
            "tokens": list(self.lengths.tokens),
            "squares": list(self.lengths.squares),
            "prices": dict(zip(_NAMES, self.prices, strict=True)),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> LatencyModel:
        """Inverse of `to_dict`. Raises SettingsError for anything else."""
        with understood("the latency model, which a calibration makes,"):
            prices = dict(values["prices"])
            if set(prices) != set(_NAMES):
                raise SettingsError(
                    f"a latency model prices {', '.join(_NAMES)}, not {', '.join(map(str, prices))}: calibrate again"
                )
            return cls(
                runtime=Runtime(values["runtime"]),
                task=Task(values["task"]),
                pair_features=PairFeatures(values["pair_features"]),
                lengths=Lengths(*(tuple(values[key]) for key in ("vocab_sizes", "tokens", "squares"))),
                prices=tuple(float(prices[name]) for name in _NAMES),
            )


def read_latency_model(value: object) -> LatencyModel:
    """A latency model from what `to_dict` returns. Raises SettingsError for anything else."""
    return value if isinstance(value, LatencyModel) else LatencyModel.from_dict(value)  # type: ignore[arg-type]


LatencyModelField = Annotated[
    LatencyModel,
    PlainValidator(read_latency_model),
    PlainSerializer(LatencyModel.to_dict, when_used="json"),
    WithJsonSchema({"type": "object", "description": "a latency model, which a calibration makes"}),
]
"""A field of settings: reads a mapping or a LatencyModel."""


def _counts(genes: Genes, tokens: FloatArray, squares: FloatArray) -> list[FloatArray]:
    """Count of each of the `PARTS` in a query with these numbers of tokens."""
    powers: tuple[FloatArray, ...] = (np.ones(1), tokens, squares)
    terms = ([powers[power] * count(genes) for power, count in part.counts.items()] for part in PARTS)
    return [np.asarray(sum(some), np.float64) for some in terms]
