"""The classroom vulnerability data: what it is made of, and that nothing leaks."""

from __future__ import annotations

import ast
import random
from pathlib import Path
from string import Template

import pytest

from compressor_core.data.catalogue import CATALOGUE, Phrasing, Tell
from compressor_core.data.classroom import ClassroomVulnerability, split_of, weave
from compressor_core.data.dataset import Split
from compressor_core.data.hosts import UNSAFE_ALREADY, standard_library_hosts

DATASET = ClassroomVulnerability()
PHRASINGS = [phrasing for weakness in CATALOGUE for phrasing in weakness.phrasings]


def test_no_module_is_in_two_splits() -> None:
    modules = {split: {e.origin for e in DATASET.examples(split)} for split in Split}
    for split in Split:
        others = set().union(*(modules[other] for other in Split if other is not split))
        assert not modules[split] & others
        assert len(modules[split]) > 10


def test_no_function_is_in_two_splits() -> None:
    hosts = standard_library_hosts()
    assert len({host.source for host in hosts}) == len(hosts)


@pytest.mark.parametrize("split", list(Split))
def test_labels_are_balanced(split: Split) -> None:
    labels = [example.label for example in DATASET.examples(split)]
    assert abs(sum(labels) / len(labels) - 0.5) < 0.03
    assert len(labels) == DATASET.size(split)


def test_the_same_seed_gives_the_same_data() -> None:
    again = ClassroomVulnerability()
    assert again.examples(Split.TRAIN, 3) == DATASET.examples(Split.TRAIN, 3)
    assert again.fingerprint == DATASET.fingerprint
    assert ClassroomVulnerability(seed=1).fingerprint != DATASET.fingerprint


def test_training_is_drawn_anew_each_epoch_and_the_test_split_is_fixed() -> None:
    for split in (Split.TRAIN, Split.UNLABELLED):
        first, second = ({e.codes[0] for e in DATASET.examples(split, epoch)} for epoch in (0, 1))
        assert len(first & second) < 0.05 * len(first)
        assert len(DATASET.examples(split, 0)) == len(DATASET.examples(split, 1))
    for split in (Split.VALIDATION, Split.TEST):
        assert DATASET.examples(split, 0) == DATASET.examples(split, 7)


def test_every_example_is_valid_python() -> None:
    for example in DATASET.examples(Split.TEST):
        ast.parse(example.codes[0])


def test_hosts_carry_no_weakness_of_their_own() -> None:
    assert not any(UNSAFE_ALREADY.search(host.source) for host in standard_library_hosts())


def test_the_catalogue_is_broad() -> None:
    assert len({weakness.cwe for weakness in CATALOGUE}) >= 14
    assert all(len(weakness.phrasings) >= 2 for weakness in CATALOGUE)
    assert {phrasing.tell for phrasing in PHRASINGS} == set(Tell)


@pytest.mark.parametrize("phrasing", PHRASINGS, ids=lambda p: p.unsafe[:40])
def test_both_forms_of_a_phrasing_are_python_and_differ(phrasing: Phrasing) -> None:
    names = {"x": "path", "y": "mode", "n": "result", "m": "reply", "w": "users"}
    safe, unsafe = (Template(form).substitute(names) for form in (phrasing.safe, phrasing.unsafe))
    assert ast.dump(ast.parse(safe)) != ast.dump(ast.parse(unsafe))


def test_a_label_says_whether_an_unsafe_form_is_present() -> None:
    """Judged by tells that only an unsafe form has, in functions whose host has none."""
    rng = random.Random(0)
    hosts = standard_library_hosts()
    unsafe_only = ("eval(", "pickle.loads(", "tempfile.mktemp(", "os.system(", "hashlib.md5(", "shell=True)\n")
    seen = 0
    for _ in range(3000):
        host = rng.choice(hosts)
        example = weave(host, rng)
        assert example.origin == host.module and split_of(host.module) in set(Split)
        for tell in unsafe_only[:5]:
            if tell in example.codes[0].replace("literal_eval(", "") and tell not in host.source:
                if tell == "eval(" and "eval('" in example.codes[0]:
                    continue  # a constant expression without builtins is the safe form
                assert example.label == 1, example.codes[0]
                seen += 1
    assert seen > 100


def test_hosts_are_the_same_from_the_cache_and_without_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPRESSOR_CACHE", str(tmp_path))
    found = standard_library_hosts.__wrapped__()
    assert standard_library_hosts.__wrapped__() == found == standard_library_hosts()
    (cached,) = tmp_path.rglob("*.json")
    cached.write_text(cached.read_text()[:-9])
    assert standard_library_hosts.__wrapped__() == found
    (tmp_path / "file").touch()
    monkeypatch.setenv("COMPRESSOR_CACHE", str(tmp_path / "file"))
    assert standard_library_hosts.__wrapped__() == found
