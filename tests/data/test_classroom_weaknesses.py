"""The classroom vulnerability data: what it is made of, and that nothing leaks."""

from __future__ import annotations

import ast
import math
import random
import re
from collections import Counter
from itertools import pairwise

import pytest

from compressor_core.data.classroom import drawn, split_of
from compressor_core.data.classroom_weaknesses import CLEAN_GROUP, ClassroomWeaknesses, Unseen, unseen, woven
from compressor_core.data.dataset import Split
from compressor_core.data.hosts import UNSAFE_ALREADY
from compressor_core.data.weaknesses import catalogue

DATASET = ClassroomWeaknesses()
DRAWN = (Split.UNLABELLED, Split.VALIDATION, Split.TEST)
"""The splits that are drawn here; the training split is drawn as the unlabelled one, and takes longer."""


def test_no_module_is_in_two_splits() -> None:
    modules = {split: {host.module for host in DATASET.hosts(split)} for split in Split}
    for split in Split:
        others = set().union(*(modules[other] for other in Split if other is not split))
        assert not modules[split] & others
        assert len(modules[split]) > 10


@pytest.mark.parametrize("split", DRAWN)
def test_a_third_is_clean_a_third_safe_and_a_third_vulnerable(split: Split) -> None:
    examples = DATASET.examples(split)
    assert len(examples) == DATASET.size(split)
    for share in (
        sum(example.label for example in examples) / len(examples),
        sum(example.group == CLEAN_GROUP for example in examples) / len(examples),
    ):
        assert abs(share - 1 / 3) < 0.04
    assert not any(example.label for example in examples if example.group == CLEAN_GROUP)


def test_the_same_seed_gives_the_same_data() -> None:
    again = ClassroomWeaknesses()
    assert drawn.__wrapped__(again, Split.TEST, 0) == DATASET.examples(Split.TEST)
    assert again.fingerprint == DATASET.fingerprint
    assert ClassroomWeaknesses(seed=1).fingerprint != DATASET.fingerprint


def test_training_is_drawn_anew_each_epoch_and_the_test_split_is_fixed() -> None:
    for split in (Split.UNLABELLED,):
        first, second = ({e.codes[0] for e in DATASET.examples(split, epoch)} for epoch in (0, 1))
        assert len(first & second) < 0.25 * len(first)  # a fifth are real functions as they stand
        assert len(DATASET.examples(split, 0)) == len(DATASET.examples(split, 1))
    for split in (Split.VALIDATION, Split.TEST):
        assert DATASET.examples(split, 0) == DATASET.examples(split, 7)


def test_every_example_is_valid_python() -> None:
    for example in [*DATASET.examples(Split.TEST), *(e for kind in Unseen for e in unseen(kind))]:
        compile(example.codes[0], "", "exec", ast.PyCF_ONLY_AST)


def test_hosts_carry_no_weakness_of_their_own() -> None:
    assert not any(UNSAFE_ALREADY.search(host.source) for split in Split for host in DATASET.hosts(split))


def test_what_is_unseen_is_in_no_split() -> None:
    kept = {weakness.cwe for weakness in catalogue() if weakness.unseen}
    assert kept and {example.group for example in unseen(Unseen.WEAKNESS)} == kept
    for split in DRAWN:
        assert not kept & {example.group for example in DATASET.examples(split)}
    for kind in Unseen:
        examples = unseen(kind)
        assert examples == unseen(kind) and {split_of(example.origin) for example in examples} == {Split.TEST}
        assert abs(sum(example.label for example in examples) / len(examples) - 0.5) < 0.05


MOST_INFORMATION = 0.02
"""Bits that the presence of a token, or of two neighbours, may tell of the label; all of it is about 0.9."""


def test_no_token_and_no_pair_of_tokens_tells_the_label() -> None:
    """Mutual information between the label and whether a token, or two tokens side by side, are in a function."""
    examples = [example for epoch in (0, 1) for example in DATASET.examples(Split.UNLABELLED, epoch)]
    seen: tuple[Counter[tuple[str, ...]], Counter[tuple[str, ...]]] = Counter(), Counter()
    for example in examples:
        tokens = re.findall(r"\w+|[^\w\s]", example.codes[0])
        seen[example.label].update({*((token,) for token in tokens), *pairwise(tokens)})
    unsafe = sum(example.label for example in examples)
    told = {
        token: information(seen[1][token], unsafe, seen[0][token], len(examples) - unsafe)
        for token in seen[0] | seen[1]
    }
    worst = sorted(told, key=told.__getitem__)[-5:]
    assert max(told.values()) <= MOST_INFORMATION, {token: told[token] for token in worst}


def information(unsafe_with: int, unsafe: int, safe_with: int, safe: int) -> float:
    """Mutual information of the label and a token's presence, in bits."""
    total, with_it = unsafe + safe, unsafe_with + safe_with
    cells = [
        (unsafe_with, unsafe, with_it),
        (unsafe - unsafe_with, unsafe, total - with_it),
        (safe_with, safe, with_it),
        (safe - safe_with, safe, total - with_it),
    ]
    return sum(n / total * math.log2(n * total / (label * column)) for n, label, column in cells if n)


def test_the_same_program_has_many_surfaces() -> None:
    rng = random.Random(0)
    hosts = DATASET.hosts(Split.TRAIN)
    drawn = {woven(rng.choice(hosts), rng, rng.random() < 0.5).codes[0] for _ in range(500)}
    assert len(drawn) == 500
    joined = "\n".join(drawn)
    for surface in (" % ", ".format(", "f'", " + ", "import ", "async def", "class ", "@", "# ", '"""', "-> "):
        assert surface in joined, surface
