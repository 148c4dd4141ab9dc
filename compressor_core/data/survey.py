"""Statistics of a dataset: sizes, balance, lengths, duplicates, and overlap of its splits."""

from __future__ import annotations

import functools
import hashlib
import math
import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from statistics import median

from compressor_core.data.dataset import UNKNOWN, Dataset, Example, Split
from compressor_core.data.files import FileDataset
from compressor_core.records import SharedFunctions, SplitSize, Survey

_TOKEN = re.compile(r"\w+|[^\w\s]")
"""A word or a punctuation mark, as a reader would count them. A model's tokenizer splits words further."""


def survey(dataset: Dataset, parts: Mapping[Split, Sequence[Example]] | None = None) -> Survey:
    """Compute statistics of a dataset; `parts` are its `splits_of`, if already known.

    Functions that differ only in white space count as the same; so does a pair in either order.
    """
    parts = splits_of(dataset) if parts is None else parts
    lengths: dict[bytes, int] = {}
    longest: tuple[int, str, str] = (0, "", "")
    first: dict[tuple[bytes, ...], Example] = {}
    labels: dict[tuple[bytes, ...], int] = {}
    duplicates, conflicts = 0, 0
    conflict: tuple[str, str] | None = None
    by_split: dict[Split, set[bytes]] = {}
    same = functools.cache(_same)  # pairs repeat few functions many times
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
    edges, counts = _histogram(list(lengths.values()))
    return Survey(
        labels=dataset.labels,
        language=None if dataset.language is None else str(dataset.language),
        fresh=dataset.fresh,
        splits=tuple(
            SplitSize(
                split=str(split),
                examples=len(examples),
                positive=sum(example.label == 1 for example in examples),
                unlabelled=sum(example.label == UNKNOWN for example in examples),
            )
            for split, examples in parts.items()
        ),
        functions=len(lengths),
        edges=edges,
        functions_by_length=counts,
        median=median(lengths.values()),
        longest_tokens=longest[0],
        longest_characters=len(longest[1]),
        longest_origin=longest[2],
        duplicates=duplicates,
        conflicts=conflicts,
        conflict=conflict,
        shared=tuple(
            SharedFunctions(
                split=str(split),
                functions=len(by_split[split] & training),
                of=len(by_split[split]),
                examples=sum(any(same(code) in training for code in e.codes) for e in parts[split]),
            )
            for split in (Split.VALIDATION, Split.TEST)
            if split in parts
        ),
        notes=dataset.notes if isinstance(dataset, FileDataset) else (),
    )


def splits_of(dataset: Dataset) -> dict[Split, Sequence[Example]]:
    """Non-empty splits of a dataset that are the same in every epoch."""
    fixed = (Split.VALIDATION, Split.TEST) if dataset.fresh else tuple(Split)
    return {split: dataset.examples(split) for split in fixed if dataset.size(split)}


def _same(code: str) -> bytes:
    return hashlib.blake2b(" ".join(code.split()).encode("utf-8", "surrogatepass"), digest_size=12).digest()


def _histogram(lengths: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Edges that double every two bins, the last one above the longest, and the counts between them."""
    low = math.floor(2 * math.log2(max(min(lengths), 1)))
    high = math.floor(2 * math.log2(max(*lengths, 1))) + 1
    edges = sorted({math.ceil(2 ** (step / 2)) for step in range(low, high + 1)})
    counts = [0] * (len(edges) - 1)
    for length in lengths:
        counts[max(bisect_right(edges, length) - 1, 0)] += 1
    return tuple(edges), tuple(counts)
