"""What is kept by content: a damaged entry is computed again, a damaged note or checkpoint says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from safetensors.torch import save

from compressor_core.data.hosts import standard_library_hosts
from compressor_core.distill import checkpoint
from compressor_core.distill.soft_labels import SoftLabels, fingerprint
from compressor_core.distill.study import _finished
from compressor_core.distill.tokens import Tokens
from compressor_core.errors import CompressorError
from compressor_core.models.classifier import Classifier, load
from compressor_core.progress import finish
from compressor_core.task import Task
from tests.fuzz.guard import clear
from tests.fuzz.test_model_folders import CODE, made
from tests.fuzz.values import cheap, damaged, edited, plain_values

EXAMPLES = [(CODE,), ("while (a) b();",)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("cached") / "one", Task.VULNERABILITY)


@pytest.fixture(scope="module")
def model(folder: Path) -> Classifier:
    return load(folder)


@st.composite
def entries(draw: Any, right: bytes, names: tuple[str, ...]) -> bytes:
    """A cache file that is damaged, or whole and of another shape."""
    if draw(st.booleans()):
        return draw(damaged(right))  # type: ignore[no-any-return]
    shapes = st.lists(st.integers(0, 4), max_size=3)
    kinds = st.sampled_from((torch.float32, torch.int64, torch.int32, torch.uint16, torch.bool, torch.bfloat16))
    tensors = {name: torch.ones(draw(shapes)).to(draw(kinds)) for name in names if draw(st.integers(0, 4))}
    return save(tensors)


@given(st.data())
def test_soft_labels(tmp_path: Path, model: Classifier, folder: Path, data: st.DataObject) -> None:
    labels = SoftLabels(model, folder, tmp_path)
    right = model.logits(EXAMPLES)
    path = labels.folder / f"{fingerprint(EXAMPLES)}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.draw(entries(save({"logits": right}), ("logits", "pooled"))))
    found = finish(labels.of(EXAMPLES))
    assert found.shape == right.shape and found.is_floating_point() and bool(found.isfinite().all())
    logits, states = finish(labels.with_states(EXAMPLES))
    assert logits.shape == right.shape and states.shape == (2, 2, 16)


@given(st.data())
@example(None)
def test_tokens(tmp_path: Path, model: Classifier, data: st.DataObject | None) -> None:
    tokens, of = Tokens(model, tmp_path), fingerprint(EXAMPLES)
    right = model.encode(EXAMPLES)
    tokens.keep(of, right)
    (path,) = tmp_path.rglob("*.safetensors")
    if data is None:
        assert tokens.kept(of, 2) == right
        return
    path.write_bytes(data.draw(entries(path.read_bytes(), ("ids", "starts", "rows", "spans", "span_starts"))))
    found = tokens.kept(of, 2)
    if found is not None:
        assert len(found) == 2 and all(len(functions) == 1 for functions in found)
        assert all(0 <= number < 300 for functions in found for one in functions for number in one.ids)


CHECKPOINT: dict[str, Any] = {"settings": {"a": 1}, "stage": "epochs", "weights": {"w": torch.zeros(2)}}


@cheap(2)
@given(st.data())
def test_checkpoint(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "checkpoint.pt"
    torch.save(CHECKPOINT, path)
    content = data.draw(damaged(path.read_bytes()) | edited(CHECKPOINT))
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    with clear():
        found = checkpoint.read(path)
        assert isinstance(found["settings"], dict)
        assert checkpoint.stage_of(path) == found["stage"]
        checkpoint.refuse_others(path, found, {"a": 1})


NOTE: dict[str, Any] = {"made_from": {"teacher": "x", "seed": 0}, "student": {"accuracy": 0.5}}


@given(edited(NOTE).map(lambda value: json.dumps(value).encode()) | damaged(json.dumps(NOTE).encode()))
@example(b"[" * 100_000)
def test_note_of_a_study(tmp_path: Path, content: bytes) -> None:
    note = tmp_path / "student.json"
    note.write_bytes(content)
    with clear():
        assert isinstance(_finished(note, NOTE["made_from"]), dict)


@cheap(8)
@given(plain_values.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=30))
@example(b"[" * 100_000)
@example(b"[]")
@example(b'[["m", "def f(): pass", [1], [[1, ""]]]]')
@example(b'[[1, 2, "ab", [[1, 2]]]]')
def test_kept_hosts(tmp_path: Path, content: bytes) -> None:
    """A cache of functions that is none is made again; here, making is told by an exception."""
    from compressor_core.data import hosts

    def again(root: Path) -> Any:
        raise CompressorError("made again")

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COMPRESSOR_CACHE", str(tmp_path))
        patch.setattr(hosts, "_find_hosts", again)
        hosts.standard_library_hosts.cache_clear()
        try:
            with pytest.raises(CompressorError):
                standard_library_hosts()
            (tmp_path / "hosts").mkdir(exist_ok=True)
            patch.setattr("compressor_core.data.kept.fingerprint_of", lambda _: "key")
            (tmp_path / "hosts" / "key.json").write_bytes(content)
            with clear():
                found = standard_library_hosts()
                assert found and all(isinstance(host.source, str) and host.source for host in found)
        finally:
            hosts.standard_library_hosts.cache_clear()
