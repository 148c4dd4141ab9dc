"""A part of a dataset."""

from __future__ import annotations

from pathlib import Path

import pytest

from compressor_core.data.dataset import Dataset, Split
from compressor_core.data.registry import open_dataset
from compressor_core.data.sampled import Sampled
from compressor_core.errors import DataError


def test_what_is_named_is_cut_and_the_rest_is_whole(labelled_file: Path) -> None:
    whole = open_dataset("file", str(labelled_file))
    part: Dataset = Sampled(whole, {Split.TEST: 7, Split.TRAIN: 10**6})
    test = part.examples(Split.TEST)
    assert len(test) == part.size(Split.TEST) == 7
    assert list(test) == [one for one in whole.examples(Split.TEST) if one in test]
    assert part.examples(Split.TEST) == test  # drawn once
    for split in (Split.TRAIN, Split.VALIDATION):
        assert list(part.examples(split)) == list(whole.examples(split))
        assert part.size(split) == whole.size(split)
    assert (part.name, part.task, part.labels, part.fresh) == (whole.name, whole.task, whole.labels, whole.fresh)


def test_another_part_is_another_dataset(labelled_file: Path) -> None:
    whole = open_dataset("file", str(labelled_file))
    parts = [Sampled(whole, most) for most in ({}, {Split.TEST: 7}, {Split.TEST: 8}, {Split.TRAIN: 7})]
    assert len({part.fingerprint for part in parts}) == 4
    assert Sampled(whole, {Split.TEST: 7}).fingerprint == parts[1].fingerprint


def test_nothing_is_no_part(labelled_file: Path) -> None:
    with pytest.raises(DataError, match="keep at least 1"):
        Sampled(open_dataset("file", str(labelled_file)), {Split.TEST: 0})
