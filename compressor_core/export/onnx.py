"""Export of a model to one float32 ONNX file, and running it with ONNX Runtime."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import MODEL_FOR_MASKED_LM_MAPPING

from compressor_core.errors import ModelError
from compressor_core.export import attention
from compressor_core.files import storage_error
from compressor_core.models import graph
from compressor_core.models.inputs import Encoded, FunctionInput, GraphInput
from compressor_core.models.pair import PairClassifier, encoder_config

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

OPSET: Final = 17
_TOKENS: Final = ("input_ids", "attention_mask")
_EXAMPLE_LENGTHS: Final = (7, 5)
"""Lengths of the traced functions; all dimensions of an example differ, so that the exporter confuses none."""


class _Single(nn.Module):
    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        logits: Tensor = self.model(input_ids=input_ids, attention_mask=attention_mask).logits
        return logits


class _Pair(nn.Module):
    def __init__(self, model: PairClassifier) -> None:
        super().__init__()
        self.model = model

    def forward(self, first: Tensor, first_mask: Tensor, second: Tensor, second_mask: Tensor) -> Tensor:
        logits: Tensor = self.model((first, first_mask), (second, second_mask))
        return logits


class _DataFlow(nn.Module):
    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.pad_id = int(encoder_config(model).pad_token_id or 0)

    def forward(self, *given: Tensor) -> Tensor:
        whole: Any = self.model
        pair = isinstance(self.model, PairClassifier)
        words = (whole.encoder if pair else whole).get_input_embeddings()
        count = len(graph.INPUTS)
        sides = [given[start : start + count] for start in range(0, len(given), count)]
        batches = [graph.encoder_arguments(words, self.pad_id, *side) for side in sides]
        if pair:
            paired: Tensor = whole.compare(*(whole.pool(batch.arguments, batch.code) for batch in batches))
            return paired
        logits: Tensor = whole(**batches[0].arguments).logits
        return logits


def export_onnx(model: nn.Module, path: Path, *, fused: bool = True, data_flow: bool = False) -> None:
    """Write a sequence classifier, or a `PairClassifier`, to one ONNX file.

    Inputs, both int64 (batch, length) of any size: `input_ids` and `attention_mask`; with `data_flow` those of
    `graph.arrays`. For a pair: `input_ids_1`, `attention_mask_1`, `input_ids_2` and so on. Output: `logits` (batch, 2),
    float32. The model's mode, attention and device are left unchanged. With `fused`, attention is one operator of ONNX
    Runtime (see `attention`); otherwise, or with data flow, the file has only standard ONNX operators.

    Raises:
        ModelError: the model cannot be exported, or not for functions of any length.
        StorageError: writing failed.
    """
    pair = isinstance(model, PairClassifier)
    stems = graph.INPUTS if data_flow else _TOKENS
    names, example = [], []
    free: dict[str, dict[int, str]] = {}
    device = next(model.parameters()).device
    for side, length in zip(("_1", "_2") if pair else ("",), _EXAMPLE_LENGTHS, strict=False):
        names += [f"{stem}{side}" for stem in stems]
        arrays = onnx_inputs([_example(length, data_flow)] * 2, 1, data_flow=data_flow)
        example += [torch.from_numpy(array).to(device) for array in arrays]
        # With data flow, nodes count towards the length, but not towards the code length.
        axes = {"shares": (f"length{side}", f"code{side}"), "attention_mask": (f"length{side}",) * (1 + data_flow)}
        axes |= {"input_ids": (f"{'code' if data_flow else 'length'}{side}",), "position_ids": (f"length{side}",)}
        free |= {f"{stem}{side}": dict(enumerate(("batch", *axes[stem]))) for stem in stems}
    fused = fused and not data_flow and _is_mask_of_padding(model)
    wrapped = _DataFlow(model) if data_flow else _Pair(model) if isinstance(model, PairClassifier) else _Single(model)
    try:
        with _traceable(model, attention.NAME if fused else "eager"), torch.inference_mode():
            torch.onnx.export(
                # The wrapper must be in eval mode, since the exporter restores its mode on the model.
                wrapped.eval(),
                tuple(example),
                str(path),
                input_names=names,
                output_names=["logits"],
                dynamic_axes={**free, "logits": {0: "batch"}},
                opset_version=OPSET,
                custom_opsets={"com.microsoft": 1} if fused else None,
                dynamo=False,
            )
        _try(path, 1 + pair, data_flow)
    except OSError as error:
        raise storage_error(error, path) from error
    except Exception as error:  # errors of PyTorch's exporter and ONNX Runtime have no common class
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:160]
        raise ModelError(
            f"A {encoder_config(model).model_type} model cannot be written as ONNX ({reason}): hand on the model "
            "folder itself, or distill a student from it and export that"
        ) from error


def _is_mask_of_padding(model: nn.Module) -> bool:
    """Whether each token attends to all others, so that the mask is the same for all, as `attention` requires."""
    config = encoder_config(model)
    layers = set(getattr(config, "layer_types", None) or ())
    return type(config) in MODEL_FOR_MASKED_LM_MAPPING and layers <= {"full_attention"}


def _try(path: Path, functions: int, data_flow: bool) -> None:
    """Run the file on lengths that were not traced: some models can only be traced for a single length."""
    session = open_onnx(path)
    for length in (3, 70):
        run_onnx(session, (_example(length, data_flow),) * functions)


def _example(length: int, data_flow: bool) -> FunctionInput:
    flow = GraphInput(((1, 2), (1, 3), (0, 0)), ((1, 0),)) if data_flow else None
    return FunctionInput([4] * length, flow)


@contextlib.contextmanager
def _traceable(model: nn.Module, attending: str) -> Iterator[None]:
    """Context in which the model is in eval mode and has exportable attention; restored afterwards."""
    encoder: Any = model.encoder if isinstance(model, PairClassifier) else model
    mode, before = model.training, encoder.config._attn_implementation
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    try:
        model.eval()
        encoder.set_attn_implementation(attending)
        logger.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            # Known warnings: this is the older exporter, and it traces.
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
        encoder.set_attn_implementation(before)
        model.train(mode)


def open_onnx(path: Path, *, threads: int = 1) -> InferenceSession:
    """Open a session on the CPU. Raises ModelError if the file is missing or not an ONNX model."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # errors are raised anyway
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's error classes have no common base
        reason = str(error).strip().splitlines()[0][:200]
        raise ModelError(f"the ONNX model {path} cannot be opened ({reason}): export it again") from error


def run_onnx(session: InferenceSession, example: Encoded, pad_id: int = 1) -> NDArray[np.float32]:
    """Logits (1, 2) of one unpadded example; `pad_id`, from which positions are counted, matters for data flow only."""
    names = [given.name for given in session.get_inputs()]
    data_flow = len(names) == len(graph.INPUTS) * len(example)
    arrays = [array for function in example for array in onnx_inputs([function], pad_id, data_flow=data_flow)]
    logits: NDArray[np.float32] = session.run(["logits"], dict(zip(names, arrays, strict=True)))[0]
    return logits


def onnx_inputs(
    functions: Sequence[FunctionInput], pad_id: int, length: int = 0, *, data_flow: bool = False
) -> tuple[NDArray[Any], ...]:
    """Inputs of a file for one side of a batch, padded to its longest function, or to `length` if that is longer.

    Token ids and attention mask (functions, longest), with 0 in the mask for padding; with `data_flow`, see
    `graph.arrays`.
    """
    if data_flow:
        return tuple(graph.arrays(functions, pad_id, length).values())
    longest = max(length, *(len(function.ids) for function in functions))
    ids = np.full((len(functions), longest), pad_id, np.int64)
    mask = np.zeros_like(ids)
    for row, function in enumerate(functions):
        ids[row, : len(function.ids)] = function.ids
        mask[row, : len(function.ids)] = 1
    return ids, mask
