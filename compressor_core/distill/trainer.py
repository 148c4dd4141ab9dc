"""The training loop that teachers and students share: a generator of records with checkpoints."""

from __future__ import annotations

import math
import os
import random
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from compressor_core.errors import ModelError, TrainingError
from compressor_core.files import storage_error
from compressor_core.models.classifier import Encoded, forward, predict

Record = dict[str, Any]
Objective = Callable[[Tensor, Tensor], Tensor]
"""From logits (batch, classes) and targets (batch, …) to a scalar loss."""
Data = tuple[Sequence[Encoded], Tensor]
"""Inputs and, in the same order, their targets."""
EpochData = Callable[[int], Generator[Record, None, Data]]
"""From the number of an epoch to its data; yields progress records on the way. Every epoch has the same length."""

_BUCKET = 40
"""Batches that are sorted by length together: enough for little padding, few enough to stay random."""


@dataclass(frozen=True)
class TrainingConfig:
    """Settings of one training. `patience`: epochs without a better validation accuracy; None never stops early."""

    epochs: int
    learning_rate: float
    batch_size: int = 32
    warmup: float = 0.1
    weight_decay: float = 0.01
    gradient_clip: float = 1.0
    patience: int | None = None
    seed: int = 0
    threads: int | None = None
    checkpoint_seconds: float = 20.0

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size"):
            if not isinstance(getattr(self, name), int) or getattr(self, name) < 1:
                raise TrainingError(f"{name} must be a whole number from 1, not {getattr(self, name)!r}")
        if not 0 < self.learning_rate < 1:
            raise TrainingError(f"learning_rate must lie between 0 and 1, not {self.learning_rate!r}")

    def to_dict(self) -> Record:
        """Plain values, for JSON."""
        return asdict(self)


@dataclass
class Outcome:
    """How a training ended. The model holds the weights of `best_epoch`."""

    best_accuracy: float
    best_epoch: int
    epochs: int
    steps: int
    cancelled: bool


@dataclass
class _State:
    """Where a training stands between two steps: all that a checkpoint holds beside the weights."""

    epoch: int = 0
    batch: int = 0
    step: int = 0
    loss_sum: float = 0.0
    best_accuracy: float = -1.0
    best_epoch: int = -1


def fit(
    model: nn.Module,
    pad_id: int,
    config: TrainingConfig,
    epoch_data: EpochData,
    validation: Data,
    objective: Objective,
    *,
    checkpoint: Path | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Generator[Record, None, Outcome]:
    """Train in place; yields a record per step and per epoch; leaves the best epoch's weights in the model.

    AdamW, linear warm-up and decay, gradient clipping, batches of similar length. The best epoch is the one with
    the highest validation accuracy. If `checkpoint` exists, training goes on from it; with one thread the final
    weights equal those of an uninterrupted training bit for bit.

    Records: {"type": "step", "step", "epoch", "loss", "learning_rate"}; {"type": "epoch", "epoch", "loss",
    "validation_accuracy", "best", "examples_per_second"}; {"type": "progress", …}.

    Raises:
        TrainingError: the loss is no longer a finite number.
        StorageError: the checkpoint cannot be written.
    """
    if config.threads is not None:
        torch.set_num_threads(config.threads)
    # Some layers of other people's models have dropout: its stream belongs to the run as well.
    torch.manual_seed(config.seed)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay, betas=(0.9, 0.98), fused=True
    )
    state, best = _State(), {name: value.clone() for name, value in model.state_dict().items()}
    if checkpoint is not None and checkpoint.exists():
        state, best = _restore(checkpoint, model, optimizer)
    model.train()
    saved = time.monotonic()
    stopped = False
    yield {"type": "progress", "message": "Preparing the first epoch"}
    while state.epoch < config.epochs and not stopped:
        data = yield from _load(epoch_data(state.epoch), cancelled)
        if data is None:
            stopped = True
            break
        inputs, targets = data
        batches = _batches(inputs, config.batch_size, random.Random(f"{config.seed}/{state.epoch}"))
        total = len(batches) * config.epochs
        epoch_started, seen = time.monotonic(), 0
        while state.batch < len(batches):
            chosen = batches[state.batch]
            rate = config.learning_rate * _schedule(state.step, total, config.warmup)
            for group in optimizer.param_groups:
                group["lr"] = rate
            loss = objective(forward(model, [inputs[i] for i in chosen], pad_id), targets[chosen])
            value = float(loss.detach())
            if not math.isfinite(value):
                raise TrainingError(
                    f"the loss became {value} at step {state.step}: lower the learning rate "
                    f"(now {config.learning_rate:g}) and start again"
                )
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(model.parameters(), config.gradient_clip)
            optimizer.step()
            state.step += 1
            state.batch += 1
            state.loss_sum += value
            seen += len(chosen)
            yield {"type": "step", "step": state.step, "epoch": state.epoch, "loss": value, "learning_rate": rate}
            yield {
                "type": "progress",
                "fraction": state.step / total,
                "message": f"Epoch {state.epoch + 1} of {config.epochs}, step {state.step} of {total}",
            }
            if cancelled():
                stopped = True
                break
            if checkpoint is not None and time.monotonic() - saved > config.checkpoint_seconds:
                _save(checkpoint, model, optimizer, state, best)
                saved = time.monotonic()
        if stopped:
            break
        speed = seen / max(time.monotonic() - epoch_started, 1e-9)
        accuracy = _accuracy(model, validation, pad_id)
        improved = accuracy > state.best_accuracy
        if improved:
            state.best_accuracy, state.best_epoch = accuracy, state.epoch
            best = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        yield {
            "type": "epoch",
            "epoch": state.epoch,
            "loss": state.loss_sum / len(batches),
            "validation_accuracy": accuracy,
            "best": improved,
            "examples_per_second": speed,
        }
        state.epoch, state.batch, state.loss_sum = state.epoch + 1, 0, 0.0
        if checkpoint is not None:
            _save(checkpoint, model, optimizer, state, best)
            saved = time.monotonic()
        if config.patience is not None and state.epoch - 1 - state.best_epoch >= config.patience:
            break
    if stopped:
        if checkpoint is not None:
            _save(checkpoint, model, optimizer, state, best)
        if state.best_epoch < 0 and state.step:
            # No epoch ended: what has been learned so far is the best there is.
            state.best_accuracy = _accuracy(model, validation, pad_id)
            best = model.state_dict()
    model.load_state_dict(best)
    model.eval()
    return Outcome(state.best_accuracy, state.best_epoch, state.epoch, state.step, stopped)


def _load(loader: Generator[Record, None, Data], cancelled: Callable[[], bool]) -> Generator[Record, None, Data | None]:
    while True:
        try:
            record = next(loader)
        except StopIteration as end:
            data: Data = end.value
            return data
        yield record
        if cancelled():
            return None


def _batches(inputs: Sequence[Encoded], size: int, rng: random.Random) -> list[list[int]]:
    """Indices of every input once, in ⌈n / size⌉ batches of similar length, in random order."""
    order = list(range(len(inputs)))
    rng.shuffle(order)
    batches = []
    for start in range(0, len(order), size * _BUCKET):
        bucket = sorted(order[start : start + size * _BUCKET], key=lambda i: sum(map(len, inputs[i])))
        cut = [bucket[k : k + size] for k in range(0, len(bucket), size)]
        rng.shuffle(cut)
        batches += cut
    return batches


def _schedule(step: int, total: int, warmup: float) -> float:
    """Linear warm-up over the first share of the steps, then linear decay to (almost) zero."""
    rising = max(1.0, warmup * total)
    return min((step + 1) / rising, max(0.0, (total - step) / max(1.0, total - rising)))


def _accuracy(model: nn.Module, data: Data, pad_id: int) -> float:
    inputs, labels = data
    predicted = predict(model, inputs, 64, pad_id).argmax(-1)
    return float((predicted == labels).float().mean())


def _save(
    path: Path, model: nn.Module, optimizer: torch.optim.Optimizer, state: _State, best: dict[str, Tensor]
) -> None:
    content = {
        "model": model.state_dict(),
        "best": best,
        "optimizer": optimizer.state_dict(),
        "state": asdict(state),
        "rng": torch.get_rng_state(),
    }
    draft = path.with_name(f".{path.name}.tmp")
    try:
        with draft.open("wb") as file:
            torch.save(content, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    except (OSError, RuntimeError) as error:  # torch reports a full disk as a RuntimeError
        draft.unlink(missing_ok=True)
        raise storage_error(error if isinstance(error, OSError) else OSError(None, str(error)), path) from error


def _restore(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer) -> tuple[_State, dict[str, Tensor]]:
    try:
        content = torch.load(path, weights_only=True)
        model.load_state_dict(content["model"])
        optimizer.load_state_dict(content["optimizer"])
        torch.set_rng_state(content["rng"])
        return _State(**content["state"]), content["best"]
    except Exception as error:
        raise ModelError(
            f"The checkpoint {path} cannot be resumed from ({error}): delete it and start the training again."
        ) from error
