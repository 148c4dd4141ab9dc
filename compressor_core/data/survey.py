"""Contents of a dataset in figures: sizes, balance, lengths, duplicates, and what its splits share."""

from __future__ import annotations

import functools
import hashlib
import math
import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from compressor_core.data.dataset import UNKNOWN, Dataset, Example, Split
from compressor_core.data.files import FileDataset

_TOKEN = re.compile(r"\w+|[^\w\s]")
"""A word or a sign: what a reader of code would count. A model's tokenizer cuts words finer."""


def survey(dataset: Dataset, parts: Mapping[Split, Sequence[Example]] | None = None) -> dict[str, Any]:
    """The record of a dataset; of one that is drawn anew every epoch, of the splits that are not.

    `parts` are its `splits_of`, if at hand.

    Functions are the same if they differ in white space alone; a pair is the same in either order. The record has

    - splits: for each that is not empty, split, examples, positive, unlabelled (examples without a label)
    - lengths: of the distinct functions in words and signs: edges and counts of a histogram, median, and longest
      (tokens, characters, origin)
    - functions: distinct ones; duplicates: examples that are there already
    - conflicts: examples that are there already with the other label; conflict: the origins of the first two
    - shared: for validation and test: split, functions that the training splits have too, of how many, and examples
      with such a function
    - labels, task, language, fresh, notes
    """
    parts = splits_of(dataset) if parts is None else parts
    lengths: dict[bytes, int] = {}
    longest: tuple[int, str, str] = (0, "", "")
    first: dict[tuple[bytes, ...], Example] = {}
    labels: dict[tuple[bytes, ...], int] = {}
    duplicates, conflicts = 0, 0
    conflict: tuple[str, str] | None = None
    by_split: dict[Split, set[bytes]] = {}
    same = functools.cache(_same)  # pairs name few functions many times
    for split, examples in parts.items():
        functions = by_split.setdefault(split, set())
        for example in examples:
            keys = [same(code) for code in example.codes]
            functions.update(keys)
            for key, code in zip(keys, example.codes, strict=True):
                if key not in lengths:
                    lengths[key] = len(_TOKEN.findall(code))
                    if lengths[key] > longest[0]:
                        longest = (lengths[key], code, example.origin)
            whole = tuple(sorted(keys))
            if whole not in first:
                first[whole] = example
                labels[whole] = example.label
                continue
            duplicates += 1
            if UNKNOWN not in (example.label, labels[whole]) and example.label != labels[whole]:
                conflicts += 1
                conflict = conflict or (first[whole].origin, example.origin)
    training = by_split.get(Split.TRAIN, set()) | by_split.get(Split.UNLABELLED, set())
    return {
        "task": str(dataset.task),
        "labels": list(dataset.labels),
        "language": None if dataset.language is None else str(dataset.language),
        "fresh": dataset.fresh,
        "splits": [_size(split, examples) for split, examples in parts.items()],
        "functions": len(lengths),
        "lengths": _histogram(list(lengths.values())),
        "longest": {"tokens": longest[0], "characters": len(longest[1]), "origin": longest[2]},
        "duplicates": duplicates,
        "conflicts": conflicts,
        "conflict": conflict and list(conflict),
        "shared": [
            {
                "split": str(split),
                "functions": len(by_split[split] & training),
                "of": len(by_split[split]),
                "examples": sum(any(same(code) in training for code in e.codes) for e in parts[split]),
            }
            for split in (Split.VALIDATION, Split.TEST)
            if split in parts
        ],
        "notes": list(dataset.notes) if isinstance(dataset, FileDataset) else [],
    }


def splits_of(dataset: Dataset) -> dict[Split, Sequence[Example]]:
    """The splits of a dataset that have examples, and the same ones in every epoch."""
    fixed = (Split.VALIDATION, Split.TEST) if dataset.fresh else tuple(Split)
    return {split: dataset.examples(split) for split in fixed if dataset.size(split)}


def _size(split: Split, examples: Sequence[Example]) -> dict[str, Any]:
    return {
        "split": str(split),
        "examples": len(examples),
        "positive": sum(example.label == 1 for example in examples),
        "unlabelled": sum(example.label == UNKNOWN for example in examples),
    }


def _same(code: str) -> bytes:
    return hashlib.blake2b(" ".join(code.split()).encode("utf-8", "surrogatepass"), digest_size=12).digest()


def _histogram(lengths: Sequence[int]) -> dict[str, Any]:
    """Counts between edges that double every two bars; the last edge is above the longest."""
    low = math.floor(2 * math.log2(max(min(lengths), 1)))
    high = math.floor(2 * math.log2(max(*lengths, 1))) + 1
    edges = sorted({math.ceil(2 ** (step / 2)) for step in range(low, high + 1)})
    counts = [0] * (len(edges) - 1)
    for length in lengths:
        counts[max(bisect_right(edges, length) - 1, 0)] += 1
    return {"edges": edges, "counts": counts, "median": median(lengths)}
