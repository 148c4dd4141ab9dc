"""A teacher that first predicts masked tokens of other packages, and dropout of a teacher."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from compressor_core.architecture import Architecture
from compressor_core.data.classroom import split_of
from compressor_core.data.dataset import Split
from compressor_core.distill.fine_tuning import train_teacher
from compressor_core.distill.settings import TeacherSettings
from compressor_core.errors import DataError, SettingsError
from compressor_core.models.card import read_card
from compressor_core.models.classifier import load
from compressor_core.models.student import QuickDropout, build, set_dropout
from tests.tiny import TINY, run_through

WORD = "zanzibarquux"


def asked(file: Path, **options: Any) -> TeacherSettings:
    return TeacherSettings(dataset="file", data=str(file), architecture=TINY, epochs=1, threads=1, **options)


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    folder = tmp_path / "packages"
    folder.mkdir()
    for number in range(30):
        code = "\n\n".join(
            f"def {WORD}_{number}_{k}(first):\n    {WORD} = first + {k}\n    return {WORD}" for k in range(4)
        )
        (folder / f"m{number}.py").write_text(code)
    return folder


def test_the_warm_up_and_the_tokenizer_learn_from_the_folder(
    labelled_file: Path, packages: Path, tmp_path: Path
) -> None:
    plain, more = tmp_path / "plain", tmp_path / "more"
    steps = []
    for out, options in ((plain, {}), (more, {"masked_code": str(packages)})):
        records = run_through(train_teacher(asked(labelled_file, masked_epochs=1, batch_size=8, **options), out))
        steps.append(sum(record.type == "warm-up-step" for record in records))
    learned = sum(split_of(f"m{number}") is Split.TRAIN for number in range(30)) * 4
    assert steps[1] - steps[0] in (learned // 8, learned // 8 + 1) and learned > 40
    cards = [read_card(out) for out in (plain, more)]
    assert [card.training["masked_functions"] for card in cards if card is not None] == [0, learned]
    tokens = [len(load(out).tokenizer.tokenize(WORD)) for out in (plain, more)]
    assert tokens[1] < tokens[0]


def test_a_folder_without_a_warm_up_or_without_code_is_refused(labelled_file: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="masked_code is read by the warm-up only: set masked_epochs to 1 or more"):
        asked(labelled_file, masked_code=str(tmp_path))
    with pytest.raises(DataError, match="holds no Python function"):
        run_through(train_teacher(asked(labelled_file, masked_code=str(tmp_path), masked_epochs=1), tmp_path / "out"))


def test_dropout_of_a_teacher_from_scratch_and_of_one_that_is_trained_on(labelled_file: Path, tmp_path: Path) -> None:
    def weights(name: str, **options: Any) -> torch.Tensor:
        run_through(train_teacher(asked(labelled_file, **options), tmp_path / name))
        card = read_card(tmp_path / name)
        assert card is not None and card.training["dropout"] == options.get("dropout", 0.0)
        assert not load(tmp_path / name).model.training
        return load_file(tmp_path / name / "model.safetensors")["classifier.dense.weight"]

    assert not weights("without").equal(weights("with", dropout=0.2))
    base = {"base": str(tmp_path / "with"), "learning_rate": 1e-3}
    assert not weights("on", **base).equal(weights("on-with", **base, dropout=0.3))


def test_dropout_leaves_attention_alone() -> None:
    torch.manual_seed(0)
    model = build(Architecture.parse(TINY))
    set_dropout(model, 0.25)
    rates = {name: child.p for name, child in model.named_modules() if isinstance(child, torch.nn.Dropout)}
    assert {rate for name, rate in rates.items() if ".self." in name} == {0.0}
    assert {rate for name, rate in rates.items() if ".self." not in name} == {0.25}
    assert sum(isinstance(child, QuickDropout) for child in model.modules()) == sum(rate > 0 for rate in rates.values())
