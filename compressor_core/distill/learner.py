"""A model in training, between two steps: its optimizer, its best weights so far, its checkpoint."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from compressor_core.distill import checkpoint as checkpoints
from compressor_core.distill import processes
from compressor_core.distill.batching import Data
from compressor_core.distill.checkpoint import Best, State
from compressor_core.distill.lessons import Lesson
from compressor_core.distill.settings import TrainingSettings
from compressor_core.errors import TrainingError
from compressor_core.models.compute import (
    Precision,
    choose,
    free_memory,
    out_of_memory,
    random_state,
    set_random_state,
)
from compressor_core.models.inference import predict
from compressor_core.models.inputs import Encoded
from compressor_core.models.pair import with_attention
from compressor_core.progress import finish
from compressor_core.records import Epoch

WHEN_CANCELLED = 100
"""Examples on which a cancelled training is measured, so that the user does not wait for thousands."""


@dataclass
class Outcome:
    """How a training ended. The model holds the weights of `best_epoch`, or the mean of the `averaged` best epochs."""

    best_accuracy: float
    best_epoch: int
    epochs: int
    steps: int
    cancelled: bool
    averaged: int = 1

    def metrics(self) -> dict[str, Any]:
        """Entries of the model's card."""
        said = {"validation_accuracy": self.best_accuracy, "epochs": self.epochs, "best_epoch": self.best_epoch}
        return said if self.averaged == 1 else {**said, "averaged_epochs": self.averaged}


class Diverged(TrainingError):
    """A loss or gradient is no longer finite; the model holds the best weights before that.

    `outcome` says which: its `best_epoch` is −1 if no epoch had ended, and the model is then useless.
    """

    def __init__(self, message: str, outcome: Outcome) -> None:
        super().__init__(message)
        self.outcome = outcome


def spot_check(count: int) -> list[int]:
    """Indices of the examples, out of `count`, on which a cancelled training is measured; always the same, sorted."""
    return sorted(random.Random(0).sample(range(count), min(count, WHEN_CANCELLED)))


@dataclass(frozen=True)
class CheckpointFile:
    """Path of a checkpoint, and what identifies its training."""

    path: Path | None
    stage: str
    bound: Mapping[str, Any]


class Learner:
    """State of a training between two steps: model, optimizer, best weights so far, checkpoint."""

    def __init__(
        self,
        model: nn.Module,
        pad_id: int,
        settings: TrainingSettings,
        lesson: Lesson,
        validation: Data | None,
        file: CheckpointFile,
    ) -> None:
        self._compute = choose(settings.device, settings.precision)
        self._model = model.to(self._compute.device)
        # In half precision, eager attention trains faster on a CPU (benchmarks/training.py).
        by_parts = self._compute.device.type == "cpu" and self._compute.precision is not Precision.FLOAT32
        self._restore_attention = with_attention(model, "eager") if by_parts else lambda: None
        self._lesson = lesson.to(self._compute.device)
        self._pad_id = pad_id
        self._settings = settings
        self._validation = validation
        self._file = file
        self._saved = time.monotonic()
        self._learned = [*model.parameters(), *lesson.parameters()]
        self._optimizer = torch.optim.AdamW(
            [
                {"params": [p for p in self._learned if p.dim() >= 2], "weight_decay": settings.weight_decay},
                {"params": [p for p in self._learned if p.dim() < 2], "weight_decay": 0.0},
            ],
            lr=settings.learning_rate,
            betas=(0.9, 0.98),
            fused=True,
        )
        # Does nothing unless the precision is float16.
        self._scaler = torch.amp.GradScaler(
            self._compute.device.type, enabled=self._compute.precision is Precision.FLOAT16
        )
        self.state = State(settings.batch_size)
        self._best: list[Best] = []
        self._restore()
        processes.same_weights(model, lesson)
        processes.own_dropout(settings.seed + self.state.step)
        model.train()

    def step(self, inputs: Sequence[Encoded], targets: Tensor, rate: float) -> float:
        """Take one optimizer step; returns the loss before it. Raises Diverged or TrainingError."""
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        value = self._gradients(inputs, targets)
        while value is None:
            size = min(self.state.largest, processes.largest_share(len(inputs)))
            if size == 1:
                raise TrainingError(
                    f"not even one example of {max(map(len, inputs[0]))} tokens fits in memory at step "
                    f"{self.state.step}: take a smaller architecture or a shorter max_length, or close other programs"
                )
            self.state.largest = (size + 1) // 2
            value = self._gradients(inputs, targets)
        self._scaler.unscale_(self._optimizer)
        norm = nn.utils.clip_grad_norm_(self._learned, self._settings.gradient_clip)
        # With float16, gradients overflow now and then: the scaler skips those steps.
        if not math.isfinite(value) or not (self._scaler.is_enabled() or math.isfinite(norm)):
            raise self._diverged(
                f"loss became {value}" if not math.isfinite(value) else f"gradient became {norm}", rate
            )
        self._scaler.step(self._optimizer)
        self._scaler.update()
        self.state.step += 1
        self.state.batch += 1
        self.state.loss_sum += value
        return value

    def _gradients(self, inputs: Sequence[Encoded], targets: Tensor) -> float | None:
        """Loss of a batch, with its gradients stored in the parameters; None if it did not fit in memory."""
        self._optimizer.zero_grad(set_to_none=True)
        value = self._own_gradients(inputs, targets)
        if value is None:
            free_memory(self._compute.device)
        return processes.add_up(self._learned, value)

    def _own_gradients(self, inputs: Sequence[Encoded], targets: Tensor) -> float | None:
        """Same for this process's share of the batch: its contribution to the mean over all examples."""
        mine = processes.share()
        own, own_targets = inputs[mine], targets[mine]
        value = 0.0
        try:
            for start in range(0, len(own), self.state.largest):
                part = own[start : start + self.state.largest]
                with self._compute.autocast():
                    loss = self._lesson.loss(
                        self._model, part, own_targets[start : start + self.state.largest], self._pad_id
                    )
                loss = loss * (len(part) / len(inputs))
                value += float(loss.detach())
                self._scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
            return None
        return value

    def _diverged(self, what: str, rate: float) -> Diverged:
        outcome = self._outcome()
        if self._best:
            self._model.load_state_dict(self._best[0].weights)
        self._model.eval()
        return Diverged(
            f"the {what} at step {self.state.step}, where the learning rate was {rate:.3g}: "
            f"lower the learning rate (now {self._settings.learning_rate:g}) and start again",
            outcome,
        )

    def end_epoch(self, steps: int, examples_per_second: float) -> Epoch:
        """Validate, and keep the weights if they are among the best; returns the record of the epoch.

        Save only after reporting the record: if killed in between, the epoch ends again and no report is lost.
        """
        state = self.state
        # Without validation data, each epoch counts as better than the one before.
        accuracy = state.epoch + 1.0 if self._validation is None else self._accuracy(self._validation)
        record = Epoch(
            epoch=state.epoch,
            loss=state.loss_sum / steps,
            validation_accuracy=None if self._validation is None else accuracy,
            best=accuracy > state.best_accuracy,
            examples_per_second=examples_per_second,
        )
        if record.best:
            state.best_accuracy, state.best_epoch = accuracy, state.epoch
        if len(self._best) < self._settings.kept or accuracy > self._best[-1].accuracy:
            self._best.append(Best(accuracy, state.epoch, _copy(self._model)))
            self._best.sort(key=lambda best: (-best.accuracy, best.epoch))
            del self._best[self._settings.kept :]
        state.epoch, state.batch, state.loss_sum = state.epoch + 1, 0, 0.0
        return record

    def finish(self, cancelled: bool = False) -> Outcome:
        """Load the best weights into the model and set eval mode; before any epoch has ended, keep the current weights.

        The mean of the best epochs is used instead if it is not worse on the validation data. If cancelled, nothing is
        averaged, and if no epoch has ended, only `WHEN_CANCELLED` validation examples are measured.
        """
        self._restore_attention()
        outcome = replace(self._outcome(), cancelled=cancelled)
        if not self._best:
            if self.state.step and self._validation is not None:
                inputs, labels = self._validation
                chosen = spot_check(len(inputs))
                outcome.best_accuracy = self._accuracy(([inputs[i] for i in chosen], labels[chosen]))
        elif len(self._best) > 1 and self._validation is not None and not cancelled:
            self._model.load_state_dict(mean_weights([best.weights for best in self._best]))
            accuracy = self._accuracy(self._validation)
            if accuracy >= outcome.best_accuracy:
                outcome.best_accuracy, outcome.averaged = accuracy, len(self._best)
        if self._best and outcome.averaged == 1:
            self._model.load_state_dict(self._best[0].weights)
        self._model.eval()
        return outcome

    def _outcome(self) -> Outcome:
        state = self.state
        return Outcome(state.best_accuracy, state.best_epoch, state.epoch, state.step, False)

    def save_if_due(self) -> None:
        settings = self._settings
        due = settings.checkpoint_steps is not None and self.state.step % settings.checkpoint_steps == 0
        if due or time.monotonic() - self._saved > settings.checkpoint_seconds:
            self.save()

    def save(self) -> None:
        """Replace the checkpoint atomically, if one is wanted. Raises StorageError."""
        if self._file.path is None or not processes.main():
            return
        content = {
            "stage": self._file.stage,
            "settings": dict(self._file.bound),
            "model": self._model.state_dict(),
            "lesson": self._lesson.state_dict(),
            "best": [vars(best) for best in self._best],
            "optimizer": self._optimizer.state_dict(),
            "state": asdict(self.state),
            "scaler": self._scaler.state_dict(),
            "rng": torch.get_rng_state(),
            "device_rng": random_state(self._compute.device),
        }
        checkpoints.write(self._file.path, content)
        self._saved = time.monotonic()

    def _restore(self) -> None:
        """Resume from the checkpoint if there is one of this stage; several processes use that of the first."""
        path = self._file.path
        if path is None:
            return
        content = processes.from_main(lambda: checkpoints.read(path) if path.exists() else None)
        if content is None:
            return
        checkpoints.refuse_others(path, content, self._file.bound)
        if content["stage"] != self._file.stage:
            return
        try:
            self._model.load_state_dict(content["model"])
            self._lesson.load_state_dict(content["lesson"])
            self._optimizer.load_state_dict(content["optimizer"])
            self._scaler.load_state_dict(content["scaler"])
            torch.set_rng_state(content["rng"])
            set_random_state(self._compute.device, content.get("device_rng"))
            self.state, self._best = State(**content["state"]), [Best(**best) for best in content["best"]]
        except Exception as error:
            raise checkpoints.of_another_model(path) from error

    def _accuracy(self, validation: Data) -> float:
        inputs, labels = validation
        logits = finish(processes.shared(inputs, lambda some: predict(self._model, some, 64, self._pad_id)))
        predicted = logits.argmax(-1)
        return float((predicted == labels).float().mean())


def mean_weights(states: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Mean of each floating-point tensor; other tensors, such as counts, are taken from the first state.

    The last epochs of one training lie in one basin, and their mean is often flatter and better than each of them
    (Izmailov et al., "Averaging Weights Leads to Wider Optima and Better Generalization", UAI 2018, Section 3).
    """
    return {
        name: torch.stack([state[name] for state in states]).mean(0) if value.is_floating_point() else value.clone()
        for name, value in states[0].items()
    }


def _copy(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}
