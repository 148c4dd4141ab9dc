"""Model folders: what is saved comes back, and what is damaged is named."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from compressor_core.architecture import Architecture
from compressor_core.bundled import bundled_teacher
from compressor_core.data.tokenizer import train_tokenizer
from compressor_core.errors import ModelError, StorageError
from compressor_core.models.card import ModelCard, read_card, size_on_disk
from compressor_core.models.classifier import Classifier, load
from compressor_core.models.student import build
from compressor_core.models.teacher import find_encoder, load_encoder
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


def test_one_function_is_a_text(tiny_teacher: Path, tmp_path: Path) -> None:
    model = load(str(tiny_teacher))
    assert torch.equal(model.logits(CODES), model.logits([(code,) for code in CODES]))
    model.save(str(tmp_path / "again"))
    assert torch.equal(load(tmp_path / "again").logits(CODES), model.logits(CODES))
    with pytest.raises(ModelError, match="reads single functions: give each as a text"):
        model.logits([(CODES[0], CODES[1])])
    with pytest.raises(ModelError, match="a list of them"):
        model.logits(CODES[0])


def test_a_bundled_model_has_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    teacher, student = load("classroom-vulnerability"), load("students/classroom-vulnerability")
    assert student.card.teacher == "assets/teachers/classroom-vulnerability"
    assert teacher.parameters > student.parameters
    assert read_card("teachers/classroom-vulnerability") == teacher.card
    assert size_on_disk("students/classroom-vulnerability") < 4e6
    assert find_encoder("classroom-clone") == bundled_teacher("classroom-clone")
    for name in ("no-such-model", "students/../teachers/classroom-clone", "students/nothing"):
        with pytest.raises(ModelError, match="There is no model folder"):
            load(name)
    (tmp_path / "classroom-vulnerability").mkdir()
    with pytest.raises(ModelError, match=r"classroom-vulnerability has no config\.json"):
        load("classroom-vulnerability")


def test_other_libraries_stay_as_they_are(tiny_teacher: Path, tmp_path: Path) -> None:
    """Transformers' messages and progress bars are the caller's to switch, whatever is loaded, saved or asked."""
    script = """
import sys, threading
from huggingface_hub.utils import are_progress_bars_disabled
from transformers.utils import logging

def state():
    hook = logging.set_tqdm_hook(None)
    logging.set_tqdm_hook(hook)
    return logging.get_verbosity(), logging.is_progress_bar_enabled(), hook, are_progress_bars_disabled()

before = state()
from compressor_core.models.classifier import load
from compressor_core.models.released import read_released
from compressor_core.models.teacher import find_encoder, load_encoder
from compressor_core.task import Task
model = load(sys.argv[1])
model.logits(["def f(): pass"])
model.save(sys.argv[2])
load_encoder(sys.argv[2], Task.CLONE, ("a", "b"), 64)
try:
    load(sys.argv[2] + "/nothing")
except Exception:
    pass
threads = [threading.Thread(target=load, args=(sys.argv[1],)) for _ in range(4)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
assert state() == before, (state(), before)
logging.set_verbosity_debug()
logging.disable_progress_bar()
before = state()
load(sys.argv[1])
assert state() == before, (state(), before)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tiny_teacher), str(tmp_path / "copy")], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("features", list(PairFeatures))
def test_pair_models_come_back(tmp_path: Path, features: PairFeatures) -> None:
    architecture = Architecture(400, 16, 1, 2, 16)
    card = ModelCard(
        task=Task.CLONE, labels=("different", "clone"), max_length=64, architecture=architecture, pair_features=features
    )
    model = Classifier(build(architecture, Task.CLONE, features).eval(), train_tokenizer(CODES * 20, 400), card)
    model.save(tmp_path / "pair")
    again = load(tmp_path / "pair")
    pairs = [(CODES[0], CODES[1]), (CODES[2], CODES[3])]
    assert torch.equal(again.logits(pairs), model.logits(pairs))
    assert again.card.replace(tokenizer_fingerprint=None) == card


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


def test_a_tokenizer_of_the_same_size_and_another_vocabulary(folder: Path) -> None:
    """Nothing about its shape tells it apart."""
    vocabulary = json.loads((folder / "tokenizer.json").read_text())
    tokens = vocabulary["model"]["vocab"]
    first, second = [token for token in tokens if token.isalpha()][:2]
    tokens[first], tokens[second] = tokens[second], tokens[first]
    (folder / "tokenizer.json").write_text(json.dumps(vocabulary))
    with pytest.raises(ModelError, match=r"another vocabulary .* restore tokenizer\.json"):
        load(folder)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"num_hidden_layers": 2}, r"lack roberta\.encoder\.layer\.1\..* by its config\.json"),
        ({"num_attention_heads": 4}, "says num_attention_heads 4 and compressor.json 2"),
        ({"hidden_size": 32}, "cannot be read"),
        ({"vocab_size": 500}, "cannot be read"),
        ({"model_type": "gpt2"}, "lack|cannot be read"),
        ({"model_type": "no such thing"}, "cannot be read"),
        ({"id2label": {"0": "a", "1": "b", "2": "c"}}, "cannot be read|tells 3 classes apart"),
        ({"hidden_size": "wide"}, "cannot be read"),
    ],
)
def test_an_edited_config_is_one_sentence(folder: Path, changes: dict[str, Any], says: str) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **changes}))
    with pytest.raises(ModelError, match=says) as caught:
        load(folder)
    assert "\n" not in str(caught.value)


def test_a_config_with_fewer_layers_than_weights(tmp_path: Path) -> None:
    """The layers above would be left out in silence."""
    architecture = Architecture(400, 16, 2, 2, 16)
    card = ModelCard(task=Task.VULNERABILITY, labels=("fine", "bad"), max_length=64)
    Classifier(build(architecture, Task.VULNERABILITY).eval(), train_tokenizer(CODES * 20, 400), card).save(
        tmp_path / "m"
    )
    load(tmp_path / "m")
    config = json.loads((tmp_path / "m" / "config.json").read_text())
    (tmp_path / "m" / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 1}))
    with pytest.raises(ModelError, match=r"have an unexpected tensor roberta\.encoder\.layer\.1\."):
        load(tmp_path / "m")


def test_an_encoder_without_a_head_is_no_classifier(tmp_path: Path) -> None:
    """Its head would be made up at random."""
    architecture = Architecture(400, 16, 1, 2, 16)
    model = build(architecture, Task.CLONE, PairFeatures.COMPARE).eval()
    card = ModelCard(
        task=Task.CLONE,
        labels=("different", "clone"),
        max_length=64,
        architecture=architecture,
        pair_features=PairFeatures.COMPARE,
    )
    Classifier(model, train_tokenizer(CODES * 20, 400), card).save(tmp_path / "pair")
    (tmp_path / "pair" / "compressor.json").unlink()
    with pytest.raises(ModelError, match=r"without its compressor\.json"):
        load(tmp_path / "pair")


def foreign(folder: Path, names: tuple[str, ...], numbers: dict[str, Any] | None) -> Path:
    """The folder as another program has it: its classes are named in config.json alone."""
    (folder / "compressor.json").unlink(missing_ok=True)
    values = json.loads((folder / "config.json").read_text("utf-8"))
    values |= {"id2label": dict(enumerate(names)), "label2id": numbers}
    (folder / "config.json").write_text(json.dumps(values), "utf-8")
    return folder


@pytest.mark.parametrize(
    ("names", "numbers"),
    [
        (("safe", "vulnerable"), {"vulnerable": 0, "safe": 1}),
        (("vulnerable", "safe"), {"vulnerable": 1, "safe": 0}),
        (("LABEL_1", "LABEL_0"), {"LABEL_0": 0, "LABEL_1": 1}),
        (("LABEL_0", "LABEL_1"), {"LABEL_0": "1", "LABEL_1": "0"}),
        (("LABEL_0", "LABEL_1"), {"vulnerable": 0, "safe": 1}),
        (("A", "B"), {"A": 1, "B": 0}),
        (("A", "B"), {"A": 1, "B": 1}),
        (("A", "B"), {"A": 0, "B": 2}),
    ],
)
def test_label2id_that_contradicts_id2label(folder: Path, names: tuple[str, ...], numbers: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match=f"id2label that .*'{names[0]}' and '{names[1]}', and in label2id .*correct"):
        load(foreign(folder, names, numbers))
    assert load(foreign(folder, names, {name: i for i, name in enumerate(names)})).card.labels == names  # the remedy


@pytest.mark.parametrize(
    ("names", "numbers"),
    [
        (("vulnerable", "safe"), None),
        (("vulnerable", "safe"), {"vulnerable": 0.0, "safe": "1"}),
        (("vulnerable", "safe"), {"LABEL_0": 0, "LABEL_1": 1}),
        (("LABEL_0", "LABEL_1"), {"safe": 0, "vulnerable": 1}),
        (("A", "B"), {"x": 0, "y": 1, "z": 2}),
    ],
)
def test_label2id_that_contradicts_nothing(
    folder: Path, names: tuple[str, ...], numbers: dict[str, Any] | None
) -> None:
    assert load(foreign(folder, names, numbers)).card.labels == names


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
