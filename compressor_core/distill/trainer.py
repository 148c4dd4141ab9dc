"""The training loop that teachers and students share: a generator of records with checkpoints."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from compressor_core.distill import processes
from compressor_core.distill.batching import Data, EpochData, Record, batches, schedule
from compressor_core.distill.checkpoint import State
from compressor_core.distill.learner import Learner, Outcome, Place
from compressor_core.distill.lessons import Answers, Lesson, Objective
from compressor_core.distill.settings import TrainingSettings


def fit(
    model: nn.Module,
    pad_id: int,
    config: TrainingSettings,
    epoch_data: EpochData,
    validation: Data | None,
    objective: Objective | Lesson,
    *,
    stage: str = "",
    settings: Mapping[str, Any] | None = None,
    checkpoint: Path | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Generator[Record, None, Outcome]:
    """Train in place; yields a record per step and per epoch; leaves the best epoch's weights in the model.

    AdamW, linear warm-up and decay, gradient clipping, batches of similar length. Weights decay only where they are
    matrices: biases and the scales of norms have no reason to be small. The model stays on the device that was
    chosen; mixed precision keeps the weights in float32. The best epoch is the one with the highest validation
    accuracy; without `validation` it is the last one. A batch that does not fit in memory is learned in halves whose
    gradients add up to the same step, and so are those after it. So do those of several processes, see `processes`.

    If `checkpoint` exists and is of this `stage`, training goes on from it; one of another stage is passed over, and
    written over in time. With one thread of a CPU the final weights equal those of an uninterrupted training bit for
    bit. `settings` are what two sittings must have in common beside those of `config`.

    Records: {"type": "step", "step", "epoch", "loss", "learning_rate"}; {"type": "epoch", "epoch", "loss",
    "validation_accuracy", "best", "examples_per_second"}; {"type": "notice", "message"}; {"type": "progress", …}.

    Raises:
        SettingsError: the device or precision asked for cannot be had.
        ModelError: the checkpoint is damaged, or of a training with other settings.
        Diverged: the loss is no longer a finite number; the model then holds the best weights so far.
        TrainingError: not even one example fits in memory.
        StorageError: the checkpoint cannot be written.
    """
    if config.threads is not None:
        torch.set_num_threads(config.threads)
    # Some layers of other people's models have dropout: its stream belongs to the run as well.
    torch.manual_seed(config.seed)
    lesson = objective if isinstance(objective, Lesson) else Answers(objective)
    # Plain strings in the place of enumerations, which a checkpoint cannot hold.
    bound = {
        name: str(value) if isinstance(value, str) else value
        for name, value in {**config.binding(), **(settings or {})}.items()
    }
    processes.require_same(bound)
    learner = Learner(model, pad_id, config, lesson, validation, Place(checkpoint, stage, bound))
    state = learner.state
    stopped = False
    yield {"type": "progress", "message": "Preparing the first epoch"}
    # Asked before an epoch and not after one: a resumed training may have been at its end.
    while state.epoch < config.epochs and not _hopeless(state, config.patience):
        data = yield from processes.until_cancelled(epoch_data(state.epoch), cancelled)
        if data is None:
            stopped = True
            break
        inputs, targets = data
        cut = batches(inputs, config.batch_size, random.Random(f"{config.seed}/{state.epoch}"))
        total = len(cut) * config.epochs
        started, seen = time.monotonic(), 0
        while state.batch < len(cut) and not stopped:
            chosen = cut[state.batch]
            rate = config.learning_rate * schedule(state.step, total, config.warmup)
            largest = state.largest
            loss = learner.step([inputs[i] for i in chosen], targets[chosen], rate)
            seen += len(chosen)
            if state.largest < largest:
                yield {
                    "type": "notice",
                    "message": f"A batch of {min(largest, len(chosen))} did not fit in memory at step {state.step}: "
                    f"at most {state.largest} examples are computed at once from here on, to the same end",
                }
            yield {"type": "step", "step": state.step, "epoch": state.epoch, "loss": loss, "learning_rate": rate}
            yield {
                "type": "progress",
                "fraction": state.step / total,
                "message": f"Epoch {state.epoch + 1} of {config.epochs}, step {state.step} of {total}",
            }
            stopped = processes.any_of(cancelled())
            learner.save_if_due()
        if stopped:
            break
        speed = seen / max(time.monotonic() - started, 1e-9)
        yield {"type": "epoch", **learner.end_epoch(len(cut)), "examples_per_second": speed}
        learner.save()
    if stopped:
        learner.save()
    return learner.finish(stopped)


def _hopeless(state: State, patience: int | None) -> bool:
    """Whether so many epochs in a row have ended without a better validation accuracy."""
    return patience is not None and state.epoch - 1 - state.best_epoch >= patience
