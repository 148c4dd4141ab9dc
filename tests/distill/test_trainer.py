"""The training loop: resume, cancel, early stopping, refusals."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from compressor_core.architecture import Architecture
from compressor_core.distill import checkpoint as checkpoint_file
from compressor_core.distill import learner
from compressor_core.distill.batching import Data, batches, remembered
from compressor_core.distill.checkpoint import stage_of
from compressor_core.distill.learner import Diverged, Outcome
from compressor_core.distill.lessons import cross_entropy
from compressor_core.distill.settings import TrainingSettings
from compressor_core.distill.trainer import fit
from compressor_core.errors import ModelError, SettingsError, StorageError, TrainingError
from compressor_core.models.encoded import Examples, Flattened
from compressor_core.models.inference import predict
from compressor_core.models.inputs import FunctionInput
from compressor_core.models.student import build
from compressor_core.progress import finish
from compressor_core.records import Epoch, Progress, Work

ARCHITECTURE = Architecture(300, 16, 2, 2, 16)
CONFIG = TrainingSettings(epochs=3, learning_rate=3e-3, batch_size=8, threads=1, checkpoint_seconds=0.0)


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


def epochs(epoch: int) -> Work[Data]:
    yield Progress(message="drawing")
    return task(96, epoch)


def run(model: torch.nn.Module, config: TrainingSettings = CONFIG, **options: Any) -> tuple[list[Any], Outcome]:
    records: list[Any] = []
    outcome = finish(fit(model, 1, config, epochs, task(64, 99), cross_entropy, **options), records.append)
    return records, outcome


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
    steps = [r for r in records if r.type == "step"]
    assert [r.step for r in steps] == list(range(1, 37))
    assert steps[0].learning_rate < steps[3].learning_rate > steps[-1].learning_rate
    assert len([r for r in records if r.type == "epoch"]) == 3
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
    assert next(r for r in records if r.type == "step").step > 1
    assert outcome == expected
    for (name, tensor), (_, other) in zip(whole.state_dict().items(), resumed.state_dict().items(), strict=True):
        assert torch.equal(tensor, other), name


def test_the_best_epoch_is_kept() -> None:
    model = fresh()
    records, outcome = run(model, TrainingSettings(epochs=4, learning_rate=5e-3, batch_size=8, threads=1))
    accuracies = [r.validation_accuracy for r in records if r.type == "epoch"]
    assert outcome.best_accuracy == max(accuracies)
    assert outcome.best_epoch == accuracies.index(max(accuracies))
    inputs, labels = task(64, 99)
    correct = (finish(predict(model, inputs, 64, 1)).argmax(-1) == labels).float().mean()
    assert float(correct) == pytest.approx(outcome.best_accuracy)


def test_cancel_within_one_step_keeps_what_was_learned(tmp_path: Path) -> None:
    records, outcome = run(fresh(), cancelled=stop_after(6), checkpoint=tmp_path / "c.pt")
    assert outcome.cancelled and outcome.steps <= 6
    assert outcome.best_accuracy >= 0.0
    assert (tmp_path / "c.pt").exists()
    assert not [r for r in records if r.type == "epoch"]


def test_early_stopping() -> None:
    config = TrainingSettings(epochs=30, learning_rate=1e-9, batch_size=32, patience=2, threads=1)
    _, outcome = run(fresh(), config)
    assert outcome.epochs == 3 and outcome.best_epoch == 0


def test_early_stopping_survives_an_interruption(tmp_path: Path) -> None:
    """Killed after the last epoch, with its checkpoint written, a training has nothing more to learn."""
    checkpoint = tmp_path / "c.pt"
    config = TrainingSettings(epochs=30, learning_rate=1e-9, batch_size=32, patience=2, threads=1)
    _, expected = run(fresh(), config, checkpoint=checkpoint)
    records, outcome = run(fresh(), config, checkpoint=checkpoint)
    assert outcome == expected and outcome.epochs == 3
    assert not [record for record in records if record.type in ("step", "epoch")]


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
    other = TrainingSettings(epochs=4, learning_rate=3e-3, batch_size=8, threads=1)
    with pytest.raises(ModelError, match="another epochs"):
        run(fresh(), other, checkpoint=checkpoint)
    averaged = CONFIG.replace(average=2)
    with pytest.raises(ModelError, match=r"another average \(0 there, 2 now\)"):
        run(fresh(), averaged, checkpoint=checkpoint)
    with pytest.raises(ModelError, match=r"another teacher \(None there, abc now\) and depth"):
        run(fresh(), checkpoint=checkpoint, bound={"teacher": "abc", "depth": 3})
    with pytest.raises(ModelError, match="another model"):
        run(build(Architecture(300, 16, 1, 2, 16)), checkpoint=checkpoint)


def test_a_refused_checkpoint_leaves_no_half_file(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="Cannot write"):
        run(fresh(), checkpoint=tmp_path / "absent" / "c.pt")
    assert list(tmp_path.iterdir()) == []


def test_batches_hold_every_input_once_and_alike_lengths_together() -> None:
    inputs, _ = task(1000, 0)
    cut = batches(inputs, 16, random.Random(0))
    assert len(cut) == 63
    assert sorted(i for batch in cut for i in batch) == list(range(1000))
    spread = [max(len(inputs[i][0]) for i in b) - min(len(inputs[i][0]) for i in b) for b in cut]
    assert sum(spread) / len(spread) < 2
    assert batches(inputs, 16, random.Random(0)) == cut


def test_examples_that_belong_together_are_in_one_batch() -> None:
    functions = Flattened()
    functions.add([FunctionInput([1] * length) for length in random.Random(0).choices(range(1, 40), k=200)])
    inputs = Examples(functions.done(), np.arange(200).reshape(-1, 1))
    inputs.together = 2
    cut = batches(inputs, 16, random.Random(0))
    assert len(cut) == 13 and sorted(i for batch in cut for i in batch) == list(range(200))
    assert all(batch[k] + 1 == batch[k + 1] for batch in cut for k in range(0, len(batch), 2))


def test_settings_are_checked() -> None:
    with pytest.raises(SettingsError, match="epochs must be a whole number from 1, not 0"):
        TrainingSettings(epochs=0, learning_rate=1e-3)
    with pytest.raises(SettingsError, match="learning_rate"):
        TrainingSettings(epochs=1, learning_rate=0.0)


def test_half_precision_learns_and_leaves_float32_weights() -> None:
    model = fresh()
    config = TrainingSettings(epochs=3, learning_rate=3e-3, batch_size=8, threads=1, precision="bfloat16")
    exact, half = run(fresh())[0], run(model, config)[0]
    losses = [[r.loss for r in records if r.type == "step"] for records in (exact, half)]
    assert losses[0] != losses[1], "it made no difference"
    assert losses[0] == pytest.approx(losses[1], abs=0.1)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


def test_biases_and_norms_do_not_decay() -> None:
    """With a decay that is far too strong, matrices shrink, and nothing else does more than learning makes it."""
    model = fresh()
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    run(model, TrainingSettings(epochs=1, learning_rate=1e-3, batch_size=8, threads=1, weight_decay=90.0))
    for name, parameter in model.state_dict().items():
        if name.endswith("LayerNorm.weight"):
            assert float(parameter.min()) > 0.9, name
        elif name.endswith("query.weight"):
            assert float(parameter.norm()) < 0.8 * float(before[name].norm()), name


def test_what_stays_the_same_is_loaded_once() -> None:
    loads: list[int] = []

    def load(draw: int) -> Work[Data]:
        loads.append(draw)
        return task(8, draw)
        yield  # a generator without progress to report

    epoch_data = remembered(load, lambda epoch: epoch // 2)
    for epoch in (0, 1, 2, 3, 1):
        inputs, _ = finish(epoch_data(epoch))
        assert inputs == task(8, epoch // 2)[0]
    assert loads == [0, 1, 0]


def test_a_checkpoint_of_another_stage_is_passed_over(tmp_path: Path) -> None:
    """What it was the warm-up of starts from the weights at hand, and is then what the checkpoint holds."""
    checkpoint = tmp_path / "c.pt"
    run(fresh(), checkpoint=checkpoint, stage="warm-up", cancelled=stop_after(4))
    assert stage_of(checkpoint) == "warm-up" and stage_of(tmp_path / "none.pt") is None
    records, outcome = run(fresh(), checkpoint=checkpoint)
    assert next(r for r in records if r.type == "step").step == 1 and outcome.steps == 36
    assert stage_of(checkpoint) == ""
    with pytest.raises(ModelError, match="another batch_size"):
        run(fresh(), CONFIG.replace(batch_size=4), checkpoint=checkpoint, stage="warm-up")


def test_checkpoints_by_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[int] = []
    monkeypatch.setattr(checkpoint_file, "write", lambda path, content: written.append(content["state"]["step"]))
    config = CONFIG.replace(checkpoint_seconds=1e9, checkpoint_steps=5)
    run(fresh(), config, checkpoint=tmp_path / "c.pt")
    assert written == [5, 10, 12, 15, 20, 24, 25, 30, 35, 36]


class Small:
    """A machine with memory for so many examples at once; it says so as PyTorch does."""

    def __init__(self, model: Any, holds: int, error: type[Exception], message: str) -> None:
        self.sizes: list[int] = []
        self._holds, self._error, self._message = holds, error, message
        model.register_forward_pre_hook(self._look, with_kwargs=True)

    def _look(self, model: Any, _: object, arguments: dict[str, torch.Tensor]) -> None:
        size = len(arguments["input_ids"])
        self.sizes.append(size)
        if size > self._holds:
            raise self._error(self._message)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (torch.OutOfMemoryError, "CUDA out of memory. Tried to allocate 20.00 MiB."),
        (RuntimeError, "[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory: you tried"),
        (MemoryError, ""),
    ],
)
def test_a_batch_that_does_not_fit_is_learned_in_halves(error: type[Exception], message: str) -> None:
    whole, small = fresh(), fresh()
    expected, _ = run(whole)
    machine = Small(small, 3, error, message)
    records, outcome = run(small)
    assert [r.message for r in records if r.type == "notice"] == [
        "A batch of 8 did not fit in memory at step 1: at most 2 examples are computed at once from here on, "
        "to the same end"
    ]
    assert machine.sizes[:6] == [8, 4, 2, 2, 2, 2], "tried once, and not again at the next step"
    assert 64 in machine.sizes and max(machine.sizes[machine.sizes.index(64) + 12 :]) <= 64, "validation went on, too"
    assert outcome.steps == 36
    losses = [[r.loss for r in each if r.type == "step"] for each in (expected, records)]
    assert losses[1] == pytest.approx(losses[0], abs=1e-3)
    for one, other in zip(whole.parameters(), small.parameters(), strict=True):
        assert torch.allclose(one, other, atol=5e-3)


def test_halves_survive_an_interruption(tmp_path: Path) -> None:
    whole, resumed, checkpoint = fresh(), fresh(), tmp_path / "c.pt"
    Small(whole, 3, MemoryError, "")
    run(whole)
    part = fresh()
    Small(part, 3, MemoryError, "")
    run(part, checkpoint=checkpoint, cancelled=stop_after(7))
    machine = Small(resumed, 64, MemoryError, "")  # now there is room, and yet
    run(resumed, checkpoint=checkpoint)
    assert machine.sizes[0] == 2
    for one, other in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(one, other)


def test_not_even_one_example_fits() -> None:
    model = fresh()
    Small(model, 0, MemoryError, "")
    with pytest.raises(TrainingError, match=r"not even one example of \d+ tokens fits in memory at step 0: take a"):
        run(model)


def test_other_errors_of_a_step_are_not_mistaken_for_memory() -> None:
    model = fresh()
    Small(model, 3, RuntimeError, "mat1 and mat2 shapes cannot be multiplied")
    with pytest.raises(RuntimeError, match="mat1"):
        run(model)


def diverge(model: Any, step: int, gradient_only: bool = False) -> None:
    """Let the loss, or only a gradient, become infinite at that step (from 0)."""
    calls = iter(range(10**6))

    def hook(module: Any, _: object, output: Any) -> Any:
        if module.training and next(calls) == step:
            if gradient_only:
                output.logits.register_hook(lambda gradient: gradient * float("inf"))
            else:
                output.logits = output.logits * float("nan")
        return output

    model.register_forward_hook(hook)


@pytest.mark.parametrize(("gradient_only", "what"), [(False, "loss became nan"), (True, "gradient became (nan|inf)")])
def test_diverging_keeps_the_best_weights_and_the_checkpoint(tmp_path: Path, gradient_only: bool, what: str) -> None:
    first = fresh()
    run(first, CONFIG, cancelled=stop_after(13))  # one epoch, and one step of the next
    model, checkpoint = fresh(), tmp_path / "c.pt"
    diverge(model, 20, gradient_only)
    config = CONFIG.replace(checkpoint_steps=1)
    says = rf"the {what} at step 20, where the learning rate was 0\.00\d+: lower the learning rate \(now 0\.003\) and"
    with pytest.raises(Diverged, match=says) as caught:
        run(model, config, checkpoint=checkpoint)
    assert caught.value.outcome.best_epoch == 0 and not model.training
    for one, other in zip(model.parameters(), first.parameters(), strict=True):
        assert torch.isfinite(one).all() and torch.equal(one, other)
    kept = checkpoint_file.read(checkpoint)
    assert kept["state"]["step"] == 20 and all(torch.isfinite(value).all() for value in kept["model"].values())
    _, outcome = run(fresh(), config, checkpoint=checkpoint)  # on a machine without the fault
    assert outcome.epochs == 3


def test_diverging_before_the_end_of_an_epoch_keeps_nothing() -> None:
    model = fresh()
    diverge(model, 3)
    with pytest.raises(Diverged, match="at step 3") as caught:
        run(model)
    assert caught.value.outcome.best_epoch == -1


def test_the_mean_of_the_best_epochs_is_taken_if_it_is_not_worse(monkeypatch: pytest.MonkeyPatch) -> None:
    config = TrainingSettings(epochs=5, learning_rate=5e-3, batch_size=8, threads=1, average=3)
    seen: list[list[int]] = []

    def spoilt(states: list[dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
        seen.append([len(states)])
        return {name: value * 0 for name, value in states[0].items()}

    model = fresh()
    monkeypatch.setattr(learner, "mean_weights", lambda states: states[0])
    records, outcome = run(model, config)
    accuracies = [r.validation_accuracy for r in records if r.type == "epoch"]
    assert outcome.averaged == 3 and outcome.best_accuracy == max(accuracies)

    monkeypatch.setattr(learner, "mean_weights", spoilt)
    model = fresh()
    _, outcome = run(model, config)
    assert seen == [[3]] and outcome.averaged == 1 and outcome.best_accuracy == max(accuracies)
    plain = fresh()
    run(plain, config.replace(average=0))
    for one, other in zip(model.parameters(), plain.parameters(), strict=True):
        assert torch.equal(one, other)


def test_the_mean_of_epochs_survives_an_interruption(tmp_path: Path) -> None:
    config = CONFIG.replace(average=3)
    whole, resumed, checkpoint = fresh(), fresh(), tmp_path / "c.pt"
    _, expected = run(whole, config)
    run(fresh(), config, checkpoint=checkpoint, cancelled=stop_after(30))
    _, outcome = run(resumed, config, checkpoint=checkpoint)
    assert outcome == expected
    for one, other in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(one, other)


def test_without_validation_the_last_epoch_is_kept() -> None:
    model = fresh()
    records: list[Any] = []
    outcome = finish(fit(model, 1, CONFIG, epochs, None, cross_entropy), records.append)
    assert outcome.best_epoch == 2
    assert all(r.validation_accuracy is None for r in records if isinstance(r, Epoch))
