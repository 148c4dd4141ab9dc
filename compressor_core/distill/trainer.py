"""The training loop that teachers and students share, with checkpoints."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from compressor_core.distill import processes
from compressor_core.distill.batching import Data, EpochData, batches, schedule
from compressor_core.distill.checkpoint import State
from compressor_core.distill.learner import CheckpointFile, Learner, Outcome
from compressor_core.distill.lessons import Answers, Lesson, Objective
from compressor_core.distill.settings import TrainingSettings
from compressor_core.records import Notice, Progress, Step, Work


def fit(
    model: nn.Module,
    pad_id: int,
    settings: TrainingSettings,
    epoch_data: EpochData,
    validation: Data | None,
    objective: Objective | Lesson,
    *,
    stage: str = "",
    bound: Mapping[str, Any] | None = None,
    checkpoint: Path | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Work[Outcome]:
    """Train in place; yields a `Step` per step and an `Epoch` per epoch; leaves the best epoch's weights in the model.

    AdamW, linear warm-up and decay, gradient clipping, batches of similar length. Weight decay applies to matrices
    only, not to biases and norm scales. The model stays on the chosen device; mixed precision keeps the weights in
    float32. The best epoch is the one with the highest validation accuracy, or the last one without `validation`. If a
    batch does not fit in memory, it and all later ones are learned in halves whose gradients add up to the same step.
    The gradients of several processes add up likewise, see `processes`.

    If `checkpoint` exists and is of this `stage`, training resumes from it; one of another stage is ignored and later
    overwritten. With one CPU thread the final weights equal those of an uninterrupted training bit for bit. `bound` is
    what must be the same on resuming, besides `settings`.

    Raises:
        SettingsError: the device or precision is not available.
        ModelError: the checkpoint is damaged, or of a training with other settings.
        Diverged: the loss is no longer finite; the model then holds the best weights so far.
        TrainingError: not even one example fits in memory.
        StorageError: the checkpoint cannot be written.
    """
    if settings.threads is not None:
        torch.set_num_threads(settings.threads)
    # Imported models may have dropout, whose random stream must be reproducible as well.
    torch.manual_seed(settings.seed)
    lesson = objective if isinstance(objective, Lesson) else Answers(objective)
    all_bound = {**settings.binding(), **(bound or {})}
    processes.require_same(all_bound)
    learner = Learner(model, pad_id, settings, lesson, validation, CheckpointFile(checkpoint, stage, all_bound))
    state = learner.state
    stopped = False
    yield Progress(message="Preparing the first epoch")
    # Checked before an epoch, not after it: a resumed training may already be finished.
    while state.epoch < settings.epochs and not _hopeless(state, settings.patience):
        data = yield from processes.until_cancelled(epoch_data(state.epoch), cancelled)
        if data is None:
            stopped = True
            break
        inputs, targets = data
        cut = batches(inputs, settings.batch_size, random.Random(f"{settings.seed}/{state.epoch}"))
        total = len(cut) * settings.epochs
        started, seen = time.monotonic(), 0
        while state.batch < len(cut) and not stopped:
            chosen = cut[state.batch]
            rate = settings.learning_rate * schedule(state.step, total, settings.warmup)
            largest = state.largest
            loss = learner.step([inputs[i] for i in chosen], targets[chosen], rate)
            seen += len(chosen)
            if state.largest < largest:
                yield Notice(
                    message=f"A batch of {min(largest, len(chosen))} did not fit in memory at step {state.step}: "
                    f"at most {state.largest} examples are computed at once from here on, to the same end"
                )
            yield Step(step=state.step, epoch=state.epoch, loss=loss, learning_rate=rate)
            yield Progress(
                fraction=state.step / total,
                message=f"Epoch {state.epoch + 1} of {settings.epochs}, step {state.step} of {total}",
            )
            stopped = processes.any_of(cancelled())
            learner.save_if_due()
        if stopped:
            break
        yield learner.end_epoch(len(cut), seen / max(time.monotonic() - started, 1e-9))
        learner.save()
    if stopped:
        learner.save()
    return learner.finish(stopped)


def _hopeless(state: State, patience: int | None) -> bool:
    """Whether `patience` consecutive epochs have ended without a better validation accuracy."""
    return patience is not None and state.epoch - 1 - state.best_epoch >= patience
