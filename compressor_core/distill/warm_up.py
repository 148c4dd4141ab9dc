"""A warm-up before a training: the model first guesses masked tokens of the code that it will learn from."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import torch

from compressor_core.distill import processes
from compressor_core.distill.batching import Data, EpochData, remembered
from compressor_core.distill.checkpoint import stage_of
from compressor_core.distill.lessons import MaskedTokens, mask
from compressor_core.distill.settings import TrainingSettings
from compressor_core.distill.tokens import encoded
from compressor_core.distill.trainer import fit
from compressor_core.models.classifier import Classifier
from compressor_core.models.encoded import Examples, Functions
from compressor_core.progress import relay
from compressor_core.records import Epoch, Progress, Record, Step, WarmUpEpoch, WarmUpStep, Work

WARM_UP = "warm-up"
Codes = Callable[[int], Iterable[tuple[str, ...]]]
"""The code of a draw: its examples, without their labels."""


def warm_up(
    model: Classifier,
    settings: TrainingSettings,
    data: EpochData,
    *,
    bound: Mapping[str, Any],
    checkpoint: Path | None,
    cancelled: Callable[[], bool],
) -> Work[bool]:
    """Train on masked tokens for `settings.epochs`, unless a checkpoint is beyond that; False if it was cancelled.

    `data`: see `masked`. Raises as `fit`.
    """
    if processes.from_main(lambda: stage_of(checkpoint)) not in (None, WARM_UP):
        return True
    work = fit(
        model.model,
        model.pad_id,
        settings.replace(patience=None, average=0),
        data,
        None,
        MaskedTokens(model.model),
        stage=WARM_UP,
        bound=bound,
        checkpoint=checkpoint,
        cancelled=cancelled,
    )
    return not (yield from relay(work, _as_warm_up)).cancelled


def masked(model: Classifier, codes: Codes, seed: int, draw_of: Callable[[int], int], *, keep: bool) -> EpochData:
    """Functions with masked tokens and what those were, epoch by epoch, see `mask`.

    `codes` gives those of a draw, `draw_of` the draw of an epoch; with `keep`, their tokens stay in the cache.
    """

    def draw(number: int) -> Work[Data]:
        each = dict.fromkeys(code for example in codes(number) for code in example)
        inputs = yield from encoded(model, [(code,) for code in each], keep=keep)
        return inputs, torch.empty(0)

    drawn = remembered(draw, draw_of)

    def epoch_data(epoch: int) -> Work[Data]:
        inputs, _ = yield from drawn(epoch)
        assert isinstance(inputs, Examples)
        return masked_in(model, inputs.functions, seed, epoch)

    return epoch_data


def masked_in(model: Classifier, functions: Functions, seed: int, epoch: int) -> Data:
    """These functions with the tokens masked that an epoch draws, and what those were, see `mask`."""
    # The only special token that a byte-level tokenizer never needs.
    return mask(functions, int(model.tokenizer.unk_token_id or 0), random.Random(f"{seed}/{epoch}/mask"))


def _as_warm_up(record: Record) -> Record:
    """A record of a training, told apart from those of the training that follows."""
    if isinstance(record, Progress):
        return Progress(message=f"Warm-up on masked code: {record.message}")
    if isinstance(record, Step):
        return WarmUpStep(**record.model_dump(exclude={"type"}))
    if isinstance(record, Epoch):
        return WarmUpEpoch(**record.model_dump(exclude={"type"}))
    return record
