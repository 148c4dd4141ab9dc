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

from compressor_core.distill.settings import TrainingConfig
from compressor_core.errors import ModelError, TrainingError
from compressor_core.evaluate.progress import until_cancelled
from compressor_core.files import storage_error
from compressor_core.models.classifier import drain
from compressor_core.models.compute import Precision, choose
from compressor_core.models.inference import forward, predict
from compressor_core.models.inputs import Encoded

Record = dict[str, Any]
Objective = Callable[[Tensor, Tensor], Tensor]
"""From logits (batch, classes) and targets (batch, …) to a scalar loss."""
Data = tuple[Sequence[Encoded], Tensor]
"""Inputs and, in the same order, their targets."""
EpochData = Callable[[int], Generator[Record, None, Data]]
"""From the number of an epoch to its data; yields progress records on the way. Every epoch has the same length."""

_BUCKET = 40
"""Batches that are sorted by length together: enough for little padding, few enough to stay random."""


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

    AdamW, linear warm-up and decay, gradient clipping, batches of similar length. Weights decay only where they are
    matrices: biases and the scales of norms have no reason to be small. The model stays on the device that was
    chosen; mixed precision keeps the weights in float32. The best epoch is the one with the highest validation
    accuracy. If `checkpoint` exists, training goes on from it; with one thread of a CPU the final weights equal those
    of an uninterrupted training bit for bit.

    Records: {"type": "step", "step", "epoch", "loss", "learning_rate"}; {"type": "epoch", "epoch", "loss",
    "validation_accuracy", "best", "examples_per_second"}; {"type": "progress", …}.

    Raises:
        SettingsError: the device or precision asked for cannot be had.
        TrainingError: the loss is no longer a finite number.
        StorageError: the checkpoint cannot be written.
    """
    if config.threads is not None:
        torch.set_num_threads(config.threads)
    # Some layers of other people's models have dropout: its stream belongs to the run as well.
    torch.manual_seed(config.seed)
    training = _Training(model, pad_id, config, objective, validation, checkpoint)
    state = training.state
    stopped = False
    yield {"type": "progress", "message": "Preparing the first epoch"}
    while state.epoch < config.epochs:
        data = yield from until_cancelled(epoch_data(state.epoch), cancelled)
        if data is None:
            stopped = True
            break
        inputs, targets = data
        batches = _batches(inputs, config.batch_size, random.Random(f"{config.seed}/{state.epoch}"))
        total = len(batches) * config.epochs
        started, seen = time.monotonic(), 0
        while state.batch < len(batches) and not stopped:
            chosen = batches[state.batch]
            rate = config.learning_rate * _schedule(state.step, total, config.warmup)
            loss = training.step([inputs[i] for i in chosen], targets[chosen], rate)
            seen += len(chosen)
            yield {"type": "step", "step": state.step, "epoch": state.epoch, "loss": loss, "learning_rate": rate}
            yield {
                "type": "progress",
                "fraction": state.step / total,
                "message": f"Epoch {state.epoch + 1} of {config.epochs}, step {state.step} of {total}",
            }
            stopped = cancelled()
            training.save_if_due()
        if stopped:
            break
        speed = seen / max(time.monotonic() - started, 1e-9)
        yield {"type": "epoch", **training.end_epoch(len(batches)), "examples_per_second": speed}
        if config.patience is not None and state.epoch - 1 - state.best_epoch >= config.patience:
            break
    if stopped:
        training.save()
    training.restore_best()
    return Outcome(state.best_accuracy, state.best_epoch, state.epoch, state.step, stopped)


def remembered(load: EpochData, draw_of: Callable[[int], int]) -> EpochData:
    """The data of an epoch's draw, loaded once for all epochs in a row that `draw_of` gives the same draw."""
    kept: dict[int, Data] = {}

    def epoch_data(epoch: int) -> Generator[Record, None, Data]:
        draw = draw_of(epoch)
        if draw not in kept:
            kept.clear()
            kept[draw] = yield from load(draw)
        return kept[draw]

    return epoch_data


class _Training:
    """A model between two steps: its optimizer, its best weights so far, its checkpoint."""

    def __init__(
        self,
        model: nn.Module,
        pad_id: int,
        config: TrainingConfig,
        objective: Objective,
        validation: Data,
        checkpoint: Path | None,
    ) -> None:
        self._compute = choose(config.device, config.precision)
        self._model = model.to(self._compute.device)
        self._pad_id = pad_id
        self._config = config
        self._objective = objective
        self._validation = validation
        self._checkpoint = checkpoint
        self._saved = time.monotonic()
        self._optimizer = torch.optim.AdamW(
            [
                {"params": [p for p in model.parameters() if p.dim() >= 2], "weight_decay": config.weight_decay},
                {"params": [p for p in model.parameters() if p.dim() < 2], "weight_decay": 0.0},
            ],
            lr=config.learning_rate,
            betas=(0.9, 0.98),
            fused=True,
        )
        # Without float16 it passes everything through.
        self._scaler = torch.amp.GradScaler(
            self._compute.device.type, enabled=self._compute.precision is Precision.FLOAT16
        )
        self.state = _State()
        self._best = _copy(model)
        if checkpoint is not None and checkpoint.exists():
            self._restore(checkpoint)
        model.train()

    def step(self, inputs: Sequence[Encoded], targets: Tensor, rate: float) -> float:
        """One step of the optimizer; returns the loss before it."""
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        with self._compute.autocast():
            logits = forward(self._model, inputs, self._pad_id)
        loss = self._objective(logits.float(), targets.to(logits.device))
        value = float(loss.detach())
        if not math.isfinite(value):
            raise TrainingError(
                f"the loss became {value} at step {self.state.step}: lower the learning rate "
                f"(now {self._config.learning_rate:g}) and start again"
            )
        self._optimizer.zero_grad(set_to_none=True)
        self._scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        self._scaler.unscale_(self._optimizer)
        nn.utils.clip_grad_norm_(self._model.parameters(), self._config.gradient_clip)
        self._scaler.step(self._optimizer)
        self._scaler.update()
        self.state.step += 1
        self.state.batch += 1
        self.state.loss_sum += value
        return value

    def end_epoch(self, batches: int) -> Record:
        """Validate, keep the weights if they are the best, save; returns what to report of the epoch."""
        state = self.state
        accuracy = self._accuracy()
        improved = accuracy > state.best_accuracy
        if improved:
            state.best_accuracy, state.best_epoch = accuracy, state.epoch
            self._best = _copy(self._model)
        report = {
            "epoch": state.epoch,
            "loss": state.loss_sum / batches,
            "validation_accuracy": accuracy,
            "best": improved,
        }
        state.epoch, state.batch, state.loss_sum = state.epoch + 1, 0, 0.0
        self.save()
        return report

    def restore_best(self) -> None:
        """Leave the best weights in the model, in eval mode; before the end of any epoch, that is as it stands."""
        if self.state.best_epoch < 0 and self.state.step:
            self.state.best_accuracy = self._accuracy()
        else:
            self._model.load_state_dict(self._best)
        self._model.eval()

    def save_if_due(self) -> None:
        if time.monotonic() - self._saved > self._config.checkpoint_seconds:
            self.save()

    def save(self) -> None:
        """Replace the checkpoint, if there is to be one, atomically. Raises StorageError."""
        if self._checkpoint is None:
            return
        content = {
            "model": self._model.state_dict(),
            "best": self._best,
            "optimizer": self._optimizer.state_dict(),
            "state": asdict(self.state),
            "settings": self._config.binding(),
            "scaler": self._scaler.state_dict(),
            "rng": torch.get_rng_state(),
            "cuda_rng": torch.cuda.get_rng_state() if self._compute.device.type == "cuda" else None,
        }
        draft = self._checkpoint.with_name(f".{self._checkpoint.name}.tmp")
        try:
            with draft.open("wb") as file:
                torch.save(content, file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(draft, self._checkpoint)
        except (OSError, RuntimeError) as error:  # torch reports a full disk as a RuntimeError
            draft.unlink(missing_ok=True)
            cause = error if isinstance(error, OSError) else OSError(None, str(error))
            raise storage_error(cause, self._checkpoint) from error
        self._saved = time.monotonic()

    def _restore(self, path: Path) -> None:
        remedy = "delete it and start the training again"
        try:
            content = torch.load(path, map_location="cpu", weights_only=True)
            settings = content["settings"]
        except Exception as error:  # whatever torch raises for a damaged file
            raise ModelError(f"The checkpoint {path} cannot be read ({error}): {remedy}.") from error
        changed = [name for name, value in self._config.binding().items() if settings.get(name) != value]
        if changed:
            raise ModelError(
                f"The checkpoint {path} is of a training with another {' and '.join(changed)}: "
                f"give it the same as before, or {remedy}."
            )
        try:
            self._model.load_state_dict(content["model"])
            self._optimizer.load_state_dict(content["optimizer"])
            self._scaler.load_state_dict(content["scaler"])
            torch.set_rng_state(content["rng"])
            if self._compute.device.type == "cuda" and content["cuda_rng"] is not None:
                torch.cuda.set_rng_state(content["cuda_rng"])
            self.state, self._best = _State(**content["state"]), content["best"]
        except Exception as error:
            raise ModelError(f"The checkpoint {path} is of another model: {remedy}.") from error

    def _accuracy(self) -> float:
        inputs, labels = self._validation
        predicted = drain(predict(self._model, inputs, 64, self._pad_id)).argmax(-1)
        return float((predicted == labels).float().mean())


def _copy(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


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
