"""The training loop: resume, cancel, early stopping, refusals."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
import torch

from compressor_core.architecture import Architecture
from compressor_core.distill.losses import cross_entropy
from compressor_core.distill.settings import TrainingConfig
from compressor_core.distill.trainer import Data, Outcome, Record, _batches, fit, remembered
from compressor_core.errors import ModelError, SettingsError, StorageError, TrainingError
from compressor_core.models.classifier import drain
from compressor_core.models.inference import predict
from compressor_core.models.inputs import FunctionInput
from compressor_core.models.student import build

ARCHITECTURE = Architecture(300, 16, 2, 2, 16)
CONFIG = TrainingConfig(epochs=3, learning_rate=3e-3, batch_size=8, threads=1, checkpoint_seconds=0.0)


def task(count: int, seed: int) -> Data:
    """Sequences of different lengths; the label says whether token 7 is in one."""
    generator = torch.Generator().manual_seed(seed)
    inputs, labels = [], []
    for index in range(count):
        length = int(torch.randint(4, 20, (1,), generator=generator))
        tokens = torch.randint(8, 300, (length,), generator=generator).tolist()
        if index % 2:
            tokens[length // 2] = 7
        inputs.append((FunctionInput([0, *tokens, 2]),))
        labels.append(index % 2)
    return inputs, torch.tensor(labels)


def epochs(epoch: int) -> Generator[Record, None, Data]:
    yield {"type": "progress", "message": "drawing"}
    return task(96, epoch)


def run(model: torch.nn.Module, config: TrainingConfig = CONFIG, **options: Any) -> tuple[list[Record], Outcome]:
    records = []
    loop = fit(model, 1, config, epochs, task(64, 99), cross_entropy, **options)
    while True:
        try:
            records.append(next(loop))
        except StopIteration as end:
            return records, end.value


def fresh(dropout: float = 0.0) -> Any:
    torch.manual_seed(1)
    model = build(ARCHITECTURE)
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = dropout
    return model


def stop_after(steps: int) -> Callable[[], bool]:
    calls = iter(range(steps))
    return lambda: next(calls, None) is None


def test_it_learns_and_reports() -> None:
    records, outcome = run(fresh())
    steps = [r for r in records if r["type"] == "step"]
    assert [r["step"] for r in steps] == list(range(1, 37))
    assert steps[0]["learning_rate"] < steps[3]["learning_rate"] > steps[-1]["learning_rate"]
    assert len([r for r in records if r["type"] == "epoch"]) == 3
    assert outcome.best_accuracy > 0.6 and not outcome.cancelled


@pytest.mark.parametrize("interruption", [5, 13, 20, 30])
def test_resumed_equals_uninterrupted(tmp_path: Path, interruption: int) -> None:
    """Bit for bit, with dropout, wherever the training was stopped."""
    whole = fresh(dropout=0.2)
    _, expected = run(whole, checkpoint=tmp_path / "whole.pt")

    checkpoint = tmp_path / "part.pt"
    run(fresh(dropout=0.2), checkpoint=checkpoint, cancelled=stop_after(interruption))
    torch.manual_seed(12345)  # another process has another random state
    torch.rand(7)
    resumed = fresh(dropout=0.2)
    records, outcome = run(resumed, checkpoint=checkpoint)
    assert next(r for r in records if r["type"] == "step")["step"] > 1
    assert outcome == expected
    for (name, tensor), (_, other) in zip(whole.state_dict().items(), resumed.state_dict().items(), strict=True):
        assert torch.equal(tensor, other), name


def test_the_best_epoch_is_kept() -> None:
    model = fresh()
    records, outcome = run(model, TrainingConfig(epochs=4, learning_rate=5e-3, batch_size=8, threads=1))
    accuracies = [r["validation_accuracy"] for r in records if r["type"] == "epoch"]
    assert outcome.best_accuracy == max(accuracies)
    assert outcome.best_epoch == accuracies.index(max(accuracies))
    inputs, labels = task(64, 99)
    correct = (drain(predict(model, inputs, 64, 1)).argmax(-1) == labels).float().mean()
    assert float(correct) == pytest.approx(outcome.best_accuracy)


def test_cancel_within_one_step_keeps_what_was_learned(tmp_path: Path) -> None:
    records, outcome = run(fresh(), cancelled=stop_after(6), checkpoint=tmp_path / "c.pt")
    assert outcome.cancelled and outcome.steps <= 6
    assert outcome.best_accuracy >= 0.0
    assert (tmp_path / "c.pt").exists()
    assert not [r for r in records if r["type"] == "epoch"]


def test_early_stopping() -> None:
    config = TrainingConfig(epochs=30, learning_rate=1e-9, batch_size=32, patience=2, threads=1)
    _, outcome = run(fresh(), config)
    assert outcome.epochs == 3 and outcome.best_epoch == 0


def test_a_loss_that_is_no_number_is_refused() -> None:
    model = fresh()
    with torch.no_grad():
        next(model.parameters()).fill_(float("nan"))
    with pytest.raises(TrainingError, match="lower the learning rate"):
        run(model)


def test_a_damaged_checkpoint_names_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "c.pt").write_bytes(b"PK\x03\x04 half a file")
    with pytest.raises(ModelError, match="delete it and start the training again"):
        run(fresh(), checkpoint=tmp_path / "c.pt")


def test_a_checkpoint_of_another_training_is_refused(tmp_path: Path) -> None:
    checkpoint = tmp_path / "c.pt"
    run(fresh(), checkpoint=checkpoint, cancelled=stop_after(4))
    other = TrainingConfig(epochs=4, learning_rate=3e-3, batch_size=8, threads=1)
    with pytest.raises(ModelError, match="another epochs"):
        run(fresh(), other, checkpoint=checkpoint)
    with pytest.raises(ModelError, match="another model"):
        run(build(Architecture(300, 16, 1, 2, 16)), checkpoint=checkpoint)


def test_a_refused_checkpoint_leaves_no_half_file(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="Cannot write"):
        run(fresh(), checkpoint=tmp_path / "absent" / "c.pt")
    assert list(tmp_path.iterdir()) == []


def test_batches_hold_every_input_once_and_alike_lengths_together() -> None:
    import random

    inputs, _ = task(1000, 0)
    batches = _batches(inputs, 16, random.Random(0))
    assert len(batches) == 63
    assert sorted(i for batch in batches for i in batch) == list(range(1000))
    spread = [max(len(inputs[i][0]) for i in b) - min(len(inputs[i][0]) for i in b) for b in batches]
    assert sum(spread) / len(spread) < 2
    assert _batches(inputs, 16, random.Random(0)) == batches


def test_settings_are_checked() -> None:
    with pytest.raises(SettingsError, match="epochs must be a whole number from 1, not 0"):
        TrainingConfig(epochs=0, learning_rate=1e-3)
    with pytest.raises(SettingsError, match="learning_rate"):
        TrainingConfig(epochs=1, learning_rate=0.0)


def test_half_precision_learns_and_leaves_float32_weights() -> None:
    model = fresh()
    config = TrainingConfig(epochs=3, learning_rate=3e-3, batch_size=8, threads=1, precision="bfloat16")
    exact, half = run(fresh())[0], run(model, config)[0]
    losses = [[r["loss"] for r in records if r["type"] == "step"] for records in (exact, half)]
    assert losses[0] != losses[1], "it made no difference"
    assert losses[0] == pytest.approx(losses[1], abs=0.1)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


def test_biases_and_norms_do_not_decay() -> None:
    """With a decay that is far too strong, matrices shrink, and nothing else does more than learning makes it."""
    model = fresh()
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    run(model, TrainingConfig(epochs=1, learning_rate=1e-3, batch_size=8, threads=1, weight_decay=90.0))
    for name, parameter in model.state_dict().items():
        if name.endswith("LayerNorm.weight"):
            assert float(parameter.min()) > 0.9, name
        elif name.endswith("query.weight"):
            assert float(parameter.norm()) < 0.8 * float(before[name].norm()), name


def test_what_stays_the_same_is_loaded_once() -> None:
    loads: list[int] = []

    def load(draw: int) -> Generator[Record, None, Data]:
        loads.append(draw)
        return task(8, draw)
        yield  # a generator without progress to report

    epoch_data = remembered(load, lambda epoch: epoch // 2)
    for epoch in (0, 1, 2, 3, 1):
        inputs, _ = drain(epoch_data(epoch))
        assert inputs == task(8, epoch // 2)[0]
    assert loads == [0, 1, 0]
