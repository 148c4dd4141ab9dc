"""The classroom's clone pairs: what is a clone, what is not, and what does not give it away."""

from __future__ import annotations

import ast

import numpy as np
import pytest

from benchmarks.classroom import token_overlap
from compressor_core.data.classroom import split_of
from compressor_core.data.clones import ClassroomClone, overlap, shape, tokens, unseen_pairs
from compressor_core.data.dataset import Example, Split


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
    assert {e.group for e in test_pairs if not e.label} == {"look-alikes", "others"}


def test_splits_share_no_module() -> None:
    dataset = ClassroomClone()
    modules = {split: {e.origin for e in dataset.examples(split)} for split in (Split.VALIDATION, Split.TEST)}
    assert not modules[Split.VALIDATION] & modules[Split.TEST]
    assert all(split_of(module) is split for split, found in modules.items() for module in found)


def test_token_overlap_alone_does_not_tell_clones() -> None:
    assert 0.6 < token_overlap(ClassroomClone()) <= 0.85


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
