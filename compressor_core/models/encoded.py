"""Encoded examples in a few flat arrays, in memory or in a memory-mapped file.

A list of Python integers takes 36 bytes per token; these arrays take two (four for vocabularies of more than 65,536
tokens), and are converted to Python objects only when a batch is read.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from compressor_core.models.inputs import Encoded, FunctionInput, GraphInput

Array = NDArray[Any]
T = TypeVar("T")
_BOUNDS = (("ids", "starts"), ("spans", "span_starts"), ("edges", "edge_starts"))
"""Flat arrays of functions, and the arrays of their start indices; the last entry is the total length."""


class Items(Sequence[T]):
    """A sequence whose items `_item` creates at each access; a slice is a list."""

    def _item(self, index: int) -> T:
        raise NotImplementedError

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...
    def __getitem__(self, index: int | slice) -> T | list[T]:
        if isinstance(index, slice):
            return [self._item(i) for i in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(f"there is no item {index} among {len(self)}")
        return self._item(index % len(self))

    def __eq__(self, other: object) -> bool:
        """Whether `other` is a sequence of equal items."""
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(mine == its for mine, its in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]


class Functions(Items[FunctionInput]):
    """Concatenated functions: the tokens of function i are `ids[starts[i] : starts[i + 1]]`, and so on.

    `spans` and `edges` (…, 2) exist for models that read data flow. Raises ValueError if the arrays are inconsistent.
    """

    def __init__(self, arrays: Mapping[str, Array]) -> None:
        self._bounds = _BOUNDS if "spans" in arrays else _BOUNDS[:1]
        self.arrays = {name: arrays[name] for pair in self._bounds for name in pair}
        for flat, starts in self._bounds:
            bounds = self.arrays[starts]
            fits = len(bounds) == len(arrays["starts"]) > 0 == bounds[0] and bounds[-1] == len(self.arrays[flat])
            if not fits or (np.diff(bounds) < 0).any():
                raise ValueError(f"{starts} are not the bounds of {flat}")

    def __len__(self) -> int:
        return len(self.arrays["starts"]) - 1

    def _item(self, index: int) -> FunctionInput:
        ids, *graph = (part.tolist() for part in self._of(index))
        if not graph:
            return FunctionInput(ids)
        spans, edges = (tuple((a, b) for a, b in part) for part in graph)
        return FunctionInput(ids, GraphInput(spans, edges))

    def key(self, index: int) -> bytes:
        """Key that is equal exactly for equal functions."""
        parts = [part.tobytes() for part in self._of(index)]
        return b"".join([*(len(part).to_bytes(4, "big") for part in parts), *parts])

    @property
    def lengths(self) -> Array:
        """Lengths (functions,), counting tokens and data-flow nodes."""
        return sum((np.diff(self.arrays[starts]) for _, starts in self._bounds[:2]), start=np.zeros(1, np.int64))

    def only(self, numbers: Sequence[int]) -> Functions:
        """Functions with these indices, in this order; itself if these are all, in order."""
        if list(numbers) == list(range(len(self))):
            return self
        some = Flattened()
        for start in range(0, len(numbers), 512):
            some.add([self._item(number) for number in numbers[start : start + 512]])
        return some.done()

    @classmethod
    def joined(cls, parts: Sequence[Functions]) -> Functions:
        """Concatenate the functions of several parts; either all or none have data flow."""
        arrays: dict[str, Array] = {}
        for flat, starts in parts[0]._bounds:
            arrays[flat] = np.concatenate([part.arrays[flat] for part in parts])
            ends = np.cumsum([0, *(len(part.arrays[flat]) for part in parts)])
            shifted = [part.arrays[starts][:-1] + end for part, end in zip(parts, ends[:-1], strict=True)]
            arrays[starts] = np.concatenate([*shifted, ends[-1:]])
        return cls(arrays)

    def _of(self, index: int) -> list[Array]:
        return [
            self.arrays[flat][self.arrays[starts][index] : self.arrays[starts][index + 1]]
            for flat, starts in self._bounds
        ]


class Flattened:
    """Builds `Functions` chunk by chunk; either all or none have data flow."""

    def __init__(self) -> None:
        self._parts: dict[str, list[Array]] = {}

    def add(self, functions: Sequence[FunctionInput]) -> None:
        self._add("ids", "starts", [function.ids for function in functions], np.uint32)
        graphs = [function.graph for function in functions if function.graph is not None]
        if graphs:
            self._add("spans", "span_starts", [list(chain(*graph.spans)) for graph in graphs], np.uint16)
            self._add("edges", "edge_starts", [list(chain(*graph.edges)) for graph in graphs], np.uint16)

    def done(self) -> Functions:
        if not self._parts:
            return Functions({"ids": np.zeros(0, np.uint16), "starts": np.zeros(1, np.int64)})
        arrays = {name: np.concatenate(parts) for name, parts in self._parts.items()}
        for flat, starts in _BOUNDS:
            if flat in arrays:
                width = 1 if flat == "ids" else 2
                arrays[starts] = np.concatenate([[0], arrays[starts].cumsum() // width])
                arrays[flat] = arrays[flat] if width == 1 else arrays[flat].reshape(-1, width)
        if not len(arrays["ids"]) or arrays["ids"].max() < 2**16:
            arrays["ids"] = arrays["ids"].astype(np.uint16)
        return Functions(arrays)

    def _add(self, flat: str, starts: str, rows: Sequence[Sequence[int]], kind: type) -> None:
        sizes = np.fromiter(map(len, rows), np.int64, len(rows))
        self._parts.setdefault(flat, []).append(np.fromiter(chain.from_iterable(rows), kind, int(sizes.sum())))
        self._parts.setdefault(starts, []).append(sizes)


class Examples(Items[Encoded]):
    """Encoded examples: row i of `rows` (examples, functions per example) has the indices of example i's functions."""

    together: int = 1
    """Number of consecutive examples that belong together and are learned in one step."""

    def __init__(self, functions: Functions, rows: Array) -> None:
        self.functions = functions
        self.rows = rows
        if rows.size and not 0 <= rows.min() <= rows.max() < len(functions):
            raise ValueError("the rows name functions that are not there")

    def __len__(self) -> int:
        return len(self.rows)

    def _item(self, index: int) -> Encoded:
        return tuple(self.functions[int(place)] for place in self.rows[index])

    @property
    def lengths(self) -> Array:
        """Lengths (examples,): tokens and nodes of all functions of an example."""
        lengths: Array = self.functions.lengths[self.rows].sum(1)
        return lengths

    def only(self, kept: Array) -> Examples:
        """Examples with these indices; only their rows are copied."""
        return Examples(self.functions, self.rows[kept])

    def distinct(self) -> tuple[Functions, Array]:
        """Distinct functions by content, in the order of the examples, and their indices for each example (examples,
        functions per example)."""
        places: dict[bytes, int] = {}
        numbers: list[int] = []
        seen: dict[int, int] = {}
        for number in self.rows.ravel().tolist():
            if number not in seen:
                seen[number] = places.setdefault(self.functions.key(number), len(numbers))
                if seen[number] == len(numbers):
                    numbers.append(number)
        places_of = np.fromiter((seen[number] for number in self.rows.ravel().tolist()), np.int64, self.rows.size)
        return self.functions.only(numbers), places_of.reshape(self.rows.shape)


class Joined(Items[Encoded]):
    """Concatenated examples of several parts."""

    def __init__(self, parts: Sequence[Examples]) -> None:
        self._parts = parts
        self.together = parts[0].together
        self._starts: list[int] = [0, *np.cumsum([len(part) for part in parts]).tolist()]

    def __len__(self) -> int:
        return self._starts[-1]

    def _item(self, index: int) -> Encoded:
        part = bisect_right(self._starts, index) - 1
        example: Encoded = self._parts[part][index - self._starts[part]]
        return example

    @property
    def lengths(self) -> Array:
        """Lengths (examples,), as of the parts."""
        return np.concatenate([np.zeros(0, np.int32), *(part.lengths.astype(np.int32) for part in self._parts)])


def lengths_of(inputs: Sequence[Encoded]) -> Array:
    """Lengths (examples,); flat arrays are measured without creating the examples."""
    if isinstance(inputs, Examples | Joined):
        return inputs.lengths
    return np.fromiter((sum(map(len, example)) for example in inputs), np.int64, len(inputs))
