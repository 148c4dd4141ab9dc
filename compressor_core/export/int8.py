"""Quantisation of an ONNX model to 8-bit weights: a quarter of the size, with accuracy to be measured again."""

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
    """Quantise the model of an ONNX file that `export_onnx` wrote; inputs and output stay the same.

    Activations are quantised at run time, so no examples are needed (dynamic quantisation,
    https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html). Each output channel has its own
    scale, and weights use 7 of the 8 bits: with all 8, sums of two products overflow on processors without
    instructions for 8-bit products (VNNI), and a student would be less accurate there than where it was measured.
    `path` is replaced atomically.

    Raises:
        ModelError: `float32` is missing or not an ONNX model.
        StorageError: writing failed.
    """
    from onnxruntime.quantization import QuantType, quantize_dynamic

    if not float32.is_file():
        raise ModelError(f"the ONNX model {float32} is not there: export it in float32 first")
    try:
        # The quantiser may leave temporary files beside its output; they are removed with this folder.
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
    except Exception as error:  # onnx and protobuf each raise their own errors
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        raise ModelError(f"the ONNX model {float32} cannot be quantised ({reason}): export it again") from error


def _weights_in_place(path: Path) -> ModelProto:
    """Load the model, with every weight connected directly to the nodes that use it.

    The exporter puts equal weights, and those used twice as in an encoder of pairs, behind `Identity` nodes. The
    quantiser does not look behind these and would leave such weights in float32.
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
    """Context without the quantiser's advice to infer shapes first, since lengths must stay dynamic."""
    logger = logging.getLogger()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
