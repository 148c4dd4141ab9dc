"""An ONNX model with its weights in 8 bits: a quarter of the file, and answers that have to be measured again."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from compressor_core.errors import ModelError
from compressor_core.files import storage_error

if TYPE_CHECKING:
    from onnx import ModelProto


def export_int8(float32: Path, path: Path) -> None:
    """Quantise the model of an ONNX file that `export_onnx` wrote; inputs and output stay what they are.

    Activations are quantised as they come, so no examples are needed (dynamic quantisation,
    https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html). Each output channel has a scale of
    its own, and weights use 7 of the 8 bits: with all 8, processors without instructions for 8-bit products (VNNI)
    add two of them into too few bits, and a student would answer worse there than where it was measured.
    `path` is replaced once the new file is whole.

    Raises:
        ModelError: `float32` is absent or no ONNX model.
        StorageError: the disk refuses.
    """
    from onnxruntime.quantization import QuantType, quantize_dynamic

    if not float32.is_file():
        raise ModelError(f"the ONNX model {float32} is not there: export it in float32 first")
    try:
        # The quantiser may leave files of its own beside its output: they go with this folder.
        draft = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
        try:
            with _quiet():
                quantize_dynamic(
                    _weights_in_place(float32),
                    draft / path.name,
                    per_channel=True,
                    reduce_range=True,
                    weight_type=QuantType.QInt8,
                )
            os.replace(draft / path.name, path)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    except OSError as error:
        raise storage_error(error, path) from error
    except Exception as error:  # onnx and protobuf each have their own
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        raise ModelError(f"the ONNX model {float32} cannot be quantised ({reason}): export it again") from error


def _weights_in_place(path: Path) -> ModelProto:
    """The model, with every weight named where it is used.

    The exporter writes weights that are used twice, as those of an encoder of pairs, or that are equal, behind
    `Identity` nodes: the quantiser does not look behind them, and would leave such weights in float32.
    """
    import onnx

    model = onnx.load(path)
    weights = {weight.name for weight in model.graph.initializer}
    named = {n.output[0]: n.input[0] for n in model.graph.node if n.op_type == "Identity" and n.input[0] in weights}
    nodes = [node for node in model.graph.node if not named.keys() & set(node.output)]
    for node in nodes:
        node.input[:] = [named.get(name, name) for name in node.input]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the advice to infer shapes first: lengths are to stay open."""
    logger = logging.getLogger()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
