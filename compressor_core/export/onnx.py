"""A model as one ONNX file, in float32, and ONNX Runtime to execute it."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator
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
from compressor_core.models.inputs import Encoded, FunctionInput
from compressor_core.models.pair import PairClassifier, encoder_config

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

OPSET: Final = 17
_EXAMPLE_LENGTHS: Final = (7, 5)
"""Of the functions that the exporter traces; no two dimensions of an example are alike, so that none is confused."""


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


def export_onnx(model: nn.Module, path: Path, *, fused: bool = True) -> None:
    """Write a sequence classifier, or a `PairClassifier`, that reads tokens alone to one ONNX file.

    Inputs, all int64 (batch, length), both of any size: `input_ids` and `attention_mask`; of a pair
    `input_ids_1`, `attention_mask_1`, `input_ids_2` and `attention_mask_2`. Output: `logits` (batch, 2), float32.
    The model itself is left as it was: its mode, its attention and its device. With `fused`, attention is one operator
    of ONNX Runtime (see `attention`); without, the file has ONNX's standard operators alone, for other runtimes.

    Raises:
        ModelError: what it computes cannot be written down, or not for functions of any length.
        StorageError: the disk refuses.
    """
    pair = isinstance(model, PairClassifier)
    names = [f"{name}_{side}" for side in "12" for name in _INPUTS] if pair else list(_INPUTS)
    device = next(model.parameters()).device
    example = []
    for length in _EXAMPLE_LENGTHS[: 2 if pair else 1]:
        ids = torch.full((2, length), 4, device=device)
        example += [ids, torch.ones_like(ids)]
    free = {name: {0: "batch", 1: f"length{name.removeprefix(_stem(name))}"} for name in names}
    try:
        with (
            _traceable(model, attention.NAME if fused and _is_mask_of_padding(model) else "eager"),
            torch.inference_mode(),
        ):
            torch.onnx.export(
                # In eval mode itself: the exporter hands the mode of what it exported on to the model.
                (_Pair(model) if isinstance(model, PairClassifier) else _Single(model)).eval(),
                tuple(example),
                str(path),
                input_names=names,
                output_names=["logits"],
                dynamic_axes={**free, "logits": {0: "batch"}},
                opset_version=OPSET,
                custom_opsets={"com.microsoft": 1} if fused else None,
                dynamo=False,
            )
        _try(path, pair)
    except OSError as error:
        raise storage_error(error, path) from error
    except Exception as error:  # of PyTorch's exporter and of ONNX Runtime, which have nothing in common
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:160]
        raise ModelError(
            f"A {encoder_config(model).model_type} model cannot be written as ONNX ({reason}): hand on the model "
            "folder itself, or distill a student from it and export that"
        ) from error


def _is_mask_of_padding(model: nn.Module) -> bool:
    """Whether each token attends to all others: then the mask is the same for all, as `attention` has it."""
    config = encoder_config(model)
    layers = set(getattr(config, "layer_types", None) or ())
    return type(config) in MODEL_FOR_MASKED_LM_MAPPING and layers <= {"full_attention"}


def _try(path: Path, pair: bool) -> None:
    """Run the file on lengths that the exporter has not seen: some models are traced for one alone."""
    session = open_onnx(path)
    for length in (3, 70):
        run_onnx(session, (FunctionInput([4] * length),) * (1 + pair))


_INPUTS: Final = ("input_ids", "attention_mask")


def _stem(name: str) -> str:
    return next(stem for stem in _INPUTS if name.startswith(stem))


@contextlib.contextmanager
def _traceable(model: nn.Module, attending: str) -> Iterator[None]:
    """In eval mode and with attention that the exporter can write down; as it was, afterwards."""
    encoder: Any = model.encoder if isinstance(model, PairClassifier) else model
    mode, before = model.training, encoder.config._attn_implementation
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    try:
        model.eval()
        encoder.set_attn_implementation(attending)
        logger.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            # That this exporter is the older one, and that a trace is a trace: both are known.
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
        encoder.set_attn_implementation(before)
        model.train(mode)


def open_onnx(path: Path, *, threads: int = 1) -> InferenceSession:
    """A session on the CPU with so many threads. Raises ModelError if the file is absent or no ONNX model."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what goes wrong is raised as well
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime has a class of its own for each reason, and none in common
        reason = str(error).strip().splitlines()[0][:200]
        raise ModelError(f"the ONNX model {path} cannot be opened ({reason}): export it again") from error


def run_onnx(session: InferenceSession, example: Encoded) -> NDArray[np.float32]:
    """Logits (1, 2) of one example, unpadded."""
    arrays = []
    for function in example:
        ids = np.asarray([function.ids], dtype=np.int64)
        arrays += [ids, np.ones_like(ids)]
    names = [given.name for given in session.get_inputs()]
    logits: NDArray[np.float32] = session.run(["logits"], dict(zip(names, arrays, strict=True)))[0]
    return logits
