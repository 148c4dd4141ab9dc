"""Released checkpoints and their tokenizers, damaged, forged and nearly right."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from torch import Tensor

from compressor_core.architecture import Architecture
from compressor_core.data.tokenizer import train_tokenizer
from compressor_core.models.released import read_released
from compressor_core.models.student import build
from compressor_core.paper import Encoder
from compressor_core.task import PairFeatures, Task
from tests.fuzz.guard import clear
from tests.fuzz.values import cheap, damaged, edited

ARCHITECTURE = Architecture(300, 16, 1, 2, 16)


def published(task: Task) -> dict[str, Tensor]:
    """A state dict as the authors' code writes one of CodeBERT's students."""
    torch.manual_seed(0)
    state = build(ARCHITECTURE, task, PairFeatures.CONCAT).state_dict()
    if task is Task.VULNERABILITY:
        return {f"encoder.{name}": value for name, value in state.items()}
    renamed = {"dense.": "classifier.dense.", "out.": "classifier.out_proj."}
    return {
        next((new + name.removeprefix(old) for old, new in renamed.items() if name.startswith(old)), name): value
        for name, value in state.items()
    }


def saved(value: Any, *, zipped: bool = True) -> bytes:
    out = io.BytesIO()
    torch.save(value, out, _use_new_zipfile_serialization=zipped)
    return out.getvalue()


def recompressed(data: bytes) -> bytes:
    """The same archive, packed: what PyTorch never writes."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    return out.getvalue()


def repacked(data: bytes, pickled: bytes) -> bytes:
    """The archive with another pickle in it."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as new:
        for name in old.namelist():
            new.writestr(name, pickled if name.endswith("data.pkl") else old.read(name))
    return out.getvalue()


STATES = {task: published(task) for task in Task}
RIGHT = {task: saved(state) for task, state in STATES.items()}
WORDS = "encoder.roberta.embeddings.word_embeddings.weight"
HUGE = torch.zeros(1).expand(1_000_000, 16_384)
"""Four bytes that say they are 65 GB."""
BOMB = recompressed(saved({**STATES[Task.VULNERABILITY], WORDS: torch.zeros(100_000, 200)}))
BYTEARRAY = b"\x80\x02cbuiltins\nbytearray\n\x8a\x05\x00\x00\x00\x00\x10\x85R."


class Call:
    def __reduce__(self) -> Any:
        return print, ("this must not be called",)


@st.composite
def states(draw: Any) -> bytes:
    """A published state dict with some tensors of other shapes, kinds or names, missing or added."""
    state: dict[str, Any] = dict(STATES[draw(st.sampled_from(list(Task)))])
    for _ in range(draw(st.integers(0, 3))):
        name = draw(st.sampled_from(list(state) or [WORDS]))
        old = state.pop(name, torch.zeros(2))
        shape = draw(st.lists(st.integers(0, 40), max_size=3))
        kind = draw(
            st.sampled_from(
                (torch.float16, torch.bfloat16, torch.int64, torch.bool, torch.complex64, torch.float64, torch.uint8)
            )
        )
        match draw(
            st.sampled_from(("other", "nan", "kind", "rename", "drop", "sparse", "meta", "plain", "layer", "float8"))
        ):
            case "other":
                state[name] = torch.zeros(shape)
            case "nan":
                state[name] = old * float("nan") if isinstance(old, Tensor) and not old.is_sparse else old
            case "kind":
                state[name] = torch.zeros(old.shape if isinstance(old, Tensor) else shape, dtype=kind)
            case "rename":
                state[draw(st.text(max_size=20))] = old
            case "sparse":
                state[name] = torch.zeros(shape or [2]).to_sparse()
            case "meta":
                state[name] = torch.zeros(shape, device="meta")
            case "plain":
                state[name] = draw(
                    st.none() | st.integers() | st.text(max_size=5) | st.lists(st.integers(), max_size=2)
                )
            case "layer":
                state[
                    name.replace("layer.0", f"layer.{draw(st.sampled_from((1, 7, 255, 10**6, '9' * 20, '9' * 5000)))}")
                ] = old
            case "float8":
                state[name] = torch.zeros(shape).to(torch.float8_e4m3fn)
    whole = draw(st.sampled_from((state, state, state, list(state.items()), {"model": state}, torch.zeros(3))))
    return saved(whole, zipped=draw(st.booleans()))


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tokenizer of the students' kind and vocabulary."""
    path = tmp_path_factory.mktemp("released") / "BPE.json"
    own: Any = train_tokenizer(
        ["int main() { return abc + abd; }", "while for unsigned return void character"] * 9, 300
    )
    own.backend_tokenizer.save(str(path))
    values = json.loads(path.read_text("utf-8"))
    assert len(values["model"]["vocab"]) == 300
    path.write_text(json.dumps({**values, "normalizer": None}), "utf-8")
    return path


def read(folder: Path, content: bytes, tokenizer: Path, task: Task, *, right: bool = False) -> None:
    path = folder / "model.bin"
    path.write_bytes(content)
    with nullcontext() if right else clear():
        student = read_released(path, tokenizer, Encoder.CODEBERT, task, heads=2)
        assert student.card.task is task and student.card.architecture is not None
        assert all(bool(torch.isfinite(value).all()) for value in student.model.state_dict().values())
        example = ("int main() { return 1; }",) * (2 if task is Task.CLONE else 1)
        assert student.logits([example]).shape == (1, 2)


@given(states(), st.sampled_from(list(Task)))
@example(RIGHT[Task.VULNERABILITY], Task.VULNERABILITY)
@example(RIGHT[Task.CLONE], Task.CLONE)
@example(saved({**STATES[Task.VULNERABILITY], WORDS: HUGE}), Task.VULNERABILITY)
@example(saved({**STATES[Task.VULNERABILITY], WORDS: HUGE}, zipped=False), Task.VULNERABILITY)
@example(BOMB, Task.VULNERABILITY)
@example(repacked(RIGHT[Task.CLONE], BYTEARRAY), Task.CLONE)
@example(BYTEARRAY, Task.CLONE)
@example(repacked(RIGHT[Task.CLONE], pickle.dumps(Call(), 2)), Task.CLONE)
@example(repacked(RIGHT[Task.CLONE], pickle.dumps({"a": Call()}, 2)), Task.CLONE)
@example(pickle.dumps(Call()), Task.CLONE)
@example(saved({name: value.to("meta") for name, value in STATES[Task.CLONE].items()}), Task.CLONE)
def test_state_dict(tmp_path: Path, tokenizer: Path, content: bytes, task: Task) -> None:
    read(tmp_path, content, tokenizer, task)


@given(st.sampled_from(list(Task)).flatmap(lambda task: st.tuples(st.just(task), damaged(RIGHT[task]))))
@example((Task.VULNERABILITY, b"\x8d\0\0\0\0\0\0\0\1"))  # a text and bytes that claim to be 2^56 long
@example((Task.VULNERABILITY, b"\x8e\0\0\0\0\0\0\0\1"))
@example((Task.VULNERABILITY, b"\x96\0\0\0\0\0\0\0\1"))
@example((Task.VULNERABILITY, b"B\xff\xff\xff\x7f"))
def test_damaged_checkpoint(tmp_path: Path, tokenizer: Path, file: tuple[Task, bytes]) -> None:
    read(tmp_path, file[1], tokenizer, file[0])


@given(st.binary(max_size=60) | damaged(pickle.dumps({"a": [1, 2.5, "x", (None, True)]}, 2)))
def test_damaged_pickle(tmp_path: Path, tokenizer: Path, pickled: bytes) -> None:
    read(tmp_path, repacked(RIGHT[Task.CLONE], pickled), tokenizer, Task.CLONE)


@cheap(2)
@given(st.data())
def test_tokenizer_of_a_checkpoint(tmp_path: Path, tokenizer: Path, data: st.DataObject) -> None:
    right = json.loads(tokenizer.read_text("utf-8"))
    content = data.draw(edited(right).map(lambda value: json.dumps(value).encode()) | damaged(tokenizer.read_bytes()))
    path = tmp_path / "tokenizer.json"
    path.write_bytes(content)
    read(tmp_path, RIGHT[Task.VULNERABILITY], path, Task.VULNERABILITY)


@pytest.mark.parametrize("task", list(Task))
@pytest.mark.parametrize("zipped", [True, False])
def test_right_checkpoints_are_read(tmp_path: Path, tokenizer: Path, task: Task, zipped: bool) -> None:
    read(tmp_path, saved(STATES[task], zipped=zipped), tokenizer, task, right=True)
