"""Model folders: what is saved comes back, and what is damaged is named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from compressor_core.architecture import Architecture
from compressor_core.data.tokenizer import train_tokenizer
from compressor_core.errors import ModelError, StorageError
from compressor_core.models.card import ModelCard
from compressor_core.models.classifier import Classifier, load
from compressor_core.models.student import build
from compressor_core.models.teacher import load_encoder
from compressor_core.task import PairFeatures, Task

CODES = ["def f(x): return x", "def g(y):\n    while y:\n        y -= 1\n    return y", "pass", "x = [1, 2, 3] * 9"]


@pytest.fixture
def folder(tiny_teacher: Path, tmp_path: Path) -> Path:
    shutil.copytree(tiny_teacher, tmp_path / "model")
    return tmp_path / "model"


def test_batches_do_not_change_the_logits(tiny_teacher: Path) -> None:
    """Padding is masked, and the order is the caller's."""
    model = load(tiny_teacher)
    together = model.logits([(code,) for code in CODES], batch_size=4)
    alone = torch.cat([model.logits([(code,)]) for code in CODES])
    assert torch.allclose(together, alone, atol=1e-5)
    assert not model.model.training


@pytest.mark.parametrize("features", list(PairFeatures))
def test_pair_models_come_back(tmp_path: Path, features: PairFeatures) -> None:
    architecture = Architecture(400, 16, 1, 2, 16)
    card = ModelCard(Task.CLONE, ("different", "clone"), 64, architecture, features)
    model = Classifier(build(architecture, Task.CLONE, features).eval(), train_tokenizer(CODES * 20, 400), card)
    model.save(tmp_path / "pair")
    again = load(tmp_path / "pair")
    pairs = [(CODES[0], CODES[1]), (CODES[2], CODES[3])]
    assert torch.equal(again.logits(pairs), model.logits(pairs))
    assert again.card == card


def test_a_truncated_weights_file(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[: weights.stat().st_size // 2])
    with pytest.raises(ModelError, match="damaged or incomplete"):
        load(folder)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(ModelError, match=name):
        load(folder)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "compressor.json"])
def test_a_damaged_file_is_one_sentence(folder: Path, name: str) -> None:
    (folder / name).write_text('{"half":')
    with pytest.raises(ModelError):
        load(folder)


def test_a_tokenizer_of_another_model(folder: Path, tmp_path: Path) -> None:
    train_tokenizer(["".join(map(chr, range(33, 120))) * 3, *CODES * 50], 420).save_pretrained(folder)
    config = json.loads((folder / "config.json").read_text())
    assert config["vocab_size"] == 400
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    extra = {f"word{i}": len(tokenizer["model"]["vocab"]) + i for i in range(200)}
    tokenizer["model"]["vocab"].update(extra)
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    with pytest.raises(ModelError, match="different models"):
        load(folder)


def test_no_folder_at_all(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no model folder"):
        load(tmp_path / "absent")
    with pytest.raises(ModelError, match="no model folder"):
        load_encoder(str(tmp_path / "absent"), Task.VULNERABILITY, ("a", "b"), 64)


def test_an_encoder_from_a_folder_gets_a_head_for_our_labels(folder: Path) -> None:
    (folder / "compressor.json").unlink()
    encoder = load_encoder(str(folder), Task.VULNERABILITY, ("fine", "bad"), 64)
    assert encoder.card.max_length == 64
    assert encoder.model.config.id2label == {0: "fine", 1: "bad"}  # type: ignore[union-attr]


def test_saving_where_one_cannot(tiny_teacher: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="Cannot write"):
        load(tiny_teacher).save(tmp_path / "file" / "model")
