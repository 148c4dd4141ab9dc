"""From encoded examples to logits: one batch with gradients, or many without."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from compressor_core.errors import ModelError
from compressor_core.models import graph
from compressor_core.models.compute import Compute, Precision, out_of_memory
from compressor_core.models.encoded import Examples, lengths_of
from compressor_core.models.inputs import Batch, Encoded, FunctionInput
from compressor_core.models.modeling_pair import mean_state
from compressor_core.models.pair import PairClassifier


def forward(model: nn.Module, inputs: Sequence[Encoded], pad_id: int) -> Tensor:
    """Logits (batch, 2) of one batch. A function that occurs in several pairs of the batch is encoded once."""
    if not isinstance(model, PairClassifier):
        logits: Tensor = model(**_batch(model, [function for (function,) in inputs], pad_id).arguments).logits
        return logits
    return model.compare(*_pairs(model, inputs, pad_id))


def forward_pooled(model: nn.Module, inputs: Sequence[Encoded], pad_id: int) -> tuple[Tensor, Tensor]:
    """Logits (batch, 2) as of `forward`, and the pooled states (batch, 2, hidden) of the last layer.

    For a pair, they are the vectors of its two functions, which the head compares. For a single function, they are the
    state of `<s>`, which the head reads, and the mean over its code.
    """
    if not isinstance(model, PairClassifier):
        batch = _batch(model, [function for (function,) in inputs], pad_id)
        output = model(**batch.arguments, output_hidden_states=True)
        last = output.hidden_states[-1]
        return output.logits, torch.stack([last[:, 0], mean_state(last, batch.code)], 1)
    first, second = _pairs(model, inputs, pad_id)
    return model.compare(first, second), torch.stack([first, second], 1)


def token_states(model: nn.Module, functions: Sequence[FunctionInput], pad_id: int) -> Tensor:
    """Last encoder states (functions, longest, hidden) of one batch: code first, then nodes and padding."""
    whole: Any = model
    encoder: nn.Module = model.encoder if isinstance(model, PairClassifier) else whole.base_model
    states: Tensor = encoder(**_batch(encoder, functions, pad_id).arguments).last_hidden_state
    return states


def predict(
    model: nn.Module, inputs: Sequence[Encoded], batch_size: int, pad_id: int, precision: Precision = Precision.FLOAT32
) -> Generator[int, None, Tensor]:
    """Logits (inputs, 2) on the CPU, in the given order, without gradients; yields the number of examples done.

    Batches hold functions of similar length to reduce padding; one that does not fit in memory is halved. For pairs,
    every distinct function of the call is encoded once. `precision` is that of the matrix products; logits are
    float32.
    """
    logits, _ = yield from _predict(model, inputs, batch_size, pad_id, precision, pooled=False)
    return logits


def predict_pooled(
    model: nn.Module, inputs: Sequence[Encoded], batch_size: int, pad_id: int, precision: Precision = Precision.FLOAT32
) -> Generator[int, None, tuple[Tensor, Tensor]]:
    """Logits as of `predict`, and the pooled states (inputs, 2, hidden) in float16, see `forward_pooled`."""
    logits, states = yield from _predict(model, inputs, batch_size, pad_id, precision, pooled=True)
    assert states is not None
    return logits, states


def finite(logits: Tensor) -> Tensor:
    """Return the logits (examples, 2). Raises ModelError if one is not finite: even finite weights may overflow."""
    bad = logits[~logits.isfinite().all(-1)]
    if len(bad):
        raise ModelError(
            f"the model's answer to {len(bad):,} of {len(logits):,} examples is no finite number ({bad[0].tolist()}): "
            "its weights are damaged or were trained at too high a learning rate; take another model"
        )
    return logits


_PART = 16
"""Maximum number of functions of a batch of pairs that are encoded together."""
_Predicted = tuple[Tensor, Tensor | None]


def _predict(
    model: nn.Module, inputs: Sequence[Encoded], batch_size: int, pad_id: int, precision: Precision, *, pooled: bool
) -> Generator[int, None, _Predicted]:
    was_training = model.training
    model.eval()
    compute = Compute(next(model.parameters()).device, precision)
    try:
        if isinstance(model, PairClassifier):
            return (yield from _predict_pairs(model, inputs, batch_size, pad_id, compute, pooled))
        return (yield from _predict_functions(model, inputs, batch_size, pad_id, compute, pooled))
    finally:
        model.train(was_training)


def _predict_functions(
    model: nn.Module, inputs: Sequence[Encoded], batch_size: int, pad_id: int, compute: Compute, pooled: bool
) -> Generator[int, None, _Predicted]:
    logits = torch.zeros(len(inputs), 2)
    states: Tensor | None = None

    def answer(chosen: Sequence[int]) -> None:
        nonlocal states
        batch = [inputs[i] for i in chosen]
        if not pooled:
            logits[chosen] = forward(model, batch, pad_id).float().cpu()
            return
        found, vectors = forward_pooled(model, batch, pad_id)
        logits[chosen] = found.float().cpu()
        if states is None:
            states = torch.empty(len(inputs), *vectors.shape[1:], dtype=torch.float16)
        states[chosen] = vectors.half().cpu()

    yield from _in_batches(_ordered(lengths_of(inputs)), batch_size, compute, answer)
    return logits, states


def _predict_pairs(
    model: PairClassifier, inputs: Sequence[Encoded], batch_size: int, pad_id: int, compute: Compute, pooled: bool
) -> Generator[int, None, _Predicted]:
    logits = torch.zeros(len(inputs), 2)
    if not inputs:
        return logits, None
    functions, lengths, rows = _different(inputs)
    device = compute.device
    vectors: Tensor | None = None

    def encode(chosen: Sequence[int]) -> None:
        nonlocal vectors
        encoded = _vectors(model, [functions[i] for i in chosen], pad_id)
        if vectors is None:
            vectors = torch.empty(len(functions), encoded.shape[-1], dtype=encoded.dtype, device=device)
        vectors[torch.tensor(chosen, device=device)] = encoded

    for done in _in_batches(_ordered(lengths), batch_size, compute, encode):
        # The head costs almost nothing compared with the encoder, so progress counts encoded functions.
        yield done * len(inputs) // len(functions)
    assert vectors is not None
    for start in range(0, len(inputs), 1024):
        first, second = rows[start : start + 1024].to(device).unbind(1)
        with torch.inference_mode(), compute.autocast():
            logits[start : start + 1024] = model.compare(vectors[first], vectors[second]).float().cpu()
    return logits, vectors.half().cpu()[rows] if pooled else None


def _in_batches(
    order: Sequence[int], batch_size: int, compute: Compute, work: Callable[[Sequence[int]], None]
) -> Generator[int, None, None]:
    """Do `work` on all of `order` in batches, without gradients; yields the number done.

    Starts at the end of `order`, with the longest: their memory is then reused for all later batches, while with
    growing batches an allocator would keep the memory of each.
    """
    left = len(order)
    while left:
        chosen = order[left - (left % batch_size or batch_size) : left]
        try:
            with torch.inference_mode(), compute.autocast():
                work(chosen)
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error) or len(chosen) == 1:
                raise
            batch_size = (len(chosen) + 1) // 2
        else:
            left -= len(chosen)
            yield len(order) - left


def _pairs(model: PairClassifier, inputs: Sequence[Encoded], pad_id: int) -> tuple[Tensor, Tensor]:
    """Vectors (batch, hidden) of the first and the second functions of one batch of pairs."""
    functions, rows = _distinct(inputs)
    # Several batches of similar length need less padding than one.
    order = _ordered([len(function) for function in functions])
    size = min(_PART, -(-len(order) // 2))
    parts = [
        _vectors(model, [functions[i] for i in order[start : start + size]], pad_id)
        for start in range(0, len(order), size)
    ]
    vectors = torch.cat(parts)[torch.tensor(order).argsort().to(parts[0].device)]
    first, second = rows.to(vectors.device).unbind(1)
    return vectors[first], vectors[second]


def _distinct(inputs: Sequence[Encoded]) -> tuple[list[FunctionInput], Tensor]:
    """Distinct functions, and their indices for each example (inputs, 2)."""
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


def _different(inputs: Sequence[Encoded]) -> tuple[Sequence[FunctionInput], Sequence[int], Tensor]:
    """Result of `_distinct`, and the lengths; flat arrays stay flat arrays."""
    if not isinstance(inputs, Examples):
        functions, rows = _distinct(inputs)
        return functions, [len(function) for function in functions], rows
    different, places = inputs.distinct()
    return different, different.lengths.tolist(), torch.from_numpy(places)


def _ordered(lengths: Any) -> list[int]:
    """Indices that sort the lengths in ascending order, stably."""
    order: list[int] = np.argsort(lengths, kind="stable").tolist()
    return order


def _vectors(model: PairClassifier, functions: Sequence[FunctionInput], pad_id: int) -> Tensor:
    """Vectors (functions, hidden) of single functions, encoded in one padded batch."""
    batch = _batch(model.encoder, functions, pad_id)
    return model.pool(batch.arguments, batch.code)


def _batch(model: nn.Module, functions: Sequence[FunctionInput], pad_id: int) -> Batch:
    """Token ids and attention mask (functions, longest) on the model's device; with data flow, further inputs."""
    if any(function.graph is not None and function.graph.spans for function in functions):
        model_with_words: Any = model
        return graph.batch(model_with_words.get_input_embeddings(), functions, pad_id)
    device = next(model.parameters()).device
    length = max(len(function.ids) for function in functions)
    ids = torch.tensor([function.ids + [pad_id] * (length - len(function.ids)) for function in functions])
    mask = torch.tensor([[1] * len(f.ids) + [0] * (length - len(f.ids)) for f in functions])
    arguments = {"input_ids": ids.to(device), "attention_mask": mask.to(device)}
    return Batch(arguments, arguments["attention_mask"])
