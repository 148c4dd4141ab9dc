"""Warm-up before a training: the model first predicts masked tokens of the code that it will learn from."""

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
"""Maps a draw to its examples, without labels."""


def warm_up(
    model: Classifier,
    settings: TrainingSettings,
    data: EpochData,
    *,
    bound: Mapping[str, Any],
    checkpoint: Path | None,
    cancelled: Callable[[], bool],
) -> Work[bool]:
    """Train on masked tokens for `settings.epochs`, unless a checkpoint is past the warm-up; False if cancelled.

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
    """Functions with masked tokens and the original tokens, epoch by epoch, see `mask`.

    `codes` gives the examples of a draw, `draw_of` the draw of an epoch; with `keep`, their tokens are cached.
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
    """Functions with the tokens masked that an epoch draws, and the original tokens, see `mask`."""
    # The only special token that a byte-level tokenizer never needs.
    return mask(functions, int(model.tokenizer.unk_token_id or 0), random.Random(f"{seed}/{epoch}/mask"))


def _as_warm_up(record: Record) -> Record:
    """Record of a training, marked as part of the warm-up."""
    if isinstance(record, Progress):
        return Progress(message=f"Warm-up on masked code: {record.message}")
    if isinstance(record, Step):
        return WarmUpStep(**record.model_dump(exclude={"type"}))
    if isinstance(record, Epoch):
        return WarmUpEpoch(**record.model_dump(exclude={"type"}))
    return record
