"""From encoded examples to logits: one batch with gradients, or many without."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from compressor_core.models import graph
from compressor_core.models.inputs import Batch, Encoded, FunctionInput
from compressor_core.models.pair import PairClassifier


def forward(model: nn.Module, inputs: Sequence[Encoded], pad_id: int) -> Tensor:
    """Logits (batch, 2) of one batch. A function that stands in several pairs of the batch is encoded once."""
    if not isinstance(model, PairClassifier):
        logits: Tensor = model(**_batch(model, [function for (function,) in inputs], pad_id).arguments).logits
        return logits
    functions, rows = _distinct(inputs)
    # Two batches, of the shorter and of the longer half, have less padding than one.
    order, half = _by_length(functions), (len(functions) + 1) // 2
    parts = [_vectors(model, [functions[i] for i in part], pad_id) for part in (order[:half], order[half:]) if part]
    vectors = torch.cat(parts)[torch.tensor(order).argsort().to(parts[0].device)]
    first, second = rows.to(vectors.device).unbind(1)
    return model.compare(vectors[first], vectors[second])


def predict(model: nn.Module, inputs: Sequence[Encoded], batch_size: int, pad_id: int) -> Generator[int, None, Tensor]:
    """Logits (inputs, 2) on the CPU, in the order given, without gradients; yields how many examples are done.

    Batches hold functions of similar length, so little is padded. For pairs, every distinct function of the call
    is encoded once, however many pairs it stands in.
    """
    was_training = model.training
    model.eval()
    try:
        if isinstance(model, PairClassifier):
            return (yield from _predict_pairs(model, inputs, batch_size, pad_id))
        logits = torch.zeros(len(inputs), 2)
        order = _by_length([function for (function,) in inputs])
        for start in range(0, len(order), batch_size):
            chosen = order[start : start + batch_size]
            with torch.inference_mode():
                logits[chosen] = forward(model, [inputs[i] for i in chosen], pad_id).float().cpu()
            yield start + len(chosen)
        return logits
    finally:
        model.train(was_training)


def _predict_pairs(
    model: PairClassifier, inputs: Sequence[Encoded], batch_size: int, pad_id: int
) -> Generator[int, None, Tensor]:
    logits = torch.zeros(len(inputs), 2)
    if not inputs:
        return logits
    functions, rows = _distinct(inputs)
    order = _by_length(functions)
    device = next(model.parameters()).device
    vectors: Tensor | None = None
    for start in range(0, len(order), batch_size):
        chosen = order[start : start + batch_size]
        with torch.inference_mode():
            encoded = _vectors(model, [functions[i] for i in chosen], pad_id)
            if vectors is None:
                vectors = torch.empty(len(functions), encoded.shape[-1], dtype=encoded.dtype, device=device)
            vectors[torch.tensor(chosen, device=device)] = encoded
        # The head costs next to nothing beside the encoder: an example counts as done with its functions.
        yield (start + len(chosen)) * len(inputs) // len(functions)
    assert vectors is not None
    for start in range(0, len(inputs), 1024):
        first, second = rows[start : start + 1024].to(device).unbind(1)
        with torch.inference_mode():
            logits[start : start + 1024] = model.compare(vectors[first], vectors[second]).float().cpu()
    return logits


def _distinct(inputs: Sequence[Encoded]) -> tuple[list[FunctionInput], Tensor]:
    """The different functions, and for each example (inputs, 2) which of them are its own."""
    places: dict[object, int] = {}
    functions: list[FunctionInput] = []
    rows = []
    for example in inputs:
        row = []
        for function in example:
            place = places.setdefault((tuple(function.ids), function.graph), len(functions))
            if place == len(functions):
                functions.append(function)
            row.append(place)
        rows.append(row)
    return functions, torch.tensor(rows)


def _by_length(functions: Sequence[FunctionInput]) -> list[int]:
    return sorted(range(len(functions)), key=lambda i: len(functions[i]))


def _vectors(model: PairClassifier, functions: Sequence[FunctionInput], pad_id: int) -> Tensor:
    """(functions, hidden): each function by itself, in one padded batch."""
    batch = _batch(model.encoder, functions, pad_id)
    return model.pool(batch.arguments, batch.code)


def _batch(model: nn.Module, functions: Sequence[FunctionInput], pad_id: int) -> Batch:
    """Token ids and attention mask, (functions, longest), on the model's device; more where there is data flow."""
    if any(function.graph is not None and function.graph.spans for function in functions):
        model_with_words: Any = model
        return graph.batch(model_with_words.get_input_embeddings(), functions, pad_id)
    device = next(model.parameters()).device
    length = max(len(function.ids) for function in functions)
    ids = torch.tensor([function.ids + [pad_id] * (length - len(function.ids)) for function in functions])
    mask = torch.tensor([[1] * len(f.ids) + [0] * (length - len(f.ids)) for f in functions])
    arguments = {"input_ids": ids.to(device), "attention_mask": mask.to(device)}
    return Batch(arguments, arguments["attention_mask"])
