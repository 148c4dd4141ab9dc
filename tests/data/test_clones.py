"""The classroom's clone pairs: what is a clone, what is not, and what does not give it away."""

from __future__ import annotations

import ast
import re
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from benchmarks.classroom import token_overlap
from compressor_core.data.classroom import split_of
from compressor_core.data.clones import DIFFERENT, ClassroomClone, overlap, shape, tokens, unseen_pairs
from compressor_core.data.dataset import Example, Split
from compressor_core.data.near_misses import Miss, without_own_names
from tests.data.test_classroom_vulnerability import information


@pytest.fixture(scope="module")
def test_pairs() -> list[Example]:
    return list(ClassroomClone().examples(Split.TEST))


def test_pairs_can_be_parsed_and_are_balanced(test_pairs: list[Example]) -> None:
    assert len(test_pairs) == ClassroomClone().size(Split.TEST)
    for example in test_pairs[::5]:
        assert len(example.codes) == 2
        for code in example.codes:
            ast.parse(code)
    assert 0.45 < np.mean([example.label for example in test_pairs]) < 0.55
    assert {e.group for e in test_pairs if e.label} == {"type 1", "type 2", "type 3"}
    assert {e.group for e in test_pairs if not e.label} == {*Miss, *DIFFERENT}
    assert 0.28 < np.mean([e.group in set(Miss) for e in test_pairs]) < 0.36


def test_a_near_miss_is_drawn_beside_the_clone_that_it_misses(test_pairs: list[Example]) -> None:
    for one, other in zip(test_pairs[::2], test_pairs[1::2], strict=True):
        assert {one.label, other.label} == {0, 1} and one.origin == other.origin
        clone, miss = (one, other) if one.label else (other, one)
        (side,) = (i for i in (0, 1) if clone.codes[i] == miss.codes[i])
        assert without_own_names(clone.codes[1 - side]) != without_own_names(miss.codes[1 - side])


MOST_INFORMATION = 0.02
"""Bits that the presence of a token, or of two neighbours, in either function of a pair may tell of the label."""


def test_no_token_and_no_pair_of_tokens_of_one_function_tells_the_label() -> None:
    seen: tuple[Counter[tuple[str, ...]], Counter[tuple[str, ...]]] = Counter(), Counter()
    pairs = [example for split in (Split.VALIDATION, Split.TEST) for example in ClassroomClone().examples(split)]
    for example in pairs:
        for code in example.codes:
            found = re.findall(r"\w+|[^\w\s]", code)
            seen[example.label].update({*((token,) for token in found), *pairwise(found)})
    clones = 2 * sum(example.label for example in pairs)
    told = {
        token: information(seen[1][token], clones, seen[0][token], 2 * len(pairs) - clones)
        for token in seen[0] | seen[1]
    }
    worst = sorted(told, key=told.__getitem__)[-5:]
    assert max(told.values()) <= MOST_INFORMATION, {token: told[token] for token in worst}


def test_splits_share_no_module() -> None:
    dataset = ClassroomClone()
    modules = {split: {e.origin for e in dataset.examples(split)} for split in (Split.VALIDATION, Split.TEST)}
    assert not modules[Split.VALIDATION] & modules[Split.TEST]
    assert all(split_of(module) is split for split, found in modules.items() for module in found)


def test_token_overlap_alone_does_not_tell_clones() -> None:
    assert 0.55 < token_overlap(ClassroomClone()) <= 0.7


def test_validation_is_fixed_and_training_is_drawn_anew() -> None:
    dataset = ClassroomClone(seed=3)
    again = ClassroomClone(seed=3)
    assert dataset.examples(Split.VALIDATION, 0) == again.examples(Split.VALIDATION, 5)
    assert dataset.fingerprint == again.fingerprint != ClassroomClone(seed=4).fingerprint
    assert dataset.examples(Split.VALIDATION)[:9] != ClassroomClone(seed=4).examples(Split.VALIDATION)[:9]


def test_unlabelled_pairs_differ_from_epoch_to_epoch() -> None:
    dataset = ClassroomClone()
    first, second = (dataset.examples(Split.UNLABELLED, epoch) for epoch in (0, 1))
    assert len(first) == len(second)
    # The shortest functions have few rewritings of type 1, so a handful comes again.
    assert len({e.codes for e in first} & {e.codes for e in second}) < len(first) / 100


def test_shape_sees_structure_and_not_names() -> None:
    assert shape("def f(a):\n    return a + 1") == shape("def g(b):\n    return b + 2")
    assert shape("def f(a):\n    return a + 1") != shape("def f(a):\n    if a:\n        return a")


def test_overlap_is_jaccard_similarity() -> None:
    assert overlap(tokens("a b c"), tokens("b c d")) == pytest.approx(0.5)


def test_unseen_rewritings_are_for_clones_and_others_alike(test_pairs: list[Example]) -> None:
    pairs = unseen_pairs()
    assert len(pairs) > len(test_pairs) / 4 and pairs == unseen_pairs()
    assert {e.origin for e in pairs} <= {e.origin for e in test_pairs}
    assert 0.45 < np.mean([example.label for example in pairs]) < 0.55
    for label in (0, 1):
        of_one = [example for example in pairs if example.label == label]
        assert sum("list()" in " ".join(e.codes) or "next(" in " ".join(e.codes) for e in of_one) > len(of_one) / 5
    for example in pairs[::5]:
        for code in example.codes:
            ast.parse(code)
