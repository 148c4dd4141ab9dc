"""Tokens are computed once, kept flat, and mapped from the cache; what is damaged is computed again."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from compressor_core.data.dataset import Split
from compressor_core.data.files import read_file
from compressor_core.distill.batching import batches
from compressor_core.distill.distillation import distill
from compressor_core.distill.soft_labels import fingerprint
from compressor_core.distill.tokens import Tokens, encoded
from compressor_core.language import Language
from compressor_core.models import graph
from compressor_core.models.classifier import Classifier, load
from compressor_core.models.encoded import Examples, Flattened, Joined, lengths_of
from compressor_core.models.inference import predict
from compressor_core.models.inputs import FunctionInput
from compressor_core.progress import finish
from compressor_core.records import Progress
from tests.distill.test_distillation import config

CODES = [("def f(x):\n    return eval(x)",), ("def g(): pass",), ("def f(x):\n    return eval(x)",), ("x = 'é'",)]


def test_flat_arrays_give_back_what_went_in(tiny_teacher: Path) -> None:
    teacher = load(tiny_teacher)
    inputs = teacher.encode(CODES)
    ids = [
        teacher.tokenizer(code, truncation=True, max_length=teacher.card.max_length)["input_ids"] for (code,) in CODES
    ]
    assert [function.ids for (function,) in inputs] == ids and len(inputs.functions) == 3
    assert inputs.functions.arrays["ids"].dtype == np.uint16
    assert inputs[-1] == inputs[3] and inputs[1:3] == [inputs[1], inputs[2]]
    assert lengths_of(inputs).tolist() == lengths_of(list(inputs)).tolist() == [len(i) for i in ids]
    with pytest.raises(IndexError):
        inputs[4]
    assert batches(inputs, 2, random.Random(3)) == batches(list(inputs), 2, random.Random(3))
    joined = Joined([inputs.only(np.array([2, 0])), inputs])
    assert joined == [inputs[2], inputs[0], *inputs] and joined.lengths.tolist() == lengths_of(list(joined)).tolist()


def test_large_vocabularies_and_data_flow_survive(tiny_teacher: Path) -> None:
    functions = [FunctionInput([0, 70_000, 2]), FunctionInput([0, 2])]
    flat = Flattened()
    flat.add(functions[:1])
    flat.add(functions[1:])
    assert flat.done() == functions
    tokenizer = load(tiny_teacher).tokenizer
    flowing = graph.encode(tokenizer, ["int f(int a) { int b = a; return b; }", "", "int x;"], Language.C, 50)
    flat = Flattened()
    flat.add(flowing)
    assert flat.done() == flowing and flat.done().lengths.tolist() == [len(function) for function in flowing]
    assert flat.done().only([2, 0]) == [flowing[2], flowing[0]]


def test_predictions_of_flat_arrays_and_of_lists_are_the_same(tiny_teacher: Path, labelled_file: Path) -> None:
    teacher = load(tiny_teacher)
    codes = [e.codes for e in read_file(labelled_file).examples(Split.UNLABELLED)][:50]
    inputs = teacher.encode(codes)
    flat, listed = (finish(predict(teacher.model, given, 8, 1)) for given in (inputs, list(inputs)))
    assert torch.equal(flat, listed)


def test_what_is_kept_is_not_encoded_again_and_what_is_torn_is(
    tiny_teacher: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPRESSOR_CACHE", str(tmp_path))
    teacher = load(tiny_teacher)
    first = finish(encoded(teacher, CODES, keep=True))
    (file,) = tmp_path.rglob("*.safetensors")

    def refuse(*_: object) -> None:
        raise AssertionError("it was encoded again")

    with monkeypatch.context() as patch:
        patch.setattr(Classifier, "encoding", refuse)
        again = finish(encoded(teacher, CODES, keep=True))
        assert again == first
        with pytest.raises(AssertionError):
            finish(encoded(teacher, CODES[:2], keep=True))
    assert Tokens(teacher).kept(fingerprint(CODES), 3) is None
    whole = file.read_bytes()
    for damaged in (whole[:-3], b"", b"\xff" * len(whole)):
        file.write_bytes(damaged)
        assert finish(encoded(teacher, CODES, keep=True)) == first
    assert file.read_bytes() == whole
    finish(encoded(teacher, CODES[:1], keep=False))
    assert len(list(tmp_path.rglob("*.safetensors"))) == 1


def test_another_length_is_another_entry(tiny_teacher: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:

    monkeypatch.setenv("COMPRESSOR_CACHE", str(tmp_path))
    teacher = load(tiny_teacher)
    long = finish(encoded(teacher, CODES, keep=True))
    teacher.card = teacher.card.replace(max_length=5)
    short = finish(encoded(teacher, CODES, keep=True))
    assert max(lengths_of(short)) == 5 < max(lengths_of(long))
    assert isinstance(short, Examples)


def test_a_student_is_the_same_with_and_without_the_cache(
    tiny_teacher: Path, labelled_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def made(name: str) -> tuple[bytes, list[Any]]:
        records = [r for r in distill(config(tiny_teacher, labelled_file), tmp_path / name) if r.type == "step"]
        return (tmp_path / name / "model.safetensors").read_bytes(), records

    monkeypatch.setenv("COMPRESSOR_CACHE", str(tmp_path / "cache"))
    first = made("first")
    asked: list[int] = []
    encoding = Classifier.encoding
    with monkeypatch.context() as patch:

        def counted(self: Classifier, codes: Any, **more: Any) -> Any:
            asked.append(len(codes))
            return encoding(self, codes, **more)

        patch.setattr(Classifier, "encoding", counted)
        assert made("again") == first
    held = read_file(labelled_file)
    assert max(asked) <= max(held.size(Split.VALIDATION), held.size(Split.TEST)) < held.size(Split.TRAIN)
    monkeypatch.setattr("compressor_core.distill.unlabelled.encoded", listed)
    assert made("lists") == first


def listed(model: Classifier, codes: Any, *, keep: bool, together: int) -> Any:
    """As before there were flat arrays: a list of Python's integers for each function."""
    yield Progress(message="Encoding")
    ids = model.tokenizer([code for (code,) in codes], truncation=True, max_length=model.card.max_length)["input_ids"]
    return [(FunctionInput(each),) for each in ids]
